"""FALCONN: cross-polytope LSH with multi-probe."""

from typing import Any

import numpy as np

from benchmarks.methods._base import FEW, Answer, Method, Settings, grid
from lsh.arrays import Float32Array


class Falconn(Method):
    """Hash tables of cross-polytopes with multi-probe (Andoni, Indyk, Laarhoven, Razenshteyn & Schmidt 2015)."""

    needs = "falconn"

    @classmethod
    def builds(cls, n: int) -> list[Settings]:
        if n <= FEW:
            return grid(tables=(10, 15, 30, 50), bits=(9, 10, 11, 12))
        return grid(tables=(10, 80, 150), bits=(16,))

    @classmethod
    def searches(cls, n: int, build: Settings) -> list[Settings]:
        return grid(probes=[round(factor * build["tables"]) for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 14, 20, 30)])

    def __init__(self, X: Float32Array, metric: str, **build: Any) -> None:
        import falconn

        # L2 for both metrics: it ranks unit vectors as cosine distance does, even when the mean is subtracted.
        self.centre = X.mean(axis=0)
        self.X = np.ascontiguousarray(X - self.centre)  # FALCONN keeps a pointer to it
        parameters = falconn.LSHConstructionParameters()
        parameters.dimension = X.shape[1]
        parameters.lsh_family = falconn.LSHFamily.CrossPolytope
        parameters.distance_function = falconn.DistanceFunction.EuclideanSquared
        parameters.l = build["tables"]
        parameters.num_rotations = 1
        parameters.seed = 1
        parameters.num_setup_threads = 1
        parameters.storage_hash_table = falconn.StorageHashTable.BitPackedFlatHashTable
        falconn.compute_number_of_hash_functions(build["bits"], parameters)
        self.table = falconn.LSHIndex(parameters)
        self.table.setup(self.X)
        self.query = self.table.construct_query_object()

    def use(self, **search: Any) -> None:
        self.query.set_num_probes(search["probes"])

    def search_one(self, q: Float32Array, k: int) -> Answer:
        return self.query.find_k_nearest_neighbors(q - self.centre, k)
