"""Indexes of vectors that are stored as uint8 or float16."""

import numpy as np
import pytest

import lsh
from lsh import EncodedVectors
from lsh.errors import IndexFileError, NonFiniteError, ScaleError, ShapeError
from tests.lsh.storage.index_files import KINDS, answers, fit, vectors

DTYPES = ["uint8", "float16"]


def encoded(dtype, seed=0):
    return EncodedVectors.encode(vectors(seed=seed), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_index_of_encoded_vectors_answers_as_one_of_their_float32_values_bit_for_bit(kind, dtype):
    X = encoded(dtype)
    theirs, ours = fit(kind, np.asarray(X)), fit(kind, X)
    assert answers(ours) == answers(theirs)
    Q = vectors(6, seed=1)[:5]
    for search in (ours.exact, lsh.ExactSearch(X, ours.exact.metric)):
        for few in (Q, Q[:1]):  # a single query has a kernel of its own
            found, expected = search.search(few, 4), theirs.exact.search(few, 4)
            assert found.ids.tolist() == expected.ids.tolist()
            assert found.distances.tolist() == expected.distances.tolist()
    assert ours.nbytes == theirs.nbytes
    assert ours.exact.X is X  # no copy


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("with_vectors", [True, False])
@pytest.mark.parametrize("options", [{}, {"verify": False}, {"mapped": False}], ids=str)
def test_an_index_of_encoded_vectors_is_saved_and_loaded(tmp_path, dtype, with_vectors, options):
    X = encoded(dtype)
    for kind in ("tables-cosine", "sketches-euclidean"):
        index = fit(kind, X)
        lsh.save(index, tmp_path / kind, with_vectors=with_vectors)
        loaded = lsh.load(tmp_path / kind, None if with_vectors else X, **options)
        assert answers(loaded) == answers(index)
        assert loaded.exact.X.stored.dtype == dtype
        lsh.save(loaded, tmp_path / "again", with_vectors=with_vectors)
        assert (tmp_path / "again").read_bytes() == (tmp_path / kind).read_bytes()


def test_other_vectors_than_those_indexed_are_rejected(tmp_path):
    X, path = encoded("uint8"), tmp_path / "index"
    lsh.save(fit("tables-cosine", X), path, with_vectors=False)
    changed = X.stored.copy()
    changed[0, 0] ^= 1
    others = {
        "X is stored as float32; it was built on vectors stored as uint8": np.asarray(X),
        "X is stored as float16; it was built on vectors stored as uint8": encoded("float16"),
        "X has scale and offset": EncodedVectors(X.stored, 2 * X.scale, X.offset),
        "X has sha256": EncodedVectors(changed, X.scale, X.offset),
        "X has shape": EncodedVectors(X.stored[:-1], X.scale, X.offset),
        "it was saved without its vectors: pass X, the uint8": None,
    }
    for message, other in others.items():
        with pytest.raises(IndexFileError, match=message):
            lsh.load(path, other)
    for message in list(others)[:3]:
        with pytest.raises(IndexFileError, match=message):
            lsh.load(path, others[message], verify=False)


def test_values_that_cannot_be_searched_are_named():
    stored = np.ones((3, 2), np.float16)
    stored[1, 1] = np.nan
    with pytest.raises(NonFiniteError, match="row 1, column 1"):
        lsh.ExactSearch(EncodedVectors(stored))
    with pytest.raises(ScaleError, match="row 2"):
        lsh.ExactSearch(EncodedVectors(np.uint8([[0], [0], [255]]), 1e20))
    for shape in ((0, 3), (3, 0)):
        with pytest.raises(ShapeError):
            lsh.ExactSearch(EncodedVectors(np.zeros(shape, np.uint8)))


def test_encoded_queries_are_those_of_their_values():
    index, X = fit("tables-cosine", vectors()), encoded("uint8")
    assert answers(index, X) == answers(index, np.asarray(X))
