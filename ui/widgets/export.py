"""Export of an answer: the neighbours as CSV, JSON, a playlist, or an archive of the sound files."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui.components import view_link
from ui.format import megabytes
from ui.model import media
from ui.model.answer import Answer, Neighbours
from ui.model.loading import DatasetContext
from ui.model.text import clean, without_formula
from ui.widgets import cards

MAX_ZIP_BYTES = 200_000_000
DRAG = "Drag a result onto your desktop or into your DAW (Chrome and Edge), or press its arrow to save the file."
_JSON = "The same with the setting."
_PLAYLIST = "The neighbours, to be played; not those that LSH missed."
_FILES = f"The sound files, as they are in your folder: up to {megabytes(MAX_ZIP_BYTES)}; not those that LSH missed."
LEFT_OUT = "left out.txt"  # name of the list, in the archive, of files that are not in it
# One video in 64 has an id that begins with "-". It is not quoted, since programs look it up: letters, digits, "-" and
# "_" alone call no function. At worst a spreadsheet shows #NAME?, and the column `where` holds the id.
_ID = re.compile(r"-[\w-]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def buttons(context: DatasetContext, query: Clip, found: Answer | Neighbours, *, link: bool) -> None:
    """Draw the downloads; link: also the link to copy, which a sound given on Ask does not have."""
    name = f"earshot-{query.clip_id}"

    def rows() -> list[dict[str, object]]:
        return as_records(context, found)

    with st.container(horizontal=True, gap="small", key="export", vertical_alignment="center"):
        st.caption("Export:", width="content")
        # A press that redraws the page would invalidate the files of the other buttons. They are made on a press, not
        # whenever the page is drawn.
        download = partial(st.download_button, on_click="ignore")
        download("CSV", lambda: as_csv(rows()), f"{name}.csv", "text/csv", help="The neighbours as a table.")
        download("JSON", lambda: as_json(context, query, rows()), f"{name}.json", "application/json", help=_JSON)
        if context.dataset.media != "synth":
            download("Playlist", lambda: as_playlist(rows()), f"{name}.m3u8", "audio/x-mpegurl", help=_PLAYLIST)
        if context.dataset.media == "file":
            listed = found.rows if isinstance(found, Neighbours) else found.found.rows
            clips = [context.dataset.clip("train", row) for row in listed.tolist()]
            download("The files", lambda: as_zip(context.dataset, clips), f"{name}.zip", "application/zip", help=_FILES)
        if link:
            view_link(
                key="link", data={"view": {"dataset": context.settings.dataset, "clip": query.clip_id}}, width="content"
            )
    if context.dataset.media == "file":
        st.caption(DRAG)


def as_records(context: DatasetContext, found: Answer | Neighbours) -> list[dict[str, object]]:
    """Return a record for each clip: the found, nearest first, then the missed; or the exact neighbours alone."""
    if isinstance(found, Neighbours):
        distances = dict(zip(found.rows.tolist(), found.distances.tolist(), strict=True))
        listed = [(row, "exact") for row in distances]
    else:
        distances = found.distances
        listed = [(row, "found") for row in found.found.rows.tolist()] + [(row, "missed") for row in found.missed]
    records: list[dict[str, object]] = []
    for rank, (row, status) in enumerate(listed, 1):
        clip = context.dataset.clip("train", row)
        records.append(
            {
                "rank": rank,
                "status": status,
                "clip_id": clip.clip_id,
                "labels": cards.title(context.dataset, clip),
                "distance": round(distances[row], 6),
                "start_s": clip.start_s,
                "end_s": clip.end_s,
                "where": _where(context, clip),
            }
        )
    return records


def as_csv(rows: list[dict[str, object]]) -> bytes:
    """Return the records as CSV with the byte order mark that spreadsheets expect, in which they find no formula."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, ["rank", "status", "clip_id", "labels", "distance", "start_s", "end_s", "where"])
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return table.getvalue().encode("utf-8-sig")


def as_json(context: DatasetContext, query: Clip, rows: list[dict[str, object]]) -> bytes:
    """Return the records as JSON, with the query and the setting."""
    s = context.settings
    setting: dict[str, object] = {"metric": s.metric}
    if any(row["status"] != "exact" for row in rows):
        setting |= {"n_tables": s.n_tables, "n_bits": s.n_bits, "n_probes": s.n_probes, "seed": s.seed}
    about = {"dataset": context.dataset.name, "fingerprint": context.dataset.fingerprint, "query": query.clip_id}
    return json.dumps({**about, **setting, "neighbours": rows}, indent=1, ensure_ascii=False).encode()


def as_playlist(rows: list[dict[str, object]]) -> bytes:
    """Return the clips, without the missed, as an extended M3U playlist, with start and stop times for VLC."""
    lines = ["#EXTM3U"]
    for row in rows:
        if row["status"] != "missed":
            start, end = float(str(row["start_s"])), float(str(row["end_s"]))
            lines += [
                f"#EXTINF:{round(end - start)},{row['labels']}",
                f"#EXTVLCOPT:start-time={start:g}",
                f"#EXTVLCOPT:stop-time={end:g}",
                _line(str(row["where"])),
            ]
    return ("\n".join(lines) + "\n").encode()


def as_zip(dataset: Dataset, clips: Sequence[Clip]) -> bytes:
    """Return the files of clips as a zip archive, each once, nearest first, up to `MAX_ZIP_BYTES` in all.

    Files that cannot be read or are too much are listed in it, in `LEFT_OUT`.
    """
    data = io.BytesIO()
    left_out = []
    with zipfile.ZipFile(data, "w", strict_timestamps=False) as archive:  # sounds hardly compress
        for path, clip in {clip.media: clip for clip in clips}.items():
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


def _where(context: DatasetContext, clip: Clip) -> str:
    """Return the clip's source: a video's address at its time, a file's path, or the recipe of a synthesised sound."""
    if context.dataset.media == "youtube":
        return f"https://www.youtube.com/watch?v={quote(clip.media, safe='')}&t={int(clip.start_s)}s"
    if context.dataset.media == "file":
        return str(Path(context.dataset.manifest.get("media_folder") or "", clip.media))
    return clip.media


def _line(where: str) -> str:
    """Return a file's path, or an address, as one line of a playlist."""
    return f"file://{quote(where)}" if _CONTROL.search(where) else where


def _cell(value: object) -> object:
    return without_formula(value) if isinstance(value, str) and not _ID.fullmatch(value) else value
