"""AudioSet's tables of segments."""

from pathlib import Path

import numpy as np
import pytest

from data_prep.audioset.segments import SegmentList
from data_prep.audioset.tfrecord import ParsedRecords
from data_prep.dataset.label_sets import LabelSets
from data_prep.dataset.schema import Label
from data_prep.errors import InputError
from tests.data_prep.audioset_files import write_segments

LABELS = [Label("/m/0", "Speech"), Label("/m/1", "Whoop"), Label("/m/2", "Bell")]
SHARDS = {"ab": "eval/ab.tfrecord", "cd": "eval/cd.tfrecord"}
ROWS = [("ab1", 30.0, 40.0, [0, 2]), ("ab2", 0.0, 10.0, [1]), ("cd1", 5.0, 15.0, [2])]


def listed(tmp_path: Path, rows: list = ROWS, name: str = "eval_segments.csv") -> SegmentList:
    return SegmentList(write_segments(tmp_path / name, rows), LABELS)


def clips(*rows: tuple[str, float, float, list[int]]) -> ParsedRecords:
    ids, starts, ends, labels = zip(*rows, strict=True)
    n = len(rows)
    sums = np.zeros((n, 128), np.uint16)
    return ParsedRecords(
        list(ids), np.array(starts), np.array(ends), LabelSets.from_rows(labels), np.ones(n, int), sums, None
    )


def test_clips_that_agree_leave_no_differences(tmp_path: Path) -> None:
    eval_list = listed(tmp_path)
    eval_list.compare(clips(*ROWS), np.arange(3))
    shortfall = eval_list.shortfall(SHARDS)
    assert (shortfall.n_rows, shortfall.without_shard, shortfall.lost) == (3, 0, {})
    assert (eval_list.unlisted, eval_list.other_times, eval_list.other_labels) == (0, 0, 0)


def test_a_listed_clip_missing_from_its_shard_is_lost(tmp_path: Path) -> None:
    eval_list = listed(tmp_path)
    eval_list.compare(clips(ROWS[0]), np.array([0]))
    shortfall = eval_list.shortfall({"ab": "eval/ab.tfrecord"})
    assert shortfall.lost == {"eval/ab.tfrecord": ["ab2"]}
    assert shortfall.without_shard == 1


def test_several_clips_of_one_video_are_told_apart_by_their_starts(tmp_path: Path) -> None:
    rows = [("ab1", 0.0, 10.0, [0]), *ROWS[1:], ("ab1", 0.96, 10.96, [1]), ("ab1", 30.0, 40.0, [2])]
    eval_list = listed(tmp_path, rows)
    eval_list.compare(clips(rows[-1], rows[-2]), np.arange(2))
    assert (eval_list.unlisted, eval_list.other_times, eval_list.other_labels) == (0, 0, 0)
    assert eval_list.shortfall(SHARDS).lost == {"eval/ab.tfrecord": ["ab1", "ab2"], "eval/cd.tfrecord": ["cd1"]}


def test_differences_are_counted_by_kind(tmp_path: Path) -> None:
    eval_list = listed(tmp_path)
    eval_list.compare(
        clips(("ab1", 30.0, 39.0, [2, 0]), ("ab2", 0.0, 10.0, [1, 2]), ("zz9", 0.0, 1.0, [])), np.arange(3)
    )
    assert (eval_list.other_times, eval_list.other_labels, eval_list.unlisted) == (1, 1, 1)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("balanced_train_segments.csv", "bal_train"),
        ("unbalanced_train_segments.csv", "unbal_train"),
        ("eval_segments.csv", "eval"),
    ],
)
def test_the_name_of_a_list_gives_its_split(tmp_path: Path, name: str, source: str) -> None:
    assert listed(tmp_path, name=name).source == source


def test_a_list_whose_name_gives_no_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected balanced_train_segments\.csv"):
        listed(tmp_path, name="segments.csv")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# YTID, start_seconds, end_seconds, positive_labels\n", "", "expected the line '# YTID"),
        ("num_segs=3", "num_segs=4", "has 3 rows, its header states 4"),
        ('"/m/1"', '"/m/77"', "line 5: label '/m/77' is not in the label table"),
        ("cd1, 5.000", "ab1, 30.001", "line 6: 'ab1' is listed a second time"),
        ("0.000, 10.000", "zero, ten", "line 5: .* is not '# YTID, start_seconds"),
        ('cd1, 5.000, 15.000, "/m/2"', "cd1, 5.000", "line 6"),
    ],
)
def test_a_list_that_is_not_audiosets_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write_segments(tmp_path / "eval_segments.csv", ROWS)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        SegmentList(path, LABELS)


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "eval_segments.csv").write_text("")
    with pytest.raises(InputError, match="lists no clip"):
        SegmentList(tmp_path / "eval_segments.csv", LABELS)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*eval_segments\.csv"):
        SegmentList(tmp_path / "eval_segments.csv", LABELS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('ab2, 0.000, 10.000, "/m/1"', "ab2,0.000,10.000,/m/1"),
        ("# num", "# once more\n# num"),
        ("ab2, 0.000", "ab2, 0"),
        ("# Segments", "\ufeff# Segments"),
        ("\n", "\r\n"),
        ('15.000, "/m/2"\n', '15.000, "/m/2"\n\n'),
        ("# num", "\n# num"),
    ],
)
def test_a_list_in_another_csv_form_is_read_alike(tmp_path: Path, old: str, new: str) -> None:
    path = write_segments(tmp_path / "eval_segments.csv", ROWS)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    eval_list = SegmentList(path, LABELS)
    eval_list.compare(clips(*ROWS), np.arange(3))
    assert (eval_list.unlisted, eval_list.other_times, eval_list.other_labels) == (0, 0, 0)
    assert eval_list.shortfall(SHARDS).lost == {}
