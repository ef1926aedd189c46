"""Remote files: read over HTTP from any byte on, with retries, mirrors and checks of every response."""

import http.client
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import ceil
from typing import Any, Literal, NoReturn

import requests
import urllib3

from data_prep.download.identity import Identity
from data_prep.download.time_limit import within
from data_prep.errors import ChangedError, DownloadError, StoppedError

ShouldStop = Callable[[], bool]
Signature = bytes | Sequence[tuple[int, bytes]]
_Verdict = Literal["later", "useless", "gone", "other"]

_BLOCK_BYTES = 1 << 18
_TIMEOUT_S = (10, 30)  # to connect, and between two blocks
_QUICK_TIMEOUT_S = (3, 4)  # without retries, where somebody waits
_QUICK_ANSWER_S = 3  # then also for names, all addresses of a host, and headers together
_MIN_BYTES_PER_S, _MIN_SPEED_OVER_S = 1_000, 30  # a connection slower than this over this time counts as lost
_PAUSES_S = (0, 1, 3, 10)  # pause before each round of requests to all addresses
_MAX_STALLED_S = 120  # after this time below _MIN_BYTES_PER_S no further round begins
_TRY_LATER = {408, 425, 429, 500, 502, 503, 504}
_GONE = {404, 410}
_GOOGLES_CRC = re.compile(r"\bcrc32c=([A-Za-z0-9+/=]+)")
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def stop_if(should_stop: ShouldStop, where: str) -> None:
    """Raise StoppedError if `should_stop()`; `where` completes "stopped while ..."."""
    if should_stop():
        raise StoppedError(f"stopped while {where}: run it again and it resumes")


class RemoteFile:
    """One file at several addresses, tried in turn. `identity` is known from the first response on.

    identity: of a partly downloaded file; only a file whose identity agrees is accepted.
    signature: bytes at the file's beginning, if known, or several alternatives with their offsets. A response that
        has none of them, or is a web page, is rejected.
    max_bytes: a larger file is rejected.
    report_problem: called with a message before a retry, and with "" when data arrives again.
    retry: whether to try all addresses again after pauses; if not, a server that does not answer fails within seconds.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        identity: Identity | None = None,
        signature: Signature = b"",
        max_bytes: int = 1 << 34,
        report_problem: Callable[[str], None] = lambda _: None,
        should_stop: ShouldStop = lambda: False,
        retry: bool = True,
    ) -> None:
        self.identity = identity or Identity()
        self.position = 0  # offset in the file after the last byte yielded
        self._addresses = list(addresses)
        self._signatures = [(0, signature)] if isinstance(signature, bytes) else signature
        self._max_bytes = max_bytes
        self._report_problem = report_problem
        self._should_stop = should_stop
        self._retry = retry
        self._consumer_s = 0.0  # time that the consumer of the blocks has taken
        self._session = requests.Session()
        self._session.headers.update({"Accept-Encoding": "identity", "User-Agent": "earshot"})

    def read_from(self, offset: int) -> Iterator[bytes]:
        """Yield the file's bytes from `offset` to its end, in blocks.

        Raises DownloadError when all addresses fail or are too slow, ChangedError when they hold another file, and
        StoppedError on request.
        """
        self.position = offset
        if offset == self.identity.length:
            return
        failures: dict[str, _Failure] = {}
        rounds = _PAUSES_S if self._retry else _PAUSES_S[:1]
        pauses = list(rounds)
        since, received = self._now(), 0  # failures are cleared once bytes arrive fast enough
        while pauses and self._now() - since < _MAX_STALLED_S and (usable := self._usable_addresses(failures)):
            self._wait(pauses.pop(0))
            for address in usable:
                try:
                    for block in self._body(address):
                        self.position += len(block)
                        received += len(block)
                        if received >= _MIN_BYTES_PER_S * (self._now() - since):
                            since, received, pauses = self._now(), 0, list(rounds)
                            failures = {address: failure for address, failure in failures.items() if failure.final}
                            self._report_problem("")
                        yield from self._yield_timed(block)
                    if self.identity.length in {None, self.position}:
                        return
                except _Failure as failure:
                    failures[address] = failure
                    self._report_problem(f"{_host(address)} {failure}; trying again")
                self._addresses.remove(address)  # the last to fail is tried last
                self._addresses.append(address)
        self._give_up(failures, received, self._now() - since)

    def _usable_addresses(self, failures: "dict[str, _Failure]") -> list[str]:
        return [address for address in self._addresses if address not in failures or not failures[address].final]

    def _yield_timed(self, block: bytes) -> Iterator[bytes]:
        """Yield a block, and exclude the time its consumer takes from the server's time."""
        given = time.monotonic()
        yield block
        self._consumer_s += time.monotonic() - given

    def _now(self) -> float:
        return time.monotonic() - self._consumer_s

    def _body(self, address: str) -> Iterator[bytes]:
        """Yield the bytes from `position` on that one address sends."""
        headers = {}
        if self.position:
            headers["Range"] = f"bytes={self.position}-"
            etag = self.identity.etag
            # Not with a CRC, which is the same at every mirror: an ETag is not.
            if etag and not etag.startswith("W/") and not self.identity.crc32c:
                headers["If-Range"] = etag
        try:
            with self._request(address, headers) as response:
                self._check_answer(response, address)
                head = self._check_signature(response) if response.status_code == requests.codes.ok else b""
                skip, end = self._find_range(response)
                yield from self._blocks(head, response.raw, skip, end)
        except _NETWORK_ERRORS as error:
            verdict: _Verdict = "useless" if isinstance(error, ValueError) else "later"  # not an address
            raise _Failure(f"{_reason(error)} at byte {self.position:,}", verdict) from None

    def _request(self, address: str, headers: dict[str, str]) -> requests.Response:
        """Return the response of an address; without retries, raise ConnectTimeout after `_QUICK_ANSWER_S`.

        The timeout of a connection bounds neither the look-up of its name nor the number of addresses it leads to.
        """
        get = partial(self._session.get, address, headers=headers, stream=True)
        if self._retry:
            return get(timeout=_TIMEOUT_S)
        try:
            return within(_QUICK_ANSWER_S, partial(get, timeout=_QUICK_TIMEOUT_S), discard=requests.Response.close)
        except TimeoutError:
            raise requests.ConnectTimeout from None

    def _check_answer(self, response: requests.Response, address: str) -> None:
        """Raise _Failure for a response without the file, or with the file encoded."""
        status, headers = response.status_code, response.headers
        if address.startswith("https:") and not response.url.startswith("https:"):
            raise _Failure(f"redirects to {response.url:.200}, which is not encrypted", "useless")
        if status == requests.codes.requested_range_not_satisfiable:
            raise _Failure(f"has no byte {self.position:,}: it is not the file partly downloaded", "other")
        if status not in {200, 206}:
            verdict: _Verdict = "later" if status in _TRY_LATER else "gone" if status in _GONE else "useless"
            raise _Failure(f"responds with {status} {response.reason}", verdict)
        if headers.get("Content-Type", "").lower().startswith("text/html"):
            raise _Failure("responds with a web page instead of the file", "useless")
        if headers.get("Content-Encoding", "identity") != "identity":
            raise _Failure(f"sends the file encoded as {headers['Content-Encoding']:.40}", "useless")

    def _check_signature(self, response: requests.Response) -> bytes:
        """Return the first bytes of the file; raise _Failure unless they hold a signature."""
        length = max(offset + len(mark) for offset, mark in self._signatures)
        head: bytes = response.raw.read(length, decode_content=False) if length else b""
        if not any(head.startswith(mark, offset) for offset, mark in self._signatures):
            expected = self._signatures[0][1]
            shown = head[: len(expected)]
            received = f"a file that begins with {ascii(shown)[1:]}" if head else "an empty file"
            raise _Failure(f"sends {received}, expected {ascii(expected)[1:]}", "useless")
        return head

    def _find_range(self, response: requests.Response) -> tuple[int, int | None]:
        """Return how many bytes of the body to skip, and the offset at which it ends; or raise _Failure."""
        headers = response.headers
        length = _number(headers.get("Content-Length"))
        start, end = 0, length
        if response.status_code == requests.codes.partial_content:
            found = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if not found or int(found[1]) != self.position:
                answer = headers.get("Content-Range", "no range")
                raise _Failure(f"sends {answer:.80} when asked for bytes from {self.position:,} on", "useless")
            start, end, length = self.position, int(found[2]) + 1, _number(found[3])
        self._check_identity(length, headers)
        return self.position - start, self.identity.length if end is None else end

    def _check_identity(self, length: int | None, headers: Any) -> None:
        """Compare the offered file with the expected identity, and complete the identity."""
        crc = _GOOGLES_CRC.search(headers.get("x-goog-hash", ""))
        offered = Identity(length, crc[1] if crc else None, headers.get("ETag"))
        if not self.identity.agrees(offered):
            raise _Failure(f"holds another file than the one partly downloaded: {offered}", "other")
        if length is not None and length > self._max_bytes:
            raise _Failure(f"offers {length:,} bytes, expected at most {self._max_bytes:,}", "useless")
        known = self.identity
        self.identity = Identity(
            length if known.length is None else known.length, known.crc32c or offered.crc32c, known.etag or offered.etag
        )

    def _blocks(self, head: bytes, body: urllib3.BaseHTTPResponse, skip: int, end: int | None) -> Iterator[bytes]:
        """Yield the bytes of a response after the first `skip`; raise _Failure if it ends early or is too slow."""
        since, received = self._now(), 0
        block = head or body.read1(_BLOCK_BYTES, decode_content=False)
        while block:
            self._check_stop()
            received += len(block)
            if self._now() - since > _MIN_SPEED_OVER_S:
                if received < _MIN_BYTES_PER_S * _MIN_SPEED_OVER_S:
                    raise _Failure(f"sends less than {_MIN_BYTES_PER_S:,} bytes per second at byte {self.position:,}")
                since, received = self._now(), 0
            if self.position + len(block) > self._max_bytes:
                raise _Failure(f"sends more than {self._max_bytes:,} bytes, the maximum expected", "useless")
            wanted, skip = block[skip:], max(0, skip - len(block))
            if wanted:
                yield wanted
            block = body.read1(_BLOCK_BYTES, decode_content=False)
        if end is not None and self.position < end:
            raise _Failure(f"was cut off at byte {self.position:,} of {end:,}")

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._check_stop()
        while time.monotonic() < until:
            time.sleep(0.1)
            self._check_stop()

    def _check_stop(self) -> None:
        stop_if(self._should_stop, f"downloading, at byte {self.position:,}")

    def _give_up(self, failures: "dict[str, _Failure]", received: int, seconds: float) -> NoReturn:
        name = self._addresses[0].rsplit("/", 1)[-1]
        answers = "".join(f"\n  {address} {failures[address]}" for address in sorted(failures))
        verdicts = {failure.verdict for failure in failures.values()}
        if "other" in verdicts and verdicts <= {"other", "gone"}:
            raise ChangedError(f"{name} has changed since its download began:{answers}")
        slow = f" ({received:,} bytes arrived in the last {ceil(seconds):,} s)" if received else ""
        check = (
            "check the network (and a proxy, if you need one)"
            if "later" in verdicts
            else "check the addresses, and whether this network requires a login first,"
        )
        raise DownloadError(
            f"cannot download {name}, all addresses fail{slow}:{answers}\n{check} and run it again to resume"
        )


class _Failure(Exception):  # noqa: N818  # never leaves this module
    """A request to one address failed.

    `verdict`: "later", a later request may succeed; "useless", none will; "gone", the address has no such file;
    "other", it has another file.
    """

    def __init__(self, reason: str, verdict: _Verdict = "later") -> None:
        super().__init__(reason)
        self.verdict = verdict

    @property
    def final(self) -> bool:
        """Whether a retry is useless."""
        return self.verdict != "later"


_NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


def _reason(error: BaseException) -> str:
    """Describe the root cause of a network error in a few words."""
    words = {requests.ConnectTimeout: "does not answer", requests.ReadTimeout: "stopped sending"}
    for kind, word in words.items():
        if isinstance(error, kind):
            return word
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, TimeoutError):
        return "stopped sending"
    if isinstance(error, http.client.IncompleteRead):
        return "was cut off"
    return f"cannot be read ({getattr(error, 'strerror', None) or error or type(error).__name__!s:.200})"


def _host(address: str) -> str:
    return address.split("/")[2] if "//" in address else address


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
