"""Exceptions of `data_prep`, all derived from DataError.

DataError
├── InputError          an input file cannot be used
│   └── DamageError     a file is damaged: file, offset and reason
│       └── RecordError     one record of one shard is damaged or breaks AudioSet's schema; those after it are usable
├── DatasetError        a prepared dataset is missing, damaged, or of another version
├── OutputError         the output cannot be written
├── ClusterError        a Dask cluster cannot be reached, or has lost what a conversion needs
├── DownloadError       no address gives the file
│   └── ChangedError        the file has been published anew since its download began
└── StoppedError        the work was stopped on request

Each message states the file, what is wrong with it, what was expected and what to do.
"""


class DataError(Exception):
    """Base class; the command line prints the message and exits with status 2."""


class InputError(DataError):
    """A file given to the pipeline is missing, damaged, or not what it should be."""


class DamageError(InputError):
    """A file is cut or damaged: `file` names it, `offset` is the byte at which it was found, `reason` describes it."""

    def __init__(self, file: str, offset: int, reason: str) -> None:
        super().__init__(f"{file}, at byte {offset:,}: {reason}")
        self.file = file
        self.offset = offset
        self.reason = reason

    def __reduce__(self) -> tuple[type["DamageError"], tuple[str, int, str]]:
        """Return what an equal error is made of in another process."""
        return type(self), (self.file, self.offset, self.reason)


class RecordError(DamageError):
    """The record of the shard `file` that begins at byte `offset` is damaged or breaks AudioSet's schema.

    The records after it are usable.
    """


class DatasetError(DataError):
    """A prepared dataset is missing, damaged, or written in a format version that this reader does not support."""


class OutputError(DataError):
    """The target exists already, cannot be written, or its disk is full."""


class ClusterError(DataError):
    """A Dask cluster cannot be reached, or lost its scheduler, its workers or their memory; the message says which."""


class DownloadError(DataError):
    """A file cannot be downloaded: the message lists every address with its response."""


class ChangedError(DownloadError):
    """The published file is not the one that was partly downloaded."""


class StoppedError(DataError):
    """The work was stopped on request; the next run resumes it."""
