"""Reading a prepared dataset, and the refusal of damaged ones."""

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.arrays import FEATURE_DTYPES, FeatureDtype
from data_prep.dataset import FORMAT_VERSION, SPLITS, Clip, Dataset, find_datasets, open_dataset, reader, verify_dataset
from data_prep.errors import DatasetError
from earshot_common.encoded_vectors import EncodedVectors
from tests.data_prep.small_datasets import LABELS, batch, write
from tests.stress import IS_STRESS


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("undamaged") / "thirty", with_frames=True)


@pytest.fixture(scope="module")
def compact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("compact") / "thirty", dtype="uint8")


@pytest.fixture
def dataset(undamaged: Path) -> Dataset:
    return open_dataset(undamaged)


def numbers(dataset: Dataset, split: str) -> list[int]:
    """Return the numbers of a split's clips, in row order."""
    return [int(clip_id.removeprefix("clip-")) for clip_id in dataset.clips(split)["clip_id"].to_pylist()]


def test_a_dataset_has_the_facts_of_its_manifest(dataset: Dataset) -> None:
    assert (dataset.name, dataset.title, dataset.source, dataset.licence) == (
        "thirty",
        "Thirty clips",
        "a test",
        "none",
    )
    assert (dataset.media, dataset.metric, dataset.dim) == ("synth", "cosine", 8)
    assert dataset.manifest["features"]["embedder"] == "dice"
    assert repr(dataset) == "<Dataset 'thirty': train 10, validation 10, test 10>"


def test_every_clip_comes_back_as_it_went_in(dataset: Dataset) -> None:
    given = batch(with_frames=True)
    found = 0
    for split in SPLITS:
        for row, i in enumerate(numbers(dataset, split)):
            clip = dataset.clip(split, row)
            labels, n_frames = tuple(given.labels[i]), int(given.n_frames[i])
            assert clip == Clip(f"clip-{i}", split, row, given.media[i], i / 2, i / 2 + 10, labels, n_frames)
            np.testing.assert_array_equal(dataset.features(split)[row], given.features[i])
            found += 1
    assert found == 30


def test_a_clip_is_found_by_its_id(dataset: Dataset) -> None:
    for split in SPLITS:
        for row in range(dataset.n_rows(split)):
            clip = dataset.clip(split, row)
            assert dataset.find_clip(clip.clip_id) == clip


@pytest.mark.parametrize("clip_id", ["", "clip-30", "clip", "\N{SNOWMAN}"])
def test_an_unknown_id_finds_nothing(dataset: Dataset, clip_id: str) -> None:
    assert dataset.find_clip(clip_id) is None


@pytest.mark.parametrize("row", [-1, 10, 10**9])
def test_a_row_outside_the_split_is_an_index_error(dataset: Dataset, row: int) -> None:
    with pytest.raises(IndexError, match="which has rows 0 to 9"):
        dataset.clip("test", row)


def test_an_unknown_split_is_named(dataset: Dataset) -> None:
    for read in (dataset.n_rows, dataset.features, dataset.clips, dataset.label_sets, dataset.label_counts):
        with pytest.raises(KeyError, match="no split 'dev': expected one of train, validation, test"):
            read("dev")


def test_label_sets_are_the_clips_labels(dataset: Dataset) -> None:
    for split in SPLITS:
        offsets, values = dataset.label_sets(split)
        assert (offsets.dtype, values.dtype) == (np.int64, np.int16)
        for row in range(dataset.n_rows(split)):
            assert tuple(values[offsets[row] : offsets[row + 1]]) == dataset.clip(split, row).labels


def test_labels_of_some_rows_come_in_the_order_of_the_rows(dataset: Dataset) -> None:
    for split in SPLITS:
        rows = [*range(dataset.n_rows(split)), 0][::-1]
        offsets, values = dataset.labels_of(split, rows)
        assert (offsets.dtype, values.dtype) == (np.int64, np.int16)
        own = [tuple(values[start:end]) for start, end in itertools.pairwise(offsets)]
        assert own == [dataset.clip(split, row).labels for row in rows]
    assert [part.tolist() for part in dataset.labels_of("test", [])] == [[0], []]


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (3, 10), (9, 10), (5, 5)])
def test_label_sets_of_a_range_are_those_of_its_clips(dataset: Dataset, start: int, stop: int) -> None:
    offsets, values = dataset.label_sets("test", start, stop)
    own = [tuple(values[first:end]) for first, end in itertools.pairwise(offsets)]
    assert own == [dataset.clip("test", row).labels for row in range(start, stop)]
    assert offsets[0] == 0


def test_clips_that_have_one_of_several_labels_are_found_in_blocks(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_BLOCK_ROWS", 3)
    for labels in ([], [2], [0, 3], [*range(len(LABELS))]):
        for split in SPLITS:
            clips = [dataset.clip(split, row) for row in range(dataset.n_rows(split))]
            assert dataset.has_label(split, labels).tolist() == [bool({*labels} & {*clip.labels}) for clip in clips]


def test_label_values_are_a_view_and_not_a_copy(dataset: Dataset) -> None:
    assert np.shares_memory(dataset.label_sets("test")[1], dataset.label_sets("test")[1])


def test_rows_with_a_label_are_those_whose_clips_carry_it(dataset: Dataset) -> None:
    for split in SPLITS:
        for label in range(len(LABELS)):
            rows = [row for row in range(dataset.n_rows(split)) if label in dataset.clip(split, row).labels]
            assert dataset.rows_with_label(split, label).tolist() == rows
            assert dataset.label_counts(split)[label] == len(rows)


@pytest.mark.parametrize("label", [-1, 5])
def test_a_label_outside_the_table_is_an_index_error(dataset: Dataset, label: int) -> None:
    with pytest.raises(IndexError, match="which has labels 0 to 4"):
        dataset.rows_with_label("test", label)


def test_the_label_table_is_read_as_it_was_written(dataset: Dataset) -> None:
    assert dataset.label_names == [label.name for label in LABELS]
    assert dataset.label_mids == [label.mid for label in LABELS]
    assert dataset.label_parents == [list(label.parents) for label in LABELS]


def test_frames_lie_in_the_order_of_their_clips(dataset: Dataset) -> None:
    for split in SPLITS:
        offsets, values = dataset.frames(split)
        for row, i in enumerate(numbers(dataset, split)):
            frames = values[offsets[row] : offsets[row + 1]]
            np.testing.assert_array_equal(frames, np.full((1 + i % 10, 8), i))


def test_a_dataset_without_frames_raises_an_error_that_says_how_to_get_them(tmp_path: Path) -> None:
    dataset = open_dataset(write(tmp_path / "plain"))
    assert not dataset.has_frames
    with pytest.raises(DatasetError, match="has no frames: prepare it again with --frames"):
        dataset.frames("test")


def test_all_arrays_are_read_only(dataset: Dataset) -> None:
    arrays = [dataset.features("test"), *dataset.label_sets("test"), *dataset.frames("test")]
    arrays += [dataset.rows_with_label("test", 1), dataset.label_counts("test")]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("dtype", ["float16", "uint8"])
def test_compact_features_are_mapped_and_decoded_by_row(tmp_path: Path, dtype: FeatureDtype) -> None:
    dataset = open_dataset(write(tmp_path / "d", dtype=dtype))
    assert dataset.dtype == dtype
    for split in SPLITS:
        features = dataset.features(split)
        assert isinstance(features, EncodedVectors)
        assert isinstance(features.stored, np.memmap)
        assert (features.stored.dtype, features.shape) == (dtype, (10, 8))
        assert features[3].dtype == features[[1, 2]].dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            features.stored[0] = 0
    everything = dataset.all_features()
    assert np.array_equal(everything[:], np.concatenate([dataset.features(split)[:] for split in SPLITS]))
    assert everything.nbytes == 30 * 8 * np.dtype(dtype).itemsize


def test_all_features_are_those_of_the_splits_in_their_order(dataset: Dataset) -> None:
    assert np.array_equal(dataset.all_features(), np.concatenate([dataset.features(split) for split in SPLITS]))


@pytest.mark.parametrize("dtype", FEATURE_DTYPES)
def test_a_split_may_be_empty(tmp_path: Path, dtype: FeatureDtype) -> None:
    dataset = open_dataset(write(tmp_path / "d", n=1, with_frames=True, dtype=dtype))
    assert [dataset.n_rows(split) for split in SPLITS] == [1, 0, 0]
    assert dataset.features("test").shape == (0, 8)
    assert dataset.label_sets("test")[0].tolist() == [0]
    assert dataset.frames("test")[1].shape == (0, 8)
    assert dataset.find_clip("clip-7") is None


def test_the_fingerprint_changes_with_the_data(tmp_path: Path) -> None:
    one, same = open_dataset(write(tmp_path / "a" / "d")), open_dataset(write(tmp_path / "b" / "d"))
    other = open_dataset(write(tmp_path / "c" / "d", seed=1))
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_reading_a_dataset_imports_neither_tensorflow_nor_streamlit_nor_pandas(undamaged: Path) -> None:
    code = (
        "import sys; from data_prep.dataset import open_dataset; d = open_dataset(sys.argv[1]);"
        "d.find_clip('clip-1'); d.label_sets('train'); d.rows_with_label('test', 1);"
        "print(sorted({'tensorflow', 'streamlit', 'pandas', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, undamaged], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_datasets_are_found_one_and_two_levels_down_and_unfinished_ones_are_not(tmp_path: Path) -> None:
    for place in ("b", "a/inner", ".b.12ab.tmp", "too/deep/down"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "manifest.json").write_text("{}")
    assert find_datasets(tmp_path) == [tmp_path / "a/inner", tmp_path / "b"]
    assert find_datasets(tmp_path / "nowhere") == []


# Damage: every case is a copy of a valid dataset with one thing wrong.


@pytest.fixture
def damaged(undamaged: Path, tmp_path: Path) -> Path:
    return shutil.copytree(undamaged, tmp_path / "damaged")


def test_a_dataset_of_version_1_is_read_as_before(damaged: Path, dataset: Dataset) -> None:
    change_manifest(damaged, format_version=1)
    older = open_dataset(damaged)
    assert verify_dataset(damaged) == []
    for split in SPLITS:
        np.testing.assert_array_equal(older.features(split), dataset.features(split))
        assert older.clips(split).equals(dataset.clips(split))
    assert older.label_definitions == [""] * 5


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"media": "url"}, "expected one of youtube, file, synth"),
        (
            {"features": {"dim": 8, "dtype": "uint8", "scale": 1, "offset": 0}},
            "expected dim of 1 or more and dtype float32",
        ),
    ],
)
def test_version_1_has_nothing_of_version_2(damaged: Path, changes: dict[str, object], expected: str) -> None:
    change_manifest(damaged, format_version=1, **changes)
    with pytest.raises(DatasetError, match=expected):
        open_dataset(damaged)


def test_further_columns_are_refused_in_version_1(tmp_path: Path) -> None:
    out = write(tmp_path / "d", further={"title": pa.array(["a title"] * 30)})
    change_manifest(out, format_version=1)
    with pytest.raises(DatasetError, match="'title' of type string; format version 1 has no further columns"):
        open_dataset(out).clips("test")


def change_manifest(path: Path, **changes: object) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, **changes}))


def test_a_folder_without_a_manifest_is_not_a_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no prepared dataset: manifest\.json is missing"):
        open_dataset(tmp_path)


def test_a_file_is_not_a_dataset(undamaged: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot read .*train\.npy/manifest\.json: Not a directory"):
        open_dataset(undamaged / "train.npy")


def test_a_dataset_removed_while_open_is_reported(damaged: Path) -> None:
    dataset = open_dataset(damaged)
    shutil.rmtree(damaged)
    with pytest.raises(DatasetError, match=r"cannot read .*clips\.parquet: No such file"):
        dataset.clip("test", 0)


@pytest.mark.parametrize("name", ["train.npy", "frames.npy", "clips.parquet", "labels.parquet"])
def test_a_missing_file_is_named(damaged: Path, name: str) -> None:
    (damaged / name).unlink()
    with pytest.raises(DatasetError, match=f"{name} is missing"):
        open_dataset(damaged)


@pytest.mark.parametrize("name", ["train.npy", "frames.npy", "clips.parquet", "labels.parquet"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_of_another_size_is_named_with_both_sizes(damaged: Path, name: str, change: int) -> None:
    data = (damaged / name).read_bytes()
    (damaged / name).write_bytes((data + b"x")[: len(data) + change])
    with pytest.raises(DatasetError, match=rf"{name} has {len(data) + change:,} bytes, expected {len(data):,}"):
        open_dataset(damaged)


def test_a_wrong_array_header_is_refused_before_anything_is_allocated(damaged: Path) -> None:
    path = damaged / "train.npy"
    data = path.read_bytes()
    lie = data.replace(b"(10, 8), }        ", b"(1000000000, 8), }")
    assert len(lie) == len(data) != data.count(b"1000000000")
    path.write_bytes(lie)
    with pytest.raises(DatasetError, match=r"train\.npy is not the array its manifest describes: expected float32"):
        open_dataset(damaged)


def test_a_manifest_with_wrong_row_counts_is_refused(damaged: Path) -> None:
    change_manifest(damaged, rows={"train": 10**12, "validation": 10, "test": 10})
    with pytest.raises(DatasetError, match=r"train\.npy is not the array"):
        open_dataset(damaged)


@pytest.mark.parametrize(("version", "words"), [(FORMAT_VERSION + 1, "a newer"), (0, "an older")])
def test_another_format_version_is_refused_with_what_to_do(damaged: Path, version: int, words: str) -> None:
    change_manifest(damaged, format_version=version)
    with pytest.raises(DatasetError, match=f"format version {version} by {words} Earshot.*prepare the dataset again"):
        open_dataset(damaged)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"},
        {"format_version": "1"},
        {"format_version": True},
        {"name": None},
        {"title": 7},
        {"media": "vinyl"},
        {"metric": "manhattan"},
        {"rows": {"train": 1}},
        {"rows": {"train": -1, "validation": 1, "test": 1}},
        {"features": {"dim": 0, "dtype": "float32"}},
        {"features": {"dim": 8, "dtype": "object"}},
        {"features": {"dim": 8, "dtype": ["float32"]}},
        {"features": {"dim": 8, "dtype": "float32", "scale": 1}},
        {"features": {"dim": 8, "dtype": "float16", "offset": 0}},
        {"features": {"dim": 8, "dtype": "uint8"}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": 1}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": "1", "offset": 0}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": True, "offset": 0}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": -1, "offset": 0}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": float("nan"), "offset": 0}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": 1, "offset": float("-inf")}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": 10**400, "offset": 0}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": 3e38, "offset": 0}},
        {"features": {"dim": 8, "dtype": "uint8", "scale": 1e-9, "offset": 1}},
        {"definitions": "CC BY-SA"},
        {"definitions": {"source": "a book"}},
        {"features": []},
        {"labels": -1},
        {"labels": 1.5},
        {"files": {}},
        {"files": {"../train.npy": {"bytes": 1, "sha256": ""}}},
        {"skipped": None},
    ],
)
def test_a_manifest_with_a_wrong_field_is_refused(damaged: Path, changes: dict[str, object]) -> None:
    change_manifest(damaged, **changes)
    with pytest.raises(DatasetError, match=r"manifest\.json.*expected"):
        open_dataset(damaged)


@pytest.mark.parametrize("facts", [None, {"bytes": "1", "sha256": ""}, {"bytes": 1}])
def test_a_manifest_with_wrong_facts_of_a_file_is_refused(damaged: Path, facts: object) -> None:
    files = json.loads((damaged / "manifest.json").read_text())["files"]
    change_manifest(damaged, files={**files, "train.npy": facts})
    with pytest.raises(DatasetError, match=r"of train\.npy, expected its bytes and its sha256"):
        open_dataset(damaged)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=1000 if IS_STRESS else 60, deadline=None)
@given(data=st.data())
def test_any_other_value_of_a_field_is_refused_or_harmless(compact: Path, data: st.DataObject) -> None:
    manifest = json.loads((compact / "manifest.json").read_text())
    place = data.draw(
        st.sampled_from([manifest, manifest["features"], manifest["rows"], manifest["files"]["test.npy"]])
    )
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON_VALUES)
    with TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(compact, Path(folder, "d")))
        (copy / "manifest.json").write_text(json.dumps(manifest))
        try:
            dataset = open_dataset(copy)
            for split in SPLITS:
                assert np.isfinite(dataset.features(split)[:]).all()
        except DatasetError as error:
            assert str(copy) in str(error)  # noqa: PT017
        assert isinstance(verify_dataset(copy), list)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\xff"])
def test_a_manifest_that_is_not_a_json_object_is_refused(damaged: Path, text: str) -> None:
    (damaged / "manifest.json").write_text(text, encoding="latin1")
    with pytest.raises(DatasetError, match=r"manifest\.json"):
        open_dataset(damaged)


@pytest.mark.parametrize("name", ["clips.parquet", "labels.parquet"])
def test_any_flipped_byte_of_a_table_is_refused_when_it_is_read(damaged: Path, name: str) -> None:
    data = bytearray((damaged / name).read_bytes())
    for place in range(0, len(data), 97):
        data[place] ^= 0x10
        (damaged / name).write_bytes(data)
        dataset = open_dataset(damaged)
        with pytest.raises(DatasetError, match=f"{name} is not the file its manifest describes"):
            (dataset.clips("test"), dataset.label_names)
        data[place] ^= 0x10


def test_a_dataset_that_is_replaced_while_open_is_not_mixed(undamaged: Path, damaged: Path, tmp_path: Path) -> None:
    dataset = open_dataset(damaged)
    other = write(tmp_path / "other" / "thirty", seed=1, first=100, with_frames=True)
    shutil.rmtree(damaged)
    shutil.copytree(other, damaged)
    with pytest.raises(DatasetError, match="replaced while open"):
        dataset.clip("test", 0)
    np.testing.assert_array_equal(dataset.features("test"), open_dataset(undamaged).features("test"))
