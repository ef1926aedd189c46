"""Arrays mapped from .npy files: whole ones as they are, damaged ones refused with one kind of error."""

import io

import numpy as np
import pytest

from earshot_common.array_files import map_array
from tests.data_prep.mutated import mutated


def test_an_array_is_mapped_as_it_was_saved(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "a.npy", array)
    mapped = map_array(tmp_path / "a.npy")
    assert isinstance(mapped, np.memmap)
    assert mapped.dtype == array.dtype
    np.testing.assert_array_equal(mapped, array)
    with pytest.raises(FileNotFoundError):
        map_array(tmp_path / "none.npy")


def test_a_header_that_python_cannot_read_is_a_value_error(tmp_path):
    file = io.BytesIO()
    np.save(file, np.ones((5, 2)))
    whole, rng = file.getvalue(), np.random.default_rng(0)
    refused = 0
    for number in range(1000):
        path = tmp_path / f"{number}.npy"
        path.write_bytes(mutated(rng, whole[:128], (b"(", b"[", b"{", b"'", b"\n"), most=3) + whole[128:])
        try:
            map_array(path)
        except (OSError, ValueError):
            refused += 1
        path.unlink()
    assert refused > 500
