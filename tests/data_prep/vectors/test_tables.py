"""Tables of vectors: each type of column of Parquet, each form of text and of JSON, and bad rows by their numbers."""

import csv
import io
import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.errors import InputError
from data_prep.vectors import text_file
from data_prep.vectors.cells import looks_like_vector
from data_prep.vectors.table_files import open_table
from data_prep.vectors.vector_file import choose_vector
from tests.data_prep.vectors.prepared import prepare, vectors

X = vectors()
IDS = [f"{number:05}" for number in range(6)]


def parquet(tmp_path, **columns):
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def text(tmp_path, content, name="x.csv", encoding="utf-8"):
    (tmp_path / name).write_bytes(content.encode(encoding))
    return tmp_path / name


def found(path, tmp_path, ids=IDS, **options):
    """Return the vectors in the order of their ids."""
    _, rows, _ = prepare(path, tmp_path / "out", **options)
    return np.stack([rows[key]["vector"] for key in ids])


def lists(kind):
    return pa.array(X.tolist(), pa.list_(kind))


COLUMNS = {
    "list of float": lists(pa.float32()),
    "list of double": lists(pa.float64()),
    "large list": pa.array(X.tolist(), pa.large_list(pa.float32())),
    "fixed-size list": pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 5),
    "half float": pa.array([list(row) for row in X.astype(np.float16)], pa.list_(pa.float16())),
    "fixed-size half float": pa.FixedSizeListArray.from_arrays(pa.array(X.astype(np.float16).ravel()), 5),
    "tensor": pa.FixedShapeTensorArray.from_numpy_ndarray(X),
    "list of one list": pa.array([[row] for row in X.tolist()], pa.list_(pa.list_(pa.float32()))),
    "text": pa.array([str(row) for row in X.tolist()]),
    "dictionary of text": pa.array([str(row) for row in X.tolist()]).dictionary_encode(),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_vectors_of_every_type_of_column_are_read(column, tmp_path):
    path = parquet(tmp_path, id=pa.array(IDS).dictionary_encode(), year=[2020] * 6, emb=column)
    assert found(path, tmp_path) == pytest.approx(X, abs=2e-3 if "half" in str(column.type) else 1e-6)


def test_one_column_per_number_is_read_in_the_order_of_the_numbers(tmp_path):
    names = sorted(f"f{number}" for number in range(12))
    x = vectors(6, 12)
    columns = {name: x[:, int(name[1:])] for name in names}
    path = parquet(tmp_path, id=IDS, lat=np.arange(6.0), **columns, mfcc_0=np.ones(6), mfcc_1=np.ones(6))
    assert np.array_equal(found(path, tmp_path), x)
    assert found(path, tmp_path, vector="mfcc_").shape == (6, 2)


FORMS = {
    "list": str,
    "numbers": lambda row: ",".join(map(str, row)),
    "spaces": lambda row: " ".join(map(str, row)),
    "semicolons": lambda row: "; ".join(map(str, row)),
    "array": lambda row: str(np.array(row)),
    "repr of an array": lambda row: repr(np.array(row, np.float32)),
    "list of NumPy numbers": lambda row: str(list(np.array(row, np.float32))),
    "tensor": lambda row: f"tensor({row})",
    "array of one row": lambda row: f"[{row}]",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_vectors_are_read_from_every_form_of_text(form, delimiter, tmp_path):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["id", "comment", "embedding"])
    writer.writerows(
        [key, "a\nb" if key == IDS[1] else "", form(row)] for key, row in zip(IDS, X.tolist(), strict=True)
    )
    assert found(text(tmp_path, out.getvalue()), tmp_path) == pytest.approx(X, abs=1e-6)


def table(delimiter=",", header=True, decimal=".", end="\n"):
    names = delimiter.join(["id", "label", *(f"d{number}" for number in range(5))])
    rows = [
        delimiter.join([key, "Süd", *(f"{value:.6f}".replace(".", decimal) for value in row)])
        for key, row in zip(IDS, X.tolist(), strict=True)
    ]
    return end.join([names, *rows] if header else rows) + end


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("delimiter", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ".")]
)
def test_tables_of_numbers_are_read_as_spreadsheets_write_them(delimiter, decimal, end, encoding, tmp_path):
    path = text(tmp_path, table(delimiter, decimal=decimal, end=end), encoding=encoding)
    _, rows, _ = prepare(path, tmp_path / "out")
    assert np.stack([rows[key]["vector"] for key in IDS]) == pytest.approx(X, abs=1e-6)
    assert rows[IDS[0]]["labels"] == ["Süd"]


@pytest.mark.parametrize("delimiter", [",", "\t", " ", ";"])
def test_a_table_of_numbers_without_a_header_loses_no_line(delimiter, tmp_path):
    np.savetxt(tmp_path / "x.txt", X, delimiter=delimiter)
    assert found(tmp_path / "x.txt", tmp_path, list("012345")) == pytest.approx(X, abs=1e-6)


def test_ids_before_numbers_without_a_header_are_no_header(tmp_path):
    path = text(tmp_path, table(header=False))
    outcome, rows, _ = prepare(path, tmp_path / "out", id="column_0", label="column_1")
    assert outcome.n_clips == 6
    assert rows["00000"]["vector"] == pytest.approx(X[0], abs=1e-6)


def test_the_names_that_pandas_gives_to_columns_are_a_header(tmp_path):
    lines = [",0,1,2,3,4", *(",".join(map(str, [number, *row])) for number, row in enumerate(X.tolist()))]
    outcome, rows, dataset = prepare(text(tmp_path, "\n".join(lines)), tmp_path / "out")
    assert (outcome.n_clips, dataset.dim) == (6, 5)
    assert rows["5"]["vector"] == pytest.approx(X[5])


def as_json_lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


POINTS = [
    {"id": key, "vector": row, "payload": {"a": {"b": n}}}
    for n, (key, row) in enumerate(zip(IDS, X.tolist(), strict=True))
]


@pytest.mark.parametrize("content", [as_json_lines(POINTS), json.dumps(POINTS), "\ufeff" + as_json_lines(POINTS)])
def test_json_objects_are_rows_and_those_inside_are_columns(content, tmp_path):
    _, rows, _ = prepare(text(tmp_path, content, "x.jsonl"), tmp_path / "out")
    assert np.stack([rows[key]["vector"] for key in IDS]) == pytest.approx(X)
    assert rows[IDS[3]]["extra_payload.a.b"] == 3


def test_bad_rows_are_named_by_their_numbers_in_every_kind_of_file(tmp_path):
    rows = [[1.0, 2.0, 3.0, 4.0] for _ in range(12)]
    rows[1], rows[3], rows[5], rows[7] = None, [1.0, None, 1.0, 1.0], [1.0] * 3, [0.0] * 4
    rows[8], rows[9], rows[10] = [math.nan, 1.0, 1.0, 1.0], [1.0, math.inf, 1.0, 1.0], [1e300, 1.0, 1.0, 1.0]
    words = {
        1: "missing",
        3: "a number is missing",
        5: "3 numbers, not 4",
        7: "zero",
        8: "NaN",
        9: "infinite",
        10: "large",
    }
    ids = [f"a{number}" for number in range(12)]
    as_text = io.StringIO()
    csv.writer(as_text).writerows(
        [["id", "v"], *([i, "" if r is None else str(r)] for i, r in zip(ids, rows, strict=True))]
    )
    for path in (
        parquet(tmp_path, id=ids, v=pa.array(rows, pa.list_(pa.float64()))),
        text(tmp_path, as_text.getvalue()),
        text(tmp_path, as_json_lines({"id": i, "v": r} for i, r in zip(ids, rows, strict=True)), "x.jsonl"),
    ):
        outcome, kept, _ = prepare(path, tmp_path / f"{path.suffix}.out")
        assert outcome.left_out.keys() == words.keys(), path
        assert all(word in outcome.left_out[row] for row, word in words.items()), path
        assert sorted(kept) == sorted(key for row, key in enumerate(ids) if row not in words)


@pytest.mark.parametrize("block", [400, 1 << 20])
def test_lines_with_other_numbers_of_cells_are_named_and_the_others_keep_their_places(block, tmp_path, monkeypatch):
    monkeypatch.setattr(text_file, "_BLOCK_BYTES", block)
    lines = table().splitlines()
    more = [line.replace("0000", f"{n:04}", 1) for n in range(1, 9) for line in lines[1:]]
    lines = [*lines, *more]
    lines[3], lines[20], lines[54] = "short,1", lines[20] + ",1", lines[54].replace("0.", "x.", 1)
    outcome, rows, _ = prepare(text(tmp_path, "\n".join(lines)), tmp_path / "out")
    assert list(outcome.left_out) == [2, 19, 53]
    assert outcome.left_out[2] == "2 cells, not 7"
    assert "is not a number" in outcome.left_out[53]
    key = lines[40].split(",")[0]
    assert rows[key]["vector"] == pytest.approx([float(cell) for cell in lines[40].split(",")[2:]], abs=1e-6)


def test_a_quote_within_a_cell_is_text(tmp_path):
    _, rows, _ = prepare(text(tmp_path, 'id,e0,e1,e2,e3,note\nx,1,2,3,4.5,5" nail\ny,1,2,3,4,b\n'), tmp_path / "out")
    assert [row["extra_note"] for row in rows.values()] == ['5" nail', "b"]


REFUSED = {
    "cut by NumPy": ("id,v\na,[1 2 3 ... 7 8 9]\nb,[1 2 3 ... 7 8 9]\n", r"\.\.\."),
    "cut by Excel": ('id,v\na,"[1.5, 2.5, 3.5, 4.5"\nb,"[1.5, 2.5, 3.5, 4.5"\n', "cut"),
    "ragged": ('id,v\na,"[1, 2, 3]"\nb,"[1, 2, 3, 4]"\nc,"[1, 2]"\nd,"[1, 2, 3, 4, 5]"\n', "ragged"),
    "frames": ('id,v\na,"[[1, 2, 3], [4, 5, 6]]"\nb,"[[1, 2, 3], [4, 5, 6]]"\n', r"\(2, 3\).*--pool mean"),
    "numbers without a common name": (
        "id,lat,lon,snr,year\na,1.5,2.5,3.5,4\nb,1.5,2.5,3.5,4\n",
        "no column of vectors",
    ),
    "a gap in the numbers": ("id,e0,e1,e2,e4,e5\na,1,2,3,4,5.5\n", "e3 is missing"),
    "two equal groups": ("id,a0,a1,a2,a3,b0,b1,b2,b3\nx,1,2,3,4,5,6,7,8.5\n", "'a'.*'b'.*--vector"),
    "two columns of lists": ('id,a,b\nx,"[1, 2, 3]","[1, 2, 3]"\n', "'a'.*'b'.*--vector"),
    "nothing but a header": ("id,e0,e1,e2,e3\n", "no column of vectors|no rows"),
    "nothing": ("", "empty"),
    "an open quote": ('id,e0,e1,e2,e3\nx,1,2,3,4.5\n"y,1,2,3,4\n', "in row 1 a quote is opened and never closed"),
    "an open quote in the last cell": (
        'id,e0,e1,e2,e3,note\nx,1,2,3,4.5,a\ny,1,2,3,4,"b\nz,1,2,3,4,c\n',
        "in row 1 a quote is opened and never closed",
    ),
    "NUL": ("id,e0\0,e1\n", "not a text file"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_of_vectors_is_refused_with_the_reason(content, words, tmp_path):
    with pytest.raises(InputError, match=words):
        prepare(text(tmp_path, content), tmp_path / "out")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\x80\x04\x95", "pickle"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x05\x06" + bytes(18), "zip file"),
    ],
)
def test_files_of_other_kinds_are_refused_by_their_contents(start, words, tmp_path):
    (tmp_path / "x.csv").write_bytes(start + bytes(100 if start[:2] != b"PK" else 0))
    with pytest.raises(InputError, match=words):
        prepare(tmp_path / "x.csv", tmp_path / "out")


def test_frames_in_lists_are_pooled_when_asked(tmp_path):
    frames = [vectors(n, 4, n).tolist() for n in (1, 2, 3, 2)]
    path = parquet(tmp_path, id=list("abcd"), v=pa.array(frames, pa.list_(pa.list_(pa.float64()))))
    with pytest.raises(InputError, match=r"row 1 has shape \(2, 4\)"):
        prepare(path, tmp_path / "out")
    outcome, rows, _ = prepare(path, tmp_path / "out", pool=True)
    assert rows["c"]["vector"] == pytest.approx(np.mean(frames[2], axis=0), abs=1e-6)
    assert "pooled: vectors are the mean of 2 to 3 frames" in outcome.said


names = st.text("abcxyz_é", max_size=4)


@given(prefix=names, other=names, n=st.integers(4, 40), m=st.integers(0, 3), start=st.integers(0, 1), data=st.data())
def test_the_largest_group_of_numbered_columns_is_the_vector(prefix, other, n, m, start, data):
    wanted = [f"{prefix}{number}" for number in range(start, start + n)]
    group = [f"{other}_{number}" for number in range(m)]
    columns = dict.fromkeys(data.draw(st.permutations([*wanted, *group, "latitude", "year"])))

    class Source:
        path, names = "x", list(columns)
        head = pa.table({name: [0.5, 1.5] for name in columns})
        schema = head.schema

    found, _ = choose_vector(Source(), None)
    assert found == wanted or other == f"{prefix}"[: len(other)]


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=9), st.sampled_from(sorted(FORMS)))
def test_texts_of_vectors_are_recognised(row, form):
    assert looks_like_vector(FORMS[form](row))


@pytest.mark.parametrize("text", ["", "1.5", "1,5", "2024-05-01", "a, b, c", "[x, y]", "Turdus merula", "10:30", "1 2"])
def test_other_texts_are_no_vectors(text):
    assert not looks_like_vector(text)


@given(
    st.lists(st.text('ab1é"\n,; \t|', min_size=1, max_size=6).map(str.strip).filter(bool), min_size=3, max_size=12),
    st.sampled_from(",;\t"),
)
def test_every_row_and_text_of_a_table_comes_back(tmp_path_factory, texts, delimiter):
    path = tmp_path_factory.mktemp("t") / "x.csv"
    out = io.StringIO()
    rows = [[str(number), content, "[0.5, 1.5, 2.5]"] for number, content in enumerate(texts)]
    csv.writer(out, delimiter=delimiter).writerows([["id", "note", "v"], *rows])
    path.write_bytes(out.getvalue().encode())
    source = open_table(path)
    back = [row for batch in source.batches(["id", "note"]) for row in batch.columns.to_pylist()]
    assert [row["note"] for row in back] == texts
