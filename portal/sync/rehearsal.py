"""The rehearsal: a run over the whole shop that writes nothing to either side and says what would happen to each record.

The flows do their usual reading and comparing on jobs that exist only in memory, so the queue is not touched and the store may
be switched off. A batch at a time, with a checkpoint after each; what was found is in `rehearsed`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.clients.errors import Rejected, RemoteError
from portal.db import now
from portal.entities import registry, stock
from portal.entities.base import Invalid
from portal.logs import without_secrets
from portal.models import Mapping, Rehearsal, Rehearsed, Store, SyncJob
from portal.settings import SettingError, allowed
from portal.sync import circuit, duplicates, log, rehearsed, runner
from portal.sync.flows import flow_for
from portal.sync.services import Services
from portal.sync.work import Later, Outcome, Work

logger = logging.getLogger(__name__)

SECONDS = 120.0
"""After which a task stops for now, well within its time; the next tick goes on."""
BATCH = 100
KEYS = "keys"


def start(session: Session, store: Store, entities: Sequence[str], actor: str = "") -> Rehearsal:
    """Begin a rehearsal of these entities and drop what the last one said of them; an unfinished one is given up.

    Raises `SettingError` where the settings let none of them travel.
    """
    steps = _steps(store, entities)
    if not steps:
        raise SettingError("entities: the settings let none of them travel. Choose their directions in the settings first.")
    cancel(session, store.id)
    session.execute(delete(Rehearsed).where(Rehearsed.store_id == store.id, Rehearsed.entity.in_(list(entities)))
                    .execution_options(synchronize_session=False))
    duplicates.forget(session, store.id, [name for kind, name in steps if kind == KEYS])
    run = Rehearsal(store_id=store.id, steps=[list(step) for step in steps], cursor=[0, 0], actor=actor)
    session.add(run)
    session.flush()
    labels = ", ".join(registry.by_name(name).label.lower() for name in entities)
    log.write(session, store.id, f"Rehearsal of {labels} was started; nothing is written to either side.", actor=actor)
    return run


def cancel(session: Session, store_id: int, actor: str = "") -> bool:
    """Give up what is running; False where nothing was."""
    runs = list(session.scalars(select(Rehearsal).where(Rehearsal.store_id == store_id, Rehearsal.state == "reading")
                                .with_for_update()))
    for run in runs:
        run.state, run.updated_at = "cancelled", now()
    if runs and actor:
        log.write(session, store_id, "The rehearsal was stopped.", actor=actor)
    return bool(runs)


def latest(session: Session, store_id: int) -> Rehearsal | None:
    """The newest rehearsal of a store."""
    return session.scalars(select(Rehearsal).where(Rehearsal.store_id == store_id).order_by(Rehearsal.id.desc()).limit(1)).first()


def unfinished(session: Session) -> list[int]:
    """Runs that are to go on."""
    return list(session.scalars(select(Rehearsal.id).where(Rehearsal.state == "reading").order_by(Rehearsal.id)))


def walk(services: Services, run_id: int, *, seconds: float = SECONDS) -> None:
    """Go on with a rehearsal until it ends, its time is over, or a side cannot be called; `tick` takes it up again then."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with services.db.read() as session:
            run = session.get(Rehearsal, run_id)
            store = session.get(Store, run.store_id) if run else None
            if run is None or store is None or run.state != "reading" or circuit.trouble(session, store.id):
                return
        try:
            _batch(services, store, run)
        except RemoteError as error:
            with services.db.begin() as session:
                circuit.record_failure(session, store, error)
                current = session.get(Rehearsal, run_id)
                if current is not None:
                    current.message = without_secrets(error.message)
            return


def foresee(services: Services, store: Store, entity: str, direction: str, records: Sequence[str], *,
            source: str = "initial") -> list[Outcome]:
    """What a dry run of these records says. Raises `RemoteError` where a side cannot be asked."""
    if not records:
        return []
    rows = [SyncJob(id=number, store_id=store.id, entity=entity, direction=direction, record=record, source=source, version=1,
                    attempts=0, uncertain=False, bulk=True, lease="rehearsal") for number, record in enumerate(records, 1)]
    found: list[Outcome] = []
    work = Work(services, store, rows, save=lambda _, outcomes: found.extend(outcomes), dry_run=True)
    try:
        flow_for(entity, direction)(work)
    except (Rejected, Invalid) as error:
        for job in work.open:
            work.failed(job, error)
    work.save()
    for outcome in found:
        if isinstance(outcome.error, RemoteError) and not isinstance(outcome.error, Rejected):
            raise outcome.error
        if outcome.error is not None and not isinstance(outcome.error, (Rejected, Invalid, Later)):
            logger.error("rehearsal of %s %s", entity, outcome.job.record, exc_info=outcome.error)
    return found


def _batch(services: Services, store: Store, run: Rehearsal) -> None:
    """One page of one step, and in one transaction what it found and the new cursor."""
    step, after = run.cursor
    entity, direction = run.steps[step]
    keys: list[dict[str, object]] = []
    outcomes: list[Outcome] = []
    if entity == KEYS:
        keys, after, ended = duplicates.page(services, store, direction, after)
    else:
        records, after, ended = _page(services, store, entity, direction, after)
        outcomes = foresee(services, store, entity, direction, records)
    words = {o.job.id: (f.message, f.remedy) for o in outcomes if o.error is not None for f in [runner.explain(o.error)]}
    with services.db.begin() as session:
        current = session.get(Rehearsal, run.id, with_for_update=True)
        if current is None or current.state != "reading" or current.cursor != run.cursor:
            return
        rehearsed.keep(session, store, outcomes, words)
        duplicates.keep(session, keys)
        if ended and entity == KEYS:
            duplicates.only_duplicates(session, store.id, direction)
        current.cursor = [step + 1, 0] if ended else [step, after]
        current.looked += len(outcomes)
        current.updated_at, current.message = now(), ""
        if current.cursor[0] == len(current.steps):
            current.state = "finished"
            log.write(session, store.id, f"The rehearsal is finished: {current.looked:,} records were looked at.", actor=run.actor)


def _steps(store: Store, entities: Sequence[str]) -> list[tuple[str, str]]:
    """What has to be looked at. What travels both ways is compared from the shop's side; from Odoo's side only what is new."""
    steps = []
    for entity in registry.ENTITIES:
        if entity.name not in entities:
            continue
        if allowed(store.settings, entity.name, "ps_to_odoo"):
            steps.append((entity.name, "ps_to_odoo"))
        back = entity.name == "product" or (entity.name == "stock" and store.settings["stock"] == "odoo_to_ps")
        if back and allowed(store.settings, entity.name, "odoo_to_ps"):
            steps.append((entity.name, "odoo_to_ps"))
    chosen = {entity for entity, _ in steps}
    return steps + [(KEYS, name) for name, source in duplicates.SOURCES.items() if source.entity in chosen]


def _page(services: Services, store: Store, entity: str, direction: str, after: int) -> tuple[list[str], int, bool]:
    """The next record keys, the last id, and whether that was the end."""
    if direction == "odoo_to_ps":
        model, domain = ("product.template", [("sale_ok", "=", True)]) if entity == "product" else ("product.product", [])
        rows = services.odoo(store).search_read(model, [("id", ">", after), *domain], ["id"], order="id", limit=BATCH)
        ids = [int(row["id"]) for row in rows]
        records = _not_yet_seen(services, store, ids) if entity == "product" and store.settings["products"] == "both" else ids
        return [str(number) for number in records], ids[-1] if ids else after, len(ids) < BATCH
    resource = registry.by_name(entity).resource
    if entity == "stock":
        fields = ["id", "id_product", "id_product_attribute"]
        lines = services.shop(store).find(resource, {"id": f">[{after}]"}, fields, limit=BATCH)
        keys = [stock.record_key(int(row["id_product"]), int(row["id_product_attribute"] or 0)) for row in lines]
        return list(dict.fromkeys(keys)), int(lines[-1]["id"]) if lines else after, len(lines) < BATCH
    ids = services.shop(store).ids(resource, after=after, limit=BATCH)
    return [str(number) for number in ids], ids[-1] if ids else after, len(ids) < BATCH


def _not_yet_seen(services: Services, store: Store, ids: Sequence[int]) -> list[int]:
    """Templates that are neither linked nor were found for a product of the shop just now."""
    with services.db.read() as session:
        seen = set(session.scalars(select(Mapping.odoo_id).where(
            Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == "product", Mapping.odoo_id.in_(ids))))
        seen |= set(session.scalars(select(Rehearsed.odoo_id).where(
            Rehearsed.store_id == store.id, Rehearsed.entity == "product", Rehearsed.direction == "ps_to_odoo",
            Rehearsed.odoo_id.in_(ids))))
    return [number for number in ids if number not in seen]
