"""Builder of the embedded sample: 20,000 synthesised clips, each determined by its number, and their features.

``python -m data_prep sample --out DIR`` writes it; ``python -m data_prep.sample.build`` fits the projection of the
features again, which changes every feature and is needed only after large changes of the sounds.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data_prep.audioset.splits import split_of
from data_prep.dataset.features import mean_features
from data_prep.dataset.output_folder import check_target
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from data_prep.errors import InputError
from data_prep.sample import MAX_CLIPS
from data_prep.sample.embedding import EMBEDDER, PROJECTION_FILE, embed, fit_projection, statistics
from data_prep.sample.logmel import log_mel
from data_prep.sample.synth import CLIP_SECONDS, KINDS, Kind, Recipe, render

N_CLIPS = 20_000

_SEED = 2017  # the year of AudioSet
_SECOND_KIND_SHARE = 0.2  # share of clips with a second kind of sound
_OPTIONAL_LABEL_SHARE = 0.4  # share of a kind's clips that have one of its optional labels
_TEST_EVERY = 10
_FITTING_NUMBERS = range(MAX_CLIPS, MAX_CLIPS + 6_000)
_BATCH = 100
_MIN_CLIPS_PARALLEL = 500  # fewer take less time than starting two processes

_ABOUT = About(
    title="Earshot sample (synthesised)",
    source="Synthetic: every sound is computed from its recipe by Earshot itself (python -m data_prep sample); "
    "nothing was recorded. Label names are AudioSet's.",
    licence="CC0-1.0",
    media="synth",
    features={
        "aggregation": "one vector a clip: mean, spread and rhythm of 64 log-mel bands over 2.5 s",
        "embedder": EMBEDDER,
    },
)
_LABELS_FILE = Path(__file__).with_name("synth") / "labels.json"
LABELS = tuple(Label(mid, name, tuple(parents)) for mid, name, parents in json.loads(_LABELS_FILE.read_bytes()))
"""Labels that a clip of the sample may have, in AudioSet's order (Gemmeke et al., ICASSP 2017)."""

_LABEL_INDEX = {label.name: index for index, label in enumerate(LABELS)}
_KINDS = tuple(KINDS.values())
_CUMULATIVE_SHARES = np.cumsum([kind.share for kind in _KINDS]) / sum(kind.share for kind in _KINDS)


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """The id, split, recipe and label indices of one clip."""

    clip_id: str
    split: str
    recipe: Recipe
    labels: tuple[int, ...]


def plan_clip(number: int) -> ClipPlan:
    """Return the plan of clip ``number``, which depends only on the number."""
    rng = np.random.default_rng([_SEED, number])
    kinds = [_draw_kind(rng)]
    if not kinds[0].clean and rng.random() < _SECOND_KIND_SHARE:
        other = _draw_kind(rng)
        if other is not kinds[0] and not other.clean:
            kinds.append(other)
    names = dict.fromkeys(name for kind in kinds for name in _draw_labels(rng, kind))
    clip_id = f"{kinds[0].name}-{number:05d}"
    split = split_of("eval" if number % _TEST_EVERY == 0 else "synth", clip_id)
    recipe = Recipe(tuple(kind.name for kind in kinds), number)
    return ClipPlan(clip_id, split, recipe, tuple(sorted(_LABEL_INDEX[name] for name in names)))


def _draw_kind(rng: np.random.Generator) -> Kind:
    return _KINDS[int(np.searchsorted(_CUMULATIVE_SHARES, rng.random(), side="right"))]


def _draw_labels(rng: np.random.Generator, kind: Kind) -> Iterator[str]:
    yield from kind.labels
    yield from (name for name in kind.optional_labels if rng.random() < _OPTIONAL_LABEL_SHARE)


def make_batch(numbers: Iterable[int]) -> ClipBatch:
    """Render the clips with these numbers and compute their features."""
    plans = [plan_clip(number) for number in numbers]
    frames = np.stack([embed(render(p.recipe.to_json())) for p in plans])  # uint8 (n, 128)
    ones = np.ones(len(plans), dtype=np.int64)
    return ClipBatch(
        clip_id=[p.clip_id for p in plans],
        split=[p.split for p in plans],
        media=[p.recipe.to_json() for p in plans],
        start_s=0.0 * ones,
        end_s=CLIP_SECONDS * ones,
        labels=[p.labels for p in plans],
        n_frames=ones,
        features=mean_features(frames, ones),
    )


def write_sample(out: str | Path, clips: int = N_CLIPS, *, overwrite: bool = False) -> None:
    """Write the sample, or its first ``clips`` clips, as a prepared dataset to the folder ``out``.

    Its features have 8 bits, and are stored as uint8. All of it takes a few minutes in two processes, with a progress
    bar on stderr. Raises InputError for an invalid number of clips, OutputError when ``out`` exists (unless
    ``overwrite``) or cannot be written.
    """
    if not 1 <= clips <= MAX_CLIPS:
        raise InputError(f"cannot make a sample of {clips:,} clips: expected 1 to {MAX_CLIPS:,}")
    check_target(Path(out), overwrite=overwrite)
    write_dataset(out, _ABOUT, LABELS, _batches(clips), dtype="uint8", overwrite=overwrite)


def _batches(clips: int) -> Iterator[ClipBatch]:
    chunks = [range(start, min(clips, start + _BATCH)) for start in range(0, clips, _BATCH)]
    interval = 0.1 if sys.stderr.isatty() else 10  # seconds: few lines in a log file
    with tqdm(desc="synthesising", total=clips, unit=" clips", mininterval=interval, file=sys.stderr) as bar:
        for batch in _make_batches(chunks):
            yield batch
            bar.update(len(batch))


def _make_batches(chunks: list[range]) -> Iterator[ClipBatch]:
    """Yield the batches in order; many are computed in two processes."""
    if sum(map(len, chunks)) < _MIN_CLIPS_PARALLEL:
        yield from map(make_batch, chunks)
        return
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make_batch, chunks)


if __name__ == "__main__":
    recipes = (plan_clip(number).recipe for number in tqdm(_FITTING_NUMBERS, desc="fitting", unit=" clips"))
    rows = np.stack([statistics(log_mel(render(recipe.to_json()))) for recipe in recipes])
    np.save(PROJECTION_FILE, fit_projection(rows), allow_pickle=False)
