"""Filters in the URL: what a text means in a collection, what is left out, and what is said of it."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.dataset import open_dataset
from data_prep.dataset.conditions import Condition
from data_prep.dataset.schema import About, Label
from data_prep.dataset.writer import write_dataset
from tests.clips import plain_clips
from ui.filters import link
from ui.filters.link import Parsed

NAMES = ["Dog", "Cat; a|b:c 50%", "Rain"]
FILTERED = (
    Condition("any", ("Dog", NAMES[1])),
    Condition("all", ("Rain",)),
    Condition("not", (NAMES[1],)),
    Condition("folder", ("drums/deep",)),
    Condition("length", (), 0.5, 2.0),
    Condition("split", ("train",)),
    Condition("extra_site", ("a|b",)),
    Condition("extra_a:b", (), 1.0, None),
    Condition("extra_day", (), None, dt.date(2024, 5, 31)),
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    further = {
        "extra_site": pa.array(["a|b", "c", None]),
        "extra_a:b": pa.array([1, 2, 3]),
        "extra_day": pa.array([dt.date(2024, 5, day) for day in (1, 2, 3)]),
    }
    media = ["drums/deep/1.wav", "loops/2.wav", "3.wav"]
    clips = plain_clips(["train"] * 3, [[0], [1], [2]], np.eye(3, dtype=np.float32), media=media, further=further)
    about = About("T", "s", "l", "file", media_folder=str(folder))
    write_dataset(folder / "made", about, [Label(f"/m/{i}", name) for i, name in enumerate(NAMES)], [clips])
    return open_dataset(folder / "made")


def test_a_text_is_what_it_was_made_of(dataset):
    assert link.parse(link.as_text(FILTERED), dataset) == Parsed(FILTERED, ())


def test_a_text_is_short_and_can_be_read():
    text = "any:Dog|Rain;length:0.5..2;extra_day:..2024-05-31"
    filtered = (Condition("any", ("Dog", "Rain")), FILTERED[4], FILTERED[8])
    assert link.as_text(filtered) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", "This collection has no “colour” to filter by; it is left out."),
        ("extra_gone:1..2", "This collection has no “extra_gone” to filter by; it is left out."),
        ("any:Wolf", "No label here is called “Wolf”; this is left out."),
        ("folder:drum", "No folder here is called “drum”; this is left out."),
        ("extra_site:z", "No value of site here is called “z”; this is left out."),
        ("split:middle", "No split here is called “middle”; this is left out."),
        ("length:short", "“short” is no range of length, such as 0.5..2; it is left out."),
        ("length:..", "“..” is no range of length, such as 0.5..2; it is left out."),
        ("length:2..1", "“2..1” is no range of length, such as 0.5..2; it is left out."),
        ("length:nan..", "“nan..” is no range of length, such as 0.5..2; it is left out."),
        ("length:1e99..", "“1e99..” is no range of length, such as 0.5..2; it is left out."),
        (
            "extra_day:2024-02-30..",
            "“2024-02-30..” is no range of day, such as 2024-05-01..2024-05-31; it is left out.",
        ),
        ("extra_day:1..2", "“1..2” is no range of day, such as 2024-05-01..2024-05-31; it is left out."),
    ],
)
def test_what_a_collection_does_not_have_is_left_out_and_told(dataset, text, said):
    assert link.parse(text, dataset) == Parsed((), (said,))
    assert link.parse(f"all:Dog;{text}", dataset) == Parsed((Condition("all", ("Dog",)),), (said,))


def test_of_several_values_those_that_exist_remain(dataset):
    parsed = link.parse("any:Dog|Wolf|Rain|Fox", dataset)
    assert parsed.conditions == (Condition("any", ("Dog", "Rain")),)
    assert parsed.problems == ("No label here is called “Wolf” or “Fox”; this is left out.",)


def test_a_text_that_is_too_long_is_left_out_whole(dataset):
    assert link.parse("any:Dog;" * 1000, dataset).conditions == ()
    assert len(link.parse("any:Dog;" * 1000, dataset).problems) == 1


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("anyleghtfoidrsDogx_0129.-:;|%e") | st.characters(), max_size=60))
def test_any_text_is_parsed_into_conditions_that_make_it_again(dataset, text):
    found = link.parse(text, dataset).conditions
    assert link.parse(link.as_text(found), dataset) == Parsed(found, ())


def test_each_part_can_be_removed_alone_until_nothing_is_left():
    filtered = (Condition("any", ("Dog", "Rain")), Condition("all", ("Dog", "Rain")), *FILTERED[2:6])
    parts = link.parts_of(filtered)
    assert [part.words for part in parts] == [
        "Dog or Rain",
        "Dog",
        "Rain",
        f"not {NAMES[1]}",
        "folder: drums/deep",
        "length 0.5 to 2 s",
        "split: train",
    ]
    assert parts[1].rest == (*filtered[:1], *filtered[2:], Condition("all", ("Rain",)))
    left = filtered
    while left:
        before, left = len(link.parts_of(left)), link.parts_of(left)[0].rest
        assert len(link.parts_of(left)) == before - 1


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, 2.0, "length up to 2 s"),
        (0.25, None, "length from 0.25 s"),
        (1.0, 1.0, "length 1 s"),
    ],
)
def test_a_range_is_said_in_words(low, high, words):
    assert link.parts_of((Condition("length", (), low, high),))[0].words == words
