"""Visitors without browsers: what belongs to one session and reaches another one is an error, and so is a fault."""

import asyncio
import contextlib
import io
import time
import wave
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.served_app import Memory
from benchmarks.visitors import __main__ as benchmark
from benchmarks.visitors.visitor import Behaviour, Results, Run, Visitor, tone
from data_prep.dataset import open_dataset
from lsh.params import MAX_BITS, MAX_TABLES
from tests.event_loop import call, finish
from tests.ui.apptest import write_small

DOES = Behaviour("sample", ("listen",), 0.1, new=False, uploads=False)


def visitors(results: Results) -> None:
    """Register two visitors with clips of their own."""
    for number, clips in enumerate((["aa-1", "aa-2"], ["bb-1", "bb-2"])):
        Visitor(number, "http://127.0.0.1:1", clips, results, DOES)


def test_a_clip_or_an_upload_of_another_session_is_an_error() -> None:
    results = Results()
    visitors(results)
    results.check(0, b"...bb-2...upload-of-0001.wav...")
    assert results.errors == {
        "session 0 received bb-2, which is of session 1": 1,
        "session 0 received upload-of-0001.wav, which is of session 1": 1,
    }


def test_a_visitor_begins_with_the_dataset_the_first_of_its_clips_and_the_lens() -> None:
    results = Results()
    visitor = Visitor(3, "http://127.0.0.1:1", ["aa-1", "aa-2"], results, DOES)
    assert visitor._app.query == {"dataset": "sample", "clip": "aa-1", "lens": "on"}
    assert results.owners == {b"aa-1": 3, b"aa-2": 3, b"upload-of-0003.wav": 3}


@pytest.mark.parametrize("place", range(5))
def test_a_text_of_another_session_is_found_at_any_place(place: int) -> None:
    results = Results()
    visitors(results)
    text = b"upload-of-0001.wav"
    for received in (b"." * place + text, text + b"." * place, b"." * place + text[:-1], b"." * place + text[1:]):
        results.errors.clear()
        results.check(0, received)
        assert results.errors.total() == (text in received)
    results.check(0, b"." * place)  # too short for any text


def test_what_is_a_sessions_own_is_no_error() -> None:
    results = Results()
    visitors(results)
    results.check(1, b"...bb-1...bb-2...upload-of-0001.wav...cc-1")
    assert not results.errors


def test_a_fault_on_a_page_is_an_error() -> None:
    results = Results()
    results.check(0, b"<h1>Something went wrong here</h1>")
    assert results.errors == {"a page says: Something went wrong here": 1}


class App:
    """A session that records what its visitor asks for, and shows what `pages` says of each page."""

    def __init__(self, has_slider: bool = True, exceptions: tuple[str, ...] = ()) -> None:
        self.query = {"clip": "aa-1"}
        self.asked: list[Any] = []
        self.received, self.exceptions = [b"aa-1"], list(exceptions)
        self._has_slider = has_slider

    def has_slider(self, label: str) -> bool:
        return self._has_slider and label == "Bits per key, K"

    @contextlib.asynccontextmanager
    async def connected(self) -> Any:
        yield

    async def upload(self, name: str, content: bytes) -> None:
        self.asked.append((name, content))

    async def run(self, page: str, slider: Any = None, *, back: bool = False) -> None:
        self.asked.append((page, slider, back))


def visited(page: str, *, app: App, uploads: bool = False, new: bool = False) -> tuple[Results, list[Any]]:
    """Return the results of one visit of a page without thinking, and what was asked of the app."""
    results = Results()
    does = Behaviour("sample", (page,), 0.0, new=new, uploads=uploads)
    visitor = Visitor(3, "http://127.0.0.1:1", ["aa-1", "aa-2"], results, does)
    visitor._app = app  # type: ignore[assignment]
    finish(visitor._visit_page(page, time.monotonic() + 60))
    return results, app.asked


def sliders(page: str) -> list[Any]:
    """Return five moves of the slider in turn."""
    return [(page, ("Bits per key, K", bits), False) for bits in (7, 8, 9, 10, 6)]


def test_on_listen_a_visitor_opens_the_page_moves_the_slider_and_goes_on_to_another_sound() -> None:
    app = App()
    results, asked = visited("listen", app=app)
    assert asked == [("", None, False), *sliders(""), ("", None, True)]
    assert [run[:2] for run in results.runs] == [
        ("listen", kind) for kind in ("opened", *["slider"] * 5, "another sound")
    ]
    assert all(0 <= run.seconds < 10 for run in results.runs)
    assert app.query["clip"] in {"aa-1", "aa-2"}
    assert app.query["K"] == "6"
    assert "L" not in app.query
    assert not app.received


def test_a_page_without_the_slider_is_only_opened_and_other_pages_show_no_other_sound() -> None:
    assert visited("tune", app=App(has_slider=False))[1] == [("tune", None, False)]
    assert visited("tune", app=App())[1] == [("tune", None, False), *sliders("tune")]


def test_on_ask_a_sound_of_ones_own_is_uploaded_where_there_is_a_model() -> None:
    _, asked = visited("ask", app=App(has_slider=False), uploads=True)
    assert [part[0] for part in asked] == ["ask", "upload-of-0003.wav", "ask"]
    assert asked[1][1] == tone(230.0)
    assert len(visited("ask", app=App(has_slider=False))[1]) == 1
    assert len(visited("listen", app=App(has_slider=False), uploads=True)[1]) == 2


def test_the_processor_time_of_a_visitor_who_is_alone_is_that_from_before_a_run_until_a_tenth_of_a_second_later() -> (
    None
):
    used, shown = [0.0], []

    class Server(App):
        async def run(self, page: str, slider: Any = None, *, back: bool = False) -> None:
            await super().run(page, slider, back=back)
            used[0] += 1.0 if slider else 5.0
            asyncio.get_running_loop().call_later(0.03, lambda: used.__setitem__(0, used[0] + 0.25))

    def processor_s() -> float:
        shown.append(time.monotonic())
        return used[0]

    results = Results()
    does = Behaviour("sample", ("tune",), 0.0, new=False, uploads=False)
    visitor = Visitor(0, "http://127.0.0.1:1", ["aa-1"], results, does, processor_s)
    visitor._app = Server()  # type: ignore[assignment]
    finish(visitor._visit_page("tune", time.monotonic() + 60))
    assert [run.processor_s for run in results.runs] == [5.25, *[1.25] * 5]
    took = [after - before for before, after in zip(shown[::2], shown[1::2], strict=True)]
    assert all(run.seconds + 0.099 < each for run, each in zip(results.runs, took, strict=True))  # it is not counted


def test_new_settings_are_other_ones_each_time_and_of_each_visitor() -> None:
    app = App()
    _, asked = visited("listen", app=app, new=True)
    bits = [slider[1] for _, slider, _ in asked if slider]
    assert bits == [1 + (3 + 5 * move) % MAX_BITS for move in range(1, 6)]
    assert 1 <= int(app.query["L"]) <= MAX_TABLES


def test_errors_of_a_page_are_counted_once() -> None:
    results, _ = visited("tune", app=App(exceptions=("ValueError: no",)))
    assert len(results.runs) == 6
    assert results.errors == {"ValueError: no": 1}


class Chance:
    """Random numbers that are known: the middle, the last one, the largest one."""

    def __init__(self) -> None:
        self.ranges: list[tuple[float, float]] = []

    def uniform(self, low: float, high: float) -> float:
        self.ranges.append((low, high))
        return (low + high) / 2

    def choice(self, values: Any) -> Any:
        return values[-1]

    def randint(self, low: int, high: int) -> int:
        return 100 * low + high


def test_a_visitor_thinks_between_runs_and_leaves_when_the_time_is_over(monkeypatch) -> None:
    now, slept = [100.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(benchmark.asyncio, "sleep", sleep)
    monkeypatch.setattr(benchmark.time, "monotonic", lambda: now[0])
    results, app, chance = Results(), App(), Chance()
    does = Behaviour("s", ("listen", "tune"), 4.0, new=True, uploads=False)
    visitor = Visitor(2, "http://127.0.0.1:1", ["aa-1", "aa-2", "aa-3"], results, does)
    visitor._app, visitor._random = app, chance  # type: ignore[assignment]
    finish(visitor.visit(100.0 + 2 + 7 * 4 + 2 * 4))  # a beginning, a page on which it thinks seven times, and two more
    assert slept == [2.0] + 9 * [4.0]
    assert chance.ranges == [(0, 4.0), *9 * [(0.5, 1.5)]]
    kinds = [("listen", "opened"), *[("listen", "slider")] * 5, ("listen", "another sound")]
    assert [run[:2] for run in results.runs] == [*kinds, ("tune", "opened"), ("tune", "slider")]
    assert app.query == {"clip": "aa-3", "K": str(1 + (2 + 5 * 6) % MAX_BITS), "L": str(100 + MAX_TABLES)}


def test_each_visitor_begins_with_another_page_and_goes_on_to_the_next() -> None:
    does = Behaviour("s", ("map", "data", "tune"), 0.01, new=False, uploads=False)
    visitor, pages = Visitor(1, "http://127.0.0.1:1", ["aa-1"], Results(), does), []
    visitor._app = App()  # type: ignore[assignment]

    async def visit_page(page: str, until: float) -> None:
        pages.append((page, until))
        if len(pages) == 4:
            raise TimeoutError

    visitor._visit_page = visit_page  # type: ignore[method-assign]
    until = time.monotonic() + 3600
    finish(visitor.visit(until))
    assert pages == [(page, until) for page in ("data", "tune", "map", "data")]
    finish(visitor.visit(time.monotonic() - 1))
    assert len(pages) == 4


def test_a_visitor_who_is_refused_is_an_error() -> None:
    results = Results()
    visitor = Visitor(1, "http://127.0.0.1:1", ["aa-1"], results, DOES)
    finish(visitor.visit(time.monotonic() + 5))
    ((error, times),) = results.errors.items()
    assert "refused" in error
    assert times == 1


def test_an_upload_is_a_tone_of_the_visitors_own() -> None:
    with wave.open(io.BytesIO(tone(250.0))) as file:
        rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    spectrum = np.abs(np.fft.rfft(samples))
    assert len(samples) == 2 * rate
    assert np.argmax(spectrum) / 2 == pytest.approx(250, abs=1)
    assert samples.max() == pytest.approx(0.3 * 32_767, abs=2)


@pytest.fixture
def small(tmp_path):
    return write_small(tmp_path / "small", {"train": 40, "validation": 4, "test": 12})


OUT = """\
the machine

1 sessions, 1.5 s of think time: 1.5 runs per second, load 0.5

| page   | run    | number |     p50 |     p95 | longest | processor per run |
| ---    | ---    |    --: |     --: |     --: |     --: |               --: |
| all    | all    |      3 | 0.200 s | 0.290 s | 0.300 s |                 - |
| listen | opened |      2 | 0.200 s | 0.290 s | 0.300 s |           21.0 ms |
| tune   | slider |      1 | 0.200 s | 0.200 s | 0.200 s |                 - |

errors: {errors}
server: 7.0 s of processor time, 2333.3 ms per run; 64 MB of memory, 32 MB of it its own (RssAnon)

3 sessions, 1.5 s of think time: 0.0 runs per second, load 0.5

| page | run | number | p50 | p95 | longest | processor per run |
| ---  | --- |    --: | --: | --: |     --: |               --: |

errors: 0
server: 7.0 s of processor time, 7000.0 ms per run; 64 MB of memory, 32 MB of it its own (RssAnon)

| sessions | think time | runs |     p50 |     p95 | longest | errors | processor per run | own memory |
|      --: |        --: |  --: |     --: |     --: |     --: |    --: |               --: |        --: |
|        1 |      1.5 s |    3 | 0.200 s | 0.290 s | 0.300 s | {total} |         2333.3 ms |      32 MB |

before visitors who leave at once: 64 MB of memory, 32 MB of it its own (RssAnon)
after 1,200 of them: 64 MB of memory, 32 MB of it its own (RssAnon)
"""
SHOWN = "".join(f"\n  error {i} ({20 - i} times)" for i in range(10))


@pytest.mark.parametrize("faulty", [False, True])
def test_the_command_prints_a_table_per_number_of_visitors_and_think_time(small, monkeypatch, capsys, faulty) -> None:
    asked, now, processor, pids = [], [100.0], [50.0], []

    def visits(address, n, clips, does, seconds, pid=None):
        pids.append(pid)
        asked.append((address, n, clips, does.think_s, does.new, does.uploads, does.dataset, seconds))
        results = Results()
        if n == 1:
            results.runs += [Run("listen", "opened", 0.1, 0.020), Run("listen", "opened", 0.3, 0.022)]
            results.runs.append(Run("tune", "slider", 0.2))
            results.errors.update({f"error {i}": 20 - i for i in range(11)} if faulty else {})
        now[0] += 2.0
        processor[0] += 7.0
        return results

    @contextlib.contextmanager
    def served(dataset, workers):
        asked.append((dataset.name, workers))
        yield SimpleNamespace(pid=5), "http://here", 0.0

    async def drop(address, n, does):
        asked.append((address, n, does.dataset))

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=asked.append)
    for name, value in {"_visits": visits, "served": served, "_drop": drop, "time": clock, "load": lambda: 0.5}.items():
        monkeypatch.setattr(benchmark, name, value)
    monkeypatch.setattr(benchmark, "describe", lambda: "the machine")
    monkeypatch.setattr(benchmark, "processor_s", lambda pid: processor[0] if pid == 5 else None)
    monkeypatch.setattr(benchmark, "memory_mb", lambda pid: Memory(64.0, 99.0, 32.0) if pid == 5 else None)
    monkeypatch.delenv("EARSHOT_MODELS", raising=False)
    options = ["--sessions", "1", "3", "--think-ms", "1500", "--seconds", "7", "--warm-up", "2", "--workers", "4"]
    assert call(benchmark.main, [str(small), *options, "--drops", "1200"]) == int(faulty)
    dataset = open_dataset(small)
    clips = [dataset.clip("test", row).clip_id for row in range(12)]
    assert asked == [
        ("small", 4),
        ("http://here", 1, clips, 0.01, False, False, "small", 2),
        ("http://here", 1, clips, 1.5, False, False, "small", 7),
        ("http://here", 3, clips, 1.5, False, False, "small", 7),
        ("http://here", 1200, "small"),
        90.0,
        ("http://here", 1, clips, 0.01, False, False, "small", 1),
    ]
    assert pids == [None, 5, 5, None]
    assert capsys.readouterr().out == OUT.replace("{errors}", f"165{SHOWN}" if faulty else "0").replace(
        "{total}", f"{165 if faulty else 0:>6}"
    )
    asked.clear()
    monkeypatch.setenv("EARSHOT_MODELS", "folder")
    there = ["--warm-up", "0", "--address", "http://there", "--new"]
    assert call(benchmark.main, [str(small), *options[:3], *there, "--drops", "1"]) == int(faulty)
    assert asked == [
        ("http://there", n, clips, seconds, True, True, "small", 60) for n in (1, 3) for seconds in (5.0, 1.5)
    ]
    assert "server" not in capsys.readouterr().out
    asked.clear()
    assert call(benchmark.main, [str(small), *options[:2], *there, "--pid", "5"]) == int(faulty)
    assert len(asked) == 2
    assert capsys.readouterr().out.count("server: 7.0 s") == 2


def test_visitors_visit_at_once_each_with_clips_of_its_own(monkeypatch) -> None:
    made = []

    class Recorded:
        def __init__(self, number, address, clips, results, does, processor_s):
            made.append((number, address, list(clips), does, processor_s and processor_s()))
            self.number, self.results = number, results

        async def visit(self, until):
            self.results.runs.append(Run(f"{until}", "opened", self.number))

    monkeypatch.setattr(benchmark, "Visitor", Recorded)
    monkeypatch.setattr(benchmark.time, "monotonic", lambda: 30.0)
    results = call(benchmark._visits, "http://here", 2, "abcdefghij", DOES, 12.0)
    assert made == [(0, "http://here", list("abcd"), DOES, None), (1, "http://here", list("efgh"), DOES, None)]
    assert [run[:3] for run in results.runs] == [("42.0", "opened", 0), ("42.0", "opened", 1)]
    monkeypatch.setattr(benchmark, "processor_s", lambda pid: 10.0 * pid)
    made.clear()
    call(benchmark._visits, "http://here", 1, "abcde", DOES, 12.0, 7)
    call(benchmark._visits, "http://here", 2, "abcdefghij", DOES, 12.0, 7)
    assert [processor_s for *_, processor_s in made] == [70.0, None, None]  # whose runs are mixed with another one's


def test_visitors_who_leave_at_once_leave_while_the_page_is_drawn_and_are_twenty_at_a_time(monkeypatch) -> None:
    seen, here = [], []

    class Client:
        query = None

        def __init__(self, address):
            self.address = address

        @contextlib.asynccontextmanager
        async def connected(self):
            here.append(self)
            seen.append((self.address, self.query, len(here)))
            yield
            here.remove(self)

        async def run(self, page):
            assert page == ""
            await asyncio.sleep(60)

    monkeypatch.setattr(benchmark, "StreamlitClient", Client)
    began = time.monotonic()
    finish(benchmark._drop("http://here", 45, DOES))
    assert 3 * 0.05 <= time.monotonic() - began < 30
    assert [who[:2] for who in seen] == [("http://here", {"dataset": "sample"})] * 45
    assert max(together for *_, together in seen) == 20
    assert not here


def test_more_visitors_than_there_are_clips_for_are_refused(small, capsys) -> None:
    assert call(benchmark.main, [str(small), "--sessions", "4"]) == 2
    assert "4 visitors need 16, 4 each" in capsys.readouterr().err
