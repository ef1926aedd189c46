"""The app behind a reverse proxy that strips a path of its addresses."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import UNUSUAL_NAME
from tests.browser.test_export import drag

pytestmark = pytest.mark.browser

PATH = "sounds/static/earshot"  # a part of it is also a folder of Streamlit


@contextmanager
def stripping_proxy(port: int) -> Iterator[str]:
    """Yield the address of a proxy to a local port. It answers 404 to every request that is not below `PATH`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept_all, args=(server, port), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/{PATH}/"
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


def accept_all(server: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            threading.Thread(target=forward, args=(client, port), daemon=True).start()


def forward(client: socket.socket, port: int) -> None:
    """Pass one request on without the prefix, or the two directions of a WebSocket; then close."""
    with client, suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65_536)
            if not data:
                return
            head += data
        method, path, rest = head.split(b" ", 2)
        if not path.startswith(f"/{PATH}".encode() + b"/"):
            client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if b"upgrade: websocket" not in rest.lower():
            line, _, headers = rest.partition(b"\r\n")
            rest = line + b"\r\nConnection: close\r\n" + headers.replace(b"Connection: keep-alive\r\n", b"")
        with socket.create_connection(("127.0.0.1", port)) as app:
            app.sendall(b" ".join([method, path.removeprefix(f"/{PATH}".encode()), rest]))
            back = threading.Thread(target=copy, args=(app, client), daemon=True)
            back.start()
            copy(client, app, half=True)
            back.join()


def copy(source: socket.socket, target: socket.socket, *, half: bool = False) -> None:
    """Copy until the source ends, then end the target; with `half` only its input."""
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR if half else socket.SHUT_RDWR)


def test_behind_a_proxy_that_strips_a_path_all_is_requested_below_it(earshot, visit, mine):
    with stripping_proxy(int(earshot.rstrip("/").rpartition(":")[2])) as address:
        assert_all_is_requested_below(address, visit, mine)


def assert_all_is_requested_below(address, visit, mine):
    """Play, save and drag a file, and follow a link, of an app below `PATH`; no request leaves the path."""
    page = visit(f"{address}?dataset=mine&clip=f1&view=exact")
    card = page.locator('[data-clip="f0"]')
    card.locator(".play").click()
    page.wait_for_function(
        "(({ started, phase }) => started === 1 && ['playing', 'idle'].includes(phase))(earshot.state)"
    )
    page.wait_for_function("window.earshot.waveforms.size >= 10")

    with page.expect_download() as download:
        card.get_by_role("button", name="as a file").click()
    assert download.value.path().read_bytes() == (mine / UNUSUAL_NAME).read_bytes()
    _, _, dragged = drag(page, card).split(":", 2)
    assert dragged.startswith(address)
    assert page.request.get(dragged).body() == (mine / UNUSUAL_NAME).read_bytes()
    for button in ("CSV", "The files"):
        with page.expect_download() as download:
            page.get_by_role("button", name=button, exact=True).click()
        assert download.value.path().stat().st_size > 500

    page.get_by_role("link", name="Ask").click()
    page.wait_for_url(lambda url: url.startswith(f"{address}ask"))
    page.reload()
    page.get_by_role("heading", name="Ask with your own sound").wait_for()
    expect(page.locator("body > style")).to_have_count(1)  # the app's, of the page as loaded
    host = address.removesuffix(f"{PATH}/")
    assert [url for url in page.requests if url.startswith(host) and not url.startswith(address)] == []
