"""Examples in README.md: Python blocks run, commands and make targets exist."""

import re
import subprocess
import sys

import pytest

from tests.commands import main_of, runner
from tests.meta.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = "\n".join(code for language, code in BLOCKS if language == "sh").replace("\\\n", " ")
COMMANDS = re.findall(r"python -m (lsh|data_prep) (\w+)(.*)", SHELL)
TARGETS = sorted(set(re.findall(r"make ([a-z]+)", SHELL)))


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_example_uses_the_library():
    assert any("from lsh import" in code and "recall_at_k(" in code for code in PYTHON)


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_each_python_block_runs_without_warnings_and_prints_a_recall_and_a_smaller_share_of_candidates(code):
    """The example shows the purpose of the library: most neighbours with only part of the distances computed."""
    done = run("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    if "recall_at_k(" in code:
        recall, candidates = map(float, done.stdout.split())
        assert 0 < candidates < recall <= 1


@pytest.mark.parametrize(("package", "command", "rest"), COMMANDS)
def test_each_command_exists_with_its_options(package, command, rest, capsys):
    code, out, err = runner(main_of(package), capsys)(command, "--help")
    assert code == 0, err
    for option in re.findall(r" (--[a-z]+)\b", rest.split("#")[0].split("--PJ")[0]):
        assert option in out


@pytest.mark.parametrize("target", TARGETS)
def test_each_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_test_that_trust_names_exists(root):
    named = re.findall(r"`(tests/[\w/]+\.py)`", (root / "docs" / "TRUST.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    assert [name for name in named if not (root / name).is_file()] == []
