"""SQL → RQ: telling the workers what is due. SQL is the record; Redis may be flushed at any moment.

RQ holds a bounded window, and nothing of a lane that a worker holds: that worker tells RQ of the rest when it is done. A row's
`queued_at` says that RQ was told; it is forgotten when the row changes hands, when RQ's marker is gone (Redis was flushed or lost
its data) or after a while. Telling RQ twice is harmless: a claim decides in SQL.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import RedisError
from rq import Queue
from rq.job import JobStatus
from rq.registry import FailedJobRegistry
from sqlalchemy import ColumnElement, or_, select, tuple_, update
from sqlalchemy.orm import Session, load_only

from portal.db import Database, now
from portal.models import Circuit, Store, SyncJob
from portal.sync import jobs

WINDOW = 20
"""RQ jobs waiting at most when bulk work is added. Each worker tops it up when it ends one; looking far ahead costs time."""
LIVE_AT_ONCE = 480
"""RQ holds no more than this because of live changes; the rest follows with the next round."""
FORGOTTEN_AFTER = timedelta(seconds=120)
BATCH = {"customer": 400, "product": 200, "stock": 700, "order": 100}
"""Records per RQ job. Bounded so that a batch ends well within its lease and live changes need not wait long."""

MARKER = "portal:marker"
ONCE = "portal:once:"
RUN = "portal.sync.tasks.run"
JOB_TIMEOUT = 280
DEAD_PREFIX = "job-"


@dataclass(frozen=True)
class _Due:
    id: int
    store_id: int
    entity: str
    direction: str
    bulk: bool
    alone: bool


def dispatch(db: Database, queue: Queue) -> int:
    """Hand what is due to RQ, live changes first; the number of rows. Never raises when Redis is away."""
    try:
        fresh = queue.connection.set(MARKER, "1", nx=True)
        held = queue.count
    except RedisError:
        return 0
    if fresh:
        with db.begin() as session:
            session.execute(update(SyncJob).where(jobs.in_order(SyncJob.queued_at.is_not(None))).values(queued_at=None)
                            .execution_options(synchronize_session=False))
    with db.read() as session:
        groups = _groups(_due(session, bulk=False, limit=max(LIVE_AT_ONCE - held, 0)))
        room = max(WINDOW - held - len(groups), 0)
        if room:
            groups += _groups(_due(session, bulk=True, limit=room * max(BATCH.values())))[:room]
    groups = _told(db, groups)
    ids = [row.id for group in groups for row in group]
    try:
        for group in reversed([g for g in groups if not g[0].bulk]):
            _enqueue(queue, group, at_front=True)
        for group in (g for g in groups if g[0].bulk):
            _enqueue(queue, group, at_front=False)
    except RedisError:
        with db.begin() as session:
            for chunk in _chunks(ids):
                session.execute(update(SyncJob).where(jobs.in_order(SyncJob.id.in_(chunk))).values(queued_at=None)
                                .execution_options(synchronize_session=False))
        return 0
    return len(ids)


def due_groups(session: Session, store_id: int, limit: int = 5000) -> list[list[int]]:
    """What is due in one store, batched as RQ would get it; for draining in the foreground."""
    return [[row.id for row in group] for bulk in (False, True)
            for group in _groups(_due(session, bulk=bulk, limit=limit, store_id=store_id, told_too=True))]


def mirror_dead(session: Session, queue: Queue) -> int:
    """Make RQ's FailedJobRegistry hold exactly the dead letters of SQL; the number of corrections."""
    registry = FailedJobRegistry(queue=queue)
    wanted = set(session.scalars(select(SyncJob.id).where(SyncJob.state == "dead")))
    present: set[int] = set()
    surplus = []
    for name in registry.get_job_ids(cleanup=False):
        job_id = dead_letter(name)
        if job_id in wanted and job_id not in present:
            present.add(job_id)
        else:
            surplus.append(name)
    for name in surplus:
        registry.remove(name, delete_job=True)
    bury(queue, sorted(wanted - present))
    return len(surplus) + len(wanted - present)


def dead_letter(name: str) -> int:
    """The change an RQ job of its own stands for; 0 for a batch."""
    found = re.fullmatch(rf"{DEAD_PREFIX}(\d+)(?:-[0-9a-f]+)?", name)
    return int(found.group(1)) if found else 0


def bury(queue: Queue, job_ids: Iterable[int]) -> None:
    """Put dead letters that did not die as an RQ job of their own into the registry."""
    registry = FailedJobRegistry(queue=queue)
    for job_id in job_ids:
        job = queue.job_class.create(RUN, args=([job_id],), id=f"{DEAD_PREFIX}{job_id}", connection=queue.connection,
                                     origin=queue.name, serializer=queue.serializer, failure_ttl=-1,
                                     status=JobStatus.FAILED)
        job.save()
        registry.add(job, ttl=-1)


def enqueue_once(queue: Queue, function: str, arguments: Sequence[object], name: str, *, seconds: int = JOB_TIMEOUT) -> bool:
    """Hand over a task in front of all others unless one of that name waits or runs. Raises `RedisError` when Redis is away.

    A note of our own that vanishes by itself says so: RQ's own unique ids are held for minutes after a worker was killed, and for
    good when what stands under them cannot be read.
    """
    if not queue.connection.set(ONCE + name, "1", nx=True, ex=seconds):
        return False
    queue.enqueue(function, *arguments, job_id=f"{name}-{secrets.token_hex(4)}", at_front=True, result_ttl=0, failure_ttl=60,
                  job_timeout=JOB_TIMEOUT)
    return True


def ended(queue: Queue, name: str) -> None:
    """The task of that name is over and may be handed over again; never raises when Redis is away."""
    with contextlib.suppress(RedisError):
        queue.connection.delete(ONCE + name)


def _due(session: Session, *, bulk: bool, limit: int, store_id: int | None = None, told_too: bool = False) -> list[_Due]:
    at = now()
    ready, rehearsing = _ready_stores(session, store_id)
    alone = (SyncJob.attempts > 0) | SyncJob.uncertain | (SyncJob.lost_leases > 0)
    query = (select(SyncJob.id, SyncJob.store_id, SyncJob.entity, SyncJob.direction, SyncJob.bulk, alone.label("alone"))
             .where(*jobs.is_due(at), SyncJob.bulk.is_(bulk),
                    or_(SyncJob.store_id.in_(ready),
                        SyncJob.store_id.in_(rehearsing) & (SyncJob.rehearsed < SyncJob.version)))
             .order_by(SyncJob.id).limit(limit))
    if not told_too:
        query = query.where(_untold(), tuple_(SyncJob.store_id, SyncJob.entity).not_in(_busy_lanes(session, at)))
    return [_Due(*row) for row in session.execute(query)]


def _busy_lanes(session: Session, at: datetime) -> list[tuple[int, str]]:
    """Looked up by itself: as a part of the look for due rows, PostgreSQL asks it anew for each of 100,000."""
    held = select(SyncJob.store_id, SyncJob.entity).where(SyncJob.state == "running", SyncJob.lease_until > at)
    return [(store_id, entity) for store_id, entity in session.execute(held.distinct())]


def _untold() -> ColumnElement[bool]:
    return or_(SyncJob.queued_at.is_(None), SyncJob.queued_at < now() - FORGOTTEN_AFTER)


def _told(db: Database, groups: Sequence[list[_Due]]) -> list[list[_Due]]:
    """Note that RQ is told of these; without those that another process told it of since they were looked up."""
    ids = [row.id for group in groups for row in group]
    mine: set[int] = set()
    for chunk in _chunks(ids):  # a transaction each: nobody has to wait for all of them
        with db.begin() as session:  # whoever changes a row at this moment tells of it himself
            free = list(session.scalars(select(SyncJob.id).where(SyncJob.id.in_(chunk), _untold()).order_by(SyncJob.id)
                                        .with_for_update(skip_locked=True)))
            session.execute(update(SyncJob).where(SyncJob.id.in_(free)).values(queued_at=now())
                            .execution_options(synchronize_session=False))
        mine.update(free)
    left = ([row for row in group if row.id in mine] for group in groups)
    return [group for group in left if group]


def _ready_stores(session: Session, store_id: int | None) -> tuple[list[int], list[int]]:
    """Stores that may write now, and those that only rehearse."""
    troubled = set(session.scalars(select(Circuit.store_id).where(Circuit.state != "closed")))
    query = select(Store).options(load_only(Store.id, Store.choices))
    if store_id is not None:
        query = query.where(Store.id == store_id)
    enabled = [s for s in session.scalars(query) if s.settings["enabled"] and s.id not in troubled]
    return ([s.id for s in enabled if not s.settings["dry_run"]], [s.id for s in enabled if s.settings["dry_run"]])


def _groups(due: Sequence[_Due]) -> list[list[_Due]]:
    """Batches of one store, entity and direction in the order of their first row."""
    lots: dict[tuple[object, ...], list[_Due]] = {}
    for row in due:
        key = (row.store_id, row.entity, row.direction, row.id if row.alone else None)
        lots.setdefault(key, []).append(row)
    groups: list[list[_Due]] = []
    for lot in lots.values():
        size = BATCH.get(lot[0].entity, 100)
        groups += [lot[i:i + size] for i in range(0, len(lot), size)]
    return groups


def _enqueue(queue: Queue, group: Sequence[_Due], *, at_front: bool) -> None:
    ids = [row.id for row in group]
    kind = f"{DEAD_PREFIX}{ids[0]}" if len(ids) == 1 else f"batch-{ids[0]}-{len(ids)}"
    name = f"{kind}-{secrets.token_hex(4)}"  # a name used again would be deleted with the run that still ends under it
    queue.enqueue(RUN, ids, job_id=name, at_front=at_front, result_ttl=0, failure_ttl=-1, job_timeout=JOB_TIMEOUT)


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return [ids[i:i + 500] for i in range(0, len(ids), 500)]
