"""What a worker takes when it claims, and whose lost leases it gives up. On SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.db import Database, now
from portal.models import Store, SyncJob
from portal.sync import jobs
from tests.invariants import check
from tests.sync.factory import make_store, notice


@pytest.fixture
def store(db: Database) -> Store:
    return make_store(db)


def claim(db: Database, store: Store, *job_ids: int, entity: str = "customer") -> list[SyncJob]:
    with db.begin() as session:
        return jobs.claim(session, session.get_one(Store, store.id), entity, job_ids, lease_seconds=300)


def expire(db: Database) -> None:
    with db.begin() as session:
        session.execute(update(SyncJob).where(SyncJob.state == "running").values(lease_until=now() - timedelta(seconds=1)))


def states(db: Database, *job_ids: int) -> list[str]:
    with db.read() as session:
        return [session.get_one(SyncJob, number).state for number in job_ids]


def test_a_claimed_change_is_handed_over_anew_when_it_comes_back(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    with db.begin() as session:
        session.execute(update(SyncJob).values(queued_at=now(), updated_at=now() - timedelta(hours=1)))
    before = now()
    [row] = claim(db, store, job_id)
    assert (row.state, row.queued_at) == ("running", None)
    assert before <= row.updated_at <= now()
    assert row.lease_until is not None
    assert before + timedelta(seconds=299) <= row.lease_until <= now() + timedelta(seconds=301)
    check(db)


def test_a_session_that_knew_the_row_before_sees_what_it_claimed(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    with db.begin() as session:
        assert session.get_one(SyncJob, job_id).state == "pending"
        [row] = jobs.claim(session, session.get_one(Store, store.id), "customer", [job_id], lease_seconds=300)
        assert (row.state, bool(row.lease)) == ("running", True)
        session.execute(update(SyncJob).values(message="written beside").execution_options(synchronize_session=False))
        assert jobs.held(session, row.lease or "", [job_id])[job_id].message == "written beside"


def test_whoever_claims_gives_up_the_lost_leases_of_his_lane_alone(db: Database, store: Store) -> None:
    other = make_store(db, "other")
    mine, product, theirs = notice(db, store), notice(db, store, entity="product"), notice(db, other)
    taken = claim(db, store, mine) + claim(db, store, product, entity="product") + claim(db, other, theirs)
    assert [row.id for row in taken] == [mine, product, theirs]
    expire(db)
    [row] = claim(db, store, mine)
    assert (row.lost_leases, row.uncertain) == (1, True)
    assert states(db, mine, product, theirs) == ["running", "running", "running"]
    with db.read() as session:
        assert [session.get_one(SyncJob, number).lost_leases for number in (product, theirs)] == [0, 0]
    with db.begin() as session:
        assert jobs.reap(session) == 2
    assert states(db, mine, product, theirs) == ["running", "pending", "pending"]
    check(db)


def test_a_lease_is_prolonged_from_now_on(db: Database, store: Store) -> None:
    [row] = claim(db, store, notice(db, store))
    before = now()
    with db.begin() as session:
        assert jobs.extend(session, row.lease or "", 4000) == 1
    with db.read() as session:
        until = session.get_one(SyncJob, row.id).lease_until
    assert until is not None
    assert before + timedelta(seconds=3999) <= until <= now() + timedelta(seconds=4001)


def test_the_change_that_took_three_workers_along_says_so(db: Database, store: Store) -> None:
    job_id = notice(db, store)
    for _ in range(3):
        claim(db, store, job_id)
        expire(db)
        with db.begin() as session:
            jobs.reap(session)
    with db.read() as session:
        row = session.get_one(SyncJob, job_id)
    assert (row.state, row.cause) == ("dead", "portal:worker-lost")
    assert "three times" in row.message
    assert row.remedy
    check(db, quiet=True)
