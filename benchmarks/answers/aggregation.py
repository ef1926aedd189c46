"""Question 4: ways to search clips of several frames, pooled or frame by frame, measured and written up.

Recall is no guide here: each way has neighbours of its own, and so a truth of its own. Labels are: how many of the
first ten share one with the query, and how high those that do stand in the ranking of the whole collection.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from benchmarks.answers.confidence import macro_figure, mean_figure
from benchmarks.answers.formatting import Record, difference, ms, with_interval
from benchmarks.answers.setup import K, Tell
from benchmarks.markdown import table
from data_prep.dataset import Dataset
from data_prep.dataset.features import dequantised
from lsh.analysis.fusion import POOLINGS, best_frames, fuse, fuse_found, pool
from lsh.analysis.timing import ms_per_query
from lsh.arrays import Float32Array
from lsh.exact import ExactSearch
from lsh.index import LSHIndex
from lsh.quality import Labels, average_precision, label_precision_at_k
from lsh.result import SearchResult
from lsh.sampling import evenly_spaced_rows
from lsh.sketch_index import SketchIndex

BASELINE = "mean"
WORDS = {
    "mean": "mean of the frames (what the dataset keeps)",
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
FETCHED = 50  # frames that each frame of the query asks for, where an index finds them
SETTING = {"n_tables": 16, "n_bits": 12, "n_probes": 2}
SKETCH_SETTING = {"n_probes": 16, "n_reranked": 100}

_TIMED = 50  # clips
_BLOCK = 50  # clips whose rankings of everything are in memory at once

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of some clips, float32[m, d], clip after clip; clip i has values[offsets[i]:offsets[i + 1]]."""

    values: Float32Array
    offsets: Ids

    def of(self, clip: int) -> Float32Array:
        """Return the frames of one clip: float32[f, d]."""
        return self.values[self.offsets[clip] : self.offsets[clip + 1]]

    def some(self, clips: Ids) -> "Frames":
        """Return the frames of these clips alone."""
        return Frames(
            np.concatenate([self.of(int(clip)) for clip in clips]),
            np.cumsum([0, *np.diff(self.offsets)[clips]]),
        )

    def units(self) -> Float32Array:
        """Return the frames at length one; a frame of zeros stays one."""
        lengths = np.linalg.norm(self.values, axis=1, keepdims=True)
        return np.asarray(self.values / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


@dataclass(frozen=True, slots=True)
class Way:
    """One way from frames to neighbours: `rank(clip)` returns rows, nearest first: int64[n], or int64[K] if not whole.

    kind: "pooled", "fused" or "indexed". search: what a person waits for, the K nearest of one query clip. megabytes:
    vectors and index in memory.
    """

    name: str
    kind: str
    rank: Callable[[int], Ids]
    search: Callable[[int], object]
    megabytes: float
    whole: bool = True


def measure(dataset: Dataset, n_queries: int, tell: Tell) -> Record | None:
    """Return every figure of question 4; None for a dataset that keeps no frames."""
    if not dataset.has_frames:
        return None
    rows = evenly_spaced_rows(dataset.n_rows("test"), n_queries)
    base, queries = (_frames(dataset, split) for split in ("train", "test"))
    queries = queries.some(rows)
    labels = dataset.labels_of("test", rows), dataset.label_sets("train")
    ways = list(_ways(base, queries, tell))
    tell(f"timing {len(ways)} ways from frames to neighbours")
    milliseconds = _times(ways, len(rows))
    judged = []
    for way in ways:
        tell(f"judging by {len(rows):,} test clips: {way.name}")
        judged.append(_judge(way, len(rows), *labels))
    standard = judged[[way.name for way in ways].index(BASELINE)]
    table = [_summary(way, values, standard, ms) for way, values, ms in zip(ways, judged, milliseconds, strict=True)]
    labelled = int(np.unique(labels[0][1]).size)
    facts = {"queries": len(rows), "clips": len(base.offsets) - 1, "frames": len(base.values), "labels": labelled}
    return {**facts, "k": K, "fetched": FETCHED, "lsh": SETTING, "sketches": SKETCH_SETTING, "ways": table}


def _frames(dataset: Dataset, split: str) -> Frames:
    offsets, values = dataset.frames(split)
    return Frames(dequantised(values), offsets)


def _ways(base: Frames, queries: Frames, tell: Tell) -> Iterator[Way]:
    """Yield each way, ready to search."""
    for how in POOLINGS:
        X, Q = (pool(frames.values, frames.offsets, how) for frames in (base, queries))
        yield _pooled(how, X, Q)
        if how != "first":
            centre = X.mean(axis=0)
            yield _pooled(f"{how}, centred", X - centre, Q - centre)
    units, query_units = base.units(), queries.units()

    def similarities(clip: int) -> Float32Array:
        frames = query_units[queries.offsets[clip] : queries.offsets[clip + 1]]
        return best_frames(frames @ units.T, base.offsets)

    for name, how in (("best frame", "best"), ("sum over frames", "sum"), ("ranks of frames", "rank")):
        yield _fused(name, how, similarities, units.nbytes)
    tell(f"indexing {len(base.values):,} frames")
    tables = LSHIndex("cosine", SETTING["n_tables"], SETTING["n_bits"]).fit(base.values)
    sketches = SketchIndex("cosine").fit(base.values)
    yield _indexed("frames by LSH", base, queries, lambda q: tables.search(q, FETCHED, **SETTING), tables.nbytes)
    yield _indexed(
        "frames by sketches", base, queries, lambda q: sketches.search(q, FETCHED, **SKETCH_SETTING), sketches.nbytes
    )


def _pooled(name: str, X: Float32Array, Q: Float32Array) -> Way:
    exact = ExactSearch(X, "cosine")
    unit = X * exact.inverse_norms[:, None]

    def rank(clip: int) -> Ids:
        return np.argsort(-(unit @ Q[clip]), kind="stable")

    return Way(name, "pooled", rank, lambda clip: exact.search(Q[clip : clip + 1], K), (X.nbytes + exact.nbytes) / 1e6)


def _fused(name: str, how: str, similarities: Callable[[int], Float32Array], n_bytes: int) -> Way:
    def rank(clip: int) -> Ids:
        return np.argsort(-fuse(similarities(clip), how), kind="stable")

    return Way(name, "fused", rank, lambda clip: rank(clip)[:K], n_bytes / 1e6)


def _indexed(
    name: str, base: Frames, queries: Frames, search: Callable[[Float32Array], SearchResult], n_bytes: int
) -> Way:
    def rank(clip: int) -> Ids:
        found = search(queries.of(clip))
        return fuse_found(found.ids, found.distances, base.offsets, K, "sum")

    return Way(name, "indexed", rank, rank, (base.values.nbytes + n_bytes) / 1e6, whole=False)


def _times(ways: list[Way], n_queries: int) -> list[float]:
    """Return milliseconds a query clip, on one thread: ways of one kind take turns on each clip.

    Only of one kind, since a search through all frames leaves nothing of the others' vectors in the processor's caches.
    """
    clips = evenly_spaced_rows(n_queries, _TIMED).astype(np.float32)[:, None]  # a clip's frames go by its number

    def search(way: Way) -> Callable[[Float32Array], object]:
        return lambda clip: way.search(int(clip[0, 0]))

    kinds = [list(kind) for _, kind in groupby(ways, key=lambda way: way.kind)]
    return [ms for kind in kinds for ms in ms_per_query([search(way) for way in kind], clips)]


def _judge(way: Way, n_queries: int, query_labels: Labels, base_labels: Labels) -> Record:
    """Return, for each query, label precision and average precision; and the latter for each of its labels alone."""
    precision, average, alone = [], [], []
    offsets, values = query_labels
    for first in range(0, n_queries, _BLOCK):
        last = min(first + _BLOCK, n_queries)
        ids = np.array([way.rank(clip) for clip in range(first, last)])
        own = offsets[first : last + 1] - offsets[first], values[offsets[first] : offsets[last]]
        precision.append(label_precision_at_k(ids[:, :K], own, base_labels))
        if way.whole:
            average.append(average_precision(ids, own, base_labels))
            each = np.repeat(np.arange(last - first), np.diff(own[0]))
            one_label = np.arange(len(own[1]) + 1), own[1]
            alone.append(average_precision(ids[each], one_label, base_labels))
    if not way.whole:
        return {"precision": np.concatenate(precision)}
    labels, column = np.unique(values, return_inverse=True)
    place = np.repeat(np.arange(n_queries), np.diff(offsets)), column
    by_label, counted = np.zeros((n_queries, len(labels))), np.zeros((n_queries, len(labels)), np.bool_)
    by_label[place], counted[place] = np.concatenate(alone), True
    return {
        "precision": np.concatenate(precision),
        "average": np.concatenate(average),
        "by_label": by_label,
        "counted": counted,
    }


def _summary(way: Way, judged: Record, standard: Record, ms: float) -> Record:
    figures: Record = {
        "name": way.name,
        "kind": way.kind,
        "ms": round(ms, 5),
        "megabytes": round(way.megabytes, 4),
    }
    for name, key in (("precision", "precision"), ("map", "average")):
        if key in judged:
            figures[name] = mean_figure(judged[key])
            figures[f"{name}_gain"] = mean_figure(judged[key] - standard[key])
    if way.whole:
        figures["macro"] = macro_figure(judged["by_label"], judged["counted"])
    return figures


def section(frames: Record | None, about: Record) -> list[str]:
    """Return the section's paragraphs."""
    title = "## 4. How should the ten 1-second embeddings of a clip become one vector?"
    if frames is None:
        return [
            title,
            "Not measured: this dataset keeps no frames. Prepare it again with `python -m data_prep convert --frames`.",
        ]
    mean = next(way for way in frames["ways"] if way["name"] == BASELINE)
    best = max((way for way in frames["ways"] if way["kind"] == "pooled"), key=lambda way: way["precision"]["value"])
    return [
        title,
        (
            f"Of the ways to make one vector, the highest label precision: **{WORDS[best['name']]}**, "
            f"{best['precision']['value']:.3f}; the mean alone: {mean['precision']['value']:.3f}. The difference is "
            f"{difference(best['precision_gain'])}, for {best['megabytes'] / mean['megabytes']:.0f} times the memory."
        ),
        (
            "Recall cannot answer this question: each way has neighbours of its own, and finds its own perfectly. "
            f"Labels can. Over {frames['queries']:,} test clips: **label precision@10**, as above. **mAP**: all "
            f"{frames['clips']:,} clips of the collection are ranked, one is relevant when it shares a label with the "
            "query, and the average precision of that ranking (Manning, Raghavan & Schütze 2008, equation 8.8) is "
            "averaged over queries. **mAP by label**: relevant is a clip with *that* label, averaged over the queries "
            f"with it and then over the {frames['labels']} labels, so that rare sounds count as much as speech and "
            "music (as AudioSet's own mAP does; Gemmeke et al. 2017). *Gain*: the difference from the mean of the "
            "frames, query by query; one whose interval includes zero is within chance."
        ),
        _table(frames["ways"]),
        (
            "*Centred*: the mean vector of the collection is subtracted first. *Sum*: each frame of the query adds "
            "the cosine of the clip's best frame (CombSUM, Fox & Shaw 1994; late interaction, Khattab & Zaharia "
            "2020). *Ranks*: each adds 1 / (60 + the clip's rank) (Cormack, Clarke & Büttcher 2009). *Through hash "
            f"tables* and *through sketches*: each frame of the query fetches {frames['fetched']} of "
            f"{frames['frames']:,} frames, and the results are fused; they rank only what they fetch, so they have "
            "no mAP. Distances are cosine. Times are of the ten nearest of one clip, exact but for the last two "
            "rows; MB are vectors and index in memory."
        ),
        f'Reproduce: `{about["command"]}`; in Python: `lsh.analysis.fusion.pool(frames, offsets, "mean+std")`.',
    ]


def _table(ways: list[Record]) -> str:
    head = ["way", "label precision@10", "gain", "mAP", "gain", "mAP by label", "ms per query", "MB"]
    rows = [
        [
            WORDS[way["name"]],
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
