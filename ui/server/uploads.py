"""Collections that visitors of a hosted app make of files they give: each is seen by its own session alone.

Files and collection lie in a folder outside of those that are searched for collections, and are deleted when the
session has been gone for a while. A session knows its folder by a random name, which no address holds.
"""

import atexit
import contextlib
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from data_prep.dataset import Dataset
from data_prep.errors import OutputError, StoppedError
from earshot_common.atomic import WriteError, write_file
from ui.model import exclusive, loading, session
from ui.server.jobs import Jobs, Report, StopCheck, jobs

NAME = "your-upload"  # of the collection, in its visitor's addresses
MAX_FOLDERS = 16
GONE_AFTER_S = 90.0  # without a connection: then Streamlit has forgotten the session (disconnectedSessionTTL)
_SWEEP_S = 15.0
_NO_NAME = re.compile(r"^.*[/\\]|[^\w. -]")
_FULL = (
    "As many visitors as fit keep a collection of their own here at the moment. Try again in some minutes, or make it "
    "on your own machine."
)
_NO_SPACE = (
    "Your file could not be stored here: the server's disk may be full. Make the collection on your own machine."
)


@dataclass(slots=True)
class _Folder:
    """The folder of a session, the ids of the files given, and when the session was last seen to be connected."""

    path: Path
    session_id: str
    files: tuple[str, ...]
    seen: float
    jobs: Jobs


_folders: dict[str, _Folder] = {}
_lock = threading.Lock()
_reading = threading.Lock()  # held while a file is read: a reading process may take 500 MB


def job_name() -> str:
    """Return the name of the job that makes this session's collection, which no other session knows."""
    return f"upload {session.UPLOAD.get()}"


def datasets() -> dict[str, Path]:
    """Return the collection of this session by its name, if it has one."""
    with _lock:
        folder = _folders.get(session.UPLOAD.get() or "")
    return {NAME: place(folder.path)} if folder is not None and (place(folder.path) / "manifest.json").exists() else {}


def is_own(dataset: Dataset) -> bool:
    """Return whether a dataset is that of this session."""
    return dataset.path in datasets().values()


def place(folder: Path) -> Path:
    """Return where in the folder of a session its collection lies."""
    return folder / NAME


def keep(*given: UploadedFile | None) -> tuple[Path, list[Path | None]]:
    """Store files that the visitor gave in a folder of the session's own; return the folder and their paths.

    Files given before, and the collection that was made of them, are deleted. Raises OutputError where too many
    sessions have such a folder, or the file cannot be written.
    """
    ids = tuple("" if file is None else file.file_id for file in given)
    with _lock:
        token = session.UPLOAD.get() or ""
        folder = _folders.get(token)
        if folder is None or folder.files != ids:
            if folder is None and len(_folders) >= MAX_FOLDERS:
                raise OutputError(_FULL)
            _delete(token)
            token, run = secrets.token_hex(16), get_script_run_ctx()
            path = Path(tempfile.mkdtemp(prefix="earshot-", suffix=f"-{token}"))
            folder = _folders[token] = _Folder(path, run.session_id if run else "", ids, time.monotonic(), jobs())
            session.UPLOAD.set(token)
            try:
                for number, file in enumerate(given):
                    if file is not None:
                        (stored := _path(folder, number, file)).parent.mkdir()
                        write_file(stored, file.getvalue())
            except (OSError, WriteError) as error:
                _delete(token)
                raise OutputError(_NO_SPACE) from error
    _start_sweeping()
    return folder.path, [None if file is None else _path(folder, n, file) for n, file in enumerate(given)]


def _path(folder: _Folder, number: int, file: UploadedFile) -> Path:
    """Return the path of a file, named as the visitor named it: without folders, and with plain characters."""
    return folder.path / f"given-{number}" / (_NO_NAME.sub("_", file.name)[-100:].strip(". ") or "file")


@contextlib.contextmanager
def turn(tell: Report = lambda *_: None, should_stop: StopCheck = lambda: False) -> Iterator[None]:
    """Wait until no other visitor's file is being read."""

    def waiting() -> None:
        tell(None, "waiting for another visitor's file to be read")
        if should_stop():
            raise StoppedError("stopped before the file was read")

    with exclusive.hold(_reading, waiting):
        yield


def sweep(now: float | None = None) -> None:
    """Delete the folders of sessions that have been gone for `GONE_AFTER_S`; now: seconds, by `time.monotonic`."""
    now = time.monotonic() if now is None else now
    with _lock:
        for token, folder in list(_folders.items()):
            if runtime.exists() and runtime.get_instance().is_active_session(folder.session_id):
                folder.seen = now
            elif now - folder.seen > GONE_AFTER_S:
                _delete(token)


def _delete(token: str) -> None:
    """Delete a session's folder and what the server remembers of it; the lock is held."""
    folder = _folders.pop(token, None)
    if folder is not None:
        folder.jobs.forget(f"upload {token}")
        loading.forget(place(folder.path))
        shutil.rmtree(folder.path, ignore_errors=True)


def _start_sweeping() -> None:
    if not any(thread.name == "uploads" for thread in threading.enumerate()):
        atexit.register(_delete_all)
        threading.Thread(target=_sweep_again_and_again, name="uploads", daemon=True).start()


def _sweep_again_and_again() -> None:
    while True:
        time.sleep(_SWEEP_S)
        sweep()


def _delete_all() -> None:
    with _lock:
        for folder in _folders.values():
            shutil.rmtree(folder.path, ignore_errors=True)
