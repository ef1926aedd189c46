"""The whole conversion on tiny inputs, through the command line's own entry."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_prep.arrays import FeatureDtype
from data_prep.audioset.splits import split_of
from data_prep.dataset import SPLITS, open_dataset, verify_dataset
from data_prep.download.packed_dataset import pack, unpack
from tests.data_prep.audioset_files import (
    BALANCED_ROWS,
    LABELS_CSV,
    N_CLIPS,
    SHARDS,
    clips,
    shard,
    write_archive,
    write_segments,
)

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

Convert = Callable[..., int]


def expected_clips() -> dict[str, dict[str, object]]:
    """Return the content of the tiny shards, computed without the code under test."""
    wanted = {}
    for source, key, numbers in (
        ("bal_train", "-A", range(25)),
        ("bal_train", "-a", range(12)),
        ("unbal_train", "-A", range(100, 108)),
        ("eval", "zz", range(9)),
    ):
        for i in numbers:
            frame = np.array([(i * 7 + j) % 256 for j in range(128)])
            video_id = f"{key}{i:09d}"
            wanted[f"{video_id}_30"] = {
                "split": split_of(source, video_id),
                "media": video_id,
                "labels": (i % 3,),
                "n_frames": 1 + i % 10,
                "feature": frame / 255 * 4 - 2,
            }
    return wanted


def test_every_clip_arrives_once_with_its_labels_and_feature(convert: Convert, tmp_path: Path) -> None:
    assert convert() == 0
    dataset = open_dataset(tmp_path / "out/made")
    wanted = expected_clips()
    assert len(wanted) == N_CLIPS
    for split in SPLITS:
        for row in range(dataset.n_rows(split)):
            found = dataset.clip(split, row)
            want = wanted.pop(found.clip_id)
            assert (found.split, found.media, found.labels, found.n_frames) == tuple(want.values())[:4]
            assert (found.start_s, found.end_s) == (30.0, 40.0)
            np.testing.assert_allclose(dataset.features(split)[row], want["feature"], atol=1e-6)
    assert wanted == {}
    assert verify_dataset(tmp_path / "out/made") == []


def test_the_manifest_describes_the_source(convert: Convert, tmp_path: Path) -> None:
    convert()
    manifest = json.loads((tmp_path / "out/made/manifest.json").read_text())
    assert manifest["name"] == "made"
    assert manifest["title"] == "AudioSet, 54 clips"
    assert manifest["source"].endswith("37 balanced, 8 unbalanced, 9 evaluation clips")
    assert (manifest["media"], manifest["metric"], manifest["labels"]) == ("youtube", "cosine", 3)
    assert manifest["features"]["aggregation"] == "mean of the clip's frames"
    assert sum(manifest["rows"].values()) == N_CLIPS
    assert "CC BY 4.0" in manifest["licence"]
    assert manifest["skipped"] == []
    assert manifest["notes"] == ["51 clips have fewer than 10 frames."]


def test_archive_folder_and_shards_one_by_one_give_the_same_bytes(
    convert: Convert, features: Path, tmp_path: Path
) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", dict(reversed(SHARDS.items())))
    convert(out="a/made")
    convert(features=archive, out="b/made")
    for name in ("clips.parquet", "manifest.json", "train.npy", "validation.npy", "test.npy", "labels.parquet"):
        assert (tmp_path / "a/made" / name).read_bytes() == (tmp_path / "b/made" / name).read_bytes()


@pytest.mark.parametrize("dtype", ["float16", "uint8"])
def test_a_compact_dataset_is_the_one_that_packing_makes_of_the_float32_one(
    convert: Convert, tmp_path: Path, dtype: FeatureDtype
) -> None:
    convert(out="a/made")
    convert("--dtype", dtype, out="b/made")
    pack(tmp_path / "a/made", tmp_path / "packed.zip", dtype)
    packed, made = unpack(tmp_path / "packed.zip", tmp_path / "c/made").path, tmp_path / "b/made"
    assert {p.name: p.read_bytes() for p in packed.iterdir()} == {p.name: p.read_bytes() for p in made.iterdir()}
    assert verify_dataset(made) == []
    exact, compact = open_dataset(tmp_path / "a/made"), open_dataset(made)
    step = compact.manifest["features"].get("scale", 2.0**-9)  # float16: of values from 1 to 2, a half more
    for split in SPLITS:
        np.testing.assert_allclose(compact.features(split)[:], exact.features(split), atol=step / 2 * 1.001)


def test_the_ontologys_sentences_are_kept_with_their_licence_unless_they_are_left_out(
    convert: Convert, tmp_path: Path
) -> None:
    nodes = [{"id": "/m/0", "name": "Speech", "description": "People who talk.", "child_ids": ["/m/1"]}]
    nodes += [{"id": "/m/1", "name": "Whoop, loud", "description": "", "child_ids": []}]
    (tmp_path / "ontology.json").write_text(json.dumps(nodes))
    convert("--ontology", tmp_path / "ontology.json", out="a/made")
    dataset = open_dataset(tmp_path / "a/made")
    assert verify_dataset(dataset.path) == []
    assert dataset.label_definitions == ["People who talk.", "", ""]
    assert dataset.manifest["definitions"]["licence"] == "CC BY-SA 4.0, Google"
    convert("--ontology", tmp_path / "ontology.json", "--no-definitions", out="b/made")
    without = open_dataset(tmp_path / "b/made")
    assert without.label_definitions == [""] * 3
    assert without.label_parents == dataset.label_parents == [[], ["Speech"], []]
    assert "People who talk" not in (without.path / "labels.parquet").read_bytes().decode(errors="replace")
    assert "definitions" not in without.manifest


def test_one_shard_is_enough(convert: Convert, features: Path, tmp_path: Path) -> None:
    assert convert(features=features / "eval/zz.tfrecord") == 0
    assert open_dataset(tmp_path / "out/made").manifest["rows"] == {"train": 0, "validation": 0, "test": 9}


def test_frames_are_kept_when_asked_for(convert: Convert, tmp_path: Path) -> None:
    convert("--frames")
    dataset = open_dataset(tmp_path / "out/made")
    for split in SPLITS:
        offsets, frames = dataset.frames(split)
        for row in range(dataset.n_rows(split)):
            clip_frames = frames[offsets[row] : offsets[row + 1]]
            assert len(clip_frames) == dataset.clip(split, row).n_frames
            mean = clip_frames.mean(axis=0) / 255 * 4 - 2
            np.testing.assert_allclose(dataset.features(split)[row], mean, atol=1e-6)


def test_only_the_summary_goes_to_stdout_and_progress_to_stderr(
    convert: Convert, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    convert()
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{tmp_path / 'out/made'}: AudioSet, 54 clips, ")
    assert "clips/s" in captured.err


# AudioSet's lists of segments.


def test_a_list_that_agrees_leaves_no_note(convert: Convert, tmp_path: Path) -> None:
    assert convert("--segments", write_segments(tmp_path / "balanced_train_segments.csv", BALANCED_ROWS)) == 0
    assert len(open_dataset(tmp_path / "out/made").manifest["notes"]) == 1


def test_listed_clips_of_missing_shards_are_counted(convert: Convert, tmp_path: Path) -> None:
    rows = [*BALANCED_ROWS, ("qq000000001", 0.0, 10.0, [1]), ("qq000000002", 0.0, 10.0, [1])]
    assert convert("--segments", write_segments(tmp_path / "balanced_train_segments.csv", rows)) == 0
    notes = open_dataset(tmp_path / "out/made").manifest["notes"]
    assert "2 of the 39 clips that balanced_train_segments.csv lists have no shard here." in notes


def test_records_override_the_list_and_differences_are_counted(convert: Convert, tmp_path: Path) -> None:
    rows = [("-A000000000", 30.0, 39.0, [0]), ("-A000000001", 30.0, 40.0, [2]), *BALANCED_ROWS[2:-1]]
    assert convert("--segments", write_segments(tmp_path / "balanced_train_segments.csv", rows)) == 0
    dataset = open_dataset(tmp_path / "out/made")
    assert dataset.manifest["notes"][:3] == [
        "1 clips are not listed in balanced_train_segments.csv.",
        "1 clips have other times than balanced_train_segments.csv says: the features' are kept.",
        "1 clips have other labels than balanced_train_segments.csv says: the features' are kept.",
    ]
    first, second = dataset.find_clip("-A000000000_30"), dataset.find_clip("-A000000001_30")
    assert first is not None
    assert second is not None
    assert (first.end_s, second.labels) == (40.0, (1,))


def test_a_shard_cut_between_two_records_is_detected_by_the_list(
    convert: Convert, refused: Callable[..., str], features: Path, tmp_path: Path
) -> None:
    (features / "bal_train/-a.tfrecord").write_bytes(shard(clips("-a", 10)))
    segments = write_segments(tmp_path / "balanced_train_segments.csv", BALANCED_ROWS)
    assert "bal_train/-a.tfrecord, at byte 0: lacks clips that balanced_train_segments.csv lists" in refused(
        "--segments", segments
    )
    assert convert("--segments", segments, "--keep-going") == 1
    (loss,) = open_dataset(tmp_path / "out/made").manifest["skipped"]
    assert (loss["where"], loss["clips_kept"], loss["clips_lost"]) == ("bal_train/-a.tfrecord", 10, 2)


def test_a_shard_overwritten_by_one_whose_name_differs_by_case_is_detected(
    refused: Callable[..., str], features: Path, tmp_path: Path
) -> None:
    shutil.move(features / "bal_train/-a.tfrecord", features / "bal_train/-A.tfrecord")
    segments = write_segments(tmp_path / "balanced_train_segments.csv", BALANCED_ROWS)
    assert "bal_train/-A.tfrecord, at byte 0: lacks clips" in refused("--segments", segments)


def test_the_label_table_may_be_any_size(convert: Convert, tmp_path: Path) -> None:
    more = "".join(f'{i},/m/{i},"label {i}"\n' for i in range(3, 40))
    (tmp_path / "more.csv").write_text(LABELS_CSV + more)
    assert convert(labels=tmp_path / "more.csv") == 0
    assert len(open_dataset(tmp_path / "out/made").label_names) == 40


# Listed clips alone.


def write_ids(path: Path, *clip_ids: str) -> str:
    path.write_text("".join(f"{clip_id}\n" for clip_id in clip_ids))
    return str(path)


def test_only_listed_clips_are_converted_with_the_same_features_and_splits(convert: Convert, tmp_path: Path) -> None:
    everything = expected_clips()
    wanted = [*everything][::3]
    assert convert("--clips", write_ids(tmp_path / "ids", *wanted)) == 0
    dataset = open_dataset(tmp_path / "out/made")
    assert sum(dataset.manifest["rows"].values()) == len(wanted)
    assert verify_dataset(tmp_path / "out/made") == []
    for clip_id in wanted:
        clip = dataset.find_clip(clip_id)
        assert clip is not None
        assert clip.split == everything[clip_id]["split"]
        np.testing.assert_allclose(dataset.features(clip.split)[clip.row], everything[clip_id]["feature"], atol=1e-6)


def test_the_name_of_a_folder_stands_for_all_clips_in_it(convert: Convert, tmp_path: Path) -> None:
    everything = expected_clips()
    test = [clip_id for clip_id, clip in everything.items() if clip["split"] == "test"]
    others = [clip_id for clip_id in everything if clip_id not in test]
    assert convert("--clips", write_ids(tmp_path / "ids", "eval", others[0], test[0])) == 0
    dataset = open_dataset(tmp_path / "out/made")
    found = [clip_id for clip_id in everything if dataset.find_clip(clip_id) is not None]
    assert sorted(found) == sorted([*test, others[0]])


def test_a_folder_of_which_the_features_have_nothing_is_refused(
    convert: Convert, features: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wanted = write_ids(tmp_path / "ids", "eval", "bal_train")
    assert convert("--clips", wanted, features=features / "eval/zz.tfrecord") == 2
    assert "lists bal_train, of which no clip is in the features" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (["nobody00000_30"], "1 of its 1 clips are not in the features"),
        (["eval", "nobody00000_30"], "1 of its 1 clips are not in the features"),
        (["a_1", "a_1"], "lists 'a_1' more than once"),
        ([], "is empty; expected one clip id per line"),
    ],
)
def test_a_list_of_clips_that_cannot_be_followed_is_refused(
    convert: Convert, capsys: pytest.CaptureFixture[str], tmp_path: Path, listed: list[str], message: str
) -> None:
    assert convert("--clips", write_ids(tmp_path / "ids", *listed)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out/made").exists()
