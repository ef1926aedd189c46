"""Index carried over to a later version of its vectors: as `fit` gives it, with only the new ones hashed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lsh
from earshot_common.encoded_vectors import EncodedVectors
from lsh.errors import ParameterError
from lsh.hasher import Hasher
from lsh.storage.carrying import carried_over, same_rows


def vectors(n, seed=0):
    """Return clustered vectors, float32[n, 8], which all differ."""
    rng = np.random.default_rng(seed)
    return (3 * rng.standard_normal((5, 8))[rng.integers(0, 5, n)] + rng.standard_normal((n, 8))).astype(np.float32)


def arrays_of(index):
    return [
        *index.tables,
        index.sketches.planes,
        index.sketches.terms,
        index.exact.inverse_norms,
        index.exact.half_squares,
    ]


def stored(X, dtype):
    return X if dtype == "float32" else EncodedVectors.encode(X, dtype)


@given(
    st.sampled_from(["cosine", "euclidean"]),
    st.sampled_from(["float32", "float16", "uint8"]),
    st.booleans(),
    st.lists(st.sampled_from(["keep", "keep", "keep", "change", "drop", "twice"]), min_size=30, max_size=30),
    st.randoms(use_true_random=False),
)
def test_a_carried_index_is_that_of_fit_with_the_learned_parts_given(metric, dtype, sketches, edits, random):
    earlier = vectors(n=30)
    earlier[3] = earlier[7]
    rows = []
    for row, edit in zip(earlier, edits, strict=True):
        rows += {"keep": [row], "change": [row[::-1]], "drop": [], "twice": [row, row]}[edit]
    random.shuffle(rows)
    both = stored(np.array([*earlier, *rows], np.float32), dtype)  # of one range of values
    X, Y = both, both
    if dtype == "float32":
        X, Y = both[:30], both[30:]
    else:
        X, Y = (EncodedVectors(part, both.scale, both.offset) for part in (both.stored[:30], both.stored[30:]))
    index = lsh.LSHIndex(metric, n_tables=20, n_bits=10, sketches=sketches).fit(X)
    try:
        carried = carried_over(index, Y)
    except ParameterError as error:
        assert "at most a third of each" in str(error) or "the vectors have changed too much" in str(error)  # noqa: PT017
        return
    expected = lsh.LSHIndex(metric, n_tables=20, n_bits=10, sketches=sketches).fit(Y, like=index)
    assert all(map(np.array_equal, arrays_of(carried), arrays_of(expected)))
    assert carried.default_setting == index.default_setting


def test_only_vectors_that_are_new_are_hashed(monkeypatch):
    X = vectors(n=60)
    Y = np.concatenate([vectors(n=4, seed=9), X[::-1][:50]])
    index = lsh.LSHIndex().fit(X)
    hashed, keys = [], Hasher.keys

    def counted(self, vectors, *rest):
        hashed.append(len(vectors))
        return keys(self, vectors, *rest)

    monkeypatch.setattr(Hasher, "keys", counted)
    carried_over(index, Y)
    assert hashed == [4]
    carried_over(index, X)
    assert hashed == [4]


@pytest.mark.parametrize(("n_new", "n_gone"), [(40, 0), (0, 21), (31, 5)])
def test_an_index_of_which_more_than_a_third_has_changed_is_not_carried_over(n_new, n_gone):
    X = vectors(n=60)
    index = lsh.LSHIndex().fit(X)
    with pytest.raises(ParameterError, match=rf"^{n_new} of the .* are new, and {n_gone} of the 60 before are gone"):
        carried_over(index, np.concatenate([X[n_gone:], vectors(n=100, seed=9)[:n_new]]))


def test_an_index_whose_default_setting_finds_too_little_is_not_carried_over():
    X = vectors(n=3000)
    index = lsh.LSHIndex(n_tables=32, n_bits=16).fit(X)
    weak = index.params.setting(1, 16, 1)
    poor = type(index).from_parts(index.params, index.exact, index.hasher, index.tables, weak)
    with pytest.raises(ParameterError, match=r"was chosen to find 0\.93: the vectors have changed too much; build"):
        carried_over(poor, X)
    assert carried_over(index, X).n == 3000


def test_equal_rows_are_found_and_rows_of_another_type_or_size_are_not():
    X = vectors(n=50)
    rows = np.random.default_rng(1).permutation(50)
    Y = X[rows]
    Y[5, -1] = np.nextafter(Y[5, -1], 9, dtype=np.float32)
    expected = rows.copy()
    expected[5] = -1
    assert same_rows(X, Y).tolist() == expected.tolist()
    assert same_rows(X, Y[:, :-1].copy()).tolist() == [-1] * 50
    halves = EncodedVectors.encode(X, np.float16)
    assert same_rows(X, halves).tolist() == [-1] * 50
    assert same_rows(halves, halves).tolist() == list(range(50))
    eighths = EncodedVectors.encode(X, np.uint8)
    wider = EncodedVectors(eighths.stored, eighths.scale * 2, eighths.offset)
    assert same_rows(eighths, wider).tolist() == [-1] * 50


def test_rows_that_are_equal_in_number_alone_are_told_apart(monkeypatch):
    monkeypatch.setattr("lsh.storage.carrying._mixed", lambda bits: np.zeros(len(bits), np.uint64))
    X = vectors(n=3)
    assert same_rows(X, X).tolist() == [0, -1, -1]  # the first of equal numbers is compared; the others count as new
