"""HTML page with the app's styles, sent for every page of the app."""

import re

import pytest
from starlette.requests import Request

import app as earshot
from ui import components
from ui.paths import COMPONENTS
from ui.server import html_page

FILES = "/components/{version}/{name}"


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
    assert paths == {FILES, "/", *(f"/{path}" for _, path, *_ in earshot.PAGES)}


def test_routes_lie_below_the_base_path_where_there_is_one(monkeypatch):
    routes = html_page.routes("listen", "map")
    assert [route.path for route in html_page.below_base_path(routes)] == ["/listen", "/", "/map", FILES]
    monkeypatch.setattr(html_page.st, "get_option", lambda name: {"server.baseUrlPath": "/sounds/"}[name])
    paths = ["/sounds/listen", "/sounds/", "/sounds/map", f"/sounds{FILES}"]
    assert [route.path for route in html_page.below_base_path(routes)] == paths


@pytest.mark.parametrize(("query", "sent"), [(b"dataset=zoo&L=3", "./?dataset=zoo&L=3"), (b"", "./")])
def test_the_name_of_the_first_page_leads_to_it_with_the_settings_of_the_link(query, sent):
    request = Request({"type": "http", "path": "/listen", "query_string": query, "headers": []})
    first, start, other = (route.endpoint(request) for route in html_page.routes("listen", "map")[:3])
    assert (first.status_code, first.headers["location"]) == (307, sent)
    assert start.body == other.body == html_page.content().encode()


def _file(name, version=components.VERSION):
    names = {"name": name, "version": version}
    request = Request({"type": "http", "path": "/", "query_string": b"", "headers": [], "path_params": names})
    return html_page.routes("listen")[-1].endpoint(request)


@pytest.mark.parametrize(
    ("version", "kept"),
    [
        (components.VERSION, "public, max-age=31536000, immutable"),
        (f"{components.VERSION}.2", "public, max-age=31536000, immutable"),  # a second attempt
        ("0123456789abcdef", "no-cache"),  # of a server that has been replaced
    ],
)
def test_a_file_of_a_component_is_kept_by_the_browser_under_its_own_version_alone(version, kept):
    script, style = _file("base.js", version), _file("base.css", version)
    assert script.body == (COMPONENTS / "base.js").read_bytes()
    assert script.headers["content-type"].startswith("text/javascript")  # a browser runs no module of another type
    assert style.headers["content-type"].startswith("text/css")
    assert script.headers["cache-control"] == style.headers["cache-control"] == kept


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", "../paths.py", ""])
def test_no_other_file_is_sent(name):
    assert _file(name).status_code == 404


def test_every_name_that_a_script_imports_is_exported_by_the_script_it_names():
    imports = [
        (name, names.split(", "), source)
        for name, content in components.FILES.items()
        for names, source in re.findall(r'^import \{ (.+) \} from "\./(.+)"$', content.decode(), re.MULTILINE)
    ]
    assert len(imports) > 20
    for name, names, source in imports:
        exported = re.findall(
            r"^export (?:async )?(?:function|const) (\w+)", components.FILES[source].decode(), re.MULTILINE
        )
        assert set(names) <= set(exported), f"{name} imports from {source}"


def test_the_page_names_the_scripts_of_the_first_page_and_all_that_they_import():
    waiting, wanted = [f"{name}.js" for name in ("query", "neighbours", "link", "search")], set()
    while waiting:
        wanted.add(name := waiting.pop())
        imported = re.findall(r'^import .* from "\./(.+)"$', components.FILES[name].decode(), re.MULTILINE)
        waiting += set(imported) - wanted
    named = re.findall(rf'"\./components/{components.VERSION}/(.+?)"', html_page.content())
    assert sorted(named) == sorted(wanted)


def test_what_streamlit_sends_with_each_component_is_short_and_names_its_files():
    sent = components._script("neighbours", ("base.css", "cards.css"))
    assert len(sent) < 2000
    for name in ("neighbours.js", "base.css", "cards.css", components.VERSION):
        assert f'"{name}"' in sent
