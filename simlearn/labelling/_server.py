"""A server on this machine alone, of one page, its pictures and what was marked on them.

Only requests that name this machine as their host are answered, and only those that carry the
secret of the page may change anything: no other page that is open in the browser can.
"""

import io
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any, Final, Protocol

from simlearn.errors import UserError

_LARGEST_BODY: Final = 2**16
_HERE: Final = ("127.0.0.1", "localhost")


class Pages(Protocol):
    """What a page shows and changes."""

    page: str
    """Name of the HTML file of this package."""

    def state(self) -> dict[str, Any]:
        """What the page needs to begin, as JSON can hold it."""
        ...

    def picture(self, index: int) -> bytes:
        """A picture as PNG or JPEG."""
        ...

    def change(self, index: int, value: Any) -> dict[str, Any]:
        """Note what the page sends about a picture; returns what it shows then."""
        ...


class Server:
    """Serves a page until it is closed.

    Args:
        pages: what it shows and changes.
        port: 0 for any that is free.

    Raises:
        UserError: the port is taken.
    """

    def __init__(self, pages: Pages, *, port: int = 0) -> None:
        self.secret = secrets.token_urlsafe(16)
        handler = type("Handler", (_Handler,), {"pages": pages, "secret": self.secret})
        try:
            self._server = ThreadingHTTPServer((_HERE[0], port), handler)
        except (OSError, OverflowError) as error:
            raise UserError(f"port {port}: expected one that is free: {error}") from error
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{_HERE[0]}:{self._server.server_address[1]}/"

    def run(self) -> None:
        """Serve until `close` or Ctrl-C."""
        try:
            self._server.serve_forever(poll_interval=0.1)
        finally:
            self._server.server_close()

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.run, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    pages: Pages
    secret: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self._is_here():
            return
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts == [""]:
            page = resources.files(__package__).joinpath(self.pages.page).read_text("utf-8")
            self._answer(200, page.replace("{{secret}}", self.secret).encode(), "text/html")
        elif parts == ["state"]:
            self._json(200, self.pages.state())
        elif len(parts) == 2 and parts[0] == "picture":
            self._guarded(lambda: self._picture(int(parts[1])))
        else:
            self._json(404, {"error": "nothing is here"})

    def do_POST(self) -> None:
        given = self.headers.get("Content-Length") or ""
        length = int(given) if given.isdecimal() else 0
        if not self._is_here():
            return
        if not secrets.compare_digest(self.headers.get("X-Secret") or "", self.secret):
            self.close_connection = True
            self._json(403, {"error": "expected the page's secret; load the page again"})
            return
        if not 0 < length <= _LARGEST_BODY:
            self.close_connection = True
            self._json(413, {"error": f"expected up to {_LARGEST_BODY} bytes, got {given!r}"})
            return
        body = self.rfile.read(length)
        parts = self.path.strip("/").split("/")
        if len(parts) == 2 and parts[0] == "picture":
            self._guarded(
                lambda: self._json(200, self.pages.change(int(parts[1]), json.loads(body)))
            )
        else:
            self._json(404, {"error": "nothing is here"})

    def _picture(self, index: int) -> None:
        content = self.pages.picture(index)
        kind = "image/jpeg" if content[:2] == b"\xff\xd8" else "image/png"
        self._answer(200, content, kind)

    def _guarded(self, answer: Any) -> None:
        try:
            answer()
        except (UserError, ValueError, TypeError, KeyError, IndexError) as error:
            self._json(400, {"error": " ".join(str(error).split())})
        except OSError as error:
            self._json(500, {"error": str(error)})

    def _is_here(self) -> bool:
        # A name that only resolves to this machine belongs to somebody else's page.
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        if host in _HERE:
            return True
        self.close_connection = True
        self._json(403, {"error": f"expected {_HERE[0]} as host, got {host!r}"})
        return False

    def _json(self, status: int, value: dict[str, Any]) -> None:
        self._answer(status, json.dumps(value).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if "text" in kind else kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
            "img-src 'self'; connect-src 'self'; frame-ancestors 'none'",
        )
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the terminal shows the address alone."""


def as_png(picture: Any) -> bytes:
    """A Pillow picture as the bytes of a PNG."""
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1)
    return content.getvalue()
