from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.db import Base, Database, now
from portal.models import JobEvent, LogEntry, Mapping, Store, SyncJob
from portal.sync import jobs, log, privacy, search
from tests.sync.factory import make_store, notice

ADA, BOB = "ada@example.com", "bob@example.com"


def end(db: Database, job_id: int, state: str = "synced", **values: Any) -> None:
    with db.begin() as session:
        row = session.get_one(SyncJob, job_id)
        row.state = state
        row.finished_at = now()
        for key, value in values.items():
            setattr(row, key, value)


def customer(db: Database, store: Store, number: str, email: str, order: str) -> list[int]:
    """A linked customer with a linked order, changes of both that have ended, and log entries."""
    ids = [notice(db, store, number), notice(db, store, order, entity="order")]
    for job_id in ids:
        end(db, job_id)
    with db.begin() as session:
        for entity, record, base, data in (("customer", number, {"email": email, "name": "Name of " + email}, {}),
                                           ("order", order, {}, {"needs": [f"customer {number}", "product 1"]})):
            session.add(Mapping(store_id=store.id, target=store.target, entity=entity, shop_id=record, odoo_id=int(record),
                                base=base, data=data))
            log.write(session, store.id, f"{entity} was written", entity=entity, record=record)
        search.learn(session, store.id, {("customer", number): [email]})
    return ids


def everything(db: Database) -> str:
    with db.read() as session:
        return repr([session.execute(select(table)).all() for table in Base.metadata.sorted_tables])


@pytest.mark.parametrize("who", [ADA, " Ada@Example.com ", "11"])
def test_a_person_is_exported_and_erased_with_their_orders(db: Database, who: str) -> None:
    store = make_store(db)
    mine, theirs = customer(db, store, "11", ADA, "21"), customer(db, store, "12", BOB, "22")
    with db.begin() as session:
        store = session.get_one(Store, store.id)
        facts = privacy.export(session, store, who)
        assert {row["record"] for row in facts["sync_job"]} == {"11", "21"}
        assert {row["job_id"] for row in facts["job_event"]} == set(mine)
        assert ADA in repr(facts["mapping"])
        assert BOB not in repr(facts)
        erased = privacy.erase(session, store, who, "test")
    assert erased == sum(map(len, facts.values())) - 1, "all but the bare link of the order"
    left = everything(db)
    assert ADA not in left
    assert BOB in left
    with db.read() as session:
        assert session.scalars(select(SyncJob.id).order_by(SyncJob.id)).all() == theirs
        assert session.scalars(select(Mapping.shop_id).order_by(Mapping.shop_id)).all() == ["12", "21", "22"]
        assert privacy.export(session, store, ADA) == {}


def test_nobody_is_erased_while_a_change_of_theirs_is_on_its_way(db: Database) -> None:
    store = make_store(db)
    customer(db, store, "11", ADA, "21")
    notice(db, store, "21", entity="order")
    before = everything(db)
    with pytest.raises(privacy.OnItsWay), db.begin() as session:
        privacy.erase(session, store, ADA, "test")
    assert everything(db) == before


def test_who_is_unknown_is_nobody(db: Database) -> None:
    store = make_store(db)
    customer(db, store, "11", ADA, "21")
    with db.begin() as session:
        for who in ("nobody@example.com", "99", "", "@", "21"):
            assert privacy.export(session, store, who) == {}, who
            assert privacy.erase(session, store, who, "test") == 0, who


def test_another_store_keeps_what_it_knows_of_the_same_person(db: Database) -> None:
    one, two = make_store(db, "one"), make_store(db, "two")
    customer(db, one, "11", ADA, "21")
    customer(db, two, "11", ADA, "21")
    with db.begin() as session:
        privacy.erase(session, one, ADA, "test")
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(SyncJob)) == 2
        assert "mapping" in privacy.export(session, two, ADA)


def test_what_is_done_is_forgotten_after_its_time_and_quarantine_never(db: Database) -> None:
    store = make_store(db, keep_days=30)
    old = now() - timedelta(days=31)
    done, dead, fresh = (notice(db, store, str(number)) for number in range(3))
    end(db, done, finished_at=old)
    end(db, dead, "dead", finished_at=old)
    end(db, fresh)
    with db.begin() as session:
        log.write(session, store.id, "long ago")
        session.flush()
        session.execute(LogEntry.__table__.update().values(at=old))
        log.write(session, store.id, "today")
        assert jobs.counts(session, store.id)["dead"] == 1
    with db.begin() as session:
        assert privacy.prune(session) >= 2
        assert session.scalars(select(SyncJob.id).order_by(SyncJob.id)).all() == [dead, fresh]
        assert session.scalar(select(JobEvent).where(JobEvent.job_id == done)) is None
        assert session.scalars(select(LogEntry.message)).all() == ["today"]
    with db.begin() as session:
        assert privacy.prune(session) == 0


def test_a_store_may_keep_everything(db: Database) -> None:
    store = make_store(db, keep_days=0)
    end(db, notice(db, store), finished_at=now() - timedelta(days=4000))
    with db.begin() as session:
        assert privacy.prune(session) == 0
