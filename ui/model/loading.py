"""Shared caches of what is slow to make and the same for every visitor: datasets, indexes, samples, recall grids.

Cache keys are short values (fingerprint, metric, seed, width), never arrays, of which Streamlit hashes a sample. They
are passed by name: for an argument by position, Streamlit inspects the function's signature at each call.
Nothing here depends on L or K, so that moving those sliders rebuilds nothing.
"""

import contextlib
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from data_prep.dataset import Dataset, find_datasets, open_dataset
from lsh import ExactSearch, LSHIndex, SearchResult
from lsh.analysis.numpy_search import NumPySearch
from lsh.analysis.search_config import SearchConfig
from lsh.analysis.timing import n_timed
from lsh.arrays import Float32Array, StoredVectors
from lsh.filters import Filter
from lsh.sampling import evenly_spaced_rows
from lsh.storage import index_folder
from ui import cluster, paths
from ui.filters import masks
from ui.format import plural
from ui.model.state import DEFAULTS, K_NEIGHBOURS, METRICS, Metric, Settings

# Names of the datasets that come with the app, and what their clips are.
INCLUDED = {"sample": "sounds made for you, offline", "audioset-small": "clips of YouTube"}

MAX_BUILT_ROWS = 500_000  # indexed within some ten seconds
CHECK_AFTER_S = 10.0  # from the opening of an index, whose first answer does not wait until every byte is checked

_DAMAGED: list[Path] = []  # index files that were found damaged while they were in use
_INDEXED: set[str] = set()  # keys of indexes that were opened or built, for which a page shows no spinner
_OPENED: dict[Path, Dataset] = {}  # the datasets that pages have opened, each in its newest version
_MANIFESTS: dict[Path, tuple[int, int, int]] = {}  # of each, the manifest's file number, size and time of change


@dataclass(frozen=True, slots=True)
class DatasetContext:
    """What a page draws from that needs no index: the settings in force, and the dataset they name.

    datasets: the folders of all datasets by name, the default first, as they were found in this run of the page.
    hidden: the ids of clips that the visitor hides, which no list of neighbours shows.
    """

    settings: Settings
    dataset: Dataset
    datasets: Mapping[str, Path] = field(default_factory=dict, kw_only=True)
    hidden: frozenset[str] = field(default=frozenset(), kw_only=True)

    @property
    def allowed(self) -> Filter | None:
        """Return the rows that the filter in force allows a search to return, None for all."""
        return masks.allowed(self.dataset, self.settings.only)

    @property
    def n_allowed(self) -> int:
        """Return how many clips a search may return."""
        return masks.n_allowed(self.dataset, self.settings.only)


@dataclass(frozen=True, slots=True)
class PageContext(DatasetContext):
    """What a page draws from: the settings in force, and the dataset and index they name."""

    index: LSHIndex

    @property
    def index_key(self) -> tuple[object, ...]:
        """Return what decides the index, as a key of caches: fingerprint, metric, seed and bucket width.

        The key is another one after an index was found damaged and built again.
        """
        s = self.settings
        return self.dataset.fingerprint, s.metric, s.seed, self.index.bucket_width, len(_DAMAGED)


@dataclass(frozen=True, slots=True)
class Sample:
    """A fixed sample of queries: rows int64[nq] of a split, queries float32[nq, d], and their exact neighbours.

    split: validation; train where a dataset has no validation clips: then each is left out of its own answers.
    """

    rows: npt.NDArray[np.int64]
    queries: Float32Array
    truth: SearchResult
    split: str = "validation"
    k: int = K_NEIGHBOURS

    @property
    def own_rows(self) -> npt.NDArray[np.int64] | None:
        """Return the rows of the index that the queries are, None where they are in no index."""
        return self.rows if self.split == "train" else None

    @property
    def in_words(self) -> str:
        """Return what the queries are: "200 validation clips, which are not in the collection"."""
        if self.own_rows is None:
            return f"{plural(len(self.rows), 'validation clip')}, which are not in the collection"
        return f"{plural(len(self.rows), 'clip')} of the collection, each left out of its own answer"

    def search(self, find: Callable[[Float32Array, int], SearchResult]) -> SearchResult:
        """Return the neighbours that a search, called with queries and k, finds: each query without itself."""
        if self.own_rows is None:
            return find(self.queries, self.k)
        return find(self.queries, self.k + 1).without(self.own_rows)


def datasets() -> dict[str, Path]:
    """Return the folders of the prepared datasets by the name used in the URL, those that come with the app first."""
    roots = [paths.DATA, *(Path(root) for root in os.environ.get("EARSHOT_DATA", "").split(os.pathsep) if root)]
    found = {_name(path, root): path for root in roots for path in find_datasets(root)}
    rest = sorted(found.keys() - INCLUDED.keys())
    return {name: found[name] for name in (*INCLUDED, *rest) if name in found}


def splits_to_start_in(dataset: Dataset) -> tuple[str, ...]:
    """Return the splits from which a first clip is taken, in order: of one's own files, those in the index."""
    return ("train", "validation") if dataset.media == "file" else ("test", "validation", "train")


def dataset_at(path: Path) -> Dataset:
    """Open a prepared dataset once for all visitors, and again when its manifest changes. Raises DatasetError."""
    manifest = path / "manifest.json"
    try:
        seen = version_of(manifest)
        known = _OPENED.get(path)
        if known is not None and _MANIFESTS.get(path) == seen:
            return known
        fingerprint = hashlib.sha256(manifest.read_bytes()).hexdigest()
    except OSError:
        return open_dataset(path)  # raises DatasetError with what is wrong
    if known is None or known.fingerprint != fingerprint:
        known = _OPENED[path] = _dataset(path=str(path), fingerprint=fingerprint)
    _MANIFESTS[path] = seen
    return known


def version_of(file: Path) -> tuple[int, int, int]:
    """Return a file's number, size and time of change, which differ when it was replaced. Raises OSError."""
    facts = file.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def name_in_urls(dataset: Dataset) -> str:
    """Return the name of a dataset in the URLs of its clips: the first 16 digits of its fingerprint."""
    return dataset.fingerprint[:16]


def opened(name: str) -> Dataset | None:
    """Return the dataset of this name in URLs, None unless a page has opened it in this process."""
    return next((dataset for dataset in list(_OPENED.values()) if name_in_urls(dataset) == name), None)


def forget(path: Path) -> None:
    """Forget a dataset that is being deleted: no address leads to its clips any more."""
    _MANIFESTS.pop(path, None)
    known = _OPENED.pop(path, None)
    if known is not None:
        _dataset.clear(path=str(path), fingerprint=known.fingerprint)


def index_for(dataset: Dataset, settings: Settings) -> LSHIndex:
    """Return the index of a dataset, metric, seed and width, with the maximum L and K; a search may use fewer.

    It is mapped from its file where the dataset has one (`python -m lsh build`), else built. Every byte of the file is
    checked soon afterwards, in the background: if one is damaged, the next page has a new index.

    With a `cluster.scheduler` it is a `lsh.distributed.DistributedIndex`, which has the searches of an `LSHIndex`, but
    not its tables and vectors. Raises ClusterError where the cluster fails.
    """
    if (address := cluster.scheduler()) is not None:
        config = _index_config(settings.metric, DEFAULTS.seed, None)
        return cast("LSHIndex", cluster.index_of(dataset, config, address))
    width = settings.bucket_width if settings.metric == "euclidean" else None
    wanted = settings.metric, settings.seed, width
    key = f"{dataset.fingerprint} {wanted}"
    waiting = get_script_run_ctx(suppress_warning=True) is not None and key not in _INDEXED
    with st.spinner("Sorting every clip into 32 hash tables…") if waiting else contextlib.nullcontext():
        index = _index(key=key, _dataset=dataset, _wanted=wanted)
    _INDEXED.add(key)
    return index


def is_large(dataset: Dataset) -> bool:
    """Return whether only the default index is ever built here: it takes too long to wait for, or is on a cluster."""
    return dataset.n_rows("train") > MAX_BUILT_ROWS or cluster.scheduler() is not None


def metrics_of(dataset: Dataset) -> tuple[Metric, ...]:
    """Return the distances by which a dataset can be searched: of a large one its own, and those with an index file."""
    if not is_large(dataset):
        return METRICS
    paths = {metric: _index_path(dataset, metric, DEFAULTS.seed, None) for metric in METRICS}
    return tuple(metric for metric, path in paths.items() if metric == dataset.metric or path.exists())


def sample_for(context: PageContext) -> Sample:
    """Return the sample of queries, 20 to 200, fewer if there are many clips; their neighbours under the filter."""
    exact, s = context.index.exact, context.settings
    key = f"{context.dataset.fingerprint} {exact.metric} {s.k} {s.only}"
    return _sample(key=key, _dataset=context.dataset, _exact=exact, _k=s.k, _allowed=context.allowed)


def numpy_search_for(dataset: Dataset, settings: Settings) -> NumPySearch:
    """Return exact search over a dataset without kernels, to be used until they are compiled."""
    return _numpy_search(fingerprint=dataset.fingerprint, metric=settings.metric, _dataset=dataset)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path != root else path.name


@st.cache_resource(max_entries=4, show_spinner=False)
def _dataset(path: str, fingerprint: str) -> Dataset:  # noqa: ARG001  (the key)
    dataset = open_dataset(Path(path))
    # Tables are read at first use: damage is to be reported here, not in the middle of a page.
    dataset.find_clip("")
    _ = dataset.label_names
    return dataset


@st.cache_resource(max_entries=3, show_spinner=False)
def _index(key: str, _dataset: Dataset, _wanted: tuple[str, int, float | None]) -> LSHIndex:  # noqa: ARG001
    path, config = _index_path(_dataset, *_wanted), _index_config(*_wanted)
    X = _dataset.features("train")
    index = index_folder.load_or_fit(path, config, X, _warn, every_byte=False)
    if path.exists():
        check = threading.Timer(CHECK_AFTER_S, _check_index, (path, config, X))
        check.daemon = True
        check.start()
    return cast("LSHIndex", index)


def _check_index(path: Path, config: SearchConfig, X: StoredVectors) -> None:
    """Check every byte of an index that is in use; a damaged file is set aside, and built and opened again."""
    problems: list[str] = []
    if path.exists():
        index_folder.load_or_fit(path, config, X, problems.append)
    for problem in problems:
        _warn(problem)
    if problems:
        _index.clear()
        _DAMAGED.append(path)


def _warn(problem: str) -> None:
    logging.getLogger("earshot").warning(problem)


def _index_config(metric: str, seed: int, width: float | None) -> SearchConfig:
    return SearchConfig.tables(metric, seed, {"bucket_width": width}, {})


def _index_path(dataset: Dataset, metric: str, seed: int, width: float | None) -> Path:
    return index_folder.path_in(dataset.indexes, _index_config(metric, seed, width), dataset.sha256("train"))


@st.cache_resource(max_entries=2, show_spinner=False)
def _numpy_search(fingerprint: str, metric: str, _dataset: Dataset) -> NumPySearch:  # noqa: ARG001
    return NumPySearch(_dataset.features("train"), metric)


@st.cache_resource(max_entries=12, show_spinner=False)
def _sample(key: str, _dataset: Dataset, _exact: ExactSearch, _k: int, _allowed: Filter | None) -> Sample:  # noqa: ARG001
    n = _dataset.n_rows("train")
    split = "validation" if _dataset.n_rows("validation") else "train"
    rows = np.arange(_dataset.n_rows(split))
    if split == "train" and _exact.metric == "cosine":
        here = _exact if isinstance(_exact, ExactSearch) else ExactSearch(_dataset.features(split))
        rows = np.flatnonzero(here.inverse_norms)  # zeros have no angle to anything
    rows = rows[evenly_spaced_rows(len(rows), n_timed(n))]
    queries = np.ascontiguousarray(_dataset.features(split)[rows], dtype=np.float32)
    sample = Sample(rows, queries, SearchResult.empty(0, _k), split, _k)
    return replace(sample, truth=sample.search(partial(_exact.search, allowed=_allowed)))
