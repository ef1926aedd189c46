"""A local HTTP server that serves files as Google Cloud Storage does, with faults on demand."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import google_crc32c

Fault = Callable[["Request"], bool]  # responds and returns True; False lets the server respond


class Request(BaseHTTPRequestHandler):
    """One request to a `FaultyServer`."""

    protocol_version = "HTTP/1.1"
    site: "FaultyServer"

    def do_GET(self) -> None:
        site = self.site
        site.requests.append((self.path, self.headers.get("Range")))
        faults = site.faults.get(self.path, [])
        try:
            if faults and faults.pop(0)(self):
                return
            self.respond()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def respond(self) -> None:
        data = self.site.files.get(self.path)
        if data is None:
            self.send_error(404)
        elif self.start and self.if_range_holds(data):
            self.begin(206, len(data) - self.start, Content_Range=f"bytes {self.start}-{len(data) - 1}/{len(data)}")
            self.send(data[self.start :])
        else:
            self.begin(200, len(data))
            self.send(data)

    def if_range_holds(self, data: bytes) -> bool:
        return self.headers.get("If-Range") in {None, self.site.etag(data)}

    @property
    def start(self) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0

    @property
    def data(self) -> bytes:
        return self.site.files[self.path]

    def begin(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in {**self.site.headers(self.site.files.get(self.path, b"")), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        for place in range(0, len(data), 1 << 14):
            self.wfile.write(data[place : place + (1 << 14)])
            self.site.sent += len(data[place : place + (1 << 14)])
            time.sleep(self.site.pause)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class FaultyServer:
    """The files of a server, and the requests it received.

    faults: by path, the faults of the next requests in order. requests: (path, Range header) of each request.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.sent = 0
        self.pause = 0.0  # seconds after each 16 KiB
        self.with_crc = False  # send Google's header x-goog-hash
        self.address = ""

    def etag(self, data: bytes) -> str:
        return f'"{google_crc32c.value(data):08x}-{len(data)}"'

    def headers(self, data: bytes) -> dict[str, str]:
        import base64

        crc = base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
        return {"ETag": self.etag(data), **({"x-goog-hash": f"crc32c={crc},md5=AAAA"} if self.with_crc else {})}


@contextmanager
def serve(files: dict[str, bytes]) -> Iterator[FaultyServer]:
    """Serve files, by their paths, on a free port of this machine."""
    site = FaultyServer(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundRequest", (Request,), {"site": site}))
    server.daemon_threads = True
    server.block_on_close = False
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# Faults.


def status(code: int) -> Fault:
    def fault(request: Request) -> bool:
        request.begin(code, 4)
        request.send(b"oops")
        return True

    return fault


def cut_after(size: int) -> Fault:
    """Declare the full length, send `size` bytes of it, and close the connection."""

    def fault(request: Request) -> bool:
        rest = request.data[request.start :]
        if request.start:
            request.begin(
                206, len(rest), Content_Range=f"bytes {request.start}-{len(request.data) - 1}/{len(request.data)}"
            )
        else:
            request.begin(200, len(rest))
        request.send(rest[:size])
        request.close_connection = True
        return True

    return fault


def wrong_range(request: Request) -> bool:
    """Respond with the range from byte 0 to any request."""
    request.begin(206, len(request.data), Content_Range=f"bytes 0-{len(request.data) - 1}/{len(request.data)}")
    request.send(request.data)
    return True


def ignore_range(request: Request) -> bool:
    request.begin(200, len(request.data))
    request.send(request.data)
    return True


def login_page(marked: bool) -> Fault:
    """Respond with an HTML page, as a network that requires a login does; `marked`: with the content type of HTML."""

    def fault(request: Request) -> bool:
        data = b"<!DOCTYPE html><title>Log in</title>"
        request.send_response(200)
        request.send_header("Content-Length", str(len(data)))
        if marked:
            request.send_header("Content-Type", "text/html; charset=utf-8")
        request.end_headers()
        request.send(data)
        return True

    return fault


def stall(seconds: float) -> Fault:
    def fault(request: Request) -> bool:
        request.begin(200, len(request.data))
        time.sleep(seconds)
        request.close_connection = True
        return True

    return fault
