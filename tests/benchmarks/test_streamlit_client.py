"""Client of Streamlit's protocol: what it keeps of the messages of a server, and what it asks for."""

import asyncio

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.streamlit_client import StreamlitClient
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

    async def ask() -> None:
        task = asyncio.ensure_future(client.run(page, *more, back=back))  # type: ignore[arg-type]
        await asyncio.sleep(0)
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
        client._take(end)
        await asyncio.sleep(0)
        before = len(socket.sent)
        await asyncio.sleep(0.08)
        more = len(socket.sent) - before
        client._stop_timers(["f"])
        return before, more

    for end, goes_on in ((stopped, False), (anew, False), (part, True)):
        assert (finish(watch(end))[1] > 0) == goes_on
