"""JavaScript components: query player, lists of clips, LSH on a plane, map, and others without a Streamlit widget.

Their scripts are modules, which the browser loads by URL and keeps (see `ui.server.html_page`); a run sends `load.js`.
What comes from a dataset is passed as `data` and inserted as text, never as HTML.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from streamlit.components.v2 import component

from ui.paths import COMPONENTS

FILES = {path.name: path.read_bytes() for path in sorted(COMPONENTS.iterdir()) if path.suffix in {".js", ".css"}}
VERSION = hashlib.sha256(b"\0".join(FILES.values())).hexdigest()[:16]  # of all files
_LOAD = "\n".join(line for line in FILES["load.js"].decode().splitlines() if not line.startswith("//"))


def _script(name: str, styles: tuple[str, ...]) -> str:
    """Return the script that Streamlit sends: it loads `name`.js and the style sheets."""
    constants = {"VERSION": VERSION, "SCRIPT": f"{name}.js", "STYLES": styles}
    return "\n".join([*(f"const {word} = {json.dumps(value)}" for word, value in constants.items()), _LOAD])


def _streamlit_component(name: str, *styles: str) -> Callable[..., object]:
    return component(f"earshot.{name}", js=_script(name, styles))


def _component(name: str, *styles: str) -> Callable[..., object]:
    """Return a component to which `data` is passed in a tuple, as the JavaScript expects it.

    In a dictionary Streamlit would look for data frames, and import pandas for it before the first page is there.
    """
    draw = _streamlit_component(name, *styles)

    def draw_with(*, data: Mapping[str, object], **options: Any) -> object:
        return draw(data=(data,), **options)

    return draw_with


query_player = _component("query", "base.css", "shelf.css", "query.css")
neighbour_list = _component("neighbours", "base.css", "shelf.css", "cards.css")
clip_list = _component("clip_list", "base.css", "shelf.css", "cards.css", "clip_list.css")
teach_list = _component("teach", "base.css", "shelf.css", "cards.css", "clip_list.css", "teach.css")
tidy_list = _component("tidy", "base.css", "shelf.css", "cards.css", "clip_list.css", "tidy.css")
plane_demo = _component("plane", "base.css", "plane.css")
# The map's data hold a table, so they are a dictionary.
sound_map = _streamlit_component("map", "base.css", "shelf.css", "cards.css", "clip_list.css", "map.css")
view_link = _component("link", "base.css", "link.css")
search_field = _component("search", "base.css", "search.css")
crate_list = _component("crate", "base.css", "shelf.css", "crate.css")
chapter_top = _component("chapters")
heat_cells = _component("cells", "cells.css")
