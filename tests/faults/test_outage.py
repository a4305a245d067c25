"""Odoo or the shop down, slow, refusing: no attempt is used, nothing dies, everything goes out afterwards."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from portal.clients.prestashop_profile import READS
from portal.models import Circuit, LogEntry, Mapping
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sandbox.prestashop_actions import add_customer
from portal.sync import drain, tick
from tests.invariants import check
from tests.world import World


def customer(world: World, email: str = "ada@example.com") -> int:
    return int(add_customer(world.shop.shop, firstname="Ada", lastname="Byron", email=email))


def partners(world: World, email: str = "ada@example.com") -> int:
    return len(world.odoo_rows("res.partner", email=email))


@pytest.mark.parametrize("side", ["odoo", "shop"])
def test_an_outage_of_any_length_uses_no_attempt(world: World, side: str) -> None:
    job_id = world.notice("customer", customer(world))
    server = world.odoo if side == "odoo" else world.shop
    server.stop()
    for _ in range(12):
        world.pass_time()
        tick.tick(world.services, world.services.queue())
        world.drain(expect_stop=True)
        job = world.job(job_id)
        assert (job.state, job.attempts) == ("pending", 0)
        assert world.circuit(side) == "open"
    server.start()
    world.pass_time()
    tick.tick(world.services, world.services.queue())
    assert world.circuit(side) == "closed"
    assert world.drain()["synced"] == 1
    assert partners(world) == 1
    check(world.db, quiet=True)


def test_wrong_credentials_pause_the_store_with_one_message(world: World) -> None:
    world.set(odoo_key="wrong-key")
    jobs = [world.notice("customer", customer(world, f"c{n}@example.com")) for n in range(3)]
    for _ in range(3):
        world.drain(expect_stop=True)
        tick.tick(world.services, world.services.queue())
    assert world.circuit("odoo") == "paused"
    assert {(world.job(i).state, world.job(i).attempts) for i in jobs} == {("pending", 0)}
    refusals = sum(n for call, n in world.odoo.calls.items() if "authenticate" in str(call))
    assert refusals == 1, "a refused key is never tried again by itself: Odoo locks an address out after ten"
    world.set(odoo_key="demo-key")
    assert world.drain()["synced"] == 3
    check(world.db, quiet=True)


def test_a_shop_that_refused_is_asked_again_and_goes_on_by_itself(world: World) -> None:
    job_id = world.notice("customer", customer(world))
    world.shop.shop.keys[SHOP_KEY].active = False
    world.drain(expect_stop=True)
    assert world.circuit("shop") == "paused"
    world.pass_time()
    tick.tick(world.services, world.services.queue())
    assert world.circuit("shop") == "paused", "it still refuses"
    world.shop.shop.keys[SHOP_KEY].active = True
    tick.tick(world.services, world.services.queue())
    assert world.circuit("shop") == "paused", "not before its time"
    world.pass_time()
    tick.tick(world.services, world.services.queue())
    assert world.circuit("shop") == "closed"
    assert world.drain()["synced"] == 1
    assert world.job(job_id).attempts == 0


def test_a_key_that_may_not_read_everything_stays_refused_with_all_that_is_missing(world: World) -> None:
    key = world.shop.shop.keys[SHOP_KEY]
    job_id = world.notice("customer", customer(world))
    key.rights = {resource: {"GET"} for resource in READS if resource not in ("customers", "orders")}
    world.drain(expect_stop=True)
    for _ in range(2):
        world.pass_time()
        tick.tick(world.services, world.services.queue())
    with world.db.read() as session:
        row = session.get_one(Circuit, (world.store.id, "shop"))
        assert (row.state, row.probe_at is not None) == ("paused", True)
        assert "customers" in row.reason
        assert "orders" in row.reason
        told = session.scalars(select(LogEntry.message).where(LogEntry.level == "error")).all()
    assert len(told) == 1, "it is told once"
    key.rights = None
    world.pass_time()
    tick.tick(world.services, world.services.queue())
    assert world.drain()["synced"] == 1
    assert world.job(job_id).state == "synced"


@pytest.mark.parametrize("kind", ["drop", "cut"])
def test_a_lost_answer_is_looked_up_and_never_doubles(world: World, kind: str) -> None:
    world.odoo.faults.arm(kind, side="odoo", model="res.partner", method="load")
    job_id = world.notice("customer", customer(world))
    world.drain()
    job = world.job(job_id)
    assert (job.state, job.uncertain, job.attempts) == ("pending", True, 0)
    assert partners(world) == 1
    world.drain()
    assert world.job(job_id).state == "pending", "not before Odoo has given up the request"
    world.pass_time()
    world.drain()
    assert world.job(job_id).state == "synced"
    assert partners(world) == 1
    check(world.db, quiet=True)


def test_a_commit_that_comes_late_is_adopted(world: World) -> None:
    world.odoo.faults.arm("late", side="odoo", model="res.partner", method="load", name="late")
    job_id = world.notice("customer", customer(world))
    world.drain()
    assert partners(world) == 0
    world.odoo.faults.release("late")
    world.odoo.faults.wait_late()
    world.pass_time()
    world.drain()
    assert world.job(job_id).state == "synced"
    assert partners(world) == 1
    check(world.db, quiet=True)


@pytest.mark.parametrize(("kind", "options"), [
    ("status", {"status": 502}), ("status", {"status": 503}), ("status", {"status": 504}), ("html", {}),
    ("throttle", {"seconds": 1}), ("error", {"error": "SerializationFailure"}),
])
def test_trouble_on_the_way_is_never_taken_for_success(world: World, kind: str, options: dict[str, object]) -> None:
    world.odoo.faults.arm(kind, side="odoo", model="res.partner", method="load", **options)
    job_id = world.notice("customer", customer(world))
    drain.drain(world.services, world.store)
    job = world.job(job_id)
    assert job.state == "pending", job.message
    assert job.attempts == 0
    world.pass_time()
    tick.tick(world.services, world.services.queue())
    drain.drain(world.services, world.store)
    assert world.job(job_id).state == "synced", world.job(job_id).message
    assert partners(world) == 1
    check(world.db, quiet=True)


def test_a_bad_record_in_a_batch_fails_alone(world: World) -> None:
    good = [customer(world, f"good{n}@example.com") for n in range(5)]
    world.odoo.faults.arm("error", side="odoo", model="res.partner", method="load", error="ValidationError", times=1)
    ids = [world.notice("customer", number) for number in good]
    world.drain()
    states = [world.job(i).state for i in ids]
    assert states.count("synced") >= 4, states


def test_dry_run_writes_nothing_and_everything_is_sent_afterwards(world: World) -> None:
    world.set(dry_run=1)
    written = world.written()
    world.sync("customer", "product", "stock", "order")
    assert world.written() == written
    counts = world.counts()
    assert counts["synced"] == counts["dead"] == counts["error"] == 0
    with world.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Mapping)) == 0
        assert session.scalar(select(func.count()).select_from(LogEntry).where(LogEntry.dry_run)) == counts["pending"]
    world.set(dry_run=0)
    world.drain()
    assert world.counts()["synced"] > 0
    assert world.counts()["pending"] == 0


def test_while_a_store_is_disabled_changes_wait(world: World) -> None:
    world.set(enabled=0)
    written = world.written()
    job_id = world.notice("customer", customer(world))
    world.drain(expect_stop=True)
    assert world.job(job_id).state == "pending"
    assert world.written() == written
    world.set(enabled=1)
    assert world.drain()["synced"] == 1
