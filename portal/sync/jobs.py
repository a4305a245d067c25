"""The only module that changes a job's state.

    pending → running → synced            error → running           dead → pending (retry)
                 └────→ error | dead      pending|error|dead → discarded
    pending ⇄ blocked (waits for a dependency)      running|dead → superseded (merged into a newer waiting row)

At most one *waiting* row (pending, error, blocked) and one *running* row exist per (store, entity, direction, record); two
partial unique indexes keep it so. A notice while one waits bumps its version; a notice while one runs makes the next waiting
row. Work is claimed a *lane* at a time: only one worker holds rows of one (store, entity), so that two shop customers with one
e-mail address or two counts of one product can never be written side by side.

Every function takes the caller's session and leaves the commit to it.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.db import now
from portal.entities.base import Ref
from portal.models import WAITING, Dependency, JobEvent, Mapping, Store, SyncJob
from portal.sync import backoff

LOST_LEASES_LIMIT = 3
"""A job whose worker vanished this often is taken for the one that kills workers."""
BLOCKS_LIMIT = 3
"""A job woken this often without finding what it waited for uses attempts from then on."""

_CHUNK = 400

Columns = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """Why a job did not succeed, in words for the merchant and for the expert."""

    message: str
    cause: str
    remedy: str = ""
    detail: str = ""


@dataclass(frozen=True)
class RetryResult:
    """What a retry of dead letters did: made waiting again, merged into a newer waiting change, or not found dead."""

    retried: int
    merged: int
    missing: int


# --- noticing ---------------------------------------------------------------------------------------------------------


def notice(session: Session, store: Store, entity: str, direction: str, record: str, *, source: str, bulk: bool = False,
           run_id: int | None = None, hint: dict[str, object] | None = None, delay: float = 0) -> int:
    """Record that something changed; the job's id. Coalesces with a waiting row of the same record.

    `delay` in seconds: the earliest time to look, for notices that are sent before the change is committed.
    """
    due_at = now() + timedelta(seconds=delay)
    key = (SyncJob.store_id == store.id, SyncJob.entity == entity, SyncJob.direction == direction,
           SyncJob.record == record, SyncJob.state.in_(WAITING))
    for _ in range(3):
        row = session.scalars(select(SyncJob).where(*key).with_for_update()).first()
        if row is not None:
            row.version += 1
            row.updated_at = now()
            row.hint = hint or row.hint
            if not bulk:
                row.bulk = False
            if row.state != "blocked" and not row.uncertain:
                row.due_at = min(row.due_at, due_at) if row.state == "pending" else due_at
                row.queued_at = None
            _event(session, row.id, "coalesced", f"noticed again ({source})")
            return row.id
        values: Columns = {"store_id": store.id, "entity": entity, "direction": direction, "record": record, "source": source,
                           "bulk": bulk, "run_id": run_id, "hint": hint, "due_at": due_at}
        job_id = session.scalars(_insert_if_absent(session).returning(SyncJob.id), [_filled(values)]).first()
        if job_id is not None:
            _event(session, job_id, "queued", f"noticed ({source})")
            return job_id
    raise RuntimeError("the waiting row of a record neither exists nor can be made")


def notice_many(session: Session, store: Store, entity: str, direction: str, records: Sequence[str], *, source: str,
                run_id: int | None = None, bulk: bool = True) -> int:
    """Record many changes at once (initial sync, polls); the number of rows that are new."""
    made = 0
    for start in range(0, len(records), _CHUNK):
        chunk = records[start:start + _CHUNK]
        common: Columns = {"store_id": store.id, "entity": entity, "direction": direction, "source": source, "bulk": bulk,
                           "run_id": run_id}
        rows = [common | {"record": record} for record in chunk]
        new = session.execute(_insert_if_absent(session).returning(SyncJob.id, SyncJob.record), [_filled(r) for r in rows]).all()
        made += len(new)
        _events(session, [row.id for row in new], "queued", f"noticed ({source})")
        old = set(chunk) - {row.record for row in new}
        if old:
            session.execute(
                update(SyncJob)
                .where(SyncJob.store_id == store.id, SyncJob.entity == entity, SyncJob.direction == direction,
                       SyncJob.record.in_(old), SyncJob.state.in_(WAITING))
                .values(version=SyncJob.version + 1, updated_at=now(),
                        run_id=run_id if run_id is not None else SyncJob.run_id)
                .execution_options(synchronize_session=False))
    return made


# --- claiming ---------------------------------------------------------------------------------------------------------


def is_due(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a row may run at `at`: waiting, due, and not only rehearsed in a dry run."""
    return (SyncJob.state.in_(("pending", "error")), SyncJob.due_at <= at)


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
        session.execute(update(SyncJob).where(SyncJob.id.in_(job_ids), SyncJob.state.in_(WAITING)).values(queued_at=None)
                        .execution_options(synchronize_session=False))
        return []
    conditions: list[ColumnElement[bool]] = [*is_due(now()), SyncJob.store_id == store.id, SyncJob.entity == entity,
                                             SyncJob.id.in_(job_ids)]
    if store.settings["dry_run"]:
        conditions.append(SyncJob.rehearsed < SyncJob.version)
    token = secrets.token_hex(16)
    ids = list(session.scalars(select(SyncJob.id).where(*conditions).with_for_update()))
    session.execute(
        update(SyncJob).where(SyncJob.id.in_(ids))
        .values(state="running", lease=token, lease_until=now() + timedelta(seconds=lease_seconds), updated_at=now())
        .execution_options(synchronize_session=False))
    rows = list(session.scalars(select(SyncJob).where(SyncJob.id.in_(ids), SyncJob.lease == token)
                                .order_by(SyncJob.id).execution_options(populate_existing=True)))
    _events(session, [row.id for row in rows], "started", "")
    return rows


def extend(session: Session, token: str, lease_seconds: float) -> int:
    """Prolong the lease; the number of rows still held. 0: the lease was lost, nothing more may be written."""
    done = session.execute(
        update(SyncJob).where(SyncJob.lease == token, SyncJob.state == "running")
        .values(lease_until=now() + timedelta(seconds=lease_seconds)).execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def reap(session: Session, *, store_id: int | None = None, entity: str | None = None) -> int:
    """Give up the leases that ran out: the rows wait again, or die after the third time. The number of rows."""
    expired = select(SyncJob).where(SyncJob.state == "running", SyncJob.lease_until < now())
    if store_id is not None:
        expired = expired.where(SyncJob.store_id == store_id, SyncJob.entity == entity)
    rows = list(session.scalars(expired.with_for_update(skip_locked=True)))
    for row in rows:
        row.lost_leases += 1
        row.uncertain = True
        if row.lost_leases >= LOST_LEASES_LIMIT:
            _bury(session, row, Failure("The worker stopped three times while this record was being synchronised.",
                                        "portal:worker-lost", "Report it; the other records go on."))
        else:
            _wait_again(session, row, now(), "lease_lost", "the worker that held this change is gone")
    return len(rows)


# --- ending -----------------------------------------------------------------------------------------------------------


def held(session: Session, token: str, job_ids: Iterable[int]) -> dict[int, SyncJob]:
    """The rows that this lease still holds, locked. Whoever does not find his row here has lost it and must not write."""
    rows = session.scalars(
        select(SyncJob).where(SyncJob.id.in_(list(job_ids)), SyncJob.lease == token, SyncJob.state == "running")
        .with_for_update().execution_options(populate_existing=True))
    return {row.id: row for row in rows}


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
        records = {row.record for row in rows if (row.entity, row.direction) == (entity, direction)}
        for dead in session.scalars(select(SyncJob).where(
                SyncJob.store_id == store_id, SyncJob.entity == entity, SyncJob.direction == direction,
                SyncJob.state == "dead", SyncJob.record.in_(records))):
            _supersede(session, dead, "a later change of this record was synchronised")
        if direction == "ps_to_odoo":
            for record in session.scalars(select(Dependency.record).distinct().where(
                    Dependency.entity == entity, Dependency.record.in_(records))):
                wake(session, store_id, Ref(entity, record))


def fail(session: Session, row: SyncJob, failure: Failure, limit: int) -> None:
    """running → error, or dead at the limit. A newer waiting row takes over, with the attempts."""
    row.attempts += 1
    newer = _newer(session, row)
    if newer is None and row.attempts >= limit:
        _bury(session, row, failure)
        return
    _explain(row, failure)
    due_at = now() + backoff.after_attempt(row.attempts)
    _event(session, row.id, "failed", f"attempt {row.attempts} of {limit}: {failure.message}",
           {"cause": failure.cause, "detail": failure.detail, "next": due_at.isoformat()})
    if newer is None:
        row.state = "error"
        row.due_at = due_at
        _release(row)
    else:
        _merge(session, row, newer)
        newer.attempts = min(row.attempts, limit - 1)
        newer.state = "error" if newer.state != "blocked" else "blocked"
        newer.due_at = due_at
        _explain(newer, failure)


def postpone(session: Session, row: SyncJob, failure: Failure, due_at: datetime, *, uncertain: bool = False) -> None:
    """running → waiting without using an attempt: outage, throttling, unknown outcome of a write, shutdown."""
    row.uncertain = row.uncertain or uncertain
    _explain(row, failure)
    _wait_again(session, row, due_at, "postponed", failure.message)


def rehearse(session: Session, row: SyncJob, message: str) -> None:
    """running → waiting after a dry run showed what would happen; not shown again for this version."""
    row.rehearsed = row.version
    row.message = message
    _wait_again(session, row, row.due_at, "dry_run", message)


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
    _explain(row, Failure(f"Waits for {names}.", "dependency"))
    newer = _newer(session, row)
    if newer is not None:
        _event(session, row.id, "blocked", row.message)
        _merge(session, row, newer)
        return
    row.state = "blocked"
    row.due_at = now() + backoff.after_block(row.deferrals)
    _release(row)
    session.execute(delete(Dependency).where(Dependency.job_id == row.id))
    session.execute(insert(Dependency), [{"job_id": row.id, "entity": r.entity, "record": r.record} for r in refs])
    _event(session, row.id, "blocked", row.message)


def wake(session: Session, store_id: int, ref: Ref) -> None:
    """`ref` has reached Odoo: what waited only for it, blocked or dead of it, may run."""
    waiting = list(session.scalars(_dependents(store_id, ref)))
    if not waiting:
        return
    session.execute(delete(Dependency).where(Dependency.job_id.in_([row.id for row in waiting]),
                                             Dependency.entity == ref.entity, Dependency.record == ref.record))
    still = set(session.scalars(select(Dependency.job_id).where(Dependency.job_id.in_([row.id for row in waiting]))))
    for row in waiting:
        if row.id in still:
            continue
        if row.state == "blocked":
            row.state = "pending" if row.attempts == 0 else "error"
            row.due_at = now()
            row.queued_at = None
            row.updated_at = now()
            _event(session, row.id, "woken", f"{ref.entity} {ref.record} is there")
        elif row.state == "dead":
            _revive(session, row, f"{ref.entity} {ref.record} is there")


def unblock_stale(session: Session) -> int:
    """Blocked rows whose safety time has passed look for themselves again. The number of rows."""
    rows = list(session.scalars(select(SyncJob).where(SyncJob.state == "blocked", SyncJob.due_at <= now())
                                .with_for_update(skip_locked=True)))
    for row in rows:
        session.execute(delete(Dependency).where(Dependency.job_id == row.id))
        row.state = "pending" if row.attempts == 0 else "error"
        row.queued_at = None
        row.updated_at = now()
        _event(session, row.id, "woken", "looks again by itself")
    return len(rows)


# --- what people do ---------------------------------------------------------------------------------------------------


def retry(session: Session, store_id: int, job_ids: Collection[int] | None, actor: str) -> RetryResult:
    """dead → pending with fresh attempts, for the given jobs or all dead letters of the store (None)."""
    rows = _chosen(session, store_id, job_ids, ("dead",))
    merged = sum(1 for row in rows if _revive(session, row, f"retried by {actor}") == "merged")
    return RetryResult(len(rows) - merged, merged, 0 if job_ids is None else len(set(job_ids)) - len(rows))


def discard(session: Session, store_id: int, job_ids: Collection[int] | None, actor: str) -> int:
    """pending, error, blocked or dead → discarded, for the given jobs or all dead letters of the store (None)."""
    rows = _chosen(session, store_id, job_ids, ("dead",) if job_ids is None else (*WAITING, "dead"))
    for row in rows:
        _end(row, "discarded")
        session.execute(delete(Dependency).where(Dependency.job_id == row.id))
        _event(session, row.id, "discarded", f"discarded by {actor}")
        _fail_dependents(session, row, "was discarded")
    return len(rows)


def hurry(session: Session, store_id: int) -> int:
    """Make failed rows due now (*Process the queue now*), except those whose write may still be on its way."""
    done = session.execute(
        update(SyncJob).where(SyncJob.store_id == store_id, SyncJob.state.in_(("error", "pending")), SyncJob.due_at > now(),
                              SyncJob.uncertain.is_(False))
        .values(due_at=now(), queued_at=None).execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def counts(session: Session, store_id: int) -> dict[str, int]:
    """Jobs as the dashboard shows them: pending (pending, running, blocked), synced, error, dead."""
    found = {row.state: row.n for row in session.execute(
        select(SyncJob.state, func.count().label("n")).where(SyncJob.store_id == store_id).group_by(SyncJob.state))}
    return {"pending": sum(found.get(s, 0) for s in ("pending", "running", "blocked")), "synced": found.get("synced", 0),
            "error": found.get("error", 0), "dead": found.get("dead", 0)}


def mapping_counts(session: Session, store: Store) -> dict[str, int]:
    """Linked records per entity in the Odoo database the store points to now."""
    return {row.entity: row.n for row in session.execute(
        select(Mapping.entity, func.count().label("n")).where(Mapping.store_id == store.id, Mapping.target == store.target)
        .group_by(Mapping.entity))}


# --- inside -----------------------------------------------------------------------------------------------------------


def _bury(session: Session, row: SyncJob, failure: Failure) -> None:
    """running or blocked → dead. What waits for this record dies of it, and wakes when it succeeds after all."""
    newer = _newer(session, row)
    if newer is not None:
        _explain(row, failure)
        _merge(session, row, newer)
        return
    _explain(row, failure)
    _supersede_dead(session, row, "the record failed again with a later change")
    _end(row, "dead")
    _event(session, row.id, "dead", failure.message, {"cause": failure.cause, "detail": failure.detail})
    _fail_dependents(session, row, "is in quarantine")


def _fail_dependents(session: Session, row: SyncJob, why: str) -> None:
    if row.direction != "ps_to_odoo":
        return
    ref = Ref(row.entity, row.record)
    open_row = session.scalar(select(exists().where(
        SyncJob.store_id == row.store_id, SyncJob.entity == row.entity, SyncJob.record == row.record,
        SyncJob.direction == "ps_to_odoo", SyncJob.state.in_((*WAITING, "running")), SyncJob.id != row.id)))
    if open_row:
        return
    for parent in session.scalars(_dependents(row.store_id, ref)):
        if parent.state == "blocked":
            _bury(session, parent, Failure(f"Needs {ref.entity} {ref.record}, which {why}: {row.message}".rstrip(": "),
                                           f"dependency:{ref.entity}:{ref.record}",
                                           f"Solve {ref.entity} {ref.record} first; this one then goes on by itself."))


def _dependents(store_id: int, ref: Ref) -> Select[SyncJob]:
    return (select(SyncJob).join(Dependency, Dependency.job_id == SyncJob.id)
            .where(SyncJob.store_id == store_id, Dependency.entity == ref.entity, Dependency.record == ref.record,
                   SyncJob.state.in_(("blocked", "dead")))
            .order_by(SyncJob.id).with_for_update(of=SyncJob))


def _revive(session: Session, row: SyncJob, why: str) -> str:
    newer = _newer(session, row)
    session.execute(delete(Dependency).where(Dependency.job_id == row.id))
    if newer is not None:
        _event(session, row.id, "retried", why)
        _merge(session, row, newer)
        newer.due_at = now() if newer.state != "blocked" else newer.due_at
        newer.queued_at = None
        return "merged"
    row.state = "pending"
    row.attempts = row.lost_leases = row.deferrals = row.rehearsed = 0
    row.due_at = row.updated_at = now()
    row.finished_at = row.queued_at = None
    _event(session, row.id, "retried", why)
    return "retried"


def _merge(session: Session, row: SyncJob, newer: SyncJob) -> None:
    """The newer waiting row of the record takes over what this one still owed."""
    newer.uncertain = newer.uncertain or row.uncertain
    newer.lost_leases = max(newer.lost_leases, row.lost_leases)
    newer.updated_at = now()
    _end(row, "superseded")
    session.execute(delete(Dependency).where(Dependency.job_id == row.id))
    _event(session, row.id, "superseded", f"merged into the newer change {newer.id}")


def _newer(session: Session, row: SyncJob) -> SyncJob | None:
    return session.scalars(
        select(SyncJob).where(SyncJob.store_id == row.store_id, SyncJob.entity == row.entity,
                              SyncJob.direction == row.direction, SyncJob.record == row.record,
                              SyncJob.state.in_(WAITING), SyncJob.id != row.id).with_for_update()).first()


def _wait_again(session: Session, row: SyncJob, due_at: datetime, kind: str, message: str) -> None:
    _event(session, row.id, kind, message)
    newer = _newer(session, row)
    if newer is not None:
        _merge(session, row, newer)
        newer.due_at = max(newer.due_at, due_at)
        newer.attempts = max(newer.attempts, row.attempts)
        return
    row.state = "pending" if row.attempts == 0 else "error"
    row.due_at = due_at
    _release(row)


def _supersede_dead(session: Session, row: SyncJob, why: str) -> None:
    older = session.scalars(
        select(SyncJob).where(SyncJob.store_id == row.store_id, SyncJob.entity == row.entity,
                              SyncJob.direction == row.direction, SyncJob.record == row.record,
                              SyncJob.state == "dead", SyncJob.id != row.id))
    for dead in older:
        _supersede(session, dead, why)


def _supersede(session: Session, dead: SyncJob, why: str) -> None:
    _end(dead, "superseded")
    session.execute(delete(Dependency).where(Dependency.job_id == dead.id))
    _event(session, dead.id, "superseded", why)


def _end(row: SyncJob, state: str) -> None:
    row.state = state
    row.finished_at = now()
    _release(row)


def _release(row: SyncJob) -> None:
    row.lease = row.lease_until = row.queued_at = None
    row.updated_at = now()


def _explain(row: SyncJob, failure: Failure) -> None:
    row.cause, row.message = failure.cause[:128], failure.message
    row.remedy, row.detail = failure.remedy, failure.detail


def _chosen(session: Session, store_id: int, job_ids: Collection[int] | None, states: Collection[str]) -> list[SyncJob]:
    query = select(SyncJob).where(SyncJob.store_id == store_id, SyncJob.state.in_(states)).order_by(SyncJob.id)
    if job_ids is not None:
        query = query.where(SyncJob.id.in_(job_ids))
    return list(session.scalars(query.with_for_update()))


def _event(session: Session, job_id: int, kind: str, message: str, data: dict[str, object] | None = None) -> None:
    session.add(JobEvent(job_id=job_id, kind=kind, message=message, data=data))


def _events(session: Session, job_ids: Sequence[int], kind: str, message: str) -> None:
    if job_ids:
        session.execute(insert(JobEvent), [{"job_id": i, "kind": kind, "message": message, "at": now()} for i in job_ids])


def _insert_if_absent(session: Session) -> postgresql.Insert | sqlite.Insert:
    key, waiting = ["store_id", "entity", "direction", "record"], text("state IN ('pending','error','blocked')")
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(SyncJob).on_conflict_do_nothing(index_elements=key, index_where=waiting)
    return sqlite.insert(SyncJob).on_conflict_do_nothing(index_elements=key, index_where=waiting)


def _filled(row: Columns) -> Columns:
    """A new waiting row with every column."""
    at = now()
    return {"state": "pending", "version": 1, "rehearsed": 0, "attempts": 0, "deferrals": 0, "lost_leases": 0, "uncertain": False,
            "hint": None, "cause": "", "message": "", "remedy": "", "detail": "", "due_at": at, "created_at": at,
            "updated_at": at} | row


def _lock_lane(session: Session, store_id: int, entity: str) -> None:
    """PostgreSQL: one claim of a lane at a time. SQLite: the unit of work holds the only write lock anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:a, :b)"), {"a": store_id, "b": zlib.crc32(entity.encode()) >> 1})
