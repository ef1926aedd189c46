"""Settings of the benchmarks: those that the documents state beside the figures that were measured with them."""

import itertools
import re

import pytest

from benchmarks import dtypes, duplicates, large_collection, promise, scale_out, stragglers
from benchmarks.filters import __main__ as filters
from benchmarks.growing import __main__ as growing


@pytest.fixture
def after(root):
    """Return a function of a document and a text in it: what follows the text there, and its first table in cells."""

    def found(document, text):
        rest = (root / "docs" / document).read_text(encoding="utf-8").partition(text)[2]
        table = re.search(r"(?:^ *\|.*\n)+", rest, re.MULTILINE).group()
        cells = [[cell.strip() for cell in line.strip(" |").split("|")] for line in table.splitlines()]
        return " ".join(rest.split()), [cells[0], *cells[2:]]

    return found


def test_the_large_collection_is_searched_with_the_settings_of_both_tables(after):
    for text in ("memory-mapped", "benchmarks.large_collection --dtype"):
        _, (_, *rows) = after("BENCHMARKS.md", text)
        assert [(int(probes), int(ranked)) for probes, ranked, *_ in rows] == large_collection.SETTINGS


def test_a_promise_is_compared_with_as_many_settings_as_stated(after, root):
    _, (_, *rows) = after("BENCHMARKS.md", "python -m benchmarks.promise")
    assert tuple(float(row[0]) for row in rows) == promise.PROMISES
    tables, bits, probes = ([one[name] for one in promise.SETTINGS] for name in ("n_tables", "n_bits", "n_probes"))
    ranges = f"L {min(tables)} to {max(tables)}, K {min(bits)} to {max(bits)}, {min(probes)} to {max(probes)} probes"
    text = f"{len(promise.SETTINGS)} settings of the same 64 tables of 16 bits ({ranges};"
    assert text in " ".join((root / "docs" / "BENCHMARKS.md").read_text(encoding="utf-8").split())
    assert sorted(set(tables)) == [4, 8, 12, 16, 24, 32, 48, 64]
    assert sorted(set(bits)) == [6, 8, 10, 12, 14]
    assert sorted(set(probes)) == [1, 2, 4, 8]


def test_filters_allow_the_shares_of_the_table(after):
    text, (_, *rows) = after("BENCHMARKS.md", "python -m benchmarks.filters")
    shares = [row[1].removesuffix(" %") for row in rows if row[0] == "random"]
    assert [float(share) / 100 for share in shares] == pytest.approx(filters.SHARES)
    assert f"Recall of {filters.K} neighbours" in text


def test_searches_within_a_radius_are_those_of_the_tables(after):
    _, (_, *rows) = after("BENCHMARKS.md", "python -m benchmarks.duplicates data/audioset-small")
    assert [(int(row[1]), row[3]) for row in rows] == list(itertools.product(duplicates.RANKS, duplicates.METHODS))
    assert [row[3] for row in rows if float(row[4]) < 0.93] == []  # 0.95 of a part of the queries


def test_indexes_grow_by_the_batches_and_into_the_segments_of_the_tables(after):
    text, _ = after("BENCHMARKS.md", "## Growing indexes")
    batches = f"adds {growing._BATCHES} batches of {growing._BATCH:,} to an index of 200,000"
    assert batches in text
    assert f"removes one in {growing._REMOVED}," in text
    assert f"{growing._ROUNDS} rounds, interleaved; {growing._QUERIES} queries" in text
    _, (head, *_) = after("BENCHMARKS.md", "Time per query of the same vectors in segments")
    assert [int(cell.split()[0]) for cell in head[1:-1]] == list(growing.SEGMENTS)


def test_as_many_workers_are_started_as_stated(after):
    one, two, four = scale_out._WORKERS
    assert after("SCALE.md", "scale_out data/audioset-small")[0].startswith(f"starts {one}, {two} and {four} workers")


def test_recall_of_compact_features_is_of_the_numbers_of_neighbours_in_the_table(after):
    _, (head, *_) = after("FORMAT.md", "benchmarks.dtypes")
    assert head[3:] == [f"recall@{k}" for k in dtypes._NEIGHBOURS]


def test_the_simulation_of_shards_has_the_figures_of_the_table(after):
    _, (_, *rows) = after("SCALE.md", "`python -m benchmarks.stragglers`")
    assert [int(row[0].replace(",", "")) for row in rows[::2]] == list(stragglers._SHARDS)
    for row in rows[:4]:  # the others take seconds
        found = stragglers.simulate(int(row[0]), 20_000, hedged=row[1] == "yes")
        assert row[2:] == [*(f"{value:.2f}" for value in found[:3]), f"{found.extra:.1%}"]
