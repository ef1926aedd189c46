"""Golden files of every released format version: they load, and give the recorded answers."""

import json
from pathlib import Path

import numpy as np
import pytest

import lsh
from lsh.storage.container import FORMAT_VERSION, GRAPH_VERSION, GROWN_VERSION
from tests.lsh.storage.golden.make import GRAPHS, INDEXES, answers, data

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("v*.lsh"))


def recorded(path):
    """Return the searches of a golden file and what they found."""
    version, family, metric = path.stem.split("-")[:3]
    found = json.loads((GOLDEN / f"{version}-answers.json").read_text(encoding="utf-8"))
    return family, found[f"{family}-{metric}"]


def is_present(path):
    """Return whether the file has the version in which an index of its kind is saved today."""
    version, family, _ = path.stem.split("-", 2)
    newest = {"graph": GRAPH_VERSION, "grown": GROWN_VERSION}.get(family, FORMAT_VERSION)
    return version == f"v{newest}"


def opened(path, **options):
    return lsh.load(path, data()[0] if "without-vectors" in path.name else None, **options)


def test_there_is_a_golden_file_of_every_kind_of_index():
    assert {"-".join(path.stem.split("-")[1:3]) for path in FILES} == {*INDEXES, *GRAPHS, "grown-cosine"}


@pytest.mark.parametrize("options", [{}, {"verify": False}, {"mapped": False}], ids=str)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_file_answers_as_recorded(path, options):
    family, expected = recorded(path)
    for found, wanted in zip(answers(opened(path, **options), family), expected, strict=True):
        assert found["ids"] == wanted["ids"]
        assert found["candidates"] == wanted["candidates"]
        one, other = (np.array(f["distances"], float) for f in (found, wanted))
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if is_present(path)],
    ids=lambda path: path.stem,
)
def test_a_golden_file_of_this_version_is_saved_again_byte_for_byte(path, tmp_path):
    lsh.save(opened(path), tmp_path / "again", with_vectors="without-vectors" not in path.name)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_sketches_of_files_without_a_default_setting_search_as_they_did_then():
    for path in FILES:
        index = opened(path)
        if isinstance(index, lsh.SketchIndex):
            is_older = int(path.stem[1]) < 5
            assert (index.default_setting == (8, 40)) == is_older
            one, other = index.search(data()[1], 3), index.search(data()[1], 3, *index.default_setting)
            assert one.ids.tolist() == other.ids.tolist()
            whole = index.growth.first if index.growth else index
            assert ("8 probes and 40 re-ranked (not measured)" in repr(whole)) == is_older


def test_the_golden_answers_cover_found_missing_and_different_candidates():
    """Some queries find k neighbours, some fewer, and the searches have different candidates."""
    for path in FILES:
        found = recorded(path)[1]
        ids = np.concatenate([search["ids"] for search in found])
        assert (ids >= 0).any()
        assert len({tuple(search["candidates"]) for search in found}) == len(found)
