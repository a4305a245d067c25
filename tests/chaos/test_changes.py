"""F20 to F24, F27, F29, F31 to F33: changes that come doubled, in any order, in crowds, dead or back again. Web, workers, Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from portal.db import table_of
from portal.models import JobEvent, LogEntry, Store, SyncJob
from portal.sandbox.odoo_deliveries import deliver
from portal.sandbox.odoo_models import Env
from portal.sandbox.prestashop_actions import add_address, add_customer, add_product, edit_customer
from portal.sandbox.prestashop_orders import place_order
from portal.sandbox.shop_demo import seed_bulk
from portal.sync import jobs, tick
from portal.sync import queue as rq_queue
from tests.chaos.installation import Installation
from tests.world import eventually

BACKLOG = 100_000
CROWD = rq_queue.BATCH["customer"] + 20
"""More than one batch; those of the second are done one by one after the kill."""
MEGABYTES = 200


def customer(world: Installation, email: str = "ada@example.com") -> int:
    number = int(add_customer(world.shop.shop, firstname="Ada", lastname="Byron", email=email))
    add_address(world.shop.shop, number, "FR", postcode="75001")
    return number


def product(world: Installation) -> int:
    return int(add_product(world.shop.shop, "Thing", "10", "REF-1", quantity=9))


def names(world: Installation, email: str = "ada@example.com") -> list[object]:
    return [row["display_name"] for row in world.odoo_rows("res.partner", email=email, parent_id=False)]


def send(world: Installation, *changes: tuple[str, int]) -> list[int]:
    status, facts = world.hook(list(changes))
    assert status == 202
    return list(facts["jobs"])


def test_one_hook_a_hundred_times_at_once_is_one_change(world: Installation) -> None:
    """F20."""
    world.start_web()
    number = customer(world)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.hook([("customer", number)]), range(100)))
    assert [status for status, _ in answers] == [202] * 100
    [job_id] = {job for _, facts in answers for job in facts["jobs"]}
    assert world.job(job_id).version == 100
    world.fork_worker()
    world.until("synced", job_id)
    assert names(world) == ["Ada Byron"]


def test_messages_out_of_order_end_in_the_last_state_and_set_no_order_back(world: Installation) -> None:
    """F21 and F23: an order before all it needs; news of Odoo that overtook each other."""
    world.start_web()
    world.fork_worker()
    buyer, thing = customer(world), product(world)
    order = place_order(world.shop.shop, buyer, [{"product": thing, "quantity": 1}])
    [first] = send(world, ("order", order))
    world.until("synced", first)
    assert world.job(first).attempts == 0
    edit_customer(world.shop.shop, buyer, lastname="Lovelace")
    world.until("synced", *send(world, ("customer", buyer)), *send(world, ("product", thing), ("stock", thing)))
    assert names(world) == ["Ada Lovelace"]
    [sale] = world.odoo.db.tables["sale.order"].rows
    with world.odoo.db.transaction():
        deliver(Env(world.odoo.db), sale, None)
    states = []
    for state in ("done", "sale", "done"):
        status, facts = world.webhook(entity="order_state", odoo_id=sale, state=state)
        assert status == 202
        world.pass_time(leases=False)
        tick.tick(world.services, world.services.queue())
        world.until("synced", *facts["jobs"])
        states.append(world.shop.shop.get("orders", order, "current_state"))
    assert len(set(states)) == 1, "set back"
    assert len(world.odoo_rows("sale.order", origin=f"PS/shop/{order}")) == 1


def test_an_order_whose_product_fails_waits_dies_with_it_and_comes_back_with_it(world: Installation) -> None:
    """F24."""
    world.set(max_attempts=1)
    world.start_web()
    world.odoo.faults.arm("error", side="odoo", model="product.template", method="load", error="ValidationError", times=0)
    world.fork_worker()
    thing = product(world)
    order = place_order(world.shop.shop, customer(world), [{"product": thing, "quantity": 1}])
    [order_job] = send(world, ("order", order))
    world.until("dead", order_job)
    assert f"product {thing}" in world.job(order_job).message.lower()
    [product_job] = [job.id for job in world.jobs("dead") if job.entity == "product"]
    world.odoo.faults.clear()
    with world.db.begin() as session:
        assert jobs.retry(session, world.store.id, [product_job], "test").retried == 1
    world.services.kick()
    world.until("synced", product_job)
    later = [job.id for job in world.jobs("pending", "running", "synced") if job.entity == "order"]
    world.until("synced", *later)
    assert later
    assert len(world.odoo_rows("sale.order", origin=f"PS/shop/{order}")) == 1


def test_an_echo_stops_after_one_hop(world: Installation) -> None:
    """F29: Odoo to the shop; what the shop's module then reports is not written back, nor does that go on for ever."""
    world.set(products="both")
    world.start_web()
    world.fork_worker()
    thing = product(world)
    world.until("synced", *send(world, ("product", thing)))
    [template] = [number for number, row in world.odoo.db.tables["product.template"].rows.items()
                  if row.get("default_code") == "REF-1"]
    with world.odoo.db.transaction():
        Env(world.odoo.db)["product.template"].write([template], {"list_price": 12.5})
    _, facts = world.webhook(_model="product.template", _id=template)
    world.pass_time(leases=False)
    tick.tick(world.services, world.services.queue())
    world.until("synced", *facts["jobs"])
    assert float(world.shop.shop.get("products", thing, "price")) == 12.5
    written = world.writes()
    world.until("synced", *send(world, ("product", thing)))
    _, facts = world.webhook(_model="product.template", _id=template)
    world.pass_time(leases=False)
    tick.tick(world.services, world.services.queue())
    world.until("synced", *facts["jobs"])
    assert world.writes() == written


def test_dry_run_writes_nothing_and_all_is_sent_afterwards(world: Installation) -> None:
    """F31."""
    world.set(dry_run=1)
    world.start_web()
    world.fork_worker()
    written = world.writes()
    ids = send(world, *(("customer", customer(world, f"c{n}@example.com")) for n in range(3)))
    eventually(lambda: all(world.job(number).rehearsed for number in ids), "it says what it would write")
    assert world.writes() == written
    with world.db.read() as session:
        assert session.scalar(select(func.count()).where(LogEntry.dry_run)) == 3
    world.set(dry_run=0)
    world.services.kick()
    world.until("synced", *ids)


def test_a_dead_letter_joins_the_newer_change_that_waits(world: Installation) -> None:
    """F32: tried again it is one change, with what holds now."""
    world.set(max_attempts=1)
    world.start_web()
    world.odoo.faults.arm("error", side="odoo", model="res.partner", method="load", error="ValidationError")
    world.fork_worker()
    number = customer(world)
    [dead] = send(world, ("customer", number))
    world.until("dead", dead)
    world.set(enabled=0)
    edit_customer(world.shop.shop, number, lastname="Lovelace")
    [newer] = send(world, ("customer", number))
    with world.db.begin() as session:
        found = jobs.retry(session, world.store.id, [dead], "test")
    assert (found.retried, found.merged) == (0, 1)
    assert world.job(dead).state == "superseded"
    world.set(enabled=1)
    world.services.kick()
    world.until("synced", newer)
    assert names(world) == ["Ada Lovelace"]


def test_a_crowd_of_dead_letters_tried_again_survives_a_kill_in_the_middle(world: Installation) -> None:
    """F33: RQ's window stays bounded, each is done once."""
    seed_bulk(world.shop.shop, customers=CROWD)
    queue = world.services.queue()
    assert queue is not None
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        jobs.notice_many(session, store, "customer", "ps_to_odoo", [str(n) for n in world.shop.shop.tables["customers"].ids()],
                         source="hook", bulk=False)
        ids = list(session.scalars(select(SyncJob.id)))
        for row in jobs.claim(session, store, "customer", ids, lease_seconds=60):
            jobs.fail(session, row, jobs.Failure("Odoo refused it", cause="x"), 1)
    with world.db.begin() as session:
        assert jobs.retry(session, world.store.id, None, "test").retried == len(ids)
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", skip=2, commit=True)
    world.services.kick()
    assert queue.count <= rq_queue.LIVE_AT_ONCE
    world.fork_worker()
    assert world.odoo.faults.wait_held()
    assert world.counts()["synced"] == rq_queue.BATCH["customer"], "the first batch, in two calls"
    world.recover()
    eventually(lambda: world.counts()["synced"] == len(ids), "all are done")
    made = [row["email"] for row in world.odoo.db.tables["res.partner"].rows.values() if str(row.get("email")).startswith("bulk")]
    assert len(made) == len(set(made)) == len(ids)


def test_a_change_of_now_is_done_before_a_hundred_thousand_that_wait(world: Installation) -> None:
    """F27: RQ's window and the memory of web and worker stay bounded. Times are measured by `make bench`."""
    world.start_web()
    queue = world.services.queue()
    assert queue is not None
    fill(world)
    tick.tick(world.services, queue)
    assert queue.count == rq_queue.WINDOW
    process = world.fork_worker()
    [job_id] = send(world, ("customer", customer(world)))
    world.until("synced", job_id)
    done = BACKLOG - world.counts()["pending"]
    assert done <= 3 * rq_queue.BATCH["customer"], f"{done} of those that waited went first"
    assert queue.count <= rq_queue.LIVE_AT_ONCE
    assert world.cron()[0] == 202
    assert world.web is not None
    for number in (world.web.pid, process.pid):
        pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
        assert pages * 4096 < MEGABYTES * 2**20
    world.kill_workers()
    with world.db.begin() as session:
        waiting = select(SyncJob.id).where(SyncJob.bulk)
        session.execute(delete(JobEvent).where(JobEvent.job_id.in_(waiting)).execution_options(synchronize_session=False))
        session.execute(delete(SyncJob).where(SyncJob.bulk).execution_options(synchronize_session=False))


def fill(world: Installation) -> None:
    """Changes of an initial sync, of customers that the shop does not have any more."""
    columns = [column.name for column in table_of(SyncJob).columns if column.name not in ("id", "record")]
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        jobs.notice(session, store, "customer", "ps_to_odoo", "1000000", source="initial", bulk=True)
        more = (f"INSERT INTO sync_job (record, {', '.join(columns)}) WITH RECURSIVE n(i) AS (SELECT 1000001 UNION ALL "
                f"SELECT i + 1 FROM n WHERE i < {1_000_000 + BACKLOG - 1}) "
                f"SELECT CAST(n.i AS VARCHAR(20)), {', '.join('j.' + name for name in columns)} FROM n, sync_job j")
        session.connection().exec_driver_sql(more)


@pytest.mark.parametrize("world", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_full_disk_of_postgresql_refuses_and_recovers(world: Installation) -> None:
    """F12: the server says that there is no space: 503, nothing half, and no manual step afterwards."""
    world.start_web()
    number = customer(world)
    with world.db.begin() as session:
        for statement in ("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
                          "'No space left on device' USING ERRCODE = '53100'; END $$",
                          "CREATE TRIGGER full_disk BEFORE INSERT ON job_event EXECUTE FUNCTION full_disk()"):
            session.connection().exec_driver_sql(statement)
    try:
        assert [world.hook([("customer", number)])[0] for _ in range(3)] == [503] * 3
        assert not world.jobs("pending")
    finally:
        with world.db.begin() as session:
            session.connection().exec_driver_sql("DROP FUNCTION full_disk CASCADE")
    world.fork_worker()
    world.until("synced", *send(world, ("customer", number)))
