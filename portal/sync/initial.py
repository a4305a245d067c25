"""Initial sync: walk the ids of a side page by page, with a checkpoint after each, and make a job of every record.

The side is the shop, but for products and stock that only travel from Odoo.

The walk notices; the queue does the work. A walk that was interrupted goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import settings as store_settings
from portal.clients.errors import RemoteError
from portal.db import now
from portal.entities import registry, stock
from portal.logs import without_secrets
from portal.models import InitialRun, Store
from portal.settings import SettingError
from portal.sync import circuit, initial_runs, jobs, known, log, poll
from portal.sync.services import Services

PAGE = 1000


def start(session: Session, store: Store, entity: str, actor: str = "") -> InitialRun:
    """Begin, or go on with, the initial sync of an entity. Raises `SettingError` where it does not travel."""
    if direction_of(store, entity) is None:
        raise SettingError(f"{registry.by_name(entity).settings_key}: switched off. Change it in the settings first.")
    initial_runs.resume(session, store, entity, actor)
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


def direction_of(store: Store, entity: str) -> store_settings.Direction | None:
    """The way an initial sync goes: from the shop where that is allowed, else from Odoo; None where neither is."""
    if store_settings.allowed(store.settings, entity, "ps_to_odoo"):
        return "ps_to_odoo"
    return "odoo_to_ps" if entity != "order" and store_settings.allowed(store.settings, entity, "odoo_to_ps") else None


def walk(services: Services, run_id: int, *, after_page: Callable[[], object] = lambda: None) -> None:
    """Read the side's ids from the checkpoint on until the end; each page is one transaction.

    `after_page` is called after each, so that work starts while the walk goes on. Trouble of a server stops the walk where it
    is; `tick` takes it up again.
    """
    while True:
        with services.db.read() as session:
            run = session.get(InitialRun, run_id)
            store = session.get(Store, run.store_id) if run else None
            if run is None or store is None or run.state != "reading" or run.paused_at or not store.settings["enabled"] \
                    or circuit.trouble(session, store.id):
                return
        direction = direction_of(store, run.entity) or "ps_to_odoo"
        try:
            if run.cursor == "0":
                poll.begin(services, store)
            records, cursor = (_page if direction == "ps_to_odoo" else _page_of_odoo)(services, store, run.entity, int(run.cursor))
        except RemoteError as error:
            with services.db.begin() as session:
                circuit.record_failure(session, store, error)
                session.execute(update(InitialRun).where(InitialRun.id == run_id).values(message=without_secrets(error.message)))
            return
        with services.db.begin() as session:
            current = session.get(InitialRun, run_id, with_for_update=True)
            if current is None or current.state != "reading" or current.cursor != run.cursor:
                return
            jobs.notice_many(session, store, run.entity, direction, records, source="initial", run_id=run_id)
            current.noticed += len(records)
            current.updated_at = now()
            current.message = ""
            current.cursor = str(cursor)
            if len(records) < PAGE:
                current.state = "queued"
        after_page()


def _page(services: Services, store: Store, entity: str, cursor: int) -> tuple[list[str], int]:
    """The next record keys after the cursor, and the new cursor. Stock lines are keyed by product and combination."""
    shop, resource = services.shop(store), registry.by_name(entity).resource
    if entity != "stock":
        ids = shop.ids(resource, after=cursor, limit=PAGE)
        return [str(i) for i in ids], ids[-1] if ids else cursor
    rows = shop.find(resource, {"id": f">[{cursor}]"}, ["id", "id_product", "id_product_attribute"], limit=PAGE)
    keys = [stock.record_key(int(row["id_product"]), int(row["id_product_attribute"])) for row in rows]
    return keys, int(rows[-1]["id"]) if rows else cursor


def _page_of_odoo(services: Services, store: Store, entity: str, cursor: int) -> tuple[list[str], int]:
    """The same for Odoo: templates that are for sale, and every linked variant."""
    if entity == "product":
        rows = services.odoo(store).search_read("product.template", [("sale_ok", "=", True), ("id", ">", cursor)], ["id"],
                                                order="id", limit=PAGE)
        ids = [int(row["id"]) for row in rows]
    else:
        with services.db.read() as session:
            ids = [number for number in known.all_variants(session, store) if number > cursor][:PAGE]
    return [str(number) for number in ids], ids[-1] if ids else cursor


def progress(session: Session, store: Store) -> list[initial_runs.Progress]:
    """The newest run of each entity in the order of the buttons."""
    return [initial_runs.of_entity(session, store, entity.name, allowed=direction_of(store, entity.name) is not None)
            for entity in registry.ENTITIES]
