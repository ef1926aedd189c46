"""Pages and commands show what is recomputed from raw data: 30 random settings on the sample, 200 on real AudioSet."""

import ast
import contextlib
import io
import itertools
import json
import wave
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.__main__ import main as prepare
from lsh.__main__ import main as lsh_command
from lsh.analysis import evaluation
from lsh.analysis.timing import SearchTimes
from tests.stress import stress
from tests.ui.apptest import opened
from tests.ui.recomputed import pages_checked, raw_collections, sounds_by_hand
from tests.ui.recomputed.lsh_by_hand import NEAR, nearest
from tests.ui.recomputed.setting import Means, Setting
from tests.ui.recomputed.shown import Tally, component
from ui.model.stopwatch import Stopwatch
from ui.pages.tune import timing

HERE = Path(__file__).parent
SEED = 14  # of all settings that are drawn
CHAPTER = {"inside": "step", "learn": "chapter"}
LISTEN, *OTHERS = pages_checked.SCENES
ORDER = [LISTEN, *OTHERS[:4], LISTEN, *OTHERS[4:8], LISTEN, ("inside", "Missed"), *OTHERS[8:]]
# Blocks of settings: a number, from which the seed of an index follows, its metric, the first scene, and how many.
FEW = [(0, "cosine", 0, 15), (2, "euclidean", 0, 15)]
MANY = [(block, ("cosine", "euclidean")[block % 2], 10 * block, 10) for block in range(100, 120)]
OWN_PACKAGES = {"lsh", "data_prep", "ui", "earshot_common", "benchmarks", "tensorflow", "numba"}


@pytest.fixture(scope="module")
def tally():
    """Count the figures that are compared, and print how many there were."""
    tally = Tally()
    yield tally
    print(f"\n{tally}")


@pytest.fixture(autouse=True)
def _no_times(monkeypatch):
    """Measure no times, which cannot be recomputed."""
    times = SearchTimes(1.0, 1.0, 0.0, 1, "", 1, "")
    monkeypatch.setattr(evaluation, "search_times", lambda *_, **__: times)
    monkeypatch.setattr(Stopwatch, "times", lambda *_: None)
    monkeypatch.setattr(Stopwatch, "has_failed", lambda *_: True)
    monkeypatch.setattr(timing, "show", lambda *_: None)


@lru_cache(1)
def sample(root):
    return raw_collections.prepared(root / "data" / "sample")


@lru_cache(1)
def audioset(folder):
    return raw_collections.audioset(folder / "audioset" / "features.tar.gz")


def compare_pages(collection, dataset, block, tally):
    """Draw settings of one index, open a page or chapter with each, and compare what it shows."""
    number, metric, first, n_settings = block
    seed = int(np.random.default_rng([SEED, number]).integers(10_000))
    means = Means(collection, metric, seed)
    tally.projections(means.hand)
    rng = np.random.default_rng([SEED, number, 1])
    for page, chapter in itertools.islice(itertools.cycle(ORDER), first, first + n_settings):
        link = {"dataset": dataset, "metric": metric, "seed": str(seed)}
        it = Setting.draw(means, link | ({CHAPTER[page]: chapter} if chapter else {}), rng)
        try:
            compare_page(page, chapter, it, tally)
        except Exception as error:
            error.add_note(f"to repeat it, open {page}{it}")
            raise
    return means, seed


def compare_page(page, chapter, it, tally):
    app = opened(page, **it.link)
    assert not app.exception, app.exception
    pages_checked.SCENES[page, chapter](app, it, tally)
    pages_checked.strip(app, it, tally)
    if page == "inside":
        card = component(app, "clip_list", "Your sound")["cards"][it.link["clip"]]
        pages_checked.summary(it, tally, card["outcome"])


def command(*words):
    """Return what a command prints as JSON."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert lsh_command([str(word) for word in (*words, "--json")]) == 0
    return json.loads(printed.getvalue())


def compare_commands(folder, means, seed, block, tally):
    """Compare `python -m lsh evaluate` and `search` at a random setting."""
    it = Setting.draw(means, {}, np.random.default_rng([SEED, block[0], 2]))
    setting = (
        "--metric",
        block[1],
        "--seed",
        seed,
        "--tables",
        it.n_tables,
        "--bits",
        it.n_bits,
        "--probes",
        it.n_probes,
    )
    shown = command("evaluate", folder, *setting, "--split", "validation", "--queries", len(means.rows))
    asked = it.n_tables, it.n_bits, it.n_probes
    recall, looked = means.averages(*asked)
    tally.counts(shown["recall"], *recall)
    tally.counts(shown["candidates"], *looked)
    tally.counts(shown["label_precision"], *means.precisions(*asked))
    tally.close(shown["exact_label_precision"], means.exact_precision, 1e-9)
    tally.same(shown["index_bytes"], means.hand.nbytes(it.n_tables))
    spread = [side[:, -1].std() / 10 / np.sqrt(len(means.rows)) for side in means.counts(*asked).hits]
    if recall[0] == recall[1]:
        tally.close(shown["recall_error"], spread[0], 1e-9)

    shown = command("search", folder, *setting, "--clip", it.link["clip"])
    rows = [means.rows_of[one["clip_id"]] for one in shown["neighbours"]]
    certain, possible = it.together()
    among = certain | (possible & np.isin(np.arange(means.hand.n), rows))
    assert it.ranked(rows, nearest(it.distances, np.flatnonzero(among)))
    tally.close([one["distance"] for one in shown["neighbours"]], it.distances[rows], NEAR)
    itself = int(it.own >= 0)
    tally.counts(shown["candidates"], *((n + itself) / means.hand.n for n in it.n_looked_at()))


@pytest.mark.parametrize("block", FEW, ids=lambda block: f"{block[0]}-{block[1]}")
def test_the_sample_shows_what_is_recomputed_from_its_features(root, block, tally):
    index = compare_pages(sample(root), "sample", block, tally)
    compare_commands(root / "data" / "sample", *index, block, tally)


@stress
@pytest.mark.parametrize("block", MANY, ids=lambda block: f"{block[0]}-{block[1]}")
def test_audioset_shows_what_is_recomputed_from_its_records(real_data, real_dataset, block, monkeypatch, tally):
    monkeypatch.setenv("EARSHOT_DATA", str(real_dataset.parent))
    index = compare_pages(audioset(real_data), real_dataset.name, block, tally)
    compare_commands(real_dataset, *index, block, tally)


@stress
def test_features_labels_and_order_of_audioset_are_those_of_its_records(real_data, real_dataset):
    raw, made = audioset(real_data), raw_collections.prepared(real_dataset)
    assert raw.clip_ids == made.clip_ids
    assert raw.labels == made.labels
    for split in raw_collections.SPLITS:
        np.testing.assert_allclose(raw.features[split], made.features[split], rtol=1e-6, atol=1e-9)


@stress
def test_a_folder_of_sounds_shows_what_is_recomputed_from_its_wav_files(
    real_data, yamnet_here, tmp_path, monkeypatch, tally
):
    sounds, made = tmp_path / "sounds", tmp_path / "data" / "sounds"
    for kind in sorted((real_data / "sounds" / "esc10").iterdir()):
        for path in sorted(kind.glob("*.ogg"))[:8]:
            write_wav(path, sounds / kind.name / f"{path.stem}.wav")
    with contextlib.redirect_stdout(io.StringIO()):
        assert prepare(["folder", str(sounds), "--out", str(made)]) == 0
    by_hand = sounds_by_hand.features(sounds, made, yamnet_here / "yamnet_classification.tflite")
    collection = raw_collections.prepared(made)
    for split in raw_collections.SPLITS:
        np.testing.assert_allclose(collection.features[split], by_hand[split], rtol=0, atol=1e-5)
    monkeypatch.setenv("EARSHOT_DATA", str(made.parent))
    for block in ((200, "cosine", 0, len(ORDER)), (201, "euclidean", 0, len(ORDER))):
        compare_pages(collection._replace(features=by_hand), made.name, block, tally)


def write_wav(source, target):
    """Write the first two seconds of a sound as 16 kHz, one channel of 16 bits; nothing if they are silent."""
    samples, rate = soundfile.read(source, dtype="float64", always_2d=True)
    at = np.arange(2 * 16_000) * rate / 16_000
    values = np.interp(at, np.arange(len(samples)), samples.mean(axis=1))
    if np.abs(values).max() < 0.01:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((values.clip(-1, 1) * 32_767).astype("<i2").tobytes())


@pytest.mark.parametrize(
    "name", ["lsh_by_hand", "sounds_by_hand", "raw_collections", "setting", "shown", "pages_checked"]
)
def test_the_recomputation_imports_nothing_of_the_project(name):
    tree = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {one.split(".")[0] for one in imported} & OWN_PACKAGES
