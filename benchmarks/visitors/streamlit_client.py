"""Client of Streamlit's WebSocket protocol: what a browser keeps of one session, without drawing anything."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

TIMEOUT_S = 120.0
_COMPLETE, _CLOSED = "complete", "the server has closed the connection"


class StreamlitClient:
    """A session of an app. `connected` opens it; then `run` asks for a page, and `upload` gives it a file.

    query: parameters of the URL; received: messages of the server, and exceptions: errors that pages show, both since
    the caller emptied them.
    """

    def __init__(self, address: str) -> None:
        self.query: dict[str, str] = {}
        self.received: list[bytes] = []
        self.exceptions: list[str] = []
        self._address = address
        self._sliders: dict[str, str] = {}  # ids by label, of the first slider with it
        self._upload = ""  # id of the page's file upload
        self._page, self._session = "", ""
        self._pages: dict[str, str] = {}  # hashes of the pages' scripts, by path
        self._states: dict[str, WidgetState] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}  # by fragment
        self._complete: asyncio.Queue[str] = asyncio.Queue()
        self._upload_urls: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._cookie_handler = HTTPCookieProcessor()
        self._opener = build_opener(self._cookie_handler)
        self._socket: ClientConnection

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Connect as a browser does: the cookies of the first page come along. Raises OSError, TimeoutError."""
        await asyncio.to_thread(self._request_first)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        url = f"{self._address.replace('http', 'ws', 1)}/_stcore/stream"
        async with connect(
            url,
            origin=Origin(self._address),
            additional_headers=headers,
            max_size=None,
            compression=None,
        ) as self._socket:
            reader = asyncio.create_task(self._read())
            try:
                yield
            finally:
                reader.cancel()
                self._stop_timers(list(self._timers))

    async def run(self, page: str, slider: tuple[str, int] | None = None, *, back: bool = False) -> None:
        """Ask for a run of a page, and wait until it is complete. Raises OSError or TimeoutError.

        slider: label and value of one that was moved; back: gone back in the history, so that the query decides.
        """
        while not self._complete.empty():  # of runs that the page asked for itself
            self._complete.get_nowait()
        if page != self._page:
            self._states.clear()
        if slider is not None:
            label, value = slider
            state = WidgetState(id=self._sliders[label])
            state.double_array_value.data.append(value)
            self._states[state.id] = state
        self._page = page
        await self._ask_for(back=back)
        if await asyncio.wait_for(self._complete.get(), TIMEOUT_S) == _CLOSED:
            raise ConnectionResetError(_CLOSED)

    def has_slider(self, label: str) -> bool:
        """Return whether the session has been sent a slider with this label."""
        return label in self._sliders

    async def upload(self, name: str, content: bytes) -> None:
        """Give a file to the page's file upload; the next run has it. Raises OSError or TimeoutError."""
        message = BackMsg()
        asked = message.file_urls_request
        asked.request_id, asked.session_id = name, self._session
        asked.file_names.append(name)
        await self._send(message)
        file_id, url = await asyncio.wait_for(self._upload_urls.get(), TIMEOUT_S)
        await asyncio.to_thread(self._put, url, name, content)
        state = WidgetState(id=self._upload)
        info = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=len(content), file_id=file_id)
        info.file_urls.file_id, info.file_urls.upload_url = file_id, url
        self._states[state.id] = state

    async def _ask_for(self, fragment: str = "", *, back: bool = False) -> None:
        state = ClientState(
            query_string=urlencode(self.query),
            page_script_hash=self._pages.get(self._page, ""),
            page_name="" if self._pages else self._page,
            fragment_id=fragment,
            is_auto_rerun=bool(fragment),
            is_history_navigation=back,
        )
        state.widget_states.widgets.extend(self._states.values())
        state.context_info.url = f"{self._address}/{self._page}"
        await self._send(BackMsg(rerun_script=state))

    async def _send(self, message: BackMsg) -> None:
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise ConnectionResetError(_CLOSED) from error

    async def _read(self) -> None:
        try:
            async for content in self._socket:
                if isinstance(content, bytes):
                    self.received.append(content)
                    self._take(ForwardMsg.FromString(content))
        finally:
            self._complete.put_nowait(_CLOSED)

    def _take(self, message: ForwardMsg) -> None:
        """Keep of a message what a browser keeps."""
        kind: str | None = message.WhichOneof("type")
        if kind == "delta":
            self._take_element(message.delta.new_element)
        elif kind == "new_session":
            self._session = message.new_session.initialize.session_id or self._session
            if not message.metadata.run.fragment_ids:
                self._stop_timers(list(self._timers))
        elif kind == "navigation":
            pages = message.navigation.app_pages
            self._pages = {"" if page.is_default else page.url_pathname: page.page_script_hash for page in pages}
        elif kind == "page_info_changed":
            values = parse_qs(message.page_info_changed.query_string)
            self.query = {name: value[-1] for name, value in values.items()}
        elif kind == "auto_rerun":
            self._stop_timers([message.auto_rerun.fragment_id])
            timer = self._ask_again(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            self._timers[message.auto_rerun.fragment_id] = asyncio.create_task(timer)
        elif kind == "stop_auto_rerun":
            self._stop_timers(message.stop_auto_rerun.fragment_ids)
        elif kind == "file_urls_response":
            for urls in message.file_urls_response.file_urls:
                self._upload_urls.put_nowait((urls.file_id, urls.upload_url))
        elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            self._complete.put_nowait(_COMPLETE)

    def _take_element(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "slider":
            self._sliders.setdefault(element.slider.label, element.slider.id)
        elif kind == "file_uploader":
            self._upload = element.file_uploader.id
        elif kind == "exception":
            self.exceptions.append(f"{element.exception.type}: {element.exception.message}")

    async def _ask_again(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self._ask_for(fragment)

    def _stop_timers(self, fragments: Iterable[str]) -> None:
        for fragment in fragments:
            if (timer := self._timers.pop(fragment, None)) is not None:
                timer.cancel()

    def _request_first(self) -> None:
        for path in ("/", "/_stcore/health"):  # the second sets the cookie that uploads need
            self._request(Request(self._address + path))  # noqa: S310  (http)

    def _put(self, url: str, name: str, content: bytes) -> None:
        head = f'--earshot\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + b"\r\n--earshot--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=earshot", "Origin": self._address}
        headers["X-Xsrftoken"] = self.cookies.get("_streamlit_xsrf", "")
        self._request(Request(self._address + url, body, headers, method="PUT"))  # noqa: S310  (http)

    def _request(self, request: Request) -> None:
        with self._opener.open(request, timeout=TIMEOUT_S) as response:
            response.read()

    @property
    def cookies(self) -> dict[str, str]:
        """Return the cookies that the server has set."""
        return {cookie.name: cookie.value or "" for cookie in self._cookie_handler.cookiejar}
