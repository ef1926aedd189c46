"""Label precision: count the neighbours that share a label with the query."""

from lsh.arrays import Int16Array, Int64Array
from lsh.kernels.jit import kernel


@kernel
def count_sharing(
    ids: Int64Array,
    query_offsets: Int64Array,
    query_labels: Int16Array,
    base_offsets: Int64Array,
    base_labels: Int16Array,
    out: Int64Array,
) -> None:
    """Fill out[q] with how many rows ids[q] (int64[nq, k]; -1: no neighbour) share at least one label with query q."""
    for q in range(ids.shape[0]):
        wanted = query_labels[query_offsets[q] : query_offsets[q + 1]]
        count = 0
        for j in range(ids.shape[1]):
            row = ids[q, j]
            if row >= 0:
                shared = False
                for label in base_labels[base_offsets[row] : base_offsets[row + 1]]:
                    for other in wanted:
                        shared = shared or label == other
                count += shared
        out[q] = count
