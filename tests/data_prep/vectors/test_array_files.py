"""Array files: every real dtype, order and byte order; shapes that are no vectors are refused; nothing is unpickled."""

import numpy as np
import pytest

from data_prep.errors import InputError
from tests.data_prep.vectors.prepared import prepare, vectors


def saved(tmp_path, array, name="x.npy", *, pickled=False):
    np.save(tmp_path / name, array, allow_pickle=pickled)
    return tmp_path / name


def read(path, tmp_path, **options):
    """Return the vectors in the order of the row numbers."""
    outcome, rows, _ = prepare(path, tmp_path / "out", **options)
    return outcome, np.stack([rows[str(number)]["vector"] for number in range(len(rows))])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "i1", "u1", "<i2", ">u4", "<i8", "longdouble"]
)
def test_every_real_dtype_is_read_in_either_order(dtype, order, tmp_path):
    x = np.asarray(10 * np.abs(vectors(7, 5)) + 1, dtype, order=order)
    assert np.array_equal(read(saved(tmp_path, x), tmp_path)[1], x.astype(np.float32))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(6, 1, 5), (6, 5, 1), (6, 1, 5, 1), (1, 1, 30)])
def test_axes_of_length_one_after_the_rows_are_dropped(shape, order, tmp_path):
    x = vectors().reshape(shape)
    outcome, found = read(saved(tmp_path, np.asarray(x, order=order)), tmp_path)
    assert np.array_equal(found, x.reshape(shape[0], -1))
    assert f"shape {shape}" in outcome.said[0]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 10, 128), (1, 500, 16), (4, 2, 3, 8)])
def test_frames_are_refused_with_their_shape_or_pooled_when_asked(shape, order, tmp_path):
    x = np.asarray(np.random.default_rng(0).standard_normal(shape), order=order)
    path = saved(tmp_path, x)
    with pytest.raises(InputError, match="--pool mean") as refused:
        read(path, tmp_path)
    assert str(shape) in str(refused.value)
    outcome, found = read(path, tmp_path, pool=True)
    assert found == pytest.approx(x.reshape(shape[0], -1, shape[-1]).mean(axis=1), abs=1e-6)
    assert "pooled" in outcome.said[0]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(5, np.float32), "shape (5,)"),
        (np.zeros((0, 5), np.float32), "shape (0, 5)"),
        (np.zeros((5, 0), np.float32), "shape (5, 0)"),
        (np.ones((3, 2), complex), "complex128"),
        (np.ones((3, 2), bool), "bool"),
        (np.array([["a", "b"]]), "<U1"),
        (np.ones((3, 5000), np.float32), "exchanged"),
        (np.float32(3), "shape ()"),
    ],
)
def test_what_is_no_vector_per_row_is_refused_with_its_shape_or_dtype(array, words, tmp_path):
    with pytest.raises(InputError) as refused:
        read(saved(tmp_path, array), tmp_path)
    assert words in str(refused.value)


def test_a_shape_that_looks_exchanged_is_said(tmp_path):
    outcome, _ = read(saved(tmp_path, vectors(128, 200)), tmp_path)
    assert any("x.T" in text for text in outcome.said)


class Trap:
    """An object whose unpickling would be noticed."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was read",)


@pytest.mark.parametrize("in_archive", [False, True])
def test_objects_are_refused_without_being_unpickled(in_archive, tmp_path):
    objects = np.array([Trap(), [1.0]], object)
    path = saved(tmp_path, objects, pickled=True)
    if in_archive:
        path = tmp_path / "x.npz"
        np.savez(path, embeddings=objects)
    with pytest.raises(InputError, match=r"np\.stack"):
        read(path, tmp_path)


def test_a_file_that_was_cut_or_has_more_is_refused(tmp_path):
    path = saved(tmp_path, vectors())
    data = path.read_bytes()
    for wrong in (data[:-1], data + b"\0", data[:20], data[:9]):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match=r"damaged|as np.save writes it"):
            read(path, tmp_path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_archive_gives_its_array_of_two_dimensions_and_its_columns(save, order, tmp_path):
    x, path = np.asarray(vectors().astype(">f8"), order=order), tmp_path / "x.npz"
    names = np.array(["b/ü.wav", "a.wav", "c.wav", "d.wav", "e.wav", "f.wav"])
    save(path, emb=x, file_names=names, label=np.array([b"x", b"y"] * 3), snr=np.arange(6.0), rate=16_000)
    outcome, rows, _ = prepare(path, tmp_path / "out")
    assert np.array_equal(rows["b~2F~C3~BC.wav"]["vector"], x[0].astype(np.float32))
    assert (rows["a.wav"]["labels"], rows["a.wav"]["extra_snr"], rows["a.wav"]["media"]) == (["y"], 1.0, "a.wav")
    assert any("'rate'" in text for text in outcome.said)


def test_of_several_arrays_the_usual_name_decides_or_the_choices_are_listed(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, embeddings=vectors(), logits=vectors(6, 3, 1))
    assert np.array_equal(read(path, tmp_path)[1], vectors())
    assert np.array_equal(read(path, tmp_path, vector="logits")[1], vectors(6, 3, 1))
    np.savez(path, a=vectors(), b=vectors(6, 3, 1))
    with pytest.raises(InputError, match=r"a \(6, 5\), b \(6, 3\).*--vector"):
        read(path, tmp_path)
    with pytest.raises(InputError, match="no array 'c'"):
        read(path, tmp_path, vector="c")


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=vectors(200, 20))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read(path, tmp_path)
