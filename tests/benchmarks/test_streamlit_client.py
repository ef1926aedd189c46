"""Client of Streamlit's protocol: what it keeps of the messages of a server, and what it asks for."""

import asyncio
import contextlib
from http.cookiejar import Cookie
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosedOK

from benchmarks.visitors import streamlit_client
from benchmarks.visitors.streamlit_client import StreamlitClient
from tests.event_loop import finish


def taken(*messages: ForwardMsg, client: StreamlitClient | None = None) -> StreamlitClient:
    """Return a client that has taken messages."""
    client = client or StreamlitClient("http://127.0.0.1:1")
    for message in messages:
        client._take(message)
    return client


def slider(label: str, name: str) -> ForwardMsg:
    """Return the message of a slider."""
    message = ForwardMsg()
    message.delta.new_element.slider.label, message.delta.new_element.slider.id = label, name
    return message


def finished(how: int = ForwardMsg.FINISHED_SUCCESSFULLY) -> ForwardMsg:
    """Return the message that a run has ended."""
    return ForwardMsg(script_finished=how)  # type: ignore[arg-type]


def pages() -> ForwardMsg:
    """Return the message that names the pages."""
    message = ForwardMsg()
    for path, is_default in (("listen", True), ("tune", False)):
        message.navigation.app_pages.add(page_script_hash=f"hash of {path}", url_pathname=path, is_default=is_default)
    return message


class Socket:
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[BackMsg] = []
        self.has_three = asyncio.Event()

    async def send(self, content: bytes) -> None:
        self.sent.append(BackMsg.FromString(content))
        if len(self.sent) == 3:
            self.has_three.set()


def asked(client: StreamlitClient, page: str, *more: object, back: bool = False) -> BackMsg:
    """Return what a run of a page asks the server for, which answers at once."""
    client._socket = Socket()  # type: ignore[assignment]
    client._complete = asyncio.Queue()  # each call has an event loop of its own

    async def ask() -> None:
        client._take(finished())  # of an earlier run
        options = {"back": True} if back else {}
        task = asyncio.ensure_future(client.run(page, *more, **options))  # type: ignore[arg-type]
        for _ in range(10):
            await asyncio.sleep(0)
        assert not task.done()
        client._take(finished())
        await asyncio.wait_for(task, 5)

    finish(ask())
    (message,) = client._socket.sent  # type: ignore[attr-defined]
    return message


def test_the_first_of_two_sliders_with_a_label_is_moved():
    client = taken(slider("K", "one"), slider("K", "two"))
    assert client.has_slider("K")
    assert not client.has_slider("L")
    (state,) = asked(client, "", ("K", 7)).rerun_script.widget_states.widgets
    assert (state.id, list(state.double_array_value.data)) == ("one", [7])


def test_a_moved_slider_stays_until_another_page_is_opened():
    client = taken(slider("K", "one"), pages())
    asked(client, "", ("K", 7))
    assert len(asked(client, "").rerun_script.widget_states.widgets) == 1
    assert not asked(client, "tune").rerun_script.widget_states.widgets


def test_pages_are_asked_for_by_name_until_their_scripts_are_known():
    client = StreamlitClient("http://127.0.0.1:1")
    first = asked(client, "tune").rerun_script
    assert (first.page_name, first.page_script_hash) == ("tune", "")
    taken(pages(), client=client)
    for page, script in (("tune", "hash of tune"), ("", "hash of listen")):
        known = asked(client, page).rerun_script
        assert (known.page_name, known.page_script_hash) == ("", script)
        assert known.context_info.url == f"http://127.0.0.1:1/{page}"


def test_the_query_is_sent_and_follows_the_server():
    client = StreamlitClient("http://127.0.0.1:1")
    client.query = {"clip": "a b"}
    message = asked(client, "", back=True).rerun_script
    assert (message.query_string, message.is_history_navigation, message.is_auto_rerun) == ("clip=a+b", True, False)
    changed = ForwardMsg()
    changed.page_info_changed.query_string = "clip=c&L=4&L=5"
    taken(changed, client=client)
    assert client.query == {"clip": "c", "L": "5"}
    assert not asked(client, "").rerun_script.is_history_navigation


def test_only_a_run_that_ended_well_is_complete():
    client = taken(finished(ForwardMsg.FINISHED_EARLY_FOR_RERUN))
    assert client._complete.empty()
    assert not taken(finished(), client=client)._complete.empty()


def test_an_exception_on_a_page_is_kept():
    message = ForwardMsg()
    message.delta.new_element.exception.type, message.delta.new_element.exception.message = "ValueError", "no"
    assert taken(message).exceptions == ["ValueError: no"]


def test_the_place_of_uploads_and_their_addresses_are_kept():
    place, answer, session = ForwardMsg(), ForwardMsg(), ForwardMsg()
    place.delta.new_element.file_uploader.id = "uploads"
    answer.file_urls_response.file_urls.add(file_id="7", upload_url="/up/7")
    session.new_session.initialize.session_id = "me"
    client = taken(place, answer, session)
    assert (client._upload, client._upload_urls.get_nowait(), client._session) == ("uploads", ("7", "/up/7"), "me")


def auto_rerun(fragment: str, interval: float) -> ForwardMsg:
    """Return the message that a fragment is to run again and again."""
    message = ForwardMsg()
    message.auto_rerun.fragment_id, message.auto_rerun.interval = fragment, interval
    return message


def test_a_fragment_is_asked_for_again_until_it_is_stopped_or_the_page_runs_anew():
    stopped, anew, part = ForwardMsg(), ForwardMsg(), ForwardMsg()
    stopped.stop_auto_rerun.fragment_ids.append("f")
    anew.new_session.name = "app"
    part.new_session.name = "app"
    part.metadata.run.fragment_ids.append("f")

    async def watch(end: ForwardMsg) -> tuple[int, int]:
        client = StreamlitClient("http://127.0.0.1:1")
        client._socket = socket = Socket()  # type: ignore[assignment]
        client._take(auto_rerun("f", 0.01))
        client._take(auto_rerun("f", 0.01))  # in place of the first
        await asyncio.wait_for(socket.has_three.wait(), 10)
        assert all(m.rerun_script.fragment_id == "f" and m.rerun_script.is_auto_rerun for m in socket.sent)
        assert not any(m.rerun_script.is_history_navigation for m in socket.sent)
        client._take(end)
        await asyncio.sleep(0)
        before = len(socket.sent)
        await asyncio.sleep(0.08)
        more = len(socket.sent) - before
        client._stop_timers(["f"])
        return before, more

    for end, goes_on in ((stopped, False), (anew, False), (part, True)):
        assert (finish(watch(end))[1] > 0) == goes_on


class Server:
    """Requests and a connection that are recorded; the connection sends `messages` when it is first sent one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *messages: object) -> None:
        self.requests: list[Any] = []
        self.options: dict[str, Any] = {}
        self.sent: list[BackMsg] = []
        self._messages, self._asked = messages, asyncio.Event()
        monkeypatch.setattr(streamlit_client, "connect", self.connect)

    def open(self, request: Any, timeout: float) -> Any:
        self.requests.append((request.get_method(), request.full_url, request.data, dict(request.header_items())))
        assert timeout == 120
        return contextlib.nullcontext(self)

    def read(self) -> None:
        pass

    @contextlib.asynccontextmanager
    async def connect(self, url: str, **options: Any) -> Any:
        self.options = {"url": url, **options}
        yield self

    async def send(self, content: bytes) -> None:
        self.sent.append(BackMsg.FromString(content))
        self._asked.set()

    async def __aiter__(self) -> Any:
        await self._asked.wait()
        for message in self._messages:
            yield message


def client_of(server: Server, **cookies: str | None) -> StreamlitClient:
    """Return a client that has received some cookies, and whose requests reach the server."""
    client = StreamlitClient("http://host:1")
    client._opener = server  # type: ignore[assignment]
    for name, value in cookies.items():
        more = (None, False, "host", False, False, "/", True, False, None, False, None, None, {})
        client._cookie_handler.cookiejar.set_cookie(Cookie(0, name, value, *more))
    return client


def test_a_session_begins_with_two_requests_and_ends_with_its_connection(monkeypatch):
    server = Server(monkeypatch, "text", finished().SerializeToString())
    client = client_of(server, one="1", empty=None)

    async def visit() -> None:
        async with client.connected():
            await client.run("tune")
            client._take(auto_rerun("f", 60))
            timer = client._timers["f"]
        await asyncio.sleep(0)
        assert timer.cancelled()

    finish(visit())
    assert [(kind, url) for kind, url, *_ in server.requests] == [
        ("GET", "http://host:1/"),
        ("GET", "http://host:1/_stcore/health"),
    ]
    headers = {"Cookie": "one=1; empty="}
    connection = {"origin": "http://host:1", "additional_headers": headers, "max_size": None, "compression": None}
    assert server.options == {"url": "ws://host:1/_stcore/stream", **connection}
    assert client.received == [finished().SerializeToString()]
    assert [message.rerun_script.page_name for message in server.sent] == ["tune"]


def test_a_reader_ends_with_the_session_and_a_run_with_the_connection(monkeypatch):
    idle, closing = client_of(Server(monkeypatch)), client_of(Server(monkeypatch))

    async def visit() -> None:
        async with idle.connected():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        assert idle._complete.get_nowait() == "the server has closed the connection"
        async with closing.connected():
            await closing.run("tune")

    with pytest.raises(ConnectionResetError, match="the server has closed the connection"):
        finish(visit())


def test_a_connection_that_is_closed_while_a_message_is_sent_is_reset():
    class Closed:
        async def send(self, content: bytes) -> None:
            raise ConnectionClosedOK(None, None)

    client = StreamlitClient("http://host:1")
    client._socket = Closed()  # type: ignore[assignment]
    with pytest.raises(ConnectionResetError):
        finish(client.run("tune"))


@pytest.mark.parametrize("token", ["secret", None])
def test_a_file_is_put_where_the_server_says_and_the_next_run_has_it(monkeypatch, token):
    place, answer, session = ForwardMsg(), ForwardMsg(), ForwardMsg()
    place.delta.new_element.file_uploader.id = "uploads"
    answer.file_urls_response.file_urls.add(file_id="7", upload_url="/up/7")
    session.new_session.initialize.session_id = "me"
    server = Server(monkeypatch)
    again = ForwardMsg(new_session=ForwardMsg().new_session)  # of a later run, which does not name the session
    client = taken(place, session, again, client=client_of(server, **{"_streamlit_xsrf": token} if token else {}))
    client._socket = server  # type: ignore[assignment]
    taken(answer, client=client)
    finish(client.upload("a.wav", b"sound"))
    (message,) = server.sent
    asked_for = message.file_urls_request
    assert (asked_for.request_id, asked_for.session_id, list(asked_for.file_names)) == ("a.wav", "me", ["a.wav"])
    ((kind, url, body, headers),) = server.requests
    assert (kind, url) == ("PUT", "http://host:1/up/7")
    assert body == (
        b'--earshot\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nsound\r\n--earshot--\r\n'
    )
    assert headers == {
        "Content-type": "multipart/form-data; boundary=earshot",
        "Origin": "http://host:1",
        "X-xsrftoken": token or "",
    }
    client._page = "ask"
    (state,) = asked(client, "ask").rerun_script.widget_states.widgets
    assert state.id == "uploads"
    (info,) = state.file_uploader_state_value.uploaded_file_info
    assert (info.name, info.size, info.file_id) == ("a.wav", 5, "7")
    assert (info.file_urls.file_id, info.file_urls.upload_url) == ("7", "/up/7")


def test_what_the_server_does_not_answer_ends_after_two_minutes(monkeypatch):
    limits = []

    async def wait_for(awaited: Any, seconds: float) -> Any:
        limits.append(seconds)
        awaited.close()
        raise TimeoutError

    monkeypatch.setattr(streamlit_client.asyncio, "wait_for", wait_for)
    client = StreamlitClient("http://host:1")
    client._socket = Socket()  # type: ignore[assignment]
    for coroutine in (client.run("tune"), client.upload("a.wav", b"")):
        with pytest.raises(TimeoutError):
            finish(coroutine)
    assert limits == [120, 120]
