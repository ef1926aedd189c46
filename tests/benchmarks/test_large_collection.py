import re

import numpy as np

from benchmarks.large_collection import SETTINGS, main


def test_seconds_memory_and_recall_of_every_setting_are_printed(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 8), dtype=np.float32)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "Q.npy", X[:25])
    dataset = f"{tmp_path / 'X.npy'},{tmp_path / 'Q.npy'}"
    assert main(["--dataset", dataset, "--metric", "euclidean", "--dtype", "float32", "uint8"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"built in \d+\.\d s \(\d+\.\d s of processor time", text)
    assert re.search(r"memory with the vectors' pages: \d+ MB, \d+ MB while building", text)
    rows = re.findall(r"^\| +(\d+) \| +(\d+)" + 4 * r" \| +([\d.]+)" + r" \|$", text, re.MULTILINE)
    assert [(int(p), int(r)) for p, r, *_ in rows] == SETTINGS
    assert float(rows[-1][2]) == 1.0  # all of the buckets, and 200 rows of 2,000
    assert 0.8 < float(rows[-1][4]) < 1.0  # distances of rounded values order a few neighbours otherwise
    assert all(float(ms) > 0 for row in rows for ms in (row[3], row[5]))
