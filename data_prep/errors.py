"""Everything that `data_prep` raises on purpose.

DataError
├── InputError        the files given cannot be used
│   └── RecordError   one record of one shard: knows the file, the offset and the reason
├── DatasetError      a prepared dataset is missing, damaged, or of another version
└── OutputError       the dataset cannot be written where it was asked for

Each message says what was wrong, in which file, what was expected and what to do.
"""


class DataError(Exception):
    """Base of all errors here; a command line prints its text and exits with status 2."""


class InputError(DataError):
    """A file given to the pipeline is missing, damaged, or not what it should be."""


class RecordError(InputError):
    """A record of a shard is damaged or breaks AudioSet's schema.

    `file` is the shard, `offset` the byte in it at which the record begins, `reason` what is wrong with it.
    """

    def __init__(self, file: str, offset: int, reason: str) -> None:
        super().__init__(f"{file}, record at byte {offset:,}: {reason}")
        self.file = file
        self.offset = offset
        self.reason = reason


class DatasetError(DataError):
    """A prepared dataset is missing, damaged, or written in a format version that this reader does not know."""


class OutputError(DataError):
    """The target exists already, cannot be written, or its disk is full."""
