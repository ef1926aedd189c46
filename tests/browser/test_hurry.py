"""Playing in a hurry: many presses at random times, while messages and sounds come late, twice or in another order."""

import itertools
import random
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Error, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from data_prep.dataset import open_dataset
from tests.browser.conftest import wait_until_drawn, wait_until_equal
from tests.stress import IS_STRESS

pytestmark = pytest.mark.browser

# `make stress` presses 200 times on each page with ten seeds, on a machine with nothing else to do, where a sound is to
# be heard within two seconds, and leaves a page in all ways. Elsewhere a sound is to be heard at all.
SEEDS = range(1, 11 if IS_STRESS else 2)
TICKS = 100 if IS_STRESS else 3000  # of the clock of hurry.js, 20 ms each
PRESSES_EACH = 200 if IS_STRESS else 50
MAX_DELAY_MS = 300  # of a message or a sound
SCRIPT = Path(__file__).with_name("hurry.js")
PLAY = ".play:not(:disabled)"
# Ways of playing beside a button: arrow keys, A/B, all in turn, what the mouse rests on; and choices such as the loop.
LIST = {".card": 12, ".compare": 8, ".play-all": 6, ".card .sound": 6, ".choice": 3}
PRESSES = {  # by page: weights of what is pressed, by selector
    "": {PLAY: 55, ".find-similar": 5, ".tab": 5, **LIST},
    "ask": {PLAY: 50, "[data-testid=stAudio]": 10, ".tab": 5, **LIST},
    "map": {".map .marks": 70, f".map {PLAY}": 15, ".map .find-similar": 5, ".map .frame": 10},
}


def relay(page, to_server, to_page=lambda message, send: send(message)):
    """Let these functions of a message, and of one that sends it, pass on what a page and the app say to each other."""

    def connect(socket):
        server = socket.connect_to_server()
        socket.on_message(lambda message: to_server(message, server.send))
        server.on_message(lambda message: to_page(message, socket.send))

    page.route_web_socket(re.compile("_stcore/stream"), connect)


class Network:
    """Network between a page and the app.

    While it is `slow`, what is sent comes late; while it is `unordered` too, the page's messages come late, twice, in
    another order, or never. The server's messages keep their order, as in any WebSocket.
    """

    def __init__(self, page, seed):
        self.slow = self.unordered = False
        self._page = page
        self._random = random.Random(seed)
        self._to_server, self._to_page = [], []  # on their way: messages, with what sends them
        self._n_unordered = 0  # messages on their way in any order
        relay(page, self._send, lambda message, send: self._send_in_order(self._to_page, message, send))
        page.route("**/clips/**", self._answer)

    def _wait(self):
        if self.slow:
            with suppress(Error):  # the page is closed meanwhile, at the end of its test
                self._page.wait_for_timeout(self._random.uniform(0, MAX_DELAY_MS))

    def _send(self, message, send):
        if not self.unordered:
            self._send_in_order(self._to_server, message, send)
            return
        self._n_unordered += 1
        for _ in range(self._random.choices([0, 1, 2], [5, 80, 15])[0]):
            self._wait()
            send(message)
        self._n_unordered -= 1

    def keep_order(self):
        """Let messages come once and in order from now on; wait for those that were sent before."""
        self.unordered = False
        while self._n_unordered:
            self._page.wait_for_timeout(20)

    def _send_in_order(self, on_their_way, message, send):
        on_their_way.append((message, send))
        self._wait()
        first, send_first = on_their_way.pop(0)
        send_first(first)

    def _answer(self, route):
        self._wait()
        with suppress(Error):
            route.continue_()


def check(pressed, log, id_of):
    """Assert that each sound pressed is heard in time unless a later press came before, and one at a time."""
    assert max(event["sounding"] for event in log) == 1
    for i, press in enumerate(pressed):
        following = pressed[i + 1] if i + 1 < len(pressed) else {"at": np.inf, "tick": np.inf}
        then = [event for event in log if press["at"] <= event["at"] < following["at"]]
        heard = [event for event in then if event["name"] == "playing" and not event["paused"]]
        if press["clip"] == "upload":  # in the browser's own player, whose event "play" tells the page of the press
            told = next((event["at"] for event in then if event["name"] == "play" and "/media/" in event["source"]), 0)
            heard = [event for event in heard if event["at"] >= told]
        story = (i, press, following, then[:20])
        if press["paused"]:  # a sound that was started just before begins, unless it is this one
            assert id_of(press["clip"]) not in {id_of(event["source"]) for event in heard}, story
            continue
        assert {id_of(event["source"]) for event in heard} <= {id_of(press["clip"])}, story
        in_time = [event for event in heard if event["tick"] <= press["tick"] + TICKS]
        assert in_time or following["tick"] <= press["tick"] + TICKS, story


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", PRESSES, ids=["listen", "ask", "map"])
def test_the_last_of_many_hurried_presses_sounds_and_never_two_at_once(
    new_page, earshot, own_sounds, videos, path, seed
):
    page = new_page(height=1200)
    page.add_init_script(path=SCRIPT)
    network = Network(page, seed)
    collections = set()
    page.on("request", lambda request: collections.update(re.findall(r"/clips/(\w+)/", request.url)))
    page.goto(f"{earshot}{path}?dataset={own_sounds}&lens=on")
    if path == "ask":
        page.locator("input[type=file]").set_input_files(videos / "files of own" / "1.wav")
        page.locator("[data-testid=stAudio]").wait_for()
    if path == "map":
        page.wait_for_function("window.earshotMap?.chart?.names")
    page.locator(".card" if path != "map" else ".map[data-drawn]").first.wait_for()
    page.get_by_role("heading", level=1).click()  # until a first press, nothing is played that the mouse rests on
    page.evaluate("window.earshot.choose('hover', true)")
    network.slow = network.unordered = True
    leaving = 20 if path == "ask" else 0
    page.evaluate("(options) => window.hurry.press(...options)", [PRESSES_EACH - leaving, PRESSES[path], seed, TICKS])
    network.keep_order()
    if leaving:  # for another page
        weights = {PLAY: 80, ".find-similar": 20, ".tab": 5}  # the list that is shown may be empty
        page.evaluate("(options) => window.hurry.press(...options)", [leaving, weights, seed, TICKS])
    network.slow = False
    pressed, log, picked, requested = page.evaluate(
        "['pressed', 'log', 'picked', 'requested'].map((name) => window.hurry[name])"
    )

    dataset = open_dataset(videos / own_sounds)

    def id_of(name):
        """Return the clip id of an address or of a state of the player; `upload` for the sound given on Ask."""
        clip = match[1] if (match := re.search(r"/clips/\w+/([^/]+)/sound", unquote(name))) else name
        row = re.fullmatch(r"(?:point |train@)(\d+)", clip)
        return dataset.clip("train", int(row[1])).clip_id if row else "upload" if "/media/" in clip else clip

    check(pressed, log, id_of)
    assert len(collections) == 1
    if picked:
        expect(page.locator(".map .card")).to_have_attribute("data-clip", id_of(picked[-1]))
    if requested:
        page.wait_for_function("id => new URLSearchParams(location.search).get('clip') === id", arg=requested[-1])


FULL_TAB = ".tab:not([data-view=missed])"  # the list of those missed may be empty
LEAVINGS = [(FULL_TAB, "back"), (".find-similar", "link")]
OTHER_LEAVINGS = [(".find-similar", "back"), (FULL_TAB, "link")]


def test_a_press_on_a_page_that_is_being_left_does_not_bring_it_back(new_page, earshot, own_sounds):
    page = new_page()
    network = Network(page, seed=1)
    page.goto(f"{earshot}?dataset={own_sounds}&lens=on")
    for pressed, leave in LEAVINGS + OTHER_LEAVINGS * IS_STRESS:
        page.wait_for_selector(".neighbours .card")
        if leave == "back":
            follow(page, "Data")
            follow(page, "Listen")
        network.slow = True
        leave_and_press(page, pressed, leave)
        page.get_by_role("heading", name="Data", exact=True).wait_for()
        page.wait_for_timeout(3000)  # the press would be sent again after two seconds
        assert page.get_by_role("heading", name="Data", exact=True).is_visible()
        assert urlsplit(page.url).path == "/data"
        network.slow = False
        wait_until_drawn(page)
        follow(page, "Listen")
    addresses = [urlsplit(url) for url in page.evaluate("navigation.entries().map((entry) => entry.url)")]
    steps = [(address.path, sorted(parse_qsl(address.query))) for address in addresses]
    assert all(before != after for before, after in itertools.pairwise(steps)), steps
    assert all(("dataset", own_sounds) in parameters for _, parameters in steps), steps


def follow(page, name):
    """Follow a link of the sidebar to Data, or to Listen."""
    data = page.get_by_role("heading", name="Data", exact=True)
    page.locator("[data-testid=stSidebarNav]").get_by_role("link", name=name).click()
    if name == "Data":
        data.wait_for()
    else:
        page.wait_for_function("location.pathname === '/'")
        data.wait_for(state="detached")
        page.wait_for_selector(".neighbours .card")


def leave_and_press(page, pressed, leave):
    """Leave Listen for Data, and press these buttons again and again meanwhile."""
    leaving = "document.querySelector('[href$=data]').click(); press()"
    if leave == "back":
        leaving = "addEventListener('popstate', press, { once: true }); history.back()"
    press = "() => { for (let i = 0; i < 20; i++) setTimeout(() => buttons[i % buttons.length].click(), 7 * i) }"
    busy = "buttons[buttons.length - 1].click()"  # requests for the other page and for this one wait together
    started = f"""(buttons) => {{
      if (buttons.length === 0) return false  // the page is still being drawn
      const press = {press}
      {busy}
      setTimeout(() => {{ {leaving} }}, 100)
      return true
    }}"""
    wait_until_equal(page, lambda: page.locator(pressed).evaluate_all(started), expected=True)


@pytest.mark.parametrize("delay_ms", [15, 120, 200] if IS_STRESS else [120])
def test_a_first_run_interrupted_a_request_lost_and_one_that_waits_lead_where_they_should(
    new_page, earshot, own_sounds, delay_ms
):
    page = new_page()
    sent, finished, doing = [], [], set()

    def to_server(message, send):
        sent.append(message)
        if "lose" in doing:
            doing.remove("lose")
            return
        for before in sent[-2:-1] * 4 if "wait" in doing else []:
            send(before)
            n = len(finished)
            while len(finished) == n:
                page.wait_for_timeout(20)
        send(message)
        if len(sent) == 1:
            page.wait_for_timeout(delay_ms)
            send(message)

    def to_page(message, send):
        send(message)
        if ForwardMsg.FromString(message).WhichOneof("type") == "script_finished":
            finished.append(message)

    relay(page, to_server, to_page)
    page.goto(f"{earshot}?dataset={own_sounds}&lens=on")
    page.wait_for_selector(".neighbours .card")
    wait_until_drawn(page)
    expect(page.get_by_role("combobox", name="Collection")).to_have_value("Own")

    doing.add("lose")
    follow(page, "Data")
    assert not doing
    wait_until_drawn(page)
    doing.add("wait")
    follow(page, "Listen")


TOLD = """() => {
  const told = (window.told = {})
  const note = (what, is) => is && (told[what] ??= performance.now())
  document.addEventListener("earshot", ({ detail }) => {
    note("began", detail.phase === "waiting")
    note("slow", detail.slow)
    note("late", detail.message)
  })
}"""


def test_what_does_not_come_is_told_on_its_card_and_waveforms_are_requested_a_few_times(
    new_page, earshot, own_sounds, videos
):
    page = new_page()
    requests, held = [], []

    def refuse(route):
        requests.append(route.request.url)
        route.fulfill(status=404, body="This collection is not open. Reload the page.")

    def hold(route):
        held.append(route)

    page.route("**/clips/*/waveforms*", refuse)
    page.goto(f"{earshot}?dataset={own_sounds}")
    card, missing = (page.locator(".neighbours .card").nth(place) for place in (0, 2))

    page.route("**/clips/*/*/sound", hold)  # a page with a route takes nothing from the cache
    missing.wait_for()
    page.evaluate(TOLD)
    card.locator(".play").click()
    expect(card).to_have_attribute("data-slow", "")
    expect(card.locator(".player-message")).to_contain_text("Still waiting")
    told = page.evaluate("told")
    assert 900 < told["slow"] - told["began"] < 3000
    assert 4900 < told["late"] - told["began"] < 8000
    page.unroute("**/clips/*/*/sound")
    for route in held:
        route.continue_()
    expect(card).to_have_attribute("data-phase", "playing")
    expect(card.locator(".player-message")).to_have_count(0)

    clip = missing.get_attribute("data-clip")
    path = videos / "files of own" / f"{clip.removeprefix('f').removesuffix('~middle')}.wav"
    moved = path.rename(path.with_suffix(".moved"))
    try:
        missing.locator(".play").click()
        expect(missing.locator(".player-message")).to_contain_text("cannot be read")
        expect(missing).to_have_attribute("data-phase", "failed")
    finally:
        moved.rename(path)
    page.wait_for_timeout(3000)  # the last attempt comes six seconds after the first one
    assert 2 <= len(requests) <= 8
