"""The embedded sample: some 20,000 clips, each decided by its number alone, rendered, featured and written.

``python -m data_prep sample --out DIR`` makes it; ``python -m data_prep.sample`` fits the projection of its features
anew, which changes every feature and is done only when the sounds have changed much.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Never

import numpy as np
from tqdm import tqdm

from data_prep.arrays import Float32Array
from data_prep.atomic import check_target
from data_prep.embedding import EMBEDDER, PROJECTION_FILE, embed, fit_projection, statistics
from data_prep.errors import InputError
from data_prep.features import mean_features
from data_prep.logmel import log_mel
from data_prep.schema import About, ClipBatch, Label
from data_prep.splits import split_of
from data_prep.synth import CLIP_SECONDS, KINDS, Kind, Recipe, render
from data_prep.writer import write_dataset

N_CLIPS = 20_000
MOST_CLIPS = 100_000  # an id has five digits; the clips after these fit the projection

_SEED = 2017  # the year of AudioSet
_COMPANY = 0.2  # share of the clips in which a second kind sounds
_PERHAPS = 0.4  # share of the clips of a kind that carry one of its optional labels
_TEST_EVERY = 10
_CALIBRATION = range(MOST_CLIPS, MOST_CLIPS + 6_000)
_BATCH = 100
_FEW = 500  # clips that are made sooner than two processes start

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
"""AudioSet's labels that a clip of the sample may carry, in AudioSet's order (Gemmeke et al., ICASSP 2017)."""

_LABEL_INDEX = {label.name: index for index, label in enumerate(LABELS)}
_KINDS = tuple(KINDS.values())
_SHARES = np.cumsum([kind.share for kind in _KINDS]) / sum(kind.share for kind in _KINDS)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one clip will be, before any of it is computed."""

    clip_id: str
    split: str
    recipe: Recipe
    labels: tuple[int, ...]


def plan(number: int) -> Plan:
    """Decide clip ``number``; it depends on nothing else, so any part of the sample can be made alone."""
    rng = np.random.default_rng([_SEED, number])
    kinds = [_draw_kind(rng)]
    if not kinds[0].clean and rng.random() < _COMPANY:
        other = _draw_kind(rng)
        if other is not kinds[0] and not other.clean:
            kinds.append(other)
    names = dict.fromkeys(name for kind in kinds for name in _names(rng, kind))
    clip_id = f"{kinds[0].name}-{number:05d}"
    split = split_of("eval" if number % _TEST_EVERY == 0 else "synth", clip_id)
    recipe = Recipe(tuple(kind.name for kind in kinds), number)
    return Plan(clip_id, split, recipe, tuple(sorted(_LABEL_INDEX[name] for name in names)))


def _draw_kind(rng: np.random.Generator) -> Kind:
    return _KINDS[int(np.searchsorted(_SHARES, rng.random(), side="right"))]


def _names(rng: np.random.Generator, kind: Kind) -> Iterator[str]:
    yield from kind.labels
    yield from (name for name in kind.perhaps if rng.random() < _PERHAPS)


def make_batch(numbers: Iterable[int]) -> ClipBatch:
    """Render the clips with these numbers and compute their features."""
    plans = [plan(number) for number in numbers]
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

    Takes a few minutes for all of it, on two processes, with a bar on stderr. Raises InputError for a number of clips
    that cannot be, OutputError when ``out`` exists (unless ``overwrite``) or cannot be written.
    """
    if not 1 <= clips <= MOST_CLIPS:
        raise InputError(f"cannot make a sample of {clips:,} clips: expected 1 to {MOST_CLIPS:,}")
    check_target(Path(out), overwrite=overwrite)
    write_dataset(out, _ABOUT, LABELS, _batches(clips), overwrite=overwrite)


def _batches(clips: int) -> Iterator[ClipBatch]:
    chunks = [range(start, min(clips, start + _BATCH)) for start in range(0, clips, _BATCH)]
    with _bar("synthesising", clips) as bar:
        for batch in _spread(chunks):
            yield batch
            bar.update(len(batch))


def _spread(chunks: list[range]) -> Iterator[ClipBatch]:
    """Yield the batches in order; many are shared between two processes that begin afresh, as every platform can."""
    if sum(map(len, chunks)) < _FEW:
        yield from map(make_batch, chunks)
        return
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make_batch, chunks)


def _calibrate() -> Float32Array:
    """Fit the projection on clips whose numbers no sample reaches."""
    rows = []
    with _bar("fitting", len(_CALIBRATION)) as bar:
        for number in _CALIBRATION:
            rows.append(statistics(log_mel(render(plan(number).recipe.to_json()))))
            bar.update()
    return fit_projection(np.stack(rows))


def _bar(work: str, clips: int) -> "tqdm[Never]":
    patience = 0.1 if sys.stderr.isatty() else 10  # a log file wants a line now and then, not a picture
    return tqdm(total=clips, desc=work, unit=" clips", mininterval=patience, file=sys.stderr)


if __name__ == "__main__":
    np.save(PROJECTION_FILE, _calibrate(), allow_pickle=False)
