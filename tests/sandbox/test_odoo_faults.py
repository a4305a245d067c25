"""Scripted faults: what a client of the sandbox sees, and what the server did meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from portal.sandbox.odoo_server import OdooServer, make_odoo_server

from .test_odoo_sandbox import Client


@pytest.fixture
def server() -> Iterator[OdooServer]:
    with make_odoo_server(0) as running:
        yield running


@pytest.fixture
def call(server: OdooServer) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.http.close()


def created(server: OdooServer, name: str) -> int:
    with server.db.transaction():
        return sum(row.get("name") == name for row in server.db.tables["res.partner"].rows.values())


def create(call: Client, name: str = "P") -> Any:
    return call("res.partner", "create", {"name": name})


@pytest.mark.parametrize(
    ("kind", "done"), [("refuse", 0), ("drop", 1), ("cut", 1)], ids=["refused", "dropped after the commit", "cut in half"]
)
def test_a_broken_connection_shows_nothing_of_what_was_done(server: OdooServer, call: Client, kind: str, done: int) -> None:
    server.faults.arm(kind, side="odoo", model="res.partner", method="create")
    with pytest.raises(httpx.TransportError):
        create(call)
    assert created(server, "P") == done
    assert create(call, "Q") > 0  # the fault struck once


@pytest.mark.parametrize(("kind", "status"), [("status", 502), ("html", 200), ("throttle", 429)])
@pytest.mark.parametrize("commit", [False, True])
def test_a_proxy_answers_instead(server: OdooServer, call: Client, kind: str, status: int, commit: bool) -> None:
    server.faults.arm(kind, method="create", commit=commit, seconds=7)
    params = {"service": "object", "method": "execute_kw"}
    args = ["demo", 8, "demo-key", "res.partner", "create", [{"name": "P"}]]
    answer = call.http.post("/jsonrpc", json={"jsonrpc": "2.0", "id": 1, "params": {**params, "args": args}})
    assert answer.status_code == status
    assert "html" in answer.headers["Content-Type"]
    assert answer.headers.get("Retry-After") == ("7" if kind == "throttle" else None)
    assert created(server, "P") == int(commit)


def test_faults_count_their_strikes_and_let_others_pass(server: OdooServer, call: Client) -> None:
    server.faults.arm("status", model="res.*", method="create", times=2, skip=1)
    create(call, "first passes")
    for _ in range(2):
        with pytest.raises(json.JSONDecodeError):
            create(call)
    assert call("product.product", "search_count", []) > 0
    create(call, "last passes")
    assert not server.faults.armed()


def test_an_error_object_has_the_form_of_the_protocol(server: OdooServer, call: Client) -> None:
    server.faults.arm("error", method="create", error="AccessError", message="No")
    with pytest.raises(Exception, match="No") as caught:
        create(call)
    assert caught.value.name == "odoo.exceptions.AccessError"  # type: ignore[attr-defined]
    server.faults.arm("error", method="load", error="SerializationFailure")
    answer = call("res.partner", "load", ["id", "name"], [["x.a", "A"]])
    assert answer["ids"] is False
    assert "could not serialize" in answer["messages"][0]["message"]


def test_a_late_commit_comes_after_the_answer_was_lost(server: OdooServer, call: Client) -> None:
    server.faults.arm("late", method="create", name="later")
    with pytest.raises(httpx.TransportError):
        create(call)
    assert len(server.faults.wait_held()) == 1
    assert created(server, "P") == 0
    server.faults.release("later")
    server.faults.wait_late()
    assert created(server, "P") == 1


@pytest.mark.parametrize("commit", [False, True], ids=["before the call", "after the commit"])
def test_a_held_call_waits_for_its_release(server: OdooServer, call: Client, commit: bool) -> None:
    control = httpx.Client(base_url=server.url, trust_env=False)
    armed = control.post("/_sandbox/faults", json={"kind": "hold", "method": "create", "commit": commit, "name": "h"})
    assert armed.status_code == 200
    done = threading.Event()
    thread = threading.Thread(target=lambda: (create(call), done.set()))
    thread.start()
    assert [fault["name"] for fault in control.get("/_sandbox/held?count=1&timeout=20").json()] == ["h"]
    assert not done.is_set()
    assert created(server, "P") == int(commit)
    control.post("/_sandbox/release", json={"name": "h"})
    thread.join()
    assert created(server, "P") == 1
    control.close()


def test_an_unknown_fault_is_refused_with_its_reason(server: OdooServer, call: Client) -> None:
    answer = call.http.post("/_sandbox/faults", json={"kind": "earthquake"})
    assert answer.status_code == 400
    assert "earthquake" in answer.json()["error"]
