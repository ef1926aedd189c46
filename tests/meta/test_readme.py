import re
import subprocess
import sys

import pytest

from tests.meta.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = "\n".join(code for language, code in BLOCKS if language == "sh").replace("\\\n", " ")
COMMANDS = re.findall(r"python -m (lsh|data_prep) (\w+)(.*)", SHELL)
TARGETS = sorted(set(re.findall(r"make ([a-z]+)", SHELL)))


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_there_is_an_example_of_the_library():
    assert any("from lsh import" in code for code in PYTHON)


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_each_python_block_runs_by_itself_without_a_warning(code):
    done = run("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr


def test_the_example_prints_two_shares_a_good_recall_for_a_part_of_the_collection():
    """The example must show what the library is for: most neighbours for less than all of the work."""
    example = next(code for code in PYTHON if "recall_at_k(" in code)
    recall, looked_at = map(float, run("-c", example).stdout.split())
    assert 0 < looked_at < recall <= 1


@pytest.mark.parametrize(("package", "command", "rest"), COMMANDS)
def test_each_command_shown_exists_with_the_options_shown(package, command, rest):
    done = run("-m", package, command, "--help")
    assert done.returncode == 0, done.stderr
    for option in re.findall(r" (--[a-z]+)\b", rest.split("#")[0].split("--PJ")[0]):
        assert option in done.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_each_make_target_shown_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
