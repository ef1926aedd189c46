"""HTML page that a browser loads first: Streamlit's, with the app's styles in it.

Styles that a script writes to the page arrive after its first elements, which would move when they are applied.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ui.paths import COMPONENTS

STYLES = ("page", "inside", "learn", "race", "tune")
_INDEX = Path(st.__file__).parent / "static" / "index.html"


def routes(pages: Iterable[str]) -> list[Route]:
    """Return the routes of the start page and of the pages with these paths."""
    return [Route(f"/{path}", _page) for path in ("", *pages)]


def below_base_path(routes: Sequence[Route]) -> list[Route]:
    """Return the routes below Streamlit's option `server.baseUrlPath`, where the browser looks for them."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"/{base}{route.path}", route.endpoint) for route in routes] if base else list(routes)


@cache
def content() -> str:
    """Return the page as HTML; its styles come last, after those that Streamlit adds to the head."""
    styles = "".join((COMPONENTS / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    styles = styles.replace("<style>", "").replace("</style>", "")
    return _INDEX.read_text(encoding="utf-8").replace("</body>", f"<style>{styles}</style></body>", 1)


def _page(_: Request) -> HTMLResponse:
    return HTMLResponse(content(), headers={"Cache-Control": "no-cache"})
