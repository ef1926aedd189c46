"""Report of a conversion: counts, losses, notes, and the description of the dataset."""

from collections import Counter
from dataclasses import dataclass, field

from data_prep.audioset.splits import SOURCES
from data_prep.dataset.schema import About

_DEFINITIONS = {
    "source": "AudioSet's ontology, https://github.com/audioset/ontology, unchanged",
    "licence": "CC BY-SA 4.0, Google",
}
_QUANTISATION = "uint8 x stands for x / 255 * 4 - 2"


@dataclass(slots=True)
class Loss:
    """Part of the input that was left out; `clips_lost` is None if no list states the expected number."""

    where: str
    offset: int
    reason: str
    clips_kept: int = 0
    clips_lost: int | None = None

    def __str__(self) -> str:
        """Return the loss as one line."""
        lost = "an unknown number" if self.clips_lost is None else f"{self.clips_lost:,}"
        return f"{self.where}, at byte {self.offset:,}: {self.reason}; {self.clips_kept:,} clips kept, {lost} lost"


@dataclass(slots=True)
class Report:
    """Counts of clips by AudioSet folder and by split, and of frames; losses; notes about the input."""

    by_source: Counter[str] = field(default_factory=Counter)
    by_split: Counter[str] = field(default_factory=Counter)
    n_frames: int = 0
    n_short: int = 0  # clips of fewer than 10 frames
    losses: list[Loss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def n_clips(self) -> int:
        """Number of clips converted."""
        return self.by_source.total()

    def about(self) -> About:
        """Return the description of the dataset that these clips make."""
        parts = [f"{self.by_source[source]:,} {word}" for source, word in SOURCES.items() if self.by_source[source]]
        return About(
            title=f"AudioSet, {self.n_clips:,} clips",
            source="Google AudioSet (Gemmeke et al., ICASSP 2017), VGGish features v1, changed by Earshot: frames are "
            "averaged, and training clips divided into train and validation; "
            f"https://research.google.com/audioset/download.html: {', '.join(parts)} clips",
            licence="Features and labels: CC BY 4.0, Google. Ontology: CC BY-SA 4.0, Google. "
            "Sounds: on YouTube, each under its uploader's terms.",
            media="youtube",
            metric="cosine",
            features={"aggregation": "mean of the clip's frames", "embedder": "VGGish", "quantisation": _QUANTISATION},
            definitions=_DEFINITIONS,
        )
