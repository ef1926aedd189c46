"""Reports of measured points: rows, the table, and the lines of the web page."""

import json

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.peers import report
from benchmarks.peers.measure import Point, Results

MACHINE = {"cpu": "Some processor", "cores": 2, "python": "3.11", "packages": {"numpy": "2"}, "load": 0.1}


def point(method, recall, qps, **changes):
    values = {"build": {"bits": 8}, "search": {"probes": 2}, "recall_error": 0.01, "queries": 20, "median_qps": 1.0}
    values |= {"batch_qps": None, "build_s": 1.25, "index_mb": 2.5, "resident_mb": 30.4, "peak_mb": 40.6}
    return Point(method=method, recall=recall, qps=qps, **(values | changes))


POINTS = [
    point("lsh-sketch", 0.95, 100.0, batch_qps=2345.6),
    point("lsh-tables", 0.8, 1000.0, search={"probes": 3}),
    point("lsh-tables", 0.85, 500.0, build={"bits": 9}),
    point("exact", 1.0, 50.0, build={}, search={}),
    point("annoy", 0.7, 5000.0),
]


def results(points=POINTS):
    after = {"load_after": 0.2}
    return Results(MACHINE | after, "made", "cosine", 12_345, 16, 10, points, {"faiss": "the package is not installed"})


def test_rows_are_of_each_recall_the_fastest_method_first_and_those_that_reach_it_before_others():
    found = report.rows(results(), [0.9, 0.7], ["annoy", "exact", "lsh", "lsh-tables", "unknown"])
    assert [(row.recall, row.method, row.qps and round(row.qps)) for row in found] == [
        *((0.9, "lsh", 224), (0.9, "exact", 50), (0.9, "annoy", None), (0.9, "lsh-tables", None)),
        *((0.7, "annoy", 5000), (0.7, "lsh", 1000), (0.7, "lsh-tables", 1000), (0.7, "exact", 50)),
    ]
    assert [row.max_recall for row in found[:4]] == [0.95, 1.0, 0.7, 0.85]


def test_a_row_as_json_has_rounded_numbers_and_the_settings_of_its_point():
    row, missing = report.rows(
        results([point("lsh-sketch", 0.9, 1.26, build_s=1.23456, index_mb=0.12345)]), [0.9, 1], ["lsh"]
    )
    settings = {"index": "lsh-sketch", "bits": 8, "probes": 2}
    numbers = {"qps": 1.3, "build_s": 1.235, "index_mb": 0.123}
    assert row.as_dict() == {"method": "lsh", "recall": 0.9, **numbers, "settings": settings}
    assert missing.as_dict() == {"method": "lsh", "recall": 1, **dict.fromkeys((*numbers, "settings"))}


def test_the_table_has_every_figure_of_a_row_and_what_was_tried():
    found = report.rows(results(), [0.95], ["lsh", "exact", "annoy"])
    about, machine, _, *table, _, ahead, skipped = report.table(results(), found).splitlines()
    assert about == "made: 12,345 vectors of 16, cosine, recall@10"
    assert machine == "Some processor, 2 cores, Python 3.11, numpy 2; load 0.1 before, 0.2 after"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert cells[0] == [
        *("recall", "method", "queries/s", "lsh / method", "in a batch", "build s", "index MB", "resident MB"),
        *("peak MB", "tried", "builds", "setting"),
    ]
    assert cells[1] == ["--:", "---", *["--:"] * 9, "---"]
    assert cells[2:] == [
        [
            "0.95",
            "lsh",
            "100",
            "1.00",
            "2,346",
            "1.2",
            "2.5",
            "30",
            "41",
            "3",
            "3",
            "index lsh-sketch, bits 8, probes 2",
        ],
        ["0.95", "exact", "50", "2.00", "-", "1.2", "2.5", "30", "41", "1", "1", ""],
        ["0.95", "annoy", *["-"] * 7, "1", "1", "reaches 0.700 at most"],
    ]
    assert ahead == "ahead of lsh at recall 0.95: none of 2 methods"
    assert skipped == "faiss: skipped, the package is not installed"


def test_the_methods_ahead_of_lsh_are_named_at_each_recall_that_it_reaches():
    faster = [*POINTS, point("hnswlib", 0.95, 150.0)]
    names = ["lsh", "lsh-tables", "exact", "annoy", "hnswlib"]
    lines = report.table(results(faster), report.rows(results(faster), [0.7, 0.95, 0.99], names)).splitlines()
    assert [line for line in lines if line.startswith("ahead")] == [
        "ahead of lsh at recall 0.7: annoy (5.00 times)",
        "ahead of lsh at recall 0.95: hnswlib (1.50 times)",
    ]


def test_methods_within_a_factor_of_the_fastest_of_all_at_one_of_the_recalls_are_found_in_the_given_order():
    names = ["unknown", "exact", "lsh", "annoy", "lsh-tables", "lsh-sketch"]
    assert report.within(results(), 1.01, [0.95], names) == ["lsh", "lsh-sketch"]
    assert report.within(results(), 1.99, [0.95], names) == ["lsh", "lsh-sketch"]
    assert report.within(results(), 2.01, [0.95], names) == ["exact", "lsh", "lsh-sketch"]
    assert report.within(results(), 2.01, [0.95, 0.7], names) == ["exact", "lsh", "annoy", "lsh-sketch"]
    assert report.within(results(), 2, [0.7], names) == ["annoy"]
    assert (
        report.within(results(), 2, [0.7], ["lsh", "lsh-tables"]) == []
    )  # annoy is faster, though it is not asked for


def test_results_are_read_as_they_were_saved(tmp_path):
    report.save(results(), tmp_path / "results.json")
    assert report.read(tmp_path / "results.json") == results()
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    del content["points"][0]["qps"]
    (tmp_path / "odd.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BenchmarkError, match="qps"):
        report.read(tmp_path / "odd.json")
