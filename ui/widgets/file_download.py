"""Download of one's own sound files: an address for the browser, and a file name valid on every system."""

import re
from pathlib import PurePosixPath

import streamlit as st
from streamlit import runtime

from data_prep.dataset import Clip, Dataset
from ui.format import megabytes
from ui.model import media, session
from ui.model.loading import PageContext
from ui.model.text import clean

MAX_FILE_BYTES = 200_000_000  # a file is held in memory while it can be downloaded
# `:` separates type, name and address of a dragged file in Chromium; the others are reserved on some system.
_NOT_IN_NAMES = re.compile(r'[:/\\*?"<>|%]')
_MAX_STEM_LENGTH = 100


def requested_file(context: PageContext, key: str) -> dict[str, str] | None:
    """Return the file that a card requested last: id, name, mime, url; or id and error, a message, on failure.

    It can be downloaded until another one is requested, however often the page is drawn.
    """
    clip_id = session.file_request(key).get()
    clip = context.dataset.find_clip(clip_id) if clip_id and context.dataset.media == "file" else None
    return {"id": clip.clip_id, **_offer(context.dataset, clip, key)} if clip else None


def file_name(clip: Clip) -> str:
    """Return the name under which a clip's file is saved: its own, without characters reserved on some system."""
    own = PurePosixPath(_NOT_IN_NAMES.sub("_", clean(clip.media.rsplit("/", 1)[-1], 1000)))
    return f"{own.stem[:_MAX_STEM_LENGTH].strip('. ') or 'sound'}{own.suffix}"


def _offer(dataset: Dataset, clip: Clip, key: str) -> dict[str, str]:
    """Register the file with Streamlit's server, which drops it when the session ends or offers another."""
    try:
        path = media.path_of(dataset, clip)
        if path.stat().st_size > MAX_FILE_BYTES:
            return {"error": f"This file is larger than {megabytes(MAX_FILE_BYTES)}: copy it from your folder."}
        data = path.read_bytes()
    except OSError:
        return {"error": "This file cannot be read. It may have been moved or removed since its folder was prepared."}
    name, mime = file_name(clip), media.MIME_TYPES.get(path.suffix.lower(), "application/octet-stream")
    files = runtime.get_instance().media_file_mgr
    address = files.add(data, mime, f"{key} file", file_name=name, is_for_static_download=True)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return {"name": name, "mime": mime, "url": f"/{base}{address}" if base else address}
