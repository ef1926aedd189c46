"""The command `python -m data_prep vectors`: progress bar and report."""

import argparse
import sys
import time

from tqdm import tqdm

from data_prep.vectors.clip_columns import Asked
from data_prep.vectors.collection import Outcome, prepare_vectors
from data_prep.vectors.roles import Roles

_SHOWN = 20


def prepare_and_report(options: argparse.Namespace) -> Outcome:
    """Prepare the vectors that the options of `data_prep.arguments.add_vectors` name, and print a report.

    Raises what `prepare_vectors` raises.
    """
    began = time.perf_counter()
    named = {role: getattr(options, role) for role in ("id", "title", "audio", "start", "end")}
    asked = Asked(
        options.vector,
        Roles(label=options.label, **named),
        options.time_unit,
        options.audio_folder,
        pool=options.pool is not None,
    )
    with tqdm(desc="reading", unit=" vectors", mininterval=0.5, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        outcome = prepare_vectors(
            options.vectors,
            options.out,
            meta=options.meta,
            asked=asked,
            dtype=options.dtype,
            overwrite=options.overwrite,
            progress=show,
        )
    for text in outcome.left_over:
        print(_printable(f"note: {text}"), file=sys.stderr)
    for row, text in list(outcome.left_out.items())[:_SHOWN]:
        print(_printable(f"left out: row {row:,}: {text}"), file=sys.stderr)
    if len(outcome.left_out) > _SHOWN:
        print(f"left out: {len(outcome.left_out) - _SHOWN:,} more rows", file=sys.stderr)
    changes = "" if outcome.changes is None else "{:,} clips are new or have changed, {:,} are gone; "
    print(
        f"{options.out}: {outcome.n_clips:,} of {outcome.n_rows:,} rows, {outcome.dim:,} numbers each; "
        f"{changes.format(*outcome.changes or ())}"
        f"{time.perf_counter() - began:.1f} s"
    )
    for text in outcome.said:
        print(_printable(f"  {text}"))
    return outcome


def _printable(text: str) -> str:
    """Return text with control characters, such as newline and escape, replaced by escape sequences."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
