"""Every page in a browser: rules of accessibility and of its policy, one main heading, and a steady layout."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import app
from tests.browser.conftest import (
    MAX_SHIFT,
    TIMEOUT_MS,
    WATCH_SHIFTS,
    wait_until_equal,
    wait_until_nothing_scrolls_sideways,
)
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


OF_COLOURS = ["color-contrast", "link-in-text-block"]  # the rules of accessibility that depend on them
ATTACKS = [
    ("script", {"textContent": "window.hit = 1"}),
    ("script", {"src": "http://elsewhere.example/d.js"}),
    ("div", {"innerHTML": "<img src=/none onerror='window.hit = 1'>"}),
    ("img", {"src": "http://elsewhere.example/a.png"}),
    ("iframe", {"src": "http://elsewhere.example/f"}),
    ("object", {"data": "http://elsewhere.example/o"}),
]
ATTACK = """(attacks) => {
  window.refused = []
  document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective))
  document.body.append(...attacks.map(([tag, attributes]) => Object.assign(document.createElement(tag), attributes)))
}"""
REFUSED = ["frame-src", "img-src", "object-src", "script-src-attr", "script-src-elem", "script-src-elem"]
# Whether no colour is changing gradually, within components too.
IS_STILL = """() => {
  const within = (root) => [...root.querySelectorAll("*")].map((at) => at.shadowRoot).filter(Boolean)
  const roots = (root) => [root, ...within(root).flatMap(roots)]
  const isChanging = (one) => one instanceof CSSTransition && one.playState === "running"
  return !roots(document).some((root) => root.getAnimations().some(isChanging))
}"""


@pytest.fixture(scope="module")
def strict_context(chromium):
    """Return a browser context in which the policy of the pages holds, with an empty page (see `one_context`)."""
    context = chromium.new_context()
    context.new_page()
    yield context
    context.close()


@pytest.fixture
def opened(strict_context, earshot):
    """Return a function that opens a page, counts its layout shifts, and waits until it is drawn.

    page.refused: what the browser says of the policy of the page.
    """
    pages = []

    def open_page(path, scheme, width, height):
        page = strict_context.new_page()
        pages.append(page)
        page.set_default_timeout(TIMEOUT_MS)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.refused = []
        page.on("console", lambda said: page.refused.append(said.text) if "Content Security" in said.text else None)
        page.add_init_script(WATCH_SHIFTS)
        place = "" if path == "listen" else path  # the first page has no path of its own
        page.goto(f"{earshot}{place}?dataset=sample&clip=church-bell-12800{WIDEST.get(path, '')}")
        page.get_by_role("heading", level=1).wait_for()
        page.locator(DRAWN).first.wait_for()
        expect(page.locator(BUSY)).to_have_count(0)
        return page

    yield open_page
    for page in pages:
        page.close()


@every_view
def test_a_page_keeps_its_title_its_policy_and_the_rules_of_accessibility(opened, path, scheme, width, height):
    page = opened(path, scheme, width, height)
    expect(page).to_have_title(f"{SOUND} · {PAGES[path]} · Earshot")
    other = "dark" if scheme == "light" else "light"
    for scheme_now, rules in [(scheme, None), (other, {"runOnly": OF_COLOURS})]:
        page.emulate_media(color_scheme=scheme_now)
        expect(page.locator(".stApp")).to_have_css("color-scheme", scheme_now)
        expect(page.locator(BUSY)).to_have_count(0)
        wait_until_equal(page, lambda: page.evaluate(IS_STILL), expected=True)
        violations = Axe().run(page, options=rules).response["violations"]
        assert [f"{v['id']}: {v['nodes'][0]['html']}" for v in violations] == [], scheme_now
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    if path == "ask" and width < 768:
        expect(page.locator(".st-key-mobile-sliders")).to_have_count(0)
    wait_until_nothing_scrolls_sideways(page)
    assert page.refused == []
    if path == "listen":  # all have the same policy
        page.evaluate(ATTACK, ATTACKS)
        wait_until_equal(page, lambda: sorted(page.evaluate("refused")), REFUSED)
        assert page.evaluate("window.hit") is None


@stress
@every_view
def test_a_page_does_not_move_while_its_parts_arrive(opened, path, scheme, width, height):
    assert opened(path, scheme, width, height).evaluate("window.shift") < MAX_SHIFT
