"""A query and its answer: the clip, its feature, the neighbours found, and the distances of all clips.

Used by Inside, Learn and Map.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip
from lsh import LSHIndex
from lsh.analysis import inspecting
from lsh.arrays import BoolArray, Float32Array
from lsh.sampling import evenly_spaced_rows
from ui.figures.palette import Mode
from ui.model import loading, theme
from ui.model.answer import Answer, answer
from ui.model.loading import PageContext
from ui.model.state import Metric, Settings

MAX_ROWS = 200_000  # clips whose distance to the query is measured; of more, as many evenly spaced ones


@dataclass(frozen=True, slots=True)
class QueryView:
    """A query in an index: `query` float32[d] is the clip's feature, `answer` what was found at the settings in force.

    mode: the theme in which charts are drawn.
    """

    context: PageContext
    clip: Clip
    query: Float32Array
    answer: Answer
    mode: Mode

    @property
    def settings(self) -> Settings:
        """Return the settings in force."""
        return self.context.settings

    @property
    def index(self) -> LSHIndex:
        """Return the index that is searched."""
        return self.context.index

    @property
    def own_row(self) -> int:
        """Return the query's own row of the index, -1 when it is not in it."""
        return self.clip.row if self.clip.split == "train" else -1

    @property
    def true_rows(self) -> list[int]:
        """Return the rows of the true neighbours, nearest first."""
        rows: list[int] = self.answer.exact.rows.tolist()
        return rows

    @property
    def found(self) -> list[bool]:
        """Return, for each true neighbour, whether LSH found it."""
        missed = set(self.answer.missed)
        return [row not in missed for row in self.true_rows]


def look_up(context: PageContext, clip: Clip) -> QueryView:
    """Search for a clip at the settings in force. Raises LSHError when it cannot be searched for."""
    query = np.ascontiguousarray(context.dataset.features(clip.split)[clip.row])
    return QueryView(context, clip, query, answer(context, clip), theme.mode())


def under(view: QueryView, metric: Metric) -> QueryView:
    """Return the same query under a distance, at its default bucket width. Raises LSHError as `look_up` does."""
    if metric == view.settings.metric:
        return view
    settings = replace(view.settings, metric=metric, bucket_width=None)
    dataset = view.context.dataset
    return look_up(PageContext(settings, dataset, loading.index_for(dataset, settings)), view.clip)


def candidates(view: QueryView) -> BoolArray:
    """Return which rows the search compared with the query, without the query's own: bool[n]."""
    s = view.settings
    return inspecting.candidates(view.index, view.query, s.n_tables, s.n_bits, s.n_probes, view.own_row)


def distances(view: QueryView) -> npt.NDArray[np.float64]:
    """Return the query's distances to all clips, or to `MAX_ROWS` of them, as the family sees them: degrees or L2."""
    return _distances((*view.context.index_key, view.clip.clip_id), view.index, view.query)


@st.cache_resource(max_entries=8, show_spinner=False)
def _distances(key: tuple[object, ...], _index: LSHIndex, _query: Float32Array) -> npt.NDArray[np.float64]:  # noqa: ARG001
    return inspecting.family_distance(_index, _query, evenly_spaced_rows(_index.n, MAX_ROWS))
