"""An order killed at every step of its way, and every answer lost: one order, invoice, payment and credit note afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portal.clients.odoo import Odoo
from portal.config import Config
from portal.db import Database
from portal.sandbox.prestashop_actions import add_address, add_customer
from portal.sandbox.prestashop_orders import place_order, refund
from portal.sync import drain, tick
from portal.sync.services import Services
from tests.sync.test_order_money import PRODUCT, SETTINGS, bring, details, moves, payments, sell
from tests.world import READING, World, make_world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), **SETTINGS) as world:
        yield world


class Killed(BaseException):
    """kill -9, as far as the code under test can tell: nothing after it runs."""


def complete(world: World, order: int) -> None:
    """Exactly one order, invoice, payment and credit note, all as they should be."""
    client = world.services.odoo(world.store)
    [row] = client.search_read("sale.order", [("origin", "=like", f"PS/%/{order}")], ["state"])
    assert row["state"] == "sale"
    [invoice] = moves(world, order)
    assert (invoice["state"], invoice["payment_state"]) == ("posted", "paid")
    mine = [payment["amount"] for payment in payments(world) if str(payment["memo"]).startswith(f"PS/shop/{order} ")]
    assert mine == [invoice["amount_total"]]
    [note] = moves(world, order, "out_refund")
    assert note["state"] == "posted"
    cities = client.search_read("res.partner", [("city", "=", "Cassis")], ["id"], context={"active_test": False})
    assert len(cities) == 1


def order_of_every_kind(world: World) -> int:
    """Paid, with an address that is not the customer's own, and with a refund."""
    customer = add_customer(world.shop.shop, "Ada", "Byron", "ada@example.com")
    home = add_address(world.shop.shop, customer, "FR", address1="1 rue", postcode="75001", city="Paris")
    away = add_address(world.shop.shop, customer, "FR", address1="3 quai", postcode="13260", city="Cassis")
    order = int(place_order(world.shop.shop, customer, [{"product": PRODUCT, "quantity": 3}], address=away, invoice_address=home))
    refund(world.shop.shop, order, {details(world, order)[0]["id"]: 1})
    return order


def recover(world: World) -> None:
    """What happens by itself after a while: leases run out, a tick comes, what waits is due."""
    world.pass_time()
    tick.tick(world.services, None)
    world.pass_time()
    drain.drain(world.services, world.store)


def writes(world: World, monkeypatch: pytest.MonkeyPatch, strike: Callable[[int, Callable[[], Any]], Any]) -> list[str]:
    """Every writing call to Odoo goes through `strike(number, call)`; the calls made, in order."""
    made: list[str] = []
    real = Odoo._call

    def call(self: Odoo, model: str, method: str, ids: Any, named: Any, *, write: bool, context: Any) -> Any:
        def go() -> Any:
            return real(self, model, method, ids, named, write=write, context=context)

        if not write or method in READING:
            return go()
        made.append(f"{model}.{method}")
        return strike(len(made), go)

    monkeypatch.setattr(Odoo, "_call", call)
    return made


STEPS = ["res.partner.load", "sale.order.create", "sale.order.action_confirm", "sale.advance.payment.inv.create",
         "sale.advance.payment.inv.create_invoices", "account.move.action_post", "account.payment.register.create",
         "account.payment.register.action_create_payments", "account.move.create", "account.move.action_post"]


def test_the_steps_of_an_order_are_those_the_kill_test_goes_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sync("customer", "product")
    bring(world, sell(world))
    order = order_of_every_kind(world)
    world.sync("customer")
    made = writes(world, monkeypatch, lambda _, go: go())
    bring(world, order)
    assert made == STEPS
    complete(world, order)


ONE_DATABASE = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


@ONE_DATABASE
@pytest.mark.parametrize(("version", "when"), [
    ("14", "after"), ("15", "before"), ("16", "after"), ("17", "before"), ("17", "after"), ("18", "before"),
    ("19", "after")])
def test_killed_at_any_step_and_replayed_there_is_one_of_everything(version: str, when: str, db: Database, config: Config,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    with make_world(db, Services(config, db), version=version, **SETTINGS) as world:
        world.sync("customer", "product")
        world.set(order_refunds=False, order_payment=False)
        bring(world, sell(world))
        world.set(order_refunds=True, order_payment=True)
        for step in range(1, len(STEPS) + 1):
            world.odoo.reset(data=False)
            order = order_of_every_kind(world)
            world.sync("customer")
            world.notice("order", order)
            with monkeypatch.context() as patch:
                def strike(number: int, go: Callable[[], Any], step: int = step) -> Any:
                    if number == step and when == "after":
                        go()
                    if number == step:
                        raise Killed
                    return go()

                made = writes(world, patch, strike)
                with pytest.raises(Killed):
                    drain.drain(world.services, world.store)
                assert made == STEPS[:step]
            for _ in range(3):
                recover(world)
                world.notice("order", order)
            world.drain()
            complete(world, order)
            forget(world)


def forget(world: World) -> None:
    """Take the order's traces away, so that the next one starts alike."""
    with world.odoo.db.transaction():
        tables = world.odoo.db.tables
        for number in list(tables["account.payment"].rows):
            world.odoo.db.put("account.payment", number, None)
        for number, row in list(tables["res.partner"].rows.items()):
            if row.get("city") == "Cassis":
                world.odoo.db.put("res.partner", number, None)


@ONE_DATABASE
@pytest.mark.parametrize(("kind", "version"), [
    ("drop", "14"), ("drop", "19"), ("refuse", "16"), ("late", "15"), ("late", "17"), ("late", "18")])
def test_a_lost_answer_at_any_step_makes_nothing_twice(kind: str, version: str, db: Database, config: Config) -> None:
    with make_world(db, Services(config, db), version=version, **SETTINGS) as world:
        world.sync("customer", "product")
        world.set(order_refunds=False, order_payment=False)
        bring(world, sell(world))
        world.set(order_refunds=True, order_payment=True)
        for number, step in enumerate(STEPS):
            order = order_of_every_kind(world)
            world.sync("customer")
            model, _, method = step.rpartition(".")
            fault = world.odoo.faults.arm(kind, side="odoo", model=model, method=method, name=step, skip=STEPS[:number].count(step))
            world.notice("order", order)
            drain.drain(world.services, world.store)
            world.odoo.faults.release(step)
            world.odoo.faults.wait_late()
            assert fault.struck == 1
            for _ in range(3):
                recover(world)
                world.notice("order", order)
            world.drain()
            complete(world, order)
            forget(world)
