"""Take it away: the neighbours on the page as a table, as data, or as a playlist."""

import contextlib
import csv
import io
import json
import zipfile
from collections.abc import Sequence

import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui import cards, media
from ui.answer import Answer
from ui.components import view_link
from ui.loading import Room
from ui.text import clean

LARGEST_ZIP = 200_000_000  # bytes
DRAG = "Drag a result onto your desktop or into your DAW (Chrome and Edge), or press its arrow to save the file."
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def buttons(room: Room, query: Clip, found: Answer, *, link: bool) -> None:
    """Draw the downloads, and the link to copy where there is one: a sound that is kept nowhere has no address."""
    name = f"earshot-{query.clip_id}"
    rows = neighbours(room, found)
    with st.container(horizontal=True, gap="small", key="take-away", vertical_alignment="center"):
        st.caption("Take these away:", width="content")
        st.download_button("CSV", as_csv(rows), f"{name}.csv", "text/csv", help="The neighbours as a table.")
        st.download_button(
            "JSON", as_json(room, query, rows), f"{name}.json", "application/json", help="The same with the setting."
        )
        if room.dataset.media != "synth":
            st.download_button(
                "Playlist", as_playlist(rows), f"{name}.m3u8", "audio/x-mpegurl", help="The found ones, to be played."
            )
        if room.dataset.media == "file":
            clips = [room.dataset.clip("train", row) for row in found.found.rows.tolist()]
            st.download_button(
                "The files",
                lambda: as_zip(room.dataset, clips),  # read when it is asked for, not whenever the page is drawn
                f"{name}.zip",
                "application/zip",
                help="The sound files that were found, as they are in your folder.",
            )
        if link:
            view_link(
                key="link", data={"view": {"dataset": room.settings.dataset, "clip": query.clip_id}}, width="content"
            )
    if room.dataset.media == "file":
        st.caption(DRAG)


def neighbours(room: Room, found: Answer) -> list[dict[str, object]]:
    """Return a record for each clip found or missed: nearest first, those that were found before the missed."""
    distances = dict(zip(found.exact.rows.tolist(), found.exact.distances.tolist(), strict=True))
    distances |= dict(zip(found.found.rows.tolist(), found.found.distances.tolist(), strict=True))
    listed = [(row, "found") for row in found.found.rows.tolist()] + [(row, "missed") for row in found.missed]
    records: list[dict[str, object]] = []
    for rank, (row, status) in enumerate(listed, 1):
        clip = room.dataset.clip("train", row)
        records.append(
            {
                "rank": rank,
                "status": status,
                "clip_id": clip.clip_id,
                "labels": cards.title(room.dataset, clip),
                "distance": round(float(distances[row]), 6),
                "start_s": clip.start_s,
                "end_s": clip.end_s,
                "where": _where(room, clip),
            }
        )
    return records


def as_csv(rows: list[dict[str, object]]) -> bytes:
    """Return the records as a table that spreadsheets open without taking a label for a formula."""
    text = io.StringIO()
    names = ["rank", "status", "clip_id", "labels", "distance", "start_s", "end_s", "where"]
    writer = csv.DictWriter(text, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig")


def as_json(room: Room, query: Clip, rows: list[dict[str, object]]) -> bytes:
    """Return the records with the query and the setting that found them."""
    s = room.settings
    setting = {"metric": s.metric, "n_tables": s.n_tables, "n_bits": s.n_bits, "n_probes": s.n_probes, "seed": s.seed}
    about = {"dataset": room.dataset.name, "fingerprint": room.dataset.fingerprint, "query": query.clip_id}
    return json.dumps({**about, **setting, "neighbours": rows}, indent=1, ensure_ascii=False).encode()


def as_playlist(rows: list[dict[str, object]]) -> bytes:
    """Return the found clips as an extended M3U playlist; VLC takes start and stop times from it."""
    lines = ["#EXTM3U"]
    for row in rows:
        if row["status"] == "found":
            start, end = float(str(row["start_s"])), float(str(row["end_s"]))
            lines += [
                f"#EXTINF:{round(end - start)},{row['labels']}",
                f"#EXTVLCOPT:start-time={start:g}",
                f"#EXTVLCOPT:stop-time={end:g}",
                str(row["where"]),
            ]
    return ("\n".join(lines) + "\n").encode()


def as_zip(dataset: Dataset, clips: Sequence[Clip]) -> bytes:
    """Return the files of clips as an archive, each once, nearest first, as many as stay below `LARGEST_ZIP`."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:  # sounds hardly shrink
        for path in dict.fromkeys(clip.media for clip in clips):
            clip = next(clip for clip in clips if clip.media == path)
            with contextlib.suppress(OSError):  # moved or removed since: its card says so
                file = media.path_of(dataset, clip)
                if data.tell() + file.stat().st_size <= LARGEST_ZIP:
                    archive.write(file, path)
    return data.getvalue()


def _where(room: Room, clip: Clip) -> str:
    """Return where the clip can be heard: a video's address at its time, a file, or the recipe of a made sound."""
    if room.dataset.media == "youtube":
        return f"https://www.youtube.com/watch?v={clip.media}&t={int(clip.start_s)}s"
    if room.dataset.media == "file":
        return clean(f"{room.dataset.manifest.get('media_folder') or ''}/{clip.media}", 2000)
    return clip.media


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
