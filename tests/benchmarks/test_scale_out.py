"""Benchmark of clusters: the table, and that another answer than one machine's is an error."""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("distributed")

import distributed

from benchmarks import scale_out
from data_prep.dataset import open_dataset
from earshot_common import dask_cluster
from lsh.analysis.search_config import SearchConfig
from lsh.distributed import DistributedIndex
from lsh.sketches.partition import default_buckets
from tests.ui.apptest import write_small


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Return a small dataset; workers are threads of this process, which start at once."""
    monkeypatch.setattr(dask_cluster, "LocalCluster", partial(distributed.LocalCluster, processes=False))
    return write_small(tmp_path / "small", {"train": 400, "validation": 4, "test": 12})


def test_a_row_per_cluster_stands_below_the_plain_index(small, capsys):
    assert scale_out.main([str(small), "--workers", "1", "2", "--queries", "9"]) == 0
    out = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if line.startswith("|")]
    assert [row[0] for row in rows[2:]] == ["plain index", "1 worker", "2 workers"]
    assert all(float(cell.replace(",", "")) > 0 for row in rows[3:] for cell in row[1:])


HEAD = """\
cosine, exact search: the 10 nearest of 400 clips of 'Small'; 7 test queries
Some processor, 3 processors, load 0.5
"""
TITLES = ["index", "built in s", "queries/s in one batch", "ms alone, median", "ms alone, p99", "bytes per query"]
TITLES += ["overhead alone in ms", "times the plain index's queries/s"]
PLAIN = ["plain index", "2.00", "2,000", "2.00", "3.96", "-", "-", "-"]
CLUSTER = ["2.00", "1,000", "3.00", "5.94", "1,250", "1.00", "0.5"]


@pytest.fixture
def clusters(monkeypatch):
    """Let clusters start at once, the machine and times be known; return what was asked for."""
    asked, now = [], iter(range(0, 1000, 2))

    class Context:
        def __init__(self, *args, **options):
            asked.append((type(self).__name__, len(args), options))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            asked.append(f"{type(self).__name__} ended")

    class Client(Context):
        def run(self, function):
            asked.append(function)

    class Distributed:
        def __init__(self, kind, metric, **build):
            self.config = SearchConfig(kind, metric, build, {})

        def fit(self, X, client):
            assert isinstance(client, Client)
            self.plain = self.config.fit(X)
            return self

        def search(self, Q, k):
            return self.plain.search(Q, k)

        def payload_bytes(self, Q, k):
            return 125 * k * len(Q)

    def measured(name, build_s, search, Q, payload):
        config = SearchConfig.exact("cosine")
        np.testing.assert_array_equal(search(Q).ids, config.fit(asked_X[0]).search(Q, 10).ids)
        if name == "plain index":
            return scale_out.Measured(name, build_s, 2000.4, [1.0, 2.0, 4.0], payload)
        return scale_out.Measured(name, build_s, 1000.2, [1.5, 3.0, 6.0], payload)

    asked_X = []
    monkeypatch.setattr(dask_cluster, "local_cluster", type("Cluster", (Context,), {}))
    monkeypatch.setattr(distributed, "Client", Client)
    monkeypatch.setattr("lsh.distributed.DistributedIndex", Distributed)
    monkeypatch.setattr(scale_out, "warm", warm := lambda: asked.append("warm"))
    monkeypatch.setattr(scale_out, "_measured", measured)
    monkeypatch.setattr(scale_out, "_SINGLE", 5)
    monkeypatch.setattr(scale_out.time, "perf_counter", lambda: float(next(now)))
    monkeypatch.setattr(scale_out, "describe", lambda: {"cpu": "Some processor", "cores": 3, "load": 0.5})
    return asked, asked_X, warm


def test_each_cluster_is_warm_and_its_figures_are_printed(small, clusters, capsys):
    asked, asked_X, warm = clusters
    asked_X.append(open_dataset(small).features("train")[:])
    assert scale_out.main([str(small), "--queries", "7", "--kind", "exact"]) == 0
    out, err = capsys.readouterr()
    head, _, table = out.partition("\n\n")
    assert f"{head}\n" == HEAD
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    workers = [["1 worker", *CLUSTER], ["2 workers", *CLUSTER], ["4 workers", *CLUSTER]]
    assert [rows[0], *rows[2:]] == [TITLES, PLAIN, *workers]
    assert err.splitlines() == [f"starting {n} workers" for n in (1, 2, 4)]
    assert asked == [
        "warm",
        *(
            event
            for n in (1, 2, 4)
            for event in (
                ("Cluster", 1, {}),
                ("Client", 1, {"set_as_default": False}),
                warm,
                "Client ended",
                "Cluster ended",
            )
        ),
    ]


def test_each_kind_has_the_settings_of_the_plain_index():
    for metric in ("cosine", "euclidean"):
        assert scale_out._config("exact", metric, 400) == SearchConfig.exact(metric)
        assert scale_out._config("tables", metric, 400) == SearchConfig.tables(metric, 0, {}, {})
        sketches = {"n_buckets": default_buckets(400)}, {"n_probes": 8, "n_reranked": 40}
        assert scale_out._config("sketches", metric, 400) == SearchConfig("sketches", metric, *sketches)


def test_another_answer_than_one_machines_is_an_error(small, capsys, monkeypatch):
    search = DistributedIndex.search
    monkeypatch.setattr(
        DistributedIndex, "search", lambda *a, **k: (found := search(*a, **k))._replace(ids=found.ids[:, ::-1])
    )
    assert scale_out.main([str(small), "--workers", "1", "--queries", "3", "--kind", "exact"]) == 2
    assert "1 workers answer otherwise than one machine" in capsys.readouterr().err
    farther = lambda *a, **k: (found := search(*a, **k))._replace(distances=found.distances + np.float32(0.1))  # noqa: E731
    monkeypatch.setattr(DistributedIndex, "search", farther)
    assert scale_out.main([str(small), "--workers", "2", "--queries", "3", "--kind", "exact"]) == 2
    assert "2 workers answer otherwise than one machine" in capsys.readouterr().err


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
