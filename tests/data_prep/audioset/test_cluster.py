"""Conversion on a cluster of real worker processes gives the files of one machine, byte for byte."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data_prep.audioset import cluster
from data_prep.audioset.cluster import parsed_on_cluster
from data_prep.errors import ClusterError, DamageError, InputError, RecordError
from earshot_common import dask_cluster
from tests.data_prep.audioset.test_parse_process import N_LABELS, assert_alike, read_here
from tests.data_prep.audioset.test_parse_process import SHARDS as SMALL_SHARDS
from tests.data_prep.audioset_files import SHARDS, clips, shard, write_archive, write_folder
from tests.lsh.distributed.conftest import Processes

pytestmark = [pytest.mark.tensorflow, pytest.mark.timeout(600)]

BUCKET = "s3://audioset"


@pytest.fixture(scope="module")
def store() -> str:
    """Return the address at which an object store will be, which the workers know from their start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory, store: str) -> Iterator[Processes]:
    """Return a cluster of two worker processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", store)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        started = Processes(tmp_path_factory.mktemp("cluster"))
        started.workers = [started.worker() for _ in range(2)]
        started.wait_for(2)
        yield started
        started.stop()


@pytest.fixture(autouse=True)
def _a_task_for_each_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_TASK_BYTES", 1)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file of a dataset, whose manifest names its folder."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return {name: data.replace(b'"here"', b'"there"') for name, data in files.items()}


def assert_same_files(
    convert: Callable[..., int], folder: Path, scheduler: str, *options: object, address: str = "", **given: Path
) -> None:
    """Convert here and on the cluster, there perhaps from another address; compare exit codes and every file."""
    options = *options, "--no-index"
    expected = convert(*options, out="out/here", **given)
    there: dict[str, Any] = {**given, "features": address} if address else given
    assert convert(*options, "--scheduler", scheduler, out="out/there", **there) == expected
    here = contents(folder / "out/here")
    assert {"clips.parquet", "manifest.json", "train.npy"} <= here.keys()
    assert contents(folder / "out/there") == here


def test_shards_of_a_folder_become_the_files_of_one_machine(convert, processes, tmp_path):
    assert_same_files(convert, tmp_path, processes.address, "--frames")


def test_an_archive_becomes_the_files_of_one_machine(convert, processes, tmp_path):
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    assert_same_files(convert, tmp_path, processes.address, "--dtype", "uint8", features=archive)


def test_what_is_damaged_or_comes_twice_is_left_out_as_on_one_machine(convert, processes, tmp_path):
    whole = shard(clips("cc", 5))
    damaged = {
        "bal_train/aa.tfrecord": shard(clips("bb", 3)) + b"damaged",
        "bal_train/bb.tfrecord": shard(clips("bb", 4)),
        "eval/cc.tfrecord": whole[:-3],
    }
    given = {"features": write_folder(tmp_path / "damaged", SHARDS | damaged)}
    assert_same_files(convert, tmp_path, processes.address, "--keep-going", **given)
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS | damaged)
    archive.write_bytes(archive.read_bytes()[:-9])
    assert_same_files(convert, tmp_path, processes.address, "--keep-going", "--overwrite", features=archive)


def test_a_damaged_shard_stops_the_conversion_with_its_place(refused, processes, tmp_path):
    features = write_folder(tmp_path / "damaged", SHARDS | {"eval/cc.tfrecord": b"damaged"})
    message = refused("--scheduler", processes.address, features=features)
    assert message.startswith("error: eval/cc.tfrecord, at byte 0: ")
    assert message == refused(features=features)


def test_features_that_cannot_be_read_are_refused(refused, processes, tmp_path):
    spread = "--scheduler", processes.address
    assert "does not exist: expected AudioSet's" in refused(*spread, features=tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    assert "holds no *.tfrecord file" in refused(*spread, features=tmp_path / "empty")
    assert "cannot read magic://bucket (Protocol not known" in refused(*spread, features="magic://bucket")
    assert "give its --scheduler" in refused(features="s3://bucket/shards")
    gone = cluster.Stored(str(tmp_path), str(tmp_path / "eval/gone.tfrecord"), "eval", 1)
    with pytest.raises(
        InputError, match=r"a worker cannot read .*gone.tfrecord \(No such file .*every worker can read"
    ):
        gone.read()


def test_a_conversion_reads_an_object_store(convert, processes, store, tmp_path):
    reason = "moto and s3fs are not installed, so no object store is read: pip install s3fs 'moto[s3]' flask flask-cors"
    server = pytest.importorskip("moto.server", reason=reason)
    s3fs = pytest.importorskip("s3fs", reason=reason)
    started = server.ThreadedMotoServer(port=int(store.rpartition(":")[2]), verbose=False)
    started.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {
                "AWS_ENDPOINT_URL": store,
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "us-east-1",
            }.items():
                patch.setenv(name, value)
            files = s3fs.S3FileSystem()
            files.mkdir("audioset")
            for name, data in SHARDS.items():
                files.pipe_file(f"audioset/features/{name}", data)
            archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
            files.pipe_file("audioset/features.tar.gz", archive.read_bytes())
            for address in ("features", "features.tar.gz"):
                assert_same_files(
                    convert, tmp_path, processes.address, "--overwrite", features=archive, address=f"{BUCKET}/{address}"
                )
    finally:
        started.stop()


def test_a_worker_that_is_killed_costs_no_clip_and_a_lost_scheduler_is_named(processes, tmp_path, monkeypatch):
    features = write_folder(tmp_path / "features", SMALL_SHARDS)
    killed, seen = processes.workers[0], []

    def kill(*position: int) -> None:
        seen.append(position)
        if len(seen) == 1:
            os.kill(killed.pid, signal.SIGKILL)

    def batches(progress):
        given = {"keep_frames": True, "scheduler": processes.address}
        with parsed_on_cluster(str(features), N_LABELS, progress, **given) as parsed:
            yield from parsed

    there = list(batches(kill))
    assert killed.wait(60) == -signal.SIGKILL
    assert len(seen) == len(there) == len(SMALL_SHARDS)
    monkeypatch.setattr("data_prep.audioset.parsing._BATCH", 1)
    assert_alike(there, read_here(features, keep_frames=True))

    monkeypatch.setattr(dask_cluster, "NO_WORKERS_S", 5.0)
    running = batches(lambda *_: None)
    next(running)
    processes.scheduler.kill()
    processes.scheduler.wait()
    with pytest.raises(ClusterError, match=r"the scheduler was lost, .* connect to it, and convert again"):
        list(running)
    monkeypatch.setattr(dask_cluster, "_CONNECT_S", 1)
    with pytest.raises(ClusterError, match="cannot reach a scheduler at"):
        list(batches(lambda *_: None))


@pytest.mark.parametrize("error", [DamageError("a/b.tfrecord", 3, "cut"), RecordError("a/b.tfrecord", 3, "cut")])
def test_damage_is_the_same_after_it_was_sent(error):
    made, arguments = error.__reduce__()
    assert type(made(*arguments)) is type(error)
    assert str(made(*arguments)) == str(error)
