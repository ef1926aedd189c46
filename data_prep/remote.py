"""A published file, read over HTTP from any byte on, through cut connections, dead mirrors and wrong answers."""

import http.client
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, NoReturn, Self

import requests
import urllib3

from data_prep.errors import ChangedError, DownloadError, StoppedError

ShouldStop = Callable[[], bool]
_Verdict = Literal["later", "useless", "gone", "other"]

_PIECE = 1 << 18
_TIMEOUT = (10, 30)  # seconds to connect, and of silence
_SLOWEST, _PATIENCE = 1_000, 30  # bytes a second, over this many seconds: slower counts as cut
_PAUSES = (0, 1, 3, 10)  # seconds before each round over all addresses
_LONGEST = 120  # seconds without enough bytes after which no further round begins
_TRY_LATER = {408, 425, 429, 500, 502, 503, 504}
_GONE = {404, 410}
_GOOGLES_CRC = re.compile(r"\bcrc32c=([A-Za-z0-9+/=]+)")
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one published file from another: its length and, where the server says so, its CRC-32C and ETag."""

    length: int | None = None
    crc32c: str | None = None  # base64, from Google's x-goog-hash
    etag: str | None = None

    def agrees(self, other: Self) -> bool:
        """Say whether both may be one file: lengths are equal, and so is the first mark that both have."""
        if None not in {self.length, other.length} and self.length != other.length:
            return False
        for mark in ("crc32c", "etag"):
            mine, others = getattr(self, mark), getattr(other, mark)
            if mine and others:
                return bool(mine == others)
        return True


def stop_if(should_stop: ShouldStop, where: str) -> None:
    """Raise StoppedError if `should_stop` says so."""
    if should_stop():
        raise StoppedError(f"stopped while {where}: run it again and it carries on")


class RemoteFile:
    """One file behind several addresses, tried in turn. `identity` is known from the first answer on.

    A file begun earlier is continued only where its `identity` agrees. `begins`: the bytes with which the file begins,
    as far as they are known: an answer that begins otherwise, or is a web page, is no answer. `most`: a file of more
    bytes is refused. `tell` hears, in words, what goes wrong while it is tried again, and "" when all is well again.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        identity: Identity | None = None,
        begins: bytes = b"",
        most: int = 1 << 34,
        tell: Callable[[str], None] = lambda _: None,
        should_stop: ShouldStop = lambda: False,
    ) -> None:
        self.identity = identity or Identity()
        self.position = 0  # bytes of the file that have been given out, or were there already
        self.received = 0  # bytes that came over the network
        self._addresses = list(addresses)
        self._begins = begins
        self._most = most
        self._tell = tell
        self._should_stop = should_stop
        self._elsewhere = 0.0  # seconds for which whoever reads did other things
        self._session = requests.Session()
        self._session.headers.update({"Accept-Encoding": "identity", "User-Agent": "earshot"})

    def read_from(self, offset: int) -> Iterator[bytes]:
        """Yield the file's bytes from `offset` to its end, in pieces.

        Raises DownloadError when no address gives more, or all together too little; ChangedError when what they give
        is another file; and StoppedError on request.
        """
        self.position = offset
        if offset == self.identity.length:
            return
        failures: dict[str, _Failure] = {}
        pauses = list(_PAUSES)
        since, came = self._now(), 0  # failures are forgiven when enough has come since they last were
        while pauses and self._now() - since < _LONGEST and (asked := self._worth_asking(failures)):
            self._wait(pauses.pop(0))
            for address in asked:
                try:
                    for piece in self._body(address):
                        self.position += len(piece)
                        self.received += len(piece)
                        came += len(piece)
                        if came >= _SLOWEST * (self._now() - since):
                            since, came, pauses = self._now(), 0, list(_PAUSES)
                            failures = {address: failure for address, failure in failures.items() if failure.final}
                            self._tell("")
                        yield from self._give(piece)
                    if self.identity.length in {None, self.position}:
                        return
                except _Failure as failure:
                    failures[address] = failure
                    self._tell(f"{_host(address)} {failure}; trying again")
                self._addresses.remove(address)  # whoever failed last is asked last
                self._addresses.append(address)
        self._give_up(failures, came, self._now() - since)

    def _worth_asking(self, failures: "dict[str, _Failure]") -> list[str]:
        return [address for address in self._addresses if address not in failures or not failures[address].final]

    def _give(self, piece: bytes) -> Iterator[bytes]:
        """Yield a piece; what is done with it meanwhile is no slowness of a server."""
        given = time.monotonic()
        yield piece
        self._elsewhere += time.monotonic() - given

    def _now(self) -> float:
        return time.monotonic() - self._elsewhere

    def _body(self, address: str) -> Iterator[bytes]:
        """Yield what one address gives from the present position on."""
        headers = {}
        if self.position:
            headers["Range"] = f"bytes={self.position}-"
            etag = self.identity.etag
            if etag and not etag.startswith("W/") and not self.identity.crc32c:  # a CRC outlives a change of mirror
                headers["If-Range"] = etag
        try:
            with self._session.get(address, headers=headers, stream=True, timeout=_TIMEOUT) as response:
                self._check_answer(response, address)
                head = self._check_begin(response) if response.status_code == requests.codes.ok else b""
                skip, end = self._find_place(response)
                yield from self._pieces(head, response.raw, skip, end)
        except _NETWORK_ERRORS as error:
            verdict: _Verdict = "useless" if isinstance(error, ValueError) else "later"  # an address that is none
            raise _Failure(f"{_reason(error)} at byte {self.position:,}", verdict) from None

    def _check_answer(self, response: requests.Response, address: str) -> None:
        """Raise _Failure for an answer that brings no file, or no bytes as they are."""
        status, headers = response.status_code, response.headers
        if address.startswith("https:") and not response.url.startswith("https:"):
            raise _Failure(f"leads to {response.url:.200}, which is not encrypted", "useless")
        if status == requests.codes.requested_range_not_satisfiable:
            raise _Failure(f"has no byte {self.position:,}: it holds another file than the one begun", "other")
        if status not in {200, 206}:
            verdict: _Verdict = "later" if status in _TRY_LATER else "gone" if status in _GONE else "useless"
            raise _Failure(f"answers {status} {response.reason}", verdict)
        if headers.get("Content-Type", "").lower().startswith("text/html"):
            raise _Failure("answers with a web page in the place of the file", "useless")
        if headers.get("Content-Encoding", "identity") != "identity":
            raise _Failure(f"sends the file encoded as {headers['Content-Encoding']:.40}", "useless")

    def _check_begin(self, response: requests.Response) -> bytes:
        """Return the first bytes of a whole file; raise _Failure where they cannot be this file's."""
        head: bytes = response.raw.read(len(self._begins), decode_content=False) if self._begins else b""
        if head != self._begins:
            given = f"a file that begins with {ascii(head)[1:]}" if head else "an empty file"
            raise _Failure(f"gives {given}, expected {ascii(self._begins)[1:]} there", "useless")
        return head

    def _find_place(self, response: requests.Response) -> tuple[int, int | None]:
        """Return how many bytes of the body to pass over, and the offset at which it ends; or raise _Failure."""
        headers = response.headers
        length = _number(headers.get("Content-Length"))
        start, end = 0, length
        if response.status_code == requests.codes.partial_content:
            found = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if not found or int(found[1]) != self.position:
                answer = headers.get("Content-Range", "no range")
                raise _Failure(f"answers {answer:.80} when asked for bytes from {self.position:,} on", "useless")
            start, end, length = self.position, int(found[2]) + 1, _number(found[3])
        self._recognise(length, headers)
        return self.position - start, self.identity.length if end is None else end

    def _recognise(self, length: int | None, headers: Any) -> None:
        """Compare the file that is offered with the one begun, and remember what is new about it."""
        crc = _GOOGLES_CRC.search(headers.get("x-goog-hash", ""))
        offered = Identity(length, crc[1] if crc else None, headers.get("ETag"))
        if not self.identity.agrees(offered):
            raise _Failure(f"holds another file than the one begun: {_describe(offered)}", "other")
        if length is not None and length > self._most:
            raise _Failure(f"offers {length:,} bytes, more than the {self._most:,} expected at most", "useless")
        known = self.identity
        self.identity = Identity(
            length if known.length is None else known.length, known.crc32c or offered.crc32c, known.etag or offered.etag
        )

    def _pieces(self, head: bytes, body: urllib3.BaseHTTPResponse, skip: int, end: int | None) -> Iterator[bytes]:
        """Yield the answer's bytes after the first `skip`, and raise _Failure where it ends early or drips."""
        since, came = self._now(), 0
        piece = head or body.read1(_PIECE, decode_content=False)
        while piece:
            self._stop_if_asked()
            came += len(piece)
            if self._now() - since > _PATIENCE:
                if came < _SLOWEST * _PATIENCE:
                    raise _Failure(f"gives less than {_SLOWEST:,} bytes a second at byte {self.position:,}")
                since, came = self._now(), 0
            if self.position + len(piece) > self._most:
                raise _Failure(f"goes on after {self._most:,} bytes, the most that was expected", "useless")
            passed, skip = piece[skip:], max(0, skip - len(piece))
            if passed:
                yield passed
            piece = body.read1(_PIECE, decode_content=False)
        if end is not None and self.position < end:
            raise _Failure(f"was cut off at byte {self.position:,} of {end:,}")

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._stop_if_asked()
        while time.monotonic() < until:
            time.sleep(0.1)
            self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        stop_if(self._should_stop, f"downloading, at byte {self.position:,}")

    def _give_up(self, failures: "dict[str, _Failure]", came: int, seconds: float) -> NoReturn:
        name = self._addresses[0].rsplit("/", 1)[-1]
        answers = "".join(f"\n  {address} {failures[address]}" for address in sorted(failures))
        verdicts = {failure.verdict for failure in failures.values()}
        if "other" in verdicts and verdicts <= {"other", "gone"}:
            raise ChangedError(f"{name} has been published anew since its download began:{answers}")
        slow = f" ({came:,} bytes came in the last {ceil(seconds):,} s)" if came else ""
        check = (
            "check the network (and a proxy, if you need one)"
            if "later" in verdicts
            else "check the addresses, and whether this network asks for a login first,"
        )
        raise DownloadError(
            f"cannot download {name}, no address gives it{slow}:{answers}\n"
            f"{check} and run it again: it carries on from there"
        )


class _Failure(Exception):  # noqa: N818  # never leaves this module
    """One address did not give what it should.

    `verdict`: "later", it may do so when it is asked again; "useless", it will not; "gone", it has no such file;
    "other", it has another one.
    """

    def __init__(self, reason: str, verdict: _Verdict = "later") -> None:
        super().__init__(reason)
        self.verdict = verdict

    @property
    def final(self) -> bool:
        """Tell whether asking again is useless."""
        return self.verdict != "later"


_NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


def _reason(error: BaseException) -> str:
    """Return what a network error says at its root, in a few words."""
    words = {requests.ConnectTimeout: "does not answer", requests.ReadTimeout: "fell silent"}
    for kind, word in words.items():
        if isinstance(error, kind):
            return word
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, TimeoutError):
        return "fell silent"
    if isinstance(error, http.client.IncompleteRead):
        return "was cut off"
    return f"cannot be read ({getattr(error, 'strerror', None) or error or type(error).__name__!s:.200})"


def _host(address: str) -> str:
    return address.split("/")[2] if "//" in address else address


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _describe(identity: Identity) -> str:
    marks = [f"{identity.length:,} bytes" if identity.length is not None else "of unknown length"]
    marks += [f"ETag {identity.etag:.80}"] if identity.etag else []
    return ", ".join(marks)
