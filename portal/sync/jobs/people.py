"""What people do to jobs: retry, discard, hurry. A handful of statements for hundreds of rows, since people act on thousands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from portal.db import now
from portal.models import WAITING, Dependency, SyncJob
from portal.sync.jobs.steps import end, events, fail_dependents, in_order, revive, revive_many

_PART = 400


@dataclass(frozen=True)
class RetryResult:
    """What a retry did: made waiting again, merged into a newer waiting change, or not found in that state any more."""

    retried: int
    merged: int
    missing: int


def retry(session: Session, store_id: int, job_ids: Collection[int] | None, actor: str) -> RetryResult:
    """dead → pending with fresh attempts, for the given jobs or all dead letters of the store (None)."""
    found = merged = 0
    for rows in _parts(session, store_id, job_ids, ("dead",)):
        found += len(rows)
        merged += revive_many(session, rows, f"retried by {actor}")
    return RetryResult(found - merged, merged, 0 if job_ids is None else len(set(job_ids)) - found)


def retry_failed(session: Session, store_id: int, job_ids: Collection[int], actor: str) -> RetryResult:
    """error → pending with fresh attempts, due now. Those whose last write may still be on its way are left: `missing`."""
    done = 0
    for rows in _parts(session, store_id, job_ids, ("error",)):
        done += _hasten(session, [row for row in rows if not row.uncertain], f"retried by {actor}")
    return RetryResult(done, 0, len(set(job_ids)) - done)


def discard(session: Session, store_id: int, job_ids: Collection[int] | None, actor: str,
            states: Collection[str] = (*WAITING, "dead")) -> int:
    """pending, error, blocked or dead → discarded, for the given jobs, or all dead letters of the store (None).

    `states`: only those of the given jobs that are in one of them."""
    done = 0
    for rows in _parts(session, store_id, job_ids, ("dead",) if job_ids is None else states):
        ids = [row.id for row in rows]
        for row in rows:
            end(row, "discarded")
        session.execute(delete(Dependency).where(Dependency.job_id.in_(ids)).execution_options(synchronize_session=False))
        events(session, ids, "discarded", f"discarded by {actor}")
        needed = _needed(session, rows)
        for row in rows:
            if (row.entity, row.record) in needed:
                fail_dependents(session, row, "was discarded")
        session.flush()
        done += len(rows)
    return done


def hurry(session: Session, store_id: int) -> int:
    """Make failed rows due now (*Process the queue now*), except those whose write may still be on its way."""
    done = session.execute(
        update(SyncJob).where(in_order(SyncJob.store_id == store_id, SyncJob.state.in_(("error", "pending")),
                                       SyncJob.due_at > now(), SyncJob.uncertain.is_(False)))
        .values(due_at=now(), queued_at=None).execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def replay(session: Session, store_id: int, cause: str, why: str) -> int:
    """Try everything again that failed for this cause, dead or waiting for its next attempt, with fresh attempts; how many."""
    rows = list(session.scalars(select(SyncJob).where(
        SyncJob.store_id == store_id, SyncJob.state.in_(("dead", "error", "pending")), SyncJob.cause == cause,
        SyncJob.uncertain.is_(False)).order_by(SyncJob.id).with_for_update()))
    for row in rows:
        if row.state == "dead":
            revive(session, row, why)
    _hasten(session, [row for row in rows if row.state in ("error", "pending")], why)
    return len(rows)


def _hasten(session: Session, rows: Sequence[SyncJob], why: str) -> int:
    for row in rows:
        row.state, row.attempts, row.due_at, row.queued_at = "pending", 0, now(), None
    events(session, [row.id for row in rows], "retried", why)
    return len(rows)


def _parts(session: Session, store_id: int, job_ids: Collection[int] | None, states: Collection[str]) -> Iterator[list[SyncJob]]:
    """The rows that are meant and in one of the states, locked, some hundreds at a time."""
    mine = select(SyncJob).where(SyncJob.store_id == store_id, SyncJob.state.in_(states)).order_by(SyncJob.id)
    if job_ids is None:
        job_ids = list(session.scalars(select(SyncJob.id).where(SyncJob.store_id == store_id, SyncJob.state.in_(states))))
    ids = sorted(set(job_ids))
    for start in range(0, len(ids), _PART):
        part = mine.where(SyncJob.id.in_(ids[start:start + _PART])).order_by(SyncJob.id)
        if rows := list(session.scalars(part.with_for_update())):
            yield rows


def _needed(session: Session, rows: Sequence[SyncJob]) -> set[tuple[str, str]]:
    """Which of these records others wait for."""
    keys = [(row.entity, row.record) for row in rows]
    return {(entity, record) for entity, record in session.execute(
        select(Dependency.entity, Dependency.record).where(tuple_(Dependency.entity, Dependency.record).in_(keys)))}
