"""Writing a dataset: order, checks and equal bytes for equal input."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.arrays import FEATURE_DTYPES, FeatureDtype
from data_prep.dataset import open_dataset, verify_dataset
from data_prep.dataset.features import frame_sums, mean_features
from data_prep.dataset.hashed_file import HashedFile, file_facts
from data_prep.dataset.schema import SPLITS, row_key
from data_prep.dataset.writer import new_dataset, write_dataset
from data_prep.errors import InputError, OutputError
from tests.data_prep.small_datasets import ABOUT, LABELS, batch, write

FILES = ["clips.parquet", "labels.parquet", "manifest.json", "test.npy", "train.npy", "validation.npy"]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_written_dataset_is_valid_and_nothing_else_is_left(tmp_path: Path) -> None:
    out = write(tmp_path / "out" / "d")
    assert verify_dataset(out) == []
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert list(out.parent.iterdir()) == [out]


def test_frames_are_one_more_file(tmp_path: Path) -> None:
    out = write(tmp_path / "d", with_frames=True)
    assert verify_dataset(out) == []
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "frames.npy"])


def stored_by_hand(X: np.ndarray, dtype: str) -> np.ndarray:
    """Return the values that are stored for all features of a dataset, one by one."""
    if dtype != "uint8":
        return X.astype(dtype).astype(np.float32)
    low, high = float(X.min()), float(X.max())
    scale = float(np.float32((high - low) / 255))
    codes = [min(255, max(0, round((float(x) - low) / scale))) for x in X.ravel()]
    return np.array([low + scale * code for code in codes], np.float64).reshape(X.shape).astype(np.float32)


@pytest.mark.parametrize("dtype", FEATURE_DTYPES)
def test_the_same_clips_give_the_same_bytes_in_any_order(tmp_path: Path, dtype: FeatureDtype) -> None:
    forwards = [batch(12, with_frames=True), batch(18, with_frames=True, first=12)]
    write_dataset(tmp_path / "a" / "d", ABOUT, LABELS, forwards, dtype=dtype)
    write_dataset(tmp_path / "b" / "d", ABOUT, LABELS, iter(reversed(forwards)), dtype=dtype)
    assert files_of(tmp_path / "a" / "d") == files_of(tmp_path / "b" / "d")


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.integers(1, 9),
    st.integers(1, 50),
    st.booleans(),
    st.sampled_from(FEATURE_DTYPES),
)
def test_every_clip_keeps_its_columns_for_any_size_of_batches_and_chunks(
    sizes: list[int], chunk: int, group: int, with_frames: bool, dtype: FeatureDtype
) -> None:
    batches = [batch(n, first=sum(sizes[:i]), with_frames=with_frames) for i, n in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr("data_prep.dataset.writer._CHUNK", chunk)
        patch.setattr("data_prep.dataset.writer._GROUP", group)
        write_dataset(Path(folder, "d"), ABOUT, LABELS, batches, dtype=dtype)
        dataset = open_dataset(Path(folder, "d"))
        assert verify_dataset(Path(folder, "d")) == []
        assert sum(map(dataset.n_rows, SPLITS)) == sum(sizes)
        everything = batch(sum(sizes), with_frames=True)
        features = stored_by_hand(everything.features, dtype)
        ends = np.cumsum(everything.n_frames)
        for i, clip_id in enumerate(everything.clip_id):
            clip = dataset.find_clip(clip_id)
            assert clip is not None
            assert (clip.split, clip.media, clip.start_s) == (everything.split[i], everything.media[i], i / 2)
            assert list(clip.labels) == everything.labels[i]
            assert np.array_equal(dataset.features(clip.split)[clip.row], features[i])
            if with_frames:
                offsets, frames = dataset.frames(clip.split)
                own = everything.frames[ends[i] - clip.n_frames : ends[i]] if everything.frames is not None else None
                assert np.array_equal(frames[offsets[clip.row] : offsets[clip.row + 1]], own)
        for split in SPLITS:
            carried = [
                label for i, labels in enumerate(everything.labels) for label in labels if everything.split[i] == split
            ]
            assert dataset.label_counts(split).tolist() == np.bincount(carried, minlength=len(LABELS)).tolist()


@pytest.mark.parametrize("dtype", FEATURE_DTYPES)
def test_sums_of_frames_give_the_same_dataset_as_their_means(tmp_path: Path, dtype: FeatureDtype) -> None:
    batches = [batch(12, with_frames=True), batch(13, with_frames=True, first=12)]  # the largest has five frames
    sums, means = [], []
    for clips in batches:
        assert clips.frames is not None
        n_frames = np.asarray(clips.n_frames)
        sums.append(replace(clips, features=frame_sums(clips.frames, n_frames)))
        means.append(replace(clips, features=mean_features(clips.frames, n_frames)))
    write_dataset(tmp_path / "a" / "d", ABOUT, LABELS, sums, dtype=dtype)
    write_dataset(tmp_path / "b" / "d", ABOUT, LABELS, means, dtype=dtype)
    assert files_of(tmp_path / "a" / "d") == files_of(tmp_path / "b" / "d")
    with pytest.raises(InputError, match="batches must all have features, or all sums"):
        write_dataset(tmp_path / "c", ABOUT, LABELS, [sums[0], means[1]])


@pytest.mark.parametrize(("dtype", "largest"), [("float16", 65_504), ("uint8", 1e38)])
def test_features_that_a_dtype_cannot_store_are_refused_with_their_clip(
    tmp_path: Path, dtype: FeatureDtype, largest: float
) -> None:
    features = batch().features.copy()
    features[7, 3] = -largest
    assert verify_dataset(write(tmp_path / "d", features=features, dtype=dtype)) == []
    features[7, 3] = -largest * 1.01
    with pytest.raises(InputError, match=r"clip 'clip-7' is invalid: its feature exceeds .*: choose float32"):
        write(tmp_path / "e", features=features, dtype=dtype)
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


@pytest.mark.parametrize("value", [0.0, -3.5, 1e-30, 1e30])
def test_equal_values_everywhere_are_stored_exactly_in_uint8(tmp_path: Path, value: float) -> None:
    features = np.full((30, 8), value, np.float32)
    dataset = open_dataset(write(tmp_path / "d", features=features, dtype="uint8"))
    assert np.array_equal(dataset.features("train")[:], features[:10])


FURTHER: dict[str, Any] = {
    "title": pa.array([None, *(f"title {i}" for i in range(29))], pa.string()),
    "extra_species": pa.array([f"bird {i}" for i in range(30)]),
    "extra_count": pa.array([None, *range(29)], pa.int64()),
    "extra_loudness": pa.array([i / 7 for i in range(30)], pa.float64()),
    "extra_is_loud": pa.array([i % 3 == 0 for i in range(30)]),
    "extra_words": pa.array([["a"] * (i % 3) for i in range(30)], pa.list_(pa.string())),
    "extra_": pa.array(range(30)),
}
"""Further columns of `batch()`; the last has no name besides the prefix, so it is not valid."""


def test_further_columns_come_back_in_the_order_of_their_clips(tmp_path: Path) -> None:
    further = {name: column for name, column in FURTHER.items() if name != "extra_"}
    halves = [
        batch(10, further={name: column[:10] for name, column in further.items()}),
        batch(20, first=10, further={name: column[10:] for name, column in further.items()}),
    ]
    write_dataset(tmp_path / "d", ABOUT, LABELS, halves)
    assert verify_dataset(tmp_path / "d") == []
    dataset = open_dataset(tmp_path / "d")
    for split in SPLITS:
        clips = dataset.clips(split)
        numbers = [int(clip_id.removeprefix("clip-")) for clip_id in clips["clip_id"].to_pylist()]
        assert dataset.clip(split, 3).clip_id == f"clip-{numbers[3]}"
        for name, column in further.items():
            assert clips[name].to_pylist() == [column[i].as_py() for i in numbers]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("extra_", FURTHER["extra_"]),
        ("species", FURTHER["extra_species"]),
        ("title", FURTHER["extra_count"]),
        ("extra_time", pa.array(range(30), pa.timestamp("s"))),
        ("extra_lists", pa.array([[[1]]] * 30)),
        ("media", FURTHER["extra_species"]),
    ],
)
def test_a_further_column_that_the_format_does_not_have_is_refused(tmp_path: Path, name: str, column: Any) -> None:
    with pytest.raises(InputError, match=f"it has a column '{name}' of type .* expected as further ones"):
        write(tmp_path / "d", further={name: column})


def test_batches_with_other_further_columns_are_refused(tmp_path: Path) -> None:
    first = batch(30, further={"extra_count": FURTHER["extra_count"]})
    for further in ({}, {"extra_count": FURTHER["extra_loudness"]}, {"title": FURTHER["title"]}):
        with pytest.raises(InputError, match="batches must all have the same further columns"):
            write_dataset(tmp_path / "d", ABOUT, LABELS, [first, batch(30, first=30, further=further)])
    with pytest.raises(InputError, match="differ in length"):
        write(tmp_path / "d", further={"extra_count": FURTHER["extra_count"][:29]})


def test_definitions_of_labels_are_stored_with_their_licence(tmp_path: Path) -> None:
    labels = [replace(LABELS[0], definition="What label 0 means."), *LABELS[1:]]
    about = replace(ABOUT, definitions={"source": "a book", "licence": "CC BY-SA 4.0"})
    write_dataset(tmp_path / "d", about, labels, [batch()])
    dataset = open_dataset(tmp_path / "d")
    assert verify_dataset(tmp_path / "d") == []
    assert dataset.label_definitions == ["What label 0 means.", "", "", "", ""]
    assert dataset.manifest["definitions"] == about.definitions
    with pytest.raises(InputError, match="definitions without a source and a licence"):
        write_dataset(tmp_path / "e", ABOUT, labels, [batch()])
    write_dataset(tmp_path / "e", about, LABELS, [batch()])
    assert "definitions" not in open_dataset(tmp_path / "e").manifest
    assert open_dataset(tmp_path / "e").label_definitions == [""] * 5


@pytest.mark.parametrize("wrong", ["bell.wav", "javascript:alert(1)", "https://", "ftp://a/b"])
def test_the_media_of_kind_url_are_web_addresses(tmp_path: Path, wrong: str) -> None:
    about, media = replace(ABOUT, media="url"), [f"https://example.org/{i}.mp3" for i in range(30)]
    write_dataset(tmp_path / "d", about, LABELS, [batch(media=media)])
    assert verify_dataset(tmp_path / "d") == []
    with pytest.raises(InputError, match="is not the address of a sound"):
        write_dataset(tmp_path / "e", about, LABELS, [batch(media=[*media[:29], wrong])])


@pytest.mark.parametrize("portion", [1, 100, 1 << 25])
def test_a_file_synced_in_portions_is_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    monkeypatch.setattr("data_prep.dataset.hashed_file._SYNC_EVERY_BYTES", portion)
    pieces = [bytes([i]) * (7 * i) for i in range(40)]
    with HashedFile(tmp_path / "file") as file:
        for piece in pieces:
            file.write(piece)
    assert (tmp_path / "file").read_bytes() == b"".join(pieces)
    assert file.facts == file_facts(tmp_path / "file")


def test_rows_are_in_the_order_of_their_keys(tmp_path: Path) -> None:
    dataset = open_dataset(write(tmp_path / "d", n=300))
    for split in SPLITS:
        keys = [row_key(clip_id) for clip_id in dataset.clips(split)["clip_id"].to_pylist()]
        assert keys == sorted(keys)


def test_damage_in_a_table_is_detected_by_its_page_checksums(tmp_path: Path) -> None:
    path = write(tmp_path / "d") / "clips.parquet"
    whole = path.read_bytes()
    place = whole.index(b"labels")  # the footer begins with the schema; pages lie before it
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    end_of_page = column.data_page_offset + column.total_compressed_size
    messages = set()
    for damaged in range(end_of_page - 30, end_of_page):
        assert damaged < place
        path.write_bytes(whole[:damaged] + bytes([whole[damaged] ^ 1]) + whole[damaged + 1 :])
        with pytest.raises(OSError, match="CRC checksum") as caught:
            pq.ParquetFile(path, page_checksum_verification=True).read()
        messages.add(str(caught.value))
    assert messages


def test_the_manifest_lists_what_was_left_out(tmp_path: Path) -> None:
    with new_dataset(tmp_path / "d", LABELS) as writer:
        writer.add(batch())
        writer.finish(ABOUT, skipped=[{"where": "there", "reason": "damage"}], notes=["Remember."])
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    assert manifest["skipped"] == [{"where": "there", "reason": "damage"}]
    assert manifest["notes"] == ["Remember."]


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"clip_id": ["a/b"]}, "'a/b' is invalid: an id may hold letters"),
        ({"clip_id": [""]}, "an id may hold letters"),
        ({"split": ["dev"]}, "'clip-0' is invalid: its split is none of train, validation, test"),
        ({"features": np.full((1, 8), np.nan, np.float32)}, "its feature is not finite"),
        ({"features": np.full((1, 8), np.inf, np.float32)}, "its feature is not finite"),
        ({"features": np.zeros((1, 8))}, r"features are float64\[1, 8\], expected float32\[n, 8\]"),
        ({"features": np.zeros((2, 8), np.float32)}, "differ in length"),
        ({"start_s": [5.0], "end_s": [5.0]}, "its times are not"),
        ({"end_s": [np.nan]}, "its times are not"),
        ({"start_s": [-1.0]}, "its times are not"),
        ({"n_frames": [0]}, "it has no frame"),
        ({"labels": [[5]]}, r"labels must differ and be in 0\.\.4"),
        ({"labels": [[-1]]}, "labels must differ"),
        ({"labels": [[2, 2]]}, "labels must differ"),
        ({"media": []}, "differ in length"),
        ({"frames": np.zeros((2, 8), np.uint8)}, r"frames are uint8\[2, 8\], expected uint8\[1, 8\]"),
        ({"frames": np.zeros((1, 8), np.float32)}, "frames are float32"),
    ],
)
def test_a_clip_that_violates_the_format_is_refused_and_nothing_is_written(
    tmp_path: Path, replaced: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        write(tmp_path / "d", n=1, **replaced)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_of_another_dimension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"features are float32\[3, 9\], expected float32\[n, 8\]"):
        write_dataset(tmp_path / "d", ABOUT, LABELS, [batch(3), batch(3, first=3, dim=9)])


def test_frames_come_with_every_batch_or_with_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="batches must all have frames, or none"):
        write_dataset(tmp_path / "d", ABOUT, LABELS, [batch(3), batch(3, first=3, with_frames=True)])


def test_an_id_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'clip-4' occurs twice"):
        write_dataset(tmp_path / "d", ABOUT, LABELS, [batch(5), batch(5, first=4)])


def test_no_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no clips"):
        write_dataset(tmp_path / "d", ABOUT, LABELS, [batch(0)])
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_dataset_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="is not finished"), new_dataset(tmp_path / "d", LABELS) as writer:
        writer.add(batch())
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_block_leaves_nothing(tmp_path: Path) -> None:
    def fail_late() -> None:
        with new_dataset(tmp_path / "d", LABELS) as writer:
            writer.add(batch())
            writer.finish(ABOUT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_late()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_dataset_is_refused_and_kept(tmp_path: Path) -> None:
    before = files_of(write(tmp_path / "d"))
    with pytest.raises(OutputError, match="exists already"):
        write(tmp_path / "d", seed=1)
    assert files_of(tmp_path / "d") == before


def test_overwrite_replaces_a_dataset_by_the_new_one(tmp_path: Path) -> None:
    write(tmp_path / "d")
    write_dataset(tmp_path / "d", ABOUT, LABELS, [batch(40)], overwrite=True)
    assert verify_dataset(tmp_path / "d") == []
    assert sum(open_dataset(tmp_path / "d").manifest["rows"].values()) == 40
    assert list(tmp_path.iterdir()) == [tmp_path / "d"]


def test_an_overwrite_that_fails_leaves_the_old_dataset(tmp_path: Path) -> None:
    before = files_of(write(tmp_path / "d"))
    with pytest.raises(InputError):
        write_dataset(tmp_path / "d", ABOUT, LABELS, [batch(5), batch(5, first=4)], overwrite=True)
    assert files_of(tmp_path / "d") == before
    assert list(tmp_path.iterdir()) == [tmp_path / "d"]
