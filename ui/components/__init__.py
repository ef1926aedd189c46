"""JavaScript components: query player, lists of clips, LSH on a plane, map, and others without a Streamlit widget.

What comes from a dataset is passed as `data` and inserted as text, never as HTML.
"""

from collections.abc import Callable, Mapping
from typing import Any

from streamlit.components.v2 import component

from ui.paths import COMPONENTS


def _read(*names: str) -> str:
    return "\n".join((COMPONENTS / name).read_text(encoding="utf-8") for name in names)


def _component(name: str, js: str, css: str | None = None) -> Callable[..., object]:
    """Return a component to which `data` is passed in a tuple, as the JavaScript expects it.

    In a dictionary Streamlit would look for data frames, and import pandas for it before the first page is there.
    """
    draw = component(name, css=css, js=js)

    def draw_with(*, data: Mapping[str, object], **options: Any) -> object:
        return draw(data=(data,), **options)

    return draw_with


query_player = _component(
    "earshot.query",
    css=_read("base.css", "shelf.css", "query.css"),
    js=_read("base.js", "shelf.js", "video.js", "query.js"),
)
neighbour_list = _component(
    "earshot.neighbours",
    css=_read("base.css", "shelf.css", "cards.css"),
    js=_read("base.js", "shelf.js", "video.js", "card.js", "playback.js", "neighbours.js"),
)
clip_list = _component(
    "earshot.clip_list",
    css=_read("base.css", "shelf.css", "cards.css", "clip_list.css"),
    js=_read("base.js", "shelf.js", "video.js", "card.js", "clip_list.js"),
)
teach_list = _component(
    "earshot.teach",
    css=_read("base.css", "shelf.css", "cards.css", "clip_list.css", "teach.css"),
    js=_read("base.js", "shelf.js", "video.js", "card.js", "teach.js"),
)
tidy_list = _component(
    "earshot.tidy",
    css=_read("base.css", "shelf.css", "cards.css", "clip_list.css", "tidy.css"),
    js=_read("base.js", "shelf.js", "video.js", "card.js", "tidy.js"),
)
plane_demo = _component(
    "earshot.plane", css=_read("base.css", "plane.css"), js=_read("base.js", "plane_geometry.js", "plane.js")
)
sound_map = component(  # its data hold a table, so they are a dictionary
    "earshot.map",
    css=_read("base.css", "shelf.css", "cards.css", "clip_list.css", "map.css"),
    js=_read(
        "base.js",
        "shelf.js",
        "video.js",
        "card.js",
        "map_points.js",
        "map_paint.js",
        "map_view.js",
        "map_marks.js",
        "map.js",
    ),
)
view_link = _component("earshot.link", css=_read("base.css", "link.css"), js=_read("base.js", "link.js"))
search_field = _component(
    "earshot.search",
    css=_read("base.css", "search.css"),
    js=_read("base.js", "shelf.js", "search_offers.js", "search_labels.js", "search.js"),
)
crate_list = _component(
    "earshot.crate",
    css=_read("base.css", "shelf.css", "crate.css"),
    js=_read("base.js", "shelf.js", "crate.js"),
)
chapter_top = _component("earshot.chapters", js=_read("chapters.js"))
heat_cells = _component("earshot.cells", css=_read("cells.css"), js=_read("cells.js"))
