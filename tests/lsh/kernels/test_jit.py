"""The cache of compiled kernels and its announcement."""

import os
import shutil
import subprocess
import sys

from lsh.kernels.jit import ANNOUNCEMENT

ASK = "from lsh.kernels.recall_grid import count_grid; print(count_grid.stats.cache_path)"


def cache_of(package_root, root):
    environment = {**os.environ, "PYTHONPATH": str(package_root)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_change_in_any_kernel_file_leaves_no_compiled_code_of_the_old_one_in_use(root, tmp_path):
    for package in ("lsh", "earshot_common"):
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    before = cache_of(tmp_path, tmp_path)
    assert before == cache_of(tmp_path, tmp_path)
    with (tmp_path / "lsh" / "kernels" / "ranking.py").open("a") as file:
        file.write("# changed\n")
    assert cache_of(tmp_path, tmp_path) != before


SEARCH = """
import numpy as np
from lsh.kernels.hashing import prepare
from lsh.kernels.jit import reported_progress
with reported_progress(print):
    for width in (2, 3):
        prepare(np.ones((4, width), "f4"), True, np.zeros(width, "f4"), np.ones((4, width), "f4"))
"""


def test_compiling_is_announced_once_with_its_progress_and_never_when_everything_is_compiled(root, tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    cold, warm = (
        subprocess.run(
            [sys.executable, "-c", SEARCH], cwd=root, env=environment, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    )
    assert (cold.stderr, warm.stderr) == (f"{ANNOUNCEMENT}\n", "")
    progress = [tuple(map(int, line.split())) for line in cold.stdout.splitlines()]
    assert progress[0][0] == 1
    assert progress == sorted(progress)
    assert all(done < total for done, total in progress)  # one kernel and those that it calls
    assert warm.stdout == ""


def test_compiling_other_functions_is_not_announced(root):
    code = "import lsh, numba; f = lambda x: x + 1; numba.njit(f)(2); f.__module__ = None; numba.njit(f)(2)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_importing_lsh_leaves_the_configuration_of_numba_unchanged():
    code = "import numba; before = numba.config.CACHE_DIR; import lsh; assert numba.config.CACHE_DIR == before"
    subprocess.run([sys.executable, "-c", code], check=True)
