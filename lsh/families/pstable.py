"""p-stable projections: the hash family for Euclidean distance (Datar, Immorlica, Indyk & Mirrokni 2004).

Draw a vector a with independent Gaussian entries and an offset b, uniform in [0, w). The line along a is divided into
buckets of width w, and the hash of x is the number of the bucket that contains its projection,
    h(x) = floor((a.x + b) / w).
The Gaussian is 2-stable: a.x - a.y has the distribution of |x - y| times a standard normal. Two vectors at distance c
therefore collide with
    p(c) = 1 - 2 Φ(-w/c) - 2 / (sqrt(2π) w/c) · (1 - exp(-w² / 2c²))
which is their integral ∫₀ʷ f(t/c)/c · (1 - t/w) dt (section 3.2), f being the density of |N(0, 1)|, in closed form.

Bucket numbers are stored in a few bits, counted from the lowest in the data along each line. Those outside the range
of the data saturate: the outermost bucket on each side is open-ended. That can add collisions among outliers, but never
lose one.

M. Datar, N. Immorlica, P. Indyk, V. Mirrokni, "Locality-sensitive hashing scheme based on p-stable distributions",
SoCG 2004.
"""

import math
from dataclasses import dataclass

import numpy as np

from lsh.arrays import Float32Array, Float64Array, Int64Array, UInt8Array, read_only
from lsh.errors import ScaleError
from lsh.kernels.hashing import adjacent_buckets, bucket_numbers

_MAX_SYMBOL_BITS = 8
_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True, slots=True)
class PStable:
    """Directions float32[dim, n_functions], offsets float32[n_functions] in [0, 1) bucket widths, and the width w.

    lowest: int64[n_functions], the bucket number that each function stores as symbol 0.
    """

    directions: Float32Array
    offsets: Float32Array
    width: float
    lowest: Int64Array
    symbol_bits: int = _MAX_SYMBOL_BITS
    n_perturbations: int = 2  # per symbol: a bucket has two neighbours

    @classmethod
    def draw(cls, dim: int, n_functions: int, rng: np.random.Generator, width: float) -> "PStable":
        """Draw `n_functions` projections with buckets of `width`, in the units of the data."""
        for_directions, for_offsets = rng.spawn(2)  # independent streams, so that more functions extend fewer
        directions = for_directions.standard_normal((n_functions, dim), dtype=np.float32).T.copy()
        offsets = for_offsets.random(n_functions, dtype=np.float32)
        lowest = np.zeros(n_functions, np.int64)
        read_only(directions, offsets, lowest)
        return cls(directions, offsets, width, lowest)

    def fitted_to(self, projections: Float32Array, *, saturate: bool = False) -> "PStable":
        """Return the same family with just enough bits per symbol for the buckets that contain `projections`.

        Data with far outliers can need more buckets than 8 bits can number: with `saturate` those around the median are
        numbered and the rest share the outermost two, otherwise ScaleError is raised.
        """
        buckets = self._buckets(projections)
        lowest, spans = buckets.min(axis=0), np.ptp(buckets, axis=0)
        bits = max(1, int(spans.max()).bit_length())
        if bits > _MAX_SYMBOL_BITS and saturate:
            middle = np.median(buckets, axis=0).astype(np.int64) - 2 ** (_MAX_SYMBOL_BITS - 1)
            lowest, bits = np.where(spans < 2**_MAX_SYMBOL_BITS, lowest, middle), _MAX_SYMBOL_BITS
        if bits > _MAX_SYMBOL_BITS:
            raise ScaleError(
                f"bucket_width is {self.width:g}, which divides the data into {int(spans.max()) + 1:,} buckets per "
                f"projection; expected at most {2**_MAX_SYMBOL_BITS}: leave bucket_width out for a width taken from "
                "the data"
            )
        lowest = lowest - np.maximum(2**bits - 1 - spans, 0) // 2  # unused symbols on both sides
        read_only(lowest)
        return PStable(self.directions, self.offsets, self.width, lowest, bits)

    def hash(self, projections: Float32Array) -> UInt8Array:
        """Return bucket numbers as symbols, counted from the lowest stored: uint8[n, f] for the first f functions."""
        symbols = np.empty(projections.shape, np.uint8)
        if not bucket_numbers(projections, self.offsets, self.width, self.lowest, self._top, symbols):
            raise self._overflow()
        return symbols

    def perturbations(self, projections: Float32Array) -> tuple[UInt8Array, Float32Array]:
        """Return the two adjacent symbols of each hash and the costs of probing them, uint8 and float32[n, f, 2].

        A cost is the squared distance to the boundary of that bucket, in bucket widths (Lv et al. 2007, section 4.3);
        infinity for a bucket outside the stored range.
        """
        symbols, costs = np.empty((*projections.shape, 2), np.uint8), np.empty((*projections.shape, 2), np.float32)
        adjacent_buckets(projections, self.offsets, self.width, self.lowest, self._top, symbols, costs)
        return symbols, costs

    def collision_probability(self, distance: Float64Array) -> Float64Array:
        """Return p(c) for distances c >= 0 in the units of the data (see the module)."""
        with np.errstate(divide="ignore", over="ignore"):
            ratio = self.width / np.asarray(distance, np.float64)  # w/c
            tails = 1.0 - _erf(ratio / math.sqrt(2.0))  # 2 Φ(-w/c)
            spread = 2.0 / (math.sqrt(2.0 * math.pi) * ratio) * -np.expm1(-(ratio**2) / 2.0)
        return np.asarray(np.clip(1.0 - tails - spread, 0.0, 1.0))

    @property
    def nbytes(self) -> int:
        """Return the bytes that the functions take."""
        return self.directions.nbytes + self.offsets.nbytes + self.lowest.nbytes

    @property
    def _top(self) -> int:
        return (1 << self.symbol_bits) - 1

    def _buckets(self, projections: Float32Array) -> Int64Array:
        with np.errstate(over="ignore"):  # checked below
            scaled = projections.astype(np.float64)  # then in place: copies would be the peak memory of building
            scaled /= self.width
        scaled += self.offsets[: projections.shape[-1]]
        if not -(2.0**62) < scaled.min(initial=0) <= scaled.max(initial=0) < 2.0**62:
            raise self._overflow()
        return np.floor(scaled, out=scaled).astype(np.int64)

    def _overflow(self) -> ScaleError:
        return ScaleError(f"bucket_width {self.width:g} is too small for this data: bucket numbers overflow 64 bits")
