"""Export: contents of CSV, JSON, playlists and archives, and their safety with unusual names."""

import csv
import io
import json
import os
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
import streamlit as st

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, Clip, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from tests.ui.apptest import alone, write_small
from ui.model.answer import Answer, Neighbours
from ui.model.state import Settings
from ui.server import export_files
from ui.widgets import export

LABELS = ['=HYPERLINK("http://x")', "Bell, rung", "Rain"]
UNUSUAL_NAMES = [
    "two  spaces.wav",
    "family \U0001f468\u200d\U0001f469.wav",
    "a\tb.wav",
    "line\nbreak.wav",
    "rtl\u202egnp.wav",
    " %41#.wav",
]


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


def with_files(tmp_path, contents):
    """Return a dataset of files with these contents by name, and their paths."""
    dataset = collection(tmp_path, "file", tuple(contents))
    files = {name: tmp_path / "sounds" / name for name in contents}
    (tmp_path / "sounds").mkdir()
    for name, content in contents.items():
        files[name].write_bytes(content)
    return dataset, files


def with_name(tmp_path, name):
    """Return a context, an answer of three found clips, the first a file of this name, and that file's path."""
    dataset, files = with_files(tmp_path, {"one.wav": b"1", "two.wav": b"2", name: b"sound"})
    first = dataset.find_clip("clip-2").row
    every = Neighbours(np.array([first, *({0, 1, 2} - {first})]), np.array([0.1, 0.2, 0.3], np.float32))
    return SimpleNamespace(dataset=dataset, settings=Settings()), Answer(every, every, 5, {}), files[name]


def in_csv(**row):
    """Return a row as read back from the CSV."""
    return next(csv.DictReader(io.StringIO(export.as_csv([row]).decode("utf-8-sig"), newline="")))


@pytest.fixture
def context(tmp_path):
    return SimpleNamespace(dataset=collection(tmp_path, "youtube"), settings=Settings(n_tables=7))


@pytest.fixture
def found():
    near = Neighbours(np.array([2, 0]), np.array([0.1, 0.3], np.float32))
    exact = Neighbours(np.array([2, 1, 0]), np.array([0.1, 0.2, 0.3], np.float32))
    return Answer(near, exact, 5, {})


def test_clips_that_the_visitor_hides_are_in_no_export(tmp_path):
    context, found, _ = with_name(tmp_path, "a.wav")
    whole = export.as_records(context, found)
    assert export.as_records(context, found, {whole[0]["clip_id"]}) == whole[1:]


@pytest.mark.parametrize("hides", ["small", "another"])
def test_a_file_made_on_a_press_leaves_out_what_was_hidden_when_the_page_was_drawn(home, monkeypatch, hides):
    dataset, made = open_dataset(write_small(home / "small", {"train": 60, "validation": 5, "test": 5})), {}
    monkeypatch.setattr(st, "download_button", lambda label, data, *_, **__: made.setdefault(label, data))
    page = alone("listen", dataset="small")
    page.session_state["hidden"] = (hides, frozenset(dataset.clips("train")["clip_id"].to_pylist()))
    assert not page.run().exception
    assert len(made["CSV"]().splitlines()) == (1 if hides == "small" else 11)


def test_found_clips_come_before_missed_ones_with_their_distances(context, found):
    rows = export.as_records(context, found)
    assert [row["status"] for row in rows] == ["found", "found", "missed"]
    assert [row["distance"] for row in rows] == [0.1, 0.3, 0.2]
    assert [row["rank"] for row in rows] == [1, 2, 3]


def test_the_csv_can_be_read_back_and_contains_no_formula(context, found):
    rows = export.as_records(context, found)
    read = list(csv.DictReader(io.StringIO(export.as_csv(rows).decode("utf-8-sig"))))
    assert [row["clip_id"] for row in read] == [row["clip_id"] for row in rows]
    assert not any(value.startswith(("=", "+", "-", "@")) for row in read for value in row.values())


@pytest.mark.parametrize("clip_id", ["-0abc_DEFgh_30", "-A1-B2-c3_d_0", "-5"])
def test_an_id_that_begins_with_a_dash_is_unchanged(clip_id):
    assert in_csv(clip_id=clip_id)["clip_id"] == clip_id


@pytest.mark.parametrize("text", ["=1+1", "+1", "@SUM(A1)", "\tx", "\rx", "-2+3", "-1|x!A0", "-SUM(A1)"])
def test_formulas_are_quoted(text):
    assert in_csv(labels=text)["labels"] == f"'{text}"


@pytest.mark.parametrize("name", UNUSUAL_NAMES)
def test_json_and_csv_contain_the_path_of_an_unusually_named_file(tmp_path, name):
    context, found, file = with_name(tmp_path, name)
    rows = export.as_records(context, found)
    read = json.loads(export.as_json(context, context.dataset.clip("train", 0), rows))["neighbours"]
    assert read[0]["where"] == str(file)
    assert in_csv(**rows[0])["where"] == str(file)


@pytest.mark.parametrize("name", UNUSUAL_NAMES)
def test_a_playlist_contains_an_unusually_named_file_in_one_line(tmp_path, name):
    context, found, file = with_name(tmp_path, name)
    lines = re.split(r"[\r\n]", export.as_playlist(export.as_records(context, found)).decode())
    entry = lines[lines.index("#EXTVLCOPT:stop-time=40") + 1]
    assert Path(unquote(entry.removeprefix("file://")) if "://" in entry else entry) == file
    assert file.read_bytes() == b"sound"
    assert len(lines) == 1 + 4 * 3 + 1


def test_an_invalid_video_id_cannot_add_a_line_to_the_playlist(tmp_path):
    dataset = collection(tmp_path, "youtube", ("one", "two", "x\n#EXTINF:1,y\n/etc/passwd"))
    every = Neighbours(np.arange(3), np.array([0.1, 0.2, 0.3], np.float32))
    found = Answer(every, every, 5, {})
    rows = export.as_records(SimpleNamespace(dataset=dataset, settings=Settings()), found)
    assert len(export.as_playlist(rows).decode().splitlines()) == 1 + 4 * 3


def test_json_contains_the_query_and_the_setting(context, found):
    query = Clip("query-1", "test", 0, "v", 0.0, 1.0, (), 1)
    data = json.loads(export.as_json(context, query, export.as_records(context, found)))
    assert (data["query"], data["n_tables"], len(data["neighbours"])) == ("query-1", 7, 3)
    assert data["fingerprint"] == context.dataset.fingerprint


def test_the_playlist_contains_the_found_videos_with_start_times(context, found):
    rows = export.as_records(context, found)
    lines = export.as_playlist(rows).decode().splitlines()
    assert lines[0] == "#EXTM3U"
    assert [line for line in lines if line.startswith("https")] == [row["where"] for row in rows[:2]]
    assert all(line.endswith("&t=30s") for line in lines if line.startswith("https"))
    assert "#EXTVLCOPT:start-time=30" in lines


def test_the_archive_contains_each_file_once_and_lists_missing_files(tmp_path):
    dataset = collection(tmp_path, "file", ("a/one.wav", "two.wav", "gone.wav"))
    (tmp_path / "sounds" / "a").mkdir(parents=True)
    (tmp_path / "sounds" / "a" / "one.wav").write_bytes(b"1")
    (tmp_path / "sounds" / "two.wav").write_bytes(b"22")
    clips = [dataset.clip("train", row) for row in (0, 1, 2, 0)]
    with zipfile.ZipFile(io.BytesIO(export.as_zip(dataset, clips))) as archive:
        names = {clip.media for clip in clips}
        assert set(archive.namelist()) == names - {"gone.wav"} | {export_files.LEFT_OUT}
        assert archive.read("two.wav") == b"22"
        assert archive.read(export_files.LEFT_OUT).decode().splitlines()[1:] == [
            "gone.wav: cannot be read; it may have been moved or removed"
        ]


def test_the_archive_contains_files_dated_before_1980(tmp_path):
    dataset, files = with_files(tmp_path, {"one.wav": b"1", "two.wav": b"22", "three.wav": b"333"})
    os.utime(files["one.wav"], (0, 0))
    with zipfile.ZipFile(io.BytesIO(export.as_zip(dataset, [dataset.find_clip("clip-0")]))) as archive:
        assert archive.read("one.wav") == b"1"


def test_files_above_the_size_limit_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(export_files, "MAX_ZIP_BYTES", 5_000_000)
    dataset, _ = with_files(tmp_path, {"big.wav": b"0" * 4_900_000, "next.wav": b"0" * 4_900_000, "last.wav": b"1"})
    clips = [dataset.find_clip(f"clip-{i}") for i in range(3)]
    with zipfile.ZipFile(io.BytesIO(export.as_zip(dataset, clips))) as archive:
        assert set(archive.namelist()) == {"big.wav", "last.wav", export_files.LEFT_OUT}
        assert archive.read(export_files.LEFT_OUT).decode().splitlines() == [
            "Files that are not in this archive: 1",
            "next.wav: the archive is limited to 5.0 MB",
        ]


def test_a_file_as_large_as_the_limit_is_in_the_archive(tmp_path, monkeypatch):
    dataset, _ = with_files(tmp_path, {"one.wav": b"1" * 500, "two.wav": b"2" * 501, "three.wav": b""})
    monkeypatch.setattr(export_files, "MAX_ZIP_BYTES", 500)
    for i, names in ((0, {"one.wav"}), (1, {export_files.LEFT_OUT})):
        with zipfile.ZipFile(io.BytesIO(export.as_zip(dataset, [dataset.find_clip(f"clip-{i}")]))) as archive:
            assert set(archive.namelist()) == names


def test_a_complete_archive_has_no_list_of_missing_files(tmp_path):
    dataset, files = with_files(tmp_path, {"one.wav": b"1", "two.wav": b"22", "three.wav": b"333"})
    clips = [dataset.find_clip(f"clip-{i}") for i in range(3)]
    with zipfile.ZipFile(io.BytesIO(export.as_zip(dataset, clips))) as archive:
        assert set(archive.namelist()) == set(files)


def test_the_archive_contains_no_file_outside_the_folder(tmp_path):
    dataset = collection(tmp_path, "file", ("../secret.wav", "b.wav", "c.wav"))
    (tmp_path / "sounds").mkdir()
    (tmp_path / "secret.wav").write_bytes(b"secret")
    clips = [dataset.clip("train", row) for row in range(3)]
    with zipfile.ZipFile(io.BytesIO(export.as_zip(dataset, clips))) as archive:
        assert archive.namelist() == [export_files.LEFT_OUT]
