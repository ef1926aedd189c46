"""Listen in a browser: playing, moving sliders, searching with a neighbour, links, keyboard, phones."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import (
    MAX_SHIFT,
    WATCH_SHIFTS,
    clip_ids,
    wait_for_link,
    wait_until_drawn,
    wait_until_equal,
    wait_until_heard,
    wait_until_nothing_scrolls_sideways,
    wait_until_one_below_another,
)

pytestmark = pytest.mark.browser

AUDIO = "document.querySelector('#earshot-audio')"


def query_id(page):
    """Return the id of the clip that is the query."""
    return page.locator(".query [data-clip]").get_attribute("data-clip")


def neighbours(page):
    """Return the clip ids of the cards shown, once no run is under way that may change them."""
    wait_until_drawn(page)
    return clip_ids(page.locator(".card"))


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


def test_a_first_visit_requests_no_other_host_plays_one_sound_at_a_time_and_leads_on_and_back(visit):
    page = visit()
    page.wait_for_selector(".card .waveform .unplayed")
    expect(page.locator(".card")).to_have_count(10)
    page.wait_for_selector("text=recall@10")
    first, cards = query_id(page), neighbours(page)
    hosts = {urlsplit(url).hostname for url in page.requests if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert page.evaluate(f"{AUDIO}.paused")  # nothing plays by itself
    page.click(".query .play")
    wait_until_heard(page, first)
    page.wait_for_function(f"{AUDIO}.currentTime > 0.2")
    page.locator(".card .play").nth(1).click()
    wait_until_heard(page, cards[1])
    assert page.evaluate("document.querySelectorAll('audio').length") == 1
    expect(page.locator(".query [data-clip]")).to_have_attribute("data-phase", "idle")

    page.locator(".card").nth(2).get_by_role("button", name="Find similar").click()
    wait_for_query(page, cards[2])
    wait_for_link(page, clip=cards[2])
    expect(page.locator(f'.card[data-clip="{cards[2]}"]')).to_have_count(0)
    page.locator(".trail .step").first.click()
    wait_for_query(page, first)
    expect(page.locator(".trail .step")).to_have_count(0)
    page.go_back()
    wait_for_query(page, cards[2])
    page.go_back()
    wait_for_query(page, first)

    card = page.locator(".card").first
    card.get_by_role("button", name="Why do you see").click()
    expect(card.locator(".explanation")).to_contain_text("with chance")
    before, numbers = neighbours(page), page.locator(".st-key-metrics-strip").inner_text()
    move(page, "K", "ArrowRight", times=5)
    wait_for_other_neighbours(page, before)
    page.wait_for_function(
        "before => document.querySelector('.st-key-metrics-strip').innerText !== before", arg=numbers
    )
    wait_for_link(page, K="13")


def test_a_press_and_the_focus_outlast_a_card_that_is_drawn_anew_meanwhile(new_page, earshot):
    page = new_page()
    waveforms = []

    def hold(route):  # when the waveforms arrive, the cards are drawn anew
        waveforms.append(route)

    page.route("**/waveforms?*", hold)
    page.goto(earshot)
    page.wait_for_selector("text=recall@10")
    wait_until_drawn(page)
    play = page.locator(".card:nth-child(2) .play")
    play.hover()
    page.mouse.down()
    flat = page.locator(".card:nth-child(2) .unplayed path").get_attribute("d")
    while not waveforms:
        page.wait_for_timeout(20)
    for route in waveforms:
        route.continue_()
    expect(page.locator(".card:nth-child(2) .unplayed path")).not_to_have_attribute("d", flat)
    page.mouse.up()
    wait_until_heard(page)
    expect(play).to_be_focused()
    expect(play).to_have_attribute("aria-pressed", "true")


def test_a_phone_shows_sounds_before_numbers_scrolls_to_a_new_sound_and_has_sliders_at_the_bottom(visit):
    page = visit(width=390, height=844, scripts=WATCH_SHIFTS)
    page.wait_for_selector("text=recall@10")
    first, before = query_id(page), neighbours(page)
    wait_until_nothing_scrolls_sideways(page)
    card = page.locator(".card").first
    ends = "card => card.getBoundingClientRect().bottom <= 1.5 * innerHeight"
    wait_until_equal(page, lambda: card.evaluate(ends), expected=True)
    assert page.evaluate("window.shift") <= MAX_SHIFT  # of all shifts until now
    wait_until_one_below_another(page, "h1", ".st-key-search-box", ".query", ".card", ".st-key-metrics-strip")

    card = page.locator(".card").nth(7)
    wanted = card.get_attribute("data-clip")
    card.get_by_role("button", name="Find similar").click()
    wait_for_query(page, wanted)
    expect(page.locator(".query")).to_be_focused()
    expect(page.locator(".query .screen")).to_be_in_viewport(ratio=1)
    title = page.locator(".query .title").inner_text()
    expect(page.get_by_role("status").filter(has_text=f"Your sound is now {title}.")).to_have_count(1)
    page.locator(".trail .step").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".trail .step")).to_have_count(0)
    expect(page.locator(".query")).to_be_focused()

    wait_for_query(page, first)
    expect(page.locator(".card").first).to_have_attribute("data-clip", before[0])
    page.locator(".st-key-mobile-sliders button").first.click()
    for n_bits in range(9, 14):
        page.get_by_role("slider", name="Bits per key, K").last.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_url(f"**K={n_bits}**")
    wait_for_other_neighbours(page, before)


def test_a_small_collection_opens_on_exact_neighbours_and_lsh_is_a_switch_that_pages_share(visit):
    page = visit("?dataset=videos")
    switch = page.get_by_role("switch", name="Show what LSH finds")
    expect(page.locator(".card")).to_have_count(10)
    nearest = neighbours(page)
    for shown in (".tabs", ".st-key-metrics-strip", ".st-key-lsh-controls"):
        expect(page.locator(shown)).to_be_hidden()
    expect(switch).not_to_be_checked()
    switch.focus()
    page.keyboard.press("Space")
    expect(page.locator(".st-key-lsh-controls")).to_be_visible()
    expect(page.locator(".st-key-metrics-strip")).to_be_visible()
    expect(page.locator('.tab[aria-selected="true"]')).to_have_attribute("data-view", "exact")
    wait_until_equal(page, lambda: neighbours(page), nearest)
    wait_for_link(page, lens="on")
    page.get_by_role("link", name="Data", exact=True).click()
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    page.get_by_role("link", name="Listen", exact=True).click()
    expect(switch).to_be_checked()
    page.keyboard.press("Tab")
    switch.focus()
    page.keyboard.press("Space")
    expect(page.locator(".tabs")).to_be_hidden()
    wait_for_link(page, lens="off")
    page.go_back()
    expect(page.locator(".tabs")).to_be_visible()
    assert_a_label_found_by_keyboard_stays_listed_after_a_reload_and_back_closes_it(page)


def assert_a_label_found_by_keyboard_stays_listed_after_a_reload_and_back_closes_it(page):
    box = page.get_by_role("combobox", name="Find a sound")
    box.fill("sirn")
    option = page.get_by_role("option", name="Siren 13 clips")
    page.wait_for_selector("[role=option]")
    box.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(box).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
    box.press("Enter")
    page.locator(".card .play").nth(1).hover()  # the hand moves on at once
    hits = page.locator(".st-key-search-hits")
    expect(hits).to_contain_text("match “Siren”")
    wait_for_link(page, dataset="videos")
    expect(option).to_have_count(0)
    page.reload()
    expect(hits).to_contain_text("match “Siren”")
    expect(box).to_have_value("Siren")
    page.get_by_role("button", name="All labels").click()
    page.get_by_role("button", name="Bell · ").click()
    expect(hits).to_contain_text("match “Bell”")
    page.go_back()
    expect(hits).to_contain_text("match “Siren”")


def test_the_back_button_returns_to_the_list_that_was_open_and_a_copied_link_shows_it_to_another_visitor(visit):
    page = visit("?L=9&K=14")
    opened = page.locator('.tab[aria-selected="true"]')
    for view in ("missed", "exact"):
        page.click(f".tab[data-view={view}]")
        wait_for_link(page, view=view)
    page.go_back()
    expect(opened).to_have_attribute("data-view", "missed")
    page.go_back()
    expect(opened).to_have_attribute("data-view", "found")

    page.click(".tab[data-view=exact]")
    wait_for_link(page, view="exact")
    next_query = neighbours(page)[1]
    page.locator(".card").nth(1).get_by_role("button", name="Find similar").click()
    wait_for_query(page, next_query)
    page.wait_for_selector(".trail .step")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".link [role=status]")).to_have_text("The link to this view is copied.")
    expect(page.locator(".copy")).to_have_text("Copied")
    other = visit(page.evaluate("navigator.clipboard.readText()"))
    wait_for_link(other, clip=next_query)
    wait_for_query(other, next_query)
    expect(other.locator('.tab[aria-selected="true"]')).to_have_attribute("data-view", "exact")
    wait_until_equal(other, lambda: neighbours(other), neighbours(page))
    expect(other.locator(".trail .step")).to_have_count(1)
    expect(other.locator(".st-key-L input[type=range]")).to_have_value("9")


def test_the_link_names_the_list_that_was_opened_whatever_else_the_page_sends_at_that_moment(visit):
    page = visit("?L=9&K=14")
    for i, view in enumerate(["missed", "exact", "found"] * 15):
        page.locator(f".tab[data-view={view}]").evaluate(
            """(tab, delay_ms) => {
              tab.click()
              setTimeout(() => earshot.press(tab.getRootNode(), "unplayable", []), delay_ms)
            }""",
            i % 4,
        )
        wait_for_link(page, view=view)


def test_the_link_names_the_list_that_is_open_after_back_right_after_a_press(visit):
    page = visit("?L=9&K=14")
    agree = """() => {
      const link = new URLSearchParams(location.search).get("view") || "found"
      return [link, document.querySelector("[data-test-script-state=notRunning]") !== null]
    }"""
    opened = page.locator('.tab[aria-selected="true"]')
    for i in range(10):
        for view in ("exact", "found"):
            page.click(f".tab[data-view={view}]")
            wait_for_link(page, view=view)
        page.locator(".tab[data-view=missed]").evaluate(
            "(tab, delay_ms) => { tab.click(); setTimeout(() => history.back(), delay_ms) }", 8 * i
        )
        page.wait_for_timeout(700)  # longer than messages are late, and than nothing is sent after Back
        wait_until_equal(page, lambda: page.evaluate(agree), [opened.get_attribute("data-view"), True])


def test_a_keyboard_alone_reaches_the_sounds_walks_through_them_compares_and_searches_with_one(visit):
    page = visit()
    query, cards = query_id(page), neighbours(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the sounds")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".card").first).to_be_focused()

    page.keyboard.press("ArrowDown")
    wait_until_heard(page, cards[1])
    page.keyboard.press("ArrowDown")
    wait_until_heard(page, cards[2])
    expect(page.locator(".card").nth(2)).to_be_focused()
    page.keyboard.press("ArrowUp")
    wait_until_heard(page, cards[1])
    page.keyboard.press("Space")
    page.wait_for_function("window.earshot.state.phase === 'paused'")
    for clip in (query, cards[1], query):
        page.keyboard.press("x")
        wait_until_heard(page, clip)

    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="All keys")
    expect(keys).to_contain_text("play all, or stop")
    page.keyboard.press("x")  # no key of the page while the list is open
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    expect(page.locator(".card").nth(1)).to_be_focused()
    assert page.evaluate("window.earshot.state.id") == query  # X did nothing

    page.keyboard.press("Enter")
    wait_for_query(page, cards[1])
    expect(page.locator(".query")).to_be_focused()
    title = page.locator(".query .title").inner_text()
    expect(page.get_by_role("status").filter(has_text=f"Your sound is now {title}.")).to_have_count(1)
    page.keyboard.press("?")
    keys.get_by_role("checkbox").uncheck()  # keys of one letter are off, for voice control
    keys.get_by_role("button", name="Close").click()
    page.keyboard.press("?")
    expect(keys).to_have_count(0)
    page.evaluate("localStorage.removeItem('earshot.letters')")


def test_all_sounds_play_in_turn_until_another_is_pressed_and_choices_outlast_a_reload(visit):
    page = visit()
    cards = neighbours(page)
    page.get_by_role("heading", level=1).click()
    page.locator(".card").nth(4).hover()
    page.wait_for_timeout(400)
    assert page.evaluate("window.earshot.state.started") == 0  # on hover only where it is chosen
    page.get_by_role("button", name="Play all").click()
    wait_until_heard(page, cards[0])
    expect(page.locator(".play-all")).to_have_text("Stop")
    page.evaluate(f"{AUDIO}.currentTime = {AUDIO}.duration - 0.1")
    wait_until_heard(page, cards[1])
    page.locator(".card .play").nth(5).click()
    wait_until_heard(page, cards[5])
    expect(page.locator(".play-all")).to_have_text("Play all")
    page.evaluate(f"{AUDIO}.currentTime = {AUDIO}.duration - 0.1")
    page.wait_for_function("window.earshot.state.phase === 'idle'")
    assert page.evaluate("window.earshot.state.id") == cards[5]  # no other follows

    with page.expect_response("**/spectrogram") as answer:
        page.keyboard.press("s")
    assert answer.value.headers["content-type"] == "image/png"
    expect(page.locator(".card .spectrogram")).to_have_count(10)
    expect(page.locator(".query .spectrogram")).to_contain_text("7.5 kHz")
    page.keyboard.press("l")
    page.get_by_role("button", name="Play on hover").click()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")
    page.reload()
    page.wait_for_selector(".card .spectrogram")
    expect(page.get_by_role("slider", name="Volume")).to_have_value("0.5")
    page.get_by_role("heading", level=1).click()  # browsers demand a press before anything plays
    page.locator(".card").nth(3).hover()
    wait_until_heard(page, neighbours(page)[3])
    page.wait_for_function(f"Math.abs({AUDIO}.volume - 0.25) < 1e-6 && {AUDIO}.loop")
    page.evaluate(f"{AUDIO}.currentTime = {AUDIO}.duration - 0.1")
    page.wait_for_timeout(500)  # beyond the end, from which it begins again
    assert page.evaluate("window.earshot.state.phase") == "playing"
    expect(page.locator(".card").nth(3).locator(".measures")).to_have_text(re.compile(r"^2\.5 s · .\d+ dB$"))
    page.locator(".st-key-metrics-strip").hover()
    page.wait_for_function("window.earshot.state.phase === 'idle'")
    page.get_by_role("button", name="Even level").click()
    page.locator(".card .play").nth(3).click()
    wait_until_heard(page, neighbours(page)[3])
    level = f"earshot.levels.get('{neighbours(page)[3]}')"
    page.wait_for_function(f"Math.abs({AUDIO}.volume - 0.25 * Math.min(1, 10 ** ((-24 - {level}) / 20))) < 1e-6")
    page.goto(page.url.split("?")[0] + "?dataset=videos")
    expect(page.locator(".playback [role=status]")).to_contain_text("Videos have no spectrogram")
    page.evaluate("localStorage.removeItem('earshot.playback')")


def test_the_search_box_reports_no_result_finds_an_id_and_lists_clips_of_a_name_to_play_and_to_choose(visit):
    page = visit()
    wanted = neighbours(page)[4]
    box = page.get_by_role("combobox", name="Find a sound")
    box.fill("no such sound at all")
    box.press("Enter")  # at once, before anything is offered
    page.wait_for_selector("text=Nothing here is called")
    box.fill(wanted)
    box.press("Enter")
    wait_for_query(page, wanted)
    box.fill("dog")
    expect(page.get_by_role("option", name="Dog 374 clips")).to_be_visible()
    box.press("Enter")
    expect(page.locator(".st-key-search-hits")).to_contain_text("374 clips match “Dog”")
    hit = page.locator(".st-key-search-hits .card").nth(1)
    expect(hit.locator(".labels")).to_contain_text("Dog")
    wanted = hit.get_attribute("data-clip")
    hit.locator(".play").click()
    wait_until_heard(page, wanted)
    hit.get_by_role("button", name="Find similar").click()
    wait_for_query(page, wanted)
    expect(page.locator(".st-key-search-hits")).to_have_count(0)
    expect(box).to_have_value("")


def test_a_link_with_an_unknown_clip_shows_a_message_and_another_clip(visit):
    page = visit("?clip=nobody-1&K=99")
    page.wait_for_selector("text=This collection has no clip")
    assert query_id(page)
    expect(page.locator(".card")).to_have_count(10)


def test_html_and_markdown_in_a_link_are_shown_as_text(visit):
    page = visit(
        "?clip=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&dataset=!%5Bx%5D(http://elsewhere.example/p.png)&trail=a*b*c",
        scripts="window.alert = (text) => { window.alerted = text }",
    )
    page.wait_for_selector("text=recall@10")
    assert page.evaluate("window.alerted") is None
    assert {urlsplit(url).hostname for url in page.requests if url.startswith("http")} == {"127.0.0.1"}
