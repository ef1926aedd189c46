"""Encoded vectors: features stored in 8 or 16 bits per value, decoded to float32 where they are read."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

UINT8, FLOAT16 = np.dtype(np.uint8), np.dtype(np.float16)
_MAX_STEPS = 2**20
_BLOCK_ROWS = 16_384
_BLOCK_VALUES = 262_144  # decoded at a time
_Float32Array = npt.NDArray[np.float32]


class EncodedVectors:
    """n vectors of d values, each `offset + scale * stored`, rounded once to float32.

    stored: uint8[n, d], or float16[n, d] with a scale of 1 and an offset of 0; in C order, and not copied, so that it
        may be a memory map.
    scale, offset: finite float32 numbers; the scale is not negative. The offset is 0 or between 2^-20 and 2^20 times
        the scale, up to its sign, or the scale is 0: otherwise one of the two would be lost in float32.

    Rows are read as those of an array: `vectors[rows]` and `np.asarray(vectors)` decode them, as float32. Raises
    ValueError for another dtype, shape, scale or offset.
    """

    dtype = np.dtype(np.float32)  # of the values
    ndim = 2

    def __init__(self, stored: npt.NDArray[Any], scale: float | np.float32 = 1, offset: float | np.float32 = 0) -> None:
        if stored.dtype not in {UINT8, FLOAT16}:
            raise ValueError(f"encoded vectors have dtype {stored.dtype}; expected uint8 or float16")
        if stored.ndim != 2 or not stored.flags.c_contiguous:
            raise ValueError(f"encoded vectors have shape {stored.shape}; expected (rows, values) in C order")
        self.scale, self.offset = np.float32(scale), np.float32(offset)
        if not (np.isfinite(self.scale) and np.isfinite(self.offset) and self.scale >= 0):
            raise ValueError(f"the scale is {scale} and the offset {offset}; expected finite numbers, scale >= 0")
        steps = abs(float(self.offset)) / (float(self.scale) or abs(float(self.offset)) or 1.0)
        if steps and not 1 / _MAX_STEPS <= steps <= _MAX_STEPS:
            raise ValueError(
                f"the offset is {offset} and the scale {scale}; expected 2^-20 to 2^20 times the scale, or 0"
            )
        if stored.dtype == FLOAT16 and (self.scale != 1 or self.offset != 0):
            raise ValueError(f"the scale is {scale} and the offset {offset}; of float16 they are 1 and 0")
        self.stored = stored.view()
        self.stored.flags.writeable = False
        self.shape: tuple[int, int] = (stored.shape[0], stored.shape[1])

    @classmethod
    def encode(cls, X: npt.NDArray[np.floating[Any]], dtype: npt.DTypeLike) -> Self:
        """Return finite vectors, float[n, d], encoded: float16, or uint8 that divides their range into 255 steps.

        Raises ValueError for values outside float16's range, ±65,504.
        """
        if np.dtype(dtype) == FLOAT16:
            with np.errstate(over="ignore"):
                halves = np.ascontiguousarray(X, np.float16)
            if not np.isfinite(halves).all():
                raise ValueError(f"values up to {np.abs(X).max():g} do not fit float16; expected at most 65,504")
            return cls(halves)
        low, high = (float(X.min()), float(X.max())) if X.size else (0.0, 0.0)
        return cls.encode_between(X, low, high)

    @classmethod
    def encode_between(cls, X: npt.NDArray[np.floating[Any]], low: float, high: float) -> Self:
        """Return vectors, float[n, d] with values in [low, high], as uint8: 0 stands for low, and 255 for high."""
        scale = np.float32(max((high - low) / 255, abs(low) / _MAX_STEPS * 1.001))
        offset = np.float32(low if abs(low) > 1.001 * float(scale) / _MAX_STEPS else 0)
        stored = np.empty(X.shape, np.uint8)
        for start in range(0, len(X), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            steps = (X[rows].astype(np.float64) - float(offset)) / (float(scale) or 1.0)
            stored[rows] = np.clip(np.rint(steps), 0, 255)
        return cls(stored, scale, offset)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> _Float32Array:
        """Return some rows decoded; `rows` is an integer, a slice or an array, as for an array float32[n, d]."""
        stored = self.stored[rows]
        if stored.dtype == FLOAT16:
            decoded = np.asarray(stored, np.float32)
        else:
            # Rounded once, as by a fused multiply-add: product and sum are exact in float64.
            values = (float(self.offset) + float(self.scale) * np.arange(256)).astype(np.float32)
            decoded = np.empty(stored.shape, np.float32)
            bytes_, out = stored.reshape(-1), decoded.reshape(-1)
            for start in range(0, len(out), _BLOCK_VALUES):  # as an index each value takes 8 bytes
                out[start : start + _BLOCK_VALUES] = values[bytes_[start : start + _BLOCK_VALUES]]
        decoded.flags.writeable = not isinstance(rows, slice)  # a slice of a read-only array is read-only too
        return decoded

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return all vectors decoded, float32[n, d], or as another dtype."""
        if copy is False:
            raise ValueError("encoded vectors cannot be an array without a copy")
        return self[:].astype(dtype or np.float32, copy=False)

    @property
    def nbytes(self) -> int:
        """Return the bytes that the stored values take."""
        return self.stored.nbytes
