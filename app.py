"""Earshot: hear what locality-sensitive hashing finds. Start it with `streamlit run app.py`."""

from collections.abc import Callable
from importlib import import_module

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import ScriptRunContext, get_script_run_ctx

from lsh.errors import ClusterError
from ui import cluster
from ui.frame import error_pages, shell
from ui.model import exclusive, session, visits
from ui.model.loading import DatasetContext, PageContext
from ui.server import export_files, html_page, memory, preload
from ui.server.clip_routes import ROUTES
from ui.server.security_headers import SecurityHeaders
from ui.widgets import links

# Title, path, icon, and the module, which is imported when its page is first drawn: a server answers the sooner.
PAGES = [
    ("Listen", "listen", ":material/hearing:", "ui.pages.listen"),
    ("Ask", "ask", ":material/mic:", "ui.pages.ask"),
    ("Teach", "teach", ":material/rule:", "ui.pages.teach.page"),
    ("Crate", "crate", ":material/inventory_2:", "ui.pages.crate"),
    ("Tune", "tune", ":material/tune:", "ui.pages.tune.page"),
    ("Race", "race", ":material/speed:", "ui.pages.race.page"),
    ("Inside", "inside", ":material/account_tree:", "ui.pages.inside.page"),
    ("Map", "map", ":material/map:", "ui.pages.map.page"),
    ("Learn", "learn", ":material/school:", "ui.pages.learn.page"),
    ("Tidy", "tidy", ":material/cleaning_services:", "ui.pages.tidy"),
    ("Data", "data", ":material/database:", "ui.pages.data.page"),
]
WITHOUT_INDEX = {"Listen", "Ask", "Teach", "Crate", "Data"}  # are drawn while the search kernels are compiled
WITHOUT_TABLES = {*WITHOUT_INDEX, "Map"}  # are drawn of a collection that is searched on a cluster


def main() -> None:
    """Draw the page that the address names, when it is this visitor's turn."""
    memory.return_freed()
    run = get_script_run_ctx()
    with exclusive.RUNS.take(run.session_id if run else "", shell.waiting_note()):
        draw(run)


def draw(run: ScriptRunContext | None) -> None:
    """Draw the page that the address names; the controls around it are the same on every page."""
    session.MOVED.pop()  # all is drawn here
    shell.set_up()
    context: DatasetContext | None = None

    def page_of(title: str, module: str) -> Callable[[], None]:
        def draw_page() -> None:  # pages are named before the context they share is known
            if isinstance(context, PageContext) and cluster.scheduler() is not None and title not in WITHOUT_TABLES:
                shell.draw_elsewhere(context)
            elif isinstance(context, PageContext) or (context is not None and title in WITHOUT_INDEX):
                import_module(module).show(context)
            elif context is not None:
                shell.draw_preparation(context)

        return draw_page

    pages = [
        st.Page(page_of(title, module), title=title, url_path=path, icon=icon, default=path == "listen")
        for title, path, icon, module in PAGES
    ]
    page = st.navigation(pages)
    links.set_pages({path: page for (_, path, *_), page in zip(PAGES, pages, strict=True)})
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
    try:
        context = shell.enter()
        if context is not None:
            shell.set_tab_title(page.title, context)
            page.run()
    except ClusterError as error:  # a process may be lost at any time
        error_pages.lost_cluster(error)


# `streamlit run app.py` imports this file to find `app`, the server, which then runs the file as its script.
if get_script_run_ctx(suppress_warning=True) is None:
    routes = html_page.below_base_path(
        [*ROUTES, *export_files.ROUTES, *html_page.routes(*(path for _, path, *_ in PAGES))]
    )
    lifespan = preload.lifespan(PAGES[0][3])
    app = st.App(
        __file__,
        lifespan=lifespan,
        routes=routes,
        middleware=[Middleware(SecurityHeaders, page=html_page.content())],
        on_script_error=error_pages.unexpected,
    )
else:
    main()
