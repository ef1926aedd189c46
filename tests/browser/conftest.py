"""Fixtures of the browser tests: one server and one Chromium for the whole session."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.request import urlopen

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect, sync_playwright

from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from data_prep.sample.embedding import DIM, EMBEDDER
from lsh.kernels.jit import CACHE_FOLDER

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",  # pages share a process that has compiled Streamlit's scripts: a sixth of the time
    "--disable-site-isolation-trials",
]
UNUSUAL_NAME = 'kick: "loud" 50%\n♥.wav'  # a valid file name on Linux
MISSING_NAME = "gone.wav"
N_FILES = 60
TIMEOUT_MS = 60_000  # the first visit to a page compiles kernels, builds an index and measures, on a busy machine
START_S = 200  # in which a server is to start, which takes six seconds of a processor
MAX_SHIFT = 0.1  # cumulative layout shift that web.dev calls good
WATCH_SHIFTS = """
window.shift = 0
new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) window.shift += e.value }))
  .observe({ type: "layout-shift", buffered: true })
"""
PAGES: pytest.StashKey[list[Page | BrowserContext]] = pytest.StashKey()  # that a test has opened
expect.set_options(timeout=TIMEOUT_MS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add to the report of a failed test what its pages show: their addresses, states and texts."""
    report = yield
    if report.when == "call" and report.failed:
        for opened in item.stash.get(PAGES, []):
            for page in [opened] if isinstance(opened, Page) else opened.pages:
                with contextlib.suppress(Error):  # it is closed
                    state = page.evaluate("document.querySelector('[data-testid=stApp]')?.dataset.testScriptState")
                    report.sections.append((f"{page.url}, {state}", page.inner_text("body", timeout=5000)))
    return report


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a collection named `videos`: 320 clips of YouTube videos that do not exist."""
    rng = np.random.default_rng(8)
    splits = ["train"] * 280 + ["validation"] * 20 + ["test"] * 20
    clips = ClipBatch(
        clip_id=[f"video-{i:05d}_30" for i in range(len(splits))],
        split=splits,
        media=[f"video-{i:05d}" for i in range(len(splits))],
        start_s=np.full(len(splits), 30.0),
        end_s=np.full(len(splits), 40.0),
        labels=[[i % 3] for i in range(len(splits))],
        n_frames=np.full(len(splits), 10),
        features=rng.standard_normal((len(splits), 16)).astype(np.float32),
    )
    labels = [Label(f"/m/{name}", name) for name in ("Bell", "Rain", "Siren")]
    folder = tmp_path_factory.mktemp("collections")
    about = About(title="Videos", source="a test", licence="none", media="youtube")
    write_dataset(folder / "videos", about, labels, [clips])
    return folder


@pytest.fixture(scope="session")
def mine(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the collection `mine`; nearest to f1 are an unusually named and a missing file."""
    rng, n = np.random.default_rng(2), 40
    folder = tmp_path_factory.mktemp("sounds")
    names = [UNUSUAL_NAME, "1.wav", MISSING_NAME, *(f"{i}.wav" for i in range(3, n))]
    for name in names:
        soundfile.write(folder / name, 0.1 * rng.standard_normal(1600), 16_000)
    (folder / MISSING_NAME).unlink()
    features = rng.standard_normal((n, 16)).astype(np.float32)
    features[[0, 2]] = features[1] + [[0.01], [0.02]] * rng.standard_normal((2, 16))
    clips = ClipBatch(
        clip_id=[f"f{i}" for i in range(n)],
        split=["train"] * n,
        media=names,
        start_s=np.zeros(n),
        end_s=np.full(n, 0.1),
        labels=[[0]] * n,
        n_frames=np.ones(n, int),
        features=features,
    )
    about = About("Mine", "a test", "none", "file", media_folder=str(folder))
    write_dataset(videos / "mine", about, [Label("folder/", "drum")], [clips])
    return folder


@pytest.fixture(scope="session")
def own_sounds(videos: Path) -> str:
    """Return the name of a collection of 60 sound files, beside the app's other collections."""
    rng = np.random.default_rng(3)
    folder = videos / "files of own"
    folder.mkdir()
    for i in range(N_FILES):
        tone = np.sin(2 * np.pi * (200 + 20 * i) * np.arange(48_000) / 16_000)
        soundfile.write(folder / f"{i}.wav", 0.2 * tone, 16_000)
    n = N_FILES + 20
    clips = ClipBatch(
        clip_id=[f"f{i}" for i in range(N_FILES)] + [f"f{i}~middle" for i in range(20)],
        split=["train"] * N_FILES + ["validation"] * 20,
        media=[f"{i % N_FILES}.wav" for i in range(n)],
        start_s=np.zeros(n),
        end_s=np.full(n, 3.0),
        labels=[[0]] * n,
        n_frames=np.ones(n, int),
        features=rng.standard_normal((n, DIM)).astype(np.float32),
    )
    features = {"embedder": EMBEDDER}  # so that it can be asked with a sound
    about = About("Own", "a test", "none", "file", media_folder=str(folder), features=features)
    write_dataset(videos / "own", about, [Label("l", "tone")], [clips])
    return "own"


@pytest.fixture(scope="session")
def earshot(root: Path, videos: Path) -> Iterator[str]:
    """Return the address of the app, started on a free port with the embedded sample and the collection `videos`."""
    if not (root / "data" / "sample" / "manifest.json").is_file():
        pytest.skip("the embedded sample is not at data/sample: python -m data_prep sample --out data/sample")
    with served(root, "-m", "streamlit", EARSHOT_DATA=str(videos)) as address:
        yield address


@contextlib.contextmanager
def served(root: Path, *python: str, path: str = "", **environment: str) -> Iterator[str]:
    """Yield the address of the app, served on a free port by `python` with arguments that end in Streamlit's command.

    path: Streamlit's option server.baseUrlPath, without slashes around it. environment: variables in addition to those
    of this process.
    """
    for times in (CACHE_FOLDER or root).glob("times-*.json"):  # of an earlier run; they decide which pages show LSH
        times.unlink(missing_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *python, "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port), "--server.baseUrlPath", path]
    address = f"http://127.0.0.1:{port}/{path and path + '/'}"
    no_output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=root, env={**os.environ, **environment}, **no_output) as app:
        try:
            _wait_until_healthy(app, f"{address}_stcore/health")
            yield address
        finally:
            app.terminate()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a browser; skip the test if Chromium is not installed."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def one_context(chromium: Browser) -> BrowserContext:
    """Return a browser context for many pages, with an empty page that keeps its window open.

    Opening a window, and loading Streamlit's scripts where they are not cached, take longer than the page itself. The
    policy of the pages is switched off: Playwright's `wait_for_function` evaluates text.
    """
    context = chromium.new_context(bypass_csp=True)
    context.new_page()
    return context


@pytest.fixture
def new_page(
    request: pytest.FixtureRequest, chromium: Browser, one_context: BrowserContext
) -> Iterator[Callable[..., Page]]:
    """Return a function that opens an empty page, as another visitor: each page has its own session in the app."""
    opened = request.node.stash[PAGES] = list[Page | BrowserContext]()

    def open_page(
        width: int = 1440,
        height: int = 900,
        color_scheme: Literal["light", "dark"] = "light",
        reduced_motion: Literal["reduce", "no-preference"] = "no-preference",
        *,
        has_touch: bool = False,
    ) -> Page:
        context = chromium.new_context(has_touch=True, bypass_csp=True) if has_touch else one_context
        page = context.new_page()
        opened.append(context if has_touch else page)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        page.set_default_timeout(TIMEOUT_MS)
        return page

    yield open_page
    for page_or_context in opened:
        with contextlib.suppress(Error):  # the test has closed it, or it has no address
            if isinstance(page_or_context, Page):
                page_or_context.evaluate("localStorage.clear()")  # what this visitor chose and kept
        page_or_context.close()
    one_context.clear_permissions()


@pytest.fixture
def visit(new_page: Callable[..., Page], earshot: str) -> Callable[..., Page]:
    """Return a function that opens a link as another visitor, and waits for the page."""

    def open_page(link: str = "", width: int = 1440, height: int = 900, scripts: str = "") -> Page:
        page = new_page(width, height)
        if scripts:
            page.add_init_script(scripts)
        page.requests = []
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(link if link.startswith("http") else earshot + link)
        page.wait_for_selector(".neighbours .tab:visible, .st-key-without-lens:visible")
        page.wait_for_selector(".neighbours :is(.card, .empty)")
        return page

    return open_page


# What is read once may be read while a page is still being drawn. These wait, and read what they compare at one moment.


def wait_until_equal(page: Page, read: Callable[[], Any], expected: Any) -> None:
    """Wait until `read`, one evaluation in the page, returns the expected value."""
    until = time.monotonic() + TIMEOUT_MS / 1000
    while (found := read()) != expected and time.monotonic() < until:
        page.wait_for_timeout(100)
    assert found == expected


def clip_ids(cards: Locator) -> list[str]:
    """Return the clip ids of these cards."""
    return cards.evaluate_all("cards => cards.map((card) => card.dataset.clip)")


def wait_until_drawn(page: Page) -> None:
    """Wait until no run of the page is under way."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def wait_until_heard(page: Page, clip: str | None = None) -> None:
    """Wait until a clip is playing, or, without an id, any sound of the page's player."""
    page.wait_for_function(
        "clip => earshot.state.phase === 'playing' && (clip === null || earshot.state.id === clip)", arg=clip
    )


def wait_for_link(page: Page, **parameters: str) -> None:
    """Wait until the address has these values, whatever else it has."""
    page.wait_for_function(
        """wanted => {
          const link = new URLSearchParams(location.search)
          return Object.entries(wanted).every(([name, value]) => link.get(name) === value)
        }""",
        arg=parameters,
    )


def wait_until_one_below_another(page: Page, *places: str) -> None:
    """Wait until the first elements of these selectors stand one below another."""
    in_order = """(all, places) => {
      const boxes = places.map((place) => all.find((one) => one.matches(place))?.getBoundingClientRect())
      return boxes.every((box, i) => box && (i === 0 || box.top >= boxes[i - 1].bottom))
    }"""
    found = page.locator(", ".join(places))
    wait_until_equal(page, lambda: found.evaluate_all(in_order, list(places)), expected=True)


def wait_until_nothing_scrolls_sideways(page: Page) -> None:
    """Wait until a page is no wider than its window."""
    page.wait_for_function(
        """width => [document.documentElement, document.querySelector('[data-testid=stMain]')]
          .every((element) => element.scrollWidth <= width)""",
        arg=page.viewport_size["width"],
    )


def _wait_until_healthy(app: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if app.poll() is not None:
            pytest.fail(f"the app ended at once with status {app.returncode}")
        try:
            with urlopen(address, timeout=2) as answer:  # noqa: S310  (the server started by this fixture)
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the app did not start within {START_S} seconds")
