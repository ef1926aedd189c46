"""Systems without POSIX: the modules and functions that only POSIX has are hidden."""

import subprocess
import sys

from tests.meta.sources import MODULES

# Hides what Windows does not have; what the libraries outside this project import of it they have imported before.
HIDE = """
import builtins, errno, importlib, os, shutil, signal, sys, tempfile
from pathlib import Path
import distributed, numba, numpy, pyarrow.parquet, requests, subprocess, tqdm
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "fchmod", "pread", "posix_fadvise", "fork",
             "sched_getaffinity", "sched_setaffinity", "geteuid", "getuid", "mkfifo"):
    delattr(os, name)
del signal.SIGKILL
"""

IMPORT_ALL = """
for name in sys.argv[1:]:
    importlib.import_module(name)
"""

WRITE = """
import lsh
from data_prep.dataset import open_dataset
from data_prep.errors import OutputError
from earshot_common import atomic
from tests.data_prep.small_datasets import write

atomic._exchange = lambda one, other: False  # as on Windows
shutil._use_fd_functions = False  # and so shutil needs no POSIX either
folder = Path(tempfile.mkdtemp())
index = lsh.LSHIndex("cosine", 2, 4).fit(numpy.eye(8, dtype=numpy.float32))
for _ in range(2):
    lsh.save(index, folder / "index")
assert lsh.load(folder / "index").n == 8
assert sum(map(open_dataset(write(folder / "dataset", with_frames=True)).n_rows, ("train", "validation", "test"))) == 30
try:
    from data_prep.dataset.writer import write_dataset
    from tests.data_prep.small_datasets import ABOUT, LABELS, batch
    write_dataset(folder / "dataset", ABOUT, LABELS, [batch(31)], overwrite=True)
except OutputError as error:
    print(error)
print(sorted(os.listdir(folder)))
"""


def run(code, root, *arguments):
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_imports_where_posix_is_missing(root):
    run(HIDE + IMPORT_ALL, root, *(name for name in MODULES if name != "app"))  # app is a script


def test_an_index_is_saved_and_a_dataset_written_where_posix_is_missing(root):
    said, left = run(HIDE + WRITE, root).splitlines()
    assert "dataset cannot be replaced in one step on this system or disk" in said
    assert left == "['dataset', 'index']"
