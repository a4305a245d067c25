"""The life of a job, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal.db import Database, now
from portal.entities.base import Ref
from portal.models import Dependency, JobEvent, Store, SyncJob
from portal.sync import jobs
from portal.sync.jobs import Failure
from tests.invariants import check

BROKEN = Failure("Odoo refused the e-mail address.", "odoo:validation:email")
LEASE = 300.0


@pytest.fixture
def store(db: Database) -> Store:
    with db.begin() as session:
        row = Store(name="shop", key="abc123", ps_url="https://shop.example.com", ps_key="k1", odoo_url="https://odoo.example.com",
                    odoo_db="db", odoo_login="sync", odoo_key="k2", choices={"enabled": True}, notes={})
        session.add(row)
    return row


def notice(db: Database, store: Store, record: str = "1", entity: str = "customer", **options: object) -> int:
    with db.begin() as session:
        return jobs.notice(session, store, entity, "ps_to_odoo", record, source="test", **options)  # type: ignore[arg-type]


def claim(db: Database, store: Store, ids: Sequence[int], entity: str = "customer") -> list[SyncJob]:
    with db.begin() as session:
        return jobs.claim(session, session.get_one(Store, store.id), entity, ids, lease_seconds=LEASE)


def states(db: Database, record: str = "1") -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(SyncJob.state).where(SyncJob.record == record).order_by(SyncJob.id)))


def end(db: Database, row: SyncJob, how: str, *, limit: int = 5, refs: frozenset[Ref] = frozenset()) -> None:
    with db.begin() as session:
        held = jobs.held(session, row.lease or "", [row.id])[row.id]
        if how == "synced":
            jobs.succeed(session, [(held, "written")])
        elif how == "failed":
            jobs.fail(session, held, BROKEN, limit)
        elif how == "blocked":
            jobs.block(session, session.get_one(Store, row.store_id), held, refs, limit)
        else:
            jobs.postpone(session, held, BROKEN, now(), uncertain=how == "ambiguous")


def get(db: Database, job_id: int) -> SyncJob:
    with db.read() as session:
        return session.get_one(SyncJob, job_id)


def make_due(db: Database) -> None:
    with db.begin() as session:
        session.execute(update(SyncJob).values(due_at=now()))


def expire_leases(db: Database) -> None:
    with db.begin() as session:
        session.execute(update(SyncJob).where(SyncJob.state == "running").values(lease_until=now() - timedelta(seconds=1)))


def test_a_failed_row_merges_into_the_newer_waiting_one_and_hands_on_its_attempts(db: Database, store: Store) -> None:
    old = notice(db, store)
    [row] = claim(db, store, [old])
    new = notice(db, store)
    assert new != old
    end(db, row, "failed")
    assert states(db) == ["superseded", "error"]
    newer = get(db, new)
    assert newer.attempts == 1
    assert newer.message == BROKEN.message
    assert newer.due_at > now()
    check(db)


def test_a_change_that_dies_while_a_newer_one_waits_gives_the_newer_one_a_try(db: Database, store: Store) -> None:
    old = notice(db, store)
    [row] = claim(db, store, [old])
    new = notice(db, store)
    end(db, row, "failed", limit=1)
    assert states(db) == ["superseded", "error"]
    assert get(db, new).attempts == 0
    check(db)


def test_notices_of_a_waiting_record_coalesce(db: Database, store: Store) -> None:
    assert len({notice(db, store) for _ in range(3)}) == 1
    [row] = claim(db, store, [1])
    assert row.version == 3
    check(db)


def test_a_hundred_notices_at_once_make_one_waiting_row(db: Database, store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: notice(db, store), range(100)))
    assert len(set(ids)) == 1
    assert get(db, ids[0]).version == 100
    check(db)


def test_a_notice_while_the_record_runs_makes_the_next_row(db: Database, store: Store) -> None:
    [row] = claim(db, store, [notice(db, store)])
    second = notice(db, store)
    assert states(db) == ["running", "pending"]
    assert claim(db, store, [second]) == []
    end(db, row, "synced")
    assert len(claim(db, store, [second])) == 1
    check(db)


def test_only_one_worker_gets_a_lane(db: Database, store: Store) -> None:
    ids = [notice(db, store, str(n)) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda i: claim(db, store, ids[i * 5:i * 5 + 5]), range(8)))
    assert [len(rows) for rows in taken if rows] == [5]
    check(db)


def test_attempts_are_used_up_and_the_change_dies(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    for attempt in range(1, 6):
        make_due(db)
        [row] = claim(db, store, [job_id])
        end(db, row, "failed")
        assert get(db, job_id).attempts == attempt
    assert states(db) == ["dead"]
    check(db, quiet=True)


def test_a_change_that_is_not_due_is_not_claimed(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    [row] = claim(db, store, [job_id])
    end(db, row, "failed")
    assert claim(db, store, [job_id]) == []
    check(db)


def test_an_outage_uses_no_attempt(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    for _ in range(20):
        [row] = claim(db, store, [job_id])
        end(db, row, "postponed")
    row = get(db, job_id)
    assert (row.state, row.attempts) == ("pending", 0)
    check(db)


def test_a_write_with_unknown_outcome_is_remembered(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    [row] = claim(db, store, [job_id])
    end(db, row, "ambiguous")
    assert get(db, job_id).uncertain
    with db.begin() as session:
        assert jobs.hurry(session, store.id) == 0


def test_lost_leases_come_back_and_the_third_kills(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    for lost in (1, 2):
        assert len(claim(db, store, [job_id])) == 1
        expire_leases(db)
        with db.begin() as session:
            assert jobs.reap(session) == 1
        row = get(db, job_id)
        assert (row.state, row.lost_leases, row.uncertain, row.attempts) == ("pending", lost, True, 0)
    claim(db, store, [job_id])
    expire_leases(db)
    with db.begin() as session:
        jobs.reap(session)
    assert states(db) == ["dead"]
    check(db, quiet=True)


def test_whoever_lost_the_lease_cannot_finish(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    [old] = claim(db, store, [job_id])
    expire_leases(db)
    [new] = claim(db, store, [job_id])
    with db.begin() as session:
        assert jobs.extend(session, old.lease or "", LEASE) == 0
        assert jobs.held(session, old.lease or "", [job_id]) == {}
        assert jobs.extend(session, new.lease or "", LEASE) == 1
    check(db)


def test_an_order_waits_for_its_product_and_wakes_when_it_is_there(db: Database, store: Store) -> None:
    order = notice(db, store, "9", "order")
    [row] = claim(db, store, [order], "order")
    end(db, row, "blocked", refs=frozenset({Ref("product", "12"), Ref("customer", "3")}))
    assert states(db, "9") == ["blocked"]
    assert states(db, "12") == ["pending"]
    assert states(db, "3") == ["pending"]
    for record, entity in (("12", "product"), ("3", "customer")):
        assert states(db, "9") == ["blocked"]
        with db.read() as session:
            job_id = session.scalars(select(SyncJob.id).where(SyncJob.record == record)).one()
        [dependency] = claim(db, store, [job_id], entity)
        end(db, dependency, "synced")
    row = get(db, order)
    assert (row.state, row.attempts) == ("pending", 0)
    check(db)


def test_a_dead_dependency_takes_the_order_along_and_brings_it_back(db: Database, store: Store) -> None:
    order = notice(db, store, "9", "order")
    [row] = claim(db, store, [order], "order")
    end(db, row, "blocked", refs=frozenset({Ref("product", "12")}))
    with db.read() as session:
        product = session.scalars(select(SyncJob.id).where(SyncJob.record == "12")).one()
    [dependency] = claim(db, store, [product], "product")
    end(db, dependency, "failed", limit=1)
    assert states(db, "9") == ["dead"]
    assert "product 12" in get(db, order).message
    with db.begin() as session:
        jobs.retry(session, store.id, [product], "anna")
    [dependency] = claim(db, store, [product], "product")
    end(db, dependency, "synced")
    assert states(db, "9") == ["pending"]
    check(db)


def test_a_dependency_that_does_not_help_uses_attempts_in_the_end(db: Database, store: Store) -> None:
    order = notice(db, store, "9", "order")
    for _ in range(jobs.BLOCKS_LIMIT + 1):
        make_due(db)
        [row] = claim(db, store, [order], "order")
        end(db, row, "blocked", refs=frozenset({Ref("product", "12")}))
        if get(db, order).state != "blocked":
            break
        with db.read() as session:
            product = session.scalars(select(SyncJob.id).where(SyncJob.record == "12", SyncJob.state == "pending")).one()
        [dependency] = claim(db, store, [product], "product")
        end(db, dependency, "synced")
    assert (get(db, order).state, get(db, order).attempts) == ("error", 1)
    check(db)


def test_retry_gives_fresh_attempts_and_joins_a_newer_change(db: Database, store: Store) -> None:
    ids = [notice(db, store, str(n)) for n in (1, 2)]
    for row in claim(db, store, ids):
        end(db, row, "failed", limit=1)
    newer = notice(db, store, "2")
    with db.begin() as session:
        result = jobs.retry(session, store.id, [*ids, 999], "anna")
    assert (result.retried, result.merged, result.missing) == (1, 1, 1)
    assert states(db, "1") == ["pending"]
    assert states(db, "2") == ["superseded", "pending"]
    assert get(db, ids[0]).attempts == 0
    assert get(db, newer).state == "pending"
    check(db)


def test_a_later_success_settles_the_older_dead_letter(db: Database, store: Store) -> None:
    [row] = claim(db, store, [notice(db, store)])
    end(db, row, "failed", limit=1)
    [row] = claim(db, store, [notice(db, store)])
    end(db, row, "synced")
    assert states(db) == ["superseded", "synced"]
    check(db, quiet=True)


def test_discard_ends_waiting_and_dead_rows_but_not_running_ones(db: Database, store: Store) -> None:
    ids = [notice(db, store, str(n)) for n in (1, 2, 3)]
    dead, _ = claim(db, store, ids[:2])
    end(db, dead, "failed", limit=1)
    with db.begin() as session:
        assert jobs.discard(session, store.id, ids, "anna") == 2
    assert [get(db, i).state for i in ids] == ["discarded", "running", "discarded"]
    check(db)


def test_many_notices_at_once_count_only_new_rows(db: Database, store: Store) -> None:
    notice(db, store, "5")
    with db.begin() as session:
        made = jobs.notice_many(session, store, "customer", "ps_to_odoo", [str(n) for n in range(1000)], source="initial")
        assert made == 999
        assert jobs.counts(session, store.id)["pending"] == 1000
    assert get(db, 1).version == 2
    check(db)


def test_a_rehearsed_change_is_not_claimed_again_until_it_changes(db: Database, store: Store) -> None:
    with db.begin() as session:
        session.get_one(Store, store.id).choices = {"enabled": True, "dry_run": True}
    job_id = notice(db, store)
    [row] = claim(db, store, [job_id])
    with db.begin() as session:
        jobs.rehearse(session, jobs.held(session, row.lease or "", [job_id])[job_id], "would create")
    assert states(db) == ["pending"]
    assert claim(db, store, [job_id]) == []
    notice(db, store)
    assert len(claim(db, store, [job_id])) == 1
    check(db)


def test_the_newer_change_takes_over_that_a_write_is_in_doubt_and_how_often_a_worker_was_lost(db: Database, store: Store) -> None:
    old = notice(db, store)
    [row] = claim(db, store, [old])
    new = notice(db, store)
    end(db, row, "ambiguous")
    assert (states(db), get(db, new).uncertain) == (["superseded", "pending"], True)
    other = notice(db, store, "2")
    claim(db, store, [other])
    newer = notice(db, store, "2")
    expire_leases(db)
    with db.begin() as session:
        jobs.reap(session)
    assert (get(db, newer).uncertain, get(db, newer).lost_leases) == (True, 1)
    check(db)


def test_a_dead_letter_says_why_and_who_tried_it_again_and_replaces_the_one_before(db: Database, store: Store) -> None:
    [row] = claim(db, store, [notice(db, store)])
    end(db, row, "failed", limit=1)
    dead = get(db, row.id)
    assert (dead.message, dead.cause, dead.remedy) == (BROKEN.message, BROKEN.cause, BROKEN.remedy)
    [again] = claim(db, store, [notice(db, store)])
    end(db, again, "failed", limit=1)
    assert states(db) == ["superseded", "dead"]
    with db.begin() as session:
        jobs.retry(session, store.id, [again.id], "anna")
    with db.read() as session:
        said = list(session.scalars(select(JobEvent.message).where(JobEvent.job_id == again.id, JobEvent.kind == "retried")))
    assert len(said) == 1
    assert "anna" in said[0]
    retried = get(db, again.id)
    assert (retried.state, retried.attempts) == ("pending", 0)
    assert retried.due_at <= now()
    check(db)


def test_a_change_that_is_tried_again_waits_for_nothing_any_more(db: Database, store: Store) -> None:
    order = notice(db, store, "9", "order")
    [row] = claim(db, store, [order], "order")
    end(db, row, "blocked", refs=frozenset({Ref("product", "12")}))
    with db.read() as session:
        product = session.scalars(select(SyncJob.id).where(SyncJob.record == "12")).one()
    [dependency] = claim(db, store, [product], "product")
    end(db, dependency, "failed", limit=1)
    with db.begin() as session:
        jobs.retry(session, store.id, [order], "anna")
    with db.read() as session:
        assert session.scalars(select(Dependency.job_id).where(Dependency.job_id == order)).all() == []
    check(db)
