"""Records that bounce: something else, such as another connector or an automation, answers each of our writes with another value.

What travels both ways could go to and fro for ever then. So what is about to be written is noted, and a record whose value has to
go to shop and Odoo in turn as often as the store's settings name is *frozen*: its changes are noticed and wait, and nothing of it
is written until a person thaws it. People do not edit one field on two sides in turn that often; two edits on one side in a row
begin the count anew. Quantities move all day on both sides without anybody's fault, so of stock only those count that come back to
the same two numbers.

Orders cannot bounce: the shop is told of each state once, and never of one that it has passed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from portal.db import Database, now
from portal.entities.product import field_of
from portal.models import Bounce, Store, SyncJob
from portal.sync import jobs, log
from portal.sync.work import Work

WINDOW = timedelta(hours=1)
"""In which the writes lie; longer where changes are found by asking only, and so each answer takes its time."""
CAUSE = "portal:bounces"
REMEDY = ("Find out what changes it: another connector, an automation in Odoo, a module of the shop. Then thaw the record, and "
          "what was changed meanwhile goes on.")
BY_SAME_VALUES = ("stock",)
_FEWEST = 4
"""With less an ordinary correction would freeze a record."""

Writes = list[list[Any]]


@dataclass(frozen=True)
class Planned:
    """What is about to be written of a record, by field."""

    job: SyncJob
    record: str
    odoo_id: int
    to_shop: Mapping[str, Any]
    to_odoo: Mapping[str, Any]


class Bounces(Exception):
    """The write would go on with what goes to and fro: it is not made, and the record is frozen."""

    def __init__(self, record: str, message: str) -> None:
        super().__init__(message)
        self.record = record
        self.message = message


def begin(work: Work, entity: str, planned: Iterable[Planned]) -> None:
    """Note these writes before they are made. The jobs of records that bounce are reported, and what they planned is not noted."""
    acting = {one.record: one for one in planned if one.to_shop or one.to_odoo}
    limit = int(work.store.settings["bounce_limit"])
    if not acting or not limit or work.dry_run:
        return
    limit = max(limit, _FEWEST)
    oldest = (now() - _window(work.store, limit)).timestamp()
    with work.services.db.begin() as session:
        known = {row.record: row for row in _rows(session, work.store, entity, acting)}
        for one in acting.values():
            row = known.get(one.record)
            before = [write for write in row.writes if write[0] >= oldest] if row is not None else []
            writes = noted(before, one)
            to_and_fro = sorted({field_of(name.partition(" of ")[0]) for name in _fields(one)
                                 if turns(writes, name, same=entity in BY_SAME_VALUES) >= limit})
            if to_and_fro:
                work.failed(one.job, Bounces(one.record, f"The {', '.join(to_and_fro)} went to and fro between shop and Odoo: "
                                                         "something changes it again after each write."))
                continue
            if row is None:
                row = Bounce(store_id=work.store.id, target=work.store.target, entity=entity, record=one.record)
                session.add(row)
            row.odoo_id, row.writes, row.updated_at = one.odoo_id, writes, now()


def noted(before: Writes, one: Planned) -> Writes:
    """The writes with those that are planned. One that is made again, since its answer was lost, counts once."""
    writes = list(before)
    for side, values in (("shop", one.to_shop), ("odoo", one.to_odoo)):
        fresh = {name: digest for name, value in values.items()
                 if _newest(before, name) != (side, digest := _digest(value))}
        if fresh:
            writes.append([round(now().timestamp()), side, fresh])
    return writes


def turns(writes: Sequence[Sequence[Any]], name: str, *, same: bool = False) -> int:
    """How many of the newest writes of this field went to the two sides in turn; with `same`, with the same value on each."""
    run: list[tuple[str, str]] = []
    for _, side, values in reversed(writes):
        if name not in values:
            continue
        again = len(run) < 2 or run[-2] == (side, values[name])
        if run and (run[-1][0] == side or (same and not again)):
            break
        run.append((side, values[name]))
    return len(run)


def freeze(session: Session, store: Store, row: SyncJob, error: Bounces) -> None:
    """The record is frozen from now on; its job waits."""
    for bounce in _rows(session, store, row.entity, [error.record]):
        bounce.frozen_at, bounce.reason = now(), error.message[:255]
    log.write(session, store.id, f"{row.entity.capitalize()} {error.record} is frozen. {error.message}", level="warning",
              entity=row.entity, record=error.record, direction=row.direction, job_id=row.id)
    jobs.freeze(session, row, _why(error.message))


def hold(session: Session, store: Store, rows: Sequence[SyncJob]) -> list[SyncJob]:
    """Those of these claimed rows whose record is not frozen; the others wait."""
    if not rows:
        return []
    found = list(session.scalars(_frozen(store).where(Bounce.entity == rows[0].entity)))
    by_side = {"ps_to_odoo": {bounce.record: bounce for bounce in found},
               "odoo_to_ps": {str(bounce.odoo_id): bounce for bounce in found}}
    free = []
    for row in rows:
        bounce = by_side[row.direction].get(row.record)
        if bounce is None:
            free.append(row)
        else:
            jobs.freeze(session, row, _why(bounce.reason))
    return free


def thaw(session: Session, store: Store, entity: str, record: str, actor: str) -> bool:
    """What waits of a frozen record goes on, and the count begins anew. False if it is not frozen."""
    bounce = session.scalars(_frozen(store).where(Bounce.entity == entity, Bounce.record == record).with_for_update()).first()
    if bounce is None:
        return False
    bounce.frozen_at, bounce.reason, bounce.writes, bounce.updated_at = None, "", [], now()
    jobs.thaw(session, store.id, entity, {"ps_to_odoo": record, "odoo_to_ps": str(bounce.odoo_id)}, CAUSE, f"thawed by {actor}")
    log.write(session, store.id, f"{entity.capitalize()} {record} was thawed.", entity=entity, record=record, actor=actor)
    return True


def thaw_all(db: Database, store: Store, actor: str) -> int:
    """Every frozen record goes on, some hundreds in a transaction; how many."""
    done = 0
    while True:
        with db.begin() as session:
            rows = listed(session, store, limit=200)
            done += sum(thaw(session, store, row.entity, row.record, actor) for row in rows)
        if not rows:
            return done


def listed(session: Session, store: Store, limit: int | None = None) -> list[Bounce]:
    """The frozen records, the longest frozen first."""
    return list(session.scalars(_frozen(store).order_by(Bounce.frozen_at, Bounce.id).limit(limit)))


def of_record(session: Session, store: Store, entity: str, record: str) -> Bounce | None:
    """Why a record is frozen; None where it is not. A combination is frozen with its product."""
    name, number = ("product", record.partition(":")[0]) if entity == "combination" else (entity, record)
    return session.scalars(_frozen(store).where(Bounce.entity == name, Bounce.record == number)).first()


def count(session: Session, store: Store) -> int:
    """How many records are frozen."""
    return session.scalar(_frozen(store).with_only_columns(func.count())) or 0


def prune(session: Session) -> None:
    """Forget what was written too long ago to count."""
    session.execute(delete(Bounce).where(Bounce.frozen_at.is_(None), Bounce.updated_at < now() - timedelta(days=30))
                    .execution_options(synchronize_session=False))


def _why(reason: str) -> jobs.Failure:
    return jobs.Failure(reason, CAUSE, REMEDY)


def _window(store: Store, limit: int) -> timedelta:
    return max(WINDOW, timedelta(minutes=2 * limit * int(store.settings["poll_minutes"])))


def _newest(writes: Writes, name: str) -> tuple[str, str] | None:
    return next(((side, values[name]) for _, side, values in reversed(writes) if name in values), None)


def _fields(one: Planned) -> set[str]:
    return {*one.to_shop, *one.to_odoo}


def _digest(value: Any) -> str:
    return hashlib.blake2s(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=6).hexdigest()


def _rows(session: Session, store: Store, entity: str, records: Collection[str]) -> list[Bounce]:
    wanted = list(records)
    return [row for start in range(0, len(wanted), 500) for row in session.scalars(select(Bounce).where(
        *_of(store), Bounce.entity == entity, Bounce.record.in_(wanted[start:start + 500])))]


def _frozen(store: Store) -> Any:
    return select(Bounce).where(*_of(store), Bounce.frozen_at.is_not(None))


def _of(store: Store) -> tuple[ColumnElement[bool], ...]:
    """Of the Odoo database of now."""
    return Bounce.store_id == store.id, Bounce.target == store.target
