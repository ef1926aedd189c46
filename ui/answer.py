"""The answer to one query: what LSH found, what is true, and why each neighbour was met or missed."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip, Dataset
from lsh import LSHIndex, SearchResult, hit_probability, label_precision_at_k
from ui.loading import PageContext, index_for, splits_to_start_in, warm_up
from ui.state import DEFAULTS, K_NEIGHBOURS, Settings

Rows = npt.NDArray[np.int64]
Distances = npt.NDArray[np.float32]

_FIRST_CHOICE = 64  # clips among which the first one is chosen
_KIND_TO_THE_EAR = {"Church bell", "Wind chime", "Singing bowl", "Harp", "Marimba, xylophone", "Bird", "Stream"}
_MOSTLY, _NOT_ALL = 0.75, 0.92  # the recall that a first answer should have: there is much to hear, and a miss


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Rows of the train split, nearest first, and their distances."""

    rows: Rows
    distances: Distances


@dataclass(frozen=True, slots=True)
class Match:
    """How the query met one neighbour: in which tables (from 1), and the chance of it by theory."""

    tables: tuple[int, ...]
    bit_probability: float  # one hash function puts both into one bucket
    probability: float  # they meet in at least one table, looking into one bucket of each


@dataclass(frozen=True, slots=True)
class Answer:
    """What LSH found beside the truth. A query from the train split is no neighbour of its own in either."""

    found: Neighbours
    exact: Neighbours
    n_candidates: int
    matches: dict[int, Match]  # by row, for every row in `found` and `exact`

    @property
    def missed(self) -> list[int]:
        """Return the true neighbours that LSH did not find, nearest first."""
        found = set(self.found.rows.tolist())
        return [row for row in self.exact.rows.tolist() if row not in found]


def answer(context: PageContext, clip: Clip) -> Answer:
    """Search for a clip of any split. Raises LSHError when its features cannot be searched for (zeros under cosine)."""
    own = clip.row if clip.split == "train" else -1
    return answer_to(context, context.dataset.features(clip.split)[clip.row], clip.clip_id, own)


def answer_to(context: PageContext, query: npt.NDArray[np.float32], name: str, own: int = -1) -> Answer:
    """Search for a query, float32[dim], which `name` tells from all others; `own`: its row where it is in train."""
    warm_up(context.index)
    s = context.settings
    k = K_NEIGHBOURS + (own >= 0)
    result = context.index.search(query[None], k, s.n_tables, s.n_bits, s.n_probes)
    found = _without(result, own)
    exact = _exact(context.dataset.fingerprint, s.metric, name, context.index, query, own)
    rows = np.union1d(found.rows, exact.rows)
    candidates = int(result.n_candidates[0]) - (own >= 0)
    return Answer(found, exact, candidates, _matches(context.index, s, query, rows))


def first_clip(dataset: Dataset) -> Clip | None:
    """Choose the clip that a newcomer hears first, whatever the setting: it has neighbours of its kind, some missed."""
    for split in splits_to_start_in(dataset):
        if dataset.n_rows(split):
            return dataset.clip(split, _most_telling(dataset.fingerprint, split, dataset))
    return None


def _without(result: SearchResult, own: int) -> Neighbours:
    """Return the first query's neighbours without the query itself, at most K_NEIGHBOURS."""
    keep = (result.ids[0] >= 0) & (result.ids[0] != own)
    return Neighbours(result.ids[0][keep][:K_NEIGHBOURS], result.distances[0][keep][:K_NEIGHBOURS])


def _matches(index: LSHIndex, s: Settings, query: npt.NDArray[np.float32], rows: Rows) -> dict[int, Match]:
    if not len(rows):
        return {}
    tables = index.matches(query, rows, s.n_tables, s.n_bits, s.n_probes)
    bit_chances = index.collision_probabilities(query, rows)
    chances = hit_probability(bit_chances, s.n_tables, s.n_bits)
    return {
        int(row): Match(tuple((np.flatnonzero(met) + 1).tolist()), float(bit), float(chance))
        for row, met, bit, chance in zip(rows, tables, bit_chances, chances, strict=True)
    }


@st.cache_resource(max_entries=512, show_spinner=False)
def _exact(
    fingerprint: str,  # noqa: ARG001  (with metric and name, the key)
    metric: str,  # noqa: ARG001
    name: str,  # noqa: ARG001
    _index: LSHIndex,
    _query: npt.NDArray[np.float32],
    _own: int,
) -> Neighbours:
    return _without(_index.exact.search(_query[None], K_NEIGHBOURS + (_own >= 0)), _own)


@st.cache_resource(max_entries=16, show_spinner=False)
def _most_telling(fingerprint: str, split: str, _dataset: Dataset) -> int:  # noqa: ARG001  (the key)
    index = index_for(_dataset, replace(DEFAULTS, metric=_dataset.metric))
    queries = np.asarray(_dataset.features(split))
    usable = _pleasant_rows(_dataset, split)
    usable = usable[np.abs(queries[usable]).max(axis=1) > 0]
    if not len(usable):
        return 0
    truth = index.exact.search(queries[usable], K_NEIGHBOURS)
    agreement = label_precision_at_k(truth.ids, _dataset.labels_of(split, usable), _dataset.label_sets("train"))
    # By theory most is found and something missed, which is the most to listen to; no search has been compiled yet.
    ids = [(query, rows[rows >= 0]) for query, rows in zip(queries[usable], truth.ids, strict=True)]
    bit_chances = [index.collision_probabilities(query, rows) for query, rows in ids]
    recall = np.array([hit_probability(p, DEFAULTS.n_tables, DEFAULTS.n_bits).mean() for p in bit_chances])
    telling = (recall >= _MOSTLY) & (recall <= _NOT_ALL)
    return int(usable[(agreement + telling).argmax()])


def _pleasant_rows(dataset: Dataset, split: str) -> Rows:
    """Return the first rows that nobody minds hearing first; where no label tells, simply the first rows."""
    labels = [index for index, name in enumerate(dataset.label_names) if name in _KIND_TO_THE_EAR]
    pleasant = [dataset.rows_with_label(split, label) for label in labels]
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *pleasant]))[:_FIRST_CHOICE]
    return rows if len(rows) else np.arange(min(_FIRST_CHOICE, dataset.n_rows(split)))
