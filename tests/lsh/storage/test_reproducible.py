"""Saved indexes have the same bytes for any number of BLAS threads and whatever processor BLAS is made for."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
import lsh

X = np.load(sys.argv[1])
labels = np.arange(len(X) + 1), (np.arange(len(X)) % 7).astype(np.int16)
indexes = {
    f"{metric} {name}": index
    for metric in ("cosine", "euclidean")
    for name, index in {
        "kmeans": lsh.SketchIndex(metric, 40).fit(X),
        "crosspolytopes": lsh.SketchIndex(metric, 40, family="crosspolytopes").fit(X),
        "hyperplanes": lsh.SketchIndex(metric, 32, family="hyperplanes").fit(X),
        "wide": lsh.SketchIndex(metric).fit(np.concatenate([X, X[::-1]], axis=1)),
        "tables": lsh.LSHIndex(metric, 6, 12, sketches=True).fit(X),
    }.items()
}
if sys.argv[3] == "learned":
    indexes |= {"itq": lsh.LSHIndex(n_tables=3, n_bits=12, family="itq").fit(X)}
    indexes |= {"grh": lsh.LSHIndex(n_tables=3, n_bits=12, family="grh").fit(X, labels)}
for name, index in indexes.items():
    lsh.save(index, Path(sys.argv[2], name.replace(" ", "-")))
"""


def saved(folder: Path, X: Path, root: Path, threads: int, target: str) -> subprocess.Popen[str]:
    """Start a process that saves indexes; target: the processor that OpenBLAS computes for, if not the present one."""
    folder.mkdir()
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}
    if target:
        environment["OPENBLAS_CORETYPE"] = target
    command = [sys.executable, "-c", PROGRAM, X, folder, "" if target else "learned"]
    return subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True)


def test_files_have_the_same_bytes_for_any_number_of_threads_and_any_target_of_blas(root, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 100))[rng.integers(0, 50, 4000)] + rng.standard_normal((4000, 100))
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    # Learned directions differ in their last bits on another processor: of them there is no file for another target.
    folders = [tmp_path / name for name in ("one", "four", "other")]
    runs = zip(folders, [(1, ""), (4, ""), (2, "Prescott")], strict=True)
    processes = [saved(folder, tmp_path / "X.npy", root, *run) for folder, run in runs]
    for process in processes:
        err = process.communicate()[1]
        assert process.returncode == 0, err
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert [len(of_run) for of_run in files] == [12, 12, 10]
    assert files[0] == files[1]
    assert {name: files[0][name] for name in files[2]} == files[2]
