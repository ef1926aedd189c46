import os
import re
import socket
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 120_000  # ms; a first visit indexes and times on whatever machine this is


@pytest.fixture(scope="module")
def address(root):
    """Return the address of the app, open on the embedded sample."""
    if not (root / "data" / "sample" / "manifest.json").is_file():
        pytest.skip("the embedded sample is not at data/sample: python -m data_prep sample --out data/sample")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "EARSHOT_DATA"}
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as app:
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}/tune"
        finally:
            app.terminate()


def _wait_until_healthy(address):
    for _ in range(300):
        try:
            with urlopen(address, timeout=2) as answer:  # noqa: S310  (an address of this test's own)
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the app did not start within a minute")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


def open_tune(page, address, query=""):
    page.goto(f"{address}?dataset=sample{query}")
    page.wait_for_function("document.querySelectorAll('[data-testid=stPlotlyChart] .js-plotly-plot').length === 5")


def parameters(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def slider(page, label):
    return int(page.get_by_role("slider", name=label).input_value())


def test_the_page_opens_on_the_sample_and_draws_its_five_charts(page, address):
    open_tune(page, address)
    charts = page.locator("[data-testid=stPlotlyChart]")
    assert charts.count() == 5
    assert all(len(charts.nth(i).get_attribute("aria-label")) > 40 for i in range(5))
    assert page.locator("[data-testid=stException]").count() == 0


def test_the_best_setting_moves_the_sliders_and_the_link_and_says_why(page, address):
    open_tune(page, address, "&L=2&K=20&recall=0.8")
    page.get_by_role("button", name="Best setting for recall ≥ 0.80").click()
    page.get_by_text(re.compile(r"^L = \d+, K = \d+.* is the fastest of")).wait_for()
    page.wait_for_function("new URLSearchParams(location.search).get('K') !== '20'")
    why = page.locator(".st-key-why").inner_text()
    n_tables, n_bits = map(int, re.match(r"L = (\d+), K = (\d+)", why).groups())
    assert (n_tables, n_bits) != (2, 20)
    assert (slider(page, "Tables, L"), slider(page, "Bits a key, K")) == (n_tables, n_bits)
    shown = parameters(page)  # a default value leaves the link
    assert shown.get("L", str(n_tables)) == str(n_tables)
    assert shown.get("K", str(n_bits)) == str(n_bits)
    assert {"L", "K"} & set(shown)


def test_a_link_opens_the_setting_that_it_names(page, address):
    open_tune(page, address, "&L=5&K=7&recall=0.75")
    assert (slider(page, "Tables, L"), slider(page, "Bits a key, K")) == (5, 7)
    page.get_by_role("button", name="Best setting for recall ≥ 0.75").wait_for()
    assert "--tables 5 --bits 7" in page.locator("[data-testid=stCode]").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_on_a_phone(browser, address, scheme):
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    open_tune(page, address)
    widths = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')].map(e => e.scrollWidth)"
    )
    page.close()
    assert max(widths) <= 390


def test_the_sentence_below_the_button_moves_nothing_when_it_changes(page, address):
    open_tune(page, address, "&L=3&K=19&recall=0.7")
    header = page.get_by_role("heading", name="Every setting at once")
    before = header.bounding_box()["y"]
    page.get_by_role("button", name="Best setting").click()
    page.get_by_text(re.compile(r"is the fastest of")).wait_for()
    assert header.bounding_box()["y"] == before
