"""F1 to F5, F25, F26, F28: workers that are killed, stopped, hang, crash, have a wrong clock, or are two."""

from __future__ import annotations

import threading
import time

import pytest

from portal.db import now
from portal.models import SyncJob
from portal.sandbox.prestashop_actions import add_address, add_customer, add_product, edit_customer
from portal.sandbox.prestashop_orders import place_order
from portal.sync import drain, tick
from tests.chaos.installation import Installation
from tests.world import eventually


def customer(world: Installation, email: str = "ada@example.com") -> int:
    number = int(add_customer(world.shop.shop, firstname="Ada", lastname="Byron", email=email))
    add_address(world.shop.shop, number, "FR", postcode="75001")
    return number


def partners(world: Installation, email: str = "ada@example.com") -> int:
    return len(world.odoo_rows("res.partner", email=email, parent_id=False))


def test_killed_between_rq_and_claim(world: Installation) -> None:
    """F4: RQ has given the job away, SQL has not."""
    world.fork_worker("stop_before_claim")
    job_id = world.notice("customer", customer(world))
    eventually(world.reached, "the worker has the job")
    world.kill_workers()
    assert world.job(job_id).state == "pending"
    world.recover()
    world.until("synced", job_id)
    assert partners(world) == 1


def test_killed_between_the_end_in_sql_and_the_end_in_rq(world: Installation) -> None:
    """F3: what RQ runs once more is nothing."""
    world.fork_worker("stop_after_finish")
    job_id = world.notice("customer", customer(world))
    eventually(world.reached, "the outcome is saved")
    world.kill_workers()
    assert world.job(job_id).state == "synced"
    written = world.writes()
    world.recover()
    later = world.notice("customer", customer(world, "later@example.com"))
    world.until("synced", later)
    assert (world.job(job_id).state, partners(world)) == ("synced", 1)
    assert world.writes() - written <= 2, "only the later customer was written"


def test_stopped_during_a_call_that_ends(world: Installation) -> None:
    """F5, a deploy: the call that is on its way is finished and saved."""
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", name="slow", commit=True)
    process = world.fork_worker()
    job_id = world.notice("customer", customer(world))
    assert world.odoo.faults.wait_held()
    process.terminate()
    world.odoo.faults.release("slow")
    process.join(30)
    assert process.exitcode == 0
    job = world.job(job_id)
    assert (job.state, job.attempts, partners(world)) == ("synced", 0, 1)


def test_stopped_during_a_call_that_does_not_end(world: Installation) -> None:
    """F5: it is broken off in time; nobody knows whether the write happened, so it is looked up, and not before Odoo gave it up."""
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", commit=True)
    process = world.fork_worker("break_off_after", "1")
    job_id = world.notice("customer", customer(world))
    assert world.odoo.faults.wait_held()
    process.terminate()
    process.join(30)
    assert process.exitcode == 0, "the supervisor would have to kill it"
    job = world.job(job_id)
    assert (job.state, job.attempts, job.uncertain, job.lease, job.lost_leases) == ("pending", 0, True, None, 0)
    assert (job.due_at - now()).total_seconds() > 100
    world.recover()
    world.until("synced", job_id)
    assert partners(world) == 1


def test_stopped_before_the_write_nothing_is_written_and_the_next_worker_goes_on_at_once(world: Installation) -> None:
    """F5: the lease is given back, not left to run out."""
    world.shop.faults.arm("hold", side="shop", model="customers", method="GET", name="slow")
    process = world.fork_worker()
    job_id = world.notice("customer", customer(world))
    assert world.shop.faults.wait_held()
    process.terminate()
    world.shop.faults.release("slow")
    process.join(30)
    job = world.job(job_id)
    assert (job.state, job.attempts, job.uncertain, job.lease) == ("pending", 0, False, None)
    assert partners(world) == 0
    world.fork_worker()
    world.until("synced", job_id)


def test_a_task_that_takes_too_long_is_broken_off_and_the_write_looked_up(world: Installation) -> None:
    """RQ's limit strikes during a create: it may have happened. No attempt is used, no second order made."""
    product = add_product(world.shop.shop, "Thing", "10", "REF-1", quantity=9)
    buyer = customer(world)
    world.notice("customer", buyer)
    world.notice("product", product)
    world.drain()
    order = place_order(world.shop.shop, buyer, [{"product": product, "quantity": 1}])
    world.odoo.faults.arm("hold", side="odoo", model="sale.order", method="create", commit=True)
    world.fork_worker()
    from portal.sync import queue as rq_queue
    limit, rq_queue.JOB_TIMEOUT = rq_queue.JOB_TIMEOUT, 2
    try:
        job_id = world.notice("order", order)
    finally:
        rq_queue.JOB_TIMEOUT = limit
    eventually(lambda: world.job(job_id).uncertain, "the task is broken off")
    job = world.job(job_id)
    assert (job.state, job.attempts) == ("pending", 0)
    assert (job.due_at - now()).total_seconds() > 100
    world.recover()
    world.until("synced", job_id)
    assert len(world.odoo_rows("sale.order", origin=f"PS/shop/{order}")) == 1


def test_a_record_that_crashes_the_process_dies_after_three_and_the_others_go_on(world: Installation) -> None:
    """F25: they were in one batch with it."""
    good = [customer(world, f"good{n}@example.com") for n in range(4)]
    poison = customer(world, "poison@example.com")
    ids = {number: world.notice("customer", number) for number in (*good, poison)}
    for _ in range(8):
        process = world.fork_worker("die_with", str(poison))
        eventually(lambda: process.exitcode is not None, "the worker dies of it")  # noqa: B023
        world.kill_workers()
        world.pass_time()
        tick.tick(world.services, world.services.queue())
        if world.job(ids[poison]).state == "dead":
            break
    world.fork_worker()
    world.until("synced", *(ids[number] for number in good))
    dead = world.job(ids[poison])
    assert (dead.state, dead.cause, dead.lost_leases) == ("dead", "portal:worker-lost", 3)


@pytest.mark.parametrize("seconds", [600, -600, 3600, -3600])
def test_a_worker_whose_clock_is_wrong_takes_nothing_from_others(world: Installation, seconds: int) -> None:
    """F26: leases are given and lost by the database's clock where several machines share it."""
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", name="slow")
    world.fork_worker()
    first = world.notice("customer", customer(world))
    assert world.odoo.faults.wait_held()
    second = world.notice("customer", customer(world, "second@example.com"))
    process = world.fork_worker("clock_off_by", str(seconds))
    world.services.kick()
    if world.db.engine.dialect.name == "postgresql":
        time.sleep(0.5)
        assert world.job(first).lost_leases == 0, "the lease of a living worker was taken away"
    process.kill()
    world.odoo.faults.release("slow")
    world.recover()
    world.until("synced", first, second)
    assert (partners(world), partners(world, "second@example.com")) == (1, 1)


def test_a_worker_that_lost_its_lease_writes_nothing_more(world: Installation) -> None:
    """A machine that was frozen for minutes and goes on where it was."""
    world.shop.faults.arm("hold", side="shop", model="customers", method="GET", name="frozen")
    number = customer(world)
    frozen = world.fork_worker()
    job_id = world.notice("customer", number)
    assert world.shop.faults.wait_held()
    edit_customer(world.shop.shop, number, lastname="Lovelace")
    world.pass_time()
    tick.tick(world.services, world.services.queue())
    world.fork_worker()
    world.until("synced", job_id)
    loads = world.odoo.calls["res.partner.load"]
    world.shop.faults.release("frozen")
    frozen.terminate()
    frozen.join(30)
    assert world.odoo.calls["res.partner.load"] == loads, "it wrote although another worker has had the record since"
    [row] = world.odoo_rows("res.partner", email="ada@example.com", parent_id=False)
    assert row["display_name"] == "Ada Lovelace"


def test_two_workers_two_rounds_and_two_drains_at_once_make_each_record_once(world: Installation) -> None:
    """F28."""
    numbers = [customer(world, f"c{n}@example.com") for n in range(30)]
    ids = [world.notice("customer", number) for number in numbers]
    world.start_web()
    for _ in range(2):
        world.fork_worker()
    work = [lambda: tick.tick(world.services, world.services.queue()), lambda: drain.drain(world.services, world.store), world.cron]
    threads = [threading.Thread(target=job) for job in work * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.until("synced", *ids)
    assert [partners(world, f"c{n}@example.com") for n in range(30)] == [1] * 30


def test_a_poll_whose_worker_was_killed_is_followed_by_another(world: Installation) -> None:
    """Its name is free again by itself, and so is its claim; nobody has to clean up in Redis."""
    world.set(products="both", poll_minutes=1)
    world.odoo.faults.arm("hold", side="odoo", model="product.template", method="search_read")
    world.fork_worker()
    tick.tick(world.services, world.services.queue())
    assert world.odoo.faults.wait_held()
    world.kill_workers()
    world.odoo.faults.clear()
    queue = world.services.queue()
    assert queue is not None
    ttl = queue.connection.ttl(f"portal:once:poll-{world.store.id}")
    assert 0 < ttl <= 300
    queue.connection.delete(f"portal:once:poll-{world.store.id}")
    assert tick.tick(world.services, queue)["polls"] == 1


def test_fifty_workers_claim_one_change_and_one_gets_it(world: Installation) -> None:
    from portal.models import Store
    from portal.sync import jobs

    job_id = world.notice("customer", customer(world))
    got: list[SyncJob] = []

    def claim() -> None:
        with world.db.begin() as session:
            got.extend(jobs.claim(session, session.get_one(Store, world.store.id), "customer", [job_id], lease_seconds=300))

    threads = [threading.Thread(target=claim) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.id for row in got] == [job_id]
    world.recover()
    world.until("synced", job_id)
