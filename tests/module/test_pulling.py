"""The portal fetches what the module noted: the real module behind HTTP, the real client in front of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from portal.clients.errors import Outage, Rejected
from portal.config import Config
from portal.db import Database
from portal.models import LogEntry, Store
from portal.sync import stores
from portal.sync.hook_message import sign
from portal.sync.module_pull import look, pull
from portal.sync.poll import poll
from portal.sync.services import Services
from tests.module.portal import ScriptedPortal
from tests.module.shop import StubShop

pytestmark = pytest.mark.php


@pytest.fixture
def portal(db: Database, shop: StubShop) -> ScriptedPortal:
    made = ScriptedPortal(db)
    shop.connect("https://portal.example.com", made.key, made.secret)
    return made


@pytest.fixture
def address(shop: StubShop) -> Iterator[str]:
    """The shop's front controller: what `controllers/front/pull.php` does, one PHP process a request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert "module=odooconnector&controller=pull" in self.path
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, facts, headers = shop.request(["pull", {"time": self.headers["X-OdooConnector-Time"], "body": body,
                                                            "signature": self.headers["X-OdooConnector-Signature"]}])[0]
            text = json.dumps(facts, separators=(",", ":")).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            for line in headers:
                self.send_header(*line.split(": ", 1))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def services(config: Config, portal: ScriptedPortal, address: str) -> tuple[Services, Store]:
    with portal.db.begin() as session:
        store = session.get_one(Store, portal.store_id)
        store.ps_url = address
    return Services(replace(config, allow_private_networks=True), portal.db), portal.store()


def test_everything_that_waits_is_taken_page_by_page_and_confirmed(
        shop: StubShop, portal: ScriptedPortal, address: str, config: Config) -> None:
    shop.fill("order", range(1, 251))

    assert pull(*services(config, portal, address), limit=100) == 250
    assert shop.rows() == []
    assert len(portal.queued()) == 250
    assert shop.state("heard") != ""


def test_a_rescan_is_handed_over_and_not_repeated(shop: StubShop, portal: ScriptedPortal, address: str, config: Config) -> None:
    shop.request(["sql", "INSERT INTO ps_odooconnector_state (name, value) VALUES ('rescan', '0123456789abcdef')"])

    assert pull(*services(config, portal, address)) == 0
    assert shop.state("rescan") == ""


def test_a_shop_with_another_secret_is_told_apart(shop: StubShop, portal: ScriptedPortal, address: str, config: Config) -> None:
    shop.connect("https://portal.example.com", portal.key, "another-secret")
    with pytest.raises(Rejected, match="does not answer as it should") as caught:
        pull(*services(config, portal, address))
    assert "403" in caught.value.detail


def test_a_shop_that_is_down_is_an_outage(portal: ScriptedPortal, config: Config) -> None:
    with pytest.raises(Outage):
        pull(*services(config, portal, "http://127.0.0.1:1"))


def test_polling_takes_what_the_module_could_not_send(shop: StubShop, portal: ScriptedPortal, address: str, config: Config) -> None:
    shop.fill("order", range(1, 4))
    working, store = services(config, portal, address)
    with portal.db.begin() as session:
        row = session.get_one(Store, store.id)
        stores.change_store(session, row, {"enabled": True}, "test")
        row.notes = {"poll": {side: {"next": time.time() + 3600} for side in ("odoo", "shop", "scan")}}

    assert list(poll(working, store.id)) == ["module"]
    assert shop.rows() == []
    assert len(portal.queued()) == 3


def test_a_shop_without_the_module_is_a_good_shop(portal: ScriptedPortal, config: Config) -> None:
    working, store = services(config, portal, "http://127.0.0.1:1")
    assert look(working, store, {}) == {"absent": True, "trouble": ""}


def test_a_module_that_stops_answering_as_it_should_is_told_once(
        shop: StubShop, portal: ScriptedPortal, address: str, config: Config) -> None:
    working, store = services(config, portal, address)
    shop.fill("order", range(1, 2))
    state = look(working, store, {})
    assert state == {"absent": False, "trouble": ""}
    shop.connect("https://portal.example.com", portal.key, "another-secret")
    for _ in range(2):
        state = look(working, store, state)
    assert "Download the module again" in state["trouble"]
    with portal.db.read() as session:
        told = [entry.message for entry in session.scalars(select(LogEntry)) if "module" in entry.message]
    assert len(told) == 1


def test_the_pull_address_refuses_what_the_portal_did_not_sign_just_now(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("order", range(1, 3))
    body = json.dumps({"confirm": [{"entity": "order", "id": 1, "combination": 0, "shop": 1, "version": 1}]})
    now = int(time.time())

    def ask(body: str, secret: str = portal.secret, at: int = now, sent_body: str = "") -> Any:
        signed = sign([secret], at, body.encode())
        return shop.request(["pull", {"time": signed["X-OdooConnector-Time"], "body": sent_body or body,
                                      "signature": signed["X-OdooConnector-Signature"]}])[0]

    assert ask(body, secret="wrong")[0] == 403
    assert ask(body, at=now - 301)[0] == 403
    assert ask(body, at=now + 400)[0] == 403
    assert ask("{}", sent_body=body)[0] == 403
    assert ask("{}", secret="")[0] == 403
    assert ask("[1")[0] == 422
    assert ask('{"confirm": [{"entity": "order"}]}')[0] == 422
    assert ask("x" * 262145)[0] == 413
    assert shop.rows() == ["order 1", "order 2"], "nothing was deleted by any of them"
    status, facts, _ = ask(body)
    assert (status, [change["id"] for change in facts["changes"]]) == (200, [2])
