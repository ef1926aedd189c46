"""Tune in a browser: charts, the best setting, clicks on the heat map, a stable layout."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_for_link, wait_until_drawn, wait_until_equal

pytestmark = pytest.mark.browser

CHARTS = "[data-testid=stPlotlyChart]"


@pytest.fixture
def tune(new_page, earshot):
    """Return a function that opens Tune on the sample with settings in the link, and waits until all is drawn."""

    def open_tune(query="", **looks):
        page = new_page(**looks)
        page.goto(f"{earshot}tune?dataset=sample{query}")
        page.wait_for_function(f"document.querySelectorAll('{CHARTS} .js-plotly-plot').length === 6")
        page.locator(".st-key-metrics-strip [data-testid=stMetric]").nth(3).wait_for()
        wait_until_drawn(page)
        return page

    return open_tune


def parameters(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def expect_setting(page, n_tables, n_bits):
    """Expect the sliders of L and K to be there."""
    expect(page.get_by_role("slider", name="Tables, L")).to_have_value(str(n_tables))
    expect(page.get_by_role("slider", name="Bits per key, K")).to_have_value(str(n_bits))


def height_of(element):
    return element.evaluate("element => element.getBoundingClientRect().top")


def test_a_link_the_heat_map_and_the_best_setting_set_the_sliders_which_listen_keeps(tune):
    page = tune("&L=2&K=20&recall=0.8")
    expect_setting(page, 2, 20)
    expect(page.locator("[data-testid=stCode]")).to_contain_text("--tables 2 --bits 20")
    charts = page.locator(CHARTS)
    expect(charts).to_have_count(6)
    for chart in charts.all():
        expect(chart).to_have_attribute("aria-label", re.compile(".{41}"))

    header = page.get_by_role("heading", name="Every setting at once")
    before = height_of(header)
    page.get_by_role("button", name="Best setting for recall ≥ 80 %").click()
    page.get_by_text(re.compile(r"^Hash tables, L = \d+, K = \d+.*: the cheapest of")).wait_for()
    page.wait_for_function("new URLSearchParams(location.search).get('K') !== '20'")
    wait_until_drawn(page)
    wait_until_equal(page, lambda: height_of(header), before)
    why = page.locator(".st-key-reason").inner_text()
    n_tables, n_bits = map(int, re.match(r"Hash tables, L = (\d+), K = (\d+)", why).groups())
    assert (n_tables, n_bits) != (2, 20)
    expect_setting(page, n_tables, n_bits)
    shown = parameters(page)  # default values are not in the URL
    assert shown.get("L", str(n_tables)) == str(n_tables)
    assert shown.get("K", str(n_bits)) == str(n_bits)
    assert {"L", "K"} & set(shown)

    header = page.get_by_role("heading", name="What recall costs")
    cells = page.locator(".st-key-cells .nsewdrag")
    expect(cells).to_have_count(1)
    cells.scroll_into_view_if_needed()
    for n_tables, n_bits in ((30, 3), (5, 12)):
        expect(cells).to_have_count(1)  # the old chart may be shown beside the new one for a moment
        before = height_of(header)
        click(cells, n_tables, n_bits)
        wait_for_link(page, K=str(n_bits))
        page.locator("[data-testid=stCode]", has_text=f"--tables {n_tables} --bits {n_bits}").wait_for()
        expect_setting(page, n_tables, n_bits)
        wait_until_drawn(page)
        wait_until_equal(page, lambda: height_of(header), before)

    card = page.locator(".st-key-tune-worst .card").nth(1)
    wanted = card.get_attribute("data-clip")
    card.get_by_role("button", name="Find similar").click()
    page.wait_for_selector(f'.query [data-clip="{wanted}"]')
    expect(page.locator(".query")).to_be_focused()
    page.wait_for_function("location.pathname === '/'")
    wait_for_link(page, L="5")


def click(cells, n_tables, n_bits):
    width, height = cells.evaluate("cells => (({ width, height }) => [width, height])(cells.getBoundingClientRect())")
    cells.click(position={"x": (n_tables - 0.5) / 32 * width, "y": (1 - (n_bits - 0.5) / 24) * height})
