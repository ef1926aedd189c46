"""Options of the benchmarks: each is there, with its default, its range and its help, which states the default."""

import argparse
import json
import os
import re
from pathlib import Path

import pytest

from tests.commands import parsers_of
from tests.meta.test_command_lines import COMMANDS

RECORDED = Path(__file__).with_name("recorded_options.json")
BENCHMARKS = [name for name in COMMANDS if name.startswith("benchmarks")]


def reading(action):
    """Return what an option says of a text that it cannot read, which names its range; None if it reads any text."""
    try:
        return type(action.type("?")).__name__ if callable(action.type) else None
    except argparse.ArgumentTypeError as error:
        return str(error)


def options_of(name, monkeypatch):
    """Yield (name, facts) of each argument of a command."""
    ((_, parser),) = parsers_of(name, monkeypatch)
    for action in parser._actions[1:]:  # the first is --help
        facts = {key: getattr(action, key) for key in ("default", "nargs", "required", "metavar", "choices", "const")}
        facts |= {"reads": reading(action), "kind": type(action).__name__}
        facts["help"] = action.help % vars(action)
        option = " ".join(action.option_strings) or action.dest
        yield option, {k: v for k, v in facts.items() if v is not None and v is not False}
    for group in parser._mutually_exclusive_groups:
        yield "one of", {"options": [action.option_strings[0] for action in group._group_actions]}


def test_the_options_are_those_that_are_recorded(monkeypatch):
    """After a change that is meant: EARSHOT_WRITE_SNAPSHOTS=1 python -m pytest tests/benchmarks/test_options.py."""
    found = {name: dict(options_of(name, monkeypatch)) for name in BENCHMARKS}
    found = json.loads(json.dumps(found, default=str))
    if os.environ.get("EARSHOT_WRITE_SNAPSHOTS") == "1":
        RECORDED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(RECORDED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_help_states_the_default_of_each_number(name, monkeypatch):
    for option, facts in options_of(name, monkeypatch):
        default = facts.get("default", ())
        numbers = list(default) if isinstance(default, list | tuple) else [default]
        if all(isinstance(number, int | float) for number in numbers) and numbers:
            stated = re.findall(r"default: ([\d. ]+)\)", facts["help"])
            assert [float(text) for text in " ".join(stated).split()] == numbers or option == "--workers", option
