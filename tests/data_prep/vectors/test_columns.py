"""Columns: what is guessed, what stays text, times, types of metadata, sounds, splits and ids."""

import math
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data_prep.dataset.schema import UNKNOWN_END_S
from data_prep.errors import InputError
from data_prep.vectors.clip_columns import safe_id
from data_prep.vectors.columns import as_extra, as_texts, times_of
from data_prep.vectors.roles import Roles, find_roles
from tests.data_prep.vectors.prepared import prepare, vectors

N = 6


def parquet(tmp_path, **columns):
    emb = pa.array(vectors(N, 4).tolist(), pa.list_(pa.float32()))
    pq.write_table(pa.table({**columns, "emb": emb}), tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def csv_of(tmp_path, column, texts, more=""):
    lines = [f"{column},emb{more and ',' + more.split('=')[0]}"]
    lines += [f'{text},"[1, 2, {n}.5]"{more and "," + more.split("=")[1]}' for n, text in enumerate(texts)]
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "x.csv"


IDS = ["00001", "NA", "1e5", "null", "1.0", "TRUE"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_ids_and_labels_stay_the_texts_that_they_are(kind, tmp_path):
    path = csv_of(tmp_path, "id", IDS) if kind == "csv" else parquet(tmp_path, id=IDS)
    assert sorted(prepare(path, tmp_path / "out")[1]) == sorted(IDS)
    path = csv_of(tmp_path, "label", IDS) if kind == "csv" else parquet(tmp_path, label=IDS)
    assert sorted(prepare(path, tmp_path / "out")[2].label_names) == sorted(IDS)


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        (pa.array(range(1000, 1006)), "1000"),
        (pa.array([1000.0, 1, 2, 3, 4, 5]), "1000"),
        (pa.array([2**63 + 5, *range(5)], pa.uint64()), str(2**63 + 5)),
    ],
)
def test_whole_numbers_are_ids_without_a_point(ids, wanted, tmp_path):
    assert wanted in prepare(parquet(tmp_path, id=ids), tmp_path / "out", id="id")[1]


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_ids_stay_different_when_they_are_made_safe_for_a_url(one, other):
    assert (safe_id(one) == safe_id(other)) == (one == other)
    assert safe_id(one).isascii()
    assert set(safe_id(one)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
    assert safe_id(one) not in {".", ".."}


def test_an_id_that_was_changed_stands_in_a_column_of_its_own(tmp_path):
    _, rows, _ = prepare(parquet(tmp_path, id=[f"a/{n} ü" for n in range(N)]), tmp_path / "out")
    assert rows["a~2F3~20~C3~BC"]["extra_id"] == "a/3 ü"


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("start", 1.5, 1.5),
        ("start_s", 1.5, 1.5),
        ("Begin Time (s)", 1.5, 1.5),
        ("start_ms", 1500, 1.5),
        ("startMs", 1500, 1.5),
        ("Start (ms)", 1500, 1.5),
        ("onset", "1:30", 90.0),
        ("onset", "01:02:03.5", 3723.5),
        ("begin", "0:01,5", 1.5),
        ("offset_seconds", "1.5", 1.5),
        ("START_MS", "1500", 1.5),
    ],
)
def test_times_are_read_by_the_names_of_their_columns_and_their_form(name, value, seconds, tmp_path):
    path = parquet(tmp_path, **{"id": list("abcdef"), name: pa.array([value] * N)})
    assert prepare(path, tmp_path / "out")[1]["a"]["start_s"] == seconds


def test_a_unit_that_is_given_decides(tmp_path):
    path = parquet(tmp_path, id=list("abcdef"), start=[1500] * N, end=[2500] * N)
    row = prepare(path, tmp_path / "out", time_unit="ms")[1]["a"]
    assert (row["start_s"], row["end_s"]) == (1.5, 2.5)


def test_what_is_no_time_is_refused_with_its_row():
    with pytest.raises(InputError, match="'t', row 1: 'soon' is not a time"):
        times_of("t", pa.array(["1:00", "soon"]), None)


def test_an_end_is_found_from_a_duration_or_the_usual_step_of_a_file_else_it_is_the_end_of_the_sound(tmp_path):
    files = ["a.wav"] * 3 + ["b.wav"] * 3
    row = prepare(parquet(tmp_path, file=files, start=[0.0, 5, 10] * 2), tmp_path / "out")[1]["b.wav_10"]
    assert (row["start_s"], row["end_s"], row["media"]) == (10, 15, "b.wav")
    row = prepare(parquet(tmp_path, id=list("abcdef"), duration=[7.0] * N), tmp_path / "out")[1]["a"]
    assert (row["start_s"], row["end_s"]) == (0, 7)
    row = prepare(parquet(tmp_path, id=list("abcdef")), tmp_path / "out")[1]["a"]
    assert (row["start_s"], row["end_s"]) == (0, UNKNOWN_END_S)


def test_rows_whose_times_are_no_span_are_named(tmp_path):
    path = parquet(tmp_path, id=list("abcdef"), start=[0.0, -1, 5, 0, 0, 0], end=[1.0, 1, 5, np.inf, 1, None])
    outcome, rows, _ = prepare(path, tmp_path / "out")
    assert list(outcome.left_out) == [1, 2, 3]
    assert "0 <= start < end" in outcome.left_out[2]
    assert rows["f"]["end_s"] == UNKNOWN_END_S


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1", "-20", ""], [1, -20, None]),
        (["1.5", "2", "1e-05"], [1.5, 2.0, 1e-5]),
        (["007", "8", "9"], ["007", "8", "9"]),
        (["1e5", "2e7", "3"], ["1e5", "2e7", "3"]),
        (["1", "NA", "2"], ["1", "NA", "2"]),
        (["2024-03-30", "2024-03-31", ""], [date(2024, 3, 30), date(2024, 3, 31), None]),
        (["2024-03-30T23:00:00Z", "", ""], [datetime(2024, 3, 30, 23, tzinfo=UTC), None, None]),
        (
            ["2024-03-30 23:00", "2024-03-31 01:00:02.5", ""],
            [datetime.fromisoformat("2024-03-30T23:00"), datetime.fromisoformat("2024-03-31T01:00:02.5"), None],
        ),
        (
            ["2024-03-30T23:00+01:00", "2024-03-31T03:00+02:00", ""],
            ["2024-03-30T23:00+01:00", "2024-03-31T03:00+02:00", None],
        ),
        (["2024-13-30", "2024-03-31", ""], ["2024-13-30", "2024-03-31", None]),
        (["", "", ""], [None, None, None]),
        (["99999999999999999999", "1", "2"], ["99999999999999999999", "1", "2"]),
        ([".", "-", "1.5"], [".", "-", "1.5"]),
    ],
)
def test_texts_of_a_text_file_are_numbers_or_dates_only_if_all_of_them_are(texts, values):
    found = as_extra(pa.array(texts), is_text_file=True).to_pylist()
    assert found == [None if value == "" else value for value in values]


@given(st.lists(st.text("0123456789.-+eEnaf", max_size=8), min_size=1))
@example([".E0"])  # has a point, a digit and an exponent, and is no number
@example([".5", "5.", "-0.5E-3"])
def test_no_text_is_changed_by_its_type_without_being_a_number(texts):
    found = as_extra(pa.array(texts), is_text_file=True).to_pylist()
    for text, value in zip(texts, found, strict=True):
        assert value is None if not text else value == text or float(text) == value


def test_columns_of_parquet_keep_their_types(tmp_path):
    moment = datetime(2024, 3, 30, 22, tzinfo=UTC)
    columns = {
        "number": pa.array([1.5] * N, pa.float32()),
        "count": pa.array([1, None] * 3, pa.int8()),
        "flag": [True, None] * 3,
        "day": pa.array([date(2024, 3, 30)] * N),
        "moment": pa.array([moment] * N, pa.timestamp("ns", "Europe/Berlin")),
        "site": pa.array(["A", None] * 3).dictionary_encode(),
        "words": [["a", "b"], []] * 3,
        "coded": pa.array([["a", "b"], []] * 3, pa.list_(pa.dictionary(pa.int32(), pa.string()))),
        "place": [{"lat": 1.0}] * N,
        "places": [[{"lat": 1.0}]] * N,
        "price": pa.array([1.25] * N).cast(pa.decimal128(5, 2)),
        "blob": pa.array([b"\0"] * N),
        "none": pa.nulls(N),
    }
    outcome, rows, _ = prepare(parquet(tmp_path, **columns), tmp_path / "out")
    row = {name.removeprefix("extra_"): value for name, value in rows["0"].items() if name.startswith("extra_")}
    assert row.pop("moment") == moment
    wanted = {"number": 1.5, "count": 1, "flag": True, "day": date(2024, 3, 30), "site": "A"}
    wanted |= {"words": ["a", "b"], "coded": ["a", "b"]}
    assert row == {**wanted, "place.lat": 1.0, "price": 1.25}
    assert sum("left out: column" in text for text in outcome.said) == 3


def test_several_columns_of_labels_and_lists_of_labels_are_kept_apart(tmp_path):
    path = parquet(tmp_path, species=["a", "b", None] * 2, tags=[["a", "x", "a"], [], None] * 2)
    _, rows, dataset = prepare(path, tmp_path / "out", label=["species", "tags"])
    assert dataset.label_names == ["a (species)", "b", "a (tags)", "x"]
    assert [rows[str(n)]["labels"] for n in range(3)] == [["a (species)", "a (tags)", "x"], ["b"], []]


def test_more_labels_than_the_format_holds_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, emb=vectors(40_000, 2), label=np.arange(40_000), id=np.arange(40_000))
    with pytest.raises(InputError, match=r"40,000 different labels, expected at most 32,768"):
        prepare(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("paths", "folder", "media"),
    [
        (["a/1.wav", "2.wav"], ".", ["a/1.wav", "2.wav"]),
        (["/s/x/1.wav", "/s/y/2.wav"], "/s", ["x/1.wav", "y/2.wav"]),
        (["file:///s/1.wav", "file:///s/2.wav"], "/s", ["1.wav", "2.wav"]),
        (["a\\1.wav", ""], ".", ["a/1.wav", ""]),
    ],
)
def test_paths_of_sounds_are_relative_to_a_folder(paths, folder, media, tmp_path):
    _, rows, dataset = prepare(parquet(tmp_path, id=list("abcdef"), path=(paths * 3)), tmp_path / "out")
    assert (dataset.media, dataset.manifest["media_folder"]) == ("file", str(tmp_path if folder == "." else folder))
    assert [rows["a"]["media"], rows["b"]["media"]] == media


def test_a_folder_of_sounds_may_be_given_and_paths_out_of_it_are_said(tmp_path):
    path = parquet(tmp_path, id=list("abcdef"), path=["../1.wav", *["x.wav"] * 5])
    outcome, _, dataset = prepare(path, tmp_path / "out", audio_folder=tmp_path / "sounds")
    assert dataset.manifest["media_folder"] == str(tmp_path / "sounds")
    assert any("1 paths lead out of" in text for text in outcome.said)


def test_addresses_of_sounds_are_kept_as_addresses(tmp_path):
    urls = ["https://a.b/1.mp3", "HTTP://a.b/2.mp3", None, "", "x.wav", "https://a.b/3.mp3"]
    outcome, rows, dataset = prepare(parquet(tmp_path, id=list("abcdef"), url=urls), tmp_path / "out")
    assert (dataset.media, [rows[key]["media"] for key in "abcde"]) == (
        "url",
        [urls[0], "http://a.b/2.mp3", "", "", ""],
    )
    assert any("1 rows have no address" in text for text in outcome.said)


def test_a_column_of_splits_decides_and_all_other_rows_are_in_train(tmp_path):
    path = parquet(tmp_path, id=list("abcdef"), split=["train", "dev", "Test", None, "valid", "eval"])
    _, rows, _ = prepare(path, tmp_path / "out")
    assert [rows[key]["split"] for key in "abcdef"] == ["train", "validation", "test", "train", "validation", "test"]
    for splits in (["test"] * N, ["1", "2"] * 3):
        _, rows, _ = prepare(parquet(tmp_path, id=list("abcdef"), split=splits), tmp_path / "out")
        assert {row["split"] for row in rows.values()} == {"train"}


def test_a_file_that_repeats_is_no_id_but_file_and_start_are(tmp_path):
    path = parquet(tmp_path, filename=["a.wav", "b.wav"] * 3, offset_s=[0.0, 0, 5, 5, 10, 10.25])
    outcome, rows, _ = prepare(path, tmp_path / "out")
    assert sorted(rows) == ["a.wav_0", "a.wav_10", "a.wav_5", "b.wav_0", "b.wav_10.25", "b.wav_5"]
    path = parquet(tmp_path, filename=["a.wav", "b.wav"] * 3)
    outcome, rows, _ = prepare(path, tmp_path / "out")
    assert sorted(rows) == list("012345")
    assert any("numbers of the rows" in text for text in outcome.said)
    with pytest.raises(InputError, match="only 2 different ids"):
        prepare(path, tmp_path / "out2", id="filename")


def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(InputError, match="no column 'nr'; the columns are id, year"):
        prepare(parquet(tmp_path, id=list("abcdef"), year=[1] * N), tmp_path / "out", id="nr")


NAMES = [
    "id",
    "clip_id",
    "label",
    "Species",
    "title",
    "file_path",
    "url",
    "start_s",
    "end (s)",
    "onset",
    "offset",
    "split",
]


@given(st.permutations(NAMES), st.integers(0, len(NAMES)))
def test_guesses_do_not_depend_on_the_order_of_columns_and_no_column_has_two_exclusive_roles(names, n):
    values = {
        **{name: ["x.wav", "y.wav", "z.wav"] for name in NAMES},
        **{name: [0.5, 1.5, 2.5] for name in ("start_s", "end (s)", "onset", "offset")},
        "split": ["train"] * 3,
    }
    chosen = names[:n]
    one = find_roles(pa.table({name: values[name] for name in chosen}), Roles(), [], is_single=False)
    two = find_roles(pa.table({name: values[name] for name in sorted(chosen)}), Roles(), [], is_single=False)
    assert one == two
    assert one.start is None or one.start != one.end
    assert one.id is None or one.id not in {one.title, *one.label}


@given(st.lists(st.none() | st.floats(allow_nan=True)))
def test_numbers_as_texts_stand_for_the_same_numbers(numbers):
    texts = as_texts(pa.array(numbers, pa.float64()))
    assert [None if text is None else float(text) for text in texts] == [
        None if n is None or math.isnan(n) else n for n in numbers
    ]
