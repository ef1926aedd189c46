"""Downloads: what a button's press makes is kept for half a minute after its session's page is drawn anew.

When a run of a page begins, Streamlit forgets the session's download functions, and the end of a run of *any* session
deletes what no session refers to. A run that waits for its turn, or a request on its way, would find nothing.
"""

import time

from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager

KEPT_S = 30.0  # longer than a run waits where 200 visitors share two processors (docs/DEPLOY.md)


class KeptFiles(MediaFileManager):
    """Streamlit's files and download functions, deleted `KEPT_S` after they were found without a reference."""

    def __init__(self, manager: MediaFileManager) -> None:
        """Keep the files in the storage of `manager`, which is new."""
        super().__init__(manager._storage)  # noqa: SLF001
        self._orphans: dict[str, tuple[object, float]] = {}  # a new file of the same bytes is another object

    def remove_orphaned_files(self) -> None:
        """Delete what has had no reference for `KEPT_S`."""
        with self._lock:
            referenced = {one for files in self._files_by_session_and_coord.values() for one in files.values()}
            known: dict[str, object] = {**self._file_metadata, **self._deferred_callables}
            seen, now = self._orphans, time.monotonic()
            self._orphans = {}
            for one in known.keys() - referenced:
                before, since = seen.get(one, (None, now))
                since = since if before is known[one] else now
                if now - since < KEPT_S:
                    self._orphans[one] = known[one], since
                elif one in self._file_metadata:
                    self._delete_file(one)
                else:
                    self._drop_deferred_id(one)


def install() -> None:
    """Keep the files of the server that runs, before its first visitor, for a while."""
    server = runtime.get_instance()
    server._media_file_mgr = KeptFiles(server.media_file_mgr)  # noqa: SLF001
