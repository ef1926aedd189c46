"""Running a race from the page: one at a time on this machine, with progress, and stopped by any action of the visitor.

When a button is pressed, a slider moves or the page is left, Streamlit ends a running script at its next write to the
page. The race writes its progress every few steps, so Cancel is a button without a callback; sizes raced are kept.
"""

import contextlib
import threading
import time
from collections.abc import Callable

from streamlit.delta_generator import DeltaGenerator

from data_prep.errors import DataError
from lsh import LSHError
from lsh.analysis.racing import sizes_up_to
from ui.model import exclusive, race_runs, race_session
from ui.model.loading import PageContext
from ui.model.race_runs import Run
from ui.model.text import plain

_REPORT_INTERVAL_S = 0.15  # writing to the page disturbs what is timed
_RACING = threading.Lock()  # two races at once would slow each other down
_TAKEN = "Somebody else is racing on this machine; yours starts when they are done"


def go(context: PageContext, most: int, bar: DeltaGenerator, draw: Callable[[Run], None]) -> bool:
    """Race over up to `most` clips with progress in `bar`, `draw` after each size; return False on an error."""
    try:
        with exclusive.hold(_RACING, lambda: bar.progress(0.0, _TAKEN)):
            _race(context, most, bar, draw)
    except (DataError, LSHError) as error:
        bar.error(plain(error, longest=1000))
        return False
    return True


def _race(context: PageContext, most: int, bar: DeltaGenerator, draw: Callable[[Run], None]) -> None:
    setting, sizes = race_session.setting_in_force(context), sizes_up_to(most)
    run, steps = race_runs.start(context.dataset, context.index, setting, sizes)
    name, said = race_session.new_name(), 0.0
    with contextlib.closing(steps):
        for step in steps:
            if step.laps:
                run = race_runs.with_laps(run, step.laps)
                race_session.keep(name, run)
                draw(run)
            if time.monotonic() - said >= _REPORT_INTERVAL_S:
                bar.progress(min(step.share, 1.0), plain(step.doing))
                said = time.monotonic()
