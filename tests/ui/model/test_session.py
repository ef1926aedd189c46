import ast

import pytest

from tests.meta.sources import TREES
from ui.model import session

OTHERS = [name for name in TREES if name.split(".")[0] in {"ui", "app"} and not name.endswith(".session")]


@pytest.mark.parametrize("name", OTHERS)
def test_only_ui_model_session_uses_st_session_state(name):
    used = [node.lineno for node in ast.walk(TREES[name]) if getattr(node, "attr", "") == "session_state"]
    assert used == []


def test_names_of_keys_are_unique():
    names = [value.name for value in vars(session).values() if isinstance(value, session.Key)]
    assert len(names) == len(set(names))
    assert {key.name for key in session.SETTINGS} <= set(names)
