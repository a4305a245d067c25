"""Fills an empty database with what years of a busy shop leave behind, by SQL that makes its own rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import now
from portal.models import InitialRun, Store

CHUNK = 10_000
ENTITY = "CASE {i} % 4 WHEN 0 THEN 'customer' WHEN 1 THEN 'product' WHEN 2 THEN 'stock' ELSE 'order' END"
STATE = ("CASE WHEN {i} % 100 < 5 THEN 'dead' WHEN {i} % 100 < 8 THEN 'error' WHEN {i} % 100 < 10 THEN 'pending' "
         "ELSE 'synced' END")
SIDES = ('{{"shop_excl": "10.00", "shop_tax_amount": "2.00", "shop_incl": "12.00", "odoo_excl": "10.00",'
         ' "odoo_tax_amount": "2.01", '
         '"odoo_incl": "12.01", "off": "0.01"}}')
LEDGER = ('\'{{"reference": "ABC", "odoo_name": "S001", "odoo_id": 7, "currency": "EUR", "rows": [], "sum": '
          + SIDES + ', "total": '
          + SIDES + ', "foreseen": false, "tolerance": "0.00", "notes": []}}\'')
WORDS = "CASE {i} % 7 WHEN 0 THEN 'was created in Odoo.' WHEN 1 THEN 'was changed: price.' ELSE 'is equal on both sides.' END"


def fill(session: Session, store: Store, *, jobs: int, log: int) -> None:
    """So many changes with their timelines and links, so many log entries, and a twentieth of each other kind of row."""
    runs = [InitialRun(store_id=store.id, entity=entity, state="queued", noticed=jobs // 4)
            for entity in ("customer", "product", "stock", "order")]
    session.add_all(runs)
    session.flush()
    run = "CASE {i} % 4 " + " ".join(f"WHEN {n} THEN {row.id}" for n, row in enumerate(runs)) + " END"
    _jobs(session, store, jobs, run)
    _links(session, store, jobs)
    _reports(session, store, jobs // 20)
    _log(session, store, log)


def _jobs(session: Session, store: Store, number: int, run: str) -> None:
    at = now() - timedelta(days=1)
    for start in range(0, number, CHUNK):
        _insert(session, "sync_job", start, min(CHUNK, number - start), {
            "id": "{i}", "store_id": ":store", "entity": ENTITY, "direction": "'ps_to_odoo'", "record": "CAST({i} AS VARCHAR(20))",
            "state": STATE,
            "version": "1", "rehearsed": "0", "bulk": "TRUE", "source": "'initial'", "attempts": "{i} % 6",
            "deferrals": "0", "lost_leases": "0", "uncertain": "FALSE", "due_at": ":at", "created_at": ":at", "updated_at": ":at",
            "finished_at": ":at", "cause": "'odoo:validation:' || ({i} % 300)",
            "message": "'Odoo refused the value ' || ({i} % 300)",
            "remedy": "'Correct it in the shop.'", "detail": "'ValidationError'", "run_id": run}, store=store.id, at=at)
        for kind, more in (("queued", 0), ("started", 1), ("synced", 2)):
            _insert(session, "job_event", start, min(CHUNK, number - start), {
                "id": f"{{i}} * 3 + {more}", "job_id": "{i}", "at": ":at", "kind": f"'{kind}'",
                "message": "'noticed (hook)'"}, at=at)


def _links(session: Session, store: Store, number: int) -> None:
    json = ("'{{\"reference\": \"REF' || {i} || '\", \"email\": \"buyer' || {i} || '@example.com\""
            ", \"name\": \"Record ' || {i} || '\"}}'")
    for start in range(0, number, CHUNK):
        _insert(session, "mapping", start, min(CHUNK, number - start), {
            "id": "{i}", "store_id": ":store", "target": ":target", "entity": ENTITY, "shop_id": "CAST({i} AS VARCHAR(20))",
            "odoo_id": "{i} + 7", "base": _json(session, json), "data": _json(session, "'{{}}'"), "created_at": ":at",
            "updated_at": ":at"}, store=store.id, target=store.target, at=now())
        _insert(session, "search_word", start, min(CHUNK, number - start), {
            "store_id": ":store", "word": "'ref' || {i}", "entity": ENTITY, "record": "CAST({i} AS VARCHAR(20))"}, store=store.id)


def _reports(session: Session, store: Store, number: int) -> None:
    common = {"id": "{i}", "store_id": ":store"}
    values = {"store": store.id, "target": store.target, "at": now()}
    _insert(session, "rehearsed", 0, number, common | {
        "entity": ENTITY, "direction": "'ps_to_odoo'", "record": "CAST({i} AS VARCHAR(20))",
        "kind": "CASE {i} % 4 WHEN 0 THEN 'create' WHEN 1 THEN 'link' WHEN 2 THEN 'change' ELSE 'refused' END",
        "title": "'Record ' || {i}", "message": "'would be written'", "remedy": "''", "changes": _json(session, "'[]'"),
        "at": ":at"}, **values)
    _insert(session, "rehearsal_key", 0, number, common | {
        "source": "'customer'", "what": "'email'", "value": "'twin' || ({i} / 2) || '@example.com'",
        "record": "CAST({i} AS VARCHAR(20))"}, **values)
    _insert(session, "drift", 0, number, common | {
        "entity": "CASE {i} % 2 WHEN 0 THEN 'product' ELSE 'order' END",
        "kind": "CASE {i} % 2 WHEN 0 THEN 'price' ELSE 'total' END",
        "record": "CAST({i} AS VARCHAR(20))", "title": "'Record ' || {i}", "shop_says": "'10.00'", "odoo_says": "'11.00'",
        "repair": _json(session, "'{{\"direction\": \"ps_to_odoo\", \"record\": \"1\", \"base\": {{}}}}'"), "why_not": "''",
        "state": "'open'", "since": ":at", "run_id": "1", "changed_at": ":at"}, **values)
    _insert(session, "conflict", 0, number, common | {
        "target": ":target", "entity": "'product'", "shop_id": "CAST({i} AS VARCHAR(20))", "field": "'price'",
        "base": _json(session, "'\"1.00\"'"), "shop_value": _json(session, "'\"2.00\"'"),
        "odoo_value": _json(session, "'\"3.00\"'"), "winner": "'odoo'", "state": "'open'", "written": "TRUE",
        "at": ":at"}, **values)
    _insert(session, "order_ledger", 0, number, common | {
        "target": ":target", "record": "CAST({i} AS VARCHAR(20))", "verdict": "CASE {i} % 10 WHEN 0 THEN 'held' ELSE 'equal' END",
        "cause": "CASE {i} % 10 WHEN 0 THEN 'total' ELSE '' END", "reason": "'The totals differ.'",
        "content": _json(session, LEDGER), "at": ":at"}, **values)


def _log(session: Session, store: Store, number: int) -> None:
    first = now() - timedelta(days=365)
    for start in range(0, number, CHUNK):
        _insert(session, "log_entry", start, min(CHUNK, number - start), {
            "store_id": ":store", "at": ":at", "level": "CASE WHEN {i} % 1000 = 0 THEN 'error' ELSE 'info' END",
            "entity": ENTITY, "record": "CAST({i} % 50000 AS VARCHAR(20))", "direction": "'ps_to_odoo'", "dry_run": "FALSE",
            "actor": "CASE WHEN {i} % 5000 = 0 THEN 'admin@example.com' ELSE '' END",
            "message": f"'Record ' || ({{i}} % 50000) || ' ' || {WORDS}"},
            store=store.id, at=first + timedelta(days=365) * (start / number))


def _json(session: Session, text_: str) -> str:
    return f"CAST({text_} AS JSON)" if session.get_bind().dialect.name == "postgresql" else text_


def _insert(session: Session, table: str, start: int, number: int, columns: dict[str, str], **values: Any) -> None:
    """INSERT ... SELECT over the numbers from start + 1; `{i}` in a column stands for the number."""
    if "at" in values:
        values["at"] = values["at"].replace(tzinfo=None)
        if session.get_bind().dialect.name == "sqlite":
            values["at"] = values["at"].strftime("%Y-%m-%d %H:%M:%S.%f")
        else:
            columns = {name: what.replace(":at", "CAST(:at AS TIMESTAMP)") for name, what in columns.items()}
    picked = ", ".join(what.replace("{{", "\0").replace("}}", "\1").replace("{i}", "n.i").replace("\0", "{").replace("\1", "}")
                       for what in columns.values())
    session.execute(text(f"INSERT INTO {table} ({', '.join(columns)}) WITH RECURSIVE n(i) AS (SELECT {start + 1} UNION ALL "
                         f"SELECT i + 1 FROM n WHERE i < {start + number}) SELECT {picked} FROM n"), values)
