"""Conditions on clips, compared with a twin that looks at one clip at a time."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from data_prep.dataset import conditions, open_dataset
from data_prep.dataset.conditions import Condition
from data_prep.dataset.schema import SPLITS, UNKNOWN_END_S, About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips

N = 90
NAMES = ["Dog", "Cat", "Rain", "Dog"]  # names need not be unique
FOLDERS = ["", "drums/", "drums/deep/", "drums more/", "loops/"]
DAY = dt.datetime(2024, 5, 1)  # noqa: DTZ001  (some columns have no zone)


def facts():
    """Return the values of each clip by column; every seventh clip lacks its metadata."""
    return {
        "labels": [[i % 4] if i % 3 else [i % 4, (i + 1) % 4] for i in range(N)],
        "media": [f"{FOLDERS[i % 5]}{i}.wav" for i in range(N)],
        "end_s": [UNKNOWN_END_S if i % 11 == 0 else 0.1 * i for i in range(N)],
        "extra_site": [None if i % 7 == 0 else f"site {i % 3}" for i in range(N)],
        "extra_tags": [None if i % 7 == 0 else ["wet", "dry"][: i % 3] for i in range(N)],
        "extra_year": [None if i % 7 == 0 else 2000 + i % 9 for i in range(N)],
        "extra_level": [None if i % 7 == 0 else float("nan") if i % 5 == 0 else i / 4 for i in range(N)],
        "extra_counts": [None if i % 7 == 0 else [i, 2 * i] for i in range(N)],
        "extra_night": [None if i % 7 == 0 else i % 2 == 0 for i in range(N)],
        "extra_day": [None if i % 7 == 0 else (DAY + dt.timedelta(days=i)).date() for i in range(N)],
        "extra_at": [None if i % 7 == 0 else DAY + dt.timedelta(hours=7 * i) for i in range(N)],
        "extra_there": [None if i % 7 == 0 else DAY + dt.timedelta(hours=7 * i) for i in range(N)],
    }


TYPES = {
    "extra_site": pa.string(),
    "extra_tags": pa.list_(pa.string()),
    "extra_year": pa.int64(),
    "extra_level": pa.float64(),
    "extra_counts": pa.list_(pa.int64()),
    "extra_night": pa.bool_(),
    "extra_day": pa.date32(),
    "extra_at": pa.timestamp("us"),
    "extra_there": pa.timestamp("us", "America/New_York"),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    known, folder = facts(), tmp_path_factory.mktemp("made")
    clips = plain_clips(
        np.random.default_rng(1).choice(SPLITS, N).tolist(),
        known["labels"],
        np.eye(N, dtype=np.float32),
        media=known["media"],
        end_s=np.array(known["end_s"]),
        further={name: pa.array(known[name], kind) for name, kind in TYPES.items()},
    )
    about = About("T", "s", "l", "file", media_folder=str(folder))
    write_dataset(folder / "made", about, [Label(f"/m/{i}", name) for i, name in enumerate(NAMES)], [clips])
    return open_dataset(folder / "made")


def meets(known, split, i, one):
    """Return whether clip `i` meets a condition."""
    if one.kind == "split":
        return split in one.values
    if one.kind in {"any", "all", "not"}:
        names = {NAMES[label] for label in known["labels"][i]}
        return {"any": any, "all": all, "not": lambda has: not any(has)}[one.kind](name in names for name in one.values)
    if one.kind == "folder":
        return any(known["media"][i].startswith(f"{folder}/") for folder in one.values)
    if one.kind == "length":
        value = None if known["end_s"][i] == UNKNOWN_END_S else known["end_s"][i]
    else:
        value = known[one.kind][i]
    if value is None:
        return False
    if one.kind == "extra_there":
        value -= dt.timedelta(hours=4)  # in May and June
    each = [v.date() if isinstance(v, dt.datetime) else v for v in (value if isinstance(value, list) else [value])]
    if one.values:
        return any((str(v).lower() if isinstance(v, bool) else v) in one.values for v in each)
    low, high = one.low, one.high
    return any((low is None or v >= low) and (high is None or v <= high) and v == v for v in each)  # noqa: PLR0124  (NaN)


CONDITIONS = [
    Condition("any", ("Dog", "Rain")),
    Condition("all", ("Dog", "Cat")),
    Condition("not", ("Dog",)),
    Condition("not", ("Cat", "Rain")),
    Condition("folder", ("drums",)),
    Condition("folder", ("drums/deep", "loops")),
    Condition("length", low=2.0, high=5.0),
    Condition("length", high=1.0),
    Condition("split", ("train", "test")),
    Condition("extra_site", ("site 1",)),
    Condition("extra_site", ("site 1", "site 2")),
    Condition("extra_tags", ("wet",)),
    Condition("extra_tags", ("wet", "dry")),
    Condition("extra_year", low=2003, high=2003),
    Condition("extra_level", low=3.25),
    Condition("extra_level", high=15.0),
    Condition("extra_counts", low=30, high=40),
    Condition("extra_night", ("true",)),
    Condition("extra_day", low=dt.date(2024, 5, 10), high=dt.date(2024, 6, 1)),
    Condition("extra_at", low=dt.date(2024, 5, 3), high=dt.date(2024, 5, 5)),
    Condition("extra_at", high=dt.date.max),
    Condition("extra_there", low=dt.date(2024, 5, 3), high=dt.date(2024, 5, 5)),
]


def rows_by_hand(dataset, split, every):
    """Return the rows of a split whose clips meet every condition, one clip at a time."""
    known = facts()
    numbers = [int(clip_id.split("-")[1]) for clip_id in dataset.clips(split)["clip_id"].to_pylist()]
    return [row for row, i in enumerate(numbers) if all(meets(known, split, i, one) for one in every)]


@pytest.mark.parametrize("one", CONDITIONS, ids=lambda one: f"{one.kind} {one.values or (one.low, one.high)}")
@pytest.mark.parametrize("split", SPLITS)
def test_a_condition_selects_the_rows_that_meet_it(dataset, split, one):
    rows = np.flatnonzero(conditions.rows_meeting(dataset, split, [one])).tolist()
    assert rows == rows_by_hand(dataset, split, [one])
    assert one.kind == "split" or 0 < len(rows) < dataset.n_rows(split)


@pytest.mark.parametrize("second", CONDITIONS[::3], ids=lambda one: one.kind)
@pytest.mark.parametrize("first", CONDITIONS[::2], ids=lambda one: one.kind)
def test_of_two_conditions_both_are_met(dataset, first, second):
    rows = np.flatnonzero(conditions.rows_meeting(dataset, "train", [first, second])).tolist()
    assert rows == rows_by_hand(dataset, "train", [first, second])


def test_without_conditions_every_row_is_selected(dataset):
    assert conditions.rows_meeting(dataset, "train", []).all()


def test_values_that_no_clip_has_are_named(dataset):
    assert conditions.unknown_values(dataset, Condition("any", ("Dog", "Wolf"))) == ("Wolf",)
    assert conditions.unknown_values(dataset, Condition("folder", ("drums", "drum", "loops"))) == ("drum",)
    assert conditions.unknown_values(dataset, Condition("split", ("train", "extra"))) == ("extra",)
    assert conditions.unknown_values(dataset, Condition("extra_site", ("site 9", "site 1"))) == ("site 9",)
    assert conditions.unknown_values(dataset, Condition("length", low=1000.0)) == ()


def test_the_form_of_a_condition_is_that_of_its_column(dataset):
    assert conditions.forms_of(dataset) == {
        **dict.fromkeys(("any", "all", "not"), "label"),
        "folder": "choice",
        "length": "number",
        "split": "choice",
        **dict.fromkeys(("extra_site", "extra_tags", "extra_night"), "choice"),
        **dict.fromkeys(("extra_year", "extra_level", "extra_counts"), "number"),
        **dict.fromkeys(("extra_day", "extra_at", "extra_there"), "date"),
    }


def test_folders_are_counted_with_all_that_is_in_them(dataset):
    found, total = conditions.choices(dataset, "folder", 10)
    assert found == [("drums", 36), ("drums more", 18), ("drums/deep", 18), ("loops", 18)]
    assert total == 4
    assert conditions.choices(dataset, "folder", 2) == (found[:2], 4)


def test_values_are_counted_the_most_frequent_first(dataset):
    values = [value for value in facts()["extra_site"] if value]
    found, total = conditions.choices(dataset, "extra_site", 2)
    assert (found[0][1], total) == (max(values.count(value) for value in values), 3)
    assert all(count == values.count(value) for value, count in found)
    assert dict(conditions.choices(dataset, "extra_night", 9)[0]) == {"true": 38, "false": 39}
    assert dict(conditions.choices(dataset, "split", 9)[0]) == {split: dataset.n_rows(split) for split in SPLITS}


def test_limits_are_those_of_all_splits_without_what_is_not_known(dataset):
    assert conditions.limits(dataset, "length") == pytest.approx((0.1, 8.9))
    assert conditions.limits(dataset, "extra_year") == (2000, 2008)
    assert conditions.limits(dataset, "extra_level") == (0.25, 22.25)
    assert conditions.limits(dataset, "extra_day") == (dt.date(2024, 5, 2), dt.date(2024, 7, 29))
