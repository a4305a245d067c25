"""What the command line and the pages say of a store, as plain facts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.config import Config
from portal.models import LogEntry, Store, SyncJob
from portal.sync import bounces, circuit, conflicts, echoes, jobs, stores

PATHS = {"cron": "/cron", "webhook": "/webhook", "hooks": "/hooks/prestashop"}


def store_facts(session: Session, store: Store, config: Config, *, secrets: bool = False) -> dict[str, Any]:
    """Addresses, settings and endpoints; with `secrets` also the tokens. Keys of the shop and of Odoo are never shown."""
    tokens = {kind: stores.token_value(session, store, kind) for kind in stores.TOKEN_KINDS} if secrets else {}
    endpoints = {kind: config.public_url + path + (f"?token={tokens[kind]}" if secrets and kind != "hooks" else "")
                 for kind, path in PATHS.items()}
    facts: dict[str, Any] = {
        "name": store.name, "prestashop_url": store.ps_url, "odoo_url": store.odoo_url, "odoo_db": store.odoo_db,
        "odoo_user": store.odoo_login, "settings": store.settings, "endpoints": endpoints,
        "prestashop_version": (store.shop_profile or {}).get("version"), "odoo_version": (store.odoo_profile or {}).get("version"),
    }
    return facts | ({"tokens": tokens} if secrets else {})


def status(session: Session, store: Store) -> dict[str, Any]:
    """The counters of a store and what keeps it from working."""
    return {"name": store.name, "enabled": store.settings["enabled"], "dry_run": store.settings["dry_run"],
            "queue": jobs.counts(session, store.id), "mappings": jobs.mapping_counts(session, store),
            "conflicts": conflicts.counts(session, store)["open"], "echoes": echoes.count(store),
            "frozen": bounces.count(session, store),
            "trouble": [{"side": c.side, "state": c.state, "reason": c.reason, "remedy": c.remedy, "since": c.since.isoformat()}
                        for c in circuit.trouble(session, store.id)]}


def job_facts(row: SyncJob) -> dict[str, Any]:
    """One job as a list shows it."""
    return {"id": row.id, "entity": row.entity, "direction": row.direction, "record": row.record, "state": row.state,
            "attempts": row.attempts, "cause": row.cause, "message": row.message, "remedy": row.remedy,
            "updated_at": row.updated_at.isoformat()}


def log_facts(session: Session, store_id: int, lines: int) -> list[dict[str, Any]]:
    """The newest log entries, newest last."""
    rows = session.scalars(select(LogEntry).where(LogEntry.store_id == store_id).order_by(LogEntry.id.desc()).limit(lines))
    return [{"at": row.at.isoformat(timespec="seconds"), "level": row.level, "entity": row.entity, "record": row.record,
             "job_id": row.job_id, "dry_run": row.dry_run, "actor": row.actor, "message": row.message}
            for row in reversed(list(rows))]
