"""Evaluation of one setting."""

import numpy as np
import pytest

from lsh import GraphIndex, LSHIndex, SketchIndex, evaluate, label_precision_at_k, recall_at_k
from lsh.errors import ParameterError, ShapeError
from tests import reference


def made(metric="cosine"):
    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((120, 5)), rng.standard_normal((15, 5))
    base, queries = (reference.csr([set(rng.integers(0, 5, 2).tolist()) for _ in range(n)]) for n in (120, 15))
    return LSHIndex(metric, 6, 8).fit(X), Q, queries, base


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("n_probes", [1, 3])
def test_figures_are_those_that_the_library_gives_one_by_one(metric, n_probes):
    index, Q, query_labels, base_labels = made(metric)
    record = evaluate(index, Q, query_labels, base_labels, k=4, n_tables=3, n_bits=5, n_probes=n_probes)
    found, truth = index.search(Q, 4, 3, 5, n_probes), index.exact.search(Q, 4)
    recalls = recall_at_k(found, truth)
    assert (record.metric, record.n_tables, record.n_bits, record.n_probes, record.k) == (metric, 3, 5, n_probes, 4)
    assert record.queries == 15
    assert record.recall == pytest.approx(recalls.mean(), abs=1e-12)
    assert record.recall_error == pytest.approx(recalls.std() / np.sqrt(15))
    assert record.label_precision == label_precision_at_k(found.ids, query_labels, base_labels).mean()
    assert record.exact_label_precision == label_precision_at_k(truth.ids, query_labels, base_labels).mean()
    assert record.candidate_fraction == pytest.approx(found.n_candidates.mean() / 120)
    assert record.index_bytes == index.nbytes_of(3)
    assert record.ms_per_query > 0
    assert record.exact_ms_per_query > 0


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_indexes_of_sketches_and_a_graph_and_exact_search_are_measured_too(metric):
    tables, Q, query_labels, base_labels = made(metric)
    sketches = SketchIndex(metric, n_buckets=6).fit(tables.exact.X)
    record = evaluate(sketches, Q, query_labels, base_labels, k=4, n_probes=2, n_reranked=9)
    found = sketches.search(Q, 4, 2, 9)
    assert (record.index, record.n_buckets, record.n_probes, record.n_reranked) == ("sketches", 6, 2, 9)
    assert (record.n_tables, record.n_bits, record.n_kept) == (None, None, None)
    assert record.recall == pytest.approx(recall_at_k(found, sketches.exact.search(Q, 4)).mean(), abs=1e-12)
    assert record.candidate_fraction == pytest.approx(found.n_candidates.mean() / 120)
    assert record.index_bytes == sketches.nbytes
    graph = GraphIndex(metric).fit(tables.exact.X)
    record = evaluate(graph, Q, query_labels, base_labels, k=4, n_kept=6)
    found = graph.search(Q, 4, 6)
    assert (record.index, record.n_kept, record.n_buckets, record.n_reranked) == ("graph", 6, None, None)
    assert record.recall == pytest.approx(recall_at_k(found, graph.exact.search(Q, 4)).mean(), abs=1e-12)
    assert (record.candidate_fraction, record.index_bytes) == (found.n_candidates.mean() / 120, graph.nbytes)
    record = evaluate(sketches.exact, Q, query_labels, base_labels, k=4)
    assert (record.index, record.n_probes, record.recall, record.recall_error) == ("exact", None, 1.0, 0.0)
    assert record.label_precision == record.exact_label_precision


def test_a_setting_that_the_index_does_not_have_is_refused_with_those_it_has():
    index, *rest = made()
    with pytest.raises(ParameterError, match="n_buckets is no setting of tables; expected n_bits"):
        evaluate(index, *rest, n_buckets=3)
    with pytest.raises(ParameterError, match=r"n_tables is no setting of sketches; .* n_probes, n_reranked"):
        evaluate(SketchIndex().fit(index.exact.X), *rest, n_tables=3)
    with pytest.raises(ParameterError, match="n_reranked is no setting of graph; expected n_kept"):
        evaluate(GraphIndex().fit(index.exact.X), *rest, n_reranked=3)
    with pytest.raises(ParameterError, match="n_probes is no setting of exact; expected none"):
        evaluate(index.exact, *rest, n_probes=3)


def test_without_a_setting_the_default_of_the_index_is_measured():
    index, *data = made()
    record = evaluate(index, *data)
    assert (record.n_tables, record.n_bits, record.n_probes) == index.default_setting
    assert record.recall == evaluate(index, *data, **index.default_setting._asdict()).recall
    assert evaluate(index, *data, n_bits=1).n_tables == index.default_setting.n_tables


def test_the_record_is_plain_values():
    values = evaluate(*made()).as_dict()
    assert all(type(value) in (str, int, float, type(None)) for value in values.values())


def test_no_queries_and_settings_beyond_the_index_are_refused():
    index, Q, query_labels, base_labels = made()
    with pytest.raises(ShapeError, match="Q has no rows"):
        evaluate(index, Q[:0], query_labels, base_labels)
    with pytest.raises(ParameterError, match="n_tables is 7"):
        evaluate(index, Q, query_labels, base_labels, n_tables=7)
    with pytest.raises(ShapeError, match="query_labels are for 15 queries; ids has 14 rows"):
        evaluate(index, Q[:14], query_labels, base_labels)
