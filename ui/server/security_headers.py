"""Security headers of the server's answers, with what a page may load: Content Security Policy, level 3 (W3C, 2024)."""

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin-when-cross-origin"}
_SOURCES = {
    "default-src": "'self'",
    "script-src": "'self' blob:",  # scripts of components come as blobs
    "style-src": "'self' 'unsafe-inline'",  # Streamlit writes its styles into the page
    "img-src": "'self' blob: data: https://i.ytimg.com",
    "font-src": "'self' data:",
    "connect-src": "'self' ws: wss:",  # 'self' does not include the socket in every browser
    "media-src": "'self' blob: data: http: https:",  # sounds of a collection may have addresses anywhere
    "frame-src": "https://www.youtube-nocookie.com",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


class SecurityHeaders:
    """ASGI middleware that adds these headers to every answer, and the policy to HTML.

    page: HTML of the app, whose inline scripts may run.
    """

    def __init__(self, app: ASGIApp, page: str) -> None:
        self._app = app
        self._policy = policy(page)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the headers added."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("Content-Type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = self._policy
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def policy(page: str) -> str:
    """Return the Content Security Policy of a page, of whose inline scripts only those in this HTML may run."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(page))
    hashes = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return "; ".join(f"{name} {value}{hashes * (name == 'script-src')}" for name, value in _SOURCES.items())
