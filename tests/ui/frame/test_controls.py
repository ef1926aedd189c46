"""Controls of the sidebar: L, K and probes begin at the default that the index measured, and follow it."""

import shutil

import pytest

from data_prep.dataset import open_dataset
from lsh.analysis.search_config import SearchConfig
from lsh.storage import index_folder
from tests.ui.apptest import component
from ui.model import loading
from ui.model.state import METRICS, Settings

NAMES = ("L", "K", "probes")


@pytest.fixture
def sounds(home, collection):
    shutil.copytree(collection, home / "sample")
    return home


def defaults(folder, metric, **settings):
    return loading.index_for(open_dataset(folder), Settings(metric=metric, **settings)).default_setting


def sliders(app):
    assert not app.exception
    return tuple(app.slider(key=name).value for name in NAMES)


def linked(app):
    """Return what the URL says of the sliders."""
    return {name: app.query_params[name] for name in NAMES if name in app.query_params}


@pytest.mark.parametrize("metric", METRICS)
def test_sliders_begin_at_the_default_of_the_index_which_is_not_in_the_link(sounds, app, metric):
    app.query_params["metric"] = metric
    app.run()
    assert sliders(app) == defaults(sounds / "sample", metric)
    assert linked(app) == {}


def test_a_link_overrides_the_defaults(sounds, app):
    app.query_params.update({"L": "7", "K": "3"})
    app.run()
    assert sliders(app) == (7, 3, defaults(sounds / "sample", "cosine").n_probes)


def test_sliders_follow_the_default_to_another_distance_and_back_unless_they_were_moved(sounds, app):
    cosine, euclidean = (defaults(sounds / "sample", metric) for metric in METRICS)
    assert cosine[1:] != euclidean[1:]
    app.run()
    app.slider(key="L").set_value(31).run()
    app.segmented_control(key="metric").set_value("euclidean").run()
    assert sliders(app) == (31, *euclidean[1:])
    app.segmented_control(key="metric").set_value("cosine").run()
    assert sliders(app) == (31, *cosine[1:])
    app.slider(key="L").set_value(cosine.n_tables).run()
    app.segmented_control(key="metric").set_value("euclidean").run()
    assert sliders(app) == euclidean
    assert linked(app) == {}


def test_sliders_follow_the_default_to_another_seed(sounds, app):
    app.run()
    app.number_input(key="seed").set_value(3).run()
    assert sliders(app) == defaults(sounds / "sample", "cosine", seed=3)


def test_moved_sliders_stay_where_a_width_has_no_index(sounds, app):
    app.query_params.update({"metric": "euclidean", "L": "9", "w": "1e-6"})
    app.run()
    assert app.slider(key="L").value == 9
    app.number_input(key="w").set_value(None).run()
    assert sliders(app) == (9, *defaults(sounds / "sample", "euclidean")[1:])


def test_a_large_collection_offers_only_what_has_an_index_and_a_link_to_more_opens_that(sounds, app, root, monkeypatch):
    def lists(**parameters):
        page = type(app).from_file(str(root / "app.py"), default_timeout=120)
        page.query_params.update({"clip": clip, "lens": "on", "L": "2", "K": "9", **parameters})
        page.run()
        assert not page.exception
        notes = [caption.value for caption in page.sidebar.caption if "python -m lsh build" in caption.value]
        return component(page, "neighbours")["lists"], [one.key for one in page.number_input], len(notes)

    dataset = open_dataset(sounds / "sample")
    clip = dataset.clip("test", 3).clip_id
    cosine, euclidean = (lists(metric=metric)[0] for metric in ("cosine", "euclidean"))
    assert cosine != euclidean
    assert lists(seed="5")[0] != cosine
    monkeypatch.setattr(loading, "MAX_BUILT_ROWS", 10)
    assert lists(metric="euclidean", seed="5") == (cosine, [], 2)

    config = SearchConfig.tables("euclidean", 0, {"bucket_width": None}, {})
    path = index_folder.path_in(dataset.indexes, config, dataset.sha256("train"))
    index_folder.build(path, config, dataset.features("train"), warn=str)
    assert lists(metric="euclidean", seed="5", w="3") == (euclidean, [], 1)
