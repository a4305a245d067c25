"""What people do to changes, seen by what it leaves on them. On SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from portal.db import Database, now
from portal.models import Dependency, JobEvent, Store, SyncJob
from portal.sync import jobs
from portal.sync.jobs import RetryResult
from tests.invariants import check
from tests.sync.factory import make_store, notice

SOON = timedelta(hours=1)


@pytest.fixture
def store(db: Database) -> Store:
    return make_store(db)


@pytest.fixture
def other(db: Database) -> Store:
    return make_store(db, "other")


def put(db: Database, job_id: int, **values: Any) -> int:
    """The row as if it had come to this; its timeline says so."""
    with db.begin() as session:
        session.execute(update(SyncJob).where(SyncJob.id == job_id).values(**values))
        if values.get("state") in ("dead", "error", "blocked"):
            kind = {"error": "failed"}.get(values["state"], values["state"])
            session.execute(insert(JobEvent).values(job_id=job_id, kind=kind, message="", at=now()))
    return job_id


def dead(db: Database, store: Store, record: str, **values: Any) -> int:
    return put(db, notice(db, store, record), **{"state": "dead", "attempts": 5, "finished_at": now(), "cause": "tax", **values})


def failed(db: Database, store: Store, record: str, **values: Any) -> int:
    return put(db, notice(db, store, record),
               **{"state": "error", "attempts": 2, "due_at": now() + SOON, "queued_at": now(), "cause": "tax", **values})


def get(db: Database, job_id: int) -> SyncJob:
    with db.read() as session:
        return session.get_one(SyncJob, job_id)


def states(db: Database, *job_ids: int) -> list[str]:
    return [get(db, number).state for number in job_ids]


def is_fresh(row: SyncJob) -> bool:
    return (row.state, row.attempts, row.queued_at, row.finished_at) == ("pending", 0, None, None) and row.due_at <= now()


def last(db: Database, job_id: int) -> tuple[str, str]:
    with db.read() as session:
        row = session.scalars(select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id.desc()).limit(1)).one()
        return row.kind, row.message


def test_retrying_all_makes_every_dead_letter_of_the_store_fresh(db: Database, store: Store, other: Store) -> None:
    mine, theirs = [dead(db, store, "1"), dead(db, store, "2")], dead(db, other, "1")
    with db.begin() as session:
        assert jobs.retry(session, store.id, None, "anna") == RetryResult(2, 0, 0)
    assert all(is_fresh(get(db, number)) for number in mine)
    assert get(db, theirs).state == "dead"
    assert last(db, mine[0]) == ("retried", "retried by anna")
    check(db)


def test_retrying_some_counts_those_that_are_no_dead_letters(db: Database, store: Store) -> None:
    one, waits = dead(db, store, "1"), notice(db, store, "2")
    newer = dead(db, store, "3"), notice(db, store, "3")
    put(db, newer[1], due_at=now() + SOON, queued_at=now())
    with db.begin() as session:
        assert jobs.retry(session, store.id, [one, waits, newer[0], 999], "anna") == RetryResult(1, 1, 2)
    assert states(db, one, waits, *newer) == ["pending", "pending", "superseded", "pending"]
    assert is_fresh(get(db, newer[1])), "the newer change is tried at once"
    check(db)


def test_two_dead_letters_of_one_record_become_one_change(db: Database, store: Store) -> None:
    first = dead(db, store, "1")
    second = dead(db, store, "1")
    with db.begin() as session:
        assert jobs.retry(session, store.id, [first, second], "anna") == RetryResult(1, 1, 0)
    assert sorted(states(db, first, second)) == ["pending", "superseded"]
    check(db)


def test_a_retry_does_not_hasten_a_newer_change_that_waits_for_another_record(db: Database, store: Store) -> None:
    old, newer = dead(db, store, "1"), notice(db, store, "1")
    put(db, newer, state="blocked", due_at=now() + SOON)
    with db.begin() as session:
        jobs.retry(session, store.id, [old], "anna")
    assert get(db, newer).due_at > now()


def test_retrying_what_failed_leaves_what_may_still_be_on_its_way(db: Database, store: Store, other: Store) -> None:
    one, doubtful, theirs, gone = (failed(db, store, "1"), failed(db, store, "2", uncertain=True), failed(db, other, "1"),
                                   dead(db, store, "4"))
    with db.begin() as session:
        assert jobs.retry_failed(session, store.id, [one, doubtful, theirs, gone], "anna") == RetryResult(1, 0, 3)
    assert is_fresh(get(db, one))
    assert states(db, doubtful, theirs, gone) == ["error", "error", "dead"]
    assert last(db, one) == ("retried", "retried by anna")


def test_discarding_ends_what_is_meant_and_takes_along_what_needs_it(db: Database, store: Store, other: Store) -> None:
    customer, waits, free = dead(db, store, "1"), notice(db, store, "2"), dead(db, store, "3")
    order = put(db, notice(db, store, "9", "order"), state="blocked")
    own = put(db, notice(db, store, "8", "order"), state="blocked")
    theirs = dead(db, other, "1")
    with db.begin() as session:
        session.execute(insert(Dependency), [{"job_id": order, "entity": "customer", "record": "1"},
                                             {"job_id": own, "entity": "product", "record": "3"}])
        assert jobs.discard(session, store.id, [customer, waits, own, theirs], "anna", ("dead", "blocked")) == 2
    assert states(db, customer, waits, free, order, own, theirs) == ["discarded", "pending", "dead", "dead", "discarded", "dead"]
    assert get(db, order).cause == "dependency:customer:1"
    assert last(db, customer) == ("discarded", "discarded by anna")
    with db.read() as session:
        assert set(session.scalars(select(Dependency.job_id))) <= {order}
    with db.begin() as session:
        assert jobs.discard(session, store.id, None, "anna") == 2
    assert states(db, waits, free, order, theirs) == ["pending", "discarded", "discarded", "dead"]


def test_processing_now_brings_forward_what_waits_for_its_time_alone(db: Database, store: Store, other: Store) -> None:
    late, error = put(db, notice(db, store, "1"), due_at=now() + SOON, queued_at=now()), failed(db, store, "2")
    due, doubtful, theirs = notice(db, store, "3"), failed(db, store, "4", uncertain=True), failed(db, other, "2")
    blocked = put(db, notice(db, store, "5"), state="blocked", due_at=now() + SOON)
    with db.begin() as session:
        assert jobs.hurry(session, store.id) == 2
    for number in (late, error):
        row = get(db, number)
        assert row.queued_at is None
        assert row.due_at <= now()
    assert (get(db, error).state, get(db, error).attempts) == ("error", 2)
    assert get(db, due).due_at <= now()
    assert all(get(db, number).due_at > now() for number in (doubtful, theirs, blocked))


def test_what_a_person_solved_is_tried_again_wherever_it_stands(db: Database, store: Store, other: Store) -> None:
    buried, error = dead(db, store, "1"), failed(db, store, "2")
    waits = put(db, notice(db, store, "3"), cause="tax", due_at=now() + SOON)
    left = [failed(db, store, "4", cause="currency"), failed(db, store, "5", uncertain=True), failed(db, other, "1"),
            dead(db, other, "2")]
    with db.begin() as session:
        assert jobs.replay(session, store.id, "tax", "the tax was chosen") == 3
    assert all(is_fresh(get(db, number)) for number in (buried, error, waits))
    assert states(db, *left) == ["error", "error", "error", "dead"]
    assert {last(db, number) for number in (buried, error)} == {("retried", "the tax was chosen")}
