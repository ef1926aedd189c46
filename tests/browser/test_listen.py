"""Listen, as a person meets it: in a real browser, with a mouse, a keyboard and ears."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SOUNDING = "window.earshot.state.phase === 'playing'"


def query_id(page):
    """Return the id of the clip that is the query."""
    return page.locator(".query [data-clip]").get_attribute("data-clip")


def neighbours(page):
    """Return the ids of the cards in view."""
    return page.locator(".card").evaluate_all("cards => cards.map((card) => card.dataset.clip)")


def linked(page, name):
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def wait_for_query(page, clip_id):
    page.wait_for_selector(f'.query [data-clip="{clip_id}"]')


def wait_for_other_neighbours(page, before):
    card = ".card:nth-child({}):not([data-clip='{}'])"
    page.wait_for_selector(", ".join(card.format(i + 1, clip) for i, clip in enumerate(before)))


def move(page, name, key, times=1):
    """Move a slider of the sidebar with the keyboard."""
    page.locator(f".st-key-{name} input[type=range]").focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_the_first_visit_shows_a_sound_and_ten_neighbours_and_asks_no_other_host(visit):
    page = visit()
    page.wait_for_selector(".card .waveform .unplayed")
    assert query_id(page)
    assert len(neighbours(page)) == 10
    page.wait_for_selector("text=recall@10")
    hosts = {urlsplit(url).hostname for url in page.requests if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert page.evaluate("document.querySelector('#earshot-audio').paused")


def test_play_sounds_and_only_one_sound_at_a_time(visit):
    page = visit()
    page.click(".query .play")
    page.wait_for_function(f"{SOUNDING} && document.querySelector('#earshot-audio').currentTime > 0.2")
    assert page.evaluate("window.earshot.state.id") == query_id(page)
    second = neighbours(page)[1]
    page.locator(".card .play").nth(1).click()
    page.wait_for_function(f"{SOUNDING} && window.earshot.state.id === '{second}'")
    assert page.evaluate("document.querySelectorAll('audio').length") == 1
    assert page.locator(".query [data-clip]").get_attribute("data-phase") == "idle"


def test_more_bits_bring_other_neighbours_and_other_numbers(visit):
    page = visit()
    before, numbers = neighbours(page), page.locator(".st-key-metrics-strip").inner_text()
    move(page, "K", "ArrowRight", times=5)
    wait_for_other_neighbours(page, before)
    page.wait_for_function(
        "before => document.querySelector('.st-key-metrics-strip').innerText !== before", arg=numbers
    )
    assert linked(page, "K") == "13"


def test_a_neighbour_becomes_the_query_and_the_trail_leads_back(visit):
    page = visit()
    first, second = query_id(page), neighbours(page)[2]
    page.locator(".card").nth(2).get_by_role("button", name="Find similar").click()
    wait_for_query(page, second)
    assert linked(page, "clip") == second
    expect(page.locator(f'.card[data-clip="{second}"]')).to_have_count(0)
    page.locator(".trail .step").first.click()
    wait_for_query(page, first)
    expect(page.locator(".trail .step")).to_have_count(0)


def test_the_browsers_back_button_returns_to_the_sound_before(visit):
    page = visit()
    first, second = query_id(page), neighbours(page)[0]
    page.locator(".card").first.get_by_role("button", name="Find similar").click()
    wait_for_query(page, second)
    page.go_back()
    wait_for_query(page, first)


def test_a_shared_link_shows_the_same_thing_to_another_person(visit):
    page = visit("?L=9&K=7")
    hop = neighbours(page)[1]
    page.locator(".card").nth(1).get_by_role("button", name="Find similar").click()
    wait_for_query(page, hop)
    page.click(".tab[data-view=exact]")
    page.wait_for_url("**view=exact**")
    page.wait_for_selector(".trail .step")
    other = visit(page.url)
    wait_for_query(other, hop)
    expect(other.locator('.tab[aria-selected="true"]')).to_have_attribute("data-view", "exact")
    assert neighbours(other) == neighbours(page)
    expect(other.locator(".trail .step")).to_have_count(1)
    expect(other.locator(".st-key-L input[type=range]")).to_have_value("9")


def test_the_keyboard_alone_walks_plays_and_hops(visit):
    page = visit()
    cards = neighbours(page)
    page.locator(".card").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_function(f"{SOUNDING} && window.earshot.state.id === '{cards[2]}'")
    page.keyboard.press("Space")
    page.wait_for_function("window.earshot.state.phase === 'paused'")
    page.keyboard.press("Enter")
    wait_for_query(page, cards[2])


def test_why_tells_tables_and_chance(visit):
    page = visit()
    card = page.locator(".card").first
    card.get_by_role("button", name="Why do you see").click()
    expect(card.locator(".explanation")).to_contain_text("with chance")


def test_searching_finds_an_id_and_says_when_there_is_nothing(visit):
    page = visit()
    wanted = neighbours(page)[4]
    box = page.get_by_role("combobox", name="Find a sound")
    box.fill("no such sound at all")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No label and no clip is called")
    box.fill(wanted)
    page.keyboard.press("Enter")
    wait_for_query(page, wanted)


def test_an_unknown_clip_in_a_link_is_friendly(visit):
    page = visit("?clip=nobody-1&K=99")
    page.wait_for_selector("text=This collection has no clip")
    assert query_id(page)
    expect(page.locator(".card")).to_have_count(10)


def test_on_a_phone_nothing_scrolls_sideways_and_the_player_comes_first(visit):
    page = visit(width=390, height=844)
    page.wait_for_selector("text=recall@10")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tops = [page.locator(at).first.bounding_box()["y"] for at in (".query", ".st-key-metrics-strip", ".card")]
    assert tops == sorted(tops)


def test_on_a_phone_tables_and_bits_move_under_the_thumb(visit):
    page = visit(width=390, height=844)
    before = neighbours(page)
    page.locator(".st-key-mobile-sliders button").first.click()
    for n_bits in range(9, 14):
        page.get_by_role("slider", name="Bits per key, K").last.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_url(f"**K={n_bits}**")
    wait_for_other_neighbours(page, before)


def test_a_hostile_link_shows_as_text_and_asks_no_other_host(visit):
    page = visit(
        "?clip=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&dataset=!%5Bx%5D(http://elsewhere.example/p.png)&trail=a*b*c"
    )
    dialogs = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.wait_for_selector("text=recall@10")
    assert not dialogs
    assert {urlsplit(url).hostname for url in page.requests if url.startswith("http")} == {"127.0.0.1"}
