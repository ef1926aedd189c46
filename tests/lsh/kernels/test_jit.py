import os
import shutil
import subprocess
import sys

ASK = "from lsh.kernels.grid import grid; print(grid.stats.cache_path)"


def cache_of(package_root, root):
    environment = {**os.environ, "PYTHONPATH": str(package_root)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_change_in_any_kernel_file_leaves_no_compiled_code_of_the_old_one_in_use(root, tmp_path):
    shutil.copytree(root / "lsh", tmp_path / "lsh", ignore=shutil.ignore_patterns("__pycache__"))
    before = cache_of(tmp_path, tmp_path)
    assert before == cache_of(tmp_path, tmp_path)
    with (tmp_path / "lsh" / "kernels" / "ranking.py").open("a") as file:
        file.write("# changed\n")
    assert cache_of(tmp_path, tmp_path) != before


def test_numba_is_left_as_it_was_found():
    code = "import numba; before = numba.config.CACHE_DIR; import lsh; assert numba.config.CACHE_DIR == before"
    subprocess.run([sys.executable, "-c", code], check=True)
