"""Claiming rows for a worker, and giving up the leases that ran out."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select, text, update
from sqlalchemy.orm import Session

from portal.db import clock, now
from portal.models import WAITING, InitialRun, Store, SyncJob
from portal.sync.jobs.steps import Failure, bury, events, in_order, wait_again

LOST_LEASES_LIMIT = 3
"""A job whose worker vanished this often is taken for the one that kills workers."""


def is_due(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a row may run at `at`: waiting, due, and not held with the initial sync that noticed it."""
    held_runs = select(InitialRun.id).where(InitialRun.paused_at.is_not(None))
    return (SyncJob.state.in_(("pending", "error")), SyncJob.due_at <= at,
            SyncJob.run_id.is_(None) | SyncJob.bulk.is_(False) | SyncJob.run_id.not_in(held_runs))


def claim(session: Session, store: Store, entity: str, job_ids: Collection[int], *, lease_seconds: float) -> list[SyncJob]:
    """Take the due rows among `job_ids` for this worker; empty if another worker holds the lane.

    Then RQ is told of them again when the lane is free.
    The rows come back detached from later changes of the session; their `lease` is the token every later step must show.
    """
    _lock_lane(session, store.id, entity)
    reap(session, store_id=store.id, entity=entity)
    busy = session.scalar(select(exists().where(SyncJob.store_id == store.id, SyncJob.entity == entity,
                                                SyncJob.state == "running")))
    if busy:
        session.execute(update(SyncJob).where(in_order(SyncJob.id.in_(job_ids), SyncJob.state.in_(WAITING))).values(queued_at=None)
                        .execution_options(synchronize_session=False))
        return []
    conditions: list[ColumnElement[bool]] = [*is_due(now()), SyncJob.store_id == store.id, SyncJob.entity == entity,
                                             SyncJob.id.in_(job_ids)]
    if store.settings["dry_run"]:
        conditions.append(SyncJob.rehearsed < SyncJob.version)
    token = secrets.token_hex(16)
    ids = list(session.scalars(select(SyncJob.id).where(*conditions).order_by(SyncJob.id).with_for_update()))
    session.execute(
        update(SyncJob).where(SyncJob.id.in_(ids))
        .values(state="running", lease=token, lease_until=clock(session) + timedelta(seconds=lease_seconds), queued_at=None,
                updated_at=now())
        .execution_options(synchronize_session=False))
    rows = list(session.scalars(select(SyncJob).where(SyncJob.id.in_(ids), SyncJob.lease == token)
                                .order_by(SyncJob.id).execution_options(populate_existing=True)))
    events(session, [row.id for row in rows], "started", "")
    return rows


def extend(session: Session, token: str, lease_seconds: float) -> int:
    """Prolong the lease; the number of rows still held. 0: the lease was lost, nothing more may be written."""
    done = session.execute(
        update(SyncJob).where(in_order(SyncJob.lease == token, SyncJob.state == "running"))
        .values(lease_until=clock(session) + timedelta(seconds=lease_seconds)).execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def reap(session: Session, *, store_id: int | None = None, entity: str | None = None) -> int:
    """Give up the leases that ran out: the rows wait again, or die after the third time. The number of rows."""
    expired = select(SyncJob).where(SyncJob.state == "running", SyncJob.lease_until < clock(session))
    if store_id is not None:
        expired = expired.where(SyncJob.store_id == store_id, SyncJob.entity == entity)
    rows = list(session.scalars(expired.with_for_update(skip_locked=True)))
    for row in rows:
        row.lost_leases += 1
        row.uncertain = True
        if row.lost_leases >= LOST_LEASES_LIMIT:
            bury(session, row, Failure("The worker stopped three times while this record was being synchronised.",
                                        "portal:worker-lost", "Report it; the other records go on."))
        else:
            wait_again(session, row, now(), "lease_lost", "the worker that held this change is gone")
    return len(rows)


def held(session: Session, token: str, job_ids: Iterable[int]) -> dict[int, SyncJob]:
    """The rows that this lease still holds, locked. Whoever does not find his row here has lost it and must not write."""
    rows = session.scalars(
        select(SyncJob).where(SyncJob.id.in_(list(job_ids)), SyncJob.lease == token, SyncJob.state == "running")
        .order_by(SyncJob.id).with_for_update().execution_options(populate_existing=True))
    return {row.id: row for row in rows}


def _lock_lane(session: Session, store_id: int, entity: str) -> None:
    """PostgreSQL: one claim of a lane at a time. SQLite: the unit of work holds the only write lock anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:a, :b)"), {"a": store_id, "b": zlib.crc32(entity.encode()) >> 1})
