"""Units of tests: what shares something costly is run by one worker."""

import subprocess
import sys

from tests.conftest import GROUPS, LONG, ROOT, unit_of

FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")
}
CONFTEST = "from tests.conftest import pytest_xdist_make_scheduler"
TEST = """
import os, time
from pathlib import Path

def workers(folder):
    return {{line.split()[1] for line in Path({log!r}).read_text().splitlines() if line.startswith(folder)}}

def test_where():
    with open({log!r}, "a") as file:
        file.write("{folder} " + os.environ["PYTEST_XDIST_WORKER"] + "\\n")
    deadline = time.monotonic() + 30
    while "{folder}" == "lsh" and len(workers("lsh")) < 2:
        assert time.monotonic() < deadline, "one worker ran everything"
        time.sleep(0.01)
"""


def test_every_file_with_the_marker_of_a_group_is_in_it():
    for marker, names in (("browser", {"browser"}), ("tensorflow", {"tensorflow"})):
        marked = {file for file, text in FILES.items() if f"pytestmark = pytest.mark.{marker}" in text}
        assert {unit_of(f"{file}::test_x[a::b]") for file in marked} == names
    assert {unit_of(f"{file}::test_x") for file in FILES} >= set(GROUPS)
    assert unit_of("tests/lsh/test_index.py::test_x[tests/browser/]") == "tests/lsh/test_index.py"


def test_every_unit_with_which_workers_begin_is_there():
    assert {unit_of(f"{file}::test_x") for file in FILES} >= LONG


def test_workers_run_whole_groups(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for folder in ("browser", "lsh"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        for i in range(6):
            text = TEST.format(log=str(tmp_path / "log"), folder=folder)
            (tmp_path / "tests" / folder / f"test_{folder}_{i}.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "-p",
        "xdist",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "tests",
    ]
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # most take a second
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    ran = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert len(ran) == 12
    assert len({worker for folder, worker in ran if folder == "browser"}) == 1
    assert len({worker for folder, worker in ran if folder == "lsh"}) == 2
