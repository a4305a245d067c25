"""What a notice leaves behind: a new waiting row, or a mark on the one that waits already. On SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.db import Database, now
from portal.models import InitialRun, JobEvent, Store, SyncJob
from portal.sync import jobs
from tests.invariants import check
from tests.sync.factory import make_store, notice

LONG_AGO = timedelta(hours=2)


@pytest.fixture
def store(db: Database) -> Store:
    return make_store(db)


def many(db: Database, store: Store, records: Sequence[str], **options: Any) -> int:
    with db.begin() as session:
        return jobs.notice_many(session, store, "customer", "ps_to_odoo", records, **{"source": "poll", **options})


def get(db: Database, job_id: int) -> SyncJob:
    with db.read() as session:
        return session.get_one(SyncJob, job_id)


def put(db: Database, job_id: int, **values: object) -> None:
    with db.begin() as session:
        session.execute(update(SyncJob).where(SyncJob.id == job_id).values(**values))


def timeline(db: Database, job_id: int) -> list[tuple[str, str]]:
    with db.read() as session:
        return [(kind, message) for kind, message in session.execute(
            select(JobEvent.kind, JobEvent.message).where(JobEvent.job_id == job_id).order_by(JobEvent.id))]


def make_run(db: Database, store: Store, *, paused: bool = False) -> int:
    with db.begin() as session:
        run = InitialRun(store_id=store.id, entity="customer", paused_at=now() if paused else None)
        session.add(run)
        session.flush()
        return run.id


def claimed(db: Database, store: Store, *job_ids: int) -> list[int]:
    with db.begin() as session:
        rows = jobs.claim(session, session.get_one(Store, store.id), "customer", job_ids, lease_seconds=300)
        return [row.id for row in rows]


def test_a_change_is_kept_with_all_that_was_said_of_it(db: Database, store: Store) -> None:
    run = make_run(db, store)
    before = now()
    row = get(db, notice(db, store, "7", "stock", bulk=True, run_id=run, hint={"qty": 4.0}, delay=60))
    assert (row.store_id, row.entity, row.direction, row.record) == (store.id, "stock", "ps_to_odoo", "7")
    assert (row.state, row.source, row.bulk, row.run_id, row.hint) == ("pending", "test", True, run, {"qty": 4.0})
    assert (row.version, row.rehearsed, row.attempts, row.deferrals, row.lost_leases) == (1, 0, 0, 0, 0)
    assert (row.uncertain, row.queued_at, row.lease, row.cause, row.message, row.remedy, row.detail) == (
        False, None, None, "", "", "", "")
    assert before <= row.created_at <= now()
    assert row.created_at <= row.updated_at <= now()
    assert before + timedelta(seconds=60) <= row.due_at <= now() + timedelta(seconds=60)
    assert timeline(db, row.id) == [("queued", "noticed (test)")]
    check(db)


def test_a_change_of_now_is_live_due_at_once_and_of_no_initial_sync(db: Database, store: Store) -> None:
    row = get(db, notice(db, store))
    assert (row.bulk, row.run_id, row.hint) == (False, None, None)
    assert row.due_at <= now()


def test_a_second_notice_is_noted_on_the_row_that_waits(db: Database, store: Store) -> None:
    job_id = notice(db, store, hint={"qty": 1.0})
    put(db, job_id, updated_at=now() - LONG_AGO, queued_at=now())
    assert notice(db, store, hint={"qty": 2.0}) == job_id
    row = get(db, job_id)
    assert (row.version, row.hint, row.queued_at) == (2, {"qty": 2.0}, None)
    assert now() - row.updated_at < LONG_AGO
    assert timeline(db, job_id) == [("queued", "noticed (test)"), ("coalesced", "noticed again (test)")]
    notice(db, store)
    assert get(db, job_id).hint == {"qty": 2.0}, "a notice without one keeps the last that was given"
    check(db)


def test_the_earlier_of_two_times_holds_while_nothing_failed(db: Database, store: Store) -> None:
    job_id = notice(db, store, delay=3600)
    notice(db, store, delay=60)
    assert get(db, job_id).due_at < now() + timedelta(seconds=61)
    notice(db, store, delay=3600)
    assert get(db, job_id).due_at < now() + timedelta(seconds=61)


def test_a_change_of_a_record_that_failed_is_tried_at_once(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    put(db, job_id, state="error", attempts=2, due_at=now() + LONG_AGO)
    notice(db, store)
    row = get(db, job_id)
    assert (row.state, row.attempts) == ("error", 2)
    assert row.due_at <= now()
    put(db, job_id, due_at=now() - LONG_AGO)
    notice(db, store, delay=60)
    assert get(db, job_id).due_at > now(), "what is announced before its commit is not tried before"


@pytest.mark.parametrize("held_by", [{"uncertain": True}, {"state": "blocked"}])
def test_a_notice_does_not_hasten_what_waits_for_something_else(db: Database, store: Store, held_by: dict[str, Any]) -> None:
    job_id = notice(db, store)
    due_at = now() + LONG_AGO
    put(db, job_id, due_at=due_at, queued_at=now(), **held_by)
    notice(db, store)
    row = get(db, job_id)
    assert (row.due_at, row.version) == (due_at, 2)
    assert row.queued_at is not None
    assert claimed(db, store, job_id) == []


def test_a_live_change_lifts_what_waits_as_bulk_and_bulk_work_lowers_nothing(db: Database, store: Store) -> None:
    job_id = notice(db, store, bulk=True)
    notice(db, store, bulk=True)
    assert get(db, job_id).bulk
    notice(db, store)
    assert not get(db, job_id).bulk
    notice(db, store, bulk=True)
    assert not get(db, job_id).bulk


def test_many_changes_are_kept_with_all_that_was_said_of_them(db: Database, store: Store) -> None:
    run = make_run(db, store)
    assert many(db, store, ["1", "2"], run_id=run) == 2
    for job_id in (1, 2):
        row = get(db, job_id)
        assert (row.state, row.record, row.source, row.version) == ("pending", str(job_id), "poll", 1)
        assert (row.bulk, row.run_id) == (True, run)
        assert row.due_at <= now()
        assert timeline(db, job_id) == [("queued", "noticed (poll)")]
    assert many(db, store, ["3"], bulk=False) == 1
    assert (get(db, 3).bulk, get(db, 3).run_id) == (False, None)
    check(db)


def test_many_notices_are_noted_on_the_rows_that_wait_and_leave_their_time(db: Database, store: Store) -> None:
    run, due_at = make_run(db, store), now() + LONG_AGO
    job_id = notice(db, store)
    put(db, job_id, state="error", attempts=1, due_at=due_at, queued_at=now(), updated_at=now() - LONG_AGO)
    assert many(db, store, ["1"], run_id=run) == 0
    row = get(db, job_id)
    assert (row.version, row.run_id, row.bulk, row.due_at, row.state) == (2, run, False, due_at, "error")
    assert row.queued_at is not None
    assert now() - row.updated_at < LONG_AGO
    many(db, store, ["1"])
    assert get(db, job_id).run_id == run, "it stays with the initial sync that counts it"
    other = notice(db, store, "1", "product")
    put(db, other, state="synced", finished_at=now())
    many(db, store, ["1"])
    assert get(db, other).version == 1
    assert timeline(db, job_id) == [("queued", "noticed (test)")], "a poll that sees it again is nothing that happened to it"


def test_a_polled_change_of_now_goes_before_the_initial_sync_it_waited_with(db: Database, store: Store) -> None:
    many(db, store, ["1", "2"])
    for job_id in (1, 2):
        put(db, job_id, queued_at=now())
    many(db, store, ["1"], bulk=False)
    assert (get(db, 1).bulk, get(db, 1).queued_at) == (False, None)
    assert get(db, 2).bulk
    put(db, 1, queued_at=now())
    many(db, store, ["1"], bulk=False)
    assert get(db, 1).queued_at is not None, "workers were told of it as a live change already"


def test_what_an_initial_sync_noticed_waits_with_it_unless_it_changes_now(db: Database, store: Store) -> None:
    run, other = make_run(db, store, paused=True), make_run(db, store)
    many(db, store, ["1", "2"], run_id=run)
    many(db, store, ["3"], run_id=other)
    many(db, store, ["4"])
    notice(db, store, "2")
    assert claimed(db, store, 1, 2, 3, 4) == [2, 3, 4]
