"""Every command line refuses bad values with one message, exit code 2, no traceback and no unfinished files."""

import argparse
import ast
import contextlib
import re
from pathlib import Path

import pytest

from tests.commands import main_of, parsers_of, runner
from tests.meta.sources import ROOT, trees

MISSING = "no-such-folder"
COMMANDS = {
    "benchmarks": ["--dataset", MISSING],
    "benchmarks.answers": [MISSING],
    "benchmarks.audioset_like": ["--no-such-option"],
    "benchmarks.conversion": [f"{MISSING}/features.tar.gz"],
    "benchmarks.dtypes": [MISSING],
    "benchmarks.duplicates": ["--rows", "0"],
    "benchmarks.filters": [MISSING],
    "benchmarks.growing": ["--rows", "0"],
    "benchmarks.large_collection": ["--dataset", MISSING],
    "benchmarks.promise": [MISSING],
    "benchmarks.query_by_recording": [MISSING, MISSING],
    "benchmarks.scale_out": [MISSING],
    "benchmarks.stopwatch": [MISSING],
    "benchmarks.stragglers": ["--queries", "0"],
    "benchmarks.synthetic_archive": ["--out", "/proc/no-such-folder/features.tar.gz"],
    "benchmarks.versions": [MISSING, "--dataset", MISSING],
    "benchmarks.visitors": [MISSING],
    "benchmarks.visitors.soak": [MISSING, "--record", "record.jsonl"],
    "data_prep": ["map", MISSING],
    "lsh": ["evaluate", MISSING],
    "ui.race_cli": [MISSING],
}
BAD_VALUES = [
    ("benchmarks", ["--dataset", "like:0"]),
    ("benchmarks", ["--dataset", MISSING, "--queries", "-1"]),
    ("benchmarks", ["--gate", MISSING]),
    ("benchmarks", ["--results", MISSING]),
    ("benchmarks.answers", [MISSING, "--queries", "1"]),
    ("benchmarks.answers", [MISSING, "--out", f"{MISSING}/out.md"]),
    ("benchmarks.conversion", [MISSING, "--rounds", "0"]),
    ("benchmarks.dtypes", [MISSING, "--queries", "0"]),
    ("benchmarks.duplicates", ["--threads", "0"]),
    ("benchmarks.duplicates", [MISSING]),
    ("benchmarks.filters", ["like:0"]),
    ("benchmarks.filters", [MISSING, "--queries", "1"]),
    ("benchmarks.large_collection", ["--dataset", "like:many"]),
    ("benchmarks.large_collection", ["--queries", "-1"]),
    ("benchmarks.promise", [MISSING, "--queries", "0"]),
    ("benchmarks.scale_out", [MISSING, "--workers", "0"]),
    ("benchmarks.stopwatch", [MISSING, "--tables", "0"]),
    ("benchmarks.synthetic_archive", ["--out", "features.tar.gz", "--clips", "-5"]),
    ("benchmarks.synthetic_archive", ["--out", "features.tar.gz", "--clips", "0"]),
    ("benchmarks.synthetic_archive", ["--out", "features.tar.gz", "--seed", "-1"]),
    ("benchmarks.versions", [str(ROOT), "--dataset", "like:0"]),
    ("benchmarks.versions", [MISSING, "--dataset", MISSING, "--rounds", "0"]),
    ("benchmarks.visitors", [MISSING, "--sessions", "0"]),
    ("benchmarks.visitors", [MISSING, "--think-ms", "0"]),
    ("benchmarks.visitors", [MISSING, "--pages", "nowhere"]),
    ("benchmarks.visitors.soak", [MISSING]),
    ("lsh", ["build", f"{MISSING}.npy", "--out", "index.lsh"]),
    ("lsh", ["build", f"{MISSING}.npy"]),
    ("lsh", ["search", f"{MISSING}.lsh", f"{MISSING}.npy", "--out", "found.npz"]),
    ("lsh", ["search", f"{MISSING}.lsh"]),
    ("lsh", ["search", MISSING, "--out", "found.npz"]),
    ("lsh", ["duplicates", MISSING, "--radius", "-1"]),
    ("lsh", ["evaluate", MISSING, "--queries", "0"]),
    ("lsh", ["tune", MISSING, "--recall", "2"]),
    ("ui.race_cli", [MISSING, "--clips", "0"]),
    ("ui.race_cli", [MISSING, "--seed", "3000000000"]),
    ("ui.race_cli", [MISSING, "--tables", "0"]),
]


@pytest.mark.parametrize(("name", "arguments"), [*COMMANDS.items(), *BAD_VALUES])
def test_a_bad_value_ends_with_one_message_and_exit_code_2(name, arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = runner(main_of(name), capsys)(*arguments)
    assert (code, out) == (2, "")
    assert [("error: " in line) for line in err.splitlines()].count(True) == 1, err
    assert "error: " in err.splitlines()[-1]
    assert "Traceback" not in err
    assert len(err) < 2000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_describes_the_command(name, capsys):
    code, out, err = runner(main_of(name), capsys)("--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: python -m {name} ")
    assert len(out.splitlines()) > 4


def takes_numbers(action):
    """Return whether an option is read as a number."""
    if action.type in {None, str, Path} or not action.option_strings:
        return False
    for text in ("1", "0.5"):
        with contextlib.suppress(argparse.ArgumentTypeError):
            return isinstance(action.type(text), int | float)
    return False


@pytest.mark.parametrize("name", COMMANDS)
def test_every_number_out_of_range_is_refused_in_one_line_with_the_option_and_its_range(name, monkeypatch, capsys):
    run = runner(main_of(name), capsys)
    for words, parser in parsers_of(name, monkeypatch):
        required = [a for a in parser._actions if a.required]
        rest = [text for a in required for text in [*a.option_strings[:1], MISSING] if not takes_numbers(a)]
        for option in filter(takes_numbers, parser._actions):
            for value in ("-1", "-0.5", "nan", "inf", "many", "9" * 30):
                code, out, err = run(*words, *rest, f"{option.option_strings[0]}={value}")
                last = err.splitlines()[-1]
                assert (code, out) == (2, ""), last
                assert f"error: argument {option.option_strings[0]}: {value!r} is not a " in last
                assert re.search(r"from [\d,]+ to [\d,]+$|above 0, at most [\d,]+$", last), last


def test_options_with_numbers_are_found(monkeypatch):
    found = {
        (name, *words, option.option_strings[0])
        for name in COMMANDS
        for words, parser in parsers_of(name, monkeypatch)
        for option in filter(takes_numbers, parser._actions)
    }
    assert {("data_prep", "map", "--seed"), ("lsh", "tune", "--recall"), ("benchmarks.conversion", "--rounds")} <= found
    assert ("data_prep", "map", "--out") not in found


def test_every_tool_reads_its_arguments_with_a_parser_so_that_help_is_all_that_help_does():
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tools").glob("*.py")}
    tools = {name for name, text in texts.items() if '__name__ == "__main__"' in text}
    assert len(tools) > 5
    assert tools == {name for name in tools if "ArgumentParser(" in texts[name]}


def test_every_command_line_is_among_these():
    runs = {name.removesuffix(".__main__") for name, tree in trees().items() if "__main__" in ast.dump(tree.body[-1])}
    without_arguments = {"lsh.warm", "data_prep.audioset.parse_process", "data_prep.sample.build"}
    without_arguments |= {"data_prep.sounds.decoder_worker", "data_prep.vectors.worker", "benchmarks.versions.worker"}
    assert runs - without_arguments == set(COMMANDS)
