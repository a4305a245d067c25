"""The ground moves: a backup of yesterday comes back or Odoo becomes another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from portal import backup
from portal.models import Mapping
from portal.sandbox.odoo_server import make_odoo_server
from portal.sandbox.prestashop_actions import add_customer
from tests.faults.test_kills import place_any_order
from tests.invariants import check
from tests.world import World, eventually

pytestmark = pytest.mark.processes
MODELS = ("res.partner", "product.template", "product.product", "sale.order", "account.move")


def test_a_restored_yesterday_doubles_nothing(world: World, tmp_path: Path) -> None:
    """F35: the backup was taken and is brought back while a worker works; what was made since is found and adopted."""
    config = world.services.config
    world.sync("customer", "product", "order")
    backup.save(config, tmp_path / "yesterday")
    order = place_any_order(world)
    person = add_customer(world.shop.shop, firstname="Ada", lastname="Byron", email="ada@example.com")
    world.notice("order", order)
    world.notice("customer", person)
    world.drain()
    today = {model: len(world.odoo_rows(model)) for model in MODELS}
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", name="running", commit=True)
    world.start_worker()
    late = add_customer(world.shop.shop, firstname="Grace", lastname="Hopper", email="grace@example.com")
    world.notice("customer", late)
    assert world.odoo.faults.wait_held()
    backup.restore(config, tmp_path / "yesterday")
    world.services.forget(world.store)
    world.odoo.faults.release("running")
    world.sync("customer", "product", "order")
    eventually(lambda: not world.jobs("pending", "running"), "the worker has nothing left to do")
    world.kill_workers()
    assert len(world.odoo_rows("res.partner", email="grace@example.com")) == 1, "what a worker was writing is no second one"
    today["res.partner"] += 1
    assert {model: len(world.odoo_rows(model)) for model in MODELS} == today
    assert len(world.odoo_rows("sale.order", origin=f"PS/shop/{order}")) == 1
    with world.db.read() as session:
        linked = {(row.entity, row.shop_id) for row in session.scalars(select(Mapping))}
    assert {("order", str(order)), ("customer", str(person))} <= linked, "what was made since is linked again"
    check(world.db, quiet=True)


def test_while_odoo_is_exchanged_a_running_change_ends_on_the_old_one_and_its_link_stays_there(world: World) -> None:
    """F30."""
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", name="running", commit=True)
    world.start_worker()
    person = int(add_customer(world.shop.shop, firstname="Ada", lastname="Byron", email="ada@example.com"))
    job_id = world.notice("customer", person)
    assert world.odoo.faults.wait_held()
    with make_odoo_server(0, version="17") as second:
        world.set(odoo_url=second.url)
        world.odoo.faults.release("running")
        eventually(lambda: world.job(job_id).state == "synced", "the running change ends")
        world.kill_workers()
        assert not world.odoo_rows("res.partner", email="ada@example.com"), "nothing was written to the new one"
        again = world.notice("customer", person)
        world.drain()
        assert world.job(again).state == "synced"
        assert len(world.odoo_rows("res.partner", email="ada@example.com")) == 1
        with world.db.read() as session:
            links = list(session.scalars(select(Mapping).where(Mapping.entity == "customer", Mapping.shop_id == str(person))))
        assert len({link.target for link in links}) == len(links) == 2
    check(world.db)
