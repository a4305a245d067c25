"""A PrestaShop to try the connector on: a real HTTP server that speaks the webservice of 8.1 and 9.1.

    server = make_shop_server(0)          # port 0: any free one
    server.start(); server.url            # http://127.0.0.1:49152 ; the key is DEMO_KEY
    server.shop                           # the shop in memory: look at it, change it, fill it
    server.stop()

Under /_sandbox/ the same shop can be driven over HTTP (see `prestashop_control`). Only the standard library.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections import Counter, deque
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .faults import Faults, hang_up
from .prestashop_control import control, scripted_error
from .prestashop_install import install
from .prestashop_service import Answer, serve
from .prestashop_store import DEMO_KEY, Shop
from .shop_demo import fill

__all__ = ["DEMO_KEY", "Shop", "ShopServer", "make_shop_server"]

LONGEST_REQUEST_LINE = 8190  # nginx refuses longer ones with 414


class _Handler(BaseHTTPRequestHandler):
    """One connection; HTTP/1.1 with keep-alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def _serve(self) -> None:
        owner = self.server.owner
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(self.requestline) > LONGEST_REQUEST_LINE:
            self.close_connection = True
            self._send(Answer(414, b"<h1>414 Request-URI Too Large</h1>", "text/html"))
            return
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path.startswith("/_sandbox/"):
            status, facts = control(owner, self.command, path.removeprefix("/_sandbox/"), url.query, body)
            self._send(Answer(status, json.dumps(facts).encode(), "application/json"))
            return
        if not path.startswith("/api"):
            self._send(Answer(404, b"", "text/html; charset=utf-8"))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        resource = path.removeprefix("/api").strip("/").split("/")[0]
        method = self.command
        owner.calls[f"{method} {resource}".strip()] += 1

        def work() -> Answer:  # a late call does this when the connection is long at its next request
            return serve(owner.shop, method, path, url.query, headers, body)

        outcome = owner.faults.run("shop", resource, method, work)
        found = outcome.answer
        if outcome.page is not None:
            found = Answer(outcome.page.status, outcome.page.body, "text/html", outcome.page.headers)
        elif outcome.error is not None:
            found = scripted_error(outcome.error)
        owner.log.append((method, self.path, found.status if found else 0))
        if found is None:
            self.close_connection = True
            hang_up(self.connection)
        else:
            self._send(found, cut=outcome.cut)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _send(self, found: Answer, *, cut: bool = False) -> None:
        shop = self.server.owner.shop
        digest = hashlib.sha1(found.body).hexdigest()  # noqa: S324 - what PrestaShop sends
        if found.status == 200 and self.headers.get("Local-Content-Sha1") == digest:
            found = Answer(304)
        self.send_response_only(found.status)
        self.send_header("Server", "sandbox")
        self.send_header("Date", formatdate(usegmt=True))
        if found.type:
            self.send_header("Content-Type", found.type)
        if found.status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="Welcome to PrestaShop Webservice"')
        if not (found.type or "").startswith("text/html"):
            self.send_header("Access-Time", str(int(shop.clock().timestamp())))
            self.send_header("X-Powered-By", "PrestaShop Webservice")
            self.send_header("PSWS-Version", "0" if found.status in (401, 503) else shop.version)
        if found.status < 300 and found.body:
            self.send_header("Content-Sha1", digest)
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.body[: len(found.body) // 2] if cut else found.body)
        self.wfile.flush()
        if cut:
            self.close_connection = True
            hang_up(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: URLs may carry a key."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    owner: ShopServer

    def __init__(self, port: int) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off is part of the game."""


class ShopServer:
    """A running shop: `url`, `shop`, `faults`, `calls` (counts per "METHOD resource"), `log` (the last 2000).

    The log has (method, path with query, status); status 0 is an answer that was never sent.
    """

    def __init__(self, port: int, shop: Shop, *, data_dir: Path | None = None, faults: Faults | None = None) -> None:
        self.shop = shop
        self.faults = faults or Faults()
        self.calls: Counter[str] = Counter()
        self.log: deque[tuple[str, str, int]] = deque(maxlen=2000)
        self._file = data_dir / "prestashop.json" if data_dir else None
        self._http = _Server(port)
        self._http.owner = self
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def serving(self) -> bool:
        """Whether it was started and not stopped since."""
        return bool(self._threads) and not self._stopping.is_set()

    def start(self) -> ShopServer:
        """Starts to answer, in threads of its own; after `stop` again on the same port, with the same data."""
        if self._stopping.is_set():
            self._stopping.clear()
            self._http = _Server(self._http.server_address[1])
            self._http.owner = self
        work = [lambda: self._http.serve_forever(poll_interval=0.05)]
        if self._file is not None:
            work.append(self._keep)
        self._threads = [threading.Thread(target=job, daemon=True) for job in work]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Stops, closes the port and every open connection, and saves."""
        self._stopping.set()
        self.shop.dirty.set()
        self._http.shutdown()
        self._http.server_close()
        for connection in list(self._http.connections):
            hang_up(connection)
        for thread in self._threads:
            thread.join()

    def _keep(self) -> None:
        """Saves soon after each change, so that even a killed process loses at most half a second."""
        assert self._file is not None
        while not self._stopping.is_set():
            self.shop.dirty.wait()
            time.sleep(0 if self._stopping.is_set() else 0.5)
            self.shop.save(self._file)

    def __enter__(self) -> ShopServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def make_shop_server(
    port: int, *, data_dir: Path | str | None = None, version: str = "9.1.4", faults: Faults | None = None, demo: bool = True
) -> ShopServer:
    """A shop on 127.0.0.1:port (0: any free port), not yet started.

    With a `data_dir` the shop lives in a file there and survives a restart. `version` is "8.1.2" or "9.1.4".
    `demo` fills a new shop with the demo data; without, it is as freshly installed: settings, no records.
    """
    shop = Shop(version)
    folder = Path(data_dir) if data_dir is not None else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    if folder is not None and (folder / "prestashop.json").exists():
        shop.restore(folder / "prestashop.json")
    else:
        install(shop)
        if demo:
            fill(shop)
    return ShopServer(port, shop, data_dir=folder, faults=faults)
