"""What stands between the portal and a server on the net, and spoils answers: a proxy, a firewall, PHP itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Spoil = Callable[[bytes], "Iterator[bytes] | list[bytes]"]
"""The pieces to send instead of this body; more may come for ever."""


class Middleman:
    """Passes requests on to `target` (host, port). `spoil` the next answer whose request has this word in its address or body."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._next: tuple[str, int, Spoil, bool] | None = None
        self.spoiled = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def spoil(self, word: str, pieces: Spoil, *, status: int = 200, whole: bool = True) -> None:
        """`whole`: the length is told as it is; otherwise as that of the unspoiled answer."""
        self.spoiled.clear()
        self._next = (word, status, pieces, whole)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        middleman = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                there = HTTPConnection(*middleman._target, timeout=30)
                there.request(self.command, self.path, body, dict(self.headers))
                answer = there.getresponse()
                content, status, length = answer.read(), answer.status, None
                there.close()
                pieces: Any = [content]
                wanted = middleman._next
                if wanted is not None and wanted[0] in f"{self.command} {self.path} {body.decode(errors='replace')}":
                    middleman._next = None
                    pieces, status = wanted[2](content), wanted[1]
                    if isinstance(pieces, list) and wanted[3]:
                        length = sum(map(len, pieces))
                    middleman.spoiled.set()
                self.send_response_only(status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content) if length is None else length))
                self.send_header("Connection", "close")
                self.end_headers()
                with suppress(OSError):
                    for piece in pieces:
                        self.wfile.write(piece)
                        self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do

            def log_message(self, *_: object) -> None:
                pass

        return Handler
