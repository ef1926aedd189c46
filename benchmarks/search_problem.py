"""Where the vectors and the queries come from: a prepared dataset, a generator, or two files."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from benchmarks.audioset_like import DATABASE_SEED, DIM, QUERY_SEED, clips, draw_model
from benchmarks.errors import BenchmarkError
from data_prep.dataset import open_dataset
from data_prep.dataset.features import dequantised
from lsh.arrays import Float32Array
from lsh.sampling import evenly_spaced_rows

Number = TypeVar("Number", bound=np.generic)

CACHE = Path("build") / "benchmarks"  # generated vectors are kept here, below the folder one runs in
MOST_LIKE = 20_000_000


@dataclass(frozen=True, slots=True)
class SearchProblem:
    """A search problem as files, which every method's process reads for itself.

    base, queries: .npy files of float32[n, d] and float32[nq, d]; what they are called in a report: name.
    """

    name: str
    base: Path
    queries: Path

    def vectors(self) -> tuple[Float32Array, Float32Array]:
        """Return the vectors, memory-mapped, and the queries."""
        return np.load(self.base, mmap_mode="r", allow_pickle=False), np.load(self.queries, allow_pickle=False)


def prepare(text: str, n_queries: int, folder: Path, say: Callable[[str], None], cache: Path = CACHE) -> SearchProblem:
    """Make a problem from what a person wrote after --dataset; new files go into `folder`.

    text: the folder of a prepared dataset (train is the database, test the queries); frames:FOLDER, every frame of such
    a dataset in its clip's place; like:N, so many vectors like AudioSet's; or BASE.npy,QUERIES.npy.
    """
    if text.startswith("like:"):
        return _like(text, n_queries, folder, say, cache)
    if text.startswith("frames:"):
        return _frames(Path(text.removeprefix("frames:")), n_queries, folder)
    if "," in text:
        base, queries = (Path(part.strip()) for part in text.split(",", maxsplit=1))
        return _files(base, queries, n_queries, folder)
    dataset = open_dataset(text)
    queries = folder / "queries.npy"
    np.save(queries, _some(dataset.features("test"), n_queries))
    return SearchProblem(dataset.title, dataset.path / "train.npy", queries)


def _like(text: str, n_queries: int, folder: Path, say: Callable[[str], None], cache: Path) -> SearchProblem:
    digits = text.removeprefix("like:").replace("_", "")
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= MOST_LIKE:
        raise BenchmarkError(f"{text!r} does not say how many vectors; expected like:N with N from 1 to {MOST_LIKE:,}")
    n, model = int(digits), None
    base, queries = cache / f"like-{n}.npy", folder / "queries.npy"
    if not base.exists():
        say(f"drawing {n:,} vectors like AudioSet's into {base}")
        model = draw_model()
        cache.mkdir(parents=True, exist_ok=True)
        working = base.with_suffix(f".{os.getpid()}.npy")
        out = np.lib.format.open_memmap(working, mode="w+", dtype=np.float32, shape=(n, DIM))
        filled = 0
        for chunk in clips(model, n, DATABASE_SEED):
            out[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        out.flush()
        working.replace(base)
    np.save(queries, np.concatenate(list(clips(model or draw_model(), n_queries, QUERY_SEED))))
    return SearchProblem(f"{n:,} vectors like AudioSet's", base, queries)


def _frames(path: Path, n_queries: int, folder: Path) -> SearchProblem:
    dataset = open_dataset(path)
    _, train = dataset.frames("train")
    _, test = dataset.frames("test")
    base, queries = folder / "frames.npy", folder / "queries.npy"
    np.save(base, dequantised(train))
    np.save(queries, dequantised(_some(test, n_queries)))
    return SearchProblem(f"{dataset.title}: single frames", base, queries)


def _files(base: Path, queries: Path, n_queries: int, folder: Path) -> SearchProblem:
    arrays = [_matrix(path) for path in (base, queries)]
    if arrays[0].shape[1] != arrays[1].shape[1]:
        raise BenchmarkError(
            f"{base} has {arrays[0].shape[1]} features a row, {queries} has {arrays[1].shape[1]}; expected the same"
        )
    ready = base
    if arrays[0].dtype != np.float32 or not arrays[0].flags.c_contiguous:
        ready = folder / "base.npy"
        np.save(ready, np.ascontiguousarray(arrays[0], np.float32))
    np.save(folder / "queries.npy", _some(arrays[1], n_queries).astype(np.float32))
    return SearchProblem(base.stem, ready, folder / "queries.npy")


def _matrix(path: Path) -> npt.NDArray[np.floating]:
    if not path.is_file():
        raise BenchmarkError(f"{path} is not a file; expected an array of vectors as .npy")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BenchmarkError(f"{path} cannot be read as .npy: {error}") from error
    if array.ndim != 2 or array.dtype.kind != "f" or not len(array):
        raise BenchmarkError(f"{path} holds {array.dtype} of shape {array.shape}; expected floats, one vector a row")
    if not all(np.isfinite(array[start : start + 65_536]).all() for start in range(0, len(array), 65_536)):
        raise BenchmarkError(f"{path} holds NaN or infinity; expected finite numbers")
    return array  # type: ignore[no-any-return]


def _some(array: npt.NDArray[Number], most: int) -> npt.NDArray[Number]:
    """Return at most so many rows, evenly spaced from the first to the last."""
    return np.array(array[evenly_spaced_rows(len(array), most)])
