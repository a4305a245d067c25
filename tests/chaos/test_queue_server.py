"""F6 to F9: Redis away, flushed, restarted empty, or holding nonsense. SQL is the record."""

from __future__ import annotations

import json

from rq.registry import FailedJobRegistry

from portal.models import Store
from portal.sandbox.prestashop_actions import add_customer, add_product
from portal.sandbox.prestashop_orders import place_order
from portal.sandbox.shop_demo import seed_bulk
from portal.sync import jobs, tick
from portal.sync import queue as rq_queue
from tests.chaos.installation import Installation
from tests.world import eventually


def customers(world: Installation, number: int) -> list[int]:
    shop = world.shop.shop
    return [int(add_customer(shop, firstname="Ada", lastname=f"No{n}", email=f"c{n}@example.com")) for n in range(number)]


def test_hooks_are_taken_while_redis_is_away_and_sent_when_it_is_back(world: Installation) -> None:
    """F6."""
    world.start_web()
    world.redis.kill(empty=True)
    answers = [world.hook([("customer", number)]) for number in customers(world, 10)]
    assert [status for status, _ in answers] == [202] * 10
    ids = [job for _, facts in answers for job in facts["jobs"]]
    assert {world.job(number).state for number in ids} == {"pending"}
    assert world.cron()[1]["started"] is False
    world.redis.start()
    world.fork_worker()
    tick.tick(world.services, world.services.queue())
    world.until("synced", *ids)


def test_redis_restarts_empty_with_waiting_running_and_dead(world: Installation) -> None:
    """F7 and F8: 500 wait, three run, seven are dead."""
    shop = world.shop.shop
    world.set(max_attempts=1)
    seed_bulk(shop, customers=1 + 7 + 1 + 500)
    buyer, *others = shop.tables["customers"].ids()
    bought, thing = (add_product(shop, "Thing", "10", f"REF-{n}", quantity=9) for n in range(2))
    world.notice("customer", buyer)
    world.notice("product", bought)
    world.drain()
    world.notice("order", place_order(shop, buyer, [{"product": bought, "quantity": 1}]))
    world.drain()  # the products that stand for carriage and the like are there, so that each flow is held at a call of its own
    world.odoo.faults.arm("error", side="odoo", model="res.partner", method="load", error="ValidationError", times=0)
    dead = [world.notice("customer", number) for number in others[:7]]
    world.drain()
    assert {world.job(number).state for number in dead} == {"dead"}
    world.odoo.faults.clear()
    order = place_order(shop, buyer, [{"product": bought, "quantity": 1}])
    for model, method in (("res.partner", "load"), ("product.template", "load"), ("sale.order", "create")):
        world.odoo.faults.arm("hold", side="odoo", model=model, method=method, name="running", commit=True)
    for _ in range(3):
        world.fork_worker()
    running = [world.notice("customer", others[7]), world.notice("product", thing), world.notice("order", order)]
    assert len(world.odoo.faults.wait_held(3)) == 3
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        jobs.notice_many(session, store, "customer", "ps_to_odoo", [str(n) for n in others[8:]], source="test", bulk=False)
    world.services.kick()
    world.redis.kill(empty=True)
    world.odoo.faults.release("running")
    world.until("synced", *running)
    assert len(world.jobs("pending")) >= 500
    world.redis.start()
    tick.tick(world.services, world.services.queue())
    world.fork_worker()
    eventually(lambda: world.counts()["pending"] == 0, "all that waited is done")
    tick.tick(world.services, world.services.queue())
    buried = FailedJobRegistry(queue=world.services.queue()).get_job_ids(cleanup=False)
    assert sorted(rq_queue.dead_letter(name) for name in buried) == dead
    made = [row["email"] for row in world.odoo.db.tables["res.partner"].rows.values() if str(row.get("email")).startswith("bulk")]
    assert len(made) == len(set(made)) == 1 + 1 + 500
    assert len(world.odoo_rows("sale.order", origin=f"PS/shop/{order}")) == 1


def test_nonsense_under_the_keys_of_rq_holds_nobody_up(world: Installation) -> None:
    """F9: no worker ends over it, neither when it meets it nor when it tidies up, and the change is done."""
    queue = world.services.queue()
    assert queue is not None
    [number] = customers(world, 1)
    job_id = world.notice("customer", number)
    [name] = queue.get_job_ids()
    queue.connection.hset(f"rq:job:{name}", mapping={"created_at": "nonsense", "data": b"\x00", "timeout": "x"})
    process = world.fork_worker()
    eventually(lambda: not queue.get_job_ids(), "it met the nonsense")
    world.pass_time(leases=False)
    tick.tick(world.services, queue)
    world.until("synced", job_id)
    for number in customers(world, 2):
        queue.connection.delete(queue.registry_cleaning_key)  # whoever comes next tidies up
        world.kill_worker(0)
        process = world.fork_worker()
        world.until("synced", world.notice("customer", number))
        assert process.exitcode is None, "the worker ends"
    assert not queue.intermediate_queue.get_job_ids()


def test_a_function_or_argument_of_another_version_is_not_the_end_of_a_change(world: Installation) -> None:
    """F34: what an old worker does not understand it leaves; SQL hands it over again."""
    queue = world.services.queue()
    assert queue is not None
    [number] = customers(world, 1)
    job_id = world.notice("customer", number)
    [name] = queue.get_job_ids()
    queue.connection.hset(f"rq:job:{name}", "data", json.dumps(["portal.sync.tasks.run", None, [[job_id], "new"], {"more": 1}]))
    world.fork_worker()
    eventually(lambda: not queue.get_job_ids(), "the worker has taken it")
    assert world.job(job_id).state == "pending"
    world.pass_time(leases=False)
    tick.tick(world.services, queue)
    world.until("synced", job_id)


def test_an_entity_of_a_newer_version_waits_for_its_worker(world: Installation) -> None:
    """F34: no attempt is used, nothing dies."""
    job_id = world.notice("pricelist", 1)
    world.drain()
    job = world.job(job_id)
    assert (job.state, job.attempts, job.cause) == ("pending", 0, "portal:version")
