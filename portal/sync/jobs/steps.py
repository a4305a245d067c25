"""The steps between states that several ends have in common. Only this package uses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, exists, insert, select
from sqlalchemy.orm import Session

from portal.db import now, table_of
from portal.entities.base import Ref
from portal.models import WAITING, Dependency, JobEvent, SyncJob
from portal.sync import activity


@dataclass(frozen=True)
class Failure:
    """Why a job did not succeed, in words for the merchant and for the expert."""

    message: str
    cause: str
    remedy: str = ""
    detail: str = ""


def in_order(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition of an UPDATE of several rows: those for which these hold, locked by id.

    Whoever locks several rows of this table does so in this order, so that two transactions do not wait for each other.
    """
    return SyncJob.id.in_(select(SyncJob.id).where(*conditions).order_by(SyncJob.id).with_for_update())


def bury(session: Session, row: SyncJob, failure: Failure) -> None:
    """running or blocked → dead. What waits for this record dies of it, and wakes when it succeeds after all."""
    newer = newer_of(session, row)
    if newer is not None:
        explain(row, failure)
        merge(session, row, newer)
        return
    explain(row, failure)
    supersede_dead(session, row, "the record failed again with a later change")
    end(row, "dead")
    event(session, row.id, "dead", failure.message, {"cause": failure.cause, "detail": failure.detail})
    activity.count(session, row, dead=1)
    fail_dependents(session, row, "is in quarantine")


def fail_dependents(session: Session, row: SyncJob, why: str) -> None:
    """What is blocked by this record dies of it, unless another row of the record is still under way."""
    if row.direction != "ps_to_odoo":
        return
    ref = Ref(row.entity, row.record)
    open_row = session.scalar(select(exists().where(
        SyncJob.store_id == row.store_id, SyncJob.entity == row.entity, SyncJob.record == row.record,
        SyncJob.direction == "ps_to_odoo", SyncJob.state.in_((*WAITING, "running")), SyncJob.id != row.id)))
    if open_row:
        return
    for parent in session.scalars(dependents(row.store_id, ref)):
        if parent.state == "blocked":
            bury(session, parent, Failure(f"Needs {ref.entity} {ref.record}, which {why}: {row.message}".rstrip(": "),
                                           f"dependency:{ref.entity}:{ref.record}",
                                           f"Solve {ref.entity} {ref.record} first; this one then goes on by itself."))


def dependents(store_id: int, ref: Ref) -> Select[SyncJob]:
    """What is blocked by, or died of, a shop record."""
    return (select(SyncJob).join(Dependency, Dependency.job_id == SyncJob.id)
            .where(SyncJob.store_id == store_id, Dependency.entity == ref.entity, Dependency.record == ref.record,
                   SyncJob.state.in_(("blocked", "dead")))
            .order_by(SyncJob.id).with_for_update(of=SyncJob))


def revive(session: Session, row: SyncJob, why: str) -> str:
    """dead → pending with fresh attempts (`retried`), or merged into a newer waiting row (`merged`)."""
    newer = newer_of(session, row)
    session.execute(delete(Dependency).where(Dependency.job_id == row.id))
    if newer is not None:
        event(session, row.id, "retried", why)
        merge(session, row, newer)
        newer.due_at = now() if newer.state != "blocked" else newer.due_at
        newer.queued_at = None
        return "merged"
    _fresh(row)
    event(session, row.id, "retried", why)
    return "retried"


def _fresh(row: SyncJob) -> None:
    row.state = "pending"
    row.attempts = row.lost_leases = row.deferrals = row.rehearsed = 0
    row.due_at = row.updated_at = now()
    row.finished_at = row.queued_at = None


def revive_many(session: Session, rows: Sequence[SyncJob], why: str) -> int:
    """`revive` for rows of one store in a handful of statements; how many were merged."""
    taken: set[tuple[str, str, str]] = set()
    for entity, direction in {(row.entity, row.direction) for row in rows}:
        records = [row.record for row in rows if (row.entity, row.direction) == (entity, direction)]
        taken.update((entity, direction, record) for record in session.scalars(select(SyncJob.record).where(
            SyncJob.store_id == rows[0].store_id, SyncJob.entity == entity, SyncJob.direction == direction,
            SyncJob.record.in_(records), SyncJob.state.in_(WAITING))))
    free: list[SyncJob] = []
    others: list[SyncJob] = []
    for row in rows:
        key = (row.entity, row.direction, row.record)
        (others if key in taken else free).append(row)
        taken.add(key)  # a second dead letter of the record finds the first one waiting
    session.execute(delete(Dependency).where(Dependency.job_id.in_([row.id for row in free]))
                    .execution_options(synchronize_session=False))
    for row in free:
        _fresh(row)
    events(session, [row.id for row in free], "retried", why)
    session.flush()
    return sum(revive(session, row, why) == "merged" for row in others)


def merge(session: Session, row: SyncJob, newer: SyncJob) -> None:
    """The newer waiting row of the record takes over what this one still owed."""
    newer.uncertain = newer.uncertain or row.uncertain
    newer.lost_leases = max(newer.lost_leases, row.lost_leases)
    newer.updated_at = now()
    end(row, "superseded")
    session.execute(delete(Dependency).where(Dependency.job_id == row.id))
    event(session, row.id, "superseded", f"merged into the newer change {newer.id}")


def newer_of(session: Session, row: SyncJob) -> SyncJob | None:
    """Another waiting row of the same record, locked."""
    return session.scalars(
        select(SyncJob).where(SyncJob.store_id == row.store_id, SyncJob.entity == row.entity,
                              SyncJob.direction == row.direction, SyncJob.record == row.record,
                              SyncJob.state.in_(WAITING), SyncJob.id != row.id).with_for_update()).first()


def wait_again(session: Session, row: SyncJob, due_at: datetime, kind: str, message: str) -> None:
    """running → waiting, or merged into a newer waiting row."""
    event(session, row.id, kind, message)
    newer = newer_of(session, row)
    if newer is not None:
        merge(session, row, newer)
        newer.due_at = max(newer.due_at, due_at)
        newer.attempts = max(newer.attempts, row.attempts)
        return
    row.state = "pending" if row.attempts == 0 else "error"
    row.due_at = due_at
    release(row)


def supersede_dead(session: Session, row: SyncJob, why: str) -> None:
    """Older dead letters of the same record → superseded."""
    older = session.scalars(
        select(SyncJob).where(SyncJob.store_id == row.store_id, SyncJob.entity == row.entity,
                              SyncJob.direction == row.direction, SyncJob.record == row.record,
                              SyncJob.state == "dead", SyncJob.id != row.id))
    for dead in older:
        supersede(session, dead, why)


def supersede(session: Session, dead: SyncJob, why: str) -> None:
    """dead → superseded."""
    end(dead, "superseded")
    session.execute(delete(Dependency).where(Dependency.job_id == dead.id))
    event(session, dead.id, "superseded", why)


def end(row: SyncJob, state: str) -> None:
    """Any → a final state; the lease is given up."""
    row.state = state
    row.finished_at = now()
    release(row)


def release(row: SyncJob) -> None:
    """Give up the lease."""
    row.lease = row.lease_until = row.queued_at = None
    row.updated_at = now()


def explain(row: SyncJob, failure: Failure) -> None:
    """Say on the row why it failed."""
    row.cause, row.message = failure.cause[:128], failure.message
    row.remedy, row.detail = failure.remedy, failure.detail


def event(session: Session, job_id: int, kind: str, message: str, data: dict[str, object] | None = None) -> None:
    """Add a step to a job's timeline."""
    session.add(JobEvent(job_id=job_id, kind=kind, message=message, data=data))


def events(session: Session, job_ids: Sequence[int], kind: str, message: str) -> None:
    """Add the same step to the timelines of many jobs."""
    if job_ids:
        session.execute(insert(table_of(JobEvent)), [{"job_id": i, "kind": kind, "message": message, "at": now()} for i in job_ids])
