"""Earshot: hear what locality-sensitive hashing finds. Start it with `streamlit run app.py`."""

import streamlit as st

from ui import listen, shell

PAGES = [
    ("Listen", "listen", ":material/hearing:", listen.show),
]


def main() -> None:
    """Draw the page that the address names; the controls around it are the same on every page."""
    shell.set_up()
    # The pages are named before the room they share is known: each lambda looks `room` up when it runs.
    pages = [
        st.Page(lambda show=show: show(room), title=title, url_path=path, icon=icon, default=path == "listen")
        for title, path, icon, show in PAGES
    ]
    page = st.navigation(pages)
    room = shell.enter()
    if room is not None:
        page.run()


main()
