"""Settings of the app: parsed from URL parameters and widgets, limited to allowed values. Without Streamlit."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

Metric = Literal["cosine", "euclidean"]

METRICS: tuple[Metric, ...] = ("cosine", "euclidean")
MAX_TABLES, MAX_BITS, MAX_PROBES, MAX_SEED = 32, 24, 16, 9999
MAX_WIDTH = 1e6
MAX_TRAIL = 8
K_NEIGHBOURS = 10
MAX_NEIGHBOURS = 100  # that a list shows

_ALLOWED = (
    ("dataset", "dataset", "a collection here"),
    ("metric", "metric", "cosine or euclidean"),
    ("L", "n_tables", f"a whole number from 1 to {MAX_TABLES}"),
    ("K", "n_bits", f"a whole number from 1 to {MAX_BITS}"),
    ("probes", "n_probes", f"a whole number from 1 to {MAX_PROBES}"),
    ("seed", "seed", f"a whole number from 0 to {MAX_SEED}"),
    ("show", "k", f"one of {K_NEIGHBOURS}, {2 * K_NEIGHBOURS}, ..., {MAX_NEIGHBOURS}"),
)

_CLIP_ID = re.compile(r"[\w.~-]{1,120}", re.ASCII)
_TRAIL_MARK = "*"  # no clip id has it, and browsers do not escape it


@dataclass(frozen=True, slots=True)
class Settings:
    """The state of the app, all of which is in the URL; its parameters have shorter names than these fields."""

    dataset: str = "sample"
    metric: Metric = "cosine"
    n_tables: int = 20
    n_bits: int = 8
    n_probes: int = 1
    seed: int = 0
    bucket_width: float | None = None  # None: the width that the index draws from the data
    clip: str | None = None  # None: the page chooses a good first clip
    trail: tuple[str, ...] = ()
    k: int = K_NEIGHBOURS  # neighbours that are searched for: 10, 20, ..., 100
    only: str = ""  # filter of the search (see `ui.filters.link`), "" for none


DEFAULTS = Settings()


def parse(
    raw: Mapping[str, object],
    datasets: Sequence[str],
    metric: Metric = "cosine",
    search: tuple[int, int, int] = (DEFAULTS.n_tables, DEFAULTS.n_bits, DEFAULTS.n_probes),
) -> Settings:
    """Parse `raw`, by URL parameter, into settings; a value that is not allowed becomes the default.

    datasets: the names to choose from, the default first; metric: the default, which is the dataset's own; search: the
    default of L, K and probes, which is the index's own.
    """
    n_tables, n_bits, n_probes = search
    return Settings(
        dataset=_one_of(raw.get("dataset"), datasets, datasets[0] if datasets else DEFAULTS.dataset),
        metric=cast("Metric", _one_of(raw.get("metric"), METRICS, metric)),
        n_tables=_integer(raw.get("L"), 1, MAX_TABLES, n_tables),
        n_bits=_integer(raw.get("K"), 1, MAX_BITS, n_bits),
        n_probes=_integer(raw.get("probes"), 1, MAX_PROBES, n_probes),
        seed=_integer(raw.get("seed"), 0, MAX_SEED, DEFAULTS.seed),
        bucket_width=parsed_width(raw.get("w")),
        clip=_clip_id(raw.get("clip")),
        trail=_trail(raw.get("trail")),
        k=_tens(raw.get("show")),
        only=only if isinstance(only := raw.get("only"), str) else "",
    )


def rejected(raw: Mapping[str, object], settings: Settings) -> list[str]:
    """Return a note for each value of a link that was not allowed, with the value used instead."""
    notes = []
    for name, field, allowed in _ALLOWED:
        text, value = raw.get(name), getattr(settings, field)
        if text is not None and str(value) != str(text):
            notes.append(f"{name}={str(text)[:20]} is not {allowed}; {name}={value} is used.")
    return notes


def join_trail(trail: Sequence[str]) -> str:
    """Return a trail as a URL parameter: the last `MAX_TRAIL` clips."""
    return _TRAIL_MARK.join(trail[-MAX_TRAIL:])


def _one_of(value: object, allowed: Sequence[str], default: str) -> str:
    return value if isinstance(value, str) and value in allowed else default


def _integer(value: object, low: int, high: int, default: int) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII):
        value = int(value)
    allowed = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    return cast("int", value) if allowed else default


def _tens(value: object) -> int:
    k = _integer(value, K_NEIGHBOURS, MAX_NEIGHBOURS, K_NEIGHBOURS)
    return K_NEIGHBOURS if k % K_NEIGHBOURS else k


def parsed_width(value: object) -> float | None:
    """Return a bucket width, None for what is not one."""
    try:
        width = float(cast("str | float", value))
    except (TypeError, ValueError, OverflowError):
        return None
    return width if math.isfinite(width) and 0 < width <= MAX_WIDTH else None


def _clip_id(value: object) -> str | None:
    return value if isinstance(value, str) and _CLIP_ID.fullmatch(value) else None


def _trail(value: object) -> tuple[str, ...]:
    if not isinstance(value, str):
        return ()
    return tuple(part for part in value.split(_TRAIL_MARK) if _CLIP_ID.fullmatch(part))[-MAX_TRAIL:]
