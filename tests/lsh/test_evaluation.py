import numpy as np
import pytest

from lsh import LSHIndex, evaluate, label_precision_at_k, recall_at_k
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
    assert record.candidates == pytest.approx(found.n_candidates.mean() / 120)
    assert record.index_bytes == index.nbytes(3)
    assert record.ms_per_query > 0
    assert record.exact_ms_per_query > 0


def test_without_a_setting_all_that_was_built_is_measured():
    record = evaluate(*made())
    assert (record.n_tables, record.n_bits, record.n_probes, record.k) == (6, 8, 1, 10)


def test_the_record_is_plain_values():
    values = evaluate(*made()).as_dict()
    assert all(type(value) in (str, int, float) for value in values.values())


def test_no_queries_and_settings_beyond_the_index_are_refused():
    index, Q, query_labels, base_labels = made()
    with pytest.raises(ShapeError, match="Q has no rows"):
        evaluate(index, Q[:0], query_labels, base_labels)
    with pytest.raises(ParameterError, match="n_tables is 7"):
        evaluate(index, Q, query_labels, base_labels, n_tables=7)
    with pytest.raises(ShapeError, match="query_labels are for 15 queries; ids has 14 rows"):
        evaluate(index, Q[:14], query_labels, base_labels)
