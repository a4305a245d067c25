"""What each end of a run leaves: on the row, on the newer one that waits, on its timeline, in the activity. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.db import Database, now
from portal.entities.base import Ref
from portal.models import Activity, Dependency, JobEvent, Store, SyncJob
from portal.sync import jobs
from portal.sync.jobs import Failure
from tests.invariants import check
from tests.sync.factory import make_store, notice

REFUSED = Failure("Odoo refused the e-mail address.", "odoo:validation:email", "Correct it in the shop.", "ValidationError: email")
PRODUCT = Ref("product", "12")


@pytest.fixture
def store(db: Database) -> Store:
    return make_store(db)


def claim(db: Database, store: Store, job_id: int) -> SyncJob:
    with db.begin() as session:
        row = session.get_one(SyncJob, job_id)
        [row] = jobs.claim(session, session.get_one(Store, store.id), row.entity, [job_id], lease_seconds=300)
    return row


def end(db: Database, row: SyncJob, how: Callable[[Session, Store, SyncJob], object]) -> SyncJob:
    with db.begin() as session:
        how(session, session.get_one(Store, row.store_id), jobs.held(session, row.lease or "", [row.id])[row.id])
    return get(db, row.id)


def get(db: Database, job_id: int) -> SyncJob:
    with db.read() as session:
        return session.get_one(SyncJob, job_id)


def put(db: Database, job_id: int, **values: Any) -> None:
    with db.begin() as session:
        session.execute(update(SyncJob).where(SyncJob.id == job_id).values(**values))


def last(db: Database, job_id: int) -> JobEvent:
    with db.read() as session:
        return session.scalars(select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id.desc()).limit(1)).one()


def needs(db: Database, job_id: int) -> set[tuple[str, str]]:
    with db.read() as session:
        return {(entity, record) for entity, record in session.execute(
            select(Dependency.entity, Dependency.record).where(Dependency.job_id == job_id))}


def activity(db: Database) -> tuple[int, int, int]:
    with db.read() as session:
        return tuple(session.execute(select(
            *(func.coalesce(func.sum(column), 0) for column in (Activity.synced, Activity.failed, Activity.dead)))).one())


def said(row: SyncJob) -> Failure:
    return Failure(row.message, row.cause, row.remedy, row.detail)


def near(at: datetime | None, wait: timedelta) -> bool:
    return at is not None and wait * 0.88 - timedelta(seconds=2) <= at - now() <= wait * 1.12


def fail(session: Session, _store: Store, row: SyncJob) -> None:
    jobs.fail(session, row, REFUSED, 5)


def block(session: Session, store: Store, row: SyncJob) -> None:
    jobs.block(session, store, row, {PRODUCT}, 5)


def freeze(session: Session, _store: Store, row: SyncJob) -> None:
    jobs.freeze(session, row, REFUSED)


def test_what_came_across_has_nothing_left_to_complain_of(db: Database, store: Store) -> None:
    rows = [claim(db, store, notice(db, store))]
    put(db, rows[0].id, message="before", cause="x", remedy="y", detail="z", queued_at=now())
    row = end(db, rows[0], lambda session, _, held: jobs.succeed(session, [(held, "Customer 1 created.")]))
    assert (row.state, said(row)) == ("synced", Failure("Customer 1 created.", ""))
    assert (row.lease, row.lease_until, row.queued_at) == (None, None, None)
    assert row.finished_at is not None
    assert (last(db, row.id).kind, last(db, row.id).message) == ("synced", "Customer 1 created.")
    assert activity(db) == (1, 0, 0)
    check(db, quiet=True)


def test_what_failed_says_why_and_when_it_is_tried_again(db: Database, store: Store) -> None:
    row = end(db, claim(db, store, notice(db, store)), fail)
    assert (row.state, row.attempts, said(row)) == ("error", 1, REFUSED)
    assert near(row.due_at, timedelta(seconds=15))
    event = last(db, row.id)
    assert (event.kind, event.message) == ("failed", "attempt 1 of 5: Odoo refused the e-mail address.")
    assert event.data == {"cause": REFUSED.cause, "detail": REFUSED.detail, "next": row.due_at.isoformat()}
    assert activity(db) == (0, 1, 0)
    check(db)


@pytest.mark.parametrize(("waits", "then"), [("pending", "error"), ("blocked", "blocked")])
def test_the_newer_change_takes_over_why_it_failed(db: Database, store: Store, waits: str, then: str) -> None:
    row = claim(db, store, notice(db, store))
    put(db, row.id, attempts=1)
    newer = notice(db, store)
    put(db, newer, state=waits)
    assert end(db, row, fail).state == "superseded"
    left = get(db, newer)
    assert (left.state, left.attempts, said(left)) == (then, 2, REFUSED)
    assert near(left.due_at, timedelta(minutes=1))


def test_what_is_put_off_says_why_and_is_in_doubt_only_if_told_so(db: Database, store: Store) -> None:
    due_at = now() + timedelta(hours=1)
    row = end(db, claim(db, store, notice(db, store)), lambda session, _, held: jobs.postpone(session, held, REFUSED, due_at))
    assert (row.state, row.attempts, row.due_at, row.uncertain, said(row)) == ("pending", 0, due_at, False, REFUSED)
    assert (last(db, row.id).kind, last(db, row.id).message) == ("postponed", REFUSED.message)
    assert activity(db) == (0, 0, 0)


def test_what_a_dry_run_showed_stands_on_the_row(db: Database, store: Store) -> None:
    row = end(db, claim(db, store, notice(db, store)), lambda session, _, held: jobs.rehearse(session, held, "would create"))
    assert (row.state, row.message, row.rehearsed) == ("pending", "would create", row.version)
    assert (last(db, row.id).kind, last(db, row.id).message) == ("dry_run", "would create")


def test_what_needs_another_record_waits_for_it_and_looks_by_itself_after_a_while(db: Database, store: Store) -> None:
    order = notice(db, store, "9", "order")
    row = end(db, claim(db, store, order), block)
    assert (row.state, row.deferrals, said(row)) == ("blocked", 1, Failure("Waits for product 12.", "dependency"))
    assert near(row.due_at, timedelta(minutes=5))
    assert (last(db, order).kind, last(db, order).message) == ("blocked", "Waits for product 12.")
    assert needs(db, order) == {("product", "12")}
    with db.begin() as session:
        assert jobs.unblock_stale(session) == 0
    other = claim(db, store, notice(db, store, "10", "order"))
    end(db, other, block)
    put(db, order, due_at=now() - timedelta(hours=1), queued_at=now(), updated_at=now() - timedelta(hours=1))
    with db.begin() as session:
        assert jobs.unblock_stale(session) == 1
    row = get(db, order)
    assert (row.state, row.queued_at, needs(db, order)) == ("pending", None, set())
    assert row.updated_at > now() - timedelta(minutes=1)
    assert (last(db, order).kind, last(db, order).message) == ("woken", "looks again by itself")
    assert (get(db, other.id).state, needs(db, other.id)) == ("blocked", {("product", "12")})
    check(db)


def test_what_is_blocked_anew_needs_only_what_it_needs_now(db: Database, store: Store) -> None:
    order, other = notice(db, store, "9", "order"), notice(db, store, "10", "order")
    for number in (order, other):
        end(db, claim(db, store, number), block)
    put(db, order, state="error", attempts=1, due_at=now())
    end(db, claim(db, store, order), lambda session, shop, held: jobs.block(session, shop, held, {Ref("customer", "3")}, 5))
    assert (needs(db, order), needs(db, other)) == ({("customer", "3")}, {("product", "12")})


def test_what_waited_is_due_at_once_when_the_other_record_is_there(db: Database, store: Store) -> None:
    order = notice(db, store, "9", "order")
    end(db, claim(db, store, order), block)
    put(db, order, attempts=2, queued_at=now())
    with db.begin() as session:
        jobs.wake(session, store.id, PRODUCT)
    row = get(db, order)
    assert (row.state, row.attempts, row.queued_at) == ("error", 2, None)
    assert row.due_at <= now()
    assert (last(db, order).kind, last(db, order).message) == ("woken", "product 12 is there")


def test_a_record_that_is_there_and_does_not_help_three_times_uses_attempts(db: Database, store: Store) -> None:
    order = notice(db, store, "9", "order")
    for turn in (1, 2, 3):
        row = end(db, claim(db, store, order), block)
        assert (row.state, row.deferrals, row.attempts) == ("blocked", turn, 0)
        with db.begin() as session:
            jobs.wake(session, store.id, PRODUCT)
    row = end(db, claim(db, store, order), block)
    assert (row.state, row.attempts, row.cause) == ("error", 1, "dependency:product")


@pytest.mark.parametrize(("how", "kind"), [(block, "blocked"), (freeze, "frozen")])
def test_a_newer_change_waits_in_place_of_the_one_that_may_not_go_on(
        db: Database, store: Store, how: Callable[[Session, Store, SyncJob], object], kind: str) -> None:
    row = claim(db, store, notice(db, store, "9", "order"))
    newer = notice(db, store, "9", "order")
    assert end(db, row, how).state == "superseded"
    assert (get(db, newer).state, needs(db, row.id)) == ("pending", set())
    with db.read() as session:
        kinds = list(session.scalars(select(JobEvent.kind).where(JobEvent.job_id == row.id).order_by(JobEvent.id)))
    assert kinds == ["queued", "started", kind, "superseded"]
    check(db)


def test_what_is_frozen_waits_a_day_or_until_it_is_thawed(db: Database, store: Store) -> None:
    row = end(db, claim(db, store, notice(db, store)), freeze)
    assert (row.state, said(row)) == ("blocked", REFUSED)
    assert near(row.due_at, timedelta(days=1))
    with db.begin() as session:
        jobs.thaw(session, store.id, "customer", {"ps_to_odoo": "1"}, REFUSED.cause, "thawed by anna")
    row = get(db, row.id)
    assert row.state == "pending"
    assert row.due_at <= now()
    assert last(db, row.id).message == "thawed by anna"


def test_what_dies_says_why_and_is_counted(db: Database, store: Store) -> None:
    row = end(db, claim(db, store, notice(db, store)), lambda session, _, held: jobs.fail(session, held, REFUSED, 1))
    assert (row.state, said(row), row.lease) == ("dead", REFUSED, None)
    event = last(db, row.id)
    assert (event.kind, event.message, event.data) == ("dead", REFUSED.message, {"cause": REFUSED.cause, "detail": REFUSED.detail})
    assert activity(db) == (0, 0, 1)
    check(db, quiet=True)


def test_a_change_that_was_tried_before_waits_again_as_such_and_a_newer_one_takes_over_time_and_tries(
        db: Database, store: Store) -> None:
    def put_off(session: Session, _store: Store, row: SyncJob) -> None:
        jobs.postpone(session, row, REFUSED, due_at)

    due_at = now() + timedelta(hours=1)
    job_id = notice(db, store)
    put(db, job_id, attempts=2)
    assert end(db, claim(db, store, job_id), put_off).state == "error"
    other = notice(db, store, "2")
    put(db, other, attempts=2)
    row = claim(db, store, other)
    newer = notice(db, store, "2")
    put(db, newer, updated_at=now() - timedelta(hours=1))
    assert end(db, row, put_off).state == "superseded"
    left = get(db, newer)
    assert (left.due_at, left.attempts) == (due_at, 2)
    assert left.updated_at > now() - timedelta(minutes=1)
    assert last(db, other).message == f"merged into the newer change {newer}"


def test_a_dead_letter_that_waits_for_nothing_any_more_wakes_when_what_it_needed_is_there(db: Database, store: Store) -> None:
    order, other = notice(db, store, "9", "order"), notice(db, store, "10", "order")
    for number in (order, other):
        end(db, claim(db, store, number), block)
    with db.read() as session:
        product = session.scalars(select(SyncJob.id).where(SyncJob.entity == "product")).one()
    end(db, claim(db, store, product), lambda session, _, held: jobs.fail(session, held, REFUSED, 1))
    assert [get(db, number).state for number in (order, other)] == ["dead", "dead"]
    assert get(db, order).message == "Needs product 12, which is in quarantine: Odoo refused the e-mail address."
    put(db, order, updated_at=now() - timedelta(hours=1))
    newer = notice(db, store, "10", "order")
    end(db, claim(db, store, notice(db, store, "12", "product")), lambda session, _, held: jobs.succeed(session, [(held, "there")]))
    row = get(db, order)
    assert (row.state, row.attempts, needs(db, order)) == ("pending", 0, set())
    assert row.due_at <= now()
    assert row.updated_at > now() - timedelta(minutes=1)
    assert (last(db, order).kind, last(db, order).message) == ("retried", "product 12 is there")
    assert (get(db, other).state, get(db, newer).state, needs(db, other)) == ("superseded", "pending", set())
    check(db)


def test_a_lost_worker_hands_what_it_had_to_the_newer_change(db: Database, store: Store) -> None:
    row = claim(db, store, notice(db, store))
    put(db, row.id, lost_leases=jobs.LOST_LEASES_LIMIT - 1, lease_until=now() - timedelta(seconds=1))
    newer = notice(db, store)
    with db.begin() as session:
        assert jobs.reap(session) == 1
    assert (get(db, row.id).state, get(db, row.id).cause) == ("superseded", "portal:worker-lost")
    assert (get(db, newer).state, get(db, newer).lost_leases, get(db, newer).uncertain) == ("pending", 3, True)
    check(db)
