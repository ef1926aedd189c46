"""HTML page that a browser loads first: Streamlit's, with the app's styles and keys in it; and the files of components.

Styles that a script writes to the page arrive after its first elements, which would move when they are applied.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ui import components
from ui.paths import COMPONENTS

SHORTCUTS = """
<nav aria-label="Shortcuts"><style>.earshot-skip { position: fixed; top: -100px; }</style>
<a class="earshot-skip" href="#root">Skip to the sounds</a>
<button class="earshot-skip" type="button">All keys</button></nav>
"""
STYLES = ("page", "inside", "learn", "race", "tune")
# Scripts of the first page's components, with those that they import: a browser would learn of them one by one.
SCRIPTS = (
    *("base", "card", "link", "neighbours", "playback", "query"),
    *("search", "search_labels", "search_offers", "shelf", "video"),
)
_INDEX = Path(st.__file__).parent / "static" / "index.html"


def routes(first: str, *others: str) -> list[Route]:
    """Return the routes of the pages with these paths, the first one at the address of the app; and of the files."""
    pages = [Route(f"/{first}", _to_first), *(Route(f"/{path}", _page) for path in ("", *others))]
    return [*pages, Route("/components/{version}/{name}", _file)]


def below_base_path(routes: Sequence[Route]) -> list[Route]:
    """Return the routes below Streamlit's option `server.baseUrlPath`, where the browser looks for them."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"/{base}{route.path}", route.endpoint) for route in routes] if base else list(routes)


@cache
def content() -> str:
    """Return the page as HTML: the keys first, and the styles last, after those that Streamlit adds to the head.

    It names scripts of components, so that they are there when the first message asks for them.
    """
    styles = "".join((COMPONENTS / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    styles = styles.replace("<style>", "").replace("</style>", "")
    keys = (COMPONENTS / "keyboard.js").read_text(encoding="utf-8")
    addresses = (f"./components/{components.VERSION}/{name}.js" for name in SCRIPTS)
    links = "".join(f'<link rel="modulepreload" href="{address}" />' for address in addresses)
    page = _INDEX.read_text(encoding="utf-8").replace("<body>", f"<body>{SHORTCUTS}<script>{keys}</script>", 1)
    page = page.replace("</head>", f"{links}</head>", 1)
    return page.replace("</body>", f"<style>{styles}</style></body>", 1)


def _to_first(request: Request) -> RedirectResponse:
    """Streamlit has no page at this address, and would say so above its first page."""
    return RedirectResponse(f"./?{request.url.query}" if request.url.query else "./")


def _page(_: Request) -> HTMLResponse:
    return HTMLResponse(content(), headers={"Cache-Control": "no-cache"})


def _file(request: Request) -> Response:
    """Return a script or style sheet of a component, which the browser keeps.

    One that asks for another version has the page of a server that was replaced: it gets today's, and keeps nothing.
    """
    name, version = request.path_params["name"], request.path_params["version"]
    content = components.FILES.get(name)
    if content is None:
        return PlainTextResponse("There is no such file.", status_code=404)
    is_kept = version.partition(".")[0] == components.VERSION
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if is_kept else "no-cache"}
    return Response(content, media_type="text/javascript" if name.endswith(".js") else "text/css", headers=headers)
