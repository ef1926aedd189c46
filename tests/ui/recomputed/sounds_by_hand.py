"""Features of 16 kHz WAV files by YAMNet, as docs and docstrings describe them."""

import wave

import numpy as np
import pyarrow.parquet as pq
from ai_edge_litert.interpreter import Interpreter, OpResolverType

_INPUT, _STEP = 15_600, 7_800  # samples
_INNER = "tower0/network/layer28/reduce_mean"


class YamnetByHand:
    """YAMNet's inner vector, and the feature of a sound that is computed from it."""

    def __init__(self, model):
        self._model = Interpreter(
            model_path=str(model),
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._model.allocate_tensors()
        (self._input,) = (tensor["index"] for tensor in self._model.get_input_details())
        (inner,) = (tensor for tensor in self._model.get_tensor_details() if tensor["name"] == _INNER)
        self._inner, (self._scale, self._zero) = inner["index"], inner["quantization"]
        rng = np.random.default_rng(20_260)
        self._signs = rng.integers(0, 2, 1024) * 2.0 - 1
        rows = np.sort(rng.permutation(1024)[:128])
        self._hadamard = np.array([[(-1.0) ** (int(i) & j).bit_count() for j in range(1024)] for i in rows])

    def feature(self, samples):
        """Return the feature of samples, float32[n] in [-1, 1]: float32[128]."""
        starts = [*range(0, len(samples) - _INPUT + 1, _STEP)]
        if len(samples) - starts[-1] - _INPUT > _STEP // 2:
            starts.append(len(samples) - _INPUT)
        mean = np.mean([self._frame(samples[start : start + _INPUT]) for start in starts], axis=0)
        return (self._hadamard @ (np.sqrt(np.maximum(mean, 0)) * self._signs) / 32).astype(np.float32)

    def _frame(self, samples):
        self._model.set_tensor(self._input, np.ascontiguousarray(samples))
        self._model.invoke()
        return self._scale * (self._model.get_tensor(self._inner).ravel().astype(np.float64) - self._zero)


def features(folder, dataset, model):
    """Return the features of the clips of a prepared folder of WAV files, by split, in the order of the rows."""
    yamnet = YamnetByHand(model)
    table = pq.read_table(dataset / "clips.parquet", columns=["clip_id", "split", "row", "media"]).to_pylist()
    found = {split: [] for split in ("train", "validation", "test")}
    for clip in sorted(table, key=lambda clip: clip["row"]):
        with wave.open(str(folder / clip["media"])) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32_768
        quarter = len(samples) // 4
        part = samples[quarter : len(samples) - quarter] if clip["clip_id"].endswith("~middle") else samples
        found[clip["split"]].append(yamnet.feature(part))
    return {split: np.array(rows, np.float32).reshape(-1, 128) for split, rows in found.items()}
