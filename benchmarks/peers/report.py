"""Report of results: the speed of each method at given recalls, as a Markdown table or as JSON; results files."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import markdown
from benchmarks.errors import BenchmarkError
from benchmarks.methods import LSH
from benchmarks.peers.measure import Point, Results
from benchmarks.peers.pareto_front import pareto_front, qps_at_recall
from earshot_common.atomic import write_file


@dataclass(frozen=True, slots=True)
class Row:
    """A method at a recall.

    qps: queries per second, one at a time. point: the setting with the next higher recall. Both are None if no setting
    reaches the recall; max_recall: the highest that one does. tried: settings measured; builds: indexes among them.
    """

    method: str
    recall: float
    qps: float | None
    point: Point | None
    max_recall: float
    tried: int
    builds: int

    def as_dict(self) -> dict[str, Any]:
        """Return the row as `--json` prints it."""
        point = self.point
        return {
            "method": self.method,
            "recall": self.recall,
            "qps": self.qps and round(self.qps, 1),
            "build_s": point and round(point.build_s, 3),
            "index_mb": point and round(point.index_mb, 3),
            "settings": point and settings_of(point),
        }


def by_method(results: Results) -> dict[str, list[Point]]:
    """Return the points of each method; "lsh" stands for those of this project's indexes together."""
    found: dict[str, list[Point]] = {}
    for point in results.points:
        for name in ("lsh", point.method) if point.method in LSH else (point.method,):
            found.setdefault(name, []).append(point)
    return found


def rows(results: Results, recalls: Sequence[float], names: Iterable[str]) -> list[Row]:
    """Return a row per recall and method that was measured, for each recall the fastest method first."""
    points = by_method(results)
    names = [name for name in names if name in points]
    found = [_row(name, points[name], recall) for recall in recalls for name in names]
    return sorted(found, key=lambda row: (recalls.index(row.recall), -(row.qps or 0)))


def within(results: Results, factor: float, recalls: Sequence[float], names: Iterable[str]) -> list[str]:
    """Return those of the methods whose speed at one of the recalls or more is within a factor of the fastest's.

    The fastest is that of all methods in the results.
    """
    found = rows(results, recalls, by_method(results))
    fastest = {recall: max(row.qps or 0.0 for row in found if row.recall == recall) for recall in recalls}
    near = {row.method for row in found if row.qps and row.qps * factor >= fastest[row.recall]}
    return [name for name in names if name in near]


def _row(name: str, points: list[Point], recall: float) -> Row:
    front = pareto_front(points)
    qps, point = qps_at_recall(front, recall) or (None, None)
    builds = len({(point.method, json.dumps(point.build)) for point in points})
    return Row(name, recall, qps, point, front[-1].recall, len(points), builds)


def table(results: Results, found: Sequence[Row]) -> str:
    """Return rows as a Markdown table, below a description of the problem and the machine."""
    head = ["recall", "method", "queries/s", "lsh / method", "in a batch", "build s", "index MB", "resident MB"]
    head += ["peak MB", "tried", "builds", "setting"]
    lsh = {row.recall: row.qps for row in found if row.method == "lsh"}
    text = markdown.table(head, (_cells(row, lsh.get(row.recall)) for row in found), text_columns=(1, len(head) - 1))
    about = f"{results.dataset}: {results.n:,} vectors of {results.dim}, {results.metric}, recall@{results.k}"
    missing = [f"{name}: skipped, {why}" for name, why in results.skipped.items()]
    return "\n".join([about, on_machine(results.machine), "", text, "", *_ahead(found), *missing])


def _ahead(found: Sequence[Row]) -> list[str]:
    """Return which other libraries were faster than lsh at each recall, a line per recall that lsh reached."""
    lines = []
    for recall, own in {row.recall: row.qps for row in found if row.method == "lsh" and row.qps}.items():
        peers = {
            row.method: row.qps or 0.0 for row in found if row.recall == recall and not row.method.startswith("lsh")
        }
        ahead = ", ".join(f"{name} ({qps / own:.2f} times)" for name, qps in peers.items() if qps > own)
        lines.append(f"ahead of lsh at recall {recall:g}: {ahead or f'none of {len(peers)} methods'}")
    return lines


def on_machine(machine: dict[str, Any]) -> str:
    """Return the description of a machine in one line."""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    load = f"load {machine['load']} before" + (f", {machine['load_after']} after" if "load_after" in machine else "")
    return f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {packages}; {load}"


def _cells(row: Row, lsh: float | None) -> list[str]:
    p, tried = row.point, [str(row.tried), str(row.builds)]
    if p is None or row.qps is None:
        return [f"{row.recall:g}", row.method, *["-"] * 7, *tried, f"reaches {row.max_recall:.3f} at most"]
    ratio = f"{lsh / row.qps:.2f}" if lsh else "-"
    batch = f"{p.batch_qps:,.0f}" if p.batch_qps else "-"
    sizes = [f"{p.build_s:.1f}", f"{p.index_mb:.1f}", f"{p.resident_mb:.0f}", f"{p.peak_mb:.0f}"]
    setting = ", ".join(f"{name} {value}" for name, value in settings_of(p).items())
    return [f"{row.recall:g}", row.method, f"{row.qps:,.0f}", ratio, batch, *sizes, *tried, setting]


def settings_of(point: Point) -> dict[str, Any]:
    """Return build and search settings; for this project's methods also which index, since "lsh" stands for several."""
    index = {"index": point.method} if point.method in LSH else {}
    return index | point.build | point.search


def save(results: Results, path: Path) -> None:
    """Write results to a JSON file, in one step; raise WriteError if it cannot be written."""
    write_file(path, (json.dumps(asdict(results), indent=1) + "\n").encode())


def read(path: Path) -> Results:
    """Read a file that `save` wrote; raise BenchmarkError for any other file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Results(**content | {"points": [Point(**point) for point in content["points"]]})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchmarkError(f"{path} cannot be read as results: {error}; expected a file made by --out") from error
