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
from tests.stress import IS_STRESS

pytestmark = pytest.mark.browser

# `make stress` presses 200 times on each page with ten seeds, on a machine with nothing else to do, where a sound is to
# be heard within two seconds, and leaves a page in all ways.
SEEDS = range(1, 11 if IS_STRESS else 2)
TICKS = 100 if IS_STRESS else 1000  # of the clock of hurry.js, 20 ms each
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


class Network:
    """Network between a page and the app.

    While it is `slow`, what is sent comes late; while it is `unordered` too, the page's messages come late, twice, in
    another order, or never. The server's messages keep their order, as in any WebSocket.
    """

    def __init__(self, page, seed):
        self.slow = self.unordered = False
        self._page = page
        self._random = random.Random(seed)
        page.route_web_socket(re.compile("_stcore/stream"), self._connect)
        page.route("**/clips/**", self._answer)

    def _wait(self):
        if self.slow:
            with suppress(Error):  # the page is closed meanwhile, at the end of its test
                self._page.wait_for_timeout(self._random.uniform(0, MAX_DELAY_MS))

    def _connect(self, socket):
        server = socket.connect_to_server()
        to_server, to_page = self._in_order(server.send), self._in_order(socket.send)

        def send(message):
            if not self.unordered:
                to_server(message)
                return
            for _ in range(self._random.choices([0, 1, 2], [5, 80, 15])[0]):
                self._wait()
                server.send(message)

        socket.on_message(send)
        server.on_message(to_page)

    def _in_order(self, send):
        on_their_way = []

        def send_late(message):
            on_their_way.append(message)
            self._wait()
            send(on_their_way.pop(0))

        return send_late

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
    network.unordered = False
    page.wait_for_timeout(2 * MAX_DELAY_MS)
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


LEAVINGS = [(".tab[aria-selected=false]", "back"), (".find-similar", "link")]
OTHER_LEAVINGS = [(".find-similar", "back"), (".tab[aria-selected=false]", "link")]


@pytest.mark.parametrize(("pressed", "leave"), LEAVINGS + OTHER_LEAVINGS * IS_STRESS)
def test_a_press_on_a_page_that_is_being_left_does_not_bring_it_back(new_page, earshot, own_sounds, leave, pressed):
    page = new_page()
    network = Network(page, seed=1)
    page.goto(f"{earshot}?dataset={own_sounds}&lens=on")
    page.wait_for_selector(".neighbours .card")
    links = page.locator("[data-testid=stSidebarNav]")
    if leave == "back":
        links.get_by_role("link", name="Data").click()
        page.get_by_role("heading", name="Data", exact=True).wait_for()
        links.get_by_role("link", name="Listen").click()
        page.wait_for_function("location.pathname === '/'")
        page.get_by_role("heading", name="Data", exact=True).wait_for(state="detached")
        page.wait_for_selector(".card")
    network.slow = True
    leaving = "document.querySelector('[href$=data]').click(); press()"
    if leave == "back":
        leaving = "addEventListener('popstate', press, { once: true }); history.back()"
    press = "() => { for (let i = 0; i < 20; i++) setTimeout(() => buttons[i % 2].click(), 7 * i) }"
    busy = "buttons[0].click()"  # so that the requests for the other page and for this one wait together
    page.locator(pressed).evaluate_all(
        f"(buttons) => {{ const press = {press}; {busy}; setTimeout(() => {{ {leaving} }}, 100) }}"
    )
    page.get_by_role("heading", name="Data", exact=True).wait_for()
    page.wait_for_timeout(3000)  # the press would be sent again after two seconds
    assert page.get_by_role("heading", name="Data", exact=True).is_visible()
    assert urlsplit(page.url).path == "/data"
    addresses = [urlsplit(url) for url in page.evaluate("navigation.entries().map((entry) => entry.url)")]
    steps = [(address.path, sorted(parse_qsl(address.query))) for address in addresses]
    assert all(before != after for before, after in itertools.pairwise(steps)), steps
    assert all(("dataset", own_sounds) in parameters for _, parameters in steps), steps


def test_a_link_whose_request_is_lost_is_followed_all_the_same(new_page, earshot, own_sounds):
    page = new_page()
    lost = []

    def connect(socket):
        server = socket.connect_to_server()

        def send(message):
            is_first_of_link = not lost and page.evaluate("Boolean(window.followed)")
            (lost.append if is_first_of_link else server.send)(message)

        socket.on_message(send)

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    page.goto(f"{earshot}?dataset={own_sounds}&lens=on")
    page.wait_for_selector(".neighbours .card")
    page.evaluate("window.followed = true")
    page.locator("[data-testid=stSidebarNav]").get_by_role("link", name="Data").click()
    page.get_by_role("heading", name="Data", exact=True).wait_for()
    assert len(lost) == 1


def test_a_request_that_waits_while_others_are_answered_is_answered_too(new_page, earshot, own_sounds):
    page = new_page()
    sent, finished = [], []

    def connect(socket):
        server = socket.connect_to_server()

        def send(message):
            sent.append(message)
            for before in sent[-2:-1] * 4 if page.evaluate("Boolean(window.waits)") else []:
                server.send(before)
                n = len(finished)
                while len(finished) == n:
                    page.wait_for_timeout(20)
            server.send(message)

        def to_page(message):
            socket.send(message)
            if ForwardMsg.FromString(message).WhichOneof("type") == "script_finished":
                finished.append(message)

        socket.on_message(send)
        server.on_message(to_page)

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    page.goto(f"{earshot}?dataset={own_sounds}&lens=on")
    page.wait_for_selector(".neighbours .card")
    links = page.locator("[data-testid=stSidebarNav]")
    links.get_by_role("link", name="Data").click()
    page.get_by_role("heading", name="Data", exact=True).wait_for()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.evaluate("window.waits = true")
    links.get_by_role("link", name="Listen").click()
    page.wait_for_selector(".neighbours .card")


@pytest.mark.parametrize("delay_ms", [15, 120, 200])
def test_a_first_run_that_is_interrupted_names_the_collection_all_the_same(new_page, earshot, own_sounds, delay_ms):
    page, sent = new_page(), []

    def connect(socket):
        server = socket.connect_to_server()

        def send(message):
            server.send(message)
            sent.append(message)
            if len(sent) == 1:
                page.wait_for_timeout(delay_ms)
                server.send(message)

        socket.on_message(send)

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    page.goto(f"{earshot}?dataset={own_sounds}&lens=on")
    page.wait_for_selector(".neighbours .card")
    page.locator("[data-test-script-state=notRunning]").wait_for()
    expect(page.get_by_role("combobox", name="Collection")).to_have_value("Own")


def test_waveforms_that_do_not_come_are_requested_a_few_times_and_no_more(new_page, earshot, own_sounds):
    page = new_page()
    requests = []

    def refuse(route):
        requests.append(route.request.url)
        route.fulfill(status=404, body="This collection is not open. Reload the page.")

    page.route("**/clips/*/waveforms*", refuse)
    page.goto(f"{earshot}?dataset={own_sounds}")
    page.locator(".neighbours .card").first.wait_for()
    page.wait_for_timeout(3000)
    assert 2 <= len(requests) <= 8


def test_a_missing_file_is_reported_on_its_card(visit, own_sounds, videos):
    page = visit(f"?dataset={own_sounds}")
    page.route("**/clips/**", lambda route: route.continue_())  # a page with a route takes nothing from the cache
    card = page.locator(".neighbours .card").nth(2)
    clip = card.get_attribute("data-clip")
    path = videos / "files of own" / f"{clip.removeprefix('f').removesuffix('~middle')}.wav"
    moved = path.rename(path.with_suffix(".moved"))
    try:
        card.locator(".play").click()
        expect(card.locator(".player-message")).to_contain_text("cannot be read")
        expect(card).to_have_attribute("data-phase", "failed")
    finally:
        moved.rename(path)


def test_a_sound_that_does_not_come_is_announced_after_a_second_and_explained_after_five(visit, own_sounds):
    page = visit(f"?dataset={own_sounds}")
    held = []

    def hold(route):
        held.append(route)

    page.route("**/clips/*/*/sound", hold)
    card = page.locator(".neighbours .card").first
    card.locator(".play").click()
    expect(card).to_have_attribute("data-slow", "", timeout=3000)
    expect(card.locator(".player-message")).to_contain_text("Still waiting", timeout=8000)
    for route in held:
        route.continue_()
    expect(card).to_have_attribute("data-phase", "playing")
    expect(card.locator(".player-message")).to_have_count(0)
