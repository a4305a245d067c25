"""What the portal makes of the module's messages: who may speak, what it may say, and what comes of it."""

from __future__ import annotations

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.db import Database
from portal.models import InitialRun, LogEntry, Store, SyncJob
from portal.sync import hook_message, hooks, stores
from portal.sync.hook_message import Change, Refused, parse

AT = 1_800_000_000


def body(**changes: Any) -> dict[str, Any]:
    return {"module": "1.0.0", "prestashop": "9.1.4", "batch": "0123456789abcdef", "backlog": 2, "rescan": "", "changes": [],
            **changes}


def row(entity: Any = "product", id: Any = 12, **more: Any) -> dict[str, Any]:
    return {"entity": entity, "id": id, "combination": 0, "shop": 1, "version": 5, **more}


def headers(key: str, secret: str, raw: bytes, at: int) -> dict[str, str]:
    """As the module makes them, written down once more on purpose."""
    signature = hmac.new(secret.encode(), f"{at}.".encode() + raw, hashlib.sha256).hexdigest()
    return {"X-OdooConnector-Store": key, "X-OdooConnector-Time": str(at), "X-OdooConnector-Signature": f"v1={signature}"}


class Sender:
    """A module with a known store."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.begin() as session:
            store = stores.add_store(session, "Shop", ps_url="https://shop.example.com", ps_key="k",
                                     odoo_url="https://odoo.example.com", odoo_db="d", odoo_login="l", odoo_key="k")
            self.id, self.key = store.id, store.key
            self.secret = stores.token_value(session, store, "hooks")

    def choose(self, **choices: Any) -> None:
        with self.db.begin() as session:
            store = session.get_one(Store, self.id)
            store.choices = {**store.choices, **choices}

    def post(self, document: Any, **changed: str) -> dict[str, Any]:
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        at = int(datetime.now(UTC).timestamp())
        with self.db.begin() as session:
            return hooks.take(session, hooks.check(session, {**headers(self.key, self.secret, raw, at), **changed}, raw))

    def jobs(self) -> list[tuple[str, str, str, str]]:
        with self.db.read() as session:
            return [(j.entity, j.direction, j.record, j.state) for j in session.scalars(select(SyncJob).order_by(SyncJob.id))]


@pytest.fixture
def module(db: Database) -> Sender:
    return Sender(db)


def test_a_message_becomes_jobs_with_the_portals_record_keys(module: Sender) -> None:
    module.choose(stock="ps_to_odoo")
    facts = module.post(body(changes=[row("customer"), row("product"), row("stock"), row("stock", combination=34), row("order", 5),
                                      row("order", 5, shop=2)]))

    assert module.jobs() == [("customer", "ps_to_odoo", "12", "pending"), ("product", "ps_to_odoo", "12", "pending"),
                             ("stock", "ps_to_odoo", "12", "pending"), ("stock", "ps_to_odoo", "12:34", "pending"),
                             ("order", "ps_to_odoo", "5", "pending")]
    assert facts == {"batch": "0123456789abcdef", "taken": 5, "ignored": 0, "jobs": facts["jobs"], "rescan": "", "backlog": 0}
    assert len(facts["jobs"]) == 5


def test_what_does_not_travel_from_the_shop_is_confirmed_and_left_out(module: Sender) -> None:
    module.choose(stock="off", products="odoo_to_ps")
    facts = module.post(body(changes=[row("stock"), row("product"), row("customer"), row("supplier")]))

    assert (facts["taken"], facts["ignored"]) == (1, 3)
    assert [job[0] for job in module.jobs()] == ["customer"]


def test_a_disabled_store_notes_changes_and_lets_them_wait(module: Sender) -> None:
    module.choose(enabled=False)

    assert module.post(body(changes=[row()]))["taken"] == 1


def test_the_same_change_twice_is_one_job(module: Sender) -> None:
    module.post(body(changes=[row()], batch="0" * 16))
    module.post(body(changes=[row()], batch="1" * 16))

    assert len(module.jobs()) == 1


def test_a_replayed_message_is_refused(module: Sender) -> None:
    raw = json.dumps(body(changes=[row()])).encode()
    module.post(raw)
    with pytest.raises(Refused, match="taken before") as caught:
        module.post(raw)

    assert (caught.value.status, caught.value.field) == (403, "signature")


@pytest.mark.parametrize("changed", [
    {"X-OdooConnector-Signature": ""}, {"X-OdooConnector-Signature": "v1=" + "0" * 64}, {"X-OdooConnector-Signature": "é,\udcff"},
    {"X-OdooConnector-Store": "ffffffffffff"}, {"X-OdooConnector-Store": ""}, {"X-OdooConnector-Store": "\x00"},
    {"X-OdooConnector-Time": "1"}, {"X-OdooConnector-Time": ""}, {"X-OdooConnector-Time": "٣"},
], ids=repr)
def test_who_cannot_sign_is_refused_whatever_the_body(module: Sender, changed: dict[str, str]) -> None:
    for document in (body(), b"not JSON", b"x" * (hook_message.LARGEST + 1)):
        with pytest.raises(Refused) as caught:
            module.post(document, **changed)
        assert (caught.value.status, caught.value.field) == (403, "signature")


@pytest.mark.parametrize("seconds", [-301, 301, -10**6])
def test_a_message_too_far_from_the_portals_time_is_refused_and_says_by_how_much(seconds: int) -> None:
    signed = headers("k", "secret", b"{}", AT)
    with pytest.raises(Refused, match=f"{abs(seconds)} seconds away") as caught:
        hook_message.check_signature(["secret"], signed["X-OdooConnector-Time"], signed["X-OdooConnector-Signature"], b"{}",
                                     at=AT + seconds)
    assert (caught.value.status, caught.value.field) == (403, "time")


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_message_within_the_window_is_taken(seconds: int) -> None:
    signed = headers("k", "secret", b"{}", AT)
    hook_message.check_signature(["secret"], signed["X-OdooConnector-Time"], signed["X-OdooConnector-Signature"], b"{}",
                                 at=AT + seconds)


def test_a_replaced_secret_is_valid_for_a_day_and_not_longer(module: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    with module.db.begin() as session:
        new = stores.rotate_token(session, session.get_one(Store, module.id), "hooks")
    module.post(body(batch="0" * 16))
    later = datetime.now(UTC) + timedelta(hours=25)
    monkeypatch.setattr(hooks, "now", lambda: later)
    raw = json.dumps(body(batch="1" * 16)).encode()

    def post(secret: str) -> None:
        with module.db.begin() as session:
            hooks.check(session, headers(module.key, secret, raw, int(later.timestamp())), raw)

    with pytest.raises(Refused):
        post(module.secret)
    post(new)


@pytest.mark.parametrize(("document", "status", "field"), [
    (b"", 400, "body"), (b"\xff", 400, "body"), (b"[" * 100_000, 400, "body"), (b"1" * 5000, 400, "body"),
    (b"[]", 422, "body"), (b"{}", 422, "changes"), (b"x" * (hook_message.LARGEST + 1), 413, "body"),
    (body(changes=None), 422, "changes"), (body(changes=[row(id=n + 1) for n in range(1001)]), 413, "changes"),
    (body(changes=[1]), 422, "changes[0]"), (body(changes=[row(entity=None)]), 422, "changes[0].entity"),
    (body(changes=[row(), row(entity="A b")]), 422, "changes[1].entity"),
    (body(changes=[row(id=0)]), 422, "changes[0].id"), (body(changes=[row(id="12")]), 422, "changes[0].id"),
    (body(changes=[row(id=True)]), 422, "changes[0].id"), (body(changes=[row(id=1.5)]), 422, "changes[0].id"),
    (body(changes=[row(id=2**32)]), 422, "changes[0].id"), (body(changes=[row(combination=-1)]), 422, "changes[0].combination"),
    (body(changes=[row(version=0)]), 422, "changes[0].version"), (body(changes=[row(shop=None)]), 422, "changes[0].shop"),
    (body(backlog=-1), 422, "backlog"), (body(backlog=None), 422, "backlog"), (body(batch="xyz"), 422, "batch"),
    (body(batch=None), 422, "batch"), (body(rescan=True), 422, "rescan"), (body(rescan="'; --"), 422, "rescan"),
    (body(module="<script>"), 422, "module"), (body(prestashop="x" * 33), 422, "prestashop"),
], ids=lambda value: repr(value)[:60])
def test_a_malformed_message_is_refused_and_the_field_named(document: Any, status: int, field: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(document if isinstance(document, bytes) else json.dumps(document).encode())
    assert (caught.value.status, caught.value.field) == (status, field)


def test_a_refused_message_stores_nothing(module: Sender) -> None:
    with pytest.raises(Refused):
        module.post(body(changes=[row(), row(id=0)]))
    assert module.jobs() == []


def test_a_combination_only_matters_for_stock() -> None:
    assert parse(json.dumps(body(changes=[row("product", combination=3)])).encode()).changes == (Change("product", "12"),)


def test_a_module_that_dropped_changes_gets_everything_looked_at_once(module: Sender) -> None:
    module.choose(stock="off")
    for batch in "012":
        assert module.post(body(rescan="ab" * 8, batch=batch * 16))["rescan"] == "ab" * 8
    with module.db.read() as session:
        runs = session.scalars(select(InitialRun).order_by(InitialRun.id)).all()
        assert [run.entity for run in runs] == ["customer", "product", "order"]
        entries = session.scalars(select(LogEntry).where(LogEntry.level == "warning")).all()
    assert [entry.message for entry in entries] == ["The shop's module had to drop changes while it could not reach the portal; "
                                                    "everything is looked at again: customers, products, orders."]


def test_the_dashboard_hears_of_version_backlog_and_silence(module: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    with module.db.read() as session:
        assert hooks.module_facts(session, module.id) is None
    module.post(body(backlog=7, changes=[row(), row(id=13)]))
    with module.db.read() as session:
        facts = hooks.module_facts(session, module.id)
        assert facts
        assert (facts["version"], facts["shop_version"], facts["backlog"], facts["silent"]) == ("1.0.0", "9.1.4", 5, False)
        later = datetime.now(UTC) + timedelta(hours=25)
        monkeypatch.setattr(hooks, "now", lambda: later)
        again = hooks.module_facts(session, module.id)
        assert again
        assert again["silent"] is True


def test_many_messages_at_once_in_any_order_are_all_stored(module: Sender) -> None:
    rows = [row("product", n) for n in range(1, 21)]

    def post(number: int) -> int:
        mixed = rows[number:] + rows[:number]
        return int(module.post(body(batch=f"{number:016x}", changes=mixed if number % 2 else mixed[::-1]))["taken"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(post, range(16))) == [20] * 16
    assert len(module.jobs()) == 20
