"""Locality-sensitive hashing for cosine and Euclidean distance, fast and readable.

>>> import numpy as np
>>> from lsh import LSHIndex
>>> X = np.random.default_rng(0).standard_normal((1000, 32))
>>> index = LSHIndex(metric="cosine", n_tables=16, seed=0).fit(X)
>>> index.search(X[:2], k=1, n_tables=8, n_bits=12).ids.ravel().tolist()
[0, 1]

`index` (LSHIndex), `sketch_index` (SketchIndex), `graphs.index` (GraphIndex) and `exact` (ExactSearch) search;
`quality` measures their results. The subpackages:

- `families`: hash families, random and learned, and partitions into buckets;
- `sketches`: two-bit codes of vectors, and buckets of them;
- `graphs`: graphs of vectors, with the sketches of each one's neighbours;
- `analysis`: recall of every setting, theory, plans, evaluation, comparison, races, inspection of one query;
- `growing`: vectors added to an index and removed from it;
- `pairs`: all pairs of vectors within a radius, and the groups of duplicates that they form;
- `kernels`: the compiled inner loops;
- `storage`: index files.
"""

from earshot_common.encoded_vectors import EncodedVectors
from lsh.analysis.comparing import Comparison, compare
from lsh.analysis.evaluation import Evaluation, evaluate
from lsh.analysis.planning import Plan, plan
from lsh.analysis.recall_grid import RecallGrid, recall_grid
from lsh.analysis.theory import hit_probability, predicted_recall
from lsh.errors import LSHError
from lsh.exact import ExactSearch, exact_search
from lsh.graphs.index import GraphIndex
from lsh.index import LSHIndex
from lsh.pairs.duplicates import duplicates
from lsh.pairs.self_join import Duplicates
from lsh.quality import label_precision_at_k, recall_at_k
from lsh.result import SearchResult
from lsh.sketch_index import SketchIndex
from lsh.storage import load, save

__all__ = [
    "Comparison",
    "Duplicates",
    "EncodedVectors",
    "Evaluation",
    "ExactSearch",
    "GraphIndex",
    "LSHError",
    "LSHIndex",
    "Plan",
    "RecallGrid",
    "SearchResult",
    "SketchIndex",
    "compare",
    "duplicates",
    "evaluate",
    "exact_search",
    "hit_probability",
    "label_precision_at_k",
    "load",
    "plan",
    "predicted_recall",
    "recall_at_k",
    "recall_grid",
    "save",
]
