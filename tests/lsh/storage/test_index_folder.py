"""Folder of index files: what fits is mapped; what does not is named, set aside and built again."""

import os
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import lsh
from earshot_common.encoded_vectors import EncodedVectors
from lsh.analysis.search_config import SearchConfig
from lsh.errors import IndexFileError
from lsh.sampling import evenly_spaced_rows
from lsh.storage import container, index_folder
from tests.lsh.storage.index_files import answers, overwrite, vectors

FINGERPRINT = "0123456789abcdef" + 48 * "0"
OTHER_FINGERPRINT = "f" * 64
TABLES = SearchConfig.tables("cosine", 0, {}, {})
EUCLIDEAN = SearchConfig.tables("euclidean", 0, {}, {})
SKETCHES = SearchConfig("sketches", "cosine", {"n_buckets": 4, "seed": 0}, {})
GRAPH = SearchConfig("graph", "cosine", {"seed": 0}, {})
CONFIGS = {"tables": TABLES, "euclidean": EUCLIDEAN, "sketches": SKETCHES, "graph": GRAPH}


@pytest.fixture(name="X")
def _vectors():
    return vectors(n=200)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "indexes"


@pytest.fixture
def warnings():
    return []


def file_of(folder, config=TABLES, fingerprint=FINGERPRINT):
    return index_folder.path_in(folder, config, fingerprint)


def silent(text):
    pytest.fail(f"unexpected message: {text}")


def built(folder, X, config=TABLES, fingerprint=FINGERPRINT):
    path = file_of(folder, config, fingerprint)
    index_folder.build(path, config, X, silent)
    return path


def is_mapped(index):
    """Return whether the index's largest array is a view of a file."""
    if isinstance(index, lsh.GraphIndex):
        array = index.graph.records
    else:
        array = index.tables.keys if isinstance(index, lsh.LSHIndex) else index.buckets.codes
    while isinstance(array.base, np.ndarray):
        array = array.base
    return not array.flags.owndata and isinstance(array.base, memoryview)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_name_of_a_file_says_all_that_decides_the_index(folder):
    assert file_of(folder).name == "tables-cosine-hyperplanes-32x24-seed0-0123456789abcdef.lsh"
    assert file_of(folder, SKETCHES).name == "sketches-cosine-kmeans-4-seed0-0123456789abcdef.lsh"
    assert file_of(folder, GRAPH).name == "graph-cosine-seed0-0123456789abcdef.lsh"
    wide = SearchConfig.tables("euclidean", 7, {"bucket_width": 2.5}, {})
    assert file_of(folder, wide).name == "tables-euclidean-pstable-32x24-seed7-width2.5-0123456789abcdef.lsh"


def test_other_settings_have_other_names_and_equal_ones_the_same(folder):
    builds = [
        {},
        {"bucket_width": 2.5},
        {"family": "hyperplanes"},
        {"sketches": True},
        {"centre": False},
        {"n_tables": 33},
        {"seed": 1},
    ]
    configs = [SearchConfig.tables("euclidean", 0, build, {}) for build in builds]
    configs += [TABLES, SKETCHES, GRAPH, SearchConfig("sketches", "cosine", {"n_buckets": 8, "seed": 0}, {})]
    assert len({file_of(folder, config) for config in configs}) == len(configs)
    assert file_of(folder) != file_of(folder, fingerprint=OTHER_FINGERPRINT)
    same = SearchConfig.tables("cosine", 0, {"family": "hyperplanes", "bucket_width": None}, {"n_tables": 3})
    assert file_of(folder, same) == file_of(folder)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_saved_index_is_mapped_and_answers_as_the_built_one(folder, X, config):
    expected = answers(config.fit(X))
    path = built(folder, X, config)
    index = index_folder.load_or_fit(path, config, X, silent)
    assert is_mapped(index)
    assert np.shares_memory(index.exact.X, X)
    assert answers(index) == expected
    assert names(folder) == [path.name]


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_an_index_of_encoded_vectors_is_mapped_and_fits_no_other_encoding(folder, X, warnings, dtype):
    encoded = EncodedVectors.encode(X, dtype)
    expected = answers(TABLES.fit(encoded))
    path = built(folder, encoded)
    assert answers(index_folder.load_or_fit(path, TABLES, encoded, silent)) == expected
    index_folder.load_or_fit(path, TABLES, np.asarray(encoded), warnings.append)
    assert "pass those, or fit the index again; it is set aside" in warnings[0]


def test_without_a_file_the_index_is_built_in_memory_and_nothing_is_written(folder, X):
    index = index_folder.load_or_fit(file_of(folder), TABLES, X, silent)
    assert not is_mapped(index)
    assert answers(index) == answers(TABLES.fit(X))
    assert not folder.exists()


def flipped(data, X, folder):
    """Change one bit in the keys, which a search would not notice."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def cut(data, X, folder):
    return data[:-1]


def empty(data, X, folder):
    return b""


def foreign_format(data, X, folder):
    return b"PK\x03\x04" + data[4:]


def newer(data, X, folder):
    return data[:8] + struct.pack("<I", container.GRAPH_VERSION + 1) + data[12:]


def of_other_vectors_of_the_same_shape(data, X, folder):
    return built(folder / "..", X + 1).read_bytes()


def of_a_permutation_of_the_vectors(data, X, folder):
    return built(folder / "..", np.roll(X, 1, axis=0)).read_bytes()


def of_fewer_vectors(data, X, folder):
    return built(folder / "..", X[1:]).read_bytes()


def of_another_seed(data, X, folder):
    return built(folder / "..", X, SearchConfig.tables("cosine", 1, {}, {})).read_bytes()


def of_another_kind(data, X, folder):
    return built(folder / "..", X, SKETCHES).read_bytes()


def with_its_vectors(data, X, folder):
    lsh.save(TABLES.fit(X), folder / ".." / "own.lsh")
    return (folder / ".." / "own.lsh").read_bytes()


UNUSABLE = [
    flipped,
    cut,
    empty,
    foreign_format,
    newer,
    of_other_vectors_of_the_same_shape,
    of_a_permutation_of_the_vectors,
    of_fewer_vectors,
    of_another_seed,
    of_another_kind,
    with_its_vectors,
]


@pytest.mark.parametrize("change", UNUSABLE)
def test_a_file_that_cannot_be_used_is_named_set_aside_and_built_again(folder, X, warnings, change):
    path = built(folder, X)
    good = path.read_bytes()
    bad = change(good, X, folder)
    assert bad != good
    overwrite(path, bad)
    index = index_folder.load_or_fit(path, TABLES, X, warnings.append)
    (warning,) = warnings
    assert str(path) in warning
    assert f"it is set aside as {path.name}.unusable, and built again" in warning
    assert answers(index) == answers(TABLES.fit(X))
    assert is_mapped(index)
    assert path.read_bytes() == good
    assert path.with_name(f"{path.name}.unusable").read_bytes() == bad
    assert is_mapped(index_folder.load_or_fit(path, TABLES, X, silent))


def damage(path, array, part=slice(None)):
    """Invert every bit of an array in an index file, or of some of its bytes."""
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    with container.opened(path) as file:
        entry, start = file.header.entry(array), file.start
    data[start + entry.offset :][: entry.nbytes][part] ^= 255
    overwrite(path, data.tobytes())


@pytest.mark.parametrize(
    ("config", "array"),
    [(TABLES, "keys"), (EUCLIDEAN, "keys"), (SKETCHES, "codes"), (SKETCHES, "terms")],
)
def test_what_is_checked_later_can_hide_a_neighbour_but_not_change_one(folder, X, warnings, config, array):
    path = built(folder, X, config)
    damage(path, array)
    index = index_folder.load_or_fit(path, config, X, silent, every_byte=False)
    found, distances = index.search(X[:20], k=5), lsh.exact_search(X, X[:20], k=len(X), metric=config.metric)
    for ids, measured, true, order in zip(found.ids, found.distances, distances.distances, distances.ids, strict=True):
        rows = ids[ids >= 0]
        assert len(set(rows)) == len(rows)
        assert dict(zip(rows, measured, strict=False)).items() <= dict(zip(order, true, strict=True)).items()
    again = index_folder.load_or_fit(path, config, X, warnings.append)
    assert f"{path}: " in warnings[0]
    assert f"its array {array} has sha256" in warnings[0]
    assert answers(again) == answers(config.fit(X))


@pytest.mark.parametrize(
    ("config", "array"),
    [
        (config, array)
        for config, arrays in [
            (TABLES, ("centre", "directions", "inverse_norms", "half_squares", "ids")),
            (SKETCHES, ("rotation", "centroids", "starts", "inverse_norms", "half_squares", "order")),
        ]
        for array in arrays
    ],
)
def test_what_could_change_a_neighbour_is_checked_at_once(folder, X, warnings, config, array):
    path = built(folder, X, config)
    damage(path, array)
    index = index_folder.load_or_fit(path, config, X, warnings.append, every_byte=False)
    assert f"it is set aside as {path.name}.unusable" in warnings[0]
    assert answers(index) == answers(config.fit(X))


@pytest.mark.parametrize("array", ["inverse_norms", "half_squares"])
def test_one_wrong_norm_is_found_at_once_although_only_a_few_are_computed(folder, X, warnings, array):
    path = built(folder, X)
    row = next(row for row in range(len(X)) if row not in evenly_spaced_rows(len(X), 64))
    damage(path, array, slice(4 * row, 4 * row + 1))
    index_folder.load_or_fit(path, TABLES, X, warnings.append, every_byte=False)
    assert f"its array {array} has sha256" in warnings[0]


def test_a_file_of_an_older_version_is_set_aside_since_its_defaults_are_others(folder, X, warnings, monkeypatch):
    path = built(folder, X)
    monkeypatch.setattr(index_folder, "OLDEST_VERSION", container.FORMAT_VERSION + 1)
    index_folder.load_or_fit(path, TABLES, X, warnings.append)
    assert f"has format version {container.FORMAT_VERSION}, of an older lsh" in warnings[0]
    monkeypatch.undo()
    index_folder.load_or_fit(path, TABLES, X, silent)


def test_an_index_of_other_vectors_is_set_aside_and_others_are_left_alone(folder, X, warnings):
    old = built(folder, X + 1, fingerprint=OTHER_FINGERPRINT)
    kept = built(folder, X, SKETCHES)
    path = file_of(folder)
    assert is_mapped(index_folder.load_or_fit(path, TABLES, X, warnings.append))
    (warning,) = warnings
    assert f"{old} belongs to other vectors; expected {path.name}" in warning
    assert names(folder) == sorted([kept.name, path.name, f"{old.name}.unusable"])


def test_building_sets_the_same_index_of_other_vectors_aside(folder, X, warnings):
    old = built(folder, X + 1, fingerprint=OTHER_FINGERPRINT)
    index_folder.build(file_of(folder), TABLES, X, warnings.append)
    assert names(folder) == sorted([file_of(folder).name, f"{old.name}.unusable"])
    assert len(warnings) == 1


def refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_a_damaged_file_that_cannot_be_renamed_is_named_and_the_index_stays_in_memory(folder, X, warnings, monkeypatch):
    path = built(folder, X)
    overwrite(path, b"")
    monkeypatch.setattr(type(path), "replace", refuse)
    index = index_folder.load_or_fit(path, TABLES, X, warnings.append)
    assert answers(index) == answers(TABLES.fit(X))
    assert "cannot be renamed (Permission denied), so the index is built in memory" in warnings[0]
    assert names(folder) == [path.name]


def test_a_folder_that_cannot_be_written_keeps_the_index_in_memory(folder, X, warnings, monkeypatch):
    path = built(folder, X)
    overwrite(path, b"")
    monkeypatch.setattr(os, "fsync", refuse)
    index = index_folder.load_or_fit(path, TABLES, X, warnings.append)
    assert not is_mapped(index)
    assert len(warnings) == 2
    assert f"cannot write {path}: Permission denied" in warnings[1]
    assert names(folder) == [f"{path.name}.unusable"]


def test_a_file_that_cannot_be_read_now_is_kept(folder, X, warnings, monkeypatch):
    path = built(folder, X)
    with monkeypatch.context() as patched:
        patched.setattr(type(path), "open", refuse)
        assert not is_mapped(index_folder.load_or_fit(path, TABLES, X, warnings.append))
    (warning,) = warnings
    assert f"cannot read {path}: Permission denied" in warning
    assert names(folder) == [path.name]
    assert is_mapped(index_folder.load_or_fit(path, TABLES, X, silent))


def test_building_where_nothing_can_be_written_is_a_clear_error(tmp_path, X):
    (tmp_path / "indexes").write_bytes(b"")
    with pytest.raises(IndexFileError, match=r"cannot write .*indexes.*; check that the folder of the dataset"):
        built(tmp_path / "indexes", X)


def test_all_that_is_wrong_in_a_folder_is_listed(folder, X):
    good, sketches = built(folder, X), built(folder, X, SKETCHES)
    assert list(index_folder.problems(folder, X, FINGERPRINT)) == []
    data = bytearray(sketches.read_bytes())
    data[-1] ^= 1
    overwrite(sketches, data)
    old = built(folder, X, EUCLIDEAN, OTHER_FINGERPRINT)
    (folder / "mine.lsh").write_bytes(b"")
    (folder / f"{good.name}.unusable").write_bytes(b"")
    found = "\n".join(index_folder.problems(folder, X, FINGERPRINT))
    assert found.count("\n") == 2
    assert f"cannot load {sketches}: its array gaps has sha256" in found
    assert f"{folder / 'mine.lsh'} has a name that no index has: remove it" in found
    assert f"{old} belongs to other vectors; expected {file_of(folder, EUCLIDEAN).name}" in found


def test_other_vectors_under_the_same_fingerprint_are_a_problem(folder, X):
    built(folder, X)
    changed = X.copy()
    changed[17, 0] += 1
    (problem,) = index_folder.problems(folder, changed, FINGERPRINT)
    assert "X has sha256" in problem


OPEN_AND_WAIT = """
import sys
import numpy as np
from pathlib import Path
from lsh.analysis.search_config import SearchConfig
from lsh.storage import index_folder
X, path = np.load(sys.argv[1], mmap_mode="r"), Path(sys.argv[2])
index = index_folder.load_or_fit(path, SearchConfig.tables("cosine", 0, {}, {}), X, print)
int(index.tables.keys.sum()) + int(index.tables.ids.sum())  # touches every page
print("ready", flush=True)
sys.stdin.read()
"""


def mapping(pid, path):
    """Return the kB of a process's mappings of a file: {"Rss": ..., "Pss": ..., "Private_Dirty": ...}."""
    total, inside = Counter(), False
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        name, *rest = line.split()
        if "-" in name:  # the range of addresses of the next mapping
            inside = rest[-1] == str(path)
        elif inside and rest[-1] == "kB":
            total[name.rstrip(":")] += int(rest[0])
    return total


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/<pid>/smaps is Linux's")
def test_two_processes_share_the_pages_of_an_index(folder, root, tmp_path):
    X = vectors(n=20_000, dim=4)
    np.save(tmp_path / "X.npy", X)
    path = built(folder, X)
    size = path.stat().st_size / 1024
    command = [sys.executable, "-c", OPEN_AND_WAIT, str(tmp_path / "X.npy"), str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": root}
    children = [subprocess.Popen(command, **pipes) for _ in range(2)]
    try:
        assert [child.stdout.readline() for child in children] == ["ready\n"] * 2
        pages = [mapping(child.pid, path) for child in children]
    finally:
        for child in children:
            child.communicate()
    for kilobytes in pages:
        assert kilobytes["Rss"] > 0.9 * size
        assert kilobytes["Pss"] < 0.6 * kilobytes["Rss"]  # shared: each process counts half
        assert kilobytes["Private_Dirty"] + kilobytes["Private_Clean"] == 0
        assert kilobytes["Anonymous"] == 0
