"""Records of a graph: all that a search reads of a node beside its vector, in one piece of memory."""

from typing import NamedTuple

import numpy as np

from lsh.arrays import Float32Array, Int32Array, UInt8Array
from lsh.kernels.shuffling import BLOCK, BLOCK_BYTES

ROW_BYTES = 4 * BLOCK  # of one number of four bytes for each neighbour
RECORD_BYTES = BLOCK_BYTES + 3 * ROW_BYTES  # codes, factors, penalties and ids of the neighbours
RECORD = RECORD_BYTES // 4  # numbers of four bytes
FACTORS, IDS = BLOCK_BYTES // 4, BLOCK_BYTES // 4 + 2 * BLOCK  # where they begin in a record


class GraphArrays(NamedTuple):
    """A graph of n nodes, with one record of 32 sketches each, and r records of first nodes behind them; b = n + r.

    centre float32[d], rotation float32[d, 128]: the map to the coordinates of codes. records uint8[b, 1408]: all that a
    search reads of a node beside its vector, in one piece of memory.
    """

    centre: Float32Array
    rotation: Float32Array
    records: UInt8Array

    @property
    def codes(self) -> UInt8Array:
        """Return the sketches of the differences of neighbours from their node, or the centre: uint8[b, 1024], a view.

        First nodes are the neighbours of the centre.
        """
        return self.records[:, :BLOCK_BYTES]

    @property
    def terms(self) -> Float32Array:
        """Return the factors and the penalties: float32[b, 2, 32], a view; these are infinite without a neighbour."""
        return self.records[:, BLOCK_BYTES:-ROW_BYTES].view(np.float32).reshape(-1, 2, BLOCK)

    @property
    def links(self) -> Int32Array:
        """Return the ids of the neighbours: int32[b, 32], a view."""
        return self.records[:, -ROW_BYTES:].view(np.int32)
