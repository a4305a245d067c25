"""Initial sync: walk the ids of the shop page by page, with a checkpoint after each, and make a job of every record.

The walk notices; the queue does the work. A walk that was interrupted goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal import settings as store_settings
from portal.clients.errors import RemoteError
from portal.clients.prestashop import Shop
from portal.db import now
from portal.entities import registry, stock
from portal.logs import without_secrets
from portal.models import InitialRun, Store, SyncJob
from portal.settings import SettingError
from portal.sync import circuit, jobs, log
from portal.sync.services import Services

PAGE = 1000


def start(session: Session, store: Store, entity: str, actor: str = "") -> InitialRun:
    """Begin, or go on with, the initial sync of an entity. Raises `SettingError` where its direction excludes it."""
    if not store_settings.allowed(store.settings, entity, "ps_to_odoo"):
        label = registry.by_name(entity).settings_key
        raise SettingError(f"{label}: switched off or not going from the shop to Odoo. Change it in the settings first.")
    running = session.scalars(select(InitialRun).where(InitialRun.store_id == store.id, InitialRun.entity == entity,
                                                       InitialRun.state == "reading")).first()
    if running is not None:
        return running
    run = InitialRun(store_id=store.id, entity=entity)
    session.add(run)
    session.flush()
    log.write(session, store.id, f"Initial sync of {registry.by_name(entity).label.lower()} was started.", actor=actor,
              entity=entity)
    return run


def walk(services: Services, run_id: int, *, after_page: Callable[[], object] = lambda: None) -> None:
    """Read the shop's ids from the checkpoint on until the end; each page is one transaction.

    `after_page` is called after each, so that work starts while the walk goes on. Trouble of the shop stops the walk where it
    is; `tick` takes it up again.
    """
    while True:
        with services.db.read() as session:
            run = session.get(InitialRun, run_id)
            store = session.get(Store, run.store_id) if run else None
            if run is None or store is None or run.state != "reading" or not store.settings["enabled"] \
                    or circuit.trouble(session, store.id):
                return
        entity = registry.by_name(run.entity)
        try:
            records, cursor = _page(services.shop(store), entity.name, entity.resource, int(run.cursor))
        except RemoteError as error:
            with services.db.begin() as session:
                circuit.record_failure(session, store, error)
                session.execute(update(InitialRun).where(InitialRun.id == run_id).values(message=without_secrets(error.message)))
            return
        with services.db.begin() as session:
            current = session.get(InitialRun, run_id, with_for_update=True)
            if current is None or current.state != "reading" or current.cursor != run.cursor:
                return
            jobs.notice_many(session, store, run.entity, "ps_to_odoo", records, source="initial", run_id=run_id)
            current.noticed += len(records)
            current.updated_at = now()
            current.message = ""
            current.cursor = str(cursor)
            if len(records) < PAGE:
                current.state = "queued"
        after_page()


def _page(shop: Shop, entity: str, resource: str, cursor: int) -> tuple[list[str], int]:
    """The next record keys after the cursor, and the new cursor. Stock lines are keyed by product and combination."""
    if entity != "stock":
        ids = shop.ids(resource, after=cursor, limit=PAGE)
        return [str(i) for i in ids], ids[-1] if ids else cursor
    rows = shop.find(resource, {"id": f">[{cursor}]"}, ["id", "id_product", "id_product_attribute"], limit=PAGE)
    keys = [stock.record_key(int(row["id_product"]), int(row["id_product_attribute"])) for row in rows]
    return keys, int(rows[-1]["id"]) if rows else cursor


def cancel(session: Session, store: Store, entity: str, actor: str = "") -> int:
    """Stop a walk and discard what it noticed and did not send yet; the number of discarded changes."""
    runs = list(session.scalars(select(InitialRun).where(InitialRun.store_id == store.id, InitialRun.entity == entity,
                                                         InitialRun.state != "cancelled")))
    for run in runs:
        run.state = "cancelled"
    ids = list(session.scalars(select(SyncJob.id).where(
        SyncJob.run_id.in_([run.id for run in runs]), SyncJob.state.in_(("pending", "error", "blocked")), SyncJob.bulk)))
    return jobs.discard(session, store.id, ids, actor)


def progress(session: Session, store: Store) -> list[dict[str, Any]]:
    """The newest run of each entity in the order of the buttons: state, noticed, done, failed, waiting."""
    rows = []
    for entity in registry.ENTITIES:
        run = session.scalars(select(InitialRun).where(InitialRun.store_id == store.id, InitialRun.entity == entity.name)
                              .order_by(InitialRun.id.desc()).limit(1)).first()
        facts: dict[str, Any] = {"entity": entity.name, "label": entity.label, "state": "new", "noticed": 0, "done": 0,
                               "failed": 0, "waiting": 0, "message": "",
                               "allowed": store_settings.allowed(store.settings, entity.name, "ps_to_odoo")}
        if run is not None:
            states = {row.state: row.n for row in session.execute(
                select(SyncJob.state, func.count().label("n")).where(SyncJob.run_id == run.id).group_by(SyncJob.state))}
            waiting = sum(states.get(s, 0) for s in ("pending", "running", "blocked", "error"))
            facts |= {"noticed": run.noticed, "done": states.get("synced", 0), "failed": states.get("dead", 0),
                    "waiting": waiting, "message": run.message,
                    "state": run.state if run.state != "queued" or waiting else "finished"}
        rows.append(facts)
    return rows
