"""Bad input to a conversion: one message (what, where, what was expected, what to do), and nothing left behind."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_prep.audioset import parsing
from data_prep.audioset.tfrecord import ParsedRecords, Records
from data_prep.dataset import open_dataset, verify_dataset
from data_prep.dataset.hashed_file import HashedFile
from data_prep.errors import RecordError
from tests.data_prep.audioset_files import (
    BALANCED_ROWS,
    N_CLIPS,
    SHARDS,
    clip,
    clips,
    framed,
    int_feature,
    shard,
    tar_bytes,
    write_archive,
    write_folder,
    write_segments,
)

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

Convert = Callable[..., int]


def test_a_missing_label_table_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    assert f"cannot read {tmp_path}/no.csv: No such file" in refused(labels=tmp_path / "no.csv")


def test_a_csv_that_is_not_audiosets_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("name,age\nAda,36\n")
    assert "is not AudioSet's label table" in refused(labels=tmp_path / "bad.csv")
    (tmp_path / "eval_segments.csv").write_text("name,age\nAda,36\n")
    assert "is not one of AudioSet's lists" in refused("--segments", tmp_path / "eval_segments.csv")


def test_a_missing_archive_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    assert f"{tmp_path}/features.tar.gz does not exist" in refused(features=tmp_path / "features.tar.gz")


def test_an_empty_folder_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no *.tfrecord file: expected audioset_v1_embeddings" in refused(features=tmp_path / "empty")


def test_a_label_beyond_the_table_is_refused_with_file_and_offset(refused: Callable[..., str], features: Path) -> None:
    whole = shard(clips("zz", 5))
    (features / "eval/zz.tfrecord").write_bytes(whole + framed(clip("zz000000099", [3])))
    message = refused()
    assert f"eval/zz.tfrecord, at byte {len(whole):,}: has label 3, the label table has 0 to 2" in message


def test_a_truncated_shard_is_refused_with_file_and_offset(refused: Callable[..., str], features: Path) -> None:
    path = features / "bal_train/-a.tfrecord"
    path.write_bytes(path.read_bytes()[:-30])
    last = len(shard(clips("-a", 11)))
    assert f"bal_train/-a.tfrecord, at byte {last:,}: cut" in refused()


def test_a_flipped_byte_is_refused_with_its_file_and_offset(refused: Callable[..., str], features: Path) -> None:
    path = features / "bal_train/-a.tfrecord"
    data = bytearray(path.read_bytes())
    second = len(shard(clips("-a", 1)))
    data[second + 100] ^= 0x40
    path.write_bytes(data)
    assert f"bal_train/-a.tfrecord, at byte {second:,}: the checksum of its data is wrong" in refused()


@pytest.mark.parametrize("length", [2**31, 2**33, 2**40, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_wrong_length_never_reaches_tensorflow(
    refused: Callable[..., str], features: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    for path in features.rglob("*.tfrecord"):
        path.unlink()
    (features / "eval/zz.tfrecord").write_bytes(framed(clip("zz000000001"), length=length))
    parsed, parse = list[bytes](), parsing.parse_records

    def note_and_parse(
        records: Records, n_labels: int, *, keep_frames: bool
    ) -> tuple[Records, ParsedRecords, list[RecordError]]:
        parsed.extend(records.payloads)
        return parse(records, n_labels, keep_frames=keep_frames)

    monkeypatch.setattr(parsing, "parse_records", note_and_parse)
    assert f"eval/zz.tfrecord, at byte 0: claims {length:,} bytes" in refused()
    assert parsed == []


def test_a_member_outside_its_folder_is_refused_even_with_keep_going(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    archive = tmp_path / "features.tar.gz"
    archive.write_bytes(gzip.compress(tar_bytes([*SHARDS.items(), ("../evil.tfrecord", b"x")])))
    assert "not a plain path inside the archive" in refused("--keep-going", features=archive)
    assert not (tmp_path.parent / "evil.tfrecord").exists()


def test_a_cut_archive_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])
    assert f"features.tar.gz, at byte {len(data) // 2:,}: the archive is cut short: get it again" in refused(
        features=archive
    )


def test_a_damaged_archive_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    data = bytearray(archive.read_bytes())
    data[-8] ^= 1  # of gzip's own checksum
    archive.write_bytes(data)
    assert "the archive is damaged (CRC check failed" in refused(features=archive)


def test_a_file_that_is_not_an_archive_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "features.tar.gz").write_text("<html>404</html>")
    assert "is neither a tar archive nor a *.tfrecord shard" in refused(features=tmp_path / "features.tar.gz")


def test_a_clip_that_comes_twice_is_refused_with_both_places(refused: Callable[..., str], features: Path) -> None:
    (features / "eval/-A.tfrecord").write_bytes(shard(clips("-A", 2, first=24)))
    message = refused()
    assert "eval/-A.tfrecord, at byte 0: clip '-A000000024_30' is also in bal_train/-A.tfrecord" in message


def test_a_full_disk_is_reported_and_nothing_is_left(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(HashedFile, "write", full)
    assert "No space left on device; there is not enough room on its disk" in refused()


def test_an_existing_output_is_refused_before_anything_is_read(
    convert: Convert, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "out/made").mkdir(parents=True)
    assert convert(features=tmp_path / "nowhere") == 2
    assert "exists already: choose another folder, or pass --overwrite" in capsys.readouterr().err
    assert list((tmp_path / "out/made").iterdir()) == []


def test_overwrite_replaces_an_existing_output(convert: Convert, features: Path, tmp_path: Path) -> None:
    convert()
    (features / "unbal_train/-A.tfrecord").unlink()
    assert convert("--overwrite") == 0
    assert sum(open_dataset(tmp_path / "out/made").manifest["rows"].values()) == N_CLIPS - 8
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["made"]


def test_an_overwrite_that_fails_keeps_the_old_output(convert: Convert, features: Path, tmp_path: Path) -> None:
    convert()
    before = open_dataset(tmp_path / "out/made").fingerprint
    (features / "eval/zz.tfrecord").write_bytes(b"damaged")
    assert convert("--overwrite") == 2
    assert open_dataset(tmp_path / "out/made").fingerprint == before
    assert verify_dataset(tmp_path / "out/made") == []


# --keep-going: leave out what is damaged, report exactly what was lost, exit status 1.


def test_keep_going_keeps_valid_clips_and_reports_the_rest(
    convert: Convert, features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    framing, schema = features / "bal_train/-a.tfrecord", features / "eval/zz.tfrecord"
    framing.write_bytes(framing.read_bytes()[:-30])
    first_two = shard(clips("zz", 2))
    schema.write_bytes(first_two + framed(clip("zz000000099", n_frames=11)) + shard(clips("zz", 7, first=2)))
    assert convert("--keep-going") == 1
    dataset = open_dataset(tmp_path / "out/made")
    assert verify_dataset(tmp_path / "out/made") == []
    assert sum(dataset.manifest["rows"].values()) == N_CLIPS - 1
    losses = {loss["where"]: loss for loss in dataset.manifest["skipped"]}
    assert set(losses) == {"bal_train/-a.tfrecord", "eval/zz.tfrecord"}
    cut, wrong = losses["bal_train/-a.tfrecord"], losses["eval/zz.tfrecord"]
    assert (cut["offset"], cut["clips_kept"], cut["clips_lost"]) == (len(shard(clips("-a", 11))), 11, None)
    assert (wrong["offset"], wrong["clips_kept"], wrong["clips_lost"]) == (len(first_two), 9, 1)
    assert wrong["reason"] == "has 11 frames, expected 1 to 10"
    report = capsys.readouterr().err
    assert f"left out: eval/zz.tfrecord, at byte {len(first_two):,}: has 11 frames" in report
    assert "11 clips kept, an unknown number lost" in report


BAD_RECORDS = {
    "no frames": clip("zz000000099", n_frames=0),
    "no record": b"\xff" * 30,
    "a frame too short": clip("zz000000099", frame=bytes(127)),
    "a number for a text": clip(video_id=int_feature(7)),
    "an unknown label": clip("zz000000099", [7]),
    "nothing": b"",
}


def test_keep_going_leaves_out_only_the_bad_records(
    convert: Convert, features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = clips("zz", 30)
    places = dict(zip(range(3, 30, 5), BAD_RECORDS.values(), strict=True))
    for place, bad in places.items():
        records.insert(place, bad)
    data = bytearray(shard(records))
    offsets = [len(shard(records[:place])) for place in places]
    flipped = len(shard(records[:-1]))  # of the last record the data are damaged, not the length
    data[flipped + 50] ^= 1
    (features / "eval/zz.tfrecord").write_bytes(data)
    rows = [(f"zz{i:09d}", 30.0, 40.0, [i % 3]) for i in range(30)]
    segments = write_segments(tmp_path / "eval_segments.csv", [*rows, ("zz000000099", 0.0, 10.0, [0])])
    assert convert("--keep-going", "--segments", segments) == 1
    manifest = open_dataset(tmp_path / "out/made").manifest
    assert manifest["rows"]["test"] == 29
    assert [loss["offset"] for loss in manifest["skipped"]] == [*offsets, flipped]
    assert {(loss["clips_kept"], loss["clips_lost"]) for loss in manifest["skipped"]} == {(29, 1)}
    report = capsys.readouterr().err
    assert all(f"left out: eval/zz.tfrecord, at byte {offset:,}: " in report for offset in [*offsets, flipped])
    assert report.count("29 clips kept, 1 lost") == 7


def test_a_compressed_shard_is_converted_like_the_plain_one(convert: Convert, features: Path, tmp_path: Path) -> None:
    assert convert(out="out/plain") == 0
    path = features / "eval/zz.tfrecord"
    path.write_bytes(gzip.compress(path.read_bytes()))
    (features / "eval/._zz.tfrecord").write_bytes(b"litter")
    assert convert() == 0
    plain, made = (open_dataset(tmp_path / "out" / name) for name in ("plain", "made"))
    assert made.manifest["files"] == plain.manifest["files"]


def test_clips_that_start_in_the_same_second_of_one_video_stay_apart(
    convert: Convert, features: Path, tmp_path: Path
) -> None:
    def at(start_s: float, label: int = 0) -> bytes:
        return clip("zz000000007", [label], start_s=start_s, end_s=start_s + 0.96)

    first = [at(0.96), at(30.0), at(0.0, 1), at(0.5), at(31.5)]
    (features / "eval/zz.tfrecord").write_bytes(shard(first))
    (features / "unbal_train/zz.tfrecord").write_bytes(shard([at(0.96), at(0.25), at(0.0), at(31.5), at(31.0)]))
    assert convert("--keep-going") == 1
    dataset = open_dataset(tmp_path / "out/made")
    starts = {"_0": 0.96, "_30": 30.0, "_0.000": 0.0, "_0.500": 0.5, "_31": 31.5, "_0.250": 0.25, "_31.000": 31.0}
    assert {end: dataset.find_clip(f"zz000000007{end}").start_s for end in starts} == starts
    assert dataset.n_rows("test") == 5
    assert [(loss["reason"].split(";")[0], loss["clips_lost"]) for loss in dataset.manifest["skipped"]] == [
        ("clip 'zz000000007_0' is also in eval/zz.tfrecord", 0),
        ("clip 'zz000000007_0.000' is also in eval/zz.tfrecord", 0),
        ("clip 'zz000000007_31' is also in eval/zz.tfrecord", 0),
    ]
    assert verify_dataset(tmp_path / "out/made") == []


@pytest.mark.parametrize(("case", "kept", "lost"), [("zero_frames_then_98_good", 99, 1), ("two_in_one_second", 3, 0)])
def test_shards_that_were_converted_with_losses(
    convert: Convert, real_data: Path, tmp_path: Path, case: str, kept: int, lost: int
) -> None:
    labels = real_data / "cases/csv/labels_plain.csv"
    assert convert("--keep-going", features=real_data / "cases/tfrecords" / case, labels=labels) == bool(lost)
    manifest = open_dataset(tmp_path / "out/made").manifest
    assert sum(manifest["rows"].values()) == kept
    assert len(manifest["skipped"]) == lost


def test_keep_going_reads_no_more_of_a_shard_after_a_damaged_length(
    convert: Convert, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.audioset.parsing._BATCH", 2)  # so that the shard is in several batches
    records = clips("zz", 9)
    data = bytearray(shard(records))
    data[len(shard(records[:3]))] ^= 1
    (features / "eval/zz.tfrecord").write_bytes(data)
    assert convert("--keep-going") == 1
    manifest = open_dataset(tmp_path / "out/made").manifest
    assert manifest["rows"]["test"] == 3
    assert [loss["offset"] for loss in manifest["skipped"]] == [len(shard(records[:3]))]


def test_ten_bad_shards_of_a_thousand_lose_exactly_what_is_reported(convert: Convert, tmp_path: Path) -> None:
    keys = [f"{a}{b}" for a in "abcdefghijklmnopqrstuvwxyzABCDEF" for b in "abcdefghijklmnopqrstuvwxyzABCDEF"][:1000]
    shards = {f"eval/{key}.tfrecord": shard(clips(key, 2)) for key in keys}
    bad = sorted(shards)[50::100]
    for name in bad:
        shards[name] = shards[name][:-1]  # the second record loses its last byte
    rows = [(f"{key}{i:09d}", 30.0, 40.0, [i]) for key in keys for i in range(2)]
    segments = write_segments(tmp_path / "eval_segments.csv", rows)
    folder = write_folder(tmp_path / "many", shards)
    assert convert("--keep-going", "--segments", segments, features=folder) == 1
    manifest = open_dataset(tmp_path / "out/made").manifest
    assert manifest["rows"]["test"] == 1_990
    assert [(loss["where"], loss["clips_kept"], loss["clips_lost"]) for loss in manifest["skipped"]] == [
        (name, 1, 1) for name in bad
    ]


def test_keep_going_counts_the_lost_clips_when_a_list_says_how_many_there_were(
    convert: Convert, features: Path, tmp_path: Path
) -> None:
    path = features / "bal_train/-a.tfrecord"
    path.write_bytes(shard(clips("-a", 4)) + b"garbage")
    assert (
        convert("--keep-going", "--segments", write_segments(tmp_path / "balanced_train_segments.csv", BALANCED_ROWS))
        == 1
    )
    (loss,) = open_dataset(tmp_path / "out/made").manifest["skipped"]
    assert (loss["clips_kept"], loss["clips_lost"]) == (4, 8)


def test_keep_going_converts_what_a_cut_archive_still_holds(convert: Convert, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = {f"eval/n{i}.tfrecord": shard([clip(f"n{i}00", frame=rng.bytes(128))]) for i in range(30)}
    archive = write_archive(tmp_path / "features.tar.gz", noise)
    archive.write_bytes(archive.read_bytes()[:-700])
    assert convert("--keep-going", features=archive) == 1
    manifest = open_dataset(tmp_path / "out/made").manifest
    assert 0 < manifest["rows"]["test"] < 30
    (loss,) = manifest["skipped"]
    assert (loss["where"], loss["reason"]) == ("features.tar.gz", "the archive is cut short: get it again")
    assert loss["clips_kept"] == manifest["rows"]["test"]


def test_keep_going_keeps_the_first_of_two_copies_only(convert: Convert, features: Path, tmp_path: Path) -> None:
    (features / "eval/-A.tfrecord").write_bytes(shard(clips("-A", 3, first=23)))
    assert convert("--keep-going") == 1
    dataset = open_dataset(tmp_path / "out/made")
    assert sum(dataset.manifest["rows"].values()) == N_CLIPS + 1  # number 25 is new, 23 and 24 are copies
    assert [loss["where"] for loss in dataset.manifest["skipped"]] == ["eval/-A.tfrecord"] * 2
    assert verify_dataset(tmp_path / "out/made") == []


def test_keep_going_without_a_valid_clip_writes_nothing(refused: Callable[..., str], tmp_path: Path) -> None:
    write_folder(tmp_path / "bad", {"eval/ab.tfrecord": b"garbage"})
    message = refused("--keep-going", features=tmp_path / "bad")
    assert "no clip can be read" in message
    assert "eval/ab.tfrecord, at byte 0: cut inside the 12-byte header" in message
