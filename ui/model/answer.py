"""Answer to one query: the neighbours found by LSH and by exact search, and in which tables each was a candidate."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import streamlit as st

from data_prep.dataset import Clip, Dataset
from lsh import LSHIndex, SearchResult, hit_probability
from lsh.analysis.numpy_search import NumPySearch
from lsh.arrays import Float32Array
from lsh.exact import ExactSearch
from lsh.families.hyperplane import Hyperplanes
from lsh.sampling import evenly_spaced_rows, first_rows
from ui.filters import masks
from ui.model import exclusive
from ui.model.loading import DatasetContext, PageContext, numpy_search_for, splits_to_start_in
from ui.model.state import DEFAULTS, K_NEIGHBOURS, Settings

Rows = npt.NDArray[np.int64]

_FIRST_CHOICE = 64  # clips among which the first clip is chosen
_SEARCHED = 20_000  # rows at most among which the neighbours of these are sought
_CENTRE_ROWS = 4096  # rows whose mean is taken for the centre of the collection
_PLEASANT_LABELS = {"Church bell", "Wind chime", "Singing bowl", "Harp", "Marimba, xylophone", "Bird", "Stream"}
_MIN_RECALL, _MAX_RECALL = 0.75, 0.92  # recall that the first clip's answer should have: most found, something missed


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Rows of the train split, nearest first, and their distances; passed_over: nearer ones that the visitor hides."""

    rows: Rows
    distances: Float32Array
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """One neighbour: the tables (from 1) in which it shares a bucket with the query, and probabilities by theory."""

    tables: tuple[int, ...]
    bit_probability: float  # that one hash function agrees
    probability: float  # that they share a bucket in at least one table, with one probe


@dataclass(frozen=True, slots=True)
class Answer:
    """What LSH and exact search found among the rows that the filter allows, `k` at most of each.

    A query from the train split is left out of its own neighbours, as are clips that the visitor hides.
    """

    found: Neighbours
    exact: Neighbours
    n_candidates: int
    matches: dict[int, Match]  # by row, for every row in `found` and `exact`
    k: int = K_NEIGHBOURS

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
    return answer_to(context, *query_of(context, clip))


def answer_to(context: PageContext, query: Float32Array, name: str, own: int = -1) -> Answer:
    """Search for a query float32[d] with a unique `name` (cache key); own: its row in the train split, or -1."""
    s = context.settings
    setting = s.n_tables, s.n_bits, s.n_probes, _shown_key(context)
    return _answered(key=f"{context.index_key} {setting} {name}", _context=context, _query=query, _name=name, _own=own)


@st.cache_resource(max_entries=512, show_spinner=False)
def _answered(key: str, _context: PageContext, _query: Float32Array, _name: str, _own: int) -> Answer:  # noqa: ARG001
    s, index = _context.settings, _context.index
    search = partial(index.search, n_tables=s.n_tables, n_bits=s.n_bits, n_probes=s.n_probes)
    with _while_others_search(index):
        found, n_candidates = _searched(search, _context, _query, _own)
    exact = exact_answer_to(_context, _query, _name, _own)
    rows = np.union1d(found.rows, exact.rows)
    return Answer(found, exact, n_candidates, _matches(index, s, _query, rows), s.k)


def exact_answer_to(context: DatasetContext, query: Float32Array, name: str, own: int = -1) -> Neighbours:
    """Return the exact neighbours alone, without an index by NumPy; the arguments are those of `answer_to`."""
    shown = _shown_key(context)
    key = f"{context.dataset.fingerprint} {context.settings.metric} {shown} {name} {type(context).__name__}"
    return _exact(key=key, _context=context, _query=query, _own=own)


def query_of(context: DatasetContext, clip: Clip) -> tuple[Float32Array, str, int]:
    """Return a clip of any split as the arguments of `answer_to`: its feature, a name, and its row if it is indexed."""
    feature = context.dataset.features(clip.split)[clip.row]
    return feature, clip.clip_id, clip.row if clip.split == "train" else -1


def first_clip(dataset: Dataset) -> Clip | None:
    """Return the clip shown first, the same at every setting: its neighbours share its labels, and some are missed."""
    for split in splits_to_start_in(dataset):
        if dataset.n_rows(split):
            row = _best_first_row(fingerprint=dataset.fingerprint, split=split, _dataset=dataset)
            return dataset.clip(split, row)
    return None


def _shown_key(context: DatasetContext) -> tuple[object, ...]:
    """Return what decides which neighbours are shown, and how many, as a part of keys."""
    return context.settings.k, context.settings.only, *sorted(context.hidden)


def _searched(
    search: Callable[..., SearchResult], context: DatasetContext, query: Float32Array, own: int
) -> tuple[Neighbours, int]:
    """Return the neighbours of a query, without itself and what the visitor hides, and the number of candidates.

    As many more are searched for as may be left out, so that k remain.
    """
    k, hidden, allowed = context.settings.k, masks.rows_of(context.dataset, context.hidden), context.allowed
    result = search(query[None], k + len(hidden) + (own >= 0), allowed=allowed)
    ids, distances = result.ids[0], result.distances[0]
    others = (ids >= 0) & (ids != own)
    ids, distances = ids[others], distances[others]
    places = np.flatnonzero(~np.isin(ids, hidden))[:k]
    n_before = int(places[-1]) + 1 if len(places) == k else len(ids)
    itself = own >= 0 and (allowed is None or bool(allowed.mask[own]))
    n_candidates = max(int(result.n_candidates[0]) - itself, 0)
    return Neighbours(ids[places], distances[places], n_before - len(places)), n_candidates


def _matches(index: LSHIndex, s: Settings, query: Float32Array, rows: Rows) -> dict[int, Match]:
    if not len(rows):
        return {}
    near, places = (index, rows) if isinstance(index, LSHIndex) else (index.subset(rows), np.arange(len(rows)))
    tables = near.matches(query, places, s.n_tables, s.n_bits, s.n_probes)
    bit_chances = near.collision_probabilities(query, places)
    chances = hit_probability(bit_chances, s.n_tables, s.n_bits)
    return {
        int(row): Match(tuple((np.flatnonzero(met) + 1).tolist()), float(bit), float(chance))
        for row, met, bit, chance in zip(rows, tables, bit_chances, chances, strict=True)
    }


@st.cache_resource(max_entries=512, show_spinner=False)
def _exact(key: str, _context: DatasetContext, _query: Float32Array, _own: int) -> Neighbours:  # noqa: ARG001
    if isinstance(_context, PageContext):
        with _while_others_search(_context.index):
            return _searched(_context.index.exact.search, _context, _query, _own)[0]
    search = numpy_search_for(_context.dataset, _context.settings)
    return _searched(search.search, _context, _query, _own)[0]


def _while_others_search(index: object) -> contextlib.AbstractContextManager[None]:
    """Let others have this run's turn while other machines search, which may wait for a worker."""
    return contextlib.nullcontext() if isinstance(index, LSHIndex) else exclusive.RUNS.interrupted()


@st.cache_resource(max_entries=16, show_spinner=False)
def _best_first_row(fingerprint: str, split: str, _dataset: Dataset) -> int:  # noqa: ARG001  (the key)
    """Choose by NumPy alone, since the first page is drawn before the kernels are compiled."""
    usable = _pleasant_rows(_dataset, split)
    usable = usable[np.abs(_dataset.features(split)[usable]).max(axis=1) > 0]
    if not len(usable):
        return 0
    search = _search_of_a_part(_dataset)
    queries = search.prepare_queries(_dataset.features(split)[usable])
    found = search.search(queries, K_NEIGHBOURS).ids
    recall = _expected_recall(search, queries, found)
    suitable = (recall >= _MIN_RECALL) & (recall <= _MAX_RECALL)
    return int(usable[(_label_agreement(_dataset, split, usable, found) + suitable).argmax()])


def _search_of_a_part(dataset: Dataset) -> NumPySearch:
    """Return exact search over all clips, or over the first of many, which are a random sample."""
    if dataset.n_rows("train") <= _SEARCHED:
        return numpy_search_for(dataset, Settings(metric=dataset.metric))
    return NumPySearch(first_rows(dataset.features("train"), _SEARCHED), dataset.metric)


def _label_agreement(dataset: Dataset, split: str, rows: Rows, found: Rows) -> npt.NDArray[np.float64]:
    """Return the fraction of each row's neighbours, int64[n, k], that share a label with it: float64[n]."""
    offsets, labels = dataset.label_sets("train")
    shares = []
    for row, ids in zip(rows.tolist(), found.tolist(), strict=True):
        own = set(dataset.clip(split, row).labels)
        shares.append([i >= 0 and not own.isdisjoint(labels[offsets[i] : offsets[i + 1]].tolist()) for i in ids])
    return np.asarray(np.mean(shares, axis=1))


def _expected_recall(search: ExactSearch, queries: Float32Array, found: Rows) -> npt.NDArray[np.float64]:
    """Return the recall that theory expects of random hyperplanes at the default setting: float64[n].

    queries: float32[n, d], as `search` prepares them; found: int64[n, k], their neighbours.
    """
    scale = search.inverse_norms[:, None] if search.metric == "cosine" else np.ones((len(search.X), 1), np.float32)
    sample = evenly_spaced_rows(len(search.X), _CENTRE_ROWS)
    centre = (search.X[sample] * scale[sample]).mean(axis=0)
    a, b = queries[:, None] - centre, search.X[found] * scale[found] - centre
    lengths = np.linalg.norm(a, axis=2) * np.linalg.norm(b, axis=2)
    cosines = np.divide((a * b).sum(axis=2), lengths, out=np.ones_like(lengths), where=lengths > 0)
    bit_chances = Hyperplanes.collision_probability(np.arccos(np.clip(cosines, -1, 1)))
    chances = hit_probability(bit_chances, DEFAULTS.n_tables, DEFAULTS.n_bits)
    return np.asarray(chances.mean(axis=1, where=found >= 0))


def _pleasant_rows(dataset: Dataset, split: str) -> Rows:
    """Return the first rows with a pleasant label; without such labels, simply the first rows."""
    labels = [index for index, name in enumerate(dataset.label_names) if name in _PLEASANT_LABELS]
    pleasant = [dataset.rows_with_label(split, label) for label in labels]
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *pleasant]))[:_FIRST_CHOICE]
    return rows if len(rows) else np.arange(min(_FIRST_CHOICE, dataset.n_rows(split)))
