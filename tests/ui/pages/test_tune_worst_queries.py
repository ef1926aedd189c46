"""The queries of Tune that find least."""

import numpy as np
import pytest

from ui.pages.tune import worst_queries

COUNTS = np.array([1, 0, 0, 0, 2, 3, 0, 0, 0, 0, 4])


def test_the_sentence_counts_queries_below_half_and_those_that_lose_nothing():
    assert "**3 of 10** queries LSH found fewer than half" in worst_queries.sentence(COUNTS)
    assert "on **4** it found every one" in worst_queries.sentence(COUNTS)


def test_the_table_counts_every_query_once():
    table = worst_queries.table(COUNTS)
    assert table["found"].tolist() == ["all 10", "5 to 9", "1 to 4", "none"]
    assert table["queries"].tolist() == ["4", "3", "2", "1"]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_collections_of_few_clips_have_fewer_neighbours_to_find(k):
    counts = np.arange(1, k + 2)
    assert sum(map(int, worst_queries.table(counts)["queries"])) == counts.sum()
