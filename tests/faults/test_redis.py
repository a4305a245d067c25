"""Redis stopped, flushed, or out of step: SQL is the record."""

from __future__ import annotations

import pytest
from rq.registry import FailedJobRegistry

from portal.sandbox.prestashop_actions import add_customer, edit_customer
from portal.sync import queue as rq_queue
from portal.sync import tick
from tests.invariants import check
from tests.world import World, eventually

pytestmark = pytest.mark.processes


def test_a_flush_with_waiting_running_and_dead_changes_nothing(world: World) -> None:
    world.set(max_attempts=1)
    queue = world.services.queue()
    assert queue is not None
    world.odoo.faults.arm("error", side="odoo", model="res.partner", method="load", error="ValidationError")
    dead = world.notice("customer", customer(world, "dead@example.com"))
    world.drain()
    assert world.job(dead).state == "dead"
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", name="running", commit=True)
    world.start_worker()
    running = world.notice("customer", customer(world, "running@example.com"))
    assert world.odoo.faults.wait_held()
    waiting = [world.notice("customer", customer(world, f"waiting{n}@example.com")) for n in range(20)]
    queue.connection.flushall()
    world.odoo.faults.release("running")
    tick.tick(world.services, queue)
    eventually(lambda: all(world.job(i).state == "synced" for i in (running, *waiting)), "all that waited is synchronised")
    tick.tick(world.services, queue)
    assert world.job(dead).state == "dead"
    assert buried(world) == [dead]
    for email in ("running@example.com", *(f"waiting{n}@example.com" for n in range(20))):
        assert len(world.odoo_rows("res.partner", email=email)) == 1
    check(world.db, quiet=True)


def test_a_poison_record_ends_in_the_registry_and_holds_up_nobody(world: World) -> None:
    world.set(max_attempts=2)
    queue = world.services.queue()
    assert queue is not None
    poison = customer(world, "poison@example.com")
    edit_customer(world.shop.shop, poison, firstname="", lastname="", email="")
    good = customer(world, "good@example.com")
    world.start_worker()
    bad_job, good_job = world.notice("customer", poison), world.notice("customer", good)
    eventually(lambda: world.job(good_job).state == "synced", "the good one is synchronised")
    eventually(lambda: world.job(bad_job).state == "error", "the poison fails once")
    world.pass_time()
    tick.tick(world.services, queue)
    eventually(lambda: world.job(bad_job).state == "dead", "the poison dies")
    eventually(lambda: buried(world) == [bad_job], "RQ has it as failed")
    check(world.db, quiet=True)


def buried(world: World) -> list[int]:
    """The changes in RQ's FailedJobRegistry."""
    return [rq_queue.dead_letter(name) for name in FailedJobRegistry(queue=world.services.queue()).get_job_ids(cleanup=False)]


def customer(world: World, email: str) -> int:
    return int(add_customer(world.shop.shop, firstname="Test", lastname="Person", email=email))
