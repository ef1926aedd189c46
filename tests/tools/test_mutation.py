"""Mutation testing: the faults, the draw, which tests are run for each, and the report."""

import json
import os
import subprocess
import sys

import pytest

from tools.mutation.__main__ import PACKAGES, draw, interval, main
from tools.mutation.mutants import mutants_of
from tools.mutation.reach import FOLDER, Reach


def faulty(source):
    """Return (operator, source with the fault) of each mutant."""
    return [(m.operator, m.apply(source.encode()).decode()) for m in mutants_of("a.py", source.encode())]


@pytest.mark.parametrize(
    ("source", "operator", "expected"),
    [
        ("y = a < b\n", "comparison", "y = (a <= b)\n"),
        ("y = a not in b\n", "comparison", "y = (a in b)\n"),
        ("y = 'é' < b\n", "comparison", "y = ('é' <= b)\n"),  # columns count bytes
        ("y = a + b\n", "arithmetic", "y = (a - b)\n"),
        ("y += b\n", "arithmetic", "y -= b\n"),
        ("y += b\n", "dropped statement", "pass\n"),
        ("y = -a\n", "arithmetic", "y = (a)\n"),
        ("y = a and b\n", "logic", "y = (a or b)\n"),
        ("y = not a\n", "condition", "y = (a)\n"),
        ("if f(a):\n    y = a\n", "condition", "if (not (f(a))):\n    y = a\n"),
        ("y = a[1]\n", "constant", "y = a[0]\n"),
        ("y = a[1]\n", "constant", "y = a[2]\n"),
        ("y = 0.5\n", "constant", "y = 0.75\n"),
        ("y = True\n", "constant", "y = False\n"),
        ("y = f(a, b, c)\n", "arguments", "y = f(b, a, c)\n"),
        ("f(a)\n", "dropped statement", "pass\n"),
        ("y.z = a\n", "dropped statement", "pass\n"),
        ("raise E\n", "dropped statement", "pass\n"),
    ],
)
def test_each_operator_makes_its_fault(source, operator, expected):
    assert (operator, expected) in faulty(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""\n',
        "from a import b\n",
        "y: int | None = a\n",
        "Index = A | B\n",
        "__all__ = ['a', 'b']\n",
        "y = 'a' + b\n",
        "y = f'{a + 1}'\n",
        "@cached(1 < 2)\ndef f(): return a\n",
        "if __name__ == '__main__':\n    main(1)\n",
        "y = f(a, a)\n",
        "y = min(a, b)\n",
        "y = np.maximum(a, b, c)\n",
    ],
)
def test_no_fault_is_put_where_none_can_show(source):
    assert faulty(source) == []


@pytest.fixture
def tree(tmp_path):
    """Return a small tree: a module whose function is called in a thread, and its test."""
    (tmp_path / "ui").mkdir()
    (tmp_path / "tests" / "ui").mkdir(parents=True)
    (tmp_path / "ui" / "__init__.py").touch()
    (tmp_path / "ui" / "a.py").write_text(
        "LIMIT = 3\n\ndef f(x):\n    if x < LIMIT:\n        return 1\n    return x + 2\n"
    )
    (tmp_path / "tests" / "ui" / "test_a.py").write_text(
        "from threading import Thread\nfrom ui.a import f\n\n"
        "def test_small():\n    small = Thread(target=f, args=(1,))\n    small.start()\n    small.join()\n\n"
        "def test_large():\n    assert f(5) == 7\n"
    )
    return tmp_path


def test_the_same_seed_draws_the_same_faults_one_per_line(tree):
    drawn = draw(tree, "ui", 3, 7)
    assert drawn == draw(tree, "ui", 3, 7)
    assert len({m.line for m in draw(tree, "ui", 100, 7)}) == len(draw(tree, "ui", 100, 7)) == 4
    assert len({tuple(draw(tree, "ui", 3, seed)) for seed in range(20)}) > 1
    assert draw(tree, "ui", 9, 7, under="ui/b") == []


def test_lines_are_attributed_to_the_tests_that_run_them_in_threads_as_well(tree, root, tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.mutation.reach", "-p", "no:cacheprovider", "tests"]
    paths = os.pathsep.join([str(tree), str(root)])
    environment = {**os.environ, "PYTHONPATH": paths, FOLDER: str(tmp_path / "reach"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True)
    reach = Reach(tmp_path / "reach", tree)
    small, large = "tests/ui/test_a.py::test_small", "tests/ui/test_a.py::test_large"
    assert reach.lines["ui/a.py"][5] == {small}
    assert reach.lines["ui/a.py"][6] == {large}
    assert reach.tests_of("ui/a.py", 5, 60) == [small, large]  # they may share a fixture
    assert reach.tests_of("ui/a.py", 6, 60) == [large, small]
    assert set(reach.tests_of("ui/a.py", 4, 60)) == {small, large}
    assert set(reach.tests_of("ui/a.py", 1, 60)) == {small, large}  # executed at import
    assert reach.tests_of("ui/b.py", 1, 60) == []


def reach_of(tmp_path, seconds, lines):
    (tmp_path / "reach-1.json").write_text(json.dumps({"seconds": seconds, "lines": lines}))
    return Reach(tmp_path, tmp_path)


def test_quick_tests_and_those_of_the_mirrored_file_come_first_within_the_limit(tmp_path):
    seconds = {"tests/ui/test_b.py::t": 2, "tests/lsh/test_a.py::t": 1, "tests/ui/test_a.py::t": 9, "x::t": 50}
    reach = reach_of(tmp_path, seconds, {"ui/a.py": {"4": list(seconds)}})
    in_order = ["tests/ui/test_a.py::t", "tests/ui/test_b.py::t", "tests/lsh/test_a.py::t", "x::t"]
    assert reach.tests_of("ui/a.py", 4, 100) == in_order
    assert reach.tests_of("ui/a.py", 4, 12) == in_order[:3]
    assert reach.tests_of("ui/a.py", 4, 1) == in_order[:1]


def test_a_line_that_runs_compiled_or_at_import_is_tried_by_the_tests_of_the_nearest_importers(tmp_path):
    (tmp_path / "lsh" / "kernels").mkdir(parents=True)
    sources = {
        "lsh/errors.py": "",
        "lsh/a.py": "from lsh.errors import E\nfrom lsh import b\n",
        "lsh/b.py": "import lsh.kernels.k\n",
        "lsh/c.py": "from lsh import a\n",
        "lsh/kernels/k.py": "",
    }
    for path, source in sources.items():
        (tmp_path / path).write_text(source)
    lines = {
        "lsh/c.py": {"1": ["test_c"]},
        "lsh/b.py": {"7": ["test_b"]},
        "lsh/kernels/k.py": {"2": ["test_uncompiled"]},
    }
    reach = reach_of(tmp_path, {}, lines)
    assert reach.tests_of("lsh/errors.py", 1, 60) == ["test_c"]  # a.py, which no test reaches, is imported by c.py
    assert reach.tests_of("lsh/kernels/k.py", 2, 60) == ["test_b", "test_uncompiled"]
    assert reach.tests_of("lsh/b.py", 8, 60) == ["test_b"]


def test_the_interval_is_wilsons():
    assert interval(8, 10) == pytest.approx((0.490, 0.943), abs=5e-4)


def test_the_report_counts_per_package_and_lists_what_was_not_noticed(tmp_path, capsys, monkeypatch):
    fields = {"line": 1, "operator": "constant", "before": "1", "after": "2"}
    verdicts = [("ui/a.py", "noticed"), ("ui/b.py", "survived"), ("ui/c.py", "survived"), ("lsh/a.py", "unreached")]
    records = [{"key": path, "path": path, "verdict": verdict, **fields} for path, verdict in verdicts]
    (tmp_path / "out").write_text("\n".join(map(json.dumps, records)))
    (tmp_path / "same").write_text("ui/c.py\tthe result is the same\n")
    monkeypatch.setattr(sys, "argv", ["mutation", "report", f"{tmp_path}/out", "--equivalent", f"{tmp_path}/same"])
    main()
    said = capsys.readouterr().out
    assert "| ui | 2 | 1 | 50.0% |" in said
    assert "| lsh | 1 | 0 | 0.0% |" in said
    assert "| all | 3 | 1 | 33.3% |" in said
    assert said.index("ui/b.py:1") < said.index("Left out") < said.index("ui/c.py:1 constant: 1 -> 2: the result is")
    assert PACKAGES == ("ui", "data_prep", "lsh", "benchmarks")
