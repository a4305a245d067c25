"""Workers killed with kill -9 at the worst moments: nothing lost, nothing doubled, every state legal."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.models import Mapping
from portal.sandbox.prestashop_actions import add_customer, edit_customer
from portal.sandbox.prestashop_orders import place_order
from portal.sync import tick
from tests.invariants import check
from tests.world import World, eventually

pytestmark = pytest.mark.processes


def recover(world: World) -> None:
    """What happens by itself after a while: leases run out, a tick comes, a worker works."""
    world.odoo.faults.clear()
    world.pass_time()
    tick.tick(world.services, world.services.queue())
    world.start_worker()


def ended(world: World, job_id: int) -> None:
    eventually(lambda: world.job(job_id).state in ("synced", "superseded"), f"job {job_id} ends")


def new_customer(world: World) -> tuple[int, int]:
    customer = int(add_customer(world.shop.shop, firstname="Ada", lastname="Byron", email="ada@example.com"))
    return customer, world.notice("customer", customer)


def test_killed_before_the_call(world: World) -> None:
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load")
    world.start_worker()
    _, job_id = new_customer(world)
    assert world.odoo.faults.wait_held()
    world.kill_workers()
    assert world.job(job_id).state == "running"
    recover(world)
    ended(world, job_id)
    assert len(world.odoo_rows("res.partner", email="ada@example.com")) == 1
    check(world.db)


def test_killed_after_odoo_committed_and_before_we_saved(world: World) -> None:
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", commit=True)
    world.start_worker()
    _, job_id = new_customer(world)
    assert world.odoo.faults.wait_held()
    world.kill_workers()
    assert len(world.odoo_rows("res.partner", email="ada@example.com")) == 1
    recover(world)
    ended(world, job_id)
    assert len(world.odoo_rows("res.partner", email="ada@example.com")) == 1
    check(world.db)


def test_an_order_is_never_doubled_when_the_worker_dies_after_the_commit(world: World) -> None:
    world.sync("customer", "product")
    order = place_any_order(world)
    world.odoo.faults.arm("hold", side="odoo", model="sale.order", method="create", commit=True)
    world.start_worker()
    job_id = world.notice("order", order)
    assert world.odoo.faults.wait_held()
    world.kill_workers()
    recover(world)
    ended(world, job_id)
    assert len(world.odoo_rows("sale.order", origin=f"PS/shop/{order}")) == 1
    check(world.db)


def test_a_write_that_was_cut_off_is_not_taken_for_an_edit_of_people_when_the_shop_changes_again(world: World) -> None:
    customer, first = new_customer(world)
    world.drain()
    assert world.job(first).state == "synced"
    for lastname in ("Second", "Third"):
        world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="write", commit=lastname == "Second")
        world.start_worker()
        edit_customer(world.shop.shop, customer, lastname=lastname)
        world.notice("customer", customer)
        assert world.odoo.faults.wait_held()
        world.kill_workers()
        world.odoo.faults.clear()
        world.pass_time()
    edit_customer(world.shop.shop, customer, lastname="Fourth")
    job_id = world.notice("customer", customer)
    recover(world)
    ended(world, job_id)
    [row] = world.odoo_rows("res.partner", email="ada@example.com")
    assert row["display_name"] == "Ada Fourth"
    with world.db.read() as session:
        assert [mapping.data for mapping in session.scalars(select(Mapping))] == [{}], "nothing is left of the notes"
    check(world.db)


def test_a_change_handed_to_rq_and_lost_there_is_still_done(world: World) -> None:
    """Killed between pop and claim: RQ has given the job away, SQL still has it."""
    _, job_id = new_customer(world)
    assert world.services.redis is not None
    world.services.redis.delete("rq:queue:portal")
    assert world.job(job_id).state == "pending"
    world.start_worker()
    world.services.redis.delete("portal:marker")
    tick.tick(world.services, world.services.queue())
    ended(world, job_id)
    check(world.db)


def test_a_change_during_the_run_is_done_after_it(world: World) -> None:
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", name="slow")
    world.start_worker()
    customer, first = new_customer(world)
    assert world.odoo.faults.wait_held()
    edit_customer(world.shop.shop, customer, lastname="Lovelace")
    second = world.notice("customer", customer)
    assert second != first
    world.odoo.faults.release("slow")
    ended(world, first)
    tick.tick(world.services, world.services.queue())
    ended(world, second)
    assert [row["display_name"] for row in world.odoo_rows("res.partner", email="ada@example.com")] == ["Ada Lovelace"]
    check(world.db)


def place_any_order(world: World) -> int:
    shop = world.shop.shop
    product = next(row["id"] for row in shop.tables["products"].rows.values() if row["product_type"] == "standard")
    return int(place_order(shop, 1, [{"product": product, "quantity": 2}]))
