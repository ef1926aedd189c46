"""AudioSet's label table and ontology."""

from pathlib import Path

import pytest

from data_prep.audioset.labels import read_labels
from data_prep.dataset.schema import Label
from data_prep.errors import InputError
from tests.data_prep.audioset_files import LABELS_CSV, write_labels

ONTOLOGY = """[
 {"id": "/m/9", "name": "Human sounds", "child_ids": ["/m/0", "/m/1"]},
 {"id": "/m/0", "name": "Speech", "description": "People who talk.", "child_ids": ["/m/1"]},
 {"id": "/m/1", "name": "Whoop, loud", "child_ids": []}
]"""


def test_names_with_commas_are_one_name(tmp_path: Path) -> None:
    labels = read_labels(write_labels(tmp_path / "labels.csv"))
    assert labels == [Label("/m/0", "Speech"), Label("/m/1", "Whoop, loud"), Label("/m/2", "Bell")]


def test_the_ontology_gives_the_names_of_all_parents_and_the_definitions(tmp_path: Path) -> None:
    (tmp_path / "ontology.json").write_text(ONTOLOGY)
    labels = read_labels(write_labels(tmp_path / "labels.csv"), tmp_path / "ontology.json")
    assert [label.parents for label in labels] == [("Human sounds",), ("Human sounds", "Speech"), ()]
    assert [label.definition for label in labels] == ["People who talk.", "", ""]


def test_audiosets_own_table_has_527_labels_each_with_a_name(real_data: Path) -> None:
    labels = read_labels(real_data / "audioset/class_labels_indices.csv", real_data / "audioset/ontology.json")
    assert len(labels) == 527
    sentence = "Speech is the vocalized form of human communication, created out of the phonetic combination of a "
    sentence += "limited set of vowel and consonant speech sound units."
    assert labels[0] == Label("/m/09x0r", "Speech", ("Human voice",), sentence)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "first line is 'a,b', expected 'index,mid,display_name'"),
        ("index,mid,display_name\n", "lists 0 labels"),
        ("", "lists 0 labels"),
        (LABELS_CSV.replace("1,/m/1", "7,/m/1"), "line 3: .* is not label 1"),
        (LABELS_CSV.replace("/m/2", "/m/0"), "line 4: .* a new mid"),
        (LABELS_CSV.replace(',"Bell"', ""), "line 4"),
        (LABELS_CSV.replace('"Bell"', '""'), "line 4"),
        (LABELS_CSV.replace('"Bell"', '"Bell'), "is not a CSV file of AudioSet"),
        ("# Segments csv created Sun Mar  5\n", "is not AudioSet's label table"),
    ],
)
def test_a_table_that_is_not_audiosets_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{LABELS_CSV}",
        f"{LABELS_CSV}\n",
        f"{LABELS_CSV} \n\n",
        f"\n{LABELS_CSV}",
        LABELS_CSV.replace("\n", "\r\n"),
    ],
)
def test_a_byte_order_mark_blank_lines_and_other_line_ends_change_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_bytes(text.encode())
    assert read_labels(tmp_path / "labels.csv") == read_labels(write_labels(tmp_path / "plain.csv"))


@pytest.mark.parametrize("name", ["labels_bom.csv", "labels_blank_last_line.csv"])
def test_tables_as_editors_leave_them_are_read_like_the_plain_one(real_data: Path, name: str) -> None:
    tables = real_data / "cases/csv"
    assert read_labels(tables / name) == read_labels(tables / "labels_plain.csv")


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="is not a CSV file"):
        read_labels(tmp_path / "labels.csv")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*labels\.csv: No such file"):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "[1]",
        "[{}]",
        '[{"id": 1, "name": 2, "child_ids": []}]',
        '[{"id": "/m/0", "name": "x", "child_ids": ["/m/5"]}]',
        '[{"id": "/m/0", "name": "x", "description": 1, "child_ids": []}]',
        "[" * 100_000,
    ],
)
def test_an_ontology_that_is_not_audiosets_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "ontology.json").write_text(text)
    with pytest.raises(InputError, match=r"is not AudioSet's ontology\.json"):
        read_labels(write_labels(tmp_path / "labels.csv"), tmp_path / "ontology.json")


def test_a_missing_ontology_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*ontology\.json"):
        read_labels(write_labels(tmp_path / "labels.csv"), tmp_path / "ontology.json")
