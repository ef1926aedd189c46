"""Everything that `data_prep` raises on purpose.

DataError
├── InputError          the files given cannot be used
│   └── DamageError     a file is damaged at some byte: knows the file, the offset and the reason
│       └── RecordError     one record of one shard is damaged or breaks AudioSet's schema
├── DatasetError        a prepared dataset is missing, damaged, or of another version
├── OutputError         the dataset cannot be written where it was asked for
├── DownloadError       no address gives the file
│   └── ChangedError        what is there now is another file than the one begun
└── StoppedError        whoever asked for the work wants it no more

Each message says what was wrong, in which file, what was expected and what to do.
"""


class DataError(Exception):
    """Base of all errors here; a command line prints its text and exits with status 2."""


class InputError(DataError):
    """A file given to the pipeline is missing, damaged, or not what it should be."""


class DamageError(InputError):
    """A file is cut or damaged: `file` names it, `offset` is the byte at which that shows, `reason` says how."""

    def __init__(self, file: str, offset: int, reason: str) -> None:
        super().__init__(f"{file}, at byte {offset:,}: {reason}")
        self.file = file
        self.offset = offset
        self.reason = reason


class RecordError(DamageError):
    """The record of the shard `file` that begins at byte `offset` is damaged or breaks AudioSet's schema."""


class DatasetError(DataError):
    """A prepared dataset is missing, damaged, or written in a format version that this reader does not know."""


class OutputError(DataError):
    """The target exists already, cannot be written, or its disk is full."""


class DownloadError(DataError):
    """A file cannot be fetched: the message lists every address and what it answered."""


class ChangedError(DownloadError):
    """The file behind the addresses is another one than that of which a part has been fetched."""


class StoppedError(DataError):
    """The work was stopped on request; what has been fetched is kept, and the next run carries on."""
