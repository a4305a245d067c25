"""What people see of initial syncs and do with them: progress and rate, pause, resume, cancel. The walk itself is in `initial`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.db import now
from portal.entities import registry
from portal.models import WAITING, InitialRun, Store, SyncJob
from portal.sync import jobs, log
from portal.sync.services import Services

RATE_OVER = timedelta(seconds=60)
SURE_AFTER = timedelta(seconds=10)
"""A rate that was measured for less says nothing."""
_PART = 400


@dataclass(frozen=True)
class Progress:
    """How the newest run of an entity is doing.

    `state`: new, reading (the ids are still being read), queued, finished or cancelled. `rate`: records a second over the last
    minute; `seconds_left` by that rate, None while nobody can tell.
    """

    entity: str
    label: str
    state: str = "new"
    paused: bool = False
    noticed: int = 0
    done: int = 0
    failed: int = 0
    waiting: int = 0
    message: str = ""
    allowed: bool = True
    rate: float = 0.0
    seconds_left: int | None = None


def of_entity(session: Session, store: Store, entity: str, *, allowed: bool) -> Progress:
    """The progress of the newest run of an entity."""
    label = registry.by_name(entity).label
    run = session.scalars(select(InitialRun).where(InitialRun.store_id == store.id, InitialRun.entity == entity)
                          .order_by(InitialRun.id.desc()).limit(1)).first()
    if run is None:
        return Progress(entity, label, allowed=allowed)
    states = {row.state: row.n for row in session.execute(
        select(SyncJob.state, func.count().label("n")).where(SyncJob.run_id == run.id).group_by(SyncJob.state))}
    waiting = sum(states.get(state, 0) for state in (*WAITING, "running"))
    state = run.state if run.state != "queued" or waiting else "finished"
    paused = run.paused_at is not None and state in ("reading", "queued")
    rate = _rate(session, run) if state in ("reading", "queued") and not paused else 0.0
    return Progress(entity, label, state, paused, run.noticed, states.get("synced", 0), states.get("dead", 0), waiting, run.message,
                    allowed, rate, round(waiting / rate) if state == "queued" and rate else None)


def pause(session: Session, store: Store, entity: str, actor: str) -> bool:
    """Hold what is under way: nothing more is read, and what was noticed by it waits. Live changes go on. False: nothing is."""
    runs = [run for run in _runs(session, store, entity) if run.paused_at is None]
    for run in runs:
        run.paused_at = now()
    if runs:
        log.write(session, store.id, f"Initial sync of {registry.by_name(entity).label.lower()} was paused.", actor=actor,
                  entity=entity)
    return bool(runs)


def resume(session: Session, store: Store, entity: str, actor: str) -> bool:
    """Let what was held go on. False: nothing was held."""
    runs = [run for run in _runs(session, store, entity) if run.paused_at is not None]
    for run in runs:
        run.paused_at = None
    if runs:
        noticed = jobs.in_order(SyncJob.run_id.in_([run.id for run in runs]), SyncJob.state.in_(WAITING))
        session.execute(update(SyncJob).where(noticed)
                        .values(queued_at=None).execution_options(synchronize_session=False))
        log.write(session, store.id, f"Initial sync of {registry.by_name(entity).label.lower()} goes on.", actor=actor,
                  entity=entity)
    return bool(runs)


def unsent(session: Session, store: Store, entity: str) -> int:
    """How many changes a cancel would discard."""
    return session.scalar(select(func.count()).select_from(SyncJob).where(
        SyncJob.run_id.in_([run.id for run in _runs(session, store, entity)]), SyncJob.state.in_(WAITING), SyncJob.bulk)) or 0


def cancel(services: Services, store: Store, entity: str, actor: str) -> int:
    """Stop it for good and discard what it noticed and did not send yet, in short transactions; how many.

    A record that changed meanwhile by itself is kept.
    """
    with services.db.begin() as session:
        runs = _runs(session, store, entity)
        ids = [run.id for run in runs]
        for run in runs:
            run.state, run.paused_at = "cancelled", None
        if runs:
            log.write(session, store.id, f"Initial sync of {registry.by_name(entity).label.lower()} was stopped.", actor=actor,
                      entity=entity)
    number = 0
    while True:
        with services.db.begin() as session:
            part = list(session.scalars(select(SyncJob.id).where(
                SyncJob.run_id.in_(ids), SyncJob.state.in_(WAITING), SyncJob.bulk).limit(_PART)))
            if not part:
                return number
            number += jobs.discard(session, store.id, part, actor, WAITING)


def _runs(session: Session, store: Store, entity: str) -> list[InitialRun]:
    return list(session.scalars(select(InitialRun).where(
        InitialRun.store_id == store.id, InitialRun.entity == entity, InitialRun.state != "cancelled").with_for_update()))


def _rate(session: Session, run: InitialRun) -> float:
    """Records a second of the last minute, or since the run began; 0 while that is too short to say anything."""
    age = min(now() - run.created_at, RATE_OVER)
    if age < SURE_AFTER:
        return 0.0
    ended = session.scalar(select(func.count()).select_from(SyncJob).where(
        SyncJob.run_id == run.id, SyncJob.state.in_(("synced", "dead")), SyncJob.finished_at > now() - age)) or 0
    return ended / age.total_seconds()
