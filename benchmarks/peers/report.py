"""Results as rows: speed at each wanted recall, as a table for people or a record for programs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import markdown
from benchmarks.errors import BenchmarkError
from benchmarks.methods import LSH
from benchmarks.peers.measure import Point, Results
from benchmarks.peers.pareto_front import pareto_front, qps_at_recall


@dataclass(frozen=True, slots=True)
class Row:
    """A method at a wanted recall: `point` is the setting that comes nearest above it, None when none reaches it."""

    method: str
    recall: float
    qps: float | None
    batch_qps: float | None
    point: Point | None
    most: float

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints for one row."""
        point = self.point
        return {
            "method": self.method,
            "recall": self.recall,
            "qps": self.qps and round(self.qps, 1),
            "build_s": point and round(point.build_s, 3),
            "index_mb": point and round(point.index_mb, 3),
            "settings": point and settings_of(point),
        }


def groups(results: Results) -> dict[str, list[Point]]:
    """Return the points of each method, where our own indexes together also stand as "lsh"."""
    by_method: dict[str, list[Point]] = {}
    ours = [point for point in results.points if point.method in LSH]
    if ours:
        by_method["lsh"] = ours
    for point in results.points:
        by_method.setdefault(point.method, []).append(point)
    return by_method


def rows(results: Results, recalls: Sequence[float], wanted: Iterable[str]) -> list[Row]:
    """Return a row for each recall and each wanted method that was measured, the fastest first."""
    found, by_method = [], groups(results)
    for recall in recalls:
        at_recall = [_row(name, by_method[name], recall) for name in wanted if name in by_method]
        found += sorted(at_recall, key=lambda row: -(row.qps or 0))
    return found


def _row(name: str, points: list[Point], recall: float) -> Row:
    unbeaten = pareto_front(points)
    most = unbeaten[-1].recall
    reading = qps_at_recall(unbeaten, recall)
    if reading is None:
        return Row(name, recall, None, None, None, most)
    point = unbeaten[reading.place]
    return Row(name, recall, reading.qps, point.batch_qps, point, most)


def table(results: Results, found: Sequence[Row]) -> str:
    """Return rows as a table in Markdown, which people read as well as it is printed."""
    head = ["recall", "method", "queries/s", "in a batch", "build s", "index MB", "resident MB", "peak MB", "setting"]
    text = markdown.table(head, map(_cells, found), text_columns=(1, len(head) - 1))
    about = f"{results.dataset}: {results.n:,} vectors of {results.dim}, {results.metric}, recall@{results.k}"
    missing = [f"{name}: skipped, {why}" for name, why in results.skipped.items()]
    return "\n".join([about, on_machine(results.machine), "", text, *([""] if missing else []), *missing])


def on_machine(machine: dict[str, Any]) -> str:
    """Return the machine in one line."""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    busy = f"load {machine['load']} before, {machine.get('load_after')} after"
    return f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {packages}; {busy}"


def _cells(row: Row) -> list[str]:
    if row.point is None:
        return [f"{row.recall:g}", row.method, "-", "-", "-", "-", "-", "-", f"reaches {row.most:.3f} at most"]
    p = row.point
    batch = f"{row.batch_qps:,.0f}" if row.batch_qps else "-"
    sizes = [f"{p.build_s:.1f}", f"{p.index_mb:.1f}", f"{p.resident_mb:.0f}", f"{p.peak_mb:.0f}"]
    setting = ", ".join(f"{name} {value}" for name, value in settings_of(p).items())
    return [f"{row.recall:g}", row.method, f"{row.qps:,.0f}", batch, *sizes, setting]


def settings_of(point: Point) -> dict[str, Any]:
    """Return what an index was built and searched with, and which it is where "lsh" stands for several."""
    index = {"index": point.method} if point.method in LSH else {}
    return index | point.build | point.search


def save(results: Results, path: Path) -> None:
    """Write results as JSON, whole or not at all."""
    write_whole(path, json.dumps(results.as_dict(), indent=1) + "\n")


def read(path: Path) -> Results:
    """Read what `save` wrote."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{path} cannot be read as results: {error}; expected a file made by --out") from error
    if not isinstance(plain, dict):
        raise BenchmarkError(f"{path} holds no results; expected a file made by --out")
    return Results.from_dict(plain)


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place and rename it, so that a reader sees all of it or none."""
    working = path.with_name(f".{path.name}.working")
    try:
        working.write_text(text, encoding="utf-8")
        working.replace(path)
    except OSError as error:
        raise BenchmarkError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        working.unlink(missing_ok=True)
