"""Files of indexes that have grown: what they hold is what they give, and what is wrong in them is refused."""

import json

import numpy as np
import pytest

import lsh
from lsh.errors import ParameterError
from lsh.storage.container import GROWN_VERSION
from tests.lsh.storage.index_files import KINDS, fit, overwrite, put_together, take_apart, vectors, with_header


def grown(kind):
    """Return an index with two segments and removed rows in both."""
    index = fit(kind, vectors(120))
    ids = index.add(vectors(20, seed=1))
    index.remove([3, 50, ids[2]])
    return index


def as_file(header, arrays):
    """Return a file of an index that has grown, of these arrays."""
    data = put_together(header, arrays)
    length = int.from_bytes(data[12:16], "little")
    return with_header(json.loads(data[48 : 48 + length]), data[-(-(48 + length) // 64) * 64 :], version=GROWN_VERSION)


@pytest.fixture(params=KINDS)
def parts(request, tmp_path):
    """Return the header and the arrays of a saved index that has grown."""
    lsh.save(grown(request.param), tmp_path / "index")
    data = (tmp_path / "index").read_bytes()
    header, arrays = take_apart(data)
    assert as_file(header, arrays) == data
    return header, arrays


@pytest.mark.parametrize("options", [{}, {"verify": False}, {"mapped": False}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_index_goes_on_where_the_saved_one_was(tmp_path, kind, options):
    index, Q = grown(kind), vectors(6, seed=2)[:4]
    lsh.save(index, tmp_path / "index")
    loaded = lsh.load(tmp_path / "index", **options)
    assert [len(segment.ids) for segment in loaded.growth.segments] == [120, 20]
    assert (loaded.ids.tolist(), loaded.drift, repr(loaded)) == (index.ids.tolist(), index.drift, repr(index))
    for changed in (loaded, index):
        assert changed.add(vectors(3, seed=5)).tolist() == [140, 141, 142]
        changed.remove([141])
    for one, other in zip(index.search(Q, 5), loaded.search(Q, 5), strict=True):
        assert np.array_equal(one, other)
    assert index.compact().tolist() == loaded.compact().tolist()
    lsh.save(index, tmp_path / "one", with_vectors=False)
    lsh.save(loaded, tmp_path / "other", with_vectors=False)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    again = lsh.load(tmp_path / "one", index.exact.X)
    assert again.search(Q, 5).ids.tolist() == index.search(Q, 5).ids.tolist()
    assert again.add(vectors(1)).tolist() == [143]


def test_vectors_in_several_segments_cannot_be_left_out(tmp_path):
    with pytest.raises(ParameterError, match=r"call compact\(\) first"):
        lsh.save(grown("tables-cosine"), tmp_path / "index", with_vectors=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "place", "value", "words"),
    [
        ("row_ids", 5, 4, "row_ids do not ascend"),
        ("row_ids", 0, -1, "row_ids do not ascend"),
        ("segment_1_row_ids", 0, 119, "segment_1_row_ids do not ascend"),
        ("segment_1_row_ids", 19, 140, "segment_1_row_ids do not ascend from 120 to below 140"),
        ("present", 0, 2, "present are not all 0 or 1"),
        ("segment_1_present", slice(None), 0, "segment_1_present are not all 0 or 1, or all 0"),
        ("learned_mean", 0, np.nan, "array learned_mean has nan"),
    ],
)
def test_arrays_that_no_index_has_are_refused(parts, refused, name, place, value, words):
    header, arrays = parts
    arrays[name][place] = value
    for options in ({}, {"verify": False}):
        assert words in refused(as_file(header, arrays), **options)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n_segments", 0),
        ("n_segments", 1),
        ("n_segments", 3),
        ("n_segments", 2.0),
        ("n_segments", True),
        ("n_segments", 10**6),
        ("next_id", 0),
        ("next_id", 139),
        ("learned_next_id", 141),
        ("spread", -1.0),
        ("spread", 1),
        ("spread", None),
    ],
)
def test_settings_that_no_index_has_are_refused(parts, refused, setting, value):
    header, arrays = parts
    refused(as_file({**header, "settings": {**header["settings"], setting: value}}, arrays))


def test_an_array_that_is_missing_is_refused(parts, refused):
    header, arrays = parts
    for name in arrays:
        rest = {other: array for other, array in arrays.items() if other != name}
        refused(as_file(header, rest))


def test_a_file_with_one_byte_changed_is_refused_or_the_same(parts, tmp_path, refused):
    data = bytearray(as_file(*parts))
    for place in np.random.default_rng(0).integers(0, len(data), 60).tolist():
        data[place] ^= 1
        refused(bytes(data))
        data[place] ^= 1
    overwrite(tmp_path / "whole", bytes(data))
    lsh.load(tmp_path / "whole")
