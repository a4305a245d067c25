"""Who changes several waiting changes at once, on PostgreSQL: nobody waits for somebody who waits for him."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.config import Config
from portal.db import Database
from portal.models import Store, SyncJob
from portal.rq_setup import make_queue
from portal.sync import hooks, jobs, poll, runner, stores, webhook
from portal.sync import queue as rq_queue
from portal.sync.hook_message import Change, Message
from portal.sync.jobs import leases, notices
from portal.sync.services import Services
from tests.sync.factory import make_store, notice
from tests.world import eventually

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(postgres: Database) -> Store:
    return make_store(postgres, products="ps_to_odoo")


def lock(session: Session, job_id: int) -> None:
    session.execute(select(SyncJob.id).where(SyncJob.id == job_id).with_for_update(nowait=True))


def waits_for_a_lock(db: Database) -> Any:
    with db.read() as session:
        return session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))


def wait_in_line(db: Database, first: int, second: int, act: Callable[[], object]) -> None:
    """While the first row is held, `act` waits for it with nothing in hand: whoever holds it gets the second as well."""
    with ThreadPoolExecutor() as other, db.begin() as mine:
        lock(mine, first)
        done = other.submit(act)
        eventually(lambda: waits_for_a_lock(db), "the other one waits")
        lock(mine, second)  # raises where the other one holds it, and then both would wait for ever
        mine.commit()
        done.result(10)


def test_a_message_of_the_shop_locks_the_changes_it_names_in_the_order_of_all(postgres: Database, store: Store) -> None:
    first, second = notice(postgres, store, "9"), notice(postgres, store, "1")
    message = Message(batch="b", module="1", prestashop="9.1.4", backlog=0, changes=(
        Change("customer", "1"), Change("customer", "9")), rows=(), unknown=0, rescan="")

    def hook() -> None:
        with postgres.begin() as session:
            hooks.accept(session, session.get_one(Store, store.id), message)

    wait_in_line(postgres, first, second, hook)


@pytest.mark.parametrize("act", ["poll", "chunks", "webhook"])
def test_changes_that_are_noticed_one_after_the_other_are_locked_in_the_order_of_all(
        postgres: Database, store: Store, act: str, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    direction = "odoo_to_ps" if act == "webhook" else "ps_to_odoo"
    with postgres.begin() as session:
        first = jobs.notice(session, store, "customer", direction, "1", source="test")
        second = jobs.notice(session, store, "product" if act == "poll" else "customer", direction, "2", source="test")
    monkeypatch.setattr(notices, "_CHUNK", 1)
    monkeypatch.setattr(webhook, "_known_record", lambda _session, _store, note: note.record)
    monkeypatch.setattr(webhook, "_may_travel", lambda *_: True)

    def other_one() -> None:
        if act == "poll":
            found = [("product", direction, ["2"]), ("customer", direction, ["1"])]
            poll._end(Services(config, postgres), store, "shop", found, {})
            return
        with postgres.begin() as session:
            row = session.get_one(Store, store.id)
            if act == "chunks":
                jobs.notice_many(session, row, "customer", "ps_to_odoo", ["2", "1"], source="test")
            else:
                webhook.accept(session, row, [webhook.Note("customer", "2"), webhook.Note("customer", "1")])

    wait_in_line(postgres, first, second, other_one)


def test_workers_are_told_of_what_is_due_without_waiting_for_who_changes_it(postgres: Database, store: Store, redis: Redis) -> None:
    held, free = notice(postgres, store, "1"), notice(postgres, store, "2")
    queue = make_queue(redis)
    with postgres.begin() as session:
        lock(session, held)
        assert rq_queue.dispatch(postgres, queue) == 1
    assert [job.args[0] for job in queue.jobs] == [[free]]
    assert rq_queue.dispatch(postgres, queue) == 1, "the other one follows when it is free"


@pytest.mark.parametrize("act", ["claim", "hurry", "held"])
def test_several_rows_are_locked_by_id(postgres: Database, store: Store, act: str) -> None:
    """The table keeps a changed row at its end, so that without an order the first one would be met last."""
    first, second = notice(postgres, store, "1"), notice(postgres, store, "2")
    with postgres.begin() as session:
        row = session.get_one(SyncJob, first)
        row.version += 1
    with postgres.begin() as session:
        token = jobs.claim(session, store, "customer", [first, second], lease_seconds=60)[0].lease if act == "held" else ""

    def change() -> None:
        with postgres.begin() as session:
            if act == "claim":
                jobs.claim(session, store, "customer", [second, first], lease_seconds=60)
            elif act == "hurry":
                jobs.hurry(session, store.id)
            else:
                jobs.held(session, token or "", [second, first])

    if act == "hurry":
        with postgres.begin() as session:
            for row in session.scalars(select(SyncJob)):
                row.due_at = row.due_at.replace(year=row.due_at.year + 1)
    wait_in_line(postgres, first, second, change)


def test_a_store_is_not_switched_off_between_the_look_at_its_switch_and_the_claim(
        postgres: Database, store: Store, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a worker would begin to write after the switch was seen to be off and nothing to be running."""
    job_id = notice(postgres, store)
    monkeypatch.setattr(runner, "_run_claimed", lambda *_: None)

    def switch_off() -> None:
        with postgres.begin() as session:
            stores.change_store(session, session.get_one(Store, store.id), {"enabled": "0"}, "test")

    with ThreadPoolExecutor() as others, postgres.begin() as mine:
        leases._lock_lane(mine, store.id, "customer")
        work = others.submit(runner.run, Services(config, postgres), [job_id])
        eventually(lambda: waits_for_a_lock(postgres) == 1, "the worker waits for its lane")
        off = others.submit(switch_off)
        eventually(lambda: waits_for_a_lock(postgres) >= 2, "the switch waits for the worker")
        mine.commit()
        work.result(10), off.result(10)
    assert [job.state for job in postgres_rows(postgres)] == ["running"]


def postgres_rows(db: Database) -> list[SyncJob]:
    with db.read() as session:
        return list(session.scalars(select(SyncJob)))
