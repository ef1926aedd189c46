"""Visits of `deploy_check`: open a page as a new visitor, check that it is the right one, and use it."""

import array
import io
import math
import wave
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page

TIMEOUT_MS = 120_000
METRICS = ("cosine", "euclidean")
_TABLES = (20, 32, 8)
_ERROR = "[data-testid=stException], [data-testid=stAlertContentWarning]"
_NOT_RUNNING = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
_SHOWS_BITS = "([slider, bits]) => (slider.getAttribute('aria-valuenow') ?? slider.value) === bits"
_OTHER_TITLE = "([content, before]) => document.querySelector(`.st-key-${content} h2`)?.innerText !== before"


class BrokenPageError(Exception):
    """A page shows an error or something else than expected."""


@dataclass
class Visitors:
    """Consecutive visits: every page in turn, then all again under the other distance and another L and K.

    title: of the collection, checked on each page; metrics: the distances by which it can be searched; done: number of
    actions of each kind.
    """

    browser: Browser
    address: str
    dataset: str
    title: str
    metrics: tuple[str, ...] = METRICS
    done: Counter[str] = field(default_factory=Counter)

    def visit(self, number: int) -> str | None:
        """Make the visit of a number, from 0; return what went wrong, or None."""
        cycle, place = divmod(number, len(PAGES))
        path, use = list(PAGES.items())[place]
        metric = self.metrics[cycle % len(self.metrics)]
        n_tables, n_bits = _TABLES[cycle % len(_TABLES)], 6 + cycle % 12
        link = f"{self.address}/{path}?dataset={self.dataset}&metric={metric}&L={n_tables}&K={n_bits}"
        if cycle >= len(self.metrics):
            link += "&clips=1%2C000"  # later races are short
        context = self.browser.new_context(bypass_csp=True)  # `wait_for_function` evaluates text
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        try:
            page.goto(link)
            self._check(page, metric)
            _move_slider(page, n_bits)
            self.done[use(page, cycle)] += 1
        except Exception as error:  # noqa: BLE001  (any error is a failed visit)
            return f"{path or 'listen'}, {metric}: {type(error).__name__}: {str(error).splitlines()[0]}"
        finally:
            context.close()
        self.done[f"visits by {metric} distance"] += 1
        return None

    def _check(self, page: Page, metric: str) -> None:
        """Check that the page shows the collection and the distance of the link."""
        chosen = page.get_by_role("combobox", name="Collection")
        chosen.wait_for()
        _wait_until_still(page)
        _check_for_errors(page)
        if chosen.input_value() != self.title:
            raise BrokenPageError(f"it shows the collection {chosen.input_value()!r}, not {self.title!r}")
        if not page.locator(".st-key-metric").get_by_role("radio", name=metric).is_checked():
            raise BrokenPageError(f"it does not search by {metric} distance")


def _move_slider(page: Page, n_bits: int) -> None:
    slider = page.get_by_role("slider", name="Bits per key, K").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(_SHOWS_BITS, arg=[slider.element_handle(), str(n_bits + 1)])
    _wait_until_still(page)


def _check_for_errors(page: Page) -> None:
    broken = page.locator(_ERROR)
    if broken.count():
        raise BrokenPageError(f"it shows {broken.first.inner_text()[:200]!r}")


def _wait_until_still(page: Page) -> None:
    page.wait_for_timeout(300)
    page.wait_for_function(_NOT_RUNNING)


def _listen(page: Page, _: int) -> str:
    cards = page.locator(".neighbours .card")
    cards.first.wait_for()
    before = page.url
    cards.first.get_by_role("button", name="Find similar").click()
    page.wait_for_url(lambda url: "clip=" in url and url != before)
    _wait_until_still(page)
    cards.first.wait_for()
    return "searches with a neighbour"


def _ask(page: Page, cycle: int) -> str:
    sound = {"name": "tone.wav", "mimeType": "audio/wav", "buffer": _tone(220 + 40 * cycle)}
    page.locator("input[type=file]").set_input_files(sound)  # type: ignore[arg-type]
    answer, refusal = (
        page.get_by_text("LSH looked at"),
        page.get_by_text("carries none of the labels that YAMNet scores"),
    )
    answer.or_(refusal).or_(page.locator(_ERROR)).first.wait_for()
    if refusal.count():
        return "uploaded sounds without a known label"
    _check_for_errors(page)
    page.locator(".card").first.wait_for()
    return "searches with an uploaded sound"


def _tune(page: Page, _: int) -> str:
    page.get_by_role("heading", name="Reproduce").wait_for()
    _wait_until_still(page)
    return "recall grids"


def _race(page: Page, _: int) -> str:
    page.get_by_role("button", name="Race", exact=True).click()
    page.get_by_text("yours, 1").wait_for()
    _wait_until_still(page)
    return "races"


def _inside(page: Page, _: int) -> str:
    _walk(page, "step-content", "step-next")
    return "walks through Inside"


def _map(page: Page, _: int) -> str:
    page.locator(".map[data-drawn]").wait_for()
    return "maps"


def _learn(page: Page, _: int) -> str:
    _walk(page, "chapter-content", "chapter-next")
    return "walks through Learn"


def _data(page: Page, _: int) -> str:
    page.get_by_role("button", name="Verify files").click()
    page.get_by_text("files are undamaged").wait_for()
    return "verified collections"


def _walk(page: Page, content: str, button: str) -> None:
    """Press the next button until there is none."""
    on = page.locator(f".st-key-{button} button")
    title = page.locator(f".st-key-{content} h2").first
    title.wait_for()
    while on.count():
        before = title.inner_text()
        on.click()
        page.wait_for_function(_OTHER_TITLE, arg=[content, before])
        _wait_until_still(page)
        _check_for_errors(page)


def _tone(hertz: float) -> bytes:
    """Return two seconds of a tone as a WAV file."""
    rate = 16_000
    samples = array.array("h", (round(9_000 * math.sin(2 * math.pi * hertz * i / rate)) for i in range(2 * rate)))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


PAGES: dict[str, Callable[[Page, int], str]] = {
    "": _listen,
    "ask": _ask,
    "tune": _tune,
    "race": _race,
    "inside": _inside,
    "map": _map,
    "learn": _learn,
    "data": _data,
}
