from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy.exc import OperationalError

from portal import db as portal_db
from portal import extensions
from portal.models import Circuit, Heartbeat, LogEntry, Mapping, Store, SyncJob, Token
from portal.sync import stores
from tests.web.conftest import Browser, World
from tests.web.test_bodies import BAD

STOCK = {"entity": "stock", "odoo_id": 42, "qty": 7}
INBOUND = ("/cron", "/webhook", "/hooks/prestashop")
BAD_TOKENS = ["", "x", "ü" * 40, "a" * 43, "a" * 100_000, "null", "' OR 1=1 --", "\x00" * 30]


def enable_stock(world: World) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        stores.change_store(session, store, {"stock": "odoo_to_ps"}, "test")
        session.add(Mapping(store_id=store.id, target=store.target, entity="product", shop_id="1", odoo_id=7,
                            data={"variant_id": 42}))


def jobs_of(world: World) -> list[SyncJob]:
    with world.db.read() as session:
        return list(session.query(SyncJob))


def test_cron_answers_at_once_with_the_counts(world: World, anonymous: Browser) -> None:
    world.job(world.mine, "1")
    world.job(world.mine, "2", "dead")
    token = world.tokens(world.mine)["cron"]
    for answer in (anonymous.get(f"/cron?token={token}"), anonymous.client.post(f"/cron?token={token}"),
                   anonymous.get("/cron", headers={"Authorization": f"Bearer {token}"}),
                   anonymous.get("/cron", headers={"X-Cron-Token": token})):
        assert answer.status_code == 202
        assert answer.json["store"] == "Mine"
        assert answer.json["queue"] == {"pending": 1, "synced": 0, "error": 0, "dead": 1}
        assert answer.json["started"] is False, "no queue server in this test"
    with world.db.read() as session:
        assert session.get_one(Store, world.mine).cron_at is not None
        assert session.get_one(Store, world.other).cron_at is None


def test_overlapping_cron_calls_start_one_round(world: World, anonymous: Browser, redis: Redis) -> None:
    from portal.rq_setup import make_queue

    with world.app.app_context():
        extensions.services().redis = redis
    token = world.tokens(world.mine)["cron"]
    for _ in range(5):
        assert anonymous.get(f"/cron?token={token}").json["started"] is True
    queue = make_queue(redis)
    assert [job.func_name for job in queue.jobs] == ["portal.sync.tasks.tick"]
    with world.app.app_context():
        extensions.services().redis = None


@pytest.mark.parametrize("token", BAD_TOKENS)
@pytest.mark.parametrize("path", INBOUND)
def test_a_wrong_token_is_refused_whatever_else_is_wrong(world: World, anonymous: Browser, path: str, token: str) -> None:
    bodies: list[Any] = [b"", b"{", b"\xff", b"x" * 200_000, json.dumps({**STOCK, "token": token}).encode()]
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for body in bodies:
            answer = anonymous.client.open(path, method=method, query_string={"token": token}, data=body)
            assert answer.status_code == 403, (method, body[:20])
            assert answer.json["error"]
    assert not jobs_of(world)


@pytest.mark.parametrize("value", [None, 1, True, [], {}, 1.5, ["a"]])
def test_a_token_that_is_no_text_is_refused(world: World, anonymous: Browser, value: object) -> None:
    assert anonymous.client.post("/webhook", json={**STOCK, "token": value}).status_code == 403


def test_tokens_open_only_their_own_endpoint(world: World, anonymous: Browser) -> None:
    tokens = world.tokens(world.mine)
    assert anonymous.get(f"/cron?token={tokens['webhook']}").status_code == 403
    assert anonymous.client.post(f"/webhook?token={tokens['cron']}", json=STOCK).status_code == 403
    assert anonymous.client.post(f"/hooks/prestashop?token={tokens['hooks']}", json={}).status_code == 403


def test_a_webhook_is_stored_and_answered_with_its_job(world: World, anonymous: Browser) -> None:
    enable_stock(world)
    token = world.tokens(world.mine)["webhook"]
    by_body = anonymous.client.post("/webhook", json={**STOCK, "token": token})
    by_url = anonymous.client.post(f"/webhook?token={token}", json={"_model": "stock.quant", "_id": 9, "product_id": 42})
    by_header = anonymous.client.post("/webhook", json=STOCK | {"qty": 8}, headers={"Authorization": f"Bearer {token}"})
    assert [a.status_code for a in (by_body, by_url, by_header)] == [202] * 3
    rows = {row.id: row for row in jobs_of(world)}
    assert rows[by_body.json["job"]].hint == {"qty": "8"}, "a second notice brings the newer hint"
    assert by_header.json["job"] == by_body.json["job"] == by_url.json["job"], "a burst about one product is one job"
    assert {(row.store_id, row.entity, row.direction, row.source) for row in rows.values()} \
        == {(world.mine, "stock", "odoo_to_ps", "webhook")}
    assert all(row.due_at > row.created_at for row in rows.values()), "Odoo has not committed yet"


def test_a_webhook_against_the_direction_is_not_queued(world: World, anonymous: Browser) -> None:
    token = world.tokens(world.mine)["webhook"]
    answer = anonymous.client.post("/webhook", json={**STOCK, "token": token})
    assert answer.status_code == 202
    assert answer.json["accepted"] is False
    assert not jobs_of(world)


def test_a_webhook_about_something_unknown_is_noted_once_and_ignored(world: World, anonymous: Browser) -> None:
    enable_stock(world)
    token = world.tokens(world.mine)["webhook"]
    for _ in range(3):
        answer = anonymous.client.post(f"/webhook?token={token}", json=STOCK | {"odoo_id": 99})
        assert (answer.status_code, answer.json["accepted"]) == (202, False)
    assert not jobs_of(world)
    with world.db.read() as session:
        noted = [row.message for row in session.query(LogEntry) if "Webhook" in row.message]
    assert noted == ["Webhook: stock 99 of Odoo is not linked to the shop; ignored."]


def test_a_webhook_that_names_the_template_finds_its_variant(world: World, anonymous: Browser) -> None:
    enable_stock(world)
    token = world.tokens(world.mine)["webhook"]
    assert anonymous.client.post(f"/webhook?token={token}", json=STOCK | {"odoo_id": 7}).json["accepted"] is True
    assert [row.record for row in jobs_of(world)] == ["42"]


@pytest.mark.parametrize(("raw", "status", "field"), BAD, ids=[str(raw[:60]) for raw, _, _ in BAD])
def test_every_malformed_body_gets_its_reason_and_leaves_no_trace(world: World, anonymous: Browser, raw: bytes, status: int,
                                                                  field: str) -> None:
    enable_stock(world)
    before = log_length(world)
    answer = anonymous.client.post(f"/webhook?token={world.tokens(world.mine)['webhook']}", data=raw)
    expected = (413, None) if len(raw) > 64 * 1024 else (status, field)
    assert (answer.status_code, answer.json.get("field")) == expected
    assert answer.json["error"]
    assert not jobs_of(world)
    assert log_length(world) == before
    with world.db.read() as session:
        assert session.get(Heartbeat, f"webhook:{world.mine}") is None, "only a good body counts as a call"


def log_length(world: World) -> int:
    with world.db.read() as session:
        return session.query(LogEntry).count()


def test_malformed_webhooks_name_the_field_and_leave_no_trace(world: World, anonymous: Browser) -> None:
    enable_stock(world)
    token = world.tokens(world.mine)["webhook"]
    for body, status, field in [(b"{", 400, ""), (b"[]", 422, ""), (b"{}", 422, "entity"),
                                (json.dumps({**STOCK, "qty": -1}).encode(), 422, "qty")]:
        answer = anonymous.client.post(f"/webhook?token={token}", data=body)
        assert (answer.status_code, answer.json["field"]) == (status, field)
    for size in (70_000, 2_000_000):
        answer = anonymous.client.post("/webhook", json={**STOCK, "token": token, "pad": "x" * size})
        assert answer.status_code == (413 if size < 1_000_000 else 403)
        assert anonymous.client.post(f"/webhook?token={token}", data=b"x" * size).status_code == 413
    assert anonymous.get(f"/webhook?token={token}").status_code == 405
    assert not jobs_of(world)


def test_a_replaced_token_works_for_a_day(world: World, anonymous: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    old = world.tokens(world.mine)["cron"]
    with world.db.begin() as session:
        new = stores.rotate_token(session, session.get_one(Store, world.mine), "cron")
    assert anonymous.get(f"/cron?token={old}").status_code == 202
    assert anonymous.get(f"/cron?token={new}").status_code == 202
    later = portal_db.now() + timedelta(hours=25)
    monkeypatch.setattr(stores, "now", lambda: later)
    assert anonymous.get(f"/cron?token={old}").status_code == 403
    assert anonymous.get(f"/cron?token={new}").status_code == 202


def test_a_locked_database_asks_the_caller_to_come_again(world: World, anonymous: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.app.app_context():
        path = extensions.services().config.data_dir / "portal.sqlite3"
        engine = extensions.db.engine
    token = world.tokens(world.mine)["cron"]
    engine.dispose()
    monkeypatch.setattr(extensions, "BUSY_MILLISECONDS", 10)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        for answer in (anonymous.get(f"/cron?token={token}"), anonymous.get(f"/cron?token={'a' * 43}")):
            assert answer.status_code in (503, 403)
            assert "Traceback" not in answer.text
        answer = anonymous.get(f"/cron?token={token}")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.is_json
        assert anonymous.get("/healthz").status_code == 200, "reading goes on"
    finally:
        holder.close()
    assert anonymous.get(f"/cron?token={token}").status_code == 202


def test_what_was_stored_is_accepted_also_where_the_workers_cannot_be_told_now(world: World, anonymous: Browser, redis: Redis,
                                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> int:
        raise OperationalError("UPDATE", None, Exception("database is locked"))

    enable_stock(world)
    with world.app.app_context():
        extensions.services().redis = redis
    monkeypatch.setattr("portal.sync.services.dispatch", busy)
    answer = anonymous.client.post("/webhook", json=STOCK | {"token": world.tokens(world.mine)["webhook"]})
    assert answer.status_code == 202
    assert [row.id for row in jobs_of(world)] == [answer.json["job"]]


def test_a_missing_database_is_503_everywhere_and_never_500(world: World, anonymous: Browser) -> None:
    with world.app.app_context():
        engine = extensions.db.engine
    token = world.tokens(world.mine)["cron"]
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE token RENAME TO gone")
        connection.exec_driver_sql("ALTER TABLE store RENAME TO gone_too")
    for path in (f"/cron?token={token}", "/metrics"):
        answer = anonymous.get(path)
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
        assert answer.is_json
    assert anonymous.client.post("/webhook", json={**STOCK, "token": token}).status_code == 503


def test_keys_that_cannot_be_decrypted_are_503_with_the_remedy(world: World, anonymous: Browser) -> None:
    from portal import crypto

    token = world.tokens(world.mine)["cron"]
    crypto.use_keys(["another secret of this portal"])
    answer = anonymous.get(f"/cron?token={token}")
    assert answer.status_code == 503
    assert "PORTAL_SECRET_KEY" in answer.json["detail"]


def test_no_cookie_is_read_or_set(world: World, admin: Browser) -> None:
    token = world.tokens(world.mine)["webhook"]
    for answer in (admin.get("/cron?token=x"), admin.get("/healthz"), admin.get("/metrics"),
                   admin.client.post(f"/webhook?token={token}", json=STOCK), admin.client.post("/cron"), admin.get("/webhook/x")):
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")


def test_health_and_metrics_read_from_sql(world: World, anonymous: Browser) -> None:
    world.job(world.mine, "1", "dead")
    with world.db.begin() as session:
        session.add(Mapping(store_id=world.mine, target="x", entity="customer", shop_id="1", odoo_id=2))
        session.add(Circuit(store_id=world.mine, side="odoo", state="open"))
        session.add(Heartbeat(name="tick", kind="tick"))
    assert anonymous.get("/healthz").json == {"status": "ok"}
    page = anonymous.get("/metrics")
    assert page.content_type.startswith("text/plain")
    for line in ('portal_jobs{state="dead",store="Mine"} 1.0', 'portal_mappings{entity="customer",store="Mine"} 1.0',
                 'portal_circuit_stopped{side="odoo",state="open",store="Mine"} 1.0',
                 'portal_heartbeat_age_seconds{kind="tick"}'):
        assert line in page.text


def test_metrics_are_for_this_machine_or_a_token(world: World, anonymous: Browser) -> None:
    token = world.tokens(world.mine)["cron"]
    far = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert anonymous.get("/metrics", **far).status_code == 403
    assert anonymous.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    assert anonymous.get("/metrics", headers={"Authorization": f"Bearer {token}"}, **far).status_code == 200


def test_nothing_inbound_writes_a_token_anywhere(world: World, anonymous: Browser, caplog: pytest.LogCaptureFixture) -> None:
    tokens = world.tokens(world.mine)
    anonymous.get(f"/cron?token={tokens['cron']}")
    anonymous.client.post("/webhook", json={**STOCK, "token": tokens["webhook"]})
    with world.db.read() as session:
        shown = " ".join(row.message for row in session.query(LogEntry)) + caplog.text
        assert session.query(Token).count() == 6
    assert not any(token in shown for token in tokens.values())


def test_a_flood_of_wrong_tokens_does_not_shut_out_the_right_one(world: World) -> None:
    client, tokens = world.app.test_client(), world.tokens(world.mine)
    change = {"entity": "stock", "odoo_id": 1, "qty": 1}
    for number in range(300):
        assert client.post("/cron", headers={"Authorization": f"Bearer {number:043}"}).status_code == 403
        assert client.post("/webhook", json={"token": f"{number:043}", **change}).status_code == 403
    assert client.post("/cron", headers={"Authorization": f"Bearer {tokens['cron']}"}).status_code == 202
    assert client.post("/webhook", json={"token": tokens["webhook"], **change}).status_code == 202
