"""A folder of sounds -> a prepared dataset: every clip in `train`, labelled by its folder and by what YAMNet hears.

All clips are the database, because nobody wants a tenth of their sounds never to be found. The queries to measure with
are excerpts, the middle half of some of the clips: near to what is there, as questions are, and never the same.

A second run listens only to files that are new or have changed: what it knows of the others stands in the dataset that
it replaces. What a run that was killed had heard stands in a journal (`data_prep.sounds.heard`).
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_prep.atomic import check_target
from data_prep.dataset import Dataset, open_dataset
from data_prep.errors import DatasetError, InputError, OutputError, StoppedError
from data_prep.schema import About, Clip, ClipBatch, Label
from data_prep.sounds.audio import Piece, pieces
from data_prep.sounds.heard import HeardClip, HeardJournal
from data_prep.sounds.model import get_model
from data_prep.sounds.walk import SoundFile, find_sounds, in_a_line, sound_folder
from data_prep.sounds.yamnet import EMBEDDER, Yamnet
from data_prep.verify import verify_dataset
from data_prep.writer import new_dataset

EXCERPT = "~middle"  # ends the id of an excerpt
SUGGESTED = " (suggested)"  # stands behind the name of a label that YAMNet gave
_FOLDER, _YAMNET = "folder/", "yamnet/"  # begin the id of a label, by who gave it
_SURE = 0.3  # a score from which a label is suggested
_MOST_SUGGESTED = 3
_NO_SOUND = "Silence"  # what the model says of pauses, which is no name for a sound
_EXCERPTS = 0.1  # share of the clips that give an excerpt to measure with,
_FEWEST_EXCERPTS = 40  # more of a small folder
_BATCH_FILES = 1000

Progress = Callable[[int, int, str], None]  # files done, files in all, the next file's path


@dataclass(slots=True)
class Outcome:
    """What became of a folder.

    files, clips: what the dataset holds; listened: files that were new or had changed. refused: (path, reason) of each
    file that cannot be used. waiting: files not listened to, because the work was stopped. damage: what was wrong with
    the earlier dataset, for which nothing in it was believed.
    """

    files: int = 0
    clips: int = 0
    listened: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    waiting: int = 0
    damage: str = ""

    @property
    def notes(self) -> list[str]:
        """Return what a person should know, for the manifest."""
        if not self.waiting:
            return []
        return [f"{self.waiting:,} files were not listened to, since the work was stopped: run it again."]


def prepare_folder(
    sounds: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    progress: Progress = lambda _done, _total, _path: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Write the dataset of the folder `sounds` to `out`, anew or in the place of an earlier one of the same folder.

    should_stop: asked before each clip; the files heard by then are written, and the next run goes on from there, as it
    does after a kill.
    Raises InputError when nothing can be used, DownloadError when YAMNet cannot be had, OutputError when `out` is
    another dataset and `overwrite` is not given, or something else, or where the sounds are.
    """
    folder, target = sound_folder(sounds), Path(out)
    _check_apart(target, folder)
    before = _earlier(target, folder)
    overwrite = overwrite or before is not None
    check_target(target, overwrite=overwrite)
    found = find_sounds(folder)
    outcome = Outcome(refused=list(found.refused))
    if before is not None and (problems := verify_dataset(target)):
        before, outcome.damage = None, problems[0]
    heard: dict[SoundFile, list[HeardClip]] = {}
    share = max(_EXCERPTS, _FEWEST_EXCERPTS / max(1, len(found.files)))
    known, ear = _Known(before, share), _Ear(folder, share)
    with HeardJournal(target, folder, share) as journal:
        for number, file in enumerate(found.files):
            progress(number, len(found.files), file.path)
            clips = known.clips(file) or journal.clips(file)
            if clips is None:
                if outcome.waiting:
                    outcome.waiting += 1
                    continue
                try:
                    clips = ear.clips(file, should_stop)
                except StoppedError:
                    outcome.waiting = 1
                    continue
                except InputError as error:
                    outcome.refused.append((file.path, str(error)))
                    continue
                journal.add(file, clips)
                outcome.listened += 1
            heard[file] = clips
        progress(len(found.files), len(found.files), "")
        if not heard:
            reasons = "".join(f"\n  {in_a_line(path)}: {reason}" for path, reason in outcome.refused[:5])
            raise InputError(f"{folder} holds no sound that can be used: expected wav, flac, ogg, mp3 or aiff{reasons}")
        outcome.files, outcome.clips = len(heard), sum(map(len, heard.values()))
        _write(target, folder, heard, outcome, overwrite=overwrite)
    return outcome


def _check_apart(target: Path, folder: Path) -> None:
    """Refuse a target that is the folder of sounds or has it inside: whatever replaces it would remove the sounds."""
    place = Path(os.path.realpath(target))
    if place == folder or place in folder.parents:
        raise OutputError(
            f"{in_a_line(str(target))} holds the sounds themselves: choose another folder for the dataset"
        )


class _Known:
    """What an earlier dataset of the same folder knows of its files."""

    def __init__(self, before: Dataset | None, share: float) -> None:
        self._share = share
        self._rows: dict[str, list[int]] = defaultdict(list)  # of each path
        if before is not None:
            self._before = before
            for row, path in enumerate(before.clips("train")["media"].to_pylist()):
                self._rows[str(path)].append(row)

    def clips(self, file: SoundFile) -> list[HeardClip] | None:
        """Return the clips of a file that has not changed since; None for any other."""
        rows = self._rows.get(file.path)
        if not rows:
            return None
        clips = sorted((self._before.clip("train", row) for row in rows), key=lambda clip: clip.start_s)
        if [clip.clip_id for clip in clips] != [file.clip_id(i, len(clips)) for i in range(len(clips))]:
            return None
        heard = [self._heard(clip, with_excerpt=file.draw(i) < self._share) for i, clip in enumerate(clips)]
        return [clip for clip in heard if clip] if all(heard) else None

    def _heard(self, clip: Clip, *, with_excerpt: bool) -> HeardClip | None:
        excerpt = self._before.find_clip(clip.clip_id + EXCERPT) if with_excerpt else None
        if with_excerpt and excerpt is None:
            return None
        mids = [self._before.label_mids[label] for label in clip.labels]
        return HeardClip(
            clip.start_s,
            clip.end_s,
            tuple(mid.removeprefix(_YAMNET) for mid in mids if mid.startswith(_YAMNET)),
            clip.n_frames,
            np.asarray(self._before.features("train")[clip.row]),
            np.asarray(self._before.features("validation")[excerpt.row]) if excerpt else None,
        )


class _Ear:
    """Listens to files; the model is fetched and made ready for the first one that needs it."""

    def __init__(self, folder: Path, share: float) -> None:
        self._folder = folder
        self._share = share
        self._yamnet: Yamnet | None = None

    def clips(self, file: SoundFile, should_stop: Callable[[], bool]) -> list[HeardClip]:
        """Return the clips of a file, or raise InputError; StoppedError when it is to stop in the middle."""
        self._yamnet = self._yamnet or Yamnet(get_model())
        found: list[HeardClip] = []
        for piece in pieces(self._folder / file.path, "it"):
            if should_stop():
                raise StoppedError("stopped while listening")
            found.append(self._clip(self._yamnet, piece, with_excerpt=file.draw(len(found)) < self._share))
        return found

    def _clip(self, yamnet: Yamnet, piece: Piece, *, with_excerpt: bool) -> HeardClip:
        heard = yamnet.hear(piece.samples)
        best = np.argsort(-heard.scores, kind="stable")[:_MOST_SUGGESTED]
        names = tuple(yamnet.names[i] for i in best if heard.scores[i] >= _SURE and yamnet.names[i] != _NO_SOUND)
        quarter = len(piece.samples) // 4
        excerpt = yamnet.hear(piece.samples[quarter : len(piece.samples) - quarter]).feature if with_excerpt else None
        return HeardClip(piece.start_s, piece.end_s, names, heard.n_frames, heard.feature, excerpt)


def _earlier(target: Path, folder: Path) -> Dataset | None:
    """Return the dataset at `target` if it was made of this folder in the way it would be made now."""
    try:
        before = open_dataset(target)
    except DatasetError:
        return None
    same = before.manifest.get("media_folder") == str(folder)
    return before if same and before.manifest["features"].get("embedder") == EMBEDDER else None


def _write(
    target: Path, folder: Path, heard: Mapping[SoundFile, list[HeardClip]], outcome: Outcome, *, overwrite: bool
) -> None:
    labels = _labels(heard)
    places = {label.mid: i for i, label in enumerate(labels)}
    about = About(
        title=f"{folder.name or folder}: your own sounds",
        source=f"the folder {folder}",
        licence="as the files themselves",
        media="file",
        media_folder=str(folder),
        features={"aggregation": "one vector a clip of about ten seconds", "embedder": EMBEDDER},
    )
    skipped = [{"where": path, "reason": reason} for path, reason in outcome.refused]
    files = list(heard)
    with new_dataset(target, labels, overwrite=overwrite) as writer:
        for first in range(0, len(files), _BATCH_FILES):
            writer.add(_batch({file: heard[file] for file in files[first : first + _BATCH_FILES]}, places))
        writer.finish(about, skipped=skipped, notes=outcome.notes)


def _labels(heard: Mapping[SoundFile, list[HeardClip]]) -> list[Label]:
    """Return the label table: the names of folders, then those that YAMNet suggests, each in alphabetical order.

    No two have one name, whatever folders are called.
    """
    folders = sorted({file.label for file in heard if file.label})
    suggested = sorted({name for clips in heard.values() for clip in clips for name in clip.suggested})
    table = [Label(f"{_FOLDER}{name}", name) for name in folders]
    for name in suggested:
        shown = f"{name}{SUGGESTED}"
        while shown in folders:
            shown += SUGGESTED
        table.append(Label(f"{_YAMNET}{name}", shown))
    return table or [Label(_FOLDER, "sound")]


def _batch(heard: Mapping[SoundFile, list[HeardClip]], places: Mapping[str, int]) -> ClipBatch:
    """Return every clip, and after them every excerpt."""
    clips = [
        (file.clip_id(number, len(clips)), file, clip)
        for file, clips in heard.items()
        for number, clip in enumerate(clips)
    ]
    excerpts = [(clip_id, file, clip) for clip_id, file, clip in clips if clip.excerpt is not None]
    both = [*clips, *excerpts]
    quarters = [0.0] * len(clips) + [(clip.end_s - clip.start_s) / 4 for _, _, clip in excerpts]
    return ClipBatch(
        clip_id=[clip_id for clip_id, _, _ in clips] + [clip_id + EXCERPT for clip_id, _, _ in excerpts],
        split=["train"] * len(clips) + ["validation"] * len(excerpts),
        media=[file.path for _, file, _ in both],
        start_s=[clip.start_s + quarter for (_, _, clip), quarter in zip(both, quarters, strict=True)],
        end_s=[clip.end_s - quarter for (_, _, clip), quarter in zip(both, quarters, strict=True)],
        labels=[_labels_of(file, clip, places) for _, file, clip in both],
        n_frames=[clip.n_frames for _, _, clip in both],
        features=np.stack(
            [clip.feature for _, _, clip in clips]
            + [clip.excerpt for _, _, clip in excerpts if clip.excerpt is not None]
        ),
    )


def _labels_of(file: SoundFile, clip: HeardClip, places: Mapping[str, int]) -> list[int]:
    given = [f"{_FOLDER}{file.label}"] if file.label else []
    return [places[mid] for mid in [*given, *(f"{_YAMNET}{name}" for name in clip.suggested)]]
