"""Packed datasets: packed, downloaded and unpacked; nothing is extracted that the manifest does not name."""

import contextlib
import http.server
import json
import threading
import zipfile
from functools import partial

import numpy as np
import pytest

from data_prep.__main__ import main
from data_prep.dataset import open_dataset, verify_dataset
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from data_prep.download.packed_dataset import fetch_dataset, is_fetched, pack, unpack
from data_prep.errors import DataError, DownloadError, InputError, OutputError
from tests.data_prep import small_datasets


def made(path, title, dtype="float32"):
    n = 30
    clips = ClipBatch(
        clip_id=[f"clip-{i}" for i in range(n)],
        split=["train"] * n,
        media=["video"] * n,
        start_s=np.zeros(n),
        end_s=np.ones(n),
        labels=[[0]] * n,
        n_frames=np.ones(n, int),
        features=np.random.default_rng(1).standard_normal((n, 8)).astype(np.float32),
    )
    write_dataset(path, About(title, "s", "l", "youtube"), [Label("/m/a", "Bell")], [clips], dtype=dtype)
    return path


@pytest.fixture
def dataset(tmp_path):
    return made(tmp_path / "made", "T")


@pytest.fixture
def other(tmp_path):
    return made(tmp_path / "other", "Other")


@contextlib.contextmanager
def served(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("stored", "packed_as"), [("float32", "uint8"), ("float32", "float16"), ("uint8", "uint8")])
def test_a_dataset_packed_in_another_dtype_is_the_one_made_with_that_dtype(tmp_path, stored, packed_as):
    features = small_datasets.batch().features.copy()
    features[1], features[2] = -9, 9  # the smallest value is in validation, the largest in test
    pack(
        small_datasets.write(tmp_path / "a" / "d", features=features, dtype=stored), tmp_path / "packed.zip", packed_as
    )
    expected = small_datasets.write(tmp_path / "b" / "d", features=features, dtype=packed_as)
    got = unpack(tmp_path / "packed.zip", tmp_path / "got").path
    assert verify_dataset(got) == []
    assert {p.name: p.read_bytes() for p in got.iterdir()} == {p.name: p.read_bytes() for p in expected.iterdir()}


def test_packing_in_float32_keeps_the_values_that_uint8_stands_for(tmp_path):
    dataset = made(tmp_path / "d", "T", "uint8")
    pack(dataset, tmp_path / "packed.zip", "float32")
    got = unpack(tmp_path / "packed.zip", tmp_path / "got")
    assert got.dtype == "float32"
    np.testing.assert_array_equal(got.features("train"), open_dataset(dataset).features("train")[:])


def test_features_too_large_for_the_dtype_are_not_packed(tmp_path):
    dataset = small_datasets.write(tmp_path / "d", features=np.full((30, 8), 70_000, np.float32))
    with pytest.raises(InputError, match="exceed 65504, which float16 cannot store"):
        pack(dataset, tmp_path / "packed.zip", "float16")
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def rewritten(packed, target, change):
    """Copy a packed dataset with each file's bytes changed by `change(name, data)`; None leaves a file out."""
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return target


def test_a_packed_dataset_is_the_same_when_it_is_unpacked(dataset, tmp_path):
    pack(dataset, tmp_path / "made.zip")
    assert unpack(tmp_path / "made.zip", tmp_path / "again").fingerprint == open_dataset(dataset).fingerprint
    assert verify_dataset(tmp_path / "again") == []


def test_the_same_dataset_gives_the_same_file(dataset, tmp_path):
    assert pack(dataset, tmp_path / "one.zip") == pack(dataset, tmp_path / "two.zip")


def test_a_packed_dataset_is_never_written_over_a_file(dataset, tmp_path):
    (tmp_path / "mine.zip").write_text("mine")
    with pytest.raises(OutputError, match="exists already: choose another name, or remove it"):
        pack(dataset, tmp_path / "mine.zip")
    assert (tmp_path / "mine.zip").read_text() == "mine"


def test_a_damaged_dataset_is_not_packed(dataset, tmp_path):
    array = dataset / "train.npy"
    array.write_bytes(array.read_bytes()[:-1] + b"\xff")
    with pytest.raises(InputError, match="is damaged"):
        pack(dataset, tmp_path / "made.zip")
    assert not (tmp_path / "made.zip").exists()


def test_a_dataset_is_fetched_by_its_address_and_hash(dataset, tmp_path):
    (tmp_path / "site").mkdir()
    sha256 = pack(dataset, tmp_path / "site" / "made.zip")
    with served(tmp_path / "site") as address:
        fetched = fetch_dataset(f"{address}/made.zip#sha256={sha256}", tmp_path / "home" / "fetched")
    assert fetched.fingerprint == open_dataset(dataset).fingerprint
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == [".fetched.origin.json", "fetched"]


@pytest.fixture
def site(tmp_path):
    """Return a function that packs a dataset into a served file of a name, and returns its address."""
    (tmp_path / "site").mkdir()
    with served(tmp_path / "site") as address:

        def publish(dataset, name):
            return f"{address}/{name}#sha256={pack(dataset, tmp_path / 'site' / name)}"

        yield publish


def test_a_downloaded_dataset_needs_no_network(dataset, tmp_path, site):
    named = site(dataset, "made.zip")
    fetch_dataset(named, tmp_path / "fetched")
    gone = f"http://127.0.0.1:9/gone.zip#{named.split('#')[1]}"
    assert fetch_dataset(gone, tmp_path / "fetched").fingerprint == open_dataset(dataset).fingerprint


def test_another_address_replaces_the_downloaded_dataset(dataset, other, tmp_path, site):
    fetch_dataset(site(dataset, "made.zip"), tmp_path / "fetched")
    assert fetch_dataset(site(other, "other.zip"), tmp_path / "fetched").title == "Other"
    assert fetch_dataset(site(dataset, "again.zip"), tmp_path / "fetched").title == "T"


def test_the_downloaded_dataset_is_kept_when_another_address_fails(dataset, tmp_path, site, monkeypatch):
    monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0,))
    named = site(dataset, "made.zip")
    fetch_dataset(named, tmp_path / "fetched")
    with pytest.raises(DownloadError):
        fetch_dataset(f"http://127.0.0.1:9/gone.zip#sha256={'0' * 64}", tmp_path / "fetched")
    assert is_fetched(named, tmp_path / "fetched")
    assert open_dataset(tmp_path / "fetched").fingerprint == open_dataset(dataset).fingerprint


def test_a_packed_dataset_left_by_a_killed_run_is_verified(dataset, other, tmp_path, site):
    pack(other, tmp_path / ".fetched.zip")
    assert fetch_dataset(site(dataset, "made.zip"), tmp_path / "fetched").title == "T"


def test_a_hash_may_be_written_in_capitals(dataset, tmp_path, site):
    address, _, digits = site(dataset, "made.zip").rpartition("=")
    assert fetch_dataset(f"{address}={digits.upper()}", tmp_path / "fetched").title == "T"
    assert is_fetched(f"{address}={digits}", tmp_path / "fetched")


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/a.zip", "http://127.0.0.1:9/a.zip"])
def test_an_address_that_gives_nothing_leaves_nothing(tmp_path, address, monkeypatch):
    monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0,))
    with pytest.raises(DownloadError):
        fetch_dataset(f"{address}#sha256={'0' * 64}", tmp_path / "home" / "fetched")
    assert list((tmp_path / "home").iterdir()) == []


def test_a_file_with_another_hash_is_refused(dataset, tmp_path):
    (tmp_path / "site").mkdir()
    pack(dataset, tmp_path / "site" / "made.zip")
    with served(tmp_path / "site") as address, pytest.raises(DownloadError, match="sha256"):
        fetch_dataset(f"{address}/made.zip#sha256={'0' * 64}", tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


@pytest.mark.parametrize("named", ["", "http://x/made.zip", "ftp://x/a#sha256=" + "0" * 64, "made.zip", "a b#sha256=1"])
def test_an_address_without_scheme_or_hash_is_refused_with_the_form_expected(named, tmp_path):
    with pytest.raises(InputError, match="then #sha256="):
        fetch_dataset(named, tmp_path / "fetched")


def cut(name, data):
    return data[:-1] if name == "train.npy" else data


def flipped(name, data):
    return data[:-1] + bytes([data[-1] ^ 1]) if name == "train.npy" else data


def missing(name, data):
    return None if name == "labels.parquet" else data


def outside(name, data):
    if name != "manifest.json":
        return data
    manifest = json.loads(data)
    manifest["files"]["../evil"] = manifest["files"]["train.npy"]
    return json.dumps(manifest).encode()


@pytest.mark.parametrize("change", [cut, flipped, missing, outside])
def test_a_packed_dataset_that_was_tampered_with_leaves_nothing_behind(dataset, tmp_path, change):
    pack(dataset, tmp_path / "made.zip")
    bad = rewritten(tmp_path / "made.zip", tmp_path / "bad.zip", change)
    with pytest.raises(DataError, match=r"bad\.zip"):
        unpack(bad, tmp_path / "out" / "fetched")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half", b"no archive"])
def test_a_file_that_is_not_a_packed_dataset_is_refused_by_name(tmp_path, content):
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(InputError, match="is not a packed dataset"):
        unpack(tmp_path / "bad.zip", tmp_path / "fetched")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_packed_dataset_that_is_damaged_is_refused_by_name(dataset, tmp_path, compression):
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w", compression) as archive:
        for path in dataset.iterdir():
            archive.write(path, path.name)
        begin = archive.getinfo("train.npy").header_offset + 30 + len("train.npy")
    data = bytearray(bad.read_bytes())
    data[begin : begin + 12] = b"\xff" * 12
    bad.write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.zip (is not a packed dataset|cannot be read) \("):
        unpack(bad, tmp_path / "out" / "fetched")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_command_prints_the_setting_for_a_host(dataset, tmp_path, capsys):
    assert main(["pack", str(dataset), "--out", str(tmp_path / "made.zip")]) == 0
    assert "#sha256=" in capsys.readouterr().out
    assert main(["pack", str(dataset), "--out", str(tmp_path / "compact.zip"), "--dtype", "uint8"]) == 0
    assert unpack(tmp_path / "compact.zip", tmp_path / "compact").dtype == "uint8"
