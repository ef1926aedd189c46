"""Command-line helpers: exit codes and error messages, progress, and number arguments."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from earshot_common import extras

ERROR, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # exit codes; the last two are 128 + the signal's number

_MAX_VALUE = 10**18


def run(command: Callable[[], int | None], errors: tuple[type[Exception], ...], interrupted: str = "stopped") -> int:
    """Call `command` and return its exit code, None standing for 0.

    An exception of one of the types `errors` becomes one message on stderr, with its notes, and exit code 2; so does a
    missing optional dependency, which the message names. Ctrl-C prints `interrupted` and gives 130; 141 where the
    reader of stdout has closed the pipe, as `head` does. Any other exception is a defect and is raised.
    """
    try:
        status = command()
        sys.stdout.flush()
    except errors as error:
        print(f"error: {full_message(error)}", file=sys.stderr)
        return ERROR
    except ModuleNotFoundError as error:
        text = extras.advice(error.name or "")
        if text is None:
            raise
        print(f"error: {text}", file=sys.stderr)
        return ERROR
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's own flush fails at exit
        return BROKEN_PIPE
    return status or 0


def full_message(error: BaseException) -> str:
    """Return an exception's message and the notes added to it, one per line."""
    return "\n".join([str(error), *getattr(error, "__notes__", [])])


def log(text: str) -> None:
    """Print a line of progress to stderr."""
    print(text, file=sys.stderr, flush=True)


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return an argparse type: a whole number from low to high."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low:,} to {high:,}")
        return int(text)

    return parse


def fraction(text: str) -> float:
    """Read a number above 0 and at most 1, as an argparse type."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, at most 1")
    return value


def non_negative(text: str) -> float:
    """Read a number from 0 to 10^18, whose square float32 can hold, as an argparse type."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MAX_VALUE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {_MAX_VALUE:,}")
    return value


def output_file(text: str) -> Path:
    """Read the path of a file to write, in a folder that exists, as an argparse type."""
    path = Path(text)
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path.parent} is not a folder; make it first")
    return path
