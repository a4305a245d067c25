"""What is counted by the hour is what really ended, and the way to a running store knows where it stands."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from portal.config import Config
from portal.db import Database, now
from portal.models import Activity, Heartbeat, InitialRun, Store, SyncJob
from portal.sync import activity, first_run, jobs, tick
from portal.sync.services import Services
from tests.sync.test_jobs import claim, end, notice, store

__all__ = ["store"]


def run(db: Database, store: Store, record: str, how: str, **options: int) -> None:
    job_id = notice(db, store, record)
    with db.begin() as session:
        session.execute(update(SyncJob).values(due_at=now()))
    end(db, claim(db, store, [job_id])[0], how, **options)


def test_every_ending_is_counted_in_its_hour(db: Database, store: Store) -> None:
    run(db, store, "1", "synced")
    run(db, store, "2", "synced")
    run(db, store, "3", "failed")
    run(db, store, "4", "failed", limit=1)
    with db.read() as session:
        hours = activity.by_hour(session, store.id)
        last = activity.last_synced(session, store.id)
    assert len(hours) == 24
    assert (hours[-1].synced, hours[-1].failed, hours[-1].dead) == (2, 1, 1)
    assert not any(hour.synced for hour in hours[:-1])
    assert now() - last["customer", "ps_to_odoo"] < timedelta(minutes=1)


def test_a_failure_does_not_make_the_last_success_look_newer(db: Database, store: Store) -> None:
    run(db, store, "1", "synced")
    with db.begin() as session:
        before = activity.last_synced(session, store.id)["customer", "ps_to_odoo"]
    run(db, store, "2", "failed")
    with db.read() as session:
        assert activity.last_synced(session, store.id)["customer", "ps_to_odoo"] == before


def test_what_no_page_shows_any_more_is_forgotten(db: Database, config: Config, store: Store) -> None:
    services = Services(config, db)
    old = now() - timedelta(days=100)
    with services.db.begin() as session:
        session.add(Activity(store_id=store.id, entity="customer", direction="ps_to_odoo", hour=old, synced=1))
        session.add(Activity(store_id=store.id, entity="order", direction="ps_to_odoo", hour=now(), synced=1))
        session.add(Heartbeat(name="gone", kind="worker", at=old))
    tick.tick(services, None)
    with services.db.read() as session:
        assert list(session.scalars(select(Activity.entity))) == ["order"]
        assert list(session.scalars(select(Heartbeat.name))) == ["tick"]


def test_the_unfinished_are_counted_by_entity_and_state(db: Database, store: Store) -> None:
    notice(db, store, "1")
    notice(db, store, "2", "order")
    run(db, store, "3", "failed", limit=1)
    run(db, store, "4", "synced")
    with db.read() as session:
        assert jobs.unfinished(session, store.id) == {"customer": {"pending": 1, "dead": 1}, "order": {"pending": 1}}
        assert jobs.dead_count(session, store.id) == 1


def steps(db: Database, store: Store) -> dict[str, str]:
    with db.read() as session:
        return {step.key: step.state for step in first_run.steps(session, session.get_one(Store, store.id))}


def test_the_first_steps_follow_what_is_there(db: Database, store: Store) -> None:
    with db.begin() as session:
        row = session.get_one(Store, store.id)
        row.choices = {"enabled": False, "products": "off", "orders": False}
    assert steps(db, store) == {"connect": "next", "choose": "done", "rehearse": "later", "initial": "later", "enable": "later"}
    with db.begin() as session:
        row = session.get_one(Store, store.id)
        row.shop_profile, row.odoo_profile = {"version": "9.1.4"}, {"version": "17.0"}
    assert steps(db, store)["rehearse"] == "next"
    notice(db, store, "1")
    with db.begin() as session:
        session.execute(update(SyncJob).values(rehearsed=1))
    assert steps(db, store)["initial"] == "next"
    with db.begin() as session:
        run = InitialRun(store_id=store.id, entity="customer", state="queued")
        session.add(run)
        session.flush()
        session.execute(update(SyncJob).values(run_id=run.id))
    assert steps(db, store)["initial"] == "next"
    with db.begin() as session:
        session.execute(update(SyncJob).values(state="synced"))
    assert steps(db, store)["enable"] == "next"
    with db.begin() as session:
        session.get_one(Store, store.id).choices = {"enabled": True, "products": "off", "orders": False}
    assert set(steps(db, store).values()) == {"done"}
