"""Preparing a folder of one's own sounds as a collection: its background work; and names for collections."""

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from data_prep.audioset.fetch import NAMES
from data_prep.dataset import open_dataset
from data_prep.errors import DatasetError
from data_prep.sounds.folder import prepare_folder
from ui import paths
from ui.format import plural
from ui.model import loading
from ui.server import jobs, uploads
from ui.server.jobs import Report, StopCheck, Work

RESERVED = frozenset(
    {"sample", "hosted", uploads.NAME, *NAMES.values()}
)  # names of collections that the app itself fetches
_MAX_NAME_LENGTH = 60

_choosing = threading.Lock()
_being_made: set[Path] = set()


def collection_of(sounds: Path) -> str | None:
    """Return the name of the collection that was prepared from this folder, None if there is none."""
    return collection_with(
        lambda about: about.get("media_folder") == str(sounds) and "vectors" not in about["features"]
    )


def collection_with(fits: Callable[[dict[str, Any]], bool]) -> str | None:
    """Return the name of the first collection whose manifest fits, None if there is none."""
    for name, path in loading.datasets().items():
        with contextlib.suppress(DatasetError):  # a damaged collection fits nothing
            if fits(open_dataset(path).manifest):
                return name
    return None


def listening(sounds: Path) -> Work:
    """Return the work of preparing a folder as a collection, or of updating the one prepared before."""

    def work(tell: Report, should_stop: StopCheck) -> str:
        with place_for(sounds.name, lambda: collection_of(sounds)) as out:
            outcome = prepare_folder(
                sounds, out, overwrite=out.exists(), progress=partial(_say_files, tell), should_stop=should_stop
            )
            failure = jobs.finish(tell, out, should_stop)
        left_out = f" {plural(len(outcome.refused), 'file')} left out." if outcome.refused else ""
        noted = f" {plural(len(outcome.notes), 'file is', 'files are')} cut or damaged." if outcome.notes else ""
        waiting = f" {plural(outcome.remaining, 'file')} not read yet: begin again." if outcome.remaining else ""
        here = f"{plural(outcome.files, 'file')}, {plural(outcome.clips, 'clip')}.{left_out}{noted}{waiting}"
        return f"{here} Choose it as your collection: {out.name}.{failure}"

    return work


@contextlib.contextmanager
def place_for(title: str, find: Callable[[], str | None]) -> Iterator[Path]:
    """Yield the path of a collection; a new one gets a name after `title` that no other has or gets meanwhile.

    find: returns the name of the collection that is to be replaced, None if there is none.
    """
    with _choosing:
        name = find()
        out = loading.datasets()[name] if name else _free_place(title)
        _being_made.add(out)
    try:
        yield out
    finally:
        _being_made.discard(out)


def _free_place(title: str) -> Path:
    name = re.sub(r"[^a-z0-9]+", "-", title.lower())[:_MAX_NAME_LENGTH].strip("-") or "sounds"
    taken = RESERVED | loading.datasets().keys()
    names = (name if n == 1 else f"{name}-{n}" for n in count(1))
    places = (paths.DATA / name for name in names if name not in taken)
    return next(place for place in places if place not in _being_made and not os.path.lexists(place))


def _say_files(tell: Report, done: int, total: int, path: str) -> None:
    tell(done / max(total, 1), f"{done:,} of {total:,} files {path}")
