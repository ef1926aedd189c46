"""Fixtures: a saved index of each kind, and a check that bytes are refused."""

import numpy as np
import pytest

import lsh
from tests.lsh.storage.index_files import KINDS, answers, make, overwrite


@pytest.fixture(scope="session", params=KINDS)
def saved(request, tmp_path_factory):
    """Return (the bytes of a small saved index, its answers), for each kind and metric."""
    index = make(request.param)
    path = tmp_path_factory.mktemp("saved") / "index.lsh"
    lsh.save(index, path)
    return path.read_bytes(), answers(index)


@pytest.fixture
def refused(tmp_path):
    """Return a check that bytes are refused, in words that name the file; it returns the words."""
    path = tmp_path / "changed.lsh"

    def check(data, X=None, **options):
        overwrite(path, data)
        with pytest.raises(lsh.LSHError) as caught, np.errstate(all="raise"):
            lsh.load(path, X, **options)
        assert type(caught.value).__name__ == "IndexFileError"
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < 1000
        return str(caught.value)

    return check
