"""Make the golden files of the present format: `python -m tests.lsh.storage.golden.make`.

A file that was released is never made again: this script is for the first day of a new format version.
"""

import json
from pathlib import Path

import numpy as np

import lsh
from lsh import GraphIndex, LSHIndex
from lsh.sketch_index import SketchIndex
from lsh.storage.container import FORMAT_VERSION, GRAPH_VERSION, GROWN_VERSION

FOLDER = Path(__file__).parent
INDEXES = {
    "tables-cosine": LSHIndex("cosine", n_tables=3, n_bits=10, seed=1),
    "tables-euclidean": LSHIndex("euclidean", n_tables=3, n_bits=6, seed=2, bucket_width=3.0),
    "filtered-cosine": LSHIndex("cosine", n_tables=3, n_bits=10, seed=5, sketches=True),
    "sketches-cosine": SketchIndex("cosine", n_buckets=4, seed=3),
    "sketches-euclidean": SketchIndex("euclidean", n_buckets=4, seed=4),
    "cells-cosine": SketchIndex("cosine", n_buckets=4, seed=6, family="hyperplanes"),
}
GRAPHS = {"graph-cosine": GraphIndex("cosine", seed=7)}
# Such searches rank whole buckets exactly: what they find depends on the file, and not on how estimates are rounded.
SEARCHES = {
    "tables": [{"n_tables": 1, "n_bits": 2}, {"n_tables": 3, "n_bits": 3}, {"n_bits": 5, "n_probes": 4}],
    "filtered": [{"n_tables": 2, "n_bits": 3}, {"n_bits": 2, "n_reranked": 60}],
    "cells": [{"n_probes": 1, "n_reranked": 60}, {"n_probes": 3, "n_reranked": 60}],
    "sketches": [{"n_probes": 1, "n_reranked": 60}, {"n_probes": 4, "n_reranked": 60}],
    "graph": [{"n_kept": 40}],
    "grown": [{"n_probes": 1, "n_reranked": 60}, {"n_probes": 4, "n_reranked": 60}],
}


def data():
    """Return 40 vectors of 6 dimensions, with a duplicate and a row of zeros, and 5 queries: multiples of 1/8."""
    rng = np.random.default_rng(2026)
    values = rng.integers(-24, 25, (45, 6)).astype(np.float32) / 8
    values[7], values[11] = values[3], 0
    return values[:40], values[40:]


def grown():
    """Return sketches in two segments, in both of which a row was removed."""
    X = data()[0]
    index = SketchIndex("cosine", n_buckets=4, seed=3).fit(X[:30])
    index.add(X[30:])
    index.add(X[:3])
    index.remove([4, 31])
    return index


def answers(index, family):
    """Return what each of the searches finds, as lists."""
    found = [index.search(data()[1], k=3, **settings) for settings in SEARCHES[family]]
    return [{"ids": f.ids.tolist(), "candidates": f.n_candidates.tolist(), "distances": distances(f)} for f in found]


def distances(found):
    """Return distances as lists, with null for infinity."""
    return [[float(d) if np.isfinite(d) else None for d in row] for row in found.distances]


def main():
    for version, indexes, n in ((FORMAT_VERSION, INDEXES, 40), (GRAPH_VERSION, GRAPHS, 12)):  # 1.4 KB per node
        recorded = {}
        for name, index in indexes.items():
            lsh.save(index.fit(data()[0][:n]), FOLDER / f"v{version}-{name}.lsh")
            recorded[name] = answers(index, name.split("-")[0])
        write(recorded, version)
    lsh.save(
        INDEXES["tables-cosine"], FOLDER / f"v{FORMAT_VERSION}-tables-cosine-without-vectors.lsh", with_vectors=False
    )
    lsh.save(grown(), FOLDER / f"v{GROWN_VERSION}-grown-cosine.lsh")
    write({"grown-cosine": answers(grown(), "grown")}, GROWN_VERSION)


def write(recorded, version):
    (FOLDER / f"v{version}-answers.json").write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
