"""Metadata: joined by ids in any order, or by position if both have as many rows; never wrongly and never silently."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.errors import InputError
from data_prep.vectors.join import join_metadata
from data_prep.vectors.text_file import TextFile
from data_prep.vectors.vector_file import open_vectors
from tests.data_prep.vectors.prepared import prepare, vectors

KINDS = ("csv", "tsv", "parquet", "jsonl")


def write(folder, name, columns):
    """Write a table in the form that the end of its name tells."""
    path, rows = folder / name, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        path.write_text("\n".join([mark.join(columns), *(mark.join(map(str, row.values())) for row in rows)]) + "\n")
    return path


def points(folder, ids=None, n=6):
    x = vectors(n, 4)
    if ids is None:
        np.save(folder / "x.npy", x)
        return folder / "x.npy"
    return write(folder, "x.parquet", {"id": ids, "emb": x.tolist()})


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_joined_by_their_ids_in_any_order(kind, tmp_path):
    ids = ["003", "001", "NA", "1e5", "b", "a"]
    meta = write(tmp_path, f"m.{kind}", {"id": ids[::-1], "label": [f"of {key}" for key in ids[::-1]]})
    outcome, rows, _ = prepare(points(tmp_path, ids), tmp_path / "out", meta)
    assert [rows[key]["labels"] for key in ids] == [[f"of {key}"] for key in ids]
    assert "metadata: joined by the ids in 'id': 6 of 6 rows have some" in outcome.said


def test_numbers_and_texts_of_the_same_ids_match(tmp_path):
    meta = write(tmp_path, "m.csv", {"id": range(5, -1, -1), "label": list("fedcba")})
    _, rows, _ = prepare(points(tmp_path, list(range(6))), tmp_path / "out", meta)
    assert rows["0"]["labels"] == ["a"]


def test_ids_in_columns_of_other_names_are_found_by_their_values(tmp_path):
    ids = [f"r{n}" for n in range(6)]
    meta = write(tmp_path, "m.csv", {"site": list("xxyyzz"), "recorder file": ids[::-1], "label": ids[::-1]})
    outcome, rows, _ = prepare(points(tmp_path, ids), tmp_path / "out", meta)
    assert [rows[key]["labels"] for key in ids] == [[key] for key in ids]
    assert any("'id' and 'recorder file'" in text for text in outcome.said)


def test_labels_that_look_like_ids_of_the_metadata_are_no_ids(tmp_path):
    path = write(tmp_path, "x.parquet", {"class": [0, 1, 2] * 2, "emb": vectors(6, 4).tolist()})
    meta = write(tmp_path, "m.csv", {"id": range(6), "title": list("abcdef")})
    outcome, rows, _ = prepare(path, tmp_path / "out", meta)
    assert [rows[str(n)]["title"] for n in range(6)] == list("abcdef")
    assert any("by position" in text for text in outcome.said)


@pytest.mark.parametrize("kind", KINDS)
def test_without_ids_rows_are_joined_by_position_if_both_have_as_many_and_that_is_said(kind, tmp_path):
    meta = write(tmp_path, f"m.{kind}", {"id": list("fedcba"), "title": [f"t{n}" for n in range(6)]})
    outcome, rows, _ = prepare(points(tmp_path), tmp_path / "out", meta)
    assert [rows[key]["title"] for key in "fedcba"] == [f"t{n}" for n in range(6)]
    assert any("by position, row by row (6 in both)" in text for text in outcome.said)
    meta = write(tmp_path, f"n.{kind}", {"id": list("fedcb"), "title": list("tuvwx")})
    with pytest.raises(InputError, match="5 rows for the 6 vectors"):
        prepare(points(tmp_path), tmp_path / "out2", meta)


@pytest.mark.parametrize(("lines", "titles"), [("a b c d e f", "abcdef"), ("word a b c d e f", "abcdef")])
def test_one_column_has_a_header_if_it_has_one_line_more_than_there_are_vectors(lines, titles, tmp_path):
    for end in ("", "\n", "\n\n\n"):
        (tmp_path / "m.tsv").write_text("\n".join(lines.split()) + end)
        _, rows, _ = prepare(points(tmp_path), tmp_path / "out", tmp_path / "m.tsv")
        assert [rows[str(n)]["title"] for n in range(6)] == list(titles)


def test_an_empty_line_of_one_column_is_a_row_without_a_title(tmp_path):
    (tmp_path / "m.tsv").write_text('word\na\n\n"c, or\nd\ne\nf\n')
    _, rows, _ = prepare(points(tmp_path), tmp_path / "out", tmp_path / "m.tsv")
    assert [rows[str(n)]["title"] for n in range(6)] == ["a", None, '"c, or', "d", "e", "f"]
    head = TextFile(tmp_path / "m.tsv", n_vectors=6).head
    assert head.to_pydict() == {"word": ["a", "", '"c, or', "d", "e", "f"]}


@pytest.mark.parametrize("n", [4, 5, 8])
def test_one_column_of_another_length_is_refused(n, tmp_path):
    (tmp_path / "m.tsv").write_text("x\n" * n)
    with pytest.raises(InputError, match=f"{n} lines for 6 vectors"):
        prepare(points(tmp_path), tmp_path / "out", tmp_path / "m.tsv")


def test_ids_that_never_match_are_refused_with_examples(tmp_path):
    meta = write(tmp_path, "m.csv", {"id": [f"q{n}" for n in range(6)], "label": list("abcdef")})
    with pytest.raises(
        InputError, match="no id in common: column 'id' holds 'a', 'b', 'c', 'id' holds 'q0', 'q1', 'q2'"
    ):
        prepare(points(tmp_path, list("abcdef")), tmp_path / "out", meta)


def test_an_id_that_describes_two_rows_is_refused_with_both(tmp_path):
    meta = write(tmp_path, "m.csv", {"id": list("abcdea"), "label": list("abcdef")})
    with pytest.raises(InputError, match="id 'a' describes rows 0 and 5"):
        prepare(points(tmp_path, list("abcdef")), tmp_path / "out", meta)


def test_one_row_of_metadata_may_describe_several_parts_of_a_sound(tmp_path):
    columns = {"file": ["a.wav", "b.wav"] * 3, "start": [0, 0, 3, 3, 6, 6], "emb": vectors(6, 4).tolist()}
    meta = write(tmp_path, "m.csv", {"file": ["b.wav", "a.wav"], "label": ["B", "A"]})
    _, rows, _ = prepare(write(tmp_path, "x.parquet", columns), tmp_path / "out", meta)
    assert {key: row["labels"] for key, row in rows.items()} == {
        f"{f}.wav_{t}": [f.upper()] for f in "ab" for t in (0, 3, 6)
    }


def test_a_column_in_both_files_is_said_and_taken_from_the_metadata(tmp_path):
    columns = {"id": list("abcdef"), "label": ["x"] * 6, "emb": vectors(6, 4).tolist()}
    meta = write(tmp_path, "m.csv", {"id": list("abcdef"), "label": ["y"] * 6})
    outcome, rows, _ = prepare(write(tmp_path, "x.parquet", columns), tmp_path / "out", meta)
    assert rows["a"]["labels"] == ["y"]
    assert any("'label' in both files" in text for text in outcome.said)


def test_a_column_that_is_in_neither_file_is_refused_with_those_of_both(tmp_path):
    meta = write(tmp_path, "m.csv", {"key": list("abcdef"), "label": list("abcdef")})
    with pytest.raises(InputError, match=r"neither .* has a column 'nr'; they have id, and key, label"):
        prepare(points(tmp_path, list("abcdef")), tmp_path / "out", meta, id="nr")


ids = st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ours=ids, theirs=ids, kind=st.sampled_from(KINDS))
def test_every_vector_gets_the_metadata_of_its_own_id_or_none_and_all_others_are_named(ours, theirs, kind, tmp_path):
    ours, theirs = [f"{n:02}x" for n in ours], [f"{n:02}x" for n in theirs]
    path = points(tmp_path, ours, len(ours))
    meta = write(tmp_path, f"m.{kind}", {"id": theirs, "note": [f"of {key}" for key in theirs]})
    file = open_vectors(path, None, pool=False)
    if not set(ours) & set(theirs):
        with pytest.raises(InputError, match="no id in common"):
            join_metadata(file, meta, None)
        return
    joined = join_metadata(file, meta, None)
    wanted = [f"of {key}" if key in theirs else None for key in ours]
    assert joined.table["note"].to_pylist() == wanted
    assert joined.table["id"].to_pylist() == ours
    left = [len(set(ours) - set(theirs)), len(set(theirs) - set(ours))]
    assert [int(text.partition(":")[0].rpartition(" ")[2]) for text in joined.left_over] == [n for n in left if n]
