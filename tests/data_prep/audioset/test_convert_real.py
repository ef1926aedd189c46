"""The real AudioSet files of this machine, converted: exact counts, no clip lost or doubled."""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data_prep.audioset.archive import read_shards
from data_prep.audioset.convert import convert
from data_prep.audioset.framing import read_records
from data_prep.dataset import SPLITS, Dataset, open_dataset, verify_dataset


@pytest.fixture(scope="module")
def dataset(real_dataset: Path) -> Dataset:
    return open_dataset(real_dataset)


def rows_of(path: Path) -> dict[str, list[str]]:
    """Return AudioSet's own list by clip id."""
    with path.open() as file:
        rows = [row for row in csv.reader(file, skipinitialspace=True) if not row[0].startswith("#")]
    return {f"{row[0]}_{int(float(row[1]))}": row for row in rows}


def column(dataset: Dataset, name: str) -> list:
    return [value for split in SPLITS for value in dataset.clips(split)[name].to_pylist()]


def test_the_converted_dataset_is_valid(real_dataset: Path) -> None:
    assert verify_dataset(real_dataset) == []


def test_every_clip_of_the_archive_arrives(dataset: Dataset) -> None:
    assert dataset.title == "AudioSet, 33,306 clips"
    assert dataset.source.endswith("22,160 balanced, 975 unbalanced, 10,171 evaluation clips")
    assert dataset.n_rows("train") + dataset.n_rows("validation") == 22_160 + 975
    assert dataset.n_rows("test") == 10_171
    assert dataset.manifest["skipped"] == []
    assert len(dataset.label_names) == 527


def test_no_clip_is_doubled(dataset: Dataset) -> None:
    assert len(set(column(dataset, "clip_id"))) == 33_306
    assert len(set(column(dataset, "media"))) == 33_306


def test_the_balanced_clips_are_those_that_audioset_lists(dataset: Dataset, real_data: Path) -> None:
    listed = rows_of(real_data / "audioset/balanced_train_segments.csv")
    assert len(listed) == 22_160
    n_frames = dict(zip(column(dataset, "clip_id"), column(dataset, "n_frames"), strict=True))
    assert set(listed) <= set(n_frames)
    assert sum(n_frames[clip_id] for clip_id in listed) == 220_270


def test_queries_are_evaluation_clips_and_the_database_has_none(dataset: Dataset, real_data: Path) -> None:
    listed = set(rows_of(real_data / "audioset/eval_segments.csv"))
    assert len(listed) == 20_371
    assert set(dataset.clips("test")["clip_id"].to_pylist()) <= listed
    for split in ("train", "validation"):
        assert not set(dataset.clips(split)["clip_id"].to_pylist()) & listed


def test_labels_are_those_that_audioset_lists(dataset: Dataset, real_data: Path) -> None:
    listed = rows_of(real_data / "audioset/balanced_train_segments.csv")
    mids = dataset.label_mids
    labels = dict(zip(column(dataset, "clip_id"), column(dataset, "labels"), strict=True))
    for clip_id, row in listed.items():
        assert {mids[label] for label in labels[clip_id]} == set(row[3].split(","))


def test_rows_without_features_are_counted_in_the_manifest(dataset: Dataset) -> None:
    missing = 20_371 - 10_171
    assert (
        f"{missing:,} of the 20,371 clips that eval_segments.csv lists have no shard here." in dataset.manifest["notes"]
    )


def test_short_clips_are_kept_and_counted(dataset: Dataset) -> None:
    lengths = Counter(column(dataset, "n_frames"))
    assert set(lengths) <= set(range(1, 11))
    n_short = 33_306 - lengths[10]
    assert n_short > 0
    assert f"{n_short} clips have fewer than 10 frames." in dataset.manifest["notes"]


def test_a_tenth_of_training_is_validation(dataset: Dataset) -> None:
    n = dataset.n_rows("train") + dataset.n_rows("validation")
    assert abs(dataset.n_rows("validation") - 0.1 * n) < 4 * (n * 0.1 * 0.9) ** 0.5


def test_features_lie_in_the_range_that_was_quantised_and_are_the_means_of_their_frames(dataset: Dataset) -> None:
    for split in SPLITS:
        features = dataset.features(split)
        offsets, frames = dataset.frames(split)
        assert features.min() >= -2
        assert features.max() <= 2
        for row in range(0, len(features), 997):
            mean = frames[offsets[row] : offsets[row + 1]].mean(axis=0) / 255 * 4 - 2
            np.testing.assert_allclose(features[row], mean, atol=1e-6)


def test_the_first_rows_are_a_random_sample(dataset: Dataset) -> None:
    """Speech is as frequent among the first 2,000 rows as in all of train, within four standard errors."""
    n, first = dataset.n_rows("train"), 2_000
    speech = dataset.rows_with_label("train", dataset.label_names.index("Speech"))
    share = len(speech) / n
    assert abs((speech < first).mean() * len(speech) / first - share) < 4 * (share * (1 - share) / first) ** 0.5


def test_the_archives_own_framing_holds_the_same_number_of_records(real_data: Path) -> None:
    records: Counter[str] = Counter()
    shards: Counter[str] = Counter()
    for shard in read_shards(real_data / "audioset/features.tar.gz"):
        shards[shard.source] += 1
        records[shard.source] += sum(1 for _ in read_records(shard.data, shard.name))
    assert shards == {"bal_train": 4_070, "eval": 2_033, "unbal_train": 3}
    assert records == {"bal_train": 22_160, "eval": 10_171, "unbal_train": 975}


def test_names_that_differ_only_by_case_are_different_shards(real_data: Path) -> None:
    names = [shard.name for shard in read_shards(real_data / "audioset/features.tar.gz")]
    assert len(set(names)) == len(names)
    assert len({name.lower() for name in names}) < len(names)


def test_the_collection_in_the_repository_is_made_from_the_archive_byte_by_byte(
    real_data: Path, root: Path, tmp_path: Path
) -> None:
    audioset, here, out = real_data / "audioset", root / "data/audioset-small", tmp_path / "audioset-small"
    ids = root / "data_prep/audioset/small_clips.txt"
    options = {"clips": ids, "ontology": audioset / "ontology.json", "definitions": False}
    convert(audioset / "features.tar.gz", audioset / "class_labels_indices.csv", out, **options)
    made, shipped = (json.loads((folder / "manifest.json").read_bytes()) for folder in (out, here))
    assert shipped.pop("map")["method"] == "t-SNE"
    assert shipped["files"].pop("map.npy")
    assert made == shipped
    for name in made["files"]:
        assert (out / name).read_bytes() == (here / name).read_bytes()
    assert verify_dataset(here) == []
    assert shipped["rows"] == {"train": 19_861, "validation": 2_299, "test": 2_000}
