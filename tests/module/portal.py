"""A portal as the module sees it: the real checks and the real queue behind a small HTTP server whose faults are scripted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlalchemy import select

from portal.db import Database
from portal.models import Store, SyncJob
from portal.sync import hooks, stores
from portal.sync.hook_message import Refused


class ScriptedPortal:
    """Each request takes the next word of `script`; when it is used up, all is well.

    `500`: an error, nothing stored · `cut`: hung up before anything was stored · `lost`: stored, but the answer is cut off ·
    `hold`: stored, answered when `let_go` is set · `page`: some web page · `other`: confirms another batch · `too large`.
    """

    def __init__(self, db: Database) -> None:
        self.db = db
        self.script: list[str] = []
        self.received: list[dict[str, Any]] = []
        self.arrived = threading.Event()
        self.let_go = threading.Event()
        with db.begin() as session:
            store = stores.add_store(session, "Shop", ps_url="http://127.0.0.1:9", ps_key="k", odoo_url="http://127.0.0.1:9",
                                     odoo_db="d", odoo_login="l", odoo_key="k")
            store.choices = {"stock": "ps_to_odoo"}
            self.store_id, self.key = store.id, store.key
            self.secret = stores.token_value(session, store, "hooks")

    def answer(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        """What the portal's route does: one transaction, 202 or the refusal."""
        try:
            with self.db.begin() as session:
                return 202, json.dumps(hooks.take(session, hooks.check(session, headers, body))).encode()
        except Refused as error:
            return error.status, json.dumps({"error": error.message, "field": error.field}).encode()

    def queued(self) -> list[str]:
        """The jobs, as "entity record"."""
        with self.db.read() as session:
            return sorted(f"{job.entity} {job.record}" for job in session.scalars(select(SyncJob)))

    def store(self) -> Store:
        """The store as it is now."""
        with self.db.read() as session:
            return session.get_one(Store, self.store_id)

    @contextmanager
    def listening(self, port: int = 0) -> Iterator[str]:
        """Serve; the base address."""
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                portal.received.append(json.loads(body))
                word = portal.script.pop(0) if portal.script else "ok"
                if word == "cut":
                    self.close_connection = True
                    portal.arrived.set()
                    return
                status, text = (500, b"{}") if word == "500" else (413, b"{}") if word == "too large" \
                    else portal.answer(self.headers, body)
                portal.arrived.set()
                if word == "hold":
                    portal.let_go.wait(20)
                if word == "page":
                    status, text = 200, b"<html>Welcome</html>"
                if word == "other":
                    text = text.replace(portal.received[-1]["batch"].encode(), b"0123456789abcdef")
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text[:10] if word == "lost" else text)
                except OSError:
                    pass  # The module did not wait for it; that is what some tests are about.
                if word == "lost":
                    self.close_connection = True

            def log_message(self, *_args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            self.let_go.set()
            server.shutdown()
            server.server_close()
            thread.join()
