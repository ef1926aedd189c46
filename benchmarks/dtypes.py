"""Cost of compact features: recall of exact search over uint8 and float16 against the neighbours of float32.

`python -m benchmarks.dtypes DATASET` stores the features of a dataset in each dtype as `python -m data_prep pack` does,
the queries too, and counts the true neighbours by float32 that exact search over the stored values finds.
"""

import argparse
import io
import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.errors import BenchmarkError
from benchmarks.ground_truth import GroundTruth
from benchmarks.markdown import table
from data_prep.arrays import FEATURE_DTYPES, FeatureDtype
from data_prep.dataset import Dataset, open_dataset
from data_prep.dataset.reencode import reencode
from data_prep.errors import DataError
from earshot_common import command_line
from earshot_common.command_line import whole_number
from earshot_common.encoded_vectors import EncodedVectors
from lsh.arrays import StoredVectors
from lsh.errors import LSHError
from lsh.exact import ExactSearch
from lsh.sampling import evenly_spaced_rows
from lsh.validate import METRICS

_NEIGHBOURS = (1, 10, 100)


def main(arguments: list[str] | None = None) -> int:
    """Print the table and return the exit code (see `command_line.run`)."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dtypes",
        description="Compare exact search over features in float32, float16 and uint8.",
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder of a prepared dataset in float32")
    parser.add_argument(
        "--queries", type=whole_number(1, 1_000_000), default=2000, help="maximum number of queries (default: 2000)"
    )
    options = parser.parse_args(arguments)
    return command_line.run(
        lambda: _run(open_dataset(options.dataset), options.queries), (BenchmarkError, DataError, LSHError)
    )


def _run(dataset: Dataset, n_queries: int) -> None:
    if dataset.dtype != "float32":
        raise BenchmarkError(f"{dataset.path} stores its features as {dataset.dtype}; expected float32 to compare with")
    if not dataset.n_rows("test"):
        raise BenchmarkError(f"{dataset.path} has no test clips, which are the queries; expected one or more")
    X, rows = dataset.features("train"), evenly_spaced_rows(dataset.n_rows("test"), n_queries)
    stored = {dtype: _stored(dataset, dtype) for dtype in FEATURE_DTYPES}
    lines = []
    for metric in METRICS:
        command_line.log(f"{metric}: exact search for {len(rows):,} queries among {len(X):,} clips")
        truths = [GroundTruth.compute(X, dataset.features("test")[rows], metric, k) for k in _NEIGHBOURS]
        for dtype, (base, test) in stored.items():
            ids = ExactSearch(base, metric).search(test[rows], max(_NEIGHBOURS)).ids
            recalls = [truth.recalls(ids[:, :k]) for truth, k in zip(truths, _NEIGHBOURS, strict=True)]
            lines.append([metric, dtype, f"{_bytes_per_clip(base)}", *map(_mean, recalls)])
    print(f"{dataset.title}: {len(rows):,} test clips as queries among {len(X):,} train clips; recall ± standard error")
    heads = ["distance", "dtype", "bytes a clip", *(f"recall@{k}" for k in _NEIGHBOURS)]
    print(table(heads, lines, text_columns=(0, 1)))


def _stored(dataset: Dataset, dtype: FeatureDtype) -> tuple[StoredVectors, StoredVectors]:
    """Return the features of train and test in a dtype."""
    manifest, arrays = reencode(dataset, dtype)
    if not arrays:
        return dataset.features("train"), dataset.features("test")
    facts = json.loads(manifest)["features"]
    files = (io.BytesIO(b"".join(arrays[f"{split}.npy"]())) for split in ("train", "test"))
    train, test = (
        EncodedVectors(np.load(file, allow_pickle=False), facts.get("scale", 1), facts.get("offset", 0))
        for file in files
    )
    return train, test


def _bytes_per_clip(features: StoredVectors) -> int:
    return features.nbytes // len(features)


def _mean(recalls: np.ndarray) -> str:
    return f"{recalls.mean():.4f} ± {recalls.std() / np.sqrt(len(recalls)):.4f}"


if __name__ == "__main__":
    sys.exit(main())
