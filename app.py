"""Earshot: hear what locality-sensitive hashing finds. Start it with `streamlit run app.py`."""

from collections.abc import Callable

import streamlit as st

from ui import ask, data, doors, inside, learn, listen, memory, race, shell, tune, visits
from ui import map as map_page
from ui.loading import PageContext

PAGES = [
    ("Listen", "listen", ":material/hearing:", listen.show),
    ("Ask", "ask", ":material/mic:", ask.show),
    ("Tune", "tune", ":material/tune:", tune.show),
    ("Race", "race", ":material/speed:", race.show),
    ("Inside", "inside", ":material/account_tree:", inside.show),
    ("Map", "map", ":material/map:", map_page.show),
    ("Learn", "learn", ":material/school:", learn.show),
    ("Data", "data", ":material/database:", data.show),
]


def main() -> None:
    """Draw the page that the address names; the controls around it are the same on every page."""
    memory.return_freed()
    shell.set_up()
    context: PageContext | None = None

    def page_of(show: Callable[[PageContext], None]) -> Callable[[], None]:
        return lambda: show(context) if context else None  # pages are named before the context they share is known

    pages = [
        st.Page(page_of(show), title=title, url_path=path, icon=icon, default=path == "listen")
        for title, path, icon, show in PAGES
    ]
    page = st.navigation(pages)
    doors.set_pages({path: page for (_, path, *_), page in zip(PAGES, pages, strict=True)})
    visits.carry_link(page.url_path)
    context = shell.enter()
    if context is not None:
        page.run()


main()
