"""Colours of the map by a column: frequent values, parts of a range, folders, labels."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from data_prep.dataset import open_dataset
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from ui.pages.map import column_groups, map_data
from ui.pages.map.ontology_roots import NONE

N = 70
COLUMNS = {
    "extra_site": pa.array([None if i == 0 else f"site {min(i % 10, 8)}" for i in range(N)]),
    "extra_snr": pa.array([np.nan if i == 0 else i / 8 for i in range(N)]),
    "extra_count": pa.array([None, *[1] * 30, *range(2, N - 29)], pa.int64()),
    "extra_day": pa.array([dt.date(2026, 1, 1) + dt.timedelta(i) for i in range(N)]),
    "extra_good": pa.array([i % 3 == 0 for i in range(N)]),
    "extra_tags": pa.array([["a"]] * N),
    "extra_label": pa.array(["x"] * N),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collections") / "columns"
    clips = ClipBatch(
        clip_id=[f"c{i:02d}" for i in range(N)],
        split=["train"] * N,
        media=[f"{'drums' if i < 50 else 'keys/old'}/{i}.wav" if i else "0.wav" for i in range(N)],
        start_s=np.zeros(N),
        end_s=np.ones(N),
        labels=[[0, 1] if i < 20 else [1] for i in range(N)],
        n_frames=np.ones(N, int),
        features=np.random.default_rng(1).standard_normal((N, 4)).astype(np.float32),
        further=COLUMNS,
    )
    about = About("Mine", "a test", "none", "file", media_folder=str(folder))
    write_dataset(folder, about, [Label("folder/", "drums"), Label("/m/1", "Snare")], [clips])
    return open_dataset(folder)


def groups_of(dataset, title):
    """Return the group's name of each clip by its number, None for those without a group."""
    groups = column_groups.groups_by(dataset, [N, 0, 0], column_groups.columns_of(dataset)[f"by {title}"])
    names = [*groups.names, *[None] * (NONE + 1 - len(groups.names))]
    ids = dataset.clips("train")["clip_id"].to_pylist()
    return groups.names, {int(name[1:]): names[group] for name, group in zip(ids, groups.of_clips, strict=True)}


def test_labels_folders_and_every_column_of_single_values_are_offered(dataset):
    titles = [title.removeprefix("by ") for title in column_groups.columns_of(dataset)]
    assert titles == ["label", "folder", "site", "snr", "count", "day", "good", "label (metadata)"]


def test_a_text_has_its_most_frequent_values_as_groups(dataset):
    names, of = groups_of(dataset, "site")
    assert names == ("site 8", *(f"site {i}" for i in range(1, 7)))
    assert (of[0], of[8], of[9], of[1], of[7]) == (None, "site 8", "site 8", "site 1", None)
    assert groups_of(dataset, "good")[0] == ("false", "true")


@pytest.mark.parametrize(
    ("title", "first", "last"),
    [("snr", "0.125 to 1.125", "7.5 to 8.625"), ("day", "2026-01-01 to 2026-01-10", "2026-03-02 to 2026-03-11")],
)
def test_numbers_and_dates_are_divided_into_parts_with_equally_many_clips(dataset, title, first, last):
    names, of = groups_of(dataset, title)
    assert (len(names), names[0], names[-1]) == (NONE, first, last)
    sizes = [sum(name == one for one in of.values()) for name in names]
    assert max(sizes) - min(sizes) <= 1
    assert of[N - 1] == names[-1]
    assert of[0] == (None if title == "snr" else names[0])


def test_equal_numbers_are_never_divided(dataset):
    names, of = groups_of(dataset, "count")
    assert names[0] == "1 to 10"
    assert of[0] is None
    assert {of[i] for i in range(1, 40)} == {"1 to 10"}


def test_folders_and_labels_are_groups(dataset):
    names, of = groups_of(dataset, "folder")
    assert (names, of[0], of[1], of[60]) == (("drums", "keys/old", "(no folder)"), "(no folder)", "drums", "keys/old")
    assert groups_of(dataset, "label")[0] == ("Snare",)


def test_each_colouring_has_an_id_of_its_own_and_the_same_places(dataset):
    plain, coloured = map_data.map_of(dataset), map_data.map_of(dataset, "extra_snr")
    assert coloured.id.split(" ")[0] == plain.id != coloured.id
    np.testing.assert_array_equal(coloured.places, plain.places)
    assert sum(count for _, count in coloured.groups) == N - 1
