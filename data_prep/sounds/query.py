"""Queries from sounds: a recording or an upload is embedded as a feature of a dataset."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from data_prep.arrays import Float32Array
from data_prep.dataset.features import mean_features
from data_prep.dataset.reader import Dataset
from data_prep.errors import InputError
from data_prep.sample import embedding
from data_prep.sample.synth import N_SAMPLES
from data_prep.sample.synth.scene import level
from data_prep.sounds import yamnet
from data_prep.sounds.decoder_pool import shared_pool
from data_prep.sounds.label_centroids import LabelCentroids, can_query
from data_prep.sounds.model_file import get_model, model_path
from data_prep.sounds.reader import Samples
from data_prep.sounds.yamnet import Yamnet

MAX_SOUND_S = 60.0  # length of a recording
MAX_UPLOAD_BYTES = 20_000_000  # a minute of stereo at 48 kHz and 24 bits has 17.3 MB
_LOUDNESS = 10 ** (-19.5 / 20)  # median over the sample's clips of the RMS of their loudest quarter of a second


@dataclass(frozen=True, slots=True)
class SoundQuery:
    """A query made from a sound.

    feature: float32[dim]. labels: (name, score) of the five labels that YAMNet scores highest, best first; empty if
    YAMNet is not used. seconds: length of the sound. note: what is wrong with its file; else empty.
    """

    feature: Float32Array
    labels: tuple[tuple[str, float], ...]
    seconds: float
    note: str = ""


class SoundEmbedder:
    """Embeds sounds as queries for one dataset; the model and the label centroids are loaded at first use.

    `method`: "embedder" if the dataset's own embedder is available, so that a clip of the dataset as a query has the
    feature stored for it; else "labels", by `data_prep.sounds.label_centroids`.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        embedder = dataset.manifest["features"].get("embedder")
        self._is_yamnet, self._is_log_mel = embedder == yamnet.EMBEDDER, embedder == embedding.EMBEDDER
        self.method: Literal["embedder", "labels"] = "embedder" if self._is_yamnet or self._is_log_mel else "labels"

    @property
    def can_embed(self) -> bool:
        """Whether a sound can become a query; True also where that is not known without a valid file of the model."""
        if self.method == "embedder" or not model_path().is_file():
            return True
        try:
            return can_query(self._dataset, self._label_names)
        except InputError:
            return True

    @cached_property
    def _label_names(self) -> tuple[str, ...]:
        return get_model().names

    def embed(self, data: bytes, name: str = "your sound") -> SoundQuery:
        """Return the query for the bytes of a sound file; `name` is for messages.

        Raises InputError for a file that is too large, too long, silent or not a sound.
        """
        if len(data) > MAX_UPLOAD_BYTES:
            limit = MAX_UPLOAD_BYTES / 1e6
            raise InputError(f"{name} has {len(data) / 1e6:.1f} MB, expected at most {limit:.0f} MB: cut it")
        model = None if self._is_log_mel else self._yamnet  # first: a download that fails takes seconds
        clips = list(shared_pool().read_clips(data, name, max_s=MAX_SOUND_S))
        samples, seconds = np.concatenate([clip.samples for clip in clips]), clips[-1].end_s
        if model is None:
            frame = embedding.embed(_loudest_excerpt(samples))
            return SoundQuery(mean_features(frame[None], np.ones(1, np.int64))[0], (), seconds, clips[-1].note)
        output = model.run(samples)
        best = np.argsort(-output.scores, kind="stable")[:5]
        labels = tuple((model.names[i], float(output.scores[i])) for i in best)
        feature = output.feature if self._is_yamnet else self._centroids.query(output.scores)
        return SoundQuery(feature, labels, seconds, clips[-1].note)

    @cached_property
    def _yamnet(self) -> Yamnet:
        return Yamnet(get_model(retry=False))  # somebody waits for the answer

    @cached_property
    def _centroids(self) -> LabelCentroids:
        return LabelCentroids.from_dataset(self._dataset, self._yamnet.names)


def _loudest_excerpt(samples: Samples) -> Samples:
    """Return the loudest 2.5 seconds, at the level of the sample's clips; a shorter sound is padded with zeros."""
    if len(samples) < N_SAMPLES:
        samples = np.pad(samples, (0, N_SAMPLES - len(samples)))
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    start = int((energy[N_SAMPLES:] - energy[:-N_SAMPLES]).argmax())
    loudest = samples[start : start + N_SAMPLES].astype(np.float64)
    return level(loudest, np.zeros_like(loudest), _LOUDNESS).astype(np.float32)
