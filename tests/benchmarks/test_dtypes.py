"""Recall of exact search over features of 8 and 16 bits."""

import re

import numpy as np
import pytest

from benchmarks.dtypes import main
from benchmarks.search_problem import prepare
from data_prep.dataset import open_dataset
from tests.commands import runner
from tests.data_prep.small_datasets import write

N = 3000


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the same clips as datasets in float32 and in uint8."""
    features = np.random.default_rng(3).standard_normal((N, 8)).astype(np.float32)
    features[1, 2] = 40  # so that the 255 steps are wide
    folder = tmp_path_factory.mktemp("dtypes")
    return {dtype: write(folder / dtype, n=N, features=features, dtype=dtype) for dtype in ("float32", "uint8")}


def recall_by_hand(folders, metric, k):
    """Return the share of the k nearest by float32 that are among the k nearest by uint8, query by query."""
    nearest = {}
    for dtype, folder in folders.items():
        X, Q = (open_dataset(folder).features(split)[:].astype(np.float64) for split in ("train", "test"))
        if metric == "cosine":
            X, Q = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (X, Q))
        nearest[dtype] = [np.argsort(((X - q) ** 2).sum(axis=1))[:k] for q in Q]
    return np.mean([len(np.intersect1d(*pair)) / k for pair in zip(*nearest.values(), strict=True)])


def test_recall_of_each_dtype_is_that_of_exact_search_over_the_stored_values(folders, capsys):
    code, out, err = runner(main, capsys)(folders["float32"])
    assert code == 0
    title, head, ruler, *_ = out.splitlines()
    assert title == "Thirty clips: 1,000 test clips as queries among 1,000 train clips; recall ± standard error"
    titles = "distance", "dtype", "bytes a clip", "recall@1", "recall@10", "recall@100"
    assert tuple(cell.strip() for cell in head.strip("|").split("|")) == titles
    assert [cell.strip() for cell in ruler.strip("|").split("|")] == ["---", "---", "--:", "--:", "--:", "--:"]
    assert err.splitlines() == [
        f"{metric}: exact search for 1,000 queries among 1,000 clips" for metric in ("cosine", "euclidean")
    ]
    found = {tuple(cell.strip() for cell in line.split("|")[1:4]): line for line in out.splitlines() if "±" in line}
    found.pop(next(key for key in found if not key), None)
    assert {key[1:] for key in found} == {("float32", "32"), ("float16", "16"), ("uint8", "8")}
    for (metric, dtype, _), line in found.items():
        pairs = re.findall(r"(\d\.\d{4}) ± (\d\.\d{4})", line)
        recalls = [float(value) for value, _ in pairs]
        share = recalls[0]  # of the nearest alone: recall is 0 or 1
        assert float(pairs[0][1]) == pytest.approx(np.sqrt(share * (1 - share) / 1000), abs=1e-4)
        if dtype == "float32":
            assert recalls == [1, 1, 1]
        if dtype == "uint8":
            expected = [recall_by_hand(folders, metric, k) for k in (1, 10, 100)]
            assert expected[0] < 0.9
            np.testing.assert_allclose(recalls, expected, atol=0.005)  # equal distances by uint8 are ordered anew


def test_a_dataset_in_uint8_is_refused_since_nothing_is_left_to_compare_with(folders, capsys):
    code, out, err = runner(main, capsys)(folders["uint8"])
    assert (code, out) == (2, "")
    assert "stores its features as uint8; expected float32 to compare with" in err


def test_other_libraries_are_given_the_values_that_a_compact_dataset_stands_for(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.search_problem._BLOCK_ROWS", 333)
    problem = prepare(str(folders["uint8"]), 50, tmp_path, print)
    X, Q = problem.vectors()
    dataset = open_dataset(folders["uint8"])
    assert X.dtype == np.float32
    np.testing.assert_array_equal(X, dataset.features("train")[:])
    assert len(Q) == 50
    assert prepare(str(folders["float32"]), 50, tmp_path, print).base == folders["float32"] / "train.npy"
