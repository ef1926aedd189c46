"""Lists of clips sorted by numbers and dates."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips
from ui.model import clip_search
from ui.widgets import clip_orders

FURTHER = {
    "extra_pitch (Hz)": pa.array([440.0, None, 82.41, 1760.5, None, 50.0], pa.float64()),
    "extra_at": pa.array(
        [dt.datetime(2024, 5, day, tzinfo=dt.UTC) for day in (3, 1, 2, 6, 5, 4)], pa.timestamp("us", "UTC")
    ),
    "extra_on": pa.array([None, *(dt.date(2023, 11, day) for day in (5, 4, 3, 2, 1))], pa.date32()),
    "extra_takes": pa.array([[5, 2], [], None, [3], [9, 9], [1]], pa.list_(pa.int64())),
    "extra_same": pa.array([1] * 6, pa.int64()),
    "extra_site": pa.array(list("abcdef"), pa.string()),
}
SPLITS = ["train", "train", "train", "test", "train", "train"]


@pytest.fixture
def dataset(tmp_path):
    media = [f"x/{name}.wav" for name in "abcdef"]
    clips = plain_clips(SPLITS, [[0]] * 6, np.eye(6, dtype=np.float32), media=media, further=FURTHER)
    write_dataset(tmp_path / "made", About("T", "s", "l", "youtube"), [Label("/m/0", "A")], [clips])
    return open_dataset(tmp_path / "made")


def in_order(dataset, name):
    hits = clip_search.list_clips(dataset, "label=A")
    assert hits.total == 6
    clip_at = clip_orders.sort(dataset, hits, "label=A", clip_orders.orders_of(dataset)[name])
    return "".join(clip_at(i).media[2] for i in range(6))


def test_each_column_of_numbers_or_dates_that_differs_gives_two_orders(dataset):
    kinds = [order.kind for order in clip_orders.orders_of(dataset).values()]
    assert kinds == [f"extra_{name}" for name in ("pitch (Hz)", "at", "on", "takes") for _ in range(2)]


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("pitch (Hz), low to high", "fcad"),
        ("pitch (Hz), high to low", "dacf"),
        ("takes, low to high", "fade"),
        ("at, low to high", "bcafed"),
        ("at, high to low", "defacb"),
        ("on, low to high", "fedcb"),
    ],
)
def test_clips_of_all_splits_are_sorted_and_those_without_a_value_are_last(dataset, name, letters):
    ordered = in_order(dataset, name)
    assert ordered.startswith(letters)
    assert sorted(ordered) == list("abcdef")


def test_what_a_clip_is_sorted_by_is_said(dataset):
    orders = clip_orders.orders_of(dataset)
    clips = {row: dataset.clip("train", row) for row in range(5)}
    said = {clip_orders.words(dataset, clip, orders["pitch (Hz), low to high"]) for clip in clips.values()}
    assert said == {"pitch (Hz): 440.0", "pitch (Hz): none", "pitch (Hz): 82.41", "pitch (Hz): 50.00"}
    assert clip_orders.words(dataset, clips[0], None) == ""
