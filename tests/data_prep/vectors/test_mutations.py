"""Mutated files of vectors: each becomes a valid dataset or is refused in a sentence, and leaves nothing behind."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.errors import InputError
from tests.data_prep.mutated import mutated
from tests.data_prep.vectors.prepared import prepare, vectors
from tests.stress import IS_STRESS

N = 20_000 if IS_STRESS else 200
PIECES = (b'"', b"\n", b",", b"\t", b"\0", b"[", b"]", b"...", b"nan", b"\xff", b"{", b";", b"1e999", b"-")


def originals(folder):
    """Write a file of each kind with its metadata; yield their names."""
    x, ids = vectors(20, 6), [f"{n:03} é" for n in range(20)]
    np.save(folder / "a.npy", x)
    np.save(folder / "b.npy", np.asfortranarray(x.reshape(20, 2, 3)))
    np.savez(folder / "c.npz", embeddings=x, names=np.array(ids), rate=3)
    np.savez_compressed(folder / "d.npz", x=x)
    table = pa.table({"id": ids, "emb": x.tolist(), "label": pa.array(list("ab") * 10).dictionary_encode()})
    pq.write_table(table, folder / "e.parquet")
    pq.write_table(table, folder / "f.parquet", compression="zstd", write_page_checksum=True)
    lines = [f'{key},"{row}",{n}:30' for n, (key, row) in enumerate(zip(ids, x.tolist(), strict=True))]
    (folder / "g.csv").write_text("\n".join(["id,emb,start", *lines]))
    np.savetxt(folder / "h.tsv", x, delimiter="\t")
    records = [{"id": key, "v": row, "p": {"q": [1]}} for key, row in zip(ids, x.tolist(), strict=True)]
    (folder / "i.jsonl").write_text("\n".join(map(json.dumps, records)))
    (folder / "meta.csv").write_text("\n".join(["id,label", *(f"{key},x" for key in ids)]))
    return [path.name for path in sorted(folder.iterdir())]


def test_a_mutated_file_becomes_a_dataset_or_is_refused_and_leaves_nothing_behind(tmp_path):
    rng, whole, work = np.random.default_rng(1), tmp_path / "whole", tmp_path / "work"
    whole.mkdir()
    work.mkdir()
    names = originals(whole)
    n_good, refusals = 0, []
    for number in range(N):
        name = names[number % len(names)]
        path, meta = work / name, None
        path.write_bytes(mutated(rng, (whole / name).read_bytes(), PIECES, most=3))
        if name == "meta.csv" or rng.random() < 0.2:
            meta = work / "meta.csv"
            path = path if name != "meta.csv" else whole / "e.parquet"
            if name != "meta.csv":
                meta.write_bytes((whole / "meta.csv").read_bytes())
        try:
            outcome, rows, _ = prepare(path, work / f"out{number}", meta, pool=bool(rng.integers(2)))
            assert all(np.isfinite(row["vector"]).all() for row in rows.values())
            assert len(rows) + len(outcome.left_out) == outcome.n_rows
            n_good += 1
        except InputError as error:
            refusals.append(str(error))
            assert not (work / f"out{number}").exists()
    assert n_good > N // 10
    assert len(refusals) > N // 10
    assert all(len(text) < 1500 for text in refusals)
    assert [path.name for path in work.iterdir() if path.name.startswith(".")] == []
