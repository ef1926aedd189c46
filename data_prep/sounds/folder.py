"""Preparation of a folder of sounds as a dataset: YAMNet embeds the clips; folder names and YAMNet label them.

All clips are in the split `train`, so that every sound can be found. The split `validation`, with which recall is
measured, holds excerpts, the middle halves of some clips: similar to a clip but not equal to one.

A later run embeds only new and changed files; it takes the clips of other files from the dataset that it replaces, or
from the journal (`data_prep.sounds.progress_journal`): that of a killed run, or of a dataset in uint8, whose features
are not those that were computed.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.arrays import FeatureDtype
from data_prep.dataset.output_folder import check_target
from data_prep.dataset.reader import Dataset, open_dataset
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.verify import verify_dataset
from data_prep.dataset.writer import new_dataset
from data_prep.errors import DatasetError, InputError, OutputError, StoppedError
from data_prep.sounds.audio import AudioClip
from data_prep.sounds.decoder import EXPECTED
from data_prep.sounds.decoder_pool import DecoderPool
from data_prep.sounds.measure_columns import as_columns, measures_in
from data_prep.sounds.measures import NOT_MEASURED
from data_prep.sounds.model_file import get_model
from data_prep.sounds.progress_journal import EmbeddedClip, ProgressJournal
from data_prep.sounds.sound_files import SoundFile, find_sounds, printable, sound_folder
from data_prep.sounds.yamnet import EMBEDDER, Yamnet

EXCERPT_SUFFIX = "~middle"  # suffix of the clip id of an excerpt
SUGGESTED_SUFFIX = " (suggested)"  # suffix of the name of a label suggested by YAMNet
FOLDER_PREFIX, _YAMNET = "folder/", "yamnet/"  # prefixes of label ids, by origin
_MIN_SCORE = 0.3  # minimum YAMNet score of a suggested label
_MAX_SUGGESTED = 3
_SILENCE = "Silence"  # a label of YAMNet that is never suggested
_EXCERPT_SHARE = 0.1  # share of clips with an excerpt
_MIN_EXCERPTS = 40  # a small folder has a larger share
_BATCH_FILES = 1000

Progress = Callable[[int, int, str], None]  # files done, total files, path of the next file


@dataclass(slots=True)
class Outcome:
    """Result of preparing a folder.

    files, clips: numbers in the dataset. embedded: number of new or changed files. refused: (path, reason) of each
    file that cannot be used. notes: path -> what is wrong with a file that is used as far as it goes. remaining:
    number of files not embedded because the run was stopped. damage: a problem of the earlier dataset, which was then
    not reused; else empty.
    """

    files: int = 0
    clips: int = 0
    embedded: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    remaining: int = 0
    damage: str = ""


def prepare_folder(
    sounds: str | Path,
    out: str | Path,
    *,
    dtype: FeatureDtype | None = None,
    overwrite: bool = False,
    progress: Progress = lambda _done, _total, _path: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Write the dataset of the folder `sounds` to `out`, or update an earlier dataset of the same folder there.

    dtype: of the stored features; by default that of the earlier dataset, or float32.
    should_stop: called before each clip; once it returns true, the files embedded so far are written, and the next run
    embeds the rest.
    Raises InputError when no file can be used, DownloadError when YAMNet cannot be downloaded, OutputError when `out`
    is another dataset and `overwrite` is not given, or is not a dataset, or contains the sounds.
    """
    folder, target = sound_folder(sounds), Path(out)
    _check_target(target, folder)
    before = _open_earlier(target, folder)
    overwrite = overwrite or before is not None
    dtype = dtype or (before.dtype if before is not None else "float32")
    check_target(target, overwrite=overwrite)
    found = find_sounds(folder)
    outcome = Outcome(refused=list(found.refused))
    if before is not None and (problems := verify_dataset(target)):
        before, outcome.damage = None, problems[0]
    embedded: dict[SoundFile, list[EmbeddedClip]] = {}
    share = max(_EXCERPT_SHARE, _MIN_EXCERPTS / max(1, len(found.files)))
    earlier = _clips_by_path(before) if before is not None and before.dtype in {"float32", dtype} - {"uint8"} else {}
    embedder, pool, keep = _FileEmbedder(share), DecoderPool(), dtype == "uint8"
    with ProgressJournal(target, folder, keep=keep) as journal:
        for file in found.files:
            known = _unchanged(file, earlier.get(file.path, {})), journal.clips(file)
            if clips := _choose_excerpts(file, known[0], share) or _choose_excerpts(file, known[1], share):
                embedded[file] = clips
                if keep and not known[1]:
                    journal.add(file, clips)
        new = [folder / file.path for file in found.files if file not in embedded]
        with closing(pool.read_files(new, "it")) as decoded:
            for number, file in enumerate(found.files):
                progress(number, len(found.files), file.path)
                if file in embedded:
                    continue
                if outcome.remaining:
                    outcome.remaining += 1
                    continue
                try:
                    clips = embedder.clips(file, next(decoded), should_stop)
                except StoppedError:
                    outcome.remaining = 1
                    continue
                except InputError as error:
                    outcome.refused.append((file.path, str(error)))
                    continue
                journal.add(file, clips)
                outcome.embedded += 1
                embedded[file] = clips
        embedded = {file: embedded[file] for file in found.files if file in embedded}
        outcome.notes = {file.path: clips[-1].note for file, clips in embedded.items() if clips[-1].note}
        progress(len(found.files), len(found.files), "")
        if not embedded:
            reasons = "".join(f"\n  {printable(path)}: {reason}" for path, reason in outcome.refused[:5])
            raise InputError(f"{folder} holds no sound that can be used: {EXPECTED}{reasons}")
        outcome.files, outcome.clips = len(embedded), sum(map(len, embedded.values()))
        _write(target, folder, embedded, outcome, dtype, before, overwrite=overwrite)
    return outcome


def _check_target(target: Path, folder: Path) -> None:
    """Raise OutputError for a target that is or contains the folder of sounds, which replacing would delete."""
    place = Path(os.path.realpath(target))
    if place == folder or place in folder.parents:
        raise OutputError(f"{printable(str(target))} contains the sounds: choose another folder for the dataset")


def _clips_by_path(before: Dataset) -> dict[str, dict[str, EmbeddedClip]]:
    """Return the clips of an earlier dataset with measures by path of their file, then by id, in order of time."""
    if not (measures := measures_in(before.clips("train"))):
        return {}
    excerpts = {clip_id: row for row, clip_id in enumerate(before.clips("validation")["clip_id"].to_pylist())}
    features, excerpt_features = before.features("train"), before.features("validation")
    notes = dict(_split_note(note) for note in before.manifest["notes"])
    by_path: dict[str, dict[str, EmbeddedClip]] = defaultdict(dict)
    for clip in sorted((before.clip("train", row) for row in range(before.n_rows("train"))), key=lambda c: c.start_s):
        mids = [before.label_mids[label] for label in clip.labels]
        excerpt = excerpts.get(clip.clip_id + EXCERPT_SUFFIX)
        by_path[clip.media][clip.clip_id] = EmbeddedClip(
            clip.start_s,
            clip.end_s,
            tuple(mid.removeprefix(_YAMNET) for mid in mids if mid.startswith(_YAMNET)),
            clip.n_frames,
            np.asarray(features[clip.row]),
            None if excerpt is None else np.asarray(excerpt_features[excerpt]),
            notes.get(clip.media, ""),
            measures[clip.row],
        )
    return by_path


def _note(path: str, text: str) -> str:
    return f"{path}: {text}"


def _split_note(note: str) -> tuple[str, str]:
    """Return the path and the text of a note."""
    path, _, text = note.rpartition(": it ")
    return path, f"it {text}"


def _unchanged(file: SoundFile, clips: Mapping[str, EmbeddedClip]) -> list[EmbeddedClip]:
    """Return a file's clips from an earlier dataset if their ids show that it has not changed, else none."""
    same = list(clips) == [file.clip_id(number, len(clips)) for number in range(len(clips))]
    return list(clips.values()) if same else []


def _choose_excerpts(file: SoundFile, clips: Sequence[EmbeddedClip], share: float) -> list[EmbeddedClip]:
    """Return the clips with an excerpt for a share of them; none if one of these excerpts is missing."""
    chosen = [
        clip if file.pseudo_random(number) < share else replace(clip, excerpt=None) for number, clip in enumerate(clips)
    ]
    missing = any(file.pseudo_random(number) < share and clip.excerpt is None for number, clip in enumerate(clips))
    return [] if missing else chosen


class _FileEmbedder:
    """Embeds files with YAMNet, which is downloaded and loaded at first use."""

    def __init__(self, share: float) -> None:
        self._share = share

    @cached_property
    def _yamnet(self) -> Yamnet:
        return Yamnet(get_model())

    def clips(
        self, file: SoundFile, decoded: Iterator[AudioClip], should_stop: Callable[[], bool]
    ) -> list[EmbeddedClip]:
        """Return the clips of a file. Raises InputError, or StoppedError once `should_stop` returns true."""
        found: list[EmbeddedClip] = []
        for clip in decoded:
            if should_stop():
                raise StoppedError(f"stopped before clip {len(found) + 1} of {file.path}")
            found.append(self._embed(clip, with_excerpt=file.pseudo_random(len(found)) < self._share))
        return found

    def _embed(self, clip: AudioClip, *, with_excerpt: bool) -> EmbeddedClip:
        yamnet, samples = self._yamnet, clip.samples
        output = yamnet.run(samples)
        best = np.argsort(-output.scores, kind="stable")[:_MAX_SUGGESTED]
        names = tuple(yamnet.names[i] for i in best if output.scores[i] >= _MIN_SCORE and yamnet.names[i] != _SILENCE)
        quarter = len(samples) // 4
        excerpt = yamnet.run(samples[quarter : len(samples) - quarter]).feature if with_excerpt else None
        rest = output.n_frames, output.feature, excerpt, clip.note, clip.measures
        return EmbeddedClip(clip.start_s, clip.end_s, names, *rest)


def _open_earlier(target: Path, folder: Path) -> Dataset | None:
    """Return the dataset at `target` if it was made from this folder with the current embedder."""
    try:
        before = open_dataset(target)
    except DatasetError:
        return None
    same = before.manifest.get("media_folder") == str(folder)
    return before if same and before.manifest["features"].get("embedder") == EMBEDDER else None


def _write(
    target: Path,
    folder: Path,
    embedded: Mapping[SoundFile, list[EmbeddedClip]],
    outcome: Outcome,
    dtype: FeatureDtype,
    before: Dataset | None,
    *,
    overwrite: bool,
) -> None:
    labels = _labels(embedded)
    index = {label.mid: i for i, label in enumerate(labels)}
    about = About(
        title=f"{folder.name or folder}: your own sounds",
        source=f"the folder {folder}",
        licence="as the files themselves",
        media="file",
        media_folder=str(folder),
        features={"aggregation": "one vector per clip of about ten seconds", "embedder": EMBEDDER},
    )
    skipped = [{"where": path, "reason": reason} for path, reason in outcome.refused]
    stopped = f"{outcome.remaining:,} files were not embedded because the run was stopped: run it again."
    files = list(embedded)
    with new_dataset(target, labels, dtype=dtype, overwrite=overwrite, before=before) as writer:
        for first in range(0, len(files), _BATCH_FILES):
            writer.add(_batch({file: embedded[file] for file in files[first : first + _BATCH_FILES]}, index))
        notes = [_note(path, text) for path, text in outcome.notes.items()]
        writer.finish(about, skipped=skipped, notes=[*notes, stopped] if outcome.remaining else notes)


def _labels(embedded: Mapping[SoundFile, list[EmbeddedClip]]) -> list[Label]:
    """Return the label table: folder names, then YAMNet's suggestions, each in alphabetical order; names are unique."""
    folders = sorted({file.label for file in embedded if file.label})
    suggested = sorted({name for clips in embedded.values() for clip in clips for name in clip.suggested})
    table = [Label(f"{FOLDER_PREFIX}{name}", name) for name in folders]
    for name in suggested:
        shown = f"{name}{SUGGESTED_SUFFIX}"
        while shown in folders:
            shown += SUGGESTED_SUFFIX
        table.append(Label(f"{_YAMNET}{name}", shown))
    return table or [Label(FOLDER_PREFIX, "sound")]


def _batch(embedded: Mapping[SoundFile, list[EmbeddedClip]], index: Mapping[str, int]) -> ClipBatch:
    """Return the clips of some files, and their excerpts, as one batch."""
    rows: list[tuple[Any, ...]] = []
    for file, clips in embedded.items():
        given = [f"{FOLDER_PREFIX}{file.label}"] if file.label else []
        for number, clip in enumerate(clips):
            clip_id, span = file.clip_id(number, len(clips)), (clip.start_s, clip.end_s)
            labels = [index[mid] for mid in [*given, *(f"{_YAMNET}{name}" for name in clip.suggested)]]
            facts = labels, clip.n_frames
            rows.append((clip_id, "train", file.path, *span, *facts, clip.feature, clip.measures))
            if clip.excerpt is not None:
                excerpt_id, quarter = clip_id + EXCERPT_SUFFIX, (clip.end_s - clip.start_s) / 4
                span = clip.start_s + quarter, clip.end_s - quarter
                rows.append((excerpt_id, "validation", file.path, *span, *facts, clip.excerpt, NOT_MEASURED))
    ids, splits, media, starts, ends, label_sets, n_frames, features, measures = zip(*rows, strict=True)
    further = as_columns(measures)
    return ClipBatch(ids, splits, media, starts, ends, label_sets, n_frames, np.stack(features), further=further)
