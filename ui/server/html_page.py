"""HTML page that a browser loads first: Streamlit's, with the app's styles and keys in it, and scripts to load at once.

Styles that a script writes to the page arrive after its first elements, which would move when they are applied. And
Streamlit loads the script of each kind of element when the first of that kind arrives: one wait after another.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from ui.paths import COMPONENTS

SHORTCUTS = """
<nav aria-label="Shortcuts"><style>.earshot-skip { position: fixed; top: -100px; }</style>
<a class="earshot-skip" href="#root">Skip to the sounds</a>
<button class="earshot-skip" type="button">All keys</button></nav>
"""
STYLES = ("page", "inside", "learn", "race", "tune")
# Kinds of elements on the first page, by the names of Streamlit's scripts.
ELEMENTS = (
    "BidiComponent",
    "Button",
    "ButtonGroup",
    "DownloadButton",
    "Html",
    "Metric",
    "NumberInput",
    "PageLink",
    "Selectbox",
    "Slider",
    "Spinner",
)
_INDEX = Path(st.__file__).parent / "static" / "index.html"
_IMPORTED = re.compile(r'(?:from|import)"\./([^"/]+\.js)"')


def routes(first: str, *others: str) -> list[Route]:
    """Return the routes of the pages with these paths; the address of the first one is that of the app."""
    return [Route(f"/{first}", _to_first), *(Route(f"/{path}", _page) for path in ("", *others))]


def below_base_path(routes: Sequence[Route]) -> list[Route]:
    """Return the routes below Streamlit's option `server.baseUrlPath`, where the browser looks for them."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"/{base}{route.path}", route.endpoint) for route in routes] if base else list(routes)


@cache
def content() -> str:
    """Return the page as HTML: the keys first, and the styles last, after those that Streamlit adds to the head."""
    styles = "".join((COMPONENTS / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    styles = styles.replace("<style>", "").replace("</style>", "")
    keys = (COMPONENTS / "keyboard.js").read_text(encoding="utf-8")
    page = _INDEX.read_text(encoding="utf-8").replace("<body>", f"<body>{SHORTCUTS}<script>{keys}</script>", 1)
    links = "".join(
        f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in scripts() if name not in page
    )
    return page.replace("</head>", f"{links}</head>", 1).replace("</body>", f"<style>{styles}</style></body>", 1)


def scripts() -> list[str]:
    """Return the names of the scripts of these elements and of those that they import; none that Streamlit lacks."""
    folder, found = _INDEX.parent / "static" / "js", set[str]()
    waiting = [path.name for kind in ELEMENTS for path in folder.glob(f"{kind}.*.js")]
    while waiting:
        name = waiting.pop()
        if name not in found and (folder / name).is_file():
            found.add(name)
            waiting += _IMPORTED.findall((folder / name).read_text(encoding="utf-8"))
    return sorted(found)


def _to_first(request: Request) -> RedirectResponse:
    """Streamlit has no page at this address, and would say so above its first page."""
    return RedirectResponse(f"./?{request.url.query}" if request.url.query else "./")


def _page(_: Request) -> HTMLResponse:
    return HTMLResponse(content(), headers={"Cache-Control": "no-cache"})
