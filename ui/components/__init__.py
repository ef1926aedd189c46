"""JavaScript components: query player, lists of clips, LSH on a plane, map, and others without a Streamlit widget.

What comes from a dataset is passed as `data` and inserted as text, never as HTML.
"""

from streamlit.components.v2 import component

from ui.paths import COMPONENTS


def _read(*names: str) -> str:
    return "\n".join((COMPONENTS / name).read_text(encoding="utf-8") for name in names)


query_player = component(
    "earshot.query", css=_read("base.css", "query.css"), js=_read("base.js", "video.js", "query.js")
)
neighbour_list = component(
    "earshot.neighbours",
    css=_read("base.css", "cards.css"),
    js=_read("base.js", "video.js", "card.js", "neighbours.js"),
)
clip_list = component(
    "earshot.clip_list",
    css=_read("base.css", "cards.css", "clip_list.css"),
    js=_read("base.js", "video.js", "card.js", "clip_list.js"),
)
plane_demo = component(
    "earshot.plane", css=_read("base.css", "plane.css"), js=_read("base.js", "plane_geometry.js", "plane.js")
)
sound_map = component(
    "earshot.map",
    css=_read("base.css", "cards.css", "clip_list.css", "map.css"),
    js=_read(
        "base.js", "video.js", "card.js", "map_points.js", "map_paint.js", "map_view.js", "map_marks.js", "map.js"
    ),
)
view_link = component("earshot.link", css=_read("base.css", "link.css"), js=_read("base.js", "link.js"))
suggestions = component("earshot.suggestions", js=_read("suggestions.js"))
chapter_top = component("earshot.chapters", js=_read("chapters.js"))
heat_cells = component("earshot.cells", css=_read("cells.css"), js=_read("cells.js"))
