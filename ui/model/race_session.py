"""Races of a session: the runs, the one shown, and the one pinned. The session state holds records, no arrays."""

from collections.abc import Mapping

from lsh.analysis.racing import Setting
from ui.model import race_runs, session
from ui.model.loading import PageContext
from ui.model.race_runs import Run
from ui.model.state import K_NEIGHBOURS

MAX_RUNS = 12
_SHIPPED = "shipped"  # begins the names of the runs that come with the app


def setting_in_force(context: PageContext) -> Setting:
    """Return the sidebar's setting as a race takes it."""
    s = context.settings
    return Setting(s.n_tables, s.n_bits, s.n_probes, K_NEIGHBOURS)


def runs(context: PageContext) -> dict[str, Run]:
    """Return the runs over this collection and distance by name, those that come with the app first."""
    shipped = {f"{_SHIPPED} {i}": run for i, run in enumerate(race_runs.shipped())}
    own = session.RACES.get()
    here = race_runs.features_of(context.dataset), context.settings.metric
    return {name: run for name, run in {**shipped, **own}.items() if (run.features, run.metric) == here}


def is_shipped(name: str) -> bool:
    """Return whether a run comes with the app."""
    return name.startswith(_SHIPPED)


def begin() -> None:
    """Count one more run that was requested in this visit."""
    session.RACE_COUNT.set(session.RACE_COUNT.get() + 1)


def name_of_latest() -> str:
    """Return the name of the run that was requested last in this visit: 1, 2, 3 ..."""
    return str(session.RACE_COUNT.get())


def keep(name: str, run: Run) -> None:
    """Keep a run, or what is known of it so far, and show it; the oldest of too many is dropped."""
    kept = {**session.RACES.get(), name: run}
    session.RACES.set(dict(list(kept.items())[-MAX_RUNS:]))
    session.RACE_SHOWN.set((name, run.setting))


def shown(context: PageContext, among: Mapping[str, Run]) -> str | None:
    """Return the name of the run to show: the one chosen, else the latest at the setting in force, else the latest."""
    now = setting_in_force(context)
    name, setting = session.RACE_SHOWN.get()
    if name in among and setting == now:
        return name
    own = [name for name in among if not is_shipped(name)]
    at_setting = [name for name, run in among.items() if run.setting == now]
    return next(iter([*at_setting[::-1], *own[::-1], *among]), None)


def show(name: str, run: Run) -> None:
    """Show a run, and move the sliders to its setting; a callback."""
    s = run.setting
    session.move_sliders(n_tables=s.n_tables, n_bits=s.n_bits, n_probes=s.n_probes)
    session.RACE_SHOWN.set((name, s))


def pinned(among: Mapping[str, Run]) -> str | None:
    """Return the name of the pinned run, if it is one of these."""
    name = session.RACE_PINNED.get()
    return name if name in among else None
