"""YAMNet: computes the feature of a sound (128 numbers) and its scores over 521 of AudioSet's labels.

The model (M. Plakal, D. Ellis 2020; MobileNet v1 trained on AudioSet) takes 0.975 s at a time. The input of its last
layer is a vector of 1,024 numbers >= 0, most of them 0. A clip's feature is computed from these vectors in three steps:
the mean over the clip's frames; the square root, which keeps a few large numbers from dominating (R. Arandjelović and
A. Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012); and a fixed random projection
to 128 dimensions that preserves angles (N. Ailon, B. Chazelle, "Approximate nearest neighbors and the fast
Johnson-Lindenstrauss transform", STOC 2006): random signs, a Walsh-Hadamard transform, 128 of its 1,024 rows. It uses
only signs and sums, so it is the same on every machine. `numpy.random.default_rng(20_260)` draws the signs,
integers(0, 2, 1024) * 2 - 1, and then the rows, the first 128 of permutation(1024), sorted.
"""

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from data_prep.arrays import Float32Array, Float64Array, Int64Array
from data_prep.sounds.model_file import Model
from data_prep.sounds.reader import Samples

DIM = 128
EMBEDDER = "YAMNet, 1,024 numbers a frame; mean, square root, fixed random projection to 128"

WINDOW = 15_600  # samples of the model's input: 0.975 s
HOP = 7_800
_INNER = "tower0/network/layer28/reduce_mean"
_WIDTH = 1024
_SEED = 20_260


@dataclass(frozen=True, slots=True)
class YamnetOutput:
    """YAMNet's output for a clip: feature float32[128]; scores float32[521] in [0, 1], a mean over `n_frames`."""

    feature: Float32Array
    scores: Float32Array
    n_frames: int


class Yamnet:
    """The loaded model; threads that run it wait for each other."""

    def __init__(self, model: Model, n_threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self.names = model.names
        self._lock = threading.Lock()  # the interpreter holds one clip's tensors
        # The default delegate computes faster but leaves the inner tensor empty.
        self._interpreter: Any = Interpreter(
            model_content=model.content,
            num_threads=n_threads,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]
        inner = next(tensor for tensor in self._interpreter.get_tensor_details() if tensor["name"] == _INNER)
        self._inner: int = inner["index"]
        self._scale, self._zero = inner["quantization"]

    def run(self, samples: Samples) -> YamnetOutput:
        """Run the model on a clip: float32[n] at 16 kHz, full scale 1, n >= 1."""
        frames = _frames(samples)
        inner = np.zeros(_WIDTH, np.float64)
        scores = np.zeros(len(self.names), np.float64)
        for frame in frames:
            with self._lock:
                self._interpreter.set_tensor(self._input, frame)
                self._interpreter.invoke()
                at_inner, at_output = (self._interpreter.get_tensor(index) for index in (self._inner, self._output))
            inner += self._scale * (at_inner.ravel().astype(np.float64) - self._zero)
            scores += at_output.ravel()
        feature = project((inner / len(frames))[None])[0]
        return YamnetOutput(feature, (scores / len(frames)).astype(np.float32), len(frames))


def project(inner: Float64Array) -> Float32Array:
    """Return the features of mean inner vectors: float64[n, 1024], >= 0 -> float32[n, 128]."""
    signs, rows = _projection()
    return np.asarray(hadamard(np.sqrt(np.maximum(inner, 0)) * signs)[:, rows], np.float32)


def hadamard(X: Float64Array) -> Float64Array:
    """Return the orthonormal Walsh-Hadamard transform of each row: float64[n, 2^m] -> float64[n, 2^m]."""
    n, width = X.shape
    step = 1
    while step < width:
        pairs = X.reshape(n, -1, 2, step)
        sums = pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]
        X = np.stack(sums, axis=2).reshape(n, width)
        step *= 2
    return np.asarray(X / np.sqrt(width))


@cache
def _projection() -> tuple[Float64Array, Int64Array]:
    rng = np.random.default_rng(_SEED)
    signs = rng.integers(0, 2, _WIDTH).astype(np.float64) * 2 - 1
    return signs, np.sort(rng.permutation(_WIDTH)[:DIM]).astype(np.int64)


def _frames(samples: Samples) -> list[Samples]:
    """Return a clip's windows, which overlap by half; a short clip is repeated to fill one.

    If more than a quarter of a window is left at the end, one more window ends with the clip.
    """
    if len(samples) < WINDOW:
        return [np.resize(samples, WINDOW)]
    starts = list(range(0, len(samples) - WINDOW + 1, HOP))
    if len(samples) - (starts[-1] + WINDOW) > HOP // 2:
        starts.append(len(samples) - WINDOW)
    return [np.ascontiguousarray(samples[start : start + WINDOW]) for start in starts]
