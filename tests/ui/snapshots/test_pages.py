"""Everything that the pages show of a small collection, compared with committed files."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from data_prep.audioset import fetch
from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from data_prep.sample.synth import KINDS
from data_prep.sounds.query import SoundQuery
from lsh.analysis import evaluation, machine, racing
from lsh.analysis.comparing import BUDGETS, Compared, Comparison, Mean
from tests.clips import plain_clips, splits_of
from tests.ui.apptest import QUIET, alone, choose
from tests.ui.races import run as raced
from tests.ui.snapshots import recorded
from tests.ui.snapshots.golden_files import compare, difference
from ui import paths
from ui.model import lens, race_runs, stopwatch, theme
from ui.pages import ask
from ui.pages.inside import page as inside_page
from ui.pages.learn import page as learn_page
from ui.pages.tune import families
from ui.pages.tune.time_grid import TimeGrid, Times

COSINE = {"metric": "cosine", "L": "3", "K": "8", "probes": "2", "seed": "3"}
EUCLIDEAN = {"metric": "euclidean", "L": "7", "K": "9", "probes": "1", "seed": "5"}
# One table and a query of the collection itself, after another.
ONE_TABLE = {"L": "1", "K": "5", "probes": "1", "clip": "clink-00108", "trail": "clink-00201"}
SETTINGS = {"cosine": COSINE, "euclidean": EUCLIDEAN}
BOTH = pytest.mark.parametrize("metric", SETTINGS)
ROWS = {"train": 400, "validation": 40, "test": 30}
SIZES = {1000: 200, 10_000: 400}  # of a race, by those of the fixed laps
STRIP = ("metrics-strip", "tutorial-code")  # the same on every page, and code that tests/ui/widgets runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a collection of five kinds that overlap; some clips have two labels, and one is unused."""
    rng = np.random.default_rng(8)
    total, kinds = sum(ROWS.values()), list(KINDS)[:5]
    kind = rng.integers(0, len(kinds), total)
    labels = [
        [int(k), *([int(k + 1 + i) % 5] if i % 4 == 1 and (k + 1 + i) % 5 != k else [])] for i, k in enumerate(kind)
    ]
    features = 0.9 * rng.standard_normal((total, 16)) + rng.standard_normal((len(kinds), 16))[kind] + 0.3
    clips = plain_clips(
        splits_of(ROWS),
        labels,
        features.astype(np.float32),
        clip_id=[f"{kinds[k]}-{i:05d}" for i, k in enumerate(kind)],
        media=[json.dumps({"kinds": [kinds[k]], "seed": i}) for i, k in enumerate(kind)],
        end_s=np.full(total, 2.5),
    )
    made = tmp_path_factory.mktemp("shown")
    about = About("Five kinds", "a test", "none", "synth", features={"aggregation": "mean", "embedder": "drawn"})
    write_dataset(
        made / "sample", about, [*(Label(f"/m/{name}", name) for name in kinds), Label("/m/no", "no")], [clips]
    )
    return made


@pytest.fixture(autouse=True)
def files(monkeypatch):
    """Return the files that a page offers, by name; archives among them are left out."""
    offered, button = {}, st.download_button

    def download_button(label, data, file_name, *arguments, **options):
        if not file_name.endswith(".zip"):
            offered[file_name] = data() if callable(data) else data
        return button(label, data, file_name, *arguments, **options)

    monkeypatch.setattr(st, "download_button", download_button)
    return offered


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(folder, monkeypatch):
    """Let every time, and the name of the machine, be the same everywhere."""
    monkeypatch.setattr(paths, "DATA", folder)
    monkeypatch.delenv("EARSHOT_DATA", raising=False)
    monkeypatch.setattr(evaluation, "search_times", lambda *_: QUIET)
    monkeypatch.setattr(stopwatch.Stopwatch, "times", lambda *_: QUIET)
    monkeypatch.setattr(stopwatch.Stopwatch, "known", lambda *_: None)
    monkeypatch.setattr(machine, "summary", lambda: "Abacus 3000, 2 processors")
    monkeypatch.setattr(TimeGrid, "run", _time_grid)


def _time_grid(grid, _progress):
    """Return times that grow with L and fall with K, of rounds that differ by 5 %."""
    ms = 0.02 + 0.1 * grid._n_tables[:, None] / grid._n_bits
    return Times(grid._n_tables, grid._n_bits, ms, np.full(ms.shape, 0.05), 0.8, 30, 5)


def _comparison(_view, family):
    """Return a comparison of a hash family that was never made; learned hashes cannot meet the smallest budget."""
    better = 0.01 * len(family) if family in {"itq", "grh", "kmeans"} else 0.0
    rows = [
        Compared(
            *(family, budget, {}, Mean(0.4 + budget + better, 0.002), Mean(0.5 + better, 0.004), Mean(better, 0.001)),
            candidate_fraction=Mean(budget, 0.0),
        )
        for budget in BUDGETS[int(family == "grh") :]
    ]
    return Comparison(tuple(rows), Mean(0.61, 0.01), 10, 40)


def text_of(app, **options):
    return recorded.page(app, **options).replace(str(paths.DATA), "data")


def drawn(monkeypatch, metric, page, **link):
    """Return a page of the collection that has run; Euclidean ones are drawn in the dark."""
    monkeypatch.setattr(theme, "mode", lambda: "dark" if metric == "euclidean" else "light")
    return alone(page, **SETTINGS[metric] | link).run()


def text_without(data, word):
    """Return a file without a word that identifies data."""
    return (data.decode("utf-8-sig") if isinstance(data, bytes) else data).replace(word, "")


def compare_files(name, files):
    if files:
        compare(f"{name}-files", "".join(recorded.file(*one) for one in files.items()).replace(str(paths.DATA), "data"))


def file_of(page, chapter, metric):
    return f"{page}-{chapter.lower().replace(' ', '-')}-{metric}"


@BOTH
@pytest.mark.parametrize("page", ["listen", "map"])
def test_a_page_shows_what_is_committed(page, metric, files, monkeypatch):
    more = {"label": "clink", "candidates": "true"} if (page, metric) == ("map", "euclidean") else {}
    app = drawn(monkeypatch, metric, page, **more)
    compare(f"{page}-{metric}", text_of(app, frame=page == "listen"))
    compare_files(f"{page}-{metric}", files)


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("listen", {"view": "missed"}),
        ("map", {"label": "clink"}),
        *(("inside", {"step": step}) for step in ("Key", "Buckets", "Probes", "Sketches", "Missed", "Bucket sizes")),
        *(("learn", {"chapter": chapter}) for chapter in ("Missed", "One bit")),
    ],
    ids=str,
)
def test_a_query_of_the_collection_in_one_table_shows_what_is_committed(page, link, monkeypatch):
    app = drawn(monkeypatch, "cosine", page, **ONE_TABLE, **link)
    compare(
        file_of(page, next(iter(link.values())), "one-table"),
        text_of(app, without=(*STRIP, "inside-sound", "search-box")),
    )


@pytest.mark.parametrize(
    ("text", "choice"), [("bell", "label~bell"), ("church-bell", "id~church-bell-002"), ("whale", "first~whale")]
)
def test_a_search_by_name_shows_what_is_committed(text, choice, monkeypatch):
    app = drawn(monkeypatch, "cosine", "inside", step="Planes")
    before = text_of(app, without=STRIP)
    choose(app, choice)
    compare(f"search-{text}", difference(before, text_of(app, without=STRIP)))


def test_listen_where_exact_search_is_as_fast_shows_what_is_committed(monkeypatch):
    monkeypatch.setattr(lens, "SMALL", 5000)
    compare("listen-exact", text_of(alone("listen", metric="cosine", seed="3").run()))


def test_a_clip_pressed_on_the_map_shows_what_is_committed(monkeypatch):
    app = drawn(monkeypatch, "cosine", "map")
    app.session_state["map picked"] = "clink-00108"
    before = text_of(app, without=STRIP)
    compare("map-picked", difference(before, text_of(app.run(), without=STRIP)))


@BOTH
def test_tune_shows_what_is_committed_with_everything_measured(metric, files, monkeypatch):
    monkeypatch.setattr(families, "_compare", _comparison)
    app = drawn(monkeypatch, metric, "tune", recall="60")
    for key in ("promise", "probing", "luck", "families"):
        app.button(key=f"{key} button").click().run()
    compare(f"tune-{metric}", text_of(app, without=STRIP))
    compare_files(f"tune-{metric}", files)


def test_race_shows_what_is_committed_of_fixed_races(folder, files, monkeypatch):
    monkeypatch.setattr(racing, "MIN_SIZE", 100)
    features = race_runs.features_of(open_dataset(folder / "sample"))
    runs = tuple(
        replace(run, features=features, sizes=(200, 400), laps=tuple(replace(one, n=SIZES[one.n]) for one in run.laps))
        for run in (raced(), raced(lsh=(0.03, 0.07), recall=0.8, setting=racing.Setting(3, 8, 2, 10)))
    )
    monkeypatch.setattr(race_runs, "shipped", lambda: runs)
    app = drawn(monkeypatch, "cosine", "race")
    alone = text_of(app, without=STRIP)
    compare("race", alone)
    compare_files("race", {name: text_without(data, features) for name, data in files.items()})
    app.button(key="pin shipped 0").click().run()
    compare("race-pinned", difference(alone, text_of(app, without=STRIP)))
    compare("race-none", text_of(drawn(monkeypatch, "euclidean", "race"), without=STRIP))


@pytest.mark.parametrize("where", ["hosted", "local"])
def test_data_shows_what_is_committed(where, monkeypatch):
    monkeypatch.setenv("EARSHOT_LOCAL", str(int(where == "local")))
    monkeypatch.setattr(fetch, "free_bytes", lambda _: 4_000_000_000)
    compare(f"data-{where}", text_of(drawn(monkeypatch, "cosine", "data")))


def test_ask_shows_what_is_committed_for_a_sound(monkeypatch):
    rng = np.random.default_rng(1)
    asked = SoundQuery(rng.standard_normal(16).astype(np.float32), (("clink", 0.62), ("Bell", 0.2), ("Hum", 0.01)), 1.5)
    embedder = SimpleNamespace(can_embed=True, method="labels", embed=lambda *_: asked)
    monkeypatch.setattr(ask, "_embedder", lambda *_: embedder)
    monkeypatch.setattr(ask, "shared_pool", lambda: SimpleNamespace(for_browser=lambda *_: ("audio/wav", None)))
    app = drawn(monkeypatch, "cosine", "ask")
    compare("ask-nothing", text_of(app))
    compare("ask-sound", text_of(app.file_uploader[0].upload("mine.wav", b"RIFF", "audio/wav").run()))


@BOTH
@pytest.mark.parametrize("step", [step.name for step in inside_page.STEPS])
def test_a_step_of_inside_shows_what_is_committed(step, metric, monkeypatch):
    app = drawn(monkeypatch, metric, "inside", step=step)
    compare(
        file_of("inside", step, metric),
        text_of(app, without=STRIP[1:] if step == "Planes" else (*STRIP, "inside-sound")),
    )


@pytest.mark.parametrize("chapter", [chapter.name for chapter in learn_page.CHAPTERS])
def test_a_chapter_of_learn_shows_what_is_committed(chapter, monkeypatch):
    cosine, euclidean = (
        text_of(drawn(monkeypatch, metric, "learn", chapter=chapter), without=STRIP) for metric in SETTINGS
    )
    compare(file_of("learn", chapter, "cosine"), cosine)
    compare(file_of("learn", chapter, "euclidean"), difference(cosine, euclidean))
