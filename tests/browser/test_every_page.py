"""Every page in a browser: rules of accessibility, one main heading, no sideways scrolling, and a steady layout."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import app
from tests.browser.conftest import MAX_SHIFT, WATCH_SHIFTS, assert_no_sideways_scrolling
from tests.stress import IS_STRESS, stress

pytestmark = pytest.mark.browser

PAGES = {path: title for title, path, *_ in app.PAGES}
SOUND = "Bell, Church bell, Change ringing (campanology)"
# Of each page:
DRAWN = ".st-key-metrics-strip [data-testid=stMetric], .st-key-given-sound, :is(.crate, .tidy) h2, .teach .card, "
DRAWN += "[data-testid=stTable]"
BUSY = "[data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]"


LOOKS = [("light", 1440, 900), ("dark", 390, 844), ("dark", 1440, 900), ("light", 390, 844)]
ON_PHONES = {"ask", "tune", "inside", "learn", "data"}  # tests of their own open the other pages on a phone
WIDEST = {"inside": "&step=Missed", "learn": "&chapter=Question 1"}  # the parts of these pages that need most space
# Each page in one of the looks; `make stress` opens each in all of them.
VIEWS = [(path, *look) for path in PAGES for look in (LOOKS if IS_STRESS else [LOOKS[path in ON_PHONES]])]
every_view = pytest.mark.parametrize(("path", "scheme", "width", "height"), VIEWS)


@pytest.fixture
def opened(new_page, earshot):
    """Return a function that opens a page, counts its layout shifts, and waits until it is drawn."""

    def open_page(path, scheme, width, height):
        page = new_page(width, height, color_scheme=scheme)
        page.add_init_script(WATCH_SHIFTS)
        place = "" if path == "listen" else path  # the first page has no path of its own
        page.goto(f"{earshot}{place}?dataset=sample&clip=church-bell-12800{WIDEST.get(path, '')}")
        page.get_by_role("heading", level=1).wait_for()
        page.locator(DRAWN).first.wait_for()
        page.wait_for_function(f"!document.querySelector({BUSY!r})")
        return page

    return open_page


@every_view
def test_a_page_keeps_its_title_and_the_rules_of_accessibility(opened, path, scheme, width, height):
    page = opened(path, scheme, width, height)
    expect(page).to_have_title(f"{SOUND} · {PAGES[path]} · Earshot")
    for scheme_now in (scheme, "dark" if scheme == "light" else "light"):
        page.emulate_media(color_scheme=scheme_now)
        page.wait_for_function(f"getComputedStyle(document.querySelector('.stApp')).colorScheme === '{scheme_now}'")
        page.wait_for_function(f"!document.querySelector({BUSY!r})")
        page.wait_for_timeout(300)  # colours change gradually
        violations = Axe().run(page).response["violations"]
        assert [f"{v['id']}: {v['nodes'][0]['html']}" for v in violations] == [], scheme_now
    assert page.get_by_role("heading", level=1).count() == 1
    if path == "ask" and width < 768:
        assert page.locator(".st-key-mobile-sliders").count() == 0
    assert_no_sideways_scrolling(page)


@stress
@every_view
def test_a_page_does_not_move_while_its_parts_arrive(opened, path, scheme, width, height):
    assert opened(path, scheme, width, height).evaluate("window.shift") < MAX_SHIFT
