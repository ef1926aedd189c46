"""One page of the app alone, opened with a link; and a small collection to open it with."""

import json

import numpy as np
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from app import PAGES
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from lsh.analysis.timing import SearchTimes
from tests.clips import plain_clips, splits_of
from tools.page_profile import draw_page

MODULES = {path: module for _, path, _, module in PAGES}
QUIET = SearchTimes(0.2, 0.8, 0.01, 30, "validation", 5, "Abacus 3000")  # of a setting, with little spread


def alone(name, **link):
    """Return the page of this name with the values of a link, not yet run."""
    app = AppTest.from_function(draw_page, default_timeout=120, args=(MODULES[name],))
    for key, value in link.items():
        app.query_params[key] = value
    return app


def opened(name, **link):
    """Return the page of this name, run once with the values of a link."""
    return alone(name, **link).run()


def component(app, name):
    """Return the data that a component of the page was given."""
    protos = [element.proto for element in app.get("bidi_component")]
    return next(json.loads(proto.json)[0] for proto in protos if proto.component_name == f"earshot.{name}")


def choose(app, choice):
    """Run a page after something was chosen in its search box (see `ui.model.clip_search`)."""
    app.query_params["find"] = choice  # of a page alone; the app has it from the session
    if "carried" in app.session_state:
        app.session_state["carried"] = {**app.session_state["carried"], "find": choice}
    return app.run()


def interrupted_once(function):
    """Return the function, at whose first call a message of the browser interrupts the run of the page."""
    calls = []

    def interrupted(*given, **options):
        calls.append(given)
        if len(calls) == 1:
            raise RerunException(RerunData())
        return function(*given, **options)

    return interrupted


def words(app):
    """Return all that a page says, titles included, on one line."""
    return " ".join(element.value for kind in (app.markdown, app.title, app.caption, app.info) for element in kind)


def said(app):
    """Return all that a page says in sentences."""
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.info))


def write_small(out, rows, features=None, media="synth"):
    """Write a dataset whose clips lie around 30 centres, so that there are neighbours to find and to miss.

    media: its kind; of `youtube`, the videos are `video-00000`, `video-00001`, ...
    """
    rng = np.random.default_rng(5)
    total = sum(rows.values())
    centres = rng.standard_normal((30, 12))
    made = (centres[rng.integers(0, 30, total)] + 0.4 * rng.standard_normal((total, 12))).astype(np.float32)
    more = {"media": [f"video-{i:05}" for i in range(total)]} if media == "youtube" else {}
    labels = [[i % 2] for i in range(total)]
    clips = plain_clips(splits_of(rows), labels, made if features is None else features, **more)
    about = About(title="Small", source="made here", licence="none", media=media, metric="cosine")
    write_dataset(out, about, [Label("/m/a", "A <b>&"), Label("/m/b", "B")], [clips])
    return out
