"""Disk space is checked before AudioSet is downloaded; the error states the space needed and free, and what to do."""

import shutil
from collections import namedtuple

import pytest

from data_prep.__main__ import main
from data_prep.audioset import disk_space
from data_prep.audioset.archive import read_shards
from data_prep.audioset.convert import convert
from data_prep.audioset.fetch import SUBSETS, disk_space_for, download_audioset
from data_prep.dataset.staging import Staging
from data_prep.errors import DownloadError, OutputError
from tests.data_prep.faulty_server import cut_after, serve, status
from tests.data_prep.small_audioset import ARCHIVE, N_ALL, N_SMALL, publish

pytestmark = [
    pytest.mark.tensorflow,  # its import costs seconds: one worker pays them
    pytest.mark.usefixtures("parsed_here"),
]

Usage = namedtuple("Usage", ["total", "used", "free"])  # noqa: PYI024  (as shutil's own)


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0, 0.01))
    with serve(publish(tmp_path)) as site:
        yield site


@pytest.fixture
def set_free_bytes(monkeypatch):
    """Return a function that sets how many bytes are free on every disk."""
    return lambda free: monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - free, free))


def download(site, tmp_path, subset, **options):
    download_audioset(subset, tmp_path / "data/d", mirrors=[f"{site.address}/v1"], **options)
    return tmp_path / "data/d"


def needed_bytes(site, subset, *, frames=False):
    """Return how many bytes are needed from the beginning."""
    if subset == "full":
        return len(site.files[ARCHIVE]) + disk_space.conversion_bytes(N_ALL, frames=frames)
    return disk_space.shard_bytes(N_SMALL) + disk_space.conversion_bytes(N_SMALL, frames=frames)


@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize("subset", ["balanced", "full"])
def test_a_disk_one_byte_too_small_is_refused_before_the_archive_is_downloaded(
    site, set_free_bytes, tmp_path, subset, frames
):
    set_free_bytes(needed_bytes(site, subset, frames=frames) - 1)
    with pytest.raises(
        OutputError, match=rf"(?s)not enough space on the disk of {tmp_path}/data: .*free 1 MB more, or"
    ):
        download(site, tmp_path, subset, frames=frames)
    n_bytes = sum(path.stat().st_size for path in (tmp_path / "data/.d.download").iterdir() if "features" in path.name)
    assert n_bytes < 1000
    assert not (tmp_path / "data/d").exists()
    set_free_bytes(needed_bytes(site, subset, frames=frames))
    download(site, tmp_path, subset, frames=frames)


@pytest.mark.parametrize("subset", ["balanced", "full"])
def test_downloaded_bytes_need_no_more_space(site, set_free_bytes, tmp_path, monkeypatch, subset):
    monkeypatch.setattr("data_prep.audioset.stream._RECORD_EVERY_S", 0)
    monkeypatch.setattr("data_prep.download.gunzip._SPACING", 1 << 14)
    site.faults[ARCHIVE] = [cut_after(len(site.files[ARCHIVE]) * 19 // 20), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        download(site, tmp_path, subset)
    site.faults.clear()
    folder = tmp_path / "data/.d.download"
    there = (folder / ("shards.tar" if subset == "balanced" else ".features.tar.gz.part")).stat().st_size
    assert there > 0
    set_free_bytes(needed_bytes(site, subset) - there)
    download(site, tmp_path, subset)


def test_a_downloaded_archive_needs_space_only_for_its_conversion(site, set_free_bytes, tmp_path):
    folder = tmp_path / "data/.d.download"
    folder.mkdir(parents=True)
    (folder / "features.tar.gz").write_bytes(site.files[ARCHIVE])
    set_free_bytes(disk_space.conversion_bytes(N_ALL, frames=False) - 1)
    with pytest.raises(OutputError, match=r"data: 1 MB are needed while the clips are converted, and 0 MB are free"):
        download(site, tmp_path, "full")
    set_free_bytes(disk_space.conversion_bytes(N_ALL, frames=False))
    download(site, tmp_path, "full")


def test_leftovers_of_a_killed_run_are_removed_before_the_space_is_checked(site, tmp_path, monkeypatch):
    dead = tmp_path / "data/.d.0123abcd.tmp"
    dead.mkdir(parents=True)
    enough = needed_bytes(site, "balanced")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 0 if dead.exists() else enough))
    download(site, tmp_path, "balanced")


def test_the_command_prints_one_message(site, set_free_bytes, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EARSHOT_AUDIOSET", f"{site.address}/v1")
    set_free_bytes(1000)
    assert main(["audioset", "--subset", "full", "--out", str(tmp_path / "data/d")]) == 2
    lines = capsys.readouterr().err.splitlines()  # the server, in this process, may tell that a client has left
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert error.startswith("error: there is not enough space on the disk of ")


def test_bytes_of_a_killed_download_count_before_the_server_is_asked(set_free_bytes, tmp_path):
    set_free_bytes(0)
    needed, free = disk_space_for("full", tmp_path / "data/d")
    assert (4e9 < needed < 4.5e9, free) == (True, 0)
    work = tmp_path / "data/.d.download"
    work.mkdir(parents=True)
    (work / ".features.tar.gz.part").write_bytes(bytes(5000))
    set_free_bytes(7)
    assert disk_space_for("full", tmp_path / "data/d") == (needed - 5000, 7)


def test_the_estimate_is_what_real_clips_take(real_data, tmp_path, monkeypatch):
    audioset, fullest, close = real_data / "audioset", [], Staging.close

    def measure_and_close(staging):
        fullest.append(sum(file.stat().st_size for file in tmp_path.glob(".d.*.tmp/*")))
        close(staging)

    monkeypatch.setattr(Staging, "close", measure_and_close)
    labels = audioset / "class_labels_indices.csv"
    report = convert(audioset / "features.tar.gz", labels, tmp_path / "d", frames=True)
    assert fullest[0] == pytest.approx(disk_space.conversion_bytes(report.n_clips, frames=True), rel=0.01)
    kept = sum(path.stat().st_size for path in (tmp_path / "d").iterdir() if path.name != "frames.npy")
    assert kept == pytest.approx(disk_space.kept_bytes(report.n_clips), rel=0.01)
    small = [shard for shard in read_shards(audioset / "features.tar.gz") if shard.source != "unbal_train"]
    shards = sum(512 + -(-len(shard.data) // 512) * 512 for shard in small)
    n_small = report.by_source["bal_train"] + report.by_source["eval"]
    assert shards == pytest.approx(disk_space.shard_bytes(n_small), rel=0.01)


def test_the_figure_is_the_same_wherever_it_is_printed(root, capsys):
    balanced, full = (
        f"{disk_space.format_bytes(sum(disk_space.published_bytes(subset)))} of disk while it is made"
        for subset in SUBSETS
    )
    with pytest.raises(SystemExit):
        main(["audioset", "--help"])
    assert full in " ".join(capsys.readouterr().out.split())
    assert full in (root / "README.md").read_text()
    assert balanced in (root / "README.md").read_text()
    deploy = (root / "docs/DEPLOY.md").read_text()
    kept = disk_space.kept_bytes(disk_space.PUBLISHED_CLIPS["balanced"])
    assert f"{balanced}; {disk_space.format_bytes(kept)} remain" in " ".join(deploy.split())
