"""Endpoints for callers from outside: cron, webhook, the shop's hooks, health and metrics.

No cookie is read or set here. Without a valid token the answer is 403, whatever else is wrong; then 405, 413, 400 or 422; never
500. What is accepted is in SQL before the answer; nothing here waits for Odoo, the shop or a worker.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal.db import now
from portal.extensions import reading, services, writing
from portal.models import Store
from portal.sync import hooks, jobs, stores
from portal.sync import webhook as incoming
from portal.sync.hook_message import SIGNATURE_HEADER, STORE_HEADER, TIME_HEADER, Refused
from portal.web import bodies, metrics
from portal.web.wake import wake

pages = Blueprint("inbound", __name__)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Taken by every endpoint with a token, so that who has none learns nothing of the method either."""
LARGEST_READ = 1024 * 1024
SIGNED_BY = (STORE_HEADER, TIME_HEADER, SIGNATURE_HEADER)
_NO_TOKEN = "A valid token is needed. Copy the address again from the store's Endpoints."  # noqa: S105


@pages.before_request
def _read_body_ourselves() -> None:
    request.max_content_length = 2**40


@pages.route("/cron", methods=METHODS, provide_automatic_options=False)
def cron() -> ResponseReturnValue:
    """Have the due work done; answers at once with the counts."""
    store = _store("cron", None)
    if request.method not in ("GET", "HEAD", "POST"):
        abort(405, valid_methods=["GET", "POST"])
    with writing() as session:
        row = session.get_one(Store, store.id)
        row.cron_at = now()
        counts = jobs.counts(session, row.id)
        name, enabled = row.name, row.settings["enabled"]
    return jsonify(store=name, enabled=enabled, queue=counts, started=wake()), 202


@pages.route("/webhook", methods=METHODS, provide_automatic_options=False)
def webhook() -> ResponseReturnValue:
    """Take note of a change in Odoo."""
    raw = request.stream.read(LARGEST_READ)
    store = _store("webhook", raw)
    if request.method != "POST":
        abort(405, valid_methods=["POST"])
    if len(raw) > bodies.LARGEST:
        return jsonify(error="The body is too large.", detail=f"At most {bodies.LARGEST:,} bytes."), 413
    try:
        notes = incoming.parse(bodies.read_object(raw))
    except incoming.BodyError as error:
        return jsonify(error=error.message, field=error.field), error.status
    with writing() as session:
        facts = incoming.accept(session, session.get_one(Store, store.id), notes)
    if facts["accepted"]:
        services().kick_soon()
    return jsonify(facts), 202


@pages.route("/hooks/prestashop", methods=METHODS, provide_automatic_options=False)
def shop_hook() -> ResponseReturnValue:
    """Take what the shop's module reports. It signs what it sends; 403 for everybody else."""
    raw = request.stream.read(LARGEST_READ)
    try:
        signed = hooks.check(reading(), {name: request.headers.get(name, "") for name in SIGNED_BY}, raw)
        with writing() as session:
            facts = hooks.take(session, signed)
    except Refused as error:
        return jsonify(error=error.message, field=error.field), error.status
    services().kick_soon()
    return jsonify(facts), 202


@pages.get("/healthz")
def healthz() -> ResponseReturnValue:
    """200 while the database answers."""
    reading().execute(text("SELECT 1"))
    return jsonify(status="ok")


@pages.get("/metrics", endpoint="metrics")
def prometheus() -> ResponseReturnValue:
    """Numbers for Prometheus; for this machine, or with a cron token as Bearer."""
    direct = request.remote_addr in ("127.0.0.1", "::1") and not _forwarded()
    if not direct and stores.find_store_by_token(reading(), "cron", _bearer()) is None:
        abort(403, _NO_TOKEN)
    return Response(metrics.text(reading()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _store(kind: str, raw: bytes | None) -> Store:
    """The store of the caller's token: from the header, the address or, for webhooks, the body."""
    for token in (_bearer(), request.args.get("token"), None if raw is None else bodies.token_of(raw)):
        store = stores.find_store_by_token(reading(), kind, token)
        if store is not None:
            return store
    abort(403, _NO_TOKEN)


def _bearer() -> str | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else request.headers.get("X-Cron-Token")


def _forwarded() -> bool:
    return any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP"))
