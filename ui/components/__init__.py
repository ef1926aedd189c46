"""The pieces of the page that Streamlit has no widget for: the query player, the neighbours, lists of clips.

Their scripts are this project's own files. Everything that comes from data reaches them as `data` and is put on the
page as text, never as HTML.
"""

from streamlit.components.v2 import component

from ui.paths import COMPONENTS


def _read(*names: str) -> str:
    return "\n".join((COMPONENTS / name).read_text(encoding="utf-8") for name in names)


query_player = component(
    "earshot.query", css=_read("base.css", "query.css"), js=_read("ear.js", "video.js", "query.js")
)
neighbour_list = component(
    "earshot.cards",
    css=_read("base.css", "cards.css"),
    js=_read("ear.js", "video.js", "card.js", "file.js", "cards.js"),
)
clip_list = component(
    "earshot.clips",
    css=_read("base.css", "cards.css", "clips.css"),
    js=_read("ear.js", "video.js", "card.js", "clips.js"),
)
plane_toy = component("earshot.toy", css=_read("base.css", "toy.css"), js=_read("ear.js", "toy_plane.js", "toy.js"))
sound_map = component(
    "earshot.map",
    css=_read("base.css", "cards.css", "clips.css", "map.css"),
    js=_read("ear.js", "video.js", "card.js", "map_points.js", "map_paint.js", "map_view.js", "map_marks.js", "map.js"),
)
view_link = component("earshot.link", css=_read("base.css", "link.css"), js=_read("ear.js", "link.js"))
chapter_top = component("earshot.chapters", js=_read("chapters.js"))
heat_cells = component("earshot.cells", css=_read("cells.css"), js=_read("cells.js"))
