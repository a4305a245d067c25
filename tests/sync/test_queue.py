"""SQL → RQ: what is handed over, in which order, and what a loss of Redis changes (nothing)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.registry import FailedJobRegistry
from sqlalchemy import select, update

from portal.db import Database, now
from portal.models import Circuit, Store, SyncJob
from portal.rq_setup import make_queue
from portal.sync import jobs
from portal.sync import queue as rq_queue
from tests.sync.factory import make_store, notice


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return make_queue(redis)


@pytest.fixture
def store(db: Database) -> Store:
    return make_store(db)


def handed_over(queue: Queue) -> list[list[int]]:
    return [job.args[0] for job in queue.jobs]


def set_all(db: Database, **values: object) -> None:
    with db.begin() as session:
        session.execute(update(SyncJob).values(**values))


def test_a_live_change_goes_before_bulk_work(db: Database, store: Store, queue: Queue) -> None:
    bulk = [notice(db, store, str(n), bulk=True) for n in range(3)]
    rq_queue.dispatch(db, queue)
    live = notice(db, store, "9")
    rq_queue.dispatch(db, queue)
    assert handed_over(queue) == [[live], bulk]


def test_what_was_handed_over_is_not_handed_over_twice(db: Database, store: Store, queue: Queue) -> None:
    notice(db, store)
    assert rq_queue.dispatch(db, queue) == 1
    assert rq_queue.dispatch(db, queue) == 0


def test_a_flushed_redis_gets_everything_again(db: Database, store: Store, queue: Queue) -> None:
    for n in range(5):
        notice(db, store, str(n), bulk=True)
    rq_queue.dispatch(db, queue)
    queue.connection.flushall()
    assert rq_queue.dispatch(db, queue) == 5


def test_a_change_that_rq_forgot_is_handed_over_again_after_a_while(db: Database, store: Store, queue: Queue) -> None:
    notice(db, store)
    rq_queue.dispatch(db, queue)
    set_all(db, queued_at=now() - rq_queue.FORGOTTEN_AFTER - timedelta(seconds=1))
    assert rq_queue.dispatch(db, queue) == 1


def test_changes_that_failed_before_run_alone(db: Database, store: Store, queue: Queue) -> None:
    ids = [notice(db, store, str(n)) for n in range(4)]
    with db.begin() as session:
        session.execute(update(SyncJob).where(SyncJob.id == ids[0]).values(attempts=1, state="error"))
        session.execute(update(SyncJob).where(SyncJob.id == ids[1]).values(uncertain=True))
    rq_queue.dispatch(db, queue)
    assert sorted(handed_over(queue)) == [[ids[0]], [ids[1]], ids[2:]]


def test_batches_hold_one_kind_and_are_bounded(db: Database, store: Store, queue: Queue) -> None:
    with db.begin() as session:
        jobs.notice_many(session, store, "product", "ps_to_odoo", [str(n) for n in range(450)], source="initial")
        jobs.notice_many(session, store, "customer", "ps_to_odoo", ["1"], source="initial")
    rq_queue.dispatch(db, queue)
    assert sorted(len(ids) for ids in handed_over(queue)) == [1, 50, 200, 200]


def test_rq_holds_a_bounded_window_of_bulk_work(db: Database, store: Store, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rq_queue, "WINDOW", 3)
    monkeypatch.setattr(rq_queue, "BATCH", {"customer": 10})
    with db.begin() as session:
        jobs.notice_many(session, store, "customer", "ps_to_odoo", [str(n) for n in range(100)], source="initial")
    assert rq_queue.dispatch(db, queue) == 30
    assert queue.count == 3
    assert rq_queue.dispatch(db, queue) == 0
    live = notice(db, store, "live")
    assert rq_queue.dispatch(db, queue) == 1
    assert handed_over(queue)[0] == [live]


def test_thousands_of_dead_letters_tried_again_go_out_in_a_bounded_window_and_none_is_lost(
        db: Database, store: Store, queue: Queue) -> None:
    """F33: also when Redis is emptied in the middle."""
    with db.begin() as session:
        jobs.notice_many(session, store, "customer", "ps_to_odoo", [str(n) for n in range(1200)], source="hook", bulk=False)
        ids = list(session.scalars(select(SyncJob.id)))
        rows = jobs.claim(session, store, "customer", ids, lease_seconds=60)
        for row in rows:
            jobs.fail(session, row, jobs.Failure("Odoo refused it", cause="x"), 1)
    with db.begin() as session:
        assert jobs.retry(session, store.id, None, "test").retried == 1200
    seen: set[int] = set()
    for round_ in range(5):
        rq_queue.dispatch(db, queue)
        rq_queue.dispatch(db, queue)
        assert queue.count <= rq_queue.LIVE_AT_ONCE
        if round_ == 1:
            queue.connection.flushall()
            continue
        done = [job_id for group in handed_over(queue) for job_id in group]
        queue.empty()
        with db.begin() as session:
            jobs.discard(session, store.id, done, "test")
        seen.update(done)
    assert seen == set(ids)


@pytest.mark.parametrize("choices", [{"enabled": False}, {"enabled": True, "dry_run": True}])
def test_nothing_of_a_disabled_store_is_handed_over_and_only_rehearsals_of_one_in_dry_run(
        db: Database, store: Store, queue: Queue, choices: dict[str, bool]) -> None:
    with db.begin() as session:
        session.get_one(Store, store.id).choices = choices
    notice(db, store)
    expected = 1 if choices["enabled"] else 0
    assert rq_queue.dispatch(db, queue) == expected
    set_all(db, rehearsed=1, queued_at=None)
    assert rq_queue.dispatch(db, queue) == 0


def test_nothing_is_handed_over_while_a_side_is_down(db: Database, store: Store, queue: Queue) -> None:
    with db.begin() as session:
        session.add(Circuit(store_id=store.id, side="odoo", state="open"))
    notice(db, store)
    assert rq_queue.dispatch(db, queue) == 0


def test_a_dead_redis_is_no_error_and_loses_nothing(db: Database, store: Store, queue: Queue) -> None:
    notice(db, store)
    gone = make_queue(Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2))
    assert rq_queue.dispatch(db, gone) == 0
    assert rq_queue.dispatch(db, queue) == 1


def test_the_failed_registry_becomes_exactly_the_dead_letters(db: Database, store: Store, queue: Queue) -> None:
    ids = [notice(db, store, str(n)) for n in range(3)]
    with db.begin() as session:
        session.execute(update(SyncJob).where(SyncJob.id.in_(ids[:2])).values(state="dead", finished_at=now()))
    rq_queue.bury(queue, [ids[2], 999])
    with db.read() as session:
        assert rq_queue.mirror_dead(session, queue) == 4
        assert rq_queue.mirror_dead(session, queue) == 0
        dead = set(session.scalars(select(SyncJob.id).where(SyncJob.state == "dead")))
    registry = FailedJobRegistry(queue=queue)
    assert {rq_queue.dead_letter(name) for name in registry.get_job_ids(cleanup=False)} == dead


def test_what_stands_in_redis_is_json_and_holds_no_secret(db: Database, store: Store, queue: Queue) -> None:
    notice(db, store)
    rq_queue.dispatch(db, queue)
    stored = b"".join(value for key in queue.connection.keys("rq:job:*") for value in queue.connection.hgetall(key).values())
    assert b"portal.sync.tasks.run" in stored
    assert b"secret" not in stored
    assert b"\x80\x04" not in stored, "pickle"


def test_what_found_its_lane_busy_is_handed_over_when_the_lane_is_free(db: Database, store: Store, queue: Queue) -> None:
    first, second = notice(db, store, "1"), notice(db, store, "2")
    with db.begin() as session:
        [row] = jobs.claim(session, session.get_one(Store, store.id), "customer", [first], lease_seconds=300)
    rq_queue.dispatch(db, queue)
    assert handed_over(queue) == []
    set_all(db, queued_at=now())
    with db.begin() as session:
        assert jobs.claim(session, session.get_one(Store, store.id), "customer", [second], lease_seconds=300) == []
    with db.begin() as session:
        jobs.succeed(session, [(jobs.held(session, row.lease or "", [first])[first], "written")])
    rq_queue.dispatch(db, queue)
    assert handed_over(queue) == [[second]]


def test_a_change_handed_over_while_its_former_run_ends_has_a_name_of_its_own(db: Database, store: Store,
                                                                              queue: Queue) -> None:
    """RQ deletes a job by name when it ends; under the same name it would take the next run along."""
    job_id = notice(db, store)
    rq_queue.dispatch(db, queue)
    set_all(db, queued_at=None)
    rq_queue.dispatch(db, queue)
    names = queue.get_job_ids()
    assert len(set(names)) == 2
    assert {rq_queue.dead_letter(name) for name in names} == {job_id}
