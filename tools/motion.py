"""Picture of the app in motion, `docs/listen.webp`: sounds heard, narrowed, kept and seen on the map.

    PYTHONPATH=. python tools/motion.py

opens the app on the embedded sample in a headless Chromium, and writes an animated WebP of what a visitor sees. It
needs the extra `dev`, and Chromium as `chromium`, `chromium-browser` or `google-chrome`.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, CHROMIUM_OPTIONS, served

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 1440, 960  # of the window, in pixels
SHOWN = 840, 560  # of the picture
MAX_BYTES = 110_000  # with the history, each byte counts twice in a clone
TIMEOUT_MS = 120_000


def main() -> None:
    """Write the picture, and print its size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "listen.webp", help="(default: docs/listen.webp)")
    out = parser.parse_args().out
    if CHROMIUM is None:
        sys.exit("error: no Chromium is installed, which shows the app")
    with (
        TemporaryDirectory() as empty,
        served(ROOT, "-m", "streamlit", EARSHOT_DATA=empty) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(TIMEOUT_MS)
        frames = list(_visit(page, address))
        browser.close()
    for quality in range(60, 10, -5):
        content = _animated(frames, quality)
        if len(content) <= MAX_BYTES:
            break
    out.write_bytes(content)
    print(f"{out}: {len(content):,} bytes, {len(frames)} frames, quality {quality}")


def _visit(page: Page, address: str) -> Iterator[tuple[Image.Image, int]]:
    """Yield pictures of a visit, each with how long it is shown in ms."""

    def seen(ms: int) -> tuple[Image.Image, int]:
        page.wait_for_timeout(700)  # what moves has come to rest
        picture = Image.open(io.BytesIO(page.screenshot()))
        return picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS), ms

    page.goto(f"{address}?only=any:Bell|Church bell|Bicycle bell;length:..3&dataset=sample&lens=on")
    page.wait_for_selector("text=recall@10")
    page.wait_for_selector(".card .measures")
    page.wait_for_timeout(3000)  # waveforms and times
    yield seen(2500)
    page.locator(".card .play").nth(1).click()
    page.wait_for_function("window.earshot.state.phase === 'playing'")
    yield seen(1500)
    page.keyboard.press("ArrowDown")
    yield seen(1500)
    page.locator(".card").nth(2).get_by_role("button", name="Keep in the crate").click()
    yield seen(1500)
    page.locator(".card").nth(2).get_by_role("button", name="Find similar").click()
    page.wait_for_selector(".trail .step")
    page.wait_for_selector("text=recall@10")
    yield seen(2500)
    page.get_by_role("link", name="Map", exact=True).click()
    page.wait_for_selector(".map[data-shown]")
    page.locator(".map").scroll_into_view_if_needed()
    page.wait_for_timeout(2000)
    yield seen(3000)


def _animated(frames: list[tuple[Image.Image, int]], quality: int) -> bytes:
    (first, *others), durations = zip(*frames, strict=True)
    content = io.BytesIO()
    first.save(
        content,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=list(durations),
        loop=0,
        quality=quality,
        method=6,
    )
    return content.getvalue()


if __name__ == "__main__":
    main()
