"""Files of a crate by URL: clips of several collections, and what is no crate."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
from starlette.routing import Router

from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips
from tests.event_loop import finish
from ui.server import export_files


@pytest.fixture
def crate(home, tmp_path):
    """Return the clips of a crate: two sounds of a folder, one missing; a video; and two that no collection has."""
    (tmp_path / "sounds" / "drums").mkdir(parents=True)
    (tmp_path / "sounds" / "drums" / "kick.wav").write_bytes(b"kick")
    features = np.eye(2, dtype=np.float32)
    about = About("Mine", "s", "l", "file", media_folder=str(tmp_path / "sounds"))
    clips = plain_clips(["train"] * 2, [[0], [0]], features, media=["drums/kick.wav", "gone.wav"])
    write_dataset(home / "mine", about, [Label("f/", "=drum")], [clips])
    videos = plain_clips(["train"] * 2, [[0], [0]], features, media=["abcdefghijk", "abcdefghijl"])
    write_dataset(home / "videos", About("V", "s", "l", "youtube"), [Label("f/", "Bell")], [videos])
    return [
        {"dataset": "mine", "id": "clip-0000", "note": "=1+1", "favourite": True},
        {"dataset": "mine", "id": "clip-0001"},
        {"dataset": "videos", "id": "clip-0000", "note": None},
        {"dataset": "videos", "id": "nobody"},
        {"dataset": "../mine", "id": "clip-0000"},
        "nonsense",
    ]


def post(kind, content):
    """Return status, headers and body of the answer to a request for a file of a crate."""
    messages, requests = [], [{"type": "http.request", "body": content, "more_body": False}]

    async def receive():
        return requests.pop()

    async def send(message):
        messages.append(message)

    scope = {"type": "http", "method": "POST", "path": f"/clips/crate.{kind}", "query_string": b"", "headers": []}
    finish(Router(export_files.ROUTES)({**scope, "root_path": "", "http_version": "1.1"}, receive, send))
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return messages[0]["status"], headers, b"".join(message.get("body", b"") for message in messages[1:])


def file_of(kind, crate):
    status, headers, body = post(kind, json.dumps(crate).encode())
    assert status == 200
    assert headers["x-left-out"] == "3"
    return body


def test_a_crate_of_several_collections_becomes_a_table_in_which_no_cell_is_a_formula(crate, tmp_path):
    rows = list(csv.DictReader(io.StringIO(file_of("csv", crate).decode("utf-8-sig"))))
    assert [(row["collection"], row["clip_id"]) for row in rows] == [
        ("mine", "clip-0000"),
        ("mine", "clip-0001"),
        ("videos", "clip-0000"),
    ]
    assert rows[0]["note"] == "'=1+1"
    assert rows[0]["favourite"] == "True"
    assert rows[0]["where"] == str(tmp_path / "sounds" / "drums" / "kick.wav")
    assert rows[2]["where"].startswith("https://www.youtube.com/watch?v=")


def test_a_crate_becomes_json_a_playlist_and_an_archive_of_the_files_that_are_there(crate):
    assert [row["note"] for row in json.loads(file_of("json", crate))["crate"]] == ["=1+1", "", ""]
    assert file_of("m3u", crate).decode().count("#EXTINF") == 3
    with zipfile.ZipFile(io.BytesIO(file_of("zip", crate))) as archive:
        assert set(archive.namelist()) == {"mine/drums/kick.wav", export_files.LEFT_OUT}
        assert archive.read("mine/drums/kick.wav") == b"kick"


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("csv", b"{", 400),
        ("csv", b"{}", 400),
        ("exe", b"[]", 400),
        ("zip", b"[]", 404),
        ("csv", b" " * (export_files._MAX_REQUEST + 1), 413),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(home, kind, content, status):
    answered, _, body = post(kind, content)
    assert answered == status
    assert body.decode().endswith(".")
