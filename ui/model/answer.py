"""Answer to one query: the neighbours found by LSH and by exact search, and in which tables each was a candidate."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip, Dataset
from lsh import LSHIndex, SearchResult, hit_probability, label_precision_at_k
from lsh.arrays import Float32Array
from ui.model.loading import PageContext, index_for, splits_to_start_in, warm_up
from ui.model.state import DEFAULTS, K_NEIGHBOURS, Settings

Rows = npt.NDArray[np.int64]

_FIRST_CHOICE = 64  # clips among which the first clip is chosen
_PLEASANT_LABELS = {"Church bell", "Wind chime", "Singing bowl", "Harp", "Marimba, xylophone", "Bird", "Stream"}
_MIN_RECALL, _MAX_RECALL = 0.75, 0.92  # recall that the first clip's answer should have: most found, something missed


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Rows of the train split, nearest first, and their distances."""

    rows: Rows
    distances: Float32Array


@dataclass(frozen=True, slots=True)
class Match:
    """One neighbour: the tables (from 1) in which it shares a bucket with the query, and probabilities by theory."""

    tables: tuple[int, ...]
    bit_probability: float  # that one hash function agrees
    probability: float  # that they share a bucket in at least one table, with one probe


@dataclass(frozen=True, slots=True)
class Answer:
    """What LSH and exact search found. A query from the train split is left out of its own neighbours."""

    found: Neighbours
    exact: Neighbours
    n_candidates: int
    matches: dict[int, Match]  # by row, for every row in `found` and `exact`

    @property
    def distances(self) -> dict[int, float]:
        """Return the distance of every row in `found` and `exact`."""
        both = (self.exact, self.found)
        return {row: d for part in both for row, d in zip(part.rows.tolist(), part.distances.tolist(), strict=True)}

    @property
    def missed(self) -> list[int]:
        """Return the true neighbours that LSH did not find, nearest first."""
        found = set(self.found.rows.tolist())
        return [row for row in self.exact.rows.tolist() if row not in found]


def answer(context: PageContext, clip: Clip) -> Answer:
    """Search for a clip of any split. Raises LSHError if its feature cannot be a query (zeros under cosine)."""
    own = clip.row if clip.split == "train" else -1
    return answer_to(context, context.dataset.features(clip.split)[clip.row], clip.clip_id, own)


def answer_to(context: PageContext, query: Float32Array, name: str, own: int = -1) -> Answer:
    """Search for a query float32[d] with a unique `name` (cache key); own: its row in the train split, or -1."""
    warm_up(context.index)
    s = context.settings
    k = K_NEIGHBOURS + (own >= 0)
    result = context.index.search(query[None], k, s.n_tables, s.n_bits, s.n_probes)
    found = _without(result, own)
    exact = _exact((context.dataset.fingerprint, s.metric, name), context.index, query, own)
    rows = np.union1d(found.rows, exact.rows)
    candidates = int(result.n_candidates[0]) - (own >= 0)
    return Answer(found, exact, candidates, _matches(context.index, s, query, rows))


def first_clip(dataset: Dataset) -> Clip | None:
    """Return the clip shown first, the same at every setting: its neighbours share its labels, and some are missed."""
    for split in splits_to_start_in(dataset):
        if dataset.n_rows(split):
            return dataset.clip(split, _best_first_row(dataset.fingerprint, split, dataset))
    return None


def _without(result: SearchResult, own: int) -> Neighbours:
    """Return the first query's neighbours without the query itself, at most K_NEIGHBOURS."""
    keep = (result.ids[0] >= 0) & (result.ids[0] != own)
    return Neighbours(result.ids[0][keep][:K_NEIGHBOURS], result.distances[0][keep][:K_NEIGHBOURS])


def _matches(index: LSHIndex, s: Settings, query: Float32Array, rows: Rows) -> dict[int, Match]:
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
def _exact(key: tuple[str, str, str], _index: LSHIndex, _query: Float32Array, _own: int) -> Neighbours:  # noqa: ARG001
    return _without(_index.exact.search(_query[None], K_NEIGHBOURS + (_own >= 0)), _own)


@st.cache_resource(max_entries=16, show_spinner=False)
def _best_first_row(fingerprint: str, split: str, _dataset: Dataset) -> int:  # noqa: ARG001  (the key)
    index = index_for(_dataset, replace(DEFAULTS, metric=_dataset.metric))
    queries = np.asarray(_dataset.features(split))
    usable = _pleasant_rows(_dataset, split)
    usable = usable[np.abs(queries[usable]).max(axis=1) > 0]
    if not len(usable):
        return 0
    truth = index.exact.search(queries[usable], K_NEIGHBOURS)
    agreement = label_precision_at_k(truth.ids, _dataset.labels_of(split, usable), _dataset.label_sets("train"))
    # Recall by theory, not by search: no kernel has been compiled yet.
    ids = [(query, rows[rows >= 0]) for query, rows in zip(queries[usable], truth.ids, strict=True)]
    bit_chances = [index.collision_probabilities(query, rows) for query, rows in ids]
    recall = np.array([hit_probability(p, DEFAULTS.n_tables, DEFAULTS.n_bits).mean() for p in bit_chances])
    suitable = (recall >= _MIN_RECALL) & (recall <= _MAX_RECALL)
    return int(usable[(agreement + suitable).argmax()])


def _pleasant_rows(dataset: Dataset, split: str) -> Rows:
    """Return the first rows with a pleasant label; without such labels, simply the first rows."""
    labels = [index for index, name in enumerate(dataset.label_names) if name in _PLEASANT_LABELS]
    pleasant = [dataset.rows_with_label(split, label) for label in labels]
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *pleasant]))[:_FIRST_CHOICE]
    return rows if len(rows) else np.arange(min(_FIRST_CHOICE, dataset.n_rows(split)))
