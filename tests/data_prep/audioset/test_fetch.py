"""`python -m data_prep audioset` against a server with a small AudioSet and typical faults."""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data_prep.__main__ import main
from data_prep.audioset.fetch import download_audioset
from data_prep.dataset import open_dataset, verify_dataset
from data_prep.errors import DamageError, DataError, DownloadError, InputError, OutputError, StoppedError
from tests.data_prep.faulty_server import FaultyServer, cut_after, ignore_range, login_page, serve, status, wrong_range
from tests.data_prep.small_audioset import ARCHIVE, N_ALL, N_SMALL, content, publish, ranges

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

Get = Callable[..., Path]


@pytest.fixture(autouse=True)
def _parsing(request: pytest.FixtureRequest) -> None:
    """Parse in this process, but for the tests that ask for the parser process."""
    if "parser_process" not in request.fixturenames:
        request.getfixturevalue("parsed_here")


@pytest.fixture
def parser_process() -> None:
    """Parse in a process, as the command does."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0, 0.01, 0.01))
    monkeypatch.setattr("data_prep.audioset.stream._RECORD_EVERY_S", 0)
    monkeypatch.setattr("data_prep.download.gunzip._SPACING", 1 << 14)
    with serve(publish(tmp_path)) as site:
        yield site


@pytest.fixture
def get(site: FaultyServer, tmp_path: Path) -> Get:
    def run(subset: str = "balanced", out: str = "d", **options: object) -> Path:
        download_audioset(subset, tmp_path / "data" / out, mirrors=[f"{site.address}/v1"], **options)
        assert list((tmp_path / "data").iterdir()) == [tmp_path / "data" / out]
        assert verify_dataset(tmp_path / "data" / out) == []
        return tmp_path / "data" / out

    return run


def only_the_work_folder_is_left(tmp_path: Path) -> bool:
    """Return whether only the work folder is there."""
    return [path.name for path in (tmp_path / "data").iterdir()] == [".d.download"]


@pytest.fixture(scope="module")
def expected_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of `balanced` when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("expected_files")
    with serve(publish(folder)) as site:
        download_audioset("balanced", folder / "d", mirrors=[f"{site.address}/v1"])
    return content(folder / "d")


@pytest.mark.parametrize(
    "order",
    [
        ("bal_train", "eval", "unbal_train"),
        ("unbal_train", "bal_train", "eval"),
        ("eval", "unbal_train", "bal_train"),
        "mixed",
    ],
)
def test_balanced_is_the_two_small_splits_wherever_they_lie_in_the_archive(
    site: FaultyServer, get: Get, expected_files: dict[str, bytes], tmp_path: Path, order: tuple[str, ...] | str
) -> None:
    site.files = publish(tmp_path, order)
    path = get()
    assert open_dataset(path).source.endswith("27 balanced, 14 evaluation clips")
    assert sum(open_dataset(path).manifest["rows"].values()) == N_SMALL
    assert content(path) == expected_files


@pytest.mark.usefixtures("parser_process")
def test_full_contains_all_clips(get: Get) -> None:
    dataset = open_dataset(get("full", frames=True))
    assert dataset.source.endswith("27 balanced, 180 unbalanced, 14 evaluation clips")
    assert sum(dataset.manifest["rows"].values()) == N_ALL
    assert dataset.has_frames


def test_full_notes_when_the_archive_has_another_hash_than_the_one_printed(get: Get) -> None:
    (note,) = [note for note in open_dataset(get("full")).manifest["notes"] if "sha256" in note]
    assert "a public notebook prints cd95d500ab24" in note
    assert note.endswith("all checksums inside fit.")


def test_reading_stops_when_the_small_splits_are_complete(site: FaultyServer, get: Get, tmp_path: Path) -> None:
    """The rest of the archive is damaged, which is not detected, as it is not read."""
    site.files = publish(tmp_path, ("eval", "bal_train", "unbal_train"))
    data = site.files[ARCHIVE]
    site.files[ARCHIVE] = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
    get()


def test_balanced_does_not_load_tensorflow_in_the_calling_process(
    site: FaultyServer, root: Path, tmp_path: Path
) -> None:
    code = """
import sys
from data_prep.__main__ import main
assert main(["audioset", "--subset", "balanced", "--out", sys.argv[1]]) == 0
print("tensorflow" in sys.modules)
"""
    environment = os.environ | {"EARSHOT_AUDIOSET": f"{site.address}/v1"}
    command = [sys.executable, "-c", code, str(tmp_path / "data/d")]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"
    assert verify_dataset(tmp_path / "data/d") == []


def test_the_ontology_gives_labels_their_parents(get: Get) -> None:
    assert open_dataset(get()).label_parents[1] == ["Speech"]


def test_without_the_ontology_labels_have_no_parents_and_a_note_says_so(site: FaultyServer, get: Get) -> None:
    del site.files["/v1/ontology.json"]
    dataset = open_dataset(get())
    assert dataset.label_parents[1] == []
    assert "The ontology could not be downloaded: labels have no parents here." in dataset.manifest["notes"]


# Failures of servers.


@pytest.mark.parametrize("faults", [
    [cut_after(10_000), cut_after(0), status(500), cut_after(20_000), status(503)],
    [cut_after(10_000), ignore_range],
    [status(500), status(502), cut_after(10_000)],
])  # fmt: skip
def test_many_failures_of_the_server_change_nothing(
    site: FaultyServer, get: Get, expected_files: dict[str, bytes], faults: list
) -> None:
    site.faults[ARCHIVE] = list(faults)
    assert content(get()) == expected_files


@pytest.mark.parametrize("trouble", [[status(404)], [status(500)] * 9, [cut_after(9_000), wrong_range]])
@pytest.mark.parametrize("subset", ["balanced", "full"])
def test_a_server_that_keeps_failing_is_named_and_a_later_run_resumes(
    site: FaultyServer, get: Get, tmp_path: Path, subset: str, trouble: list
) -> None:
    site.faults[ARCHIVE] = list(trouble)
    with pytest.raises(DownloadError, match=rf"(?s)cannot download features\.tar\.gz.*{site.address}/v1.*to resume"):
        get(subset)
    assert only_the_work_folder_is_left(tmp_path)
    site.faults.clear()
    get(subset)


def test_a_mirror_takes_over(site: FaultyServer, expected_files: dict[str, bytes], tmp_path: Path) -> None:
    site.faults[ARCHIVE] = [cut_after(30_000)]
    with serve(dict(site.files)) as other:
        mirrors = ["http://127.0.0.1:9/v1", f"{site.address}/v1/", f"{other.address}/v1"]
        download_audioset("balanced", tmp_path / "data/d", mirrors=mirrors)
        assert ranges(other) == [30_000]
    assert content(tmp_path / "data/d") == expected_files


def test_an_archive_that_changes_while_it_is_read_is_read_anew(site: FaultyServer, get: Get, tmp_path: Path) -> None:
    new = publish(tmp_path, "mixed")

    def change(request) -> bool:
        site.files.update(new)
        return False

    site.faults[ARCHIVE] = [cut_after(60_000), change]
    get()
    assert ranges(site)[1:] == [60_000, 0]


def test_an_archive_that_changed_between_two_runs_is_read_anew(
    site: FaultyServer, get: Get, expected_files: dict[str, bytes], tmp_path: Path
) -> None:
    site.faults[ARCHIVE] = [cut_after(100_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        get()
    site.files, site.faults = publish(tmp_path, "mixed"), {}
    assert content(get()) == expected_files


@pytest.mark.parametrize("subset", ["balanced", "full"])
@pytest.mark.parametrize("garbage", [b"<html>log in</html>", b""])
def test_a_file_that_is_not_an_archive_is_refused_and_the_tables_are_kept(
    site: FaultyServer, get: Get, tmp_path: Path, subset: str, garbage: bytes
) -> None:
    good = site.files[ARCHIVE]
    site.files[ARCHIVE] = garbage
    with pytest.raises(
        DownloadError,
        match=rf"(?s)features\.tar\.gz sends a.* of downloaded files are in {tmp_path}/data/\.d\.download: ",
    ):
        get(subset)
    site.files[ARCHIVE] = good
    site.requests.clear()
    get(subset)
    assert {path for path, _ in site.requests} == {ARCHIVE}


@pytest.mark.usefixtures("parser_process")
@pytest.mark.parametrize("subset", ["balanced", "full"])
def test_a_damaged_archive_is_refused_and_removed(
    site: FaultyServer, get: Get, subset: str, request: pytest.FixtureRequest
) -> None:
    good = site.files[ARCHIVE]
    site.files[ARCHIVE] = b"\x1f\x8b\x08" + bytes(3000)
    with pytest.raises(InputError, match=r"(?s)features\.tar\.gz.*downloaded features are discarded: run it again"):
        get(subset)
    site.files[ARCHIVE] = good
    site.requests.clear()
    request.getfixturevalue("parsed_here")
    get(subset)
    assert {path for path, _ in site.requests} == {ARCHIVE}


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("subset", ["balanced", "full"])
def test_a_login_page_instead_of_the_archive_does_not_replace_the_download(
    site: FaultyServer, get: Get, expected_files: dict[str, bytes], subset: str, marked: bool
) -> None:
    site.faults[ARCHIVE] = [cut_after(len(site.files[ARCHIVE]) * 19 // 20), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        get(subset)
    site.faults[ARCHIVE] = [login_page(marked)]
    with pytest.raises(DownloadError, match=r"web page|begins with '<!'.*"):
        get(subset)
    site.requests.clear()
    path = get(subset)
    (start,) = ranges(site)
    assert start > 0
    if subset == "balanced":
        assert content(path) == expected_files


@pytest.mark.parametrize("garbage", [b"<html>log in</html>", b""])
@pytest.mark.parametrize("name", ["class_labels_indices.csv", "eval_segments.csv"])
def test_a_file_that_is_not_a_table_is_refused_with_its_address(
    site: FaultyServer, get: Get, name: str, garbage: bytes
) -> None:
    good = site.files[f"/v1/csv/{name}"]
    site.files[f"/v1/csv/{name}"] = garbage
    with pytest.raises(DownloadError, match=rf"{site.address}/v1/csv/{name} sends an? .*file.*, expected '"):
        get()
    site.files[f"/v1/csv/{name}"] = good
    get()


def test_a_damaged_table_is_downloaded_anew_and_the_archive_is_kept(site: FaultyServer, get: Get) -> None:
    good = site.files["/v1/csv/eval_segments.csv"]
    site.files["/v1/csv/eval_segments.csv"] = good.replace(b"/m/1", b"/m/?")
    with pytest.raises(InputError, match=r"the downloaded tables are discarded: run it again"):
        get("full")
    site.files["/v1/csv/eval_segments.csv"] = good
    site.requests.clear()
    get("full")
    assert ranges(site) == []


def test_a_damaged_record_is_named_and_downloaded_anew(site: FaultyServer, get: Get) -> None:
    good = site.files[ARCHIVE]
    plain = bytearray(gzip.decompress(good))
    plain[plain.index(b"zze00000000") + 40] ^= 1
    site.files[ARCHIVE] = gzip.compress(plain)
    with pytest.raises(InputError, match=r"(?s)eval/zz\.tfrecord, at byte 0: the checksum of its data.*discarded"):
        get()
    site.files[ARCHIVE] = good
    get()


def test_a_cut_archive_is_refused(site: FaultyServer, get: Get) -> None:
    site.files[ARCHIVE] = site.files[ARCHIVE][:-5_000]
    with pytest.raises(InputError, match="the archive ends too early"):
        get()


def test_when_every_mirror_fails_every_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0, 0))
    with pytest.raises(DownloadError) as caught:
        download_audioset("balanced", tmp_path / "data/d", mirrors=["http://127.0.0.1:9/v1", "http://127.0.0.1:1/v1"])
    for address in ("http://127.0.0.1:9/v1/csv/class_labels_indices.csv", "http://127.0.0.1:1/v1"):
        assert address in str(caught.value)
    assert list((tmp_path / "data").iterdir()) == []


def test_an_archive_that_is_a_plain_tar_file_is_read_and_resumed(
    site: FaultyServer, get: Get, expected_files: dict[str, bytes]
) -> None:
    site.files[ARCHIVE] = gzip.decompress(site.files[ARCHIVE])
    site.faults[ARCHIVE] = [cut_after(len(site.files[ARCHIVE]) * 3 // 4), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        get()
    site.faults.clear()
    site.requests.clear()
    assert content(get()) == expected_files
    assert ranges(site)[0] > 0


def test_a_plain_tar_file_and_tables_with_a_byte_order_mark_give_all_clips(site: FaultyServer, get: Get) -> None:
    site.files[ARCHIVE] = gzip.decompress(site.files[ARCHIVE])
    for name in site.files:
        if name.endswith(".csv"):
            site.files[name] = "\ufeff".encode() + site.files[name].replace(b"\n", b"\r\n")
    assert sum(open_dataset(get("full")).manifest["rows"].values()) == N_ALL


# Resuming.


def test_it_stops_on_request_and_later_downloads_only_the_rest(
    site: FaultyServer, get: Get, expected_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.download.progress._REPORT_EVERY_S", 0)
    site.pause = 0.002
    read = [0]
    with pytest.raises(StoppedError, match="run it again and it resumes"):
        get(progress=lambda p: read.append(p.done), should_stop=lambda: read[-1] > 100_000)
    assert only_the_work_folder_is_left(tmp_path)
    site.requests.clear()
    assert content(get()) == expected_files
    (start,) = ranges(site)
    assert 0 < start <= 150_000


@pytest.mark.parametrize("place", [0, 700, -1])
def test_shards_damaged_on_disk_are_downloaded_anew(
    site: FaultyServer, get: Get, expected_files: dict[str, bytes], tmp_path: Path, place: int
) -> None:
    site.faults[ARCHIVE] = [cut_after(len(site.files[ARCHIVE]) - 2_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        get()
    kept = tmp_path / "data/.d.download/shards.tar"
    data = bytearray(kept.read_bytes())
    data[place] ^= 1
    kept.write_bytes(data)
    site.requests.clear()
    site.faults.clear()
    assert content(get()) == expected_files
    assert ranges(site) == [0]


def test_complete_files_are_not_downloaded_again(site: FaultyServer, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OutputError("no room")

    with monkeypatch.context() as patched:
        patched.setattr("data_prep.dataset.writer.DatasetWriter.finish", fail)
        with pytest.raises(OutputError, match="no room"):
            get()
    site.requests.clear()
    get()
    assert site.requests == []


def test_only_one_download_of_a_dataset_runs_at_a_time(site: FaultyServer, get: Get, tmp_path: Path) -> None:
    refused = []

    def try_another(_: object) -> None:
        if not refused:
            refused.append("")
            with pytest.raises(OutputError, match=r"another download of .* is running"):
                get()

    get(progress=try_another)
    assert refused == [""]


def test_an_existing_target_is_refused_before_any_request(site: FaultyServer, get: Get) -> None:
    get()
    site.requests.clear()
    with pytest.raises(OutputError, match="exists already"):
        get()
    assert site.requests == []
    get(overwrite=True)


def test_progress_gives_the_activity_the_bytes_and_the_clips(
    get: Get, site: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.download.progress._REPORT_EVERY_S", 0)
    monkeypatch.setattr("data_prep.audioset.parsing._BATCH", 10)
    seen = []
    get(progress=seen.append)
    assert list(dict.fromkeys(p.activity for p in seen)) == [
        *(f"downloading {name}" for name in ("class_labels_indices.csv", "balanced_train_segments.csv")),
        *(f"downloading {name}" for name in ("eval_segments.csv", "ontology.json")),
        "reading the tables and starting TensorFlow",
        "downloading and converting",
    ]
    last = [p for p in seen if p.activity == "downloading and converting"]
    assert {p.total for p in last} == {len(site.files[ARCHIVE])}
    assert last[-1].clips > last[0].clips == 0


# The command.


def test_the_command_takes_mirrors_from_the_environment_and_prints_a_summary(
    site: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EARSHOT_AUDIOSET", f"http://127.0.0.1:9/v1 {site.address}/v1")
    monkeypatch.chdir(tmp_path)
    assert main(["audioset"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("data/audioset: AudioSet, 41 clips, 410 frames; ")
    assert "downloading and converting" in captured.err
    assert main(["audioset", "--subset", "full", "--out", "x", "--frames", "--dtype", "uint8"]) == 0
    assert (open_dataset("x").has_frames, open_dataset("x").dtype) == (True, "uint8")


def test_a_failure_of_the_command_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0,))
    monkeypatch.setenv("EARSHOT_AUDIOSET", "http://127.0.0.1:9/v1")
    assert main(["audioset", "--out", str(tmp_path / "d")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "\nerror: cannot download class_labels_indices.csv" in captured.err


def test_an_interrupted_command_reports_the_files_that_it_leaves(
    site: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object, progress: object) -> None:
        if "eval" in str(progress):
            raise KeyboardInterrupt

    monkeypatch.setenv("EARSHOT_AUDIOSET", f"{site.address}/v1")
    monkeypatch.setattr("data_prep.__main__.ProgressBar.show", interrupt)
    assert main(["audioset", "--out", str(tmp_path / "d")]) == 130
    assert f"1 MB of downloaded files are in {tmp_path}/.d.download: run it again to resume" in capsys.readouterr().err


def test_every_error_is_a_data_error() -> None:
    for kind in (DownloadError, StoppedError, OutputError, InputError, DamageError):
        assert issubclass(kind, DataError)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(site: FaultyServer, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="check that its folder is writable"):
        download_audioset("balanced", tmp_path / "data/d", mirrors=[f"{site.address}/v1"])


@pytest.mark.usefixtures("parser_process")
def test_the_real_archive_gives_the_same_clips_as_its_conversion(
    real_data: Path, real_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the evaluation shards are not in this archive: it is read to its end, and what is missing is noted."""
    audioset = real_data / "audioset"
    files = {f"/v1/csv/{path.name}": path.read_bytes() for path in audioset.glob("*.csv")}
    files |= {"/v1/ontology.json": (audioset / "ontology.json").read_bytes()}
    files |= {ARCHIVE: (audioset / "features.tar.gz").read_bytes()}
    with serve(files) as site:
        site.faults[ARCHIVE] = [cut_after(9_000_000), status(500), cut_after(20_000_000)]
        monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0, 0.01))
        report = download_audioset("balanced", tmp_path / "d", mirrors=[f"{site.address}/v1"])
    assert dict(report.by_source) == {"bal_train": 22_160, "eval": 10_171}
    assert (tmp_path / "d/test.npy").read_bytes() == (real_dataset / "test.npy").read_bytes()
    assert any(note.startswith("10,200 of the 20,371 clips") for note in report.notes)
