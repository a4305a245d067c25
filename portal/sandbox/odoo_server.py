"""An Odoo to try the connector on: a real HTTP server that speaks the recorded protocols of 14 to 19.

    server = make_odoo_server(0, version="17").start()   # port 0: any free one
    server.url, DEMO_DATABASE, DEMO_LOGIN, DEMO_KEY       # what a store needs
    server.db                                             # the database: look at it, change it
    server.stop()                                         # refuses connections; start() goes on with the same data

Under /_sandbox/ it can be driven over HTTP: GET calls, GET creates, GET dump/<model>, POST reset {"data": bool},
POST deliver {"order", "quantities": {product: n}}, POST deny {"login", "model", "operation"}, and what `Faults.control` knows.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import odoo_invoices, odoo_partners, odoo_products, odoo_sales  # noqa: F401 - they register their models
from .faults import Fault, Faults, hang_up
from .odoo_deliveries import deliver
from .odoo_demo import DEMO_DATABASE, DEMO_KEY, DEMO_LOGIN, fill, install
from .odoo_models import Env
from .odoo_profiles import OdooError
from .odoo_protocol import Api, Reply
from .odoo_store import Database
from .odoo_users import deny
from .odoo_webhooks import Webhooks

__all__ = ["DEMO_DATABASE", "DEMO_KEY", "DEMO_LOGIN", "OdooServer", "make_odoo_server"]

HTML = "text/html; charset=utf-8"
NOT_FOUND = b"<!DOCTYPE html>\n<html><head><title>404 | Odoo</title></head><body><h1>Error 404</h1></body></html>"
BAD_REQUEST = (
    "<!doctype html>\n<html lang=en>\n<title>{0}</title>\n<h1>{1}</h1>\n<p>Request inferred type is compatible with "
    "[&#39;http&#39;] but &#39;/jsonrpc&#39; is type=&#39;json&#39;.</p>\n"
)


class _Handler(BaseHTTPRequestHandler):
    """One connection; HTTP/1.1 with keep-alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def _serve(self) -> None:
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path.startswith("/_sandbox/"):
            options = {**dict(parse_qsl(url.query)), **(json.loads(body) if body else {})}
            status, answer = owner.control(self.command, path, options)
            self._send(Reply(status, json.dumps(answer).encode()))
            return
        message = _parse(body)
        model, method = _names(path, message)
        owner.calls[f"{model}.{method}"] += 1
        outcome = owner.faults.run("odoo", model, method, lambda: owner.answer(self, path, message))
        if outcome.page is not None:
            self._send(Reply(outcome.page.status, outcome.page.body, "text/html"), outcome.page.headers)
        elif outcome.error is not None:
            self._send(owner.refuse(outcome.error, path, method, message))
        elif outcome.answer is None:
            self.close_connection = True
            hang_up(self.connection)
        else:
            self._send(outcome.answer, cut=outcome.cut)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _send(self, reply: Reply, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in (headers or {}).items():
            if name != "Content-Type":
                self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # a client that gave up is not an error of ours
            self.wfile.write(reply.body[: len(reply.body) // 2] if cut else reply.body)
            self.wfile.flush()
        if cut:
            self.close_connection = True
            hang_up(self.connection)

    def version_string(self) -> str:
        return "Werkzeug/3.0.1 Python/3.12.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: bodies and headers carry keys."""


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that stopping ends them as a stopped server does."""

    daemon_threads = True
    request_queue_size = 64
    owner: OdooServer

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.connections: set[socket.socket] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            self.connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off is part of the game."""


class OdooServer:
    """A running Odoo: `url`, `db`, `faults`, `calls` (counts per "model.method")."""

    def __init__(self, port: int, db: Database, *, data_dir: Path | None = None, faults: Faults | None = None) -> None:
        self.db = db
        self.faults = faults or Faults()
        self.api = Api(db, DEMO_DATABASE)
        self.webhooks = Webhooks(db)
        self.calls: Counter[str] = Counter()
        self._port = port
        self._file = data_dir / f"odoo-{db.profile.major}.json" if data_dir else None
        self._http: _Server | None = None
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def serving(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._http is not None

    def start(self) -> OdooServer:
        """Starts to answer, in threads of its own; after `stop` on the same port with the same data."""
        self._http = http = _Server(self._port)
        http.owner = self
        self._port = http.server_address[1]
        self._stopping.clear()
        work = [lambda: http.serve_forever(poll_interval=0.05), *([self._keep] if self._file else [])]
        self._threads = [threading.Thread(target=job, daemon=True) for job in work]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Closes the port and every connection, and saves. Calls held by a fault are let go."""
        self._stopping.set()
        self.faults.clear()
        self.db.dirty.set()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            for connection in list(self._http.connections):
                hang_up(connection)
            self._http = None
        for thread in self._threads:
            thread.join()
        self._threads = []

    def __enter__(self) -> OdooServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _keep(self) -> None:
        """Saves soon after each change, so that even a killed process loses at most half a second."""
        assert self._file is not None
        while not self._stopping.is_set():
            self.db.dirty.wait()
            time.sleep(0 if self._stopping.is_set() else 0.5)
            self.db.save(self._file)

    def answer(self, request: BaseHTTPRequestHandler, path: str, message: Any) -> Reply:
        """Does one call and returns its answer."""
        if path == "/jsonrpc":
            return self._json_rpc(request, message)
        if path == "/web/webclient/version_info" and isinstance(message, dict):
            body = {"jsonrpc": "2.0", "id": message.get("id"), "result": self.api.version()}
            return Reply(200, json.dumps(body).encode())
        if self.db.profile.major >= 19:
            if path == "/web/version":
                info = self.api.version()
                return Reply(200, json.dumps({"version_info": info["server_version_info"], "version": "19.0"}).encode())
            parts = path.strip("/").split("/")
            if parts[:2] == ["json", "2"] and len(parts) == 4:
                scheme, _, key = request.headers.get("Authorization", "").partition(" ")
                wanted = request.headers.get("X-Odoo-Database", self.api.database) == self.api.database
                if wanted and isinstance(message, dict):
                    return self.api.json_2(parts[2], parts[3], key if scheme.lower() == "bearer" else "", message)
        return Reply(404, NOT_FOUND, HTML)

    def _json_rpc(self, request: BaseHTTPRequestHandler, message: Any) -> Reply:
        major = self.db.profile.major
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip()
        if request.command == "POST" and kind != "application/json":
            title = "415 Unsupported Media Type" if major >= 19 else "400 Bad Request"
            return Reply(int(title[:3]), BAD_REQUEST.format(title, title[4:]).encode(), HTML)
        if message is None:
            return Reply(400, b"Invalid JSON data", HTML)
        if not isinstance(message, dict):
            if major <= 15:
                return Reply(500, b"<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n", "text/html")
            return Reply(400, b"Invalid JSON-RPC data", HTML)
        return self.api.json_rpc(message)

    def refuse(self, fault: Fault, path: str, method: str, message: Any) -> Reply:
        """A scripted error in the form of the protocol; a lost race on `load` hides inside its messages."""
        name = {"SerializationFailure": "psycopg2.errors.SerializationFailure"}.get(fault.error, fault.error)
        text = fault.message
        if name.endswith("SerializationFailure"):
            text = "could not serialize access due to concurrent update\n"
            if method == "load":
                row = {"rows": {"from": 0, "to": 0}, "record": 0, "type": "error", "message": text}
                result = {"ids": False, "messages": [row], "nextrow": 0}
                bare = result if path.startswith("/json/2") else {"jsonrpc": "2.0", "id": message.get("id"), "result": result}
                return Reply(200, json.dumps(bare).encode())
        error = OdooError(name, text)
        return self.api.refusal_2(error) if path.startswith("/json/2") else self.api.refusal(error, message or {})

    def control(self, method: str, path: str, options: dict[str, Any]) -> tuple[int, Any]:
        """The control interface; see the module's text."""
        found = self.faults.control(method, path, options)
        if found is not None:
            return found
        name, _, rest = path.removeprefix("/_sandbox/").partition("/")
        if name == "calls":
            return 200, dict(self.calls)
        if name == "creates":
            return 200, list(self.db.creates)
        if name == "dump" and rest in self.db.tables:
            with self.db.transaction():
                rows = [{"id": number, **row} for number, row in self.db.tables[rest].rows.items()]
            return 200, [{key: row[key] for key in row if not key.startswith("_")} for row in rows]
        if (method, name) == ("POST", "reset"):
            self.reset(data=bool(options.get("data")))
            return 200, {}
        if (method, name) == ("POST", "deliver"):
            quantities = options.get("quantities")
            sent = {int(product): float(quantity) for product, quantity in quantities.items()} if quantities else None
            with self.db.transaction():
                deliver(Env(self.db), int(options["order"]), sent)
            return 200, {}
        if (method, name) == ("POST", "deny"):
            with self.db.transaction():
                deny(self.db, str(options["login"]), str(options["model"]), str(options.get("operation", "*")))
            return 200, {}
        return 404, {"error": f"unknown control path {path}"}

    def reset(self, *, data: bool = False) -> None:
        """Forgets counts and faults, and with `data` goes back to the freshly installed demo."""
        self.faults.clear()
        self.calls.clear()
        self.db.creates.clear()
        if data:
            fresh = _install(self.db.profile.major)
            with self.db.transaction():
                self.db.tables, self.db.external = fresh.tables, fresh.external


def _parse(body: bytes) -> Any:
    """The JSON of a body; None when it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _names(path: str, message: Any) -> tuple[str, str]:
    """(model, method) of a call, for counting and for faults: ("common", "version") for the services."""
    parts = path.strip("/").split("/")
    if parts[:2] == ["json", "2"] and len(parts) == 4:
        return parts[2], parts[3]
    params = message.get("params") if isinstance(message, dict) else None
    if path != "/jsonrpc" or not isinstance(params, dict):
        return "http", path.strip("/")
    args = params.get("args")
    if params.get("service") == "object" and isinstance(args, list) and len(args) > 4:
        return str(args[3]), str(args[4])
    return str(params.get("service")), str(params.get("method"))


def _install(version: str | int) -> Database:
    db = Database(version)
    with db.transaction():
        install(Env(db))
        fill(Env(db))
    db.creates.clear()
    return db


def make_odoo_server(
    port: int, *, version: str = "17", data_dir: Path | str | None = None, faults: Faults | None = None
) -> OdooServer:
    """An Odoo on 127.0.0.1:port (0: any free port), not yet started.

    `version` is "14" to "19". With a `data_dir` the database lives in a file there and survives a restart.
    """
    folder = Path(data_dir) if data_dir is not None else None
    file = folder / f"odoo-{version}.json" if folder else None
    if file is not None and file.exists():
        db = Database(version)
        db.restore(file)
    else:
        db = _install(version)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return OdooServer(port, db, data_dir=folder, faults=faults)
