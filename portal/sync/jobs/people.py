"""What people do to jobs: retry, discard, hurry."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.db import now
from portal.models import WAITING, Dependency, SyncJob
from portal.sync.jobs.steps import end, event, fail_dependents, revive


@dataclass(frozen=True)
class RetryResult:
    """What a retry of dead letters did: made waiting again, merged into a newer waiting change, or not found dead."""

    retried: int
    merged: int
    missing: int


def retry(session: Session, store_id: int, job_ids: Collection[int] | None, actor: str) -> RetryResult:
    """dead → pending with fresh attempts, for the given jobs or all dead letters of the store (None)."""
    rows = _chosen(session, store_id, job_ids, ("dead",))
    merged = sum(1 for row in rows if revive(session, row, f"retried by {actor}") == "merged")
    return RetryResult(len(rows) - merged, merged, 0 if job_ids is None else len(set(job_ids)) - len(rows))


def discard(session: Session, store_id: int, job_ids: Collection[int] | None, actor: str) -> int:
    """pending, error, blocked or dead → discarded, for the given jobs or all dead letters of the store (None)."""
    rows = _chosen(session, store_id, job_ids, ("dead",) if job_ids is None else (*WAITING, "dead"))
    for row in rows:
        end(row, "discarded")
        session.execute(delete(Dependency).where(Dependency.job_id == row.id))
        event(session, row.id, "discarded", f"discarded by {actor}")
        fail_dependents(session, row, "was discarded")
    return len(rows)


def hurry(session: Session, store_id: int) -> int:
    """Make failed rows due now (*Process the queue now*), except those whose write may still be on its way."""
    done = session.execute(
        update(SyncJob).where(SyncJob.store_id == store_id, SyncJob.state.in_(("error", "pending")), SyncJob.due_at > now(),
                              SyncJob.uncertain.is_(False))
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
            continue
        row.state, row.attempts, row.due_at, row.queued_at = "pending", 0, now(), None
        event(session, row.id, "retried", why)
    return len(rows)


def _chosen(session: Session, store_id: int, job_ids: Collection[int] | None, states: Collection[str]) -> list[SyncJob]:
    query = select(SyncJob).where(SyncJob.store_id == store_id, SyncJob.state.in_(states)).order_by(SyncJob.id)
    if job_ids is not None:
        query = query.where(SyncJob.id.in_(job_ids))
    return list(session.scalars(query.with_for_update()))
