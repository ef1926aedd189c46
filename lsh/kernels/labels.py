"""Which neighbours share a label with the query."""

import numpy as np
import numpy.typing as npt

from lsh.kernels.jit import kernel

Offsets = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int16]


@kernel
def count_sharing(
    ids: npt.NDArray[np.int64],
    query_offsets: Offsets,
    query_labels: Labels,
    base_offsets: Offsets,
    base_labels: Labels,
    out: npt.NDArray[np.int64],
) -> None:
    """Fill out[q] with how many rows ids[q] (int64[nq, k], -1 is none) share at least one label with query q."""
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
