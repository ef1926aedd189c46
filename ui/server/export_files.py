"""Files of clips: a table, a playlist, an archive of the sound files; and the files of a visitor's crate by URL."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from data_prep.dataset import Clip, Dataset
from data_prep.errors import DataError
from ui.format import megabytes
from ui.model import loading, media
from ui.model.text import clean, without_formula

MAX_ZIP_BYTES = 200_000_000
MAX_CRATE = 2000  # clips, as many as a browser keeps (shelf.js)
LEFT_OUT = "left out.txt"  # name of the list, in the archive, of files that are not in it
_MAX_REQUEST = 4_000_000  # bytes
_CRATE_COLUMNS = ("collection", "clip_id", "labels", "start_s", "end_s", "where", "favourite", "note")
_TYPES = {"csv": "text/csv", "json": "application/json", "m3u": "audio/x-mpegurl", "zip": "application/zip"}
# One video in 64 has an id that begins with "-". It is not quoted, since programs look it up: letters, digits, "-" and
# "_" alone call no function. At worst a spreadsheet shows #NAME?, and the column `where` holds the id.
_ID = re.compile(r"-[\w-]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Located = tuple[str, Dataset, Clip]  # a clip, its dataset, and the folder of its file in an archive, "" for none


def as_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> bytes:
    """Return records as CSV with the byte order mark that spreadsheets expect, in which they find no formula."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, columns)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return table.getvalue().encode("utf-8-sig")


def as_playlist(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Return records as an extended M3U playlist, with start and stop times for VLC."""
    lines = ["#EXTM3U"]
    for row in rows:
        start, end = float(str(row["start_s"])), float(str(row["end_s"]))
        lines += [
            f"#EXTINF:{round(end - start)},{row['labels']}",
            f"#EXTVLCOPT:start-time={start:g}",
            f"#EXTVLCOPT:stop-time={end:g}",
            _line(str(row["where"])),
        ]
    return ("\n".join(lines) + "\n").encode()


def as_zip(clips: Sequence[Located]) -> bytes:
    """Return the files of clips as a zip archive, each once, in their order, up to `MAX_ZIP_BYTES` in all.

    Files that cannot be read or are too much are listed in it, in `LEFT_OUT`.
    """
    data = io.BytesIO()
    left_out = []
    files = {"/".join(filter(None, (folder, clip.media))): (dataset, clip) for folder, dataset, clip in clips}
    with zipfile.ZipFile(data, "w", strict_timestamps=False) as archive:  # sounds hardly compress
        for path, (dataset, clip) in files.items():
            try:
                file = media.path_of(dataset, clip)
                if data.tell() + file.stat().st_size > MAX_ZIP_BYTES:
                    left_out.append(f"{clean(path, 1000)}: the archive is limited to {megabytes(MAX_ZIP_BYTES)}")
                else:
                    archive.write(file, path)
            except OSError:
                left_out.append(f"{clean(path, 1000)}: cannot be read; it may have been moved or removed")
        if left_out:
            archive.writestr(
                LEFT_OUT, "\n".join([f"Files that are not in this archive: {len(left_out)}", *left_out, ""])
            )
    return data.getvalue()


def where(dataset: Dataset, clip: Clip) -> str:
    """Return the clip's source: a video's address at its time, a file's path, or the recipe of a synthesised sound."""
    if dataset.media == "youtube":
        return f"https://www.youtube.com/watch?v={quote(clip.media, safe='')}&t={int(clip.start_s)}s"
    if dataset.media == "file":
        return str(Path(dataset.manifest.get("media_folder") or "", clip.media))
    return clip.media


async def crate(request: Request) -> Response:
    """Return a file of the clips that the request lists as JSON, `[{dataset, id, note, favourite}, ...]`.

    The header `X-Left-Out` counts those that no collection of this app has.
    """
    kind = request.path_params["kind"]
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MAX_REQUEST:
            return PlainTextResponse("This crate is too large to be exported.", status_code=413)
    try:
        listed = json.loads(bytes(body))
    except ValueError:
        listed = None
    if kind not in _TYPES or not isinstance(listed, list):
        return PlainTextResponse("This is no list of clips to be exported.", status_code=400)
    return await run_in_threadpool(_crate_file, kind, listed)


def _crate_file(kind: str, listed: list[Any]) -> Response:
    found = _clips_of(listed[:MAX_CRATE])
    rows = [_record(*one) for one in found]
    if kind == "zip":
        files = [(name, dataset, clip) for name, dataset, clip, _ in found if dataset.media == "file"]
        if not files:
            return PlainTextResponse("No sound of the crate is a file of this machine.", status_code=404)
        content = as_zip(files)
    elif kind == "json":
        content = json.dumps({"crate": rows}, indent=1, ensure_ascii=False).encode()
    else:
        synthesised = {dataset.name for _, dataset, _, _ in found if dataset.media == "synth"}
        playable = [row for row, one in zip(rows, found, strict=True) if one[1].name not in synthesised]
        content = as_table(_CRATE_COLUMNS, rows) if kind == "csv" else as_playlist(playable)
    return Response(content, media_type=_TYPES[kind], headers={"X-Left-Out": str(len(listed) - len(found))})


def _clips_of(listed: list[Any]) -> list[tuple[str, Dataset, Clip, Mapping[str, Any]]]:
    """Return the listed clips that this app's collections have: name and dataset of each, the clip, and its entry."""
    folders, found = loading.datasets(), []
    for entry in listed:
        name, clip_id = (entry.get("dataset"), entry.get("id")) if isinstance(entry, dict) else (None, None)
        if isinstance(name, str) and isinstance(clip_id, str) and name in folders:
            try:
                dataset = loading.dataset_at(folders[name])
            except DataError:
                continue
            clip = dataset.find_clip(clip_id)
            if clip:
                found.append((name, dataset, clip, entry))
    return found


def _record(name: str, dataset: Dataset, clip: Clip, entry: Mapping[str, Any]) -> dict[str, object]:
    return {
        "collection": name,
        "clip_id": clip.clip_id,
        "labels": media.title(dataset, clip),
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "where": where(dataset, clip),
        "favourite": entry.get("favourite") is True,
        "note": clean(entry.get("note") or "", 500),
    }


def _line(source: str) -> str:
    """Return a file's path, or an address, as one line of a playlist."""
    return f"file://{quote(source)}" if _CONTROL.search(source) else source


def _cell(value: object) -> object:
    return without_formula(value) if isinstance(value, str) and not _ID.fullmatch(value) else value


ROUTES = [Route("/clips/crate.{kind}", crate, methods=["POST"])]
