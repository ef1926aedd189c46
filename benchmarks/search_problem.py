"""Search problems: vectors and queries from a prepared dataset, a generator, or two .npy files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.audioset_like import DATABASE_SEED, DIM, QUERY_SEED, clips, draw_model
from benchmarks.errors import BenchmarkError
from data_prep.dataset import Dataset, open_dataset
from earshot_common.atomic import atomic_file, write_errors
from earshot_common.encoded_vectors import EncodedVectors
from lsh.arrays import Float32Array
from lsh.sampling import evenly_spaced, evenly_spaced_rows

Progress = Callable[[str], None]

CACHE = Path("build") / "benchmarks"  # folder of generated vectors, relative to the current one
MAX_VECTORS = 20_000_000
_BLOCK_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class SearchProblem:
    """A search problem in files, which the process of each method reads.

    name: for reports. base, queries: .npy files of float32[n, d] and float32[nq, d].
    """

    name: str
    base: Path
    queries: Path

    def vectors(self) -> tuple[Float32Array, Float32Array]:
        """Return the vectors, memory-mapped, and the queries."""
        return np.load(self.base, mmap_mode="r", allow_pickle=False), np.load(self.queries, allow_pickle=False)


def unit(X: Float32Array) -> Float32Array:
    """Return vectors scaled to length one, in C order: float32[n, d]; zeros stay."""
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    return np.ascontiguousarray(X / np.where(lengths > 0, lengths, 1), np.float32)


def prepare(text: str, n_queries: int, folder: Path, progress: Progress) -> SearchProblem:
    """Return the problem that the option --dataset describes, with at most n_queries queries.

    text: the folder of a prepared dataset (vectors: its split train, queries: test); like:N, N generated vectors
    like AudioSet's, which are kept in the folder CACHE for later calls; or BASE.npy,QUERIES.npy. folder: for new files.
    Vectors of a dataset in uint8 or float16 are decoded, since other libraries take float32.
    Raises BenchmarkError, DataError for a folder that is no dataset, and WriteError.
    """
    if text.startswith("like:"):
        name, base, Q = _like(text, n_queries, progress)
    elif "," in text:
        name, base, Q = _files(text, n_queries, folder)
    else:
        dataset = open_dataset(text)
        base = _float32_file(dataset, folder)
        name, Q = dataset.title, evenly_spaced(dataset.features("test"), n_queries)
    if not len(Q):
        raise BenchmarkError(f"{text} has no queries; expected at least one")
    queries = folder / "queries.npy"
    np.save(queries, Q.astype(np.float32))
    return SearchProblem(name, base, queries)


def _float32_file(dataset: Dataset, folder: Path) -> Path:
    """Return the .npy file of a dataset's vectors; of encoded ones, a new file of the values that they stand for."""
    X = dataset.features("train")
    if not isinstance(X, EncodedVectors):
        return dataset.path / "train.npy"
    base = folder / "base.npy"
    decoded = np.lib.format.open_memmap(base, "w+", np.float32, X.shape)
    for start in range(0, len(X), _BLOCK_ROWS):
        decoded[start : start + _BLOCK_ROWS] = X[start : start + _BLOCK_ROWS]
    return base


def _like(text: str, n_queries: int, progress: Progress) -> tuple[str, Path, Float32Array]:
    digits = text.removeprefix("like:").replace("_", "")
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= MAX_VECTORS:
        raise BenchmarkError(f"{text!r} gives no number of vectors; expected like:N with N from 1 to {MAX_VECTORS:,}")
    n, model = int(digits), draw_model()
    base = CACHE / f"like-{n}.npy"
    if not base.exists():
        progress(f"generating {n:,} vectors like AudioSet's in {base}")
        with write_errors(base):
            CACHE.mkdir(parents=True, exist_ok=True)
        with atomic_file(base) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (n, DIM)})
            for chunk in clips(model, n, DATABASE_SEED):
                file.write(chunk.tobytes())
    return f"{n:,} vectors like AudioSet's", base, np.concatenate(list(clips(model, n_queries, QUERY_SEED)))


def _files(text: str, n_queries: int, folder: Path) -> tuple[str, Path, npt.NDArray[np.floating]]:
    base, queries = (Path(part.strip()) for part in text.split(",", maxsplit=1))
    X, Q = _matrix(base), _matrix(queries)
    if X.shape[1] != Q.shape[1]:
        raise BenchmarkError(f"{base} has {X.shape[1]} features, {queries} has {Q.shape[1]}; expected equally many")
    converted = base
    if X.dtype != np.float32 or not X.flags.c_contiguous:
        converted = folder / "base.npy"
        np.save(converted, np.ascontiguousarray(X, np.float32))
    return base.stem, converted, Q[evenly_spaced_rows(len(Q), n_queries)]


def _matrix(path: Path) -> npt.NDArray[np.floating]:
    """Return the array in a file, memory-mapped; raise BenchmarkError unless it holds finite vectors."""
    if not path.is_file():
        raise BenchmarkError(f"{path} is not a file; expected an array of vectors as .npy")
    try:
        array: npt.NDArray[np.floating] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BenchmarkError(f"{path} cannot be read as .npy: {error}") from error
    if array.ndim != 2 or array.dtype.kind != "f" or not len(array):
        raise BenchmarkError(
            f"{path} holds {array.dtype} of shape {array.shape}; expected one vector of floats per row"
        )
    if not all(np.isfinite(array[start : start + _BLOCK_ROWS]).all() for start in range(0, len(array), _BLOCK_ROWS)):
        raise BenchmarkError(f"{path} holds NaN or infinity; expected finite numbers")
    return array
