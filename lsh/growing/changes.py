"""Changes of an index that holds data: adding and removing vectors, compacting, and learning anew."""

import copy
import threading
from typing import Any, Generic, Self, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from earshot_common.encoded_vectors import EncodedVectors
from lsh import validate
from lsh.arrays import Float32Array, Int64Array, StoredVectors, read_only_parts
from lsh.errors import NotFittedError, ParameterError, ShapeError
from lsh.growing.segments import Drift, Growth
from lsh.kernels.ranking import Vectors

_locks: WeakKeyDictionary[Any, threading.Lock] = WeakKeyDictionary()
_new_lock = threading.Lock()
Parts = TypeVar("Parts")  # the arrays of one kind of index


class Growing(Generic[Parts]):
    """What `LSHIndex`, `SketchIndex` and `ExactSearch` have in common: vectors are added and removed without a rebuild.

    `_fitted` holds the parts of an index that has not grown, or its `Growth`; a search reads it once, so that it sees
    the index before a change or after it.
    """

    _fitted: Parts | Growth | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        read_only_parts(self._fitted)

    def add(self, X: npt.ArrayLike) -> Int64Array:
        """Add the rows of X, float32[m, d] as for `fit`, and return their ids: int64[m].

        They are copied. Ids are counted on: none is used twice, and none changes. The functions, centroids and other
        parts that were learned stay as they are until `refit`. To an index of `EncodedVectors` only such with the same
        dtype, scale and offset can be added.
        """
        with _lock_of(self):
            growth = self._grown()
            vectors = _like(growth.first.exact.X, X)
            if not len(vectors):
                return np.empty(0, np.int64)
            exact = type(growth.first.exact)(vectors, growth.first.exact.metric)
            self._fitted, ids = growth.with_added(growth.first.over(exact))
        return ids

    def remove(self, ids: npt.ArrayLike) -> None:
        """Remove the vectors with these ids, int64[m], each once; searches no longer find them.

        They take memory until their segment is merged. An index keeps at least one vector. Raises ShapeError for an id
        that the index does not have, and changes nothing then.
        """
        with _lock_of(self):
            growth = self._grown()
            self._fitted = growth.with_removed(ids)

    def compact(self) -> Int64Array:
        """Merge all segments, and return the ids of the rows: int64[n], ascending.

        The result is bit for bit the index of the vectors that were not removed, in order of their ids, with the parts
        that are learned of this one (see `like` of `fit`). Row numbers of that index are not ids: searches still give
        the ids, and `index.exact.X[row]` is the vector with the id that is returned for the row.
        """
        with _lock_of(self):
            growth = self._grown().compacted()
            self._fitted = growth
        return growth.ids

    def refit(self, **fitting: Any) -> Int64Array:
        """Learn from the present vectors anew, and return the ids of the rows as `compact` does: int64[n].

        fitting: further arguments of `fit`, such as the labels of the rows for family "grh". Ids stay.
        """
        with _lock_of(self):
            growth = self._grown()
            learner, X = copy.copy(growth.first), growth.stored()
            fresh = (
                learner.fit(X, **fitting) if hasattr(learner, "fit") else type(learner)(X, learner.metric, **fitting)
            )
            self._fitted = Growth.begin(fresh, growth.ids, growth.next_id)
        return growth.ids

    @property
    def n(self) -> int:
        """Return the number of vectors indexed."""
        fitted = self._fitted
        return fitted.n if isinstance(fitted, Growth) else len(self.exact.X)

    def n_neighbours(self, k: object) -> int:
        """Return k, checked, and at most n: how many neighbours a result has room for."""
        return min(validate.integer(k, "k", 1, 2**31 - 1), self.n)

    @property
    def dim(self) -> int:
        """Return the dimension of the vectors."""
        fitted = self._fitted
        return int((fitted.first if isinstance(fitted, Growth) else self).exact.X.shape[1])

    @property
    def ids(self) -> Int64Array:
        """Return the ids of the vectors, ascending: int64[n]; row numbers, until vectors are removed."""
        fitted = self._fitted
        return fitted.ids if isinstance(fitted, Growth) else np.arange(len(self.exact.X))

    @property
    def growth(self) -> Growth | None:
        """Return the state of an index that has grown, None of one that has not."""
        fitted = self._fitted
        return fitted if isinstance(fitted, Growth) else None

    @property
    def n_segments(self) -> int:
        """Return the number of segments in which the vectors lie: 1, unless vectors were added."""
        growth = self.growth
        return 1 if growth is None else len(growth.segments)

    @property
    def drift(self) -> Drift:
        """Return how far the data has moved since parts were learned from it."""
        growth = self.growth
        return Drift(0.0, 0.0) if growth is None else growth.drift()

    def __repr__(self) -> str:
        """Return the kind of index and its size; of one that has grown, its segments and its `drift`."""
        growth = self.growth
        size = f"{type(self).__name__}, {self.exact.metric}, {self.n:,} vectors of {self.dim} dimensions"
        if growth is None:
            return f"<{size}>"
        drift = growth.drift()
        many = "s" * (len(growth.segments) > 1)
        return (
            f"<{size} in {len(growth.segments)} segment{many}, {growth.n_removed:,} removed; since it was learned "
            f"{drift.added:.0%} were added, and the mean moved by {drift.moved:.2f} of the spread>"
        )

    @property
    def exact(self) -> Any:
        """Return exact search over the same vectors, the baseline for speed and recall: an `ExactSearch`."""
        fitted: Any = self._fitted
        return fitted.exact() if isinstance(fitted, Growth) else known(fitted).exact

    @property
    def nbytes(self) -> int:
        """Return the size of the index in bytes, without the vectors."""
        fitted = self._fitted
        return fitted.nbytes if isinstance(fitted, Growth) else self._nbytes()

    def over(self, exact: Any) -> Self:
        """Return an index of the vectors that `exact` searches, with the learned parts of this one."""
        return exact  # type: ignore[no-any-return]  # of exact search, which learns nothing

    def merged(self, exact: Any, indexes: list[Any], rows: list[Int64Array | None]) -> Self:
        """Return an index of the vectors that `exact` searches: some rows of several indexes, None for all."""
        del indexes, rows
        return self.over(exact)

    @property
    def nbytes_learned(self) -> int:
        """Return how many of these bytes are of learned parts, which all segments have in common."""
        return 0

    def _nbytes(self) -> int:
        raise NotImplementedError

    def _parts(self) -> Parts:
        """Return the parts of the whole index; raise ParameterError where it lies in several segments."""
        fitted = self._fitted
        parts: Parts | None = fitted.whole()._fitted if isinstance(fitted, Growth) else fitted  # noqa: SLF001
        return known(parts)

    def _learned(self) -> Parts:
        """Return parts of which those that were learned are those of the index."""
        fitted = self._fitted
        parts: Parts | None = fitted.first._fitted if isinstance(fitted, Growth) else fitted  # noqa: SLF001
        return known(parts)

    def _grown(self) -> Growth:
        """Return the state to change: that of a copy of this index, where it has not grown yet."""
        return self.growth or Growth.begin(copy.copy(self))

    def vectors_of(self, ids: npt.ArrayLike) -> Float32Array:
        """Return the vectors with some ids: float32[m, d]."""
        fitted = self._fitted
        if isinstance(fitted, Growth):
            return fitted.vectors(ids)
        X = self.exact.X
        return np.ascontiguousarray(X[validate.rows(ids, len(X))])


class GrowingVectors(Growing[None]):
    """The vectors of exact search and their norms: each in one array until vectors are added or removed.

    Then they raise ParameterError, until `compact` was called. A search that runs reads those with which it began.
    """

    _X: StoredVectors
    _inverse_norms: Float32Array
    _half_squares: Float32Array
    _vectors: Vectors

    @property
    def X(self) -> StoredVectors:  # noqa: N802
        """Return the vectors in order of id, as they are stored: float32[n, d]."""
        return self._whole()._X  # noqa: SLF001

    @property
    def inverse_norms(self) -> Float32Array:
        """Return 1/|x| of each vector, 0 for a row of zeros: float32[n]."""
        return self._whole()._inverse_norms  # noqa: SLF001

    @property
    def half_squares(self) -> Float32Array:
        """Return |x|²/2 of each vector: float32[n]."""
        return self._whole()._half_squares  # noqa: SLF001

    @property
    def vectors(self) -> Vectors:
        """Return the vectors as the kernels read them."""
        return self._whole()._vectors  # noqa: SLF001

    def _whole(self) -> "GrowingVectors":
        fitted = self._fitted
        return fitted.whole() if isinstance(fitted, Growth) else self


def known(parts: Parts | None) -> Parts:
    """Return the parts of an index; raise NotFittedError where there are none."""
    if parts is None:
        raise NotFittedError("this index holds no data; call fit(X) first")
    return parts


def _lock_of(index: Growing[Any]) -> threading.Lock:
    """Return the lock of an index, which one change holds at a time. It is kept apart: locks cannot be pickled."""
    with _new_lock:
        return _locks.setdefault(index, threading.Lock())


def _like(own: StoredVectors, X: npt.ArrayLike) -> StoredVectors:
    """Return a copy of vectors to add, stored as the index stores its own."""
    vectors = validate.vectors(X, "X")
    if vectors.shape[1] != own.shape[1]:
        raise ShapeError(f"X has {vectors.shape[1]} features per row; the indexed vectors have {own.shape[1]}")
    if not isinstance(own, EncodedVectors):
        return vectors[:] if isinstance(vectors, EncodedVectors) else np.array(vectors)
    if not isinstance(vectors, EncodedVectors) or _encoding(vectors) != _encoding(own):
        dtype, scale, offset = _encoding(own)
        raise ParameterError(
            f"the index stores its vectors as {dtype}, with scale {scale:g} and offset {offset:g}, and X is stored "
            "otherwise; expected EncodedVectors with the same dtype, scale and offset"
        )
    return EncodedVectors(vectors.stored.copy(), vectors.scale, vectors.offset)


def same_parameters(own: object, other: object) -> None:
    """Raise ParameterError unless the parameters of an index are those of the index that it should be like."""
    if own != other:
        raise ParameterError(f"this index has the parameters {own}, and `like` has {other}; expected the same")


def _encoding(X: EncodedVectors) -> tuple[str, float, float]:
    return X.stored.dtype.name, float(X.scale), float(X.offset)
