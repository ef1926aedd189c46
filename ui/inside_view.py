"""What every step of the Inside page looks at: one query, its answer, and the words in which it is told."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip
from lsh import LSHIndex, inspecting
from lsh.arrays import Float32Array
from lsh.sampling import evenly_spaced_rows
from ui import charts, loading
from ui.answer import Answer, answer
from ui.figures import Mode
from ui.loading import PageContext
from ui.state import Settings

MOST_ROWS = 200_000  # rows whose distance to the query is drawn as a histogram; more are sampled evenly


@dataclass(frozen=True, slots=True)
class View:
    """A query inside an index: `query` float32[d] is the clip's feature, `own` its row in the index, or -1."""

    context: PageContext
    clip: Clip
    query: Float32Array
    found: Answer
    mode: Mode

    @property
    def s(self) -> Settings:
        """Return the settings in force."""
        return self.context.settings

    @property
    def own(self) -> int:
        """Return the query's own row of the index, -1 when it is not in it."""
        return self.clip.row if self.clip.split == "train" else -1

    @property
    def truth(self) -> list[int]:
        """Return the rows of the true neighbours, nearest first."""
        return cast("list[int]", self.found.exact.rows.tolist())

    @property
    def found_truth(self) -> list[bool]:
        """Tell which of the true neighbours LSH found."""
        missed = set(self.found.missed)
        return [row not in missed for row in self.truth]


def look(context: PageContext, clip: Clip) -> View:
    """Search for the clip as Listen does. Raises LSHError when it cannot be searched for."""
    loading.warm_up(context.index)
    query = np.ascontiguousarray(context.dataset.features(clip.split)[clip.row])
    return View(context, clip, query, answer(context, clip), charts.mode())


def choose_table(view: View) -> int:
    """Draw the choice of a table, the same on every step; return it, from 0. At first it is the one that found most."""
    n_tables = view.s.n_tables
    if "table" not in st.session_state:
        st.session_state["table"] = _best_table(view)
    st.session_state["table"] = min(max(int(st.session_state["table"] or 1), 1), n_tables)
    number = st.number_input(f"Table, 1 to {n_tables}", 1, n_tables, key="table", width=180)
    return int(number) - 1


def _best_table(view: View) -> int:
    tables = [table for row in view.truth for table in view.found.met[row].tables]
    return max(set(tables), key=tables.count) if tables else 1


def distances(view: View) -> npt.NDArray[np.float64]:
    """Return the query's angle (degrees) or distance to every clip, as hashes see it; many clips are sampled."""
    key = (view.context.dataset.fingerprint, view.s.metric, view.clip.clip_id)
    return _distances(key, view.context.index, view.query)


@st.cache_resource(max_entries=32, show_spinner=False)
def _distances(key: tuple[str, ...], _index: LSHIndex, _query: Float32Array) -> npt.NDArray[np.float64]:  # noqa: ARG001
    return inspecting.apart(_index, _query, evenly_spaced_rows(_index.n, MOST_ROWS))
