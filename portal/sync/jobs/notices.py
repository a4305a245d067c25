"""Something changed: nothing → pending, or coalesced with the row that waits already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import String, bindparam, case, func, null, select, text, tuple_, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from portal.db import dialect, insert_on, now, table_of
from portal.models import WAITING, Store, SyncJob
from portal.sync.jobs.steps import events, in_order

_CHUNK = 400
_JOB = table_of(SyncJob)
_LIVE: dict[str, Any] = {"bulk": False, "queued_at": case((SyncJob.bulk, null()), else_=SyncJob.queued_at)}
"""What makes a change that waits as bulk work one of now: workers are told of it again, in front."""

Columns = dict[str, Any]


def notice(session: Session, store: Store, entity: str, direction: str, record: str, *, source: str, bulk: bool = False,
           run_id: int | None = None, hint: dict[str, object] | None = None, delay: float = 0) -> int:
    """Record that something changed; the job's id. Coalesces with a waiting row of the same record.

    `delay` in seconds: the earliest time to look, for notices that are sent before the change is committed.
    """
    due_at = now() + timedelta(seconds=delay)
    values: Columns = {"store_id": store.id, "entity": entity, "direction": direction, "record": record, "source": source,
                       "bulk": bulk, "run_id": run_id, "hint": hint, "due_at": due_at}
    for _ in range(3):
        job_id: int | None = session.execute(_insert_if_absent(dialect(session)), [values]).scalar()
        if job_id is not None:
            events(session, [job_id], "queued", f"noticed ({source})")
            return job_id
        row = session.scalars(select(SyncJob).where(
            SyncJob.store_id == store.id, SyncJob.entity == entity, SyncJob.direction == direction, SyncJob.record == record,
            SyncJob.state.in_(WAITING)).with_for_update()).first()
        if row is not None:
            row.version += 1
            row.updated_at = now()
            row.hint = hint or row.hint
            if not bulk:
                row.bulk = False
            if row.state != "blocked" and not row.uncertain:
                row.due_at = min(row.due_at, due_at) if row.state == "pending" else due_at
                row.queued_at = None
            events(session, [row.id], "coalesced", f"noticed again ({source})")
            return row.id
    raise RuntimeError("the waiting row of a record neither exists nor can be made")


def lock_waiting(session: Session, store: Store, changes: Sequence[tuple[str, str, str]]) -> None:
    """Lock the waiting rows of these (entity, direction, record), in the order of all, for whoever is about to notice several.

    SQLite: the unit of work holds the only write lock anyway.
    """
    if len(changes) < 2 or dialect(session) != "postgresql":
        return
    listed = [func.unnest(bindparam(None, list(column), postgresql.ARRAY(String))) for column in zip(*changes, strict=True)]
    session.execute(select(SyncJob.id).where(in_order(
        SyncJob.store_id == store.id, SyncJob.state.in_(WAITING),
        tuple_(SyncJob.entity, SyncJob.direction, SyncJob.record).in_(select(*listed)))))


def notice_many(session: Session, store: Store, entity: str, direction: str, records: Sequence[str], *, source: str,
                run_id: int | None = None, bulk: bool = True) -> int:
    """Record many changes at once (initial sync, polls); the number of rows that are new.

    A row that waits keeps its time, because a poll sees the same change several times; one that waited as `bulk` goes before the
    bulk work if this notice is not.
    """
    lock_waiting(session, store, [(entity, direction, record) for record in records])
    made = 0
    for start in range(0, len(records), _CHUNK):
        chunk = records[start:start + _CHUNK]
        common: Columns = {"store_id": store.id, "entity": entity, "direction": direction, "source": source, "bulk": bulk,
                           "run_id": run_id}
        rows = [common | {"record": record} for record in chunk]
        new = session.execute(_insert_if_absent(dialect(session)), rows).all()
        made += len(new)
        events(session, [row.id for row in new], "queued", f"noticed ({source})")
        old = set(chunk) - {row.record for row in new}
        if old:
            session.execute(
                update(SyncJob)
                .where(in_order(SyncJob.store_id == store.id, SyncJob.entity == entity, SyncJob.direction == direction,
                                SyncJob.record.in_(old), SyncJob.state.in_(WAITING)))
                .values(version=SyncJob.version + 1, updated_at=now(), **({} if bulk else _LIVE),
                        run_id=run_id if run_id is not None else SyncJob.run_id)
                .execution_options(synchronize_session=False))
    return made


@cache
def _insert_if_absent(database: str) -> ReturningInsert[Any]:
    key, waiting = ["store_id", "entity", "direction", "record"], text("state IN ('pending','error','blocked')")
    row = insert_on(database, _JOB).on_conflict_do_nothing(index_elements=key, index_where=waiting)
    return row.returning(_JOB.c.id, _JOB.c.record)
