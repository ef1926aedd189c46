"""One main heading per page, and a place of its own for each chapter."""

import pytest

import app
from tests.ui.apptest import opened, write_small

PATHS = [path for _, path, *_ in app.PAGES]


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_one_main_heading(home, path):
    write_small(home / "small", {"train": 60, "validation": 5, "test": 5})
    page = opened(path)
    assert not page.exception
    assert len(page.title) == 1


@pytest.mark.parametrize(("path", "name"), [("inside", "step"), ("learn", "chapter")])
def test_each_chapter_has_a_place_of_its_own_so_that_none_shows_the_figures_of_another(home, path, name):
    write_small(home / "small", {"train": 60, "validation": 5, "test": 5})
    page = opened(path)

    first = place_of(page.main, page.header[0])
    page.button(key=f"{name} next").click().run()
    assert not page.exception
    assert place_of(page.main, page.header[0]) != first


def place_of(block, element):
    """Return the numbers of the blocks that lead to an element, None if it is not in the block."""
    for number, child in block.children.items():
        if child is element:
            return ()
        inner = place_of(child, element) if hasattr(child, "children") else None
        if inner is not None:
            return (number, *inner)
    return None
