"""A recorded or uploaded sound -> a query among the clips of a dataset, by whatever way leads there honestly."""

import io
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from data_prep import embedding
from data_prep.arrays import Float32Array
from data_prep.dataset import Dataset
from data_prep.errors import InputError
from data_prep.features import mean_features
from data_prep.sounds import yamnet
from data_prep.sounds.audio import Samples, pieces
from data_prep.sounds.bridge import Bridge
from data_prep.sounds.model import get_model
from data_prep.sounds.yamnet import Yamnet
from data_prep.synth import N_SAMPLES
from data_prep.synth.scene import level

LONGEST_S = 60.0  # of a recording
LARGEST = 5_000_000  # bytes of an upload
_LOUDNESS = 10 ** (-19.5 / 20)  # the middle of what the sample's clips have in their loudest quarter of a second

Way = Literal["embedder", "words"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query made of a sound: feature float32[dim]; heard: the labels YAMNet gives it, with scores, surest first.

    heard is empty where YAMNet has no part in it. seconds: how much of the sound there was.
    """

    feature: Float32Array
    heard: tuple[tuple[str, float], ...]
    seconds: float


class Asking:
    """Turns sounds into queries of one dataset. What that takes (a model, label centroids) is made ready at first use.

    `way`: "embedder", the dataset's own, so that a query stands where the clip itself would; or "words", the bridge
    over labels (see `data_prep.sounds.bridge`).
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        embedder = dataset.manifest["features"].get("embedder")
        self._listens, self._computes = embedder == yamnet.EMBEDDER, embedder == embedding.EMBEDDER
        self.way: Way = "embedder" if self._listens or self._computes else "words"

    def hear(self, data: bytes, name: str = "your sound") -> Asked:
        """Return the query for a sound file. InputError says what is wrong with it; it is not kept."""
        if len(data) > LARGEST:
            raise InputError(f"{name} has {len(data) / 1e6:.1f} MB, expected at most {LARGEST / 1e6:.0f} MB: cut it")
        found = list(pieces(io.BytesIO(data), name, longest_s=LONGEST_S))
        samples, seconds = np.concatenate([piece.samples for piece in found]), found[-1].end_s
        if self._computes:
            frame = embedding.embed(_as_in_the_sample(samples))
            return Asked(mean_features(frame[None], np.ones(1, np.int64))[0], (), seconds)
        heard = self._yamnet.hear(samples)
        best = np.argsort(-heard.scores, kind="stable")[:5]
        names = tuple((self._yamnet.names[i], float(heard.scores[i])) for i in best)
        feature = heard.feature if self._listens else self._bridge.feature(heard.scores)
        return Asked(feature, names, seconds)

    @cached_property
    def _yamnet(self) -> Yamnet:
        return Yamnet(get_model())

    @cached_property
    def _bridge(self) -> Bridge:
        return Bridge.over(self._dataset, self._yamnet.names)


def _as_in_the_sample(samples: Samples) -> Samples:
    """Return the loudest 2.5 seconds, as loud as the sample's clips; a shorter sound is followed by silence."""
    if len(samples) < N_SAMPLES:
        samples = np.pad(samples, (0, N_SAMPLES - len(samples)))
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    begin = int((energy[N_SAMPLES:] - energy[:-N_SAMPLES]).argmax())
    loudest = samples[begin : begin + N_SAMPLES].astype(np.float64)
    return level(loudest, np.zeros_like(loudest), _LOUDNESS).astype(np.float32)
