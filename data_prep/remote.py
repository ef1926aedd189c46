"""A published file, read over HTTP from any byte on, through cut connections, dead mirrors and wrong answers."""

import http.client
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import requests
import urllib3

from data_prep.errors import ChangedError, DownloadError, StoppedError

ShouldStop = Callable[[], bool]

_PIECE = 1 << 18
_TIMEOUT = (10, 30)  # seconds to connect, and of silence
_SLOWEST, _PATIENCE = 1_000, 30  # bytes a second, over this many seconds: slower counts as cut
_PAUSES = (0, 1, 3, 10)  # seconds before each round over all addresses
_TRY_LATER = {408, 425, 429, 500, 502, 503, 504}
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

    A file begun earlier is continued only where its `identity` agrees. `most`: a file of more bytes is refused.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        identity: Identity | None = None,
        most: int = 1 << 34,
        should_stop: ShouldStop = lambda: False,
    ) -> None:
        self.identity = identity or Identity()
        self.position = 0  # bytes of the file that have been given out, or were there already
        self.received = 0  # bytes that came over the network
        self._addresses = list(addresses)
        self._most = most
        self._should_stop = should_stop
        self._changed = False
        self._session = requests.Session()
        self._session.headers.update({"Accept-Encoding": "identity", "User-Agent": "earshot"})

    def read_from(self, offset: int) -> Iterator[bytes]:
        """Yield the file's bytes from `offset` to its end, in pieces.

        Raises DownloadError when no address gives more, ChangedError when what they give is another file, and
        StoppedError on request.
        """
        self.position = offset
        if offset == self.identity.length:
            return
        failures: dict[str, str] = {}
        dead: set[str] = set()
        pauses = list(_PAUSES)
        while pauses and len(dead) < len(self._addresses):
            self._wait(pauses.pop(0))
            for address in [address for address in self._addresses if address not in dead]:
                try:
                    for piece in self._body(address):
                        self.position += len(piece)
                        self.received += len(piece)
                        failures.clear()
                        pauses = list(_PAUSES)
                        yield piece
                    if self.identity.length in {None, self.position}:
                        return
                except _Failure as failure:
                    failures[address] = str(failure)
                    dead |= {address} if failure.final else set()
                self._addresses.remove(address)  # whoever failed last is asked last
                self._addresses.append(address)
        self._give_up(failures)

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
                skip, end = self._check_answer(response, address)
                yield from self._pieces(response.raw, skip, end)
        except _NETWORK_ERRORS as error:
            raise _Failure(f"{_reason(error)} at byte {self.position:,}") from None

    def _check_answer(self, response: requests.Response, address: str) -> tuple[int, int | None]:
        """Return how many bytes of the body to pass over, and the offset at which it ends; or raise _Failure."""
        status, headers = response.status_code, response.headers
        if address.startswith("https:") and not response.url.startswith("https:"):
            raise _Failure(f"leads to {response.url:.200}, which is not encrypted", final=True)
        if status == requests.codes.requested_range_not_satisfiable:
            self._changed = True
            raise _Failure(f"has no byte {self.position:,}: it holds another file than the one begun", final=True)
        if status not in {200, 206}:
            raise _Failure(f"answers {status} {response.reason}", final=status not in _TRY_LATER)
        if headers.get("Content-Encoding", "identity") != "identity":
            raise _Failure(f"sends the file encoded as {headers['Content-Encoding']:.40}", final=True)
        length = _number(headers.get("Content-Length"))
        start, end = 0, length
        if status == requests.codes.partial_content:
            found = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if not found or int(found[1]) != self.position:
                answer = headers.get("Content-Range", "no range")
                raise _Failure(f"answers {answer:.80} when asked for bytes from {self.position:,} on", final=True)
            start, end, length = self.position, int(found[2]) + 1, _number(found[3])
        self._recognise(length, headers)
        return self.position - start, end

    def _recognise(self, length: int | None, headers: Any) -> None:
        """Compare the file that is offered with the one begun, and remember what is new about it."""
        crc = _GOOGLES_CRC.search(headers.get("x-goog-hash", ""))
        offered = Identity(length, crc[1] if crc else None, headers.get("ETag"))
        if not self.identity.agrees(offered):
            self._changed = True
            raise _Failure(f"holds another file than the one begun: {_describe(offered)}", final=True)
        if length is not None and length > self._most:
            raise _Failure(f"offers {length:,} bytes, more than the {self._most:,} expected at most", final=True)
        known = self.identity
        self.identity = Identity(
            length if known.length is None else known.length, known.crc32c or offered.crc32c, known.etag or offered.etag
        )

    def _pieces(self, body: urllib3.BaseHTTPResponse, skip: int, end: int | None) -> Iterator[bytes]:
        """Yield the body's bytes after the first `skip`, and raise _Failure where it ends early or drips."""
        since, came = time.monotonic(), 0
        while piece := body.read1(_PIECE, decode_content=False):
            self._stop_if_asked()
            came += len(piece)
            if time.monotonic() - since > _PATIENCE:
                if came < _SLOWEST * _PATIENCE:
                    raise _Failure(f"gives less than {_SLOWEST:,} bytes a second at byte {self.position:,}")
                since, came = time.monotonic(), 0
            if self.position + len(piece) > self._most:
                raise _Failure(f"goes on after {self._most:,} bytes, the most that was expected", final=True)
            passed, skip = piece[skip:], max(0, skip - len(piece))
            if passed:
                yield passed
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

    def _give_up(self, failures: dict[str, str]) -> NoReturn:
        name = self._addresses[0].rsplit("/", 1)[-1]
        answers = "".join(f"\n  {address} {failures[address]}" for address in sorted(failures))
        if self._changed:
            raise ChangedError(f"{name} has been published anew since its download began:{answers}")
        raise DownloadError(
            f"cannot download {name}, no address gives it:{answers}\n"
            "check the network (and a proxy, if you need one) and run it again: it carries on from there"
        )


class _Failure(Exception):  # noqa: N818  # never leaves this module
    """One address did not give what it should; `final`: asking it again is useless."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


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
    return f"cannot be read ({getattr(error, 'strerror', None) or error or type(error).__name__!s:.200})"


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _describe(identity: Identity) -> str:
    marks = [f"{identity.length:,} bytes" if identity.length is not None else "of unknown length"]
    marks += [f"ETag {identity.etag:.80}"] if identity.etag else []
    return ", ".join(marks)
