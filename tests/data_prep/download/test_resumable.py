"""Downloads of one file from servers that fail in many ways: complete, or an error that states why not."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data_prep.download import remote
from data_prep.download.resumable import fetch_file
from data_prep.errors import DownloadError, OutputError, StoppedError
from tests.data_prep.faulty_server import (
    FaultyServer,
    cut_after,
    ignore_range,
    login_page,
    serve,
    stall,
    status,
    wrong_range,
)

DATA = np.random.default_rng(0).bytes(300_000)
PATH = "/v1/thing.bin"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0, 0.01, 0.01))
    with serve({PATH: DATA}) as site:
        yield site


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "got" / "thing.bin"


def fetch(site: FaultyServer, target: Path, *others: str, **options: object) -> None:
    fetch_file([f"{site.address}{PATH}", *others], target, **options)  # type: ignore[arg-type]


def complete(target: Path) -> bool:
    """Return whether the folder holds the complete file and nothing else."""
    return target.read_bytes() == DATA and list(target.parent.iterdir()) == [target]


def partial_size(target: Path) -> int:
    return target.with_name(f".{target.name}.part").stat().st_size


def test_a_file_is_downloaded(site: FaultyServer, target: Path) -> None:
    fetch(site, target, sha256=hashlib.sha256(DATA).hexdigest())
    assert complete(target)


def test_an_existing_file_is_not_downloaded(site: FaultyServer, target: Path) -> None:
    fetch(site, target)
    fetch(site, target)
    assert len(site.requests) == 1


@pytest.mark.parametrize("with_crc", [False, True])
def test_cut_connections_are_resumed_where_they_were_cut(site: FaultyServer, target: Path, with_crc: bool) -> None:
    site.with_crc = with_crc
    site.faults[PATH] = [cut_after(100_000), cut_after(0), cut_after(70_000), cut_after(1)]
    fetch(site, target)
    assert complete(target)
    assert [header for _, header in site.requests] == [
        None, "bytes=100000-", "bytes=100000-", "bytes=170000-", "bytes=170001-"
    ]  # fmt: skip
    assert site.sent == len(DATA)


@pytest.mark.parametrize("code", [500, 502, 503, 429])
def test_a_failing_server_is_tried_again(site: FaultyServer, target: Path, code: int) -> None:
    site.faults[PATH] = [status(code), cut_after(1000), status(code)]
    fetch(site, target)
    assert complete(target)


def test_a_server_without_ranges_is_read_again_from_the_beginning(site: FaultyServer, target: Path) -> None:
    site.faults[PATH] = [cut_after(100_000), ignore_range]
    fetch(site, target)
    assert complete(target)


def test_a_wrong_range_is_not_written_into_the_file(site: FaultyServer, target: Path) -> None:
    site.faults[PATH] = [cut_after(100_000), wrong_range]
    with pytest.raises(DownloadError, match=r"sends bytes 0-299999/300000 when asked for bytes from 100,000 on"):
        fetch(site, target)
    assert not target.exists()
    assert partial_size(target) == 100_000
    fetch(site, target)
    assert complete(target)


def test_another_mirror_is_used_when_one_lacks_the_file(site: FaultyServer, target: Path) -> None:
    with serve({}) as empty:
        fetch_file([f"{empty.address}{PATH}", "http://127.0.0.1:9/nobody", f"{site.address}{PATH}"], target)
    assert complete(target)


def test_a_mirror_takes_over_in_the_middle(site: FaultyServer, target: Path) -> None:
    site.faults[PATH] = [cut_after(100_000)]
    with serve({PATH: DATA}) as other:
        fetch(site, target, f"{other.address}{PATH}")
        assert other.requests == [(PATH, "bytes=100000-")]
    assert complete(target)


def test_a_mirror_that_holds_another_file_is_skipped(site: FaultyServer, target: Path) -> None:
    site.faults[PATH] = [cut_after(100_000)]
    with serve({PATH: DATA[::-1]}) as other:
        fetch(site, target, f"{other.address}{PATH}")
    assert complete(target)


def test_when_no_address_has_the_file_each_is_named_with_its_response(site: FaultyServer, target: Path) -> None:
    site.faults[PATH] = [status(503)] * 9
    with serve({}) as empty, pytest.raises(DownloadError) as caught:
        fetch(site, target, f"{empty.address}{PATH}", "http://127.0.0.1:9/nobody")
    message = str(caught.value)
    assert "cannot download thing.bin, all addresses fail" in message
    assert f"{site.address}{PATH} responds with 503 Service Unavailable" in message
    assert f"{empty.address}{PATH} responds with 404 Not Found" in message
    assert "http://127.0.0.1:9/nobody cannot be read (Connection refused)" in message
    assert "run it again to resume" in message
    assert not target.exists()


def test_a_later_run_downloads_only_the_rest(site: FaultyServer, target: Path) -> None:
    site.faults[PATH] = [cut_after(200_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        fetch(site, target)
    site.faults.clear()
    site.requests.clear()
    fetch(site, target)
    assert site.requests == [(PATH, "bytes=200000-")]
    assert complete(target)


def test_a_changed_file_is_downloaded_anew(site: FaultyServer, target: Path) -> None:
    site.files[PATH] = DATA[::-1]
    site.faults[PATH] = [cut_after(200_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        fetch(site, target)
    site.files[PATH], site.faults = DATA, {}
    fetch(site, target)
    assert complete(target)


@pytest.mark.parametrize("size", [0, 1_000, 199_999])
def test_a_file_that_became_shorter_is_downloaded_anew(site: FaultyServer, target: Path, size: int) -> None:
    site.faults[PATH] = [cut_after(200_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        fetch(site, target)
    site.files[PATH], site.faults = DATA[:size], {}
    fetch(site, target)
    assert target.read_bytes() == DATA[:size]


@pytest.mark.parametrize("place", [0, 150_000, 199_999])
def test_a_partial_download_damaged_on_disk_is_not_resumed(site: FaultyServer, target: Path, place: int) -> None:
    site.faults[PATH] = [cut_after(200_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        fetch(site, target)
    part = target.with_name(f".{target.name}.part")
    data = bytearray(part.read_bytes())
    data[place] ^= 1
    part.write_bytes(data)
    site.faults.clear()
    fetch(site, target)
    assert complete(target)


@pytest.mark.parametrize("notes", [b"", b"{}", b"[]", b'{"facts": "{}", "sha256": ""}', b"\xff"])
def test_a_damaged_journal_restarts_the_download(site: FaultyServer, target: Path, notes: bytes) -> None:
    site.faults[PATH] = [cut_after(200_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        fetch(site, target)
    target.with_name(f".{target.name}.part.json").write_bytes(notes)
    site.faults.clear()
    fetch(site, target)
    assert complete(target)


def test_a_wrong_hash_is_refused_and_nothing_is_kept(site: FaultyServer, target: Path) -> None:
    with pytest.raises(DownloadError, match=r"its sha256 is [0-9a-f]{64}, expected 0{64}; it was removed"):
        fetch(site, target, sha256="0" * 64)
    assert list(target.parent.iterdir()) == []


def test_bytes_with_another_checksum_than_the_servers_are_refused(site: FaultyServer, target: Path) -> None:
    site.with_crc = True
    site.faults[PATH] = [lambda request: request.begin(200, len(DATA)) or request.send(DATA[:-1] + b"?") or True]
    with pytest.raises(DownloadError, match="its CRC-32C is"):
        fetch(site, target)
    fetch(site, target)
    assert complete(target)


def test_a_server_that_stops_sending_is_an_error(
    site: FaultyServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.download.remote._TIMEOUT_S", (1, 0.1))
    site.faults[PATH] = [stall(0.5)] * 3
    with pytest.raises(DownloadError, match="stopped sending"):
        fetch(site, target)


def test_a_server_that_never_answers_is_given_up_after_a_few_seconds_where_somebody_waits(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert remote._QUICK_ANSWER_S <= 3
    monkeypatch.setattr(remote, "_QUICK_ANSWER_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are made, and nothing is sent
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/model"
        with pytest.raises(DownloadError, match=r"/model does not answer"):
            fetch_file([address], target, retry=False)


def test_a_name_that_is_never_resolved_is_given_up_where_somebody_waits(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def resolve(*_: object) -> list:
        released.wait()
        raise socket.gaierror("released")

    monkeypatch.setattr(remote, "_QUICK_ANSWER_S", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(DownloadError, match="does not answer"):
        fetch_file(["http://nowhere.invalid/model"], target, retry=False)
    released.set()


def test_where_somebody_waits_a_download_that_stalls_is_not_tried_again(
    site: FaultyServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.faults[PATH] = [cut_after(100_000), cut_after(0), cut_after(0)]
    with pytest.raises(DownloadError, match="was cut off"):
        fetch(site, target, retry=False)
    assert len(site.requests) <= 2
    site.faults.clear()
    fetch(site, target, retry=False)
    assert complete(target)


def test_a_slow_server_is_replaced_by_another(
    site: FaultyServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.download.remote._MIN_SPEED_OVER_S", 0.05)
    monkeypatch.setattr("data_prep.download.remote._MIN_BYTES_PER_S", 10**9)
    site.pause = 0.02
    with serve({PATH: DATA}) as other:
        monkeypatch.setattr("data_prep.download.remote._PAUSES_S", (0,) * 9)
        fetch(site, target, f"{other.address}{PATH}")
        assert other.requests
    assert complete(target)


def test_a_file_larger_than_expected_is_refused_before_it_is_written(site: FaultyServer, target: Path) -> None:
    with pytest.raises(DownloadError, match=r"offers 300,000 bytes, expected at most 1,000"):
        fetch(site, target, max_bytes=1_000)
    assert list(target.parent.iterdir()) == []


def test_a_full_disk_is_reported_and_the_next_run_resumes(site: FaultyServer, target: Path, monkeypatch) -> None:
    class Full:
        def __init__(self, file):
            self._file = file

        def __getattr__(self, name):
            return getattr(self._file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def write(self, data):
            if self._file.tell() + len(data) > 100_000:
                raise OSError(28, "No space left on device")
            return self._file.write(data)

    really = Path.open
    with monkeypatch.context() as patched:
        patched.setattr(
            Path,
            "open",
            lambda self, mode="r", **o: Full(really(self, mode)) if mode == "ab+" else really(self, mode, **o),
        )
        with pytest.raises(
            OutputError, match="No space left on device; there is not enough room on its disk: free some"
        ):
            fetch(site, target)
    assert not target.exists()
    fetch(site, target)
    assert complete(target)


def test_it_stops_on_request_and_resumes_later(site: FaultyServer, target: Path) -> None:
    site.pause = 0.001
    part = target.with_name(f".{target.name}.part")
    with pytest.raises(StoppedError, match="run it again and it resumes"):
        fetch(site, target, should_stop=lambda: site.sent > 100_000 and part.stat().st_size > 0)
    n_requests = len(site.requests)
    fetch(site, target)
    assert complete(target)
    assert int(site.requests[n_requests][1].removeprefix("bytes=").rstrip("-")) > 0


def test_progress_counts_bytes_and_ends_at_the_size_of_the_file(
    site: FaultyServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.download.progress._REPORT_EVERY_S", 0)
    seen = []
    fetch(site, target, progress=seen.append)
    assert seen[0].activity == "downloading thing.bin"
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert (seen[-1].done, seen[-1].total, seen[-1].seconds_left) in {(300_000, 300_000, 0.0), (300_000, 300_000, None)}


def test_a_redirect_from_https_to_http_is_refused() -> None:
    import requests

    from data_prep.download.remote import RemoteFile, _Failure

    answer = requests.Response()
    answer.status_code, answer.url = 200, "http://elsewhere.example/thing.bin"
    with pytest.raises(_Failure, match="not encrypted"):
        RemoteFile(["https://x.example/thing.bin"])._check_answer(answer, "https://x.example/thing.bin")


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(404, "gone"), (410, "gone"), (429, "later"), (500, "later"), (503, "later"), (401, "useless")],
)
def test_an_answer_without_the_file_says_whether_to_try_again_later(code: int, verdict: str) -> None:
    import requests

    from data_prep.download.remote import RemoteFile, _Failure

    answer = requests.Response()
    answer.status_code, answer.url, answer.reason = code, "https://x.example/thing.bin", "No"
    with pytest.raises(_Failure, match=f"responds with {code} No") as caught:
        RemoteFile([answer.url])._check_answer(answer, answer.url)
    assert caught.value.verdict == verdict


# Answers that are not the file.


@pytest.mark.parametrize("marked", [True, False])
def test_a_login_page_does_not_replace_a_partial_download(site: FaultyServer, target: Path, marked: bool) -> None:
    site.faults[PATH] = [cut_after(200_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        fetch(site, target)
    site.faults[PATH] = [login_page(marked)]
    with pytest.raises(DownloadError, match=r"a web page instead|begins with '<!DO', expected") as caught:
        fetch(site, target, signature=DATA[:4])
    assert "whether this network requires a login first" in str(caught.value)
    assert partial_size(target) == 200_000
    site.requests.clear()
    fetch(site, target, signature=DATA[:4])
    assert site.requests == [(PATH, "bytes=200000-")]
    assert complete(target)


def test_a_partial_download_is_kept_when_one_mirror_has_another_file_and_the_right_one_fails(
    site: FaultyServer, target: Path
) -> None:
    site.faults[PATH] = [cut_after(200_000), *[status(503)] * 30]
    expected = pytest.raises(
        DownloadError, match=r"(?s)another file than the one partly downloaded.*responds with 503|503.*another file"
    )
    with serve({PATH: DATA[::-1]}) as other, expected:
        fetch(site, target, f"{other.address}{PATH}")
    assert partial_size(target) == 200_000


def test_where_the_file_is_gone_and_a_mirror_has_another_that_one_is_downloaded(
    site: FaultyServer, target: Path
) -> None:
    site.faults[PATH] = [cut_after(200_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        fetch(site, target)
    site.faults[PATH] = []
    del site.files[PATH]
    with serve({PATH: DATA[::-1]}) as other:
        fetch(site, target, f"{other.address}{PATH}")
    assert target.read_bytes() == DATA[::-1]


def test_a_changed_file_replaces_a_partial_download_only_once_its_bytes_arrive(
    site: FaultyServer, target: Path
) -> None:
    site.faults[PATH] = [cut_after(200_000), *[status(500)] * 9]
    with pytest.raises(DownloadError):
        fetch(site, target)
    site.files[PATH] = DATA[:150_000]
    site.faults[PATH] = [lambda _: False, login_page(marked=True)]
    with pytest.raises(DownloadError, match="a web page instead of the file"):
        fetch(site, target)
    assert partial_size(target) == 200_000


def test_an_empty_response_does_not_have_the_signature(site: FaultyServer, target: Path) -> None:
    site.files[PATH] = b""
    with pytest.raises(DownloadError, match="sends an empty file"):
        fetch(site, target, signature=b"PK")
    assert list(target.parent.iterdir()) == []


# Slow servers.


def test_a_few_bytes_do_not_reset_the_retries(site: FaultyServer, target: Path) -> None:
    site.faults[PATH] = [cut_after(1)] * 40
    with pytest.raises(DownloadError, match=r"all addresses fail \(\d bytes arrived in the last 1 s\)"):
        fetch(site, target)


def test_a_server_that_stays_slow_is_an_error(
    site: FaultyServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.download.remote._MIN_SPEED_OVER_S", 0.05)
    monkeypatch.setattr("data_prep.download.remote._MIN_BYTES_PER_S", 10**9)
    site.pause = 0.02
    with pytest.raises(
        DownloadError, match=r"(?s)bytes arrived in the last .* sends less than 1,000,000,000 bytes per sec"
    ):
        fetch(site, target)


def test_no_further_round_begins_after_a_long_time_with_too_few_bytes(
    site: FaultyServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.download.remote._MAX_STALLED_S", 0.005)
    site.faults[PATH] = [status(500), status(500)]
    with pytest.raises(DownloadError, match="responds with 500"):
        fetch(site, target)


def test_progress_reports_a_problem_until_it_is_over(
    site: FaultyServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.download.progress._REPORT_EVERY_S", 0)
    site.faults[PATH] = [status(500), cut_after(100_000), status(503)]
    seen = []
    fetch(site, target, progress=lambda p: seen.append(p.activity))
    host = site.address.removeprefix("http://")
    assert list(dict.fromkeys(seen)) == [
        "downloading thing.bin",
        f"{host} responds with 500 Internal Server Error; trying again",
        f"{host} was cut off at byte 100,000; trying again",
        f"{host} responds with 503 Service Unavailable; trying again",
    ]
    assert seen[-1] == "downloading thing.bin"


# Messages about addresses.


def test_the_advice_for_a_missing_file_is_to_check_the_addresses(tmp_path: Path) -> None:
    with serve({}) as site, pytest.raises(DownloadError, match=r"responds with 404 Not Found\ncheck the addresses"):
        fetch_file([f"{site.address}/x"], tmp_path / "x")


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/x", "http://127.0.0.1:port/x", "http://[x/x", "http:///x"])
def test_an_invalid_address_is_tried_once_and_leaves_nothing(tmp_path: Path, address: str) -> None:
    with pytest.raises(DownloadError, match=r"cannot be read.*\ncheck the addresses"):
        fetch_file([address], tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_with_another_hash_is_replaced(site: FaultyServer, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"left by a run that was killed")
    fetch(site, target, sha256=hashlib.sha256(DATA).hexdigest())
    assert complete(target)
