"""Export of an answer: the neighbours as CSV, JSON, a playlist, or an archive of the sound files."""

import json
from collections.abc import Collection, Sequence
from functools import partial

import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui.components import view_link
from ui.format import megabytes
from ui.model import media, visits
from ui.model.answer import Answer, Neighbours
from ui.model.loading import DatasetContext
from ui.server import export_files
from ui.server.export_files import MAX_ZIP_BYTES

DRAG = "Drag a result onto your desktop or into your DAW (Chrome and Edge), or press its arrow to save the file."
_JSON = "The same with the setting."
_PLAYLIST = "The neighbours, to be played; not those that LSH missed."
_FILES = f"The sound files, as they are in your folder: up to {megabytes(MAX_ZIP_BYTES)}; not those that LSH missed."
_COLUMNS = ("rank", "status", "clip_id", "labels", "distance", "start_s", "end_s", "where")


def buttons(context: DatasetContext, query: Clip, found: Answer | Neighbours, *, link: bool) -> None:
    """Draw the downloads; link: also the link to copy, which a sound given on Ask does not have."""
    name = f"earshot-{query.clip_id}"
    hidden = visits.hidden(context.settings.dataset)  # not known any more when a file is made, on a press

    def rows() -> list[dict[str, object]]:
        return as_records(context, found, hidden)

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
            clips = [clip for clip in clips if clip.clip_id not in hidden]
            download("The files", lambda: as_zip(context.dataset, clips), f"{name}.zip", "application/zip", help=_FILES)
        if link:
            view_link(
                key="link", data={"view": {"dataset": context.settings.dataset, "clip": query.clip_id}}, width="content"
            )
    if context.dataset.media == "file":
        st.caption(DRAG)


def as_records(
    context: DatasetContext, found: Answer | Neighbours, hidden: Collection[str] = ()
) -> list[dict[str, object]]:
    """Return a record for each clip: the found, nearest first, then the missed; or the exact neighbours alone.

    hidden: ids of the clips that the visitor hides, which are left out.
    """
    if isinstance(found, Neighbours):
        distances = dict(zip(found.rows.tolist(), found.distances.tolist(), strict=True))
        listed = [(row, "exact") for row in distances]
    else:
        distances = found.distances
        listed = [(row, "found") for row in found.found.rows.tolist()] + [(row, "missed") for row in found.missed]
    records: list[dict[str, object]] = []
    for rank, (row, status) in enumerate(listed, 1):
        clip = context.dataset.clip("train", row)
        if clip.clip_id in hidden:
            continue
        records.append(
            {
                "rank": rank,
                "status": status,
                "clip_id": clip.clip_id,
                "labels": media.title(context.dataset, clip),
                "distance": round(distances[row], 6),
                "start_s": clip.start_s,
                "end_s": clip.end_s,
                "where": export_files.where(context.dataset, clip),
            }
        )
    return records


def as_csv(rows: list[dict[str, object]]) -> bytes:
    """Return the records as CSV, for spreadsheets."""
    return export_files.as_table(_COLUMNS, rows)


def as_json(context: DatasetContext, query: Clip, rows: list[dict[str, object]]) -> bytes:
    """Return the records as JSON, with the query, the setting, and the filter of the URL where there is one."""
    s = context.settings
    setting: dict[str, object] = {"metric": s.metric}
    if any(row["status"] != "exact" for row in rows):
        setting |= {"n_tables": s.n_tables, "n_bits": s.n_bits, "n_probes": s.n_probes, "seed": s.seed}
    if s.only:
        setting["filter"] = s.only
    about = {"dataset": context.dataset.name, "fingerprint": context.dataset.fingerprint, "query": query.clip_id}
    return json.dumps({**about, **setting, "neighbours": rows}, indent=1, ensure_ascii=False).encode()


def as_playlist(rows: list[dict[str, object]]) -> bytes:
    """Return the clips, without the missed, as a playlist."""
    return export_files.as_playlist([row for row in rows if row["status"] != "missed"])


def as_zip(dataset: Dataset, clips: Sequence[Clip]) -> bytes:
    """Return the files of clips as a zip archive, each once, nearest first."""
    return export_files.as_zip([("", dataset, clip) for clip in clips])
