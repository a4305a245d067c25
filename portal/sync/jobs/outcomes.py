"""How a run ends for its rows, and what wakes those that waited for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from portal.db import now
from portal.entities.base import Ref
from portal.models import Dependency, JobEvent, Store, SyncJob
from portal.sync import activity, backoff
from portal.sync.jobs import steps
from portal.sync.jobs.notices import notice
from portal.sync.jobs.steps import Failure, dependents, event, explain, merge, newer_of, release, wait_again

BLOCKS_LIMIT = 3
"""A job woken this often without finding what it waited for uses attempts from then on."""
FROZEN_LOOK = timedelta(days=1)
"""After which a change of a frozen record sees for itself whether it still is."""


def succeed(session: Session, done: Sequence[tuple[SyncJob, str]]) -> None:
    """running → synced, for rows of one store, each with what was done. Wakes what waited for them; older dead letters of
    the records are superseded. A handful of statements, however many rows."""
    if not done:
        return
    rows = [row for row, _ in done]
    at = now()
    session.execute(update(SyncJob), [
        {"id": row.id, "state": "synced", "message": message, "cause": "", "remedy": "", "detail": "", "finished_at": at,
         "updated_at": at, "lease": None, "lease_until": None, "queued_at": None} for row, message in done])
    session.execute(insert(JobEvent), [{"job_id": row.id, "kind": "synced", "message": message, "at": at}
                                       for row, message in done])
    store_id = rows[0].store_id
    for entity, direction in {(row.entity, row.direction) for row in rows}:
        mine = [row for row in rows if (row.entity, row.direction) == (entity, direction)]
        activity.count(session, mine[0], synced=len(mine))
        records = {row.record for row in mine}
        for dead in session.scalars(select(SyncJob).where(
                SyncJob.store_id == store_id, SyncJob.entity == entity, SyncJob.direction == direction,
                SyncJob.state == "dead", SyncJob.record.in_(records))):
            steps.supersede(session, dead, "a later change of this record was synchronised")
        if direction == "ps_to_odoo":
            for record in session.scalars(select(Dependency.record).distinct().where(
                    Dependency.entity == entity, Dependency.record.in_(records))):
                wake(session, store_id, Ref(entity, record))


def fail(session: Session, row: SyncJob, failure: Failure, limit: int) -> None:
    """running → error, or dead at the limit. A newer waiting row takes over, with the attempts."""
    row.attempts += 1
    newer = newer_of(session, row)
    if newer is None and row.attempts >= limit:
        steps.bury(session, row, failure)
        return
    explain(row, failure)
    activity.count(session, row, failed=1)
    due_at = now() + backoff.after_attempt(row.attempts)
    event(session, row.id, "failed", f"attempt {row.attempts} of {limit}: {failure.message}",
           {"cause": failure.cause, "detail": failure.detail, "next": due_at.isoformat()})
    if newer is None:
        row.state = "error"
        row.due_at = due_at
        release(row)
    else:
        merge(session, row, newer)
        newer.attempts = min(row.attempts, limit - 1)
        newer.state = "error" if newer.state != "blocked" else "blocked"
        newer.due_at = due_at
        explain(newer, failure)


def postpone(session: Session, row: SyncJob, failure: Failure, due_at: datetime, *, uncertain: bool = False) -> None:
    """running → waiting without using an attempt: outage, throttling, unknown outcome of a write, shutdown."""
    row.uncertain = row.uncertain or uncertain
    explain(row, failure)
    wait_again(session, row, due_at, "postponed", failure.message)


def rehearse(session: Session, row: SyncJob, message: str) -> None:
    """running → waiting after a dry run showed what would happen; not shown again for this version."""
    row.rehearsed = row.version
    row.message = message
    wait_again(session, row, row.due_at, "dry_run", message)


def block(session: Session, store: Store, row: SyncJob, refs: Collection[Ref], limit: int) -> None:
    """running → blocked until every record in `refs` has reached Odoo; those without a waiting job are queued in front."""
    row.deferrals += 1
    names = ", ".join(f"{ref.entity} {ref.record}" for ref in sorted(refs))
    if row.deferrals > BLOCKS_LIMIT:
        fail(session, row, Failure(f"Needs {names}, which was synchronised but is not linked to Odoo.",
                                   f"dependency:{min(refs).entity}", "Open that record's page to see why."), limit)
        return
    for ref in sorted(refs):
        notice(session, store, ref.entity, "ps_to_odoo", ref.record, source="dependency")
    explain(row, Failure(f"Waits for {names}.", "dependency"))
    newer = newer_of(session, row)
    if newer is not None:
        event(session, row.id, "blocked", row.message)
        merge(session, row, newer)
        return
    row.state = "blocked"
    row.due_at = now() + backoff.after_block(row.deferrals)
    release(row)
    session.execute(delete(Dependency).where(Dependency.job_id == row.id))
    session.execute(insert(Dependency), [{"job_id": row.id, "entity": r.entity, "record": r.record} for r in refs])
    event(session, row.id, "blocked", row.message)


def freeze(session: Session, row: SyncJob, failure: Failure) -> None:
    """running → blocked until a person thaws the record; a newer waiting row takes over, and is frozen when its turn comes."""
    explain(row, failure)
    event(session, row.id, "frozen", failure.message)
    newer = newer_of(session, row)
    if newer is not None:
        merge(session, row, newer)
        return
    row.state = "blocked"
    row.due_at = now() + FROZEN_LOOK
    release(row)


def thaw(session: Session, store_id: int, entity: str, records: Mapping[str, str], cause: str, why: str) -> None:
    """blocked → pending, due now, for what waits for this cause; `records`: the record's id by direction."""
    of_record = or_(*((SyncJob.direction == direction) & (SyncJob.record == record) for direction, record in records.items()))
    for row in session.scalars(select(SyncJob).where(
            SyncJob.store_id == store_id, SyncJob.entity == entity, SyncJob.state == "blocked", SyncJob.cause == cause, of_record)
            .order_by(SyncJob.id).with_for_update()):
        _go_on(session, row, why)


def wake(session: Session, store_id: int, ref: Ref) -> None:
    """`ref` has reached Odoo: what waited only for it, blocked or dead of it, may run."""
    waiting = list(session.scalars(dependents(store_id, ref)))
    if not waiting:
        return
    session.execute(delete(Dependency).where(Dependency.job_id.in_([row.id for row in waiting]),
                                             Dependency.entity == ref.entity, Dependency.record == ref.record))
    still = set(session.scalars(select(Dependency.job_id).where(Dependency.job_id.in_([row.id for row in waiting]))))
    for row in waiting:
        if row.id in still:
            continue
        if row.state == "blocked":
            _go_on(session, row, f"{ref.entity} {ref.record} is there")
        elif row.state == "dead":
            steps.revive(session, row, f"{ref.entity} {ref.record} is there")


def unblock_stale(session: Session) -> int:
    """Blocked rows whose safety time has passed look for themselves again. The number of rows."""
    rows = list(session.scalars(select(SyncJob).where(SyncJob.state == "blocked", SyncJob.due_at <= now())
                                .with_for_update(skip_locked=True)))
    for row in rows:
        session.execute(delete(Dependency).where(Dependency.job_id == row.id))
        _go_on(session, row, "looks again by itself")
    return len(rows)


def _go_on(session: Session, row: SyncJob, why: str) -> None:
    """blocked → waiting for its turn."""
    row.state = "pending" if row.attempts == 0 else "error"
    row.due_at = min(row.due_at, now())
    row.queued_at = None
    row.updated_at = now()
    event(session, row.id, "woken", why)
