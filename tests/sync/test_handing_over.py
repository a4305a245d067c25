"""What RQ is given and how: tasks that run once at a time, batches, dead letters. SQLite is enough; Redis is real."""

from __future__ import annotations

import pytest
from redis import Redis
from rq import Queue
from rq.job import JobStatus
from rq.registry import FailedJobRegistry
from sqlalchemy import update

from portal.db import Database, now
from portal.models import Circuit, Store, SyncJob
from portal.rq_setup import make_queue
from portal.sync import queue as rq_queue
from tests.sync.factory import make_store, notice

TICK = "portal.sync.tasks.tick"


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return make_queue(redis)


@pytest.fixture
def store(db: Database) -> Store:
    return make_store(db)


def test_a_task_is_handed_over_once_until_it_has_ended(queue: Queue) -> None:
    assert rq_queue.enqueue_once(queue, TICK, [], "tick") is True
    assert rq_queue.enqueue_once(queue, TICK, [], "tick") is False
    assert rq_queue.enqueue_once(queue, "portal.sync.tasks.poll", [7], "poll-7") is True
    assert [(job.func_name, list(job.args)) for job in queue.jobs] == [("portal.sync.tasks.poll", [7]), (TICK, [])], "in front"
    rq_queue.ended(queue, "tick")
    assert rq_queue.enqueue_once(queue, TICK, [], "tick") is True
    assert rq_queue.enqueue_once(queue, "portal.sync.tasks.poll", [7], "poll-7") is False


def test_a_task_whose_worker_was_killed_is_handed_over_again_after_its_time(queue: Queue) -> None:
    rq_queue.enqueue_once(queue, TICK, [], "tick", seconds=60)
    assert 0 < queue.connection.ttl(rq_queue.ONCE + "tick") <= 60
    [job] = queue.jobs
    assert job.id.startswith("tick-")
    assert (job.timeout, job.result_ttl, job.failure_ttl) == (rq_queue.JOB_TIMEOUT, 0, 60)


def test_a_batch_leaves_nothing_in_redis_when_it_is_done_and_stays_for_good_when_it_died(
        db: Database, store: Store, queue: Queue) -> None:
    number = notice(db, store)
    assert rq_queue.dispatch(db, queue) == 1
    [job] = queue.jobs
    assert (job.func_name, list(job.args)) == ("portal.sync.tasks.run", [[number]])
    assert (job.timeout, job.result_ttl, job.failure_ttl) == (rq_queue.JOB_TIMEOUT, 0, -1)
    assert rq_queue.dead_letter(job.id) == number
    assert rq_queue.dead_letter("batch-1-2-abcdef01") == 0


def test_a_buried_change_can_be_read_in_the_registry_for_good(db: Database, queue: Queue) -> None:
    rq_queue.bury(queue, [5])
    registry = FailedJobRegistry(queue=queue)
    [name] = registry.get_job_ids()
    job = queue.fetch_job(name)
    assert job is not None
    assert (rq_queue.dead_letter(name), list(job.args), job.get_status(), job.origin) == (5, [[5]], JobStatus.FAILED, queue.name)
    assert (job.failure_ttl, queue.connection.ttl(job.key)) == (-1, -1)
    registry.cleanup()
    assert registry.get_job_ids() == [name]
    with db.read() as session:
        assert rq_queue.mirror_dead(session, queue) == 1
    assert not queue.connection.exists(job.key), "what is no dead letter leaves nothing behind"


def test_in_the_foreground_live_changes_come_first_whatever_rq_was_told(db: Database, store: Store, queue: Queue) -> None:
    other = make_store(db, "other")
    bulk = [notice(db, store, str(n), bulk=True) for n in range(3)]
    live = notice(db, store, "9")
    notice(db, other, "1")
    rq_queue.dispatch(db, queue)
    with db.read() as session:
        assert rq_queue.due_groups(session, store.id) == [[live], bulk]
        assert rq_queue.due_groups(session, store.id, limit=2) == [[live], bulk[:2]]


def test_batches_are_as_large_as_their_kind_allows(db: Database, store: Store) -> None:
    wanted = {"customer": 400, "product": 200, "stock": 700, "order": 100, "other": 100}
    for entity, size in wanted.items():
        rows = [rq_queue._Due(n, 1, entity, "ps_to_odoo", True, False) for n in range(size + 1)]
        assert [len(group) for group in rq_queue._groups(rows)] == [size, 1]


def test_what_could_not_be_handed_over_is_not_taken_for_handed_over(
        db: Database, store: Store, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    from redis import RedisError

    def lost(*_args: object, **_options: object) -> None:
        raise RedisError

    number = notice(db, store)
    with monkeypatch.context() as broken:
        broken.setattr(rq_queue, "_enqueue", lost)
        assert rq_queue.dispatch(db, queue) == 0
    with db.read() as session:
        assert session.get_one(SyncJob, number).queued_at is None
    assert rq_queue.dispatch(db, queue) == 1


def test_a_store_in_trouble_is_left_alone_and_the_others_are_not(db: Database, store: Store, queue: Queue) -> None:
    other = make_store(db, "other")
    notice(db, store)
    theirs = notice(db, other)
    with db.begin() as session:
        session.add(Circuit(store_id=store.id, side="odoo", state="paused", since=now()))
        session.add(Circuit(store_id=other.id, side="odoo", state="closed", since=now()))
    assert rq_queue.dispatch(db, queue) == 1
    assert [job.args[0] for job in queue.jobs] == [[theirs]]


def test_a_change_that_cost_a_worker_runs_alone(db: Database, store: Store, queue: Queue) -> None:
    numbers = [notice(db, store, str(n), bulk=True) for n in range(4)]
    for number, field in zip(numbers[:3], (SyncJob.lost_leases, SyncJob.attempts, SyncJob.uncertain), strict=True):
        with db.begin() as session:
            session.execute(update(SyncJob).where(SyncJob.id == number).values({field: True if field is SyncJob.uncertain else 1}))
    rq_queue.dispatch(db, queue)
    assert sorted(job.args[0] for job in queue.jobs) == [[number] for number in numbers]
