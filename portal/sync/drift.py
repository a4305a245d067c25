"""The drift report: both sides compared in batches, on demand and every night. It only reads; a repair is a job like any other.

What is on its way is no drift and is left out. A finding keeps the time since when it is known; one that is not seen again by a
later run is closed. A run stops where a side cannot be called and goes on from its cursor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import String, cast, func, select, update
from sqlalchemy.orm import Session

from portal.clients.errors import RemoteError
from portal.db import now
from portal.logs import without_secrets
from portal.models import Drift, DriftRun, Store
from portal.settings import SettingError, allowed
from portal.sync import circuit, drift_orders, drift_products, drift_stock, log
from portal.sync.findings import Page
from portal.sync.services import Services

SECONDS = 120.0
CHECKS: dict[str, Callable[[Services, Store, int], Page]] = {
    "order": drift_orders.page, "product": drift_products.page, "stock": drift_stock.page}
"""By entity: one page behind a cursor."""


def start(session: Session, store: Store, actor: str = "") -> DriftRun:
    """Begin a comparison, or go on with the one that is running. Raises `SettingError` where nothing travels."""
    running = session.scalars(select(DriftRun).where(DriftRun.store_id == store.id, DriftRun.state == "reading")).first()
    if running is not None:
        return running
    steps = [name for name in CHECKS if any(allowed(store.settings, name, way) for way in ("ps_to_odoo", "odoo_to_ps"))]
    if not steps:
        raise SettingError("drift: neither orders nor products nor stock travel, so there is nothing to compare.")
    session.execute(update(Drift).where(Drift.store_id == store.id, Drift.entity.not_in(steps), Drift.state != "closed")
                    .values(state="closed", changed_at=now()).execution_options(synchronize_session=False))
    run = DriftRun(store_id=store.id, steps=steps, cursor=[0, 0], actor=actor)
    session.add(run)
    session.flush()
    log.write(session, store.id, "Shop and Odoo are being compared.", actor=actor)
    return run


def latest(session: Session, store_id: int) -> DriftRun | None:
    """The newest comparison of a store."""
    return session.scalars(select(DriftRun).where(DriftRun.store_id == store_id).order_by(DriftRun.id.desc()).limit(1)).first()


def begin_nightly(session: Session) -> list[int]:
    """Start the comparison of every enabled store whose hour has come; every run that is to go on."""
    for store in session.scalars(select(Store).order_by(Store.id)):
        if store.settings["enabled"] and store.settings["drift_nightly"] and _is_due(session, store):
            try:
                start(session, store)
            except SettingError:
                continue
    return list(session.scalars(select(DriftRun.id).where(DriftRun.state == "reading").order_by(DriftRun.id)))


def walk(services: Services, run_id: int, *, seconds: float = SECONDS) -> None:
    """Go on with a comparison until it ends, its time is over, or a side cannot be called; `tick` takes it up again then."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with services.db.read() as session:
            run = session.get(DriftRun, run_id)
            store = session.get(Store, run.store_id) if run else None
            if run is None or store is None or run.state != "reading" or circuit.trouble(session, store.id):
                return
        step, after = run.cursor
        try:
            page = CHECKS[run.steps[step]](services, store, after)
        except RemoteError as error:
            with services.db.begin() as session:
                circuit.record_failure(session, store, error)
                current = session.get(DriftRun, run_id)
                if current is not None:
                    current.message = without_secrets(error.message)
            return
        with services.db.begin() as session:
            _keep(session, run, page)


def _keep(session: Session, run: DriftRun, page: Page) -> None:
    """What a page found and the new cursor, unless another process was quicker."""
    current = session.get(DriftRun, run.id, with_for_update=True)
    if current is None or current.state != "reading" or current.cursor != run.cursor:
        return
    step = run.cursor[0]
    entity = run.steps[step]
    page.keep(session, current.store_id, run.id, entity)
    current.cursor = [step + 1, 0] if page.ended else [step, page.after]
    current.looked += page.looked
    current.updated_at, current.message = now(), ""
    if page.ended:
        session.execute(update(Drift).where(Drift.store_id == run.store_id, Drift.entity == entity, Drift.run_id != run.id,
                                            Drift.state != "closed")
                        .values(state="closed", changed_at=now()).execution_options(synchronize_session=False))
    if current.cursor[0] == len(current.steps):
        current.state = "finished"
        found = sum(counts(session, run.store_id).values())
        words = f"{found:,} differences" if found != 1 else "1 difference"
        log.write(session, run.store_id, f"Shop and Odoo were compared: {current.looked:,} records, {words}.", actor=run.actor,
                  level="warning" if found else "info")


def counts(session: Session, store_id: int) -> dict[tuple[str, str], int]:
    """Findings that are not closed, by entity and kind."""
    rows = session.execute(select(Drift.entity, Drift.kind, func.count()).where(
        Drift.store_id == store_id, Drift.state.in_(("open", "asked"))).group_by(Drift.entity, Drift.kind))
    return {(entity, kind): n for entity, kind, n in rows}


def listed(session: Session, store_id: int, *, entity: str = "", kind: str = "", after: int = 0, limit: int = 50) -> list[Drift]:
    """A page of findings that are not closed."""
    query = select(Drift).where(Drift.store_id == store_id, Drift.state.in_(("open", "asked")), Drift.id > after)
    query = query.where(Drift.entity == entity) if entity else query
    query = query.where(Drift.kind == kind) if kind else query
    return list(session.scalars(query.order_by(Drift.id).limit(limit)))


def repairable(session: Session, store_id: int, *, entity: str = "", kind: str = "") -> int:
    """How many findings a repair can be asked for."""
    query = select(func.count()).select_from(Drift).where(
        Drift.store_id == store_id, Drift.state == "open", func.coalesce(cast(Drift.repair, String), "null") != "null")
    query = query.where(Drift.entity == entity) if entity else query
    query = query.where(Drift.kind == kind) if kind else query
    return session.scalar(query) or 0


def _is_due(session: Session, store: Store) -> bool:
    """Whether the chosen hour, in the shop's time, has come since the last comparison (and since the store exists)."""
    try:
        zone = ZoneInfo(str((store.shop_profile or {}).get("timezone") or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    local = now().astimezone(zone)
    moment = local.replace(hour=int(store.settings["drift_hour"]), minute=0, second=0, microsecond=0)
    moment = (moment if moment <= local else moment - timedelta(days=1)).astimezone(UTC)
    last = latest(session, store.id)
    return store.created_at < moment and (last is None or last.created_at < moment)


def facts(row: Drift) -> dict[str, object]:
    """One finding as plain facts."""
    return {"id": row.id, "entity": row.entity, "kind": row.kind, "record": row.record, "odoo_id": row.odoo_id, "name": row.title,
            "shop": row.shop_says, "odoo": row.odoo_says, "since": row.since.isoformat(timespec="seconds"), "state": row.state,
            "repair": row.repair["direction"] if row.repair else None, "why_not": row.why_not}
