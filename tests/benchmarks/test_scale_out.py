"""Benchmark of clusters: the table, and that another answer than one machine's is an error."""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("distributed")

import distributed

from benchmarks import scale_out
from lsh.distributed import DistributedIndex
from tests.ui.apptest import write_small


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Return a small dataset; workers are threads of this process, which start at once."""
    monkeypatch.setattr(distributed, "LocalCluster", partial(distributed.LocalCluster, processes=False))
    return write_small(tmp_path / "small", {"train": 400, "validation": 4, "test": 12})


@pytest.mark.parametrize("kind", ["exact", "sketches"])
def test_a_row_per_cluster_stands_below_the_plain_index(small, capsys, kind):
    assert scale_out.main([str(small), "--workers", "1", "2", "--queries", "9", "--kind", kind]) == 0
    out = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if line.startswith("|")]
    assert [row[0] for row in rows[2:]] == ["plain index", "1 worker", "2 workers"]
    assert "the 10 nearest of 400 clips" in out
    assert "; 9 test queries" in out
    assert rows[2][5] == "-"
    assert all(float(cell.replace(",", "")) > 0 for row in rows[3:] for cell in row[1:])


def test_another_answer_than_one_machines_is_an_error(small, capsys, monkeypatch):
    search = DistributedIndex.search
    monkeypatch.setattr(
        DistributedIndex, "search", lambda *a, **k: (found := search(*a, **k))._replace(ids=found.ids[:, ::-1])
    )
    assert scale_out.main([str(small), "--workers", "1", "--queries", "3", "--kind", "exact"]) == 2
    assert "1 workers answer otherwise than one machine" in capsys.readouterr().err


def test_a_dataset_without_queries_is_refused(tmp_path, capsys):
    empty = write_small(tmp_path / "empty", {"train": 40, "validation": 4, "test": 0})
    assert scale_out.main([str(empty)]) == 2
    assert "no clips in its test split" in capsys.readouterr().err


def test_times_are_those_of_the_fastest_batch_and_of_each_query_alone(monkeypatch):
    now, seconds = [0.0], iter([0.5, 0.2, 0.4, *[0.001, 0.003, 0.002]])
    monkeypatch.setattr(scale_out.time, "perf_counter", lambda: now[0])
    shapes = []

    def search(queries):
        shapes.append(queries.shape)
        now[0] += next(seconds)

    found = scale_out._measured("it", 1.5, search, np.zeros((3, 4), np.float32), 7.0)
    assert (found.name, found.build_s, found.payload) == ("it", 1.5, 7.0)
    assert found.per_s == pytest.approx(15)
    assert found.ms == pytest.approx([1, 3, 2])
    assert shapes == [(3, 4)] * 3 + [(1, 4)] * 3
