"""Routes of the server for clips: their sounds, pictures and files by URL, and the search by name.

`clips/COLLECTION/CLIP/sound`, `clips/COLLECTION/CLIP/spectrogram`, `clips/COLLECTION/CLIP/file`,
`clips/COLLECTION/waveforms?ids=CLIP,CLIP`, `clips/COLLECTION/search?text=TEXT` and `clips/COLLECTION/labels`, where
COLLECTION names a dataset that a page has opened in this process (`loading.name_in_urls`), and CLIP is a clip id or
`SPLIT@ROW`. Errors are one sentence of plain text.
"""

import re
from pathlib import Path

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from data_prep.dataset import SPLITS, Clip, Dataset
from data_prep.errors import DataError
from ui.model import clip_search, loading, media
from ui.model.text import clean

MAX_WAVEFORMS = 40  # per request; found, exact and missed clips together are fewer
_CACHED = {"Cache-Control": "private, max-age=3600"}
_NOT_OPEN = "This collection is not open. Reload the page."
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def sound(request: Request) -> Response:
    """Return the sound of a clip as a browser can play it, or lead the browser to its address."""
    found = _find(request)
    if isinstance(found, Response):
        return found
    if (address := media.address(*found)) is not None:
        return RedirectResponse(address)  # the browser plays it from there
    try:
        mime, content = media.sound(*found)
    except (DataError, OSError):
        return _error(media.UNREADABLE)
    if isinstance(content, Path):
        return FileResponse(content, media_type=mime, headers=_CACHED)
    return _bytes(request, content, mime)


def spectrogram(request: Request) -> Response:
    """Return the log-mel spectrogram of a clip as a PNG picture; see `ui.server.spectrograms`."""
    from ui.server import spectrograms

    found = _find(request)
    if isinstance(found, Response):
        return found
    if not media.has_samples(found[0]):
        return _error("This sound is not on this machine, so that there is no spectrogram of it.")
    try:
        return Response(spectrograms.picture_of(*found), media_type="image/png", headers=_CACHED)
    except (DataError, OSError):
        return _error(media.UNREADABLE)


def file(request: Request) -> Response:
    """Return the unchanged file of a clip of one's own sounds as a download."""
    found = _find(request)
    if isinstance(found, Response):
        return found
    try:
        path = media.path_of(*found)
    except OSError:
        return _error(media.UNREADABLE)
    return FileResponse(path, media_type=media.mime_type(path.name), filename=media.file_name(found[1]))


def waveforms(request: Request) -> Response:
    """Return the bars of several clips' waveforms, and their levels, by clip id; unknown ids are left out."""
    dataset = loading.opened(request.path_params["collection"])
    if dataset is None:
        return _error(_NOT_OPEN)
    ids = request.query_params.get("ids", "").split(",")[:MAX_WAVEFORMS]
    clips = (dataset.find_clip(clip_id) for clip_id in ids)
    found = {clip.clip_id: media.waveform(dataset, clip, media.CARD_BARS)._asdict() for clip in clips if clip}
    return JSONResponse(found, headers=_CACHED)


def search(request: Request) -> Response:
    """Return what a text finds, in groups, as the search box offers it; names are text, to be escaped."""
    dataset = loading.opened(request.path_params["collection"])
    if dataset is None:
        return _error(_NOT_OPEN)
    groups = [
        {
            "heading": clean(group.heading, 40),
            "total": group.total,
            "everything": group.everything,
            "offers": [{"choice": o.choice, "name": clean(o.name, 120), "clips": o.n_clips} for o in group.offers],
        }
        for group in clip_search.suggest(dataset, request.query_params.get("text", ""))
    ]
    return JSONResponse(groups, headers=_CACHED)


def labels(request: Request) -> Response:
    """Return the labels of a collection as a tree, with their numbers of clips and their definitions."""
    from data_prep.audioset import ontology

    dataset = loading.opened(request.path_params["collection"])
    if dataset is None:
        return _error(_NOT_OPEN)
    counts = np.sum([dataset.label_counts(split) for split in loading.splits_to_start_in(dataset)], axis=0).tolist()

    def as_record(node: ontology.Node) -> dict[str, object]:
        label = node.label
        return {
            "name": clean(node.name, 80),
            "choice": f"label={node.name}" if label is not None and counts[label] else "",
            "clips": 0 if label is None else counts[label],
            "definition": "" if label is None else clean(dataset.label_definitions[label], 600),
            "children": [as_record(child) for child in node.children],
        }

    tree = ontology.tree(dataset.label_names, dataset.label_parents, counts)
    page = ontology.PAGE if any(node.children for node in tree) and not any(dataset.label_definitions) else ""
    return JSONResponse({"tree": [as_record(node) for node in tree], "page": page}, headers=_CACHED)


ROUTES = [
    Route("/clips/{collection}/{clip}/sound", sound),
    Route("/clips/{collection}/{clip}/spectrogram", spectrogram),
    Route("/clips/{collection}/{clip}/file", file),
    Route("/clips/{collection}/waveforms", waveforms),
    Route("/clips/{collection}/search", search),
    Route("/clips/{collection}/labels", labels),
]


def _find(request: Request) -> tuple[Dataset, Clip] | Response:
    """Return the dataset and the clip that a URL names, or the response that says which of them is unknown."""
    dataset = loading.opened(request.path_params["collection"])
    if dataset is None:
        return _error(_NOT_OPEN)
    name = request.path_params["clip"]
    split, at, row = name.partition("@")
    if at and split in SPLITS and re.fullmatch(r"\d{1,12}", row) and int(row) < dataset.n_rows(split):
        return dataset, dataset.clip(split, int(row))
    clip = dataset.find_clip(name)
    return (dataset, clip) if clip else _error(f"This collection has no clip {clean(name, 60)}.")


def _bytes(request: Request, content: bytes, mime: str) -> Response:
    """Return bytes, or the one range of them that was asked for: Safari plays only what it can ask for in ranges."""
    headers = {**_CACHED, "Accept-Ranges": "bytes"}
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or not any(match.groups()):
        return Response(content, media_type=mime, headers=headers)
    total = len(content)
    first = int(match[1]) if match[1] else max(total - int(match[2]), 0)
    last = min(int(match[2]), total - 1) if match[1] and match[2] else total - 1
    if first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{total}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{total}"
    return Response(content[first : last + 1], status_code=206, media_type=mime, headers=headers)


def _error(text: str) -> Response:
    return PlainTextResponse(text, status_code=404)
