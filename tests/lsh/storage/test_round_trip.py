"""Saving and loading."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsh
from lsh.errors import IndexFileError, NotFittedError
from lsh.params import SearchSetting
from lsh.sketch_index import SketchIndex
from tests.lsh.storage.index_files import (
    KINDS,
    aligned,
    answers,
    fit,
    make,
    put_together,
    take_apart,
    vectors,
    with_header,
)

OPTIONS = [{}, {"verify": False}, {"mapped": False}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_loaded_index_answers_bit_for_bit_as_the_saved_one(saved, tmp_path, options):
    data, expected = saved
    (tmp_path / "index").write_bytes(data)
    assert answers(lsh.load(tmp_path / "index", **options)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_index_has_the_attributes_of_the_saved_one(tmp_path, kind):
    index = make(kind)
    lsh.save(index, tmp_path / "index")
    loaded = lsh.load(tmp_path / "index")
    assert type(loaded) is type(index)
    assert (loaded.n, loaded.exact.metric) == (index.n, index.exact.metric)
    if isinstance(index, lsh.LSHIndex):
        Q = vectors(3, seed=7)[:2]
        assert loaded.params == index.params
        assert loaded.bucket_width == index.bucket_width
        assert loaded.nbytes == index.nbytes
        assert (loaded.matches(Q[0], [0, 1, 2], n_bits=2) == index.matches(Q[0], [0, 1, 2], n_bits=2)).all()
        assert (lsh.recall_grid(loaded, Q).hits == lsh.recall_grid(index, Q).hits).all()
    else:
        assert (loaded.wanted_buckets, loaded.seed) == (index.wanted_buckets, index.seed)
        assert loaded.nbytes == index.nbytes


def test_saving_what_was_loaded_gives_the_same_bytes(saved, tmp_path):
    data, _ = saved
    (tmp_path / "one").write_bytes(data)
    lsh.save(lsh.load(tmp_path / "one"), tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == data


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_default_setting_is_stored(tmp_path, options):
    index = make("tables-euclidean")
    setting = SearchSetting(2, 3, 5)
    other = lsh.LSHIndex.from_parts(index.params, index.exact, index.hasher, index.tables, setting)
    for saved in (index, other):
        lsh.save(saved, tmp_path / "index")
        assert lsh.load(tmp_path / "index", **options).default_setting == saved.default_setting
    assert index.default_setting != setting


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_and_data_give_the_same_bytes(tmp_path, kind):
    for name, seed in {"one": 3, "two": 3, "other": 4}.items():
        lsh.save(fit(kind, vectors(), seed), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() != (tmp_path / "other").read_bytes()


def test_a_file_has_exactly_the_documented_format(saved):
    data, _ = saved
    assert put_together(*take_apart(data)) == data


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_left_out_of_the_file_are_passed_to_load(tmp_path, kind):
    X, index = vectors(), make(kind)
    lsh.save(index, tmp_path / "whole")
    lsh.save(index, tmp_path / "index", with_vectors=False)
    assert (tmp_path / "index").stat().st_size <= (tmp_path / "whole").stat().st_size - X.nbytes
    np.save(tmp_path / "X.npy", X)
    for given_again in (X, X.astype(np.float64), X.tolist(), np.load(tmp_path / "X.npy", mmap_mode="r")):
        loaded = lsh.load(tmp_path / "index", given_again)
        assert answers(loaded) == answers(index)
    lsh.save(loaded, tmp_path / "again", with_vectors=False)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "index").read_bytes()


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (None, r"without its vectors: pass X, the float32\[23, 5\]"),
        (vectors(22), r"X has shape \(22, 5\); it was built on vectors of shape \(23, 5\)"),
        (vectors(seed=1), "X has sha256 [0-9a-f]{64}; it was built on vectors with"),
        (np.full((23, 5), np.nan, np.float32), "nan at row 0, column 0"),
        (vectors()[:, :, None], "expected two dimensions"),
    ],
)
def test_other_vectors_than_those_left_out_are_refused(tmp_path, X, words):
    lsh.save(make("tables-cosine"), tmp_path / "index", with_vectors=False)
    with pytest.raises(IndexFileError, match=words) as caught:
        lsh.load(tmp_path / "index", X)
    assert str(tmp_path / "index") in str(caught.value)


def test_vectors_of_another_shape_are_refused_even_unverified(tmp_path):
    lsh.save(make("sketches-cosine"), tmp_path / "index", with_vectors=False)
    for X in (vectors(22), vectors(24), vectors(dim=4), vectors()[0], vectors(46)[::2][:, ::2]):
        with pytest.raises(IndexFileError, match="shape"):
            lsh.load(tmp_path / "index", X, verify=False)


def test_vectors_passed_for_a_file_that_has_its_own_are_refused(tmp_path):
    lsh.save(make("tables-cosine"), tmp_path / "index")
    with pytest.raises(IndexFileError, match="holds its own vectors"):
        lsh.load(tmp_path / "index", vectors())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_index_is_read_only(tmp_path, kind, options):
    lsh.save(make(kind), tmp_path / "index")
    loaded = lsh.load(tmp_path / "index", **options)
    arrays = [loaded.exact.X, loaded.exact.inverse_norms, loaded.exact.half_squares]
    if isinstance(loaded, SketchIndex):
        arrays += [loaded.buckets.order, loaded.buckets.starts, loaded.buckets.codes]
    else:
        arrays += [loaded.tables.keys, loaded.tables.ids, loaded.hasher.family.directions, loaded.hasher.centre]
    assert not any(array.flags.writeable for array in arrays)
    assert all(array.flags.aligned and array.flags.c_contiguous for array in arrays)


def test_an_index_may_be_saved_over_the_file_it_is_mapped_from(saved, tmp_path):
    data, expected = saved
    (tmp_path / "index").write_bytes(data)
    loaded = lsh.load(tmp_path / "index")
    lsh.save(loaded, tmp_path / "index")
    assert (tmp_path / "index").read_bytes() == data
    assert answers(loaded) == expected


def test_an_index_without_data_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        lsh.save(lsh.LSHIndex(), tmp_path / "index")
    assert list(tmp_path.iterdir()) == []


def test_many_threads_may_search_one_mapped_index(saved, tmp_path):
    data, _ = saved
    (tmp_path / "index").write_bytes(data)
    loaded = lsh.load(tmp_path / "index")
    batches = [np.random.default_rng(i).standard_normal((5, 5)).astype(np.float32) for i in range(40)]
    expected = [answers(loaded, Q) for Q in batches]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda Q: answers(loaded, Q), batches * 5)) == expected * 5


@pytest.mark.parametrize("width", [2, np.float32(2), 2.0])
def test_numbers_of_any_type_are_saved_as_plain_ones(tmp_path, width):
    index = lsh.LSHIndex("euclidean", np.int64(2), np.int32(3), np.int16(5), width, centre=np.True_)
    lsh.save(index.fit(vectors()), tmp_path / "index")
    assert lsh.load(tmp_path / "index").params == index.params
    assert (
        hashlib.sha256((tmp_path / "index").read_bytes()).digest()
        == hashlib.sha256(_saved(lsh.LSHIndex("euclidean", 2, 3, 5, 2.0), tmp_path)).digest()
    )


def _saved(index, folder):
    lsh.save(index.fit(vectors()), folder / "plain")
    return (folder / "plain").read_bytes()


@st.composite
def unfitted(draw):
    """Return an index of any kind and setting."""
    metric, seed = draw(st.sampled_from(["cosine", "euclidean"])), draw(st.integers(0, 2**63 - 1))
    if draw(st.booleans()):
        return SketchIndex(metric, draw(st.none() | st.integers(1, 12)), seed)
    width = draw(st.none() | st.floats(0.5, 1e3))
    return lsh.LSHIndex(
        metric, draw(st.integers(1, 5)), draw(st.integers(1, 32)), seed, width, centre=draw(st.booleans())
    )


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    index=unfitted(),
    n=st.integers(1, 60),
    dim=st.sampled_from([1, 2, 3, 7, 16, 130]),
    rows=st.sampled_from(["all different", "duplicates", "zeros among them", "all zero"]),
    with_vectors=st.booleans(),
)
def test_every_index_that_is_saved_can_be_loaded(tmp_path_factory, index, n, dim, rows, with_vectors):
    X = np.random.default_rng(n).standard_normal((n, dim)).astype(np.float32)
    if rows == "duplicates":
        X = X[np.arange(n) % max(1, n // 3)]
    elif rows != "all different":
        X[:: 1 if rows == "all zero" else 3] = 0
    folder = tmp_path_factory.mktemp("any")
    index.fit(X)
    lsh.save(index, folder / "one", with_vectors=with_vectors)
    loaded = lsh.load(folder / "one", None if with_vectors else X)
    lsh.save(loaded, folder / "two", with_vectors=with_vectors)
    assert (folder / "one").read_bytes() == (folder / "two").read_bytes()
    Q = np.random.default_rng(1).standard_normal((3, dim)).astype(np.float32)
    for one, two in zip(vars_of(index.search(Q, k=3)), vars_of(loaded.search(Q, k=3)), strict=True):
        np.testing.assert_array_equal(one, two)


def vars_of(found):
    return found.ids, found.distances, found.n_candidates


def test_arrays_beyond_four_gigabytes_have_the_right_offsets(tmp_path):
    """A file with a hole of 5 GB in its vectors: places need more than 32 bits."""
    n, dim = 10_200_000, 128
    lsh.save(fit("tables-cosine", vectors(3, dim)), tmp_path / "small")
    header, arrays = take_apart((tmp_path / "small").read_bytes())
    end = 0
    for entry in header["arrays"]:
        entry["shape"] = [n if side == 3 else side for side in entry["shape"]]
        entry["offset"] = aligned(end)
        end = entry["offset"] + int(np.prod(entry["shape"])) * 4
    front = with_header(header, b"")
    small = {name: arrays[name] for name in ("centre", "directions")}
    with (tmp_path / "large").open("wb") as file:
        file.write(front)
        for entry in header["arrays"]:
            if entry["name"] in small:
                file.seek(len(front) + entry["offset"])
                file.write(small[entry["name"]].tobytes())
        file.seek(len(front) + 4 * dim * (n - 1))
        file.write(np.arange(dim, dtype=np.float32).tobytes())
        file.truncate(len(front) + end)
    loaded = lsh.load(tmp_path / "large", verify=False)
    assert (loaded.exact.X[-1] == np.arange(dim)).all()
    assert (loaded.hasher.centre == arrays["centre"]).all()
