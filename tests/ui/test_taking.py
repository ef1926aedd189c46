"""What is taken away says what the page says, and does no harm where it is opened."""

import csv
import io
import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from data_prep.dataset import open_dataset
from data_prep.schema import About, Clip, ClipBatch, Label
from data_prep.writer import write_dataset
from ui import taking
from ui.answer import Answer, Neighbours
from ui.state import Settings

LABELS = ['=HYPERLINK("http://x")', "Bell, rung", "Rain"]


def collection(tmp_path, media, names=("one", "two", "three")):
    n = len(names)
    clips = ClipBatch(
        clip_id=[f"clip-{i}" for i in range(n)],
        split=["train"] * n,
        media=list(names),
        start_s=np.full(n, 30.0),
        end_s=np.full(n, 40.0),
        labels=[[i % 3] for i in range(n)],
        n_frames=np.ones(n, int),
        features=np.eye(n, 4, dtype=np.float32),
    )
    folder = tmp_path / "sounds"
    about = About("T", "s", "l", media, media_folder=str(folder) if media == "file" else None)
    write_dataset(tmp_path / "made", about, [Label(f"/m/{i}", name) for i, name in enumerate(LABELS)], [clips])
    return open_dataset(tmp_path / "made")


@pytest.fixture
def room(tmp_path):
    return SimpleNamespace(dataset=collection(tmp_path, "youtube"), settings=Settings(n_tables=7))


@pytest.fixture
def found():
    near = Neighbours(np.array([2, 0]), np.array([0.1, 0.3], np.float32))
    exact = Neighbours(np.array([2, 1, 0]), np.array([0.1, 0.2, 0.3], np.float32))
    return Answer(near, exact, 5, {})


def test_found_clips_come_before_missed_ones_with_their_distances(room, found):
    rows = taking.neighbours(room, found)
    assert [row["status"] for row in rows] == ["found", "found", "missed"]
    assert [row["distance"] for row in rows] == [0.1, 0.3, 0.2]
    assert [row["rank"] for row in rows] == [1, 2, 3]


def test_the_table_reads_back_and_no_label_becomes_a_formula(room, found):
    rows = taking.neighbours(room, found)
    read = list(csv.DictReader(io.StringIO(taking.as_csv(rows).decode("utf-8-sig"))))
    assert [row["clip_id"] for row in read] == [row["clip_id"] for row in rows]
    assert not any(value.startswith(("=", "+", "-", "@")) for row in read for value in row.values())


def test_the_data_names_the_query_and_the_setting(room, found):
    query = Clip("asked-1", "test", 0, "v", 0.0, 1.0, (), 1)
    data = json.loads(taking.as_json(room, query, taking.neighbours(room, found)))
    assert (data["query"], data["n_tables"], len(data["neighbours"])) == ("asked-1", 7, 3)
    assert data["fingerprint"] == room.dataset.fingerprint


def test_the_playlist_holds_the_found_videos_at_their_seconds(room, found):
    rows = taking.neighbours(room, found)
    lines = taking.as_playlist(rows).decode().splitlines()
    assert lines[0] == "#EXTM3U"
    assert [line for line in lines if line.startswith("https")] == [row["where"] for row in rows[:2]]
    assert all(line.endswith("&t=30s") for line in lines if line.startswith("https"))
    assert "#EXTVLCOPT:start-time=30" in lines


def test_files_are_taken_once_each_and_a_missing_one_is_left_out(tmp_path):
    dataset = collection(tmp_path, "file", ("a/one.wav", "two.wav", "gone.wav"))
    (tmp_path / "sounds" / "a").mkdir(parents=True)
    (tmp_path / "sounds" / "a" / "one.wav").write_bytes(b"1")
    (tmp_path / "sounds" / "two.wav").write_bytes(b"22")
    clips = [dataset.clip("train", row) for row in (0, 1, 2, 0)]
    with zipfile.ZipFile(io.BytesIO(taking.as_zip(dataset, clips))) as archive:
        names = {clip.media for clip in clips}
        assert set(archive.namelist()) == names - {"gone.wav"}
        assert archive.read("two.wav") == b"22"


def test_a_file_outside_the_folder_is_never_taken(tmp_path):
    dataset = collection(tmp_path, "file", ("../secret.wav", "b.wav", "c.wav"))
    (tmp_path / "sounds").mkdir()
    (tmp_path / "secret.wav").write_bytes(b"secret")
    clips = [dataset.clip("train", row) for row in range(3)]
    with zipfile.ZipFile(io.BytesIO(taking.as_zip(dataset, clips))) as archive:
        assert archive.namelist() == []
