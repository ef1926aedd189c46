"""FALCONN: cross-polytope LSH with multi-probe."""

from typing import Any

import numpy as np

from benchmarks.methods._base import Answer, Method, Settings
from lsh.arrays import Float32Array


class Falconn(Method):
    """FALCONN: cross-polytope hashing with multi-probe (Andoni, Indyk, Laarhoven, Razenshteyn & Schmidt 2015)."""

    needs = "falconn"

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        if n < 100_000:
            return [{"tables": t, "bits": b} for t, b in ((15, 10), (30, 9), (30, 11))]
        return [{"tables": t, "bits": 16} for t in (10, 80, 150)]

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return [{"probes": f * build["tables"]} for f in (1, 2, 3, 4, 6, 10, 20)]

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        del metric  # centred vectors of length one rank by L2 as by cosine
        import falconn

        self.centre = X.mean(axis=0)
        self.X = np.ascontiguousarray(X - self.centre)  # FALCONN keeps a pointer to it
        wanted = falconn.LSHConstructionParameters()
        wanted.dimension = X.shape[1]
        wanted.lsh_family = falconn.LSHFamily.CrossPolytope
        wanted.distance_function = falconn.DistanceFunction.EuclideanSquared
        wanted.l = build["tables"]
        wanted.num_rotations = 1
        wanted.seed = 1
        wanted.num_setup_threads = 1
        wanted.storage_hash_table = falconn.StorageHashTable.BitPackedFlatHashTable
        falconn.compute_number_of_hash_functions(build["bits"], wanted)
        self.table = falconn.LSHIndex(wanted)
        self.table.setup(self.X)
        self.query = self.table.construct_query_object()

    def use(self, **search: Any) -> None:
        self.query.set_num_probes(search["probes"])

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.query.find_k_nearest_neighbors(q - self.centre, k)
