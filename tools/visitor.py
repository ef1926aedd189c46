"""What the visitors of `deploy_check` do: open a page as a new person, see that it is the right one, use it, leave."""

import array
import io
import math
import wave
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page

PATIENCE_MS = 120_000
METRICS = ("cosine", "euclidean")
_TABLES = (20, 32, 8)
_TROUBLE = "[data-testid=stException], [data-testid=stAlertContentWarning]"
_STILL = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
_ANSWERED = "bits => document.querySelector('.st-key-mobile-sliders button')?.textContent.includes(bits)"
_TURNED = "([room, before]) => document.querySelector(`.st-key-${room} h2`)?.innerText !== before"


class BrokenError(Exception):
    """A page is not what it should be; the message says how."""


@dataclass
class Visitors:
    """Visits one after another: every page in turn, then all again under the other distance and another L and K.

    `title` is the collection's, to be seen on each page; `done` counts what was done.
    """

    browser: Browser
    address: str
    dataset: str
    title: str
    done: Counter[str] = field(default_factory=Counter)

    def visit(self, number: int) -> str | None:
        """Make the visit of a number, from 0; return what went wrong."""
        times, place = divmod(number, len(PAGES))
        path, use = list(PAGES.items())[place]
        metric = METRICS[times % 2]
        n_tables, n_bits = _TABLES[times % len(_TABLES)], 6 + times % 12
        link = f"{self.address}/{path}?dataset={self.dataset}&metric={metric}&L={n_tables}&K={n_bits}"
        if times >= len(METRICS):
            link += "&clips=1%2C000"  # later races are short
        context = self.browser.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        try:
            page.goto(link)
            self._look(page, metric)
            _move_slider(page, n_bits)
            self.done[use(page, times)] += 1
        except Exception as error:  # noqa: BLE001  (whatever it is, the visitor saw no page)
            return f"{path or 'listen'}, {metric}: {type(error).__name__}: {str(error).splitlines()[0]}"
        finally:
            context.close()
        self.done[f"visits by {metric} distance"] += 1
        return None

    def _look(self, page: Page, metric: str) -> None:
        """See that the page shows the collection and the distance that the link names."""
        chosen = page.get_by_role("combobox", name="Collection")
        chosen.wait_for()
        _settle(page)
        _look_for_trouble(page)
        if chosen.input_value() != self.title:
            raise BrokenError(f"it shows the collection {chosen.input_value()!r}, not {self.title!r}")
        if not page.locator(".st-key-metric").get_by_role("radio", name=metric).is_checked():
            raise BrokenError(f"it does not search by {metric} distance")


def _move_slider(page: Page, n_bits: int) -> None:
    slider = page.get_by_role("slider", name="Bits per key, K").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(_ANSWERED, arg=f"Bits {n_bits + 1}")
    _settle(page)


def _look_for_trouble(page: Page) -> None:
    broken = page.locator(_TROUBLE)
    if broken.count():
        raise BrokenError(f"it says {broken.first.inner_text()[:200]!r}")


def _settle(page: Page) -> None:
    page.wait_for_timeout(300)
    page.wait_for_function(_STILL)


def _listen(page: Page, _: int) -> str:
    cards = page.locator(".neighbours .card")
    cards.first.wait_for()
    before = page.url
    cards.first.get_by_role("button", name="Find similar").click()
    page.wait_for_url(lambda url: "clip=" in url and url != before)
    _settle(page)
    cards.first.wait_for()
    return "sounds followed to a neighbour"


def _ask(page: Page, times: int) -> str:
    sound = {"name": "tone.wav", "mimeType": "audio/wav", "buffer": _tone(220 + 40 * times)}
    page.locator("input[type=file]").set_input_files(sound)  # type: ignore[arg-type]
    answer, refusal = (
        page.get_by_text("LSH looked at"),
        page.get_by_text("carries none of the labels that YAMNet knows"),
    )
    answer.or_(refusal).or_(page.locator(_TROUBLE)).first.wait_for()
    if refusal.count():
        return "sounds refused, labels being made up"
    _look_for_trouble(page)
    page.locator(".card").first.wait_for()
    return "sounds asked with"


def _tune(page: Page, _: int) -> str:
    page.get_by_text("Timing real searches").wait_for(state="hidden")
    page.get_by_role("heading", name="Reproduce").wait_for()
    _settle(page)
    return "recall grids"


def _race(page: Page, _: int) -> str:
    page.get_by_role("button", name="Race", exact=True).click()
    page.get_by_text("yours, 1").wait_for()
    _settle(page)
    return "races, each with a sketch index"


def _inside(page: Page, _: int) -> str:
    _turn(page, "step-content", "step-on")
    return "walks through all of Inside, sketches too"


def _map(page: Page, _: int) -> str:
    page.locator(".map[data-drawn]").wait_for()
    return "maps"


def _learn(page: Page, _: int) -> str:
    _turn(page, "chapter-content", "chapter-on")
    return "walks through all of Learn"


def _data(page: Page, _: int) -> str:
    page.get_by_role("button", name="Verify files").click()
    page.get_by_text("files are whole").wait_for()
    return "collections checked"


def _turn(page: Page, room: str, button: str) -> None:
    """Press the button that leads on until there is none."""
    on = page.locator(f".st-key-{button} button")
    title = page.locator(f".st-key-{room} h2").first
    title.wait_for()
    while on.count():
        before = title.inner_text()
        on.click()
        page.wait_for_function(_TURNED, arg=[room, before])
        _settle(page)
        _look_for_trouble(page)


def _tone(hertz: float) -> bytes:
    """Return two seconds of a tone, as a sound file."""
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
