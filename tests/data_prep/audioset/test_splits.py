"""The assignment of clips to train, validation and test."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.audioset.splits import SOURCES, split_of
from data_prep.dataset.schema import SPLITS

video_ids = st.text(string.ascii_letters + string.digits + "-_", min_size=11, max_size=11)


@given(video_ids)
def test_evaluation_clips_are_the_queries(video_id: str) -> None:
    assert split_of("eval", video_id) == "test"


@given(video_ids)
def test_balanced_and_unbalanced_clips_are_split_alike(video_id: str) -> None:
    assert split_of("bal_train", video_id) == split_of("unbal_train", video_id) != "test"


@given(st.sampled_from(list(SOURCES)), video_ids)
def test_every_clip_has_one_of_the_three_splits(source: str, video_id: str) -> None:
    assert split_of(source, video_id) in SPLITS


def test_a_tenth_of_training_is_validation() -> None:
    n = 20_000
    validation = sum(split_of("bal_train", f"{i:011d}") == "validation" for i in range(n))
    sigma = math.sqrt(n * 0.1 * 0.9)
    assert abs(validation - 0.1 * n) < 4 * sigma


@pytest.mark.parametrize(
    ("video_id", "split"),
    [("--PJHxphWEs", "train"), ("--ZhevVpy1s", "validation"), ("--aE2O5G5WE", "train"), ("00000000012", "train")],
)
def test_the_splits_of_known_clips_never_change(video_id: str, split: str) -> None:
    # A dataset prepared anew must keep its splits: or parameters would have been tuned on test clips.
    assert split_of("bal_train", video_id) == split
