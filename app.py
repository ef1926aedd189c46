"""Earshot: hear what locality-sensitive hashing finds. Start it with `streamlit run app.py`."""

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.frame import error_pages, shell
from ui.model import session, visits
from ui.model.loading import DatasetContext, PageContext
from ui.pages import ask, listen
from ui.pages.data import page as data_page
from ui.pages.inside import page as inside_page
from ui.pages.learn import page as learn_page
from ui.pages.map import page as map_page
from ui.pages.race import page as race_page
from ui.pages.tune import page as tune_page
from ui.server import html_page, memory
from ui.server.clip_routes import ROUTES
from ui.widgets import links

PAGES = [
    ("Listen", "listen", ":material/hearing:", listen.show),
    ("Ask", "ask", ":material/mic:", ask.show),
    ("Tune", "tune", ":material/tune:", tune_page.show),
    ("Race", "race", ":material/speed:", race_page.show),
    ("Inside", "inside", ":material/account_tree:", inside_page.show),
    ("Map", "map", ":material/map:", map_page.show),
    ("Learn", "learn", ":material/school:", learn_page.show),
    ("Data", "data", ":material/database:", data_page.show),
]
# Pages that need no index, and are drawn while the search kernels are compiled.
WITHOUT_INDEX: dict[str, Callable[[DatasetContext], None]] = {
    "Listen": listen.show,
    "Ask": ask.show,
    "Data": data_page.show,
}


def main() -> None:
    """Draw the page that the address names; the controls around it are the same on every page."""
    memory.return_freed()
    shell.set_up()
    context: DatasetContext | None = None

    def page_of(title: str, show: Callable[[PageContext], None]) -> Callable[[], None]:
        def draw() -> None:  # pages are named before the context they share is known
            if isinstance(context, PageContext):
                show(context)
            elif context is not None:
                WITHOUT_INDEX.get(title, shell.draw_preparation)(context)

        return draw

    pages = [
        st.Page(page_of(title, show), title=title, url_path=path, icon=icon, default=path == "listen")
        for title, path, icon, show in PAGES
    ]
    page = st.navigation(pages)
    links.set_pages({path: page for (_, path, *_), page in zip(PAGES, pages, strict=True)})
    run = get_script_run_ctx()
    by_back = run is not None and run.is_history_navigation
    changed = visits.carry_link(page.url_path, by_back=by_back)
    session.repeat_moves(by_back=by_back)
    if changed and run is not None:  # a late event of the page before would empty this one
        run.fragment_storage.clear()
        if not by_back:
            session.rerun()  # replaces the events that are waiting
    if page.url_path == pages[0].url_path:
        session.OPENS_LISTEN.pop()
    elif session.OPENS_LISTEN.get():  # until Listen is open: a late event may bring back the page before
        links.open_page("listen")
    context = shell.enter()
    if context is not None:
        shell.set_tab_title(page.title, context)
        page.run()


# `streamlit run app.py` imports this file to find `app`, the server, which then runs the file as its script.
if get_script_run_ctx(suppress_warning=True) is None:
    routes = html_page.below_base_path([*ROUTES, *html_page.routes(path for _, path, *_ in PAGES)])
    app = st.App(__file__, routes=routes, on_script_error=error_pages.unexpected)
else:
    main()
