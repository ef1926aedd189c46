"""Question 4: aggregations of a clip's frames, pooled into one vector or searched frame by frame.

Recall cannot compare them, since each has its own true neighbours. They are compared by labels: how many of the first
ten clips share one with the query (label precision), and how high such clips rank in the collection (mAP).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from benchmarks.answers.confidence import macro_figure, mean_figure
from benchmarks.answers.formatting import Record, difference, ms, with_interval
from benchmarks.answers.setup import K, Progress
from benchmarks.markdown import table
from data_prep.dataset import Dataset, dequantised
from lsh.analysis.fusion import POOLINGS, best_frames, fuse, fuse_found, pool
from lsh.analysis.timing import ms_per_query
from lsh.arrays import Float32Array, Int64Array
from lsh.exact import ExactSearch
from lsh.index import LSHIndex
from lsh.quality import Labels, average_precision, label_precision_at_k
from lsh.sampling import evenly_spaced_rows
from lsh.sketch_index import SketchIndex

BASELINE = "mean"
TITLES = {
    "mean": "mean of the frames (the vector in the dataset)",
    "mean, centred": "mean, centred",
    "max": "max of each dimension",
    "max, centred": "max, centred",
    "mean+std": "mean and standard deviation, side by side",
    "mean+std, centred": "mean and standard deviation, centred",
    "first": "first frame alone",
    "best frame": "all frames, best frame of each clip",
    "sum over frames": "all frames, sum over the query's frames",
    "ranks of frames": "all frames, ranks fused",
    "frames by LSH": "all frames through hash tables, sum",
    "frames by sketches": "all frames through sketches, sum",
}
FETCHED = 50  # neighbours of each frame of the query, if frames are searched with an index
SETTING = {"n_tables": 16, "n_bits": 12, "n_probes": 2}
SKETCH_SETTING = {"n_probes": 16, "n_reranked": 100}

_TIMED_QUERIES = 50
_BLOCK = 50  # query clips whose rankings of the whole collection are in memory together


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of clips: values float32[m, d]; offsets int64[n + 1]; clip i has values[offsets[i]:offsets[i + 1]]."""

    values: Float32Array
    offsets: Int64Array

    def of_clip(self, clip: int) -> Float32Array:
        """Return the frames of one clip: float32[f, d]."""
        return self.values[self.offsets[clip] : self.offsets[clip + 1]]

    def subset(self, clips: Int64Array) -> "Frames":
        """Return the frames of the given clips."""
        return Frames(
            np.concatenate([self.of_clip(int(clip)) for clip in clips]),
            np.cumsum([0, *np.diff(self.offsets)[clips]]),
        )

    def unit(self) -> "Frames":
        """Return the frames scaled to unit length; zero frames stay zero."""
        norms = np.linalg.norm(self.values, axis=1, keepdims=True)
        return Frames(np.asarray(self.values / np.maximum(norms, np.finfo(np.float32).tiny), np.float32), self.offsets)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A way to search clips of several frames.

    kind: "pooled", "fused" or "indexed". rank: returns the rows of the collection for a query clip, nearest first, as
    int64[n]; if `complete` is False only the first, as int64[K]. search: finds the K nearest clips of a query clip;
    this is timed. megabytes: vectors and index in memory.
    """

    name: str
    kind: str
    rank: Callable[[int], Int64Array]
    search: Callable[[int], object]
    megabytes: float
    complete: bool = True


def measure(dataset: Dataset, n_queries: int, progress: Progress) -> Record | None:
    """Return the figures of question 4; None for a dataset without frames."""
    if not dataset.has_frames:
        return None
    rows = evenly_spaced_rows(dataset.n_rows("test"), n_queries)
    base, queries = (_frames(dataset, split) for split in ("train", "test"))
    chosen = choose_pooling(dataset, base, n_queries, progress)
    queries = queries.subset(rows)
    labels = dataset.labels_of("test", rows), dataset.label_sets("train")
    ways = list(_aggregations(base, queries, progress))
    progress(f"timing {len(ways)} aggregations")
    times = _times(ways, len(rows))
    judged = []
    for way in ways:
        progress(f"evaluating with {len(rows):,} test clips: {way.name}")
        judged.append(_judge(way, len(rows), *labels))
    baseline = judged[[way.name for way in ways].index(BASELINE)]
    table = [_summary(way, values, baseline, ms) for way, values, ms in zip(ways, judged, times, strict=True)]
    labelled = int(np.unique(labels[0][1]).size)
    facts = {"queries": len(rows), "clips": len(base.offsets) - 1, "frames": len(base.values), "labels": labelled}
    return {
        **facts,
        "k": K,
        "fetched": FETCHED,
        "lsh": SETTING,
        "sketches": SKETCH_SETTING,
        "ways": table,
        "chosen": chosen,
    }


def choose_pooling(dataset: Dataset, base: Frames, n_queries: int, progress: Progress) -> Record:
    """Return the pooling with the highest label precision on validation clips, and the precision of each."""
    rows = evenly_spaced_rows(dataset.n_rows("validation"), n_queries)
    progress(f"choosing a pooling with {len(rows):,} validation clips")
    queries = _frames(dataset, "validation").subset(rows)
    labels = dataset.labels_of("validation", rows), dataset.label_sets("train")
    found = {}
    for name, X, Q in _poolings(base, queries):
        ids = ExactSearch(X, "cosine").search(Q, K).ids
        found[name] = float(label_precision_at_k(ids, *labels).mean())
    return {"name": max(found, key=lambda name: found[name]), "queries": len(rows), "precision": found}


def _poolings(base: Frames, queries: Frames) -> Iterator[tuple[str, Float32Array, Float32Array]]:
    """Yield the name of each pooling, and the vectors that it makes of the collection and of the queries."""
    for how in POOLINGS:
        X, Q = (pool(frames.values, frames.offsets, how) for frames in (base, queries))
        yield how, X, Q
        if how != "first":
            centre = X.mean(axis=0)
            yield f"{how}, centred", X - centre, Q - centre


def _frames(dataset: Dataset, split: str) -> Frames:
    offsets, values = dataset.frames(split)
    return Frames(dequantised(values), offsets)


def _aggregations(base: Frames, queries: Frames, progress: Progress) -> Iterator[Aggregation]:
    """Yield every aggregation, ready to search."""
    for name, X, Q in _poolings(base, queries):
        yield _pooled(name, X, Q)
    unit_base, unit_queries = base.unit(), queries.unit()

    def similarities(clip: int) -> Float32Array:
        return best_frames(unit_queries.of_clip(clip) @ unit_base.values.T, base.offsets)

    for name, how in (("best frame", "best"), ("sum over frames", "sum"), ("ranks of frames", "rank")):
        yield _fused(name, how, similarities, unit_base.values.nbytes)
    progress(f"indexing {len(base.values):,} frames")
    tables = LSHIndex("cosine", SETTING["n_tables"], SETTING["n_bits"]).fit(base.values)
    sketches = SketchIndex("cosine").fit(base.values)
    yield _indexed("frames by LSH", base, queries, tables, SETTING)
    yield _indexed("frames by sketches", base, queries, sketches, SKETCH_SETTING)


def _pooled(name: str, X: Float32Array, Q: Float32Array) -> Aggregation:
    exact = ExactSearch(X, "cosine")
    unit = X * exact.inverse_norms[:, None]

    def rank(clip: int) -> Int64Array:
        return np.argsort(-(unit @ Q[clip]), kind="stable")

    return Aggregation(
        name, "pooled", rank, lambda clip: exact.search(Q[clip : clip + 1], K), (X.nbytes + exact.nbytes) / 1e6
    )


def _fused(name: str, how: str, similarities: Callable[[int], Float32Array], n_bytes: int) -> Aggregation:
    def rank(clip: int) -> Int64Array:
        return np.argsort(-fuse(similarities(clip), how), kind="stable")

    return Aggregation(name, "fused", rank, lambda clip: rank(clip)[:K], n_bytes / 1e6)


def _indexed(
    name: str, base: Frames, queries: Frames, index: LSHIndex | SketchIndex, setting: dict[str, int]
) -> Aggregation:
    def rank(clip: int) -> Int64Array:
        found = index.search(queries.of_clip(clip), FETCHED, **setting)
        return fuse_found(found.ids, found.distances, base.offsets, K, "sum")

    return Aggregation(name, "indexed", rank, rank, (base.values.nbytes + index.nbytes) / 1e6, complete=False)


def _times(ways: list[Aggregation], n_queries: int) -> list[float]:
    """Return milliseconds per query clip, on one thread, interleaved within each kind of aggregation.

    Kinds are not interleaved: a search through all frames evicts the vectors of the others from the processor's caches.
    """
    clips = evenly_spaced_rows(n_queries, _TIMED_QUERIES).astype(np.float32)[:, None]  # `search` takes their numbers

    def search(way: Aggregation) -> Callable[[Float32Array], object]:
        return lambda clip: way.search(int(clip[0, 0]))

    kinds = [list(kind) for _, kind in groupby(ways, key=lambda way: way.kind)]
    return [ms for kind in kinds for ms in ms_per_query([search(way) for way in kind], clips)]


def _judge(way: Aggregation, n_queries: int, query_labels: Labels, base_labels: Labels) -> Record:
    """Return by query label precision, average precision, and the latter by label.

    precision, average: float64[nq]; by_label: float64[nq, n_labels], valid where counted: bool[nq, n_labels]. Only
    precision if the rankings are not complete.
    """
    precision, average, single = [], [], []
    offsets, values = query_labels
    for first in range(0, n_queries, _BLOCK):
        last = min(first + _BLOCK, n_queries)
        ids = np.array([way.rank(clip) for clip in range(first, last)])
        own = offsets[first : last + 1] - offsets[first], values[offsets[first] : offsets[last]]
        precision.append(label_precision_at_k(ids[:, :K], own, base_labels))
        if way.complete:
            average.append(average_precision(ids, own, base_labels))
            by_query = np.repeat(ids, np.diff(own[0]), axis=0)  # once for each label of the query
            single.append(average_precision(by_query, (np.arange(len(own[1]) + 1), own[1]), base_labels))
    if not way.complete:
        return {"precision": np.concatenate(precision)}
    labels, column = np.unique(values, return_inverse=True)
    place = np.repeat(np.arange(n_queries), np.diff(offsets)), column
    by_label, counted = np.zeros((n_queries, len(labels))), np.zeros((n_queries, len(labels)), np.bool_)
    by_label[place], counted[place] = np.concatenate(single), True
    return {
        "precision": np.concatenate(precision),
        "average": np.concatenate(average),
        "by_label": by_label,
        "counted": counted,
    }


def _summary(way: Aggregation, judged: Record, baseline: Record, ms: float) -> Record:
    """Return the figures of an aggregation, with gains over the baseline."""
    figures: Record = {
        "name": way.name,
        "kind": way.kind,
        "ms": ms,
        "megabytes": way.megabytes,
    }
    for name, key in (("precision", "precision"), ("map", "average")):
        if key in judged:
            figures[name] = mean_figure(judged[key])
            figures[f"{name}_gain"] = mean_figure(judged[key] - baseline[key])
    if way.complete:
        figures["macro"] = macro_figure(judged["by_label"], judged["counted"])
    return figures


def fields(figures: Record | None) -> Record | str:
    """Return the fields of the section in the template, or the reason that there are none."""
    if figures is None:
        return "Not measured: this dataset has no frames. Prepare it again with `python -m data_prep convert --frames`."
    mean = next(way for way in figures["ways"] if way["name"] == BASELINE)
    chosen = figures["chosen"]
    best = next(way for way in figures["ways"] if way["name"] == chosen["name"])
    return {
        **figures,
        "mean": mean,
        "best": best,
        "best_name": TITLES[best["name"]],
        "chosen_by": f"{chosen['queries']:,}",
        "gain": difference(best["precision_gain"]),
        "memory_ratio": best["megabytes"] / mean["megabytes"],
        "table": _table(figures["ways"]),
    }


def _table(ways: list[Record]) -> str:
    head = ["aggregation", "label precision@10", "gain", "mAP", "gain", "mAP by label", "ms per query", "MB"]
    rows = [
        [
            TITLES[way["name"]],
            with_interval(way["precision"]),
            difference(way["precision_gain"]),
            *([with_interval(way["map"]), difference(way["map_gain"])] if "map" in way else "--"),
            with_interval(way["macro"]) if "macro" in way else "-",
            ms(way["ms"]),
            f"{way['megabytes']:.0f}",
        ]
        for way in ways
    ]
    return table(head, rows)
