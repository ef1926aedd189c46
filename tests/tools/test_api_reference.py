"""The API reference, written from signatures and docstrings."""

import ast

import pytest

from tools import api_reference


def test_the_reference_in_docs_is_current():
    assert api_reference.PATH.read_text(encoding="utf-8") == api_reference.render(), "run `make api`"


def test_a_signature_and_lines_about_parameters_become_markdown():
    docstring = "Find.\n\n    k: how many\n        are found.\n\n    Slow.\n    "
    (node,) = ast.parse(f'def nearest(X: Array, k: int = 10) -> Result:\n    """{docstring}"""\n').body
    text = "\n".join(api_reference._entry("nearest", node))
    assert "```python\nnearest(X: Array, k: int=10) -> Result\n```" in text
    assert "Find.\n\n- `k`: how many\n  are found.\n\nSlow.\n" in text


@pytest.mark.parametrize("name", [*api_reference.LSH, *api_reference.DATASETS])
def test_every_public_name_has_a_docstring_of_its_own(name):
    thing = (api_reference.LSH | api_reference.DATASETS)[name]
    assert ast.get_docstring(api_reference._definition(thing))
