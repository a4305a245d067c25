"""What a comparison found, and how it is kept and repaired. SQL only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.db import now
from portal.models import WAITING, Drift, Mapping, Store, SyncJob
from portal.settings import Direction, allowed
from portal.sync import jobs, log

_CHUNK = 400
MASTERS: dict[str, str] = {"ps_to_odoo": "the shop", "odoo_to_ps": "Odoo"}


@dataclass(frozen=True)
class Repair:
    """A job that brings both sides in step. `base`: values to set in the mapping's base before, so that the job sees the
    difference; `reset`: forget the base (and what the shop was told of an order) altogether."""

    direction: Direction
    record: str
    base: dict[str, Any] = field(default_factory=dict)
    reset: bool = False


@dataclass(frozen=True)
class Finding:
    """One difference: what each side says of it, and the repair, or why there is none."""

    kind: str
    record: str
    title: str
    shop_says: str
    odoo_says: str
    odoo_id: int | None = None
    repair: Repair | None = None
    why_not: str = ""


@dataclass
class Page:
    """One batch of a comparison. `moving`: records with a change on its way, of which nothing is said."""

    findings: list[Finding] = field(default_factory=list)
    moving: Collection[str] = ()
    looked: int = 0
    after: int = 0
    ended: bool = False

    def keep(self, session: Session, store_id: int, run_id: int, entity: str) -> None:
        """Save the findings; those known already keep the time since when they are known."""
        mine = (Drift.store_id == store_id, Drift.entity == entity)
        for some in _chunks(list(self.moving)):
            session.execute(update(Drift).where(*mine, Drift.record.in_(some), Drift.state != "closed").values(run_id=run_id)
                            .execution_options(synchronize_session=False))
        known: dict[tuple[str, str], Drift] = {}
        for some in _chunks([one.record for one in self.findings]):
            known |= {(row.kind, row.record): row for row in session.scalars(select(Drift).where(*mine, Drift.record.in_(some)))}
        at = now()
        for one in self.findings:
            row = known.get((one.kind, one.record))
            if row is None:
                row = Drift(store_id=store_id, entity=entity, kind=one.kind, record=one.record, since=at, state="open")
                session.add(row)
            elif row.state == "closed":
                row.since, row.state, row.changed_at = at, "open", at
            elif row.state == "asked":  # nothing is on its way any more, and yet it is there
                row.state, row.changed_at = "open", at
            row.title, row.shop_says, row.odoo_says = one.title[:255], one.shop_says, one.odoo_says
            row.odoo_id, row.why_not, row.run_id = one.odoo_id, one.why_not, run_id
            row.repair = vars(one.repair) if one.repair else None


def on_its_way(session: Session, store: Store, entity: str, records: Collection[str]) -> set[str]:
    """Those of these job records, in either direction, that wait or run."""
    return {record for some in _chunks(list(records)) for record in session.scalars(select(SyncJob.record).where(
        SyncJob.store_id == store.id, SyncJob.entity == entity, SyncJob.record.in_(some),
        SyncJob.state.in_((*WAITING, "running"))))}


def master(store: Store, entity: str, setting: str) -> str:
    """Why nothing can be repaired from here: who is the master of this."""
    value = store.settings[setting]
    if value in MASTERS:
        return f"{MASTERS[value].capitalize()} is the master in this store's settings; change it there."
    return f"{entity.capitalize()}s do not travel in this store's settings; correct one side by hand."


def repair(session: Session, store: Store, rows: Sequence[Drift], actor: str) -> tuple[int, int]:
    """Have these findings repaired by jobs in the allowed direction; how many are on their way, and how many cannot be."""
    asked = 0
    wanted: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.state != "open" or row.repair is None or not allowed(store.settings, row.entity, row.repair["direction"]):
            continue
        _prepare(session, store, row)
        wanted.setdefault((row.entity, row.repair["direction"]), []).append(row.repair["record"])
        row.state, row.changed_at = "asked", now()
        asked += 1
    jobs.lock_waiting(session, store, [(*way, record) for way, records in wanted.items() for record in records])
    for (entity, direction), records in wanted.items():
        for record in records if asked <= 100 else ():
            jobs.notice(session, store, entity, direction, record, source="repair")
        if asked > 100:
            jobs.notice_many(session, store, entity, direction, list(dict.fromkeys(records)), source="repair")
    if asked:
        log.write(session, store.id, f"Drift: the repair of {asked:,} {'difference' if asked == 1 else 'differences'} is on its "
                  "way.", actor=actor)
    return asked, len(rows) - asked


def _prepare(session: Session, store: Store, row: Drift) -> None:
    """Set the mapping's base to what the other side has really got, so that the job finds a difference to write."""
    plan = row.repair or {}
    if not plan.get("base") and not plan.get("reset"):
        return
    link = session.scalars(select(Mapping).where(
        Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == row.entity,
        Mapping.shop_id == row.record).with_for_update()).first()
    if link is None:
        return
    apart = {name: value for name, value in link.data.get("odoo", {}).items() if name not in plan["base"]}
    link.base = {} if plan["reset"] else {**link.base, **plan["base"]}
    link.data = {name: value for name, value in link.data.items() if name not in ("odoo", "told" if plan["reset"] else "")} \
        | ({"odoo": apart} if apart else {})


def _chunks(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[i:i + _CHUNK] for i in range(0, len(values), _CHUNK)]
