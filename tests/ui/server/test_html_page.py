"""HTML page with the app's styles, sent for every page of the app."""

import re

import pytest
from starlette.requests import Request

import app as earshot
from ui.paths import COMPONENTS
from ui.server import html_page


def test_the_page_is_streamlits_with_every_style_of_the_app_after_its_own():
    content = html_page.content()
    head, _, body = content.partition("</head>")
    assert '<script type="module"' in head
    assert '<div id="root">' in body
    assert body.index("Skip to the sounds") < body.index('<div id="root">')  # the first press of Tab reaches it
    styles = re.search(r"<style>(.*?)</style></body>", body, re.DOTALL)[1]
    for name in html_page.STYLES:
        last_rule = (COMPONENTS / f"{name}.css").read_text().replace("</style>", "").rstrip().splitlines()[-1]
        assert last_rule in styles


def test_every_page_of_the_app_is_sent_so():
    paths = {route.path for route in html_page.routes(*(path for _, path, *_ in earshot.PAGES))}
    assert paths == {"/", *(f"/{path}" for _, path, *_ in earshot.PAGES)}


def test_routes_lie_below_the_base_path_where_there_is_one(monkeypatch):
    routes = html_page.routes("listen", "map")
    assert [route.path for route in html_page.below_base_path(routes)] == ["/listen", "/", "/map"]
    monkeypatch.setattr(html_page.st, "get_option", lambda name: {"server.baseUrlPath": "/sounds/"}[name])
    paths = ["/sounds/listen", "/sounds/", "/sounds/map"]
    assert [route.path for route in html_page.below_base_path(routes)] == paths


@pytest.mark.parametrize(("query", "sent"), [(b"dataset=zoo&L=3", "./?dataset=zoo&L=3"), (b"", "./")])
def test_the_name_of_the_first_page_leads_to_it_with_the_settings_of_the_link(query, sent):
    request = Request({"type": "http", "path": "/listen", "query_string": query, "headers": []})
    first, start, other = (route.endpoint(request) for route in html_page.routes("listen", "map"))
    assert (first.status_code, first.headers["location"]) == (307, sent)
    assert start.body == other.body == html_page.content().encode()
