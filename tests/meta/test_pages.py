"""A page of the app imports no other page: what two pages share is a module of its own."""

import pytest

from tests.meta.sources import MODULES, TREES, imports

PAGES = {"listen", "ask", "tune", "race", "inside", "map", "learn", "data"}
ELSEWHERE = {"atlas": "map", "branches": "map"}
SHARED = {"race_ahead", "race_runs", "race_session", "race_summary", "inside_words"}


def page_of(name):
    """Return the page that a module belongs to, None for a shared one."""
    parts = name.split(".")
    if parts[:2] == ["ui", "pages"] and len(parts) > 2:
        return parts[2]
    if parts[0] != "ui" or len(parts) != 2 or parts[1] in SHARED:
        return None
    stem = parts[1].split("_")[0]
    return ELSEWHERE.get(parts[1], stem if stem in PAGES else None)


@pytest.mark.parametrize("name", [name for name in MODULES if page_of(name)])
def test_a_page_imports_no_other_page(name):
    pages = {page_of(imported) for imported in imports(name, TREES[name])} - {None}
    assert pages <= {page_of(name)}


def test_every_page_of_the_app_is_looked_at():
    assert {page_of(name) for name in MODULES} - {None} == PAGES


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("ui.") and not page_of(name)])
def test_what_pages_share_imports_no_page(name):
    assert {page_of(imported) for imported in imports(name, TREES[name])} <= {None}
