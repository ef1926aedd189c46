"""Preview of large files: their first rows alone, quickly, with what a table of metadata would add."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.vectors import preview as module
from data_prep.vectors.preview import preview
from tests.data_prep.vectors.prepared import vectors


@pytest.fixture(autouse=True)
def _all_files_are_large(monkeypatch):
    monkeypatch.setattr(module, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(module, "_MAX_ROWS", 20)


def uses(found):
    return {column["name"]: column["becomes"] for column in found.columns}


def table(n=50):
    ids = [f"{row:03}" for row in range(n)]
    return pa.table({"id": ids, "v": vectors(n).tolist(), "species": [f"s{row % 3}" for row in range(n)]})


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "npy"])
def test_the_first_rows_of_a_large_file_are_looked_at(tmp_path, kind):
    path, rows = tmp_path / f"x.{kind}", table().to_pylist()
    if kind == "parquet":
        pq.write_table(table(), path)
    elif kind == "csv":
        path.write_text("id,v,species\n" + "\n".join(f'{r["id"]},"{r["v"]}",{r["species"]}' for r in rows))
    elif kind == "jsonl":
        path.write_text("\n".join(str(row).replace("'", '"') for row in rows))
    else:
        np.save(path, vectors(50))
    found = preview(path)
    assert (found.refused, found.n_read, found.dim) == ("", 20, 5)
    assert found.n_rows == (50 if kind in {"parquet", "npy"} else None)
    assert found.columns[0]["values"][0] == ", ".join(f"{value:.4g}" for value in vectors(50)[0])
    if kind != "npy":
        assert uses(found) == {"v": "vector of 5 numbers", "id": "id", "species": "label"}


def test_metadata_of_a_large_file_are_joined_by_ids_in_any_order(tmp_path):
    pq.write_table(table().drop_columns(["species"]), tmp_path / "x.parquet")
    pq.write_table(table().drop_columns(["v"]).take(list(range(49, -1, -1))), tmp_path / "meta.parquet")
    found = preview(tmp_path / "x.parquet", tmp_path / "meta.parquet")
    assert next(column["values"] for column in found.columns if column["name"] == "species")[:3] == ["s0", "s1", "s2"]
    assert found.left_over == []


def test_metadata_of_another_length_are_refused_though_only_the_first_rows_are_read(tmp_path):
    np.save(tmp_path / "x.npy", vectors(50))
    pq.write_table(table(49).drop_columns(["v"]), tmp_path / "meta.parquet")
    found = preview(tmp_path / "x.npy", tmp_path / "meta.parquet")
    assert "49 rows for the 50 vectors" in found.refused
    assert found.names == ["id", "species"]


def test_metadata_are_joined_by_position_to_a_text_file_of_unknown_length(tmp_path):
    (tmp_path / "x.csv").write_text("v\n" + "\n".join(f'"{row}"' for row in vectors(50).tolist()))
    pq.write_table(table().drop_columns(["v"]), tmp_path / "meta.parquet")
    found = preview(tmp_path / "x.csv", tmp_path / "meta.parquet")
    assert (found.refused, uses(found)["species"]) == ("", "label")
    assert any("50 here; the vectors need as many" in text for text in found.said)


def test_several_columns_that_fit_are_offered(tmp_path):
    rows = vectors(50).tolist()
    pq.write_table(pa.table({"a": rows, "b": rows, "c": ["x"] * 50}), tmp_path / "x.parquet")
    found = preview(tmp_path / "x.parquet")
    assert "choose one with --vector" in found.refused
    assert (found.vectors, found.names) == (["a", "b"], ["c"])


def test_groups_of_columns_and_arrays_of_a_npz_file_are_offered_by_name(tmp_path):
    columns = {f"{prefix}{i}": [0.5, 1.5] for prefix in ("a", "b") for i in range(6)}
    pq.write_table(pa.table(columns | {"note": ["x", "y"]}), tmp_path / "x.parquet")
    assert preview(tmp_path / "x.parquet").vectors == ["a", "b"]
    np.savez(tmp_path / "x.npz", one=vectors(), two=vectors(), files=np.array(list("abcdef")))
    found = preview(tmp_path / "x.npz")
    assert (found.vectors, found.names) == (["one", "two"], ["files"])
