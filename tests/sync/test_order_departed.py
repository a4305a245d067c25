"""Orders that outlive what they name: products, combinations and customers that the shop does not have any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Database
from portal.models import LogEntry, Mapping
from portal.sandbox.prestashop_actions import add_address, add_combination, add_customer, add_product, delete_product
from portal.sandbox.prestashop_install import both
from portal.sandbox.prestashop_orders import place_order
from portal.sync.services import Services
from tests.world import World, make_world

HERE = 19
"""A product of the demo shop that stays."""
CONFIRM = {"order_confirm": True, "max_attempts": 1}


@pytest.fixture(params=["14", "17", "19"])
def world(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, stock="ps_to_odoo", **CONFIRM) as world:
        yield world


def shopper(world: World, email: str = "ada@example.com") -> int:
    customer = add_customer(world.shop.shop, "Ada", "Byron", email)
    add_address(world.shop.shop, customer, "FR", address1="1 rue de Rivoli", postcode="75001", city="Paris",
                firstname="Ada", lastname="Byron")
    return customer


def orders(world: World) -> dict[int, dict[str, Any]]:
    rows = world.services.odoo(world.store).search_read(
        "sale.order", [("origin", "=like", "PS/shop/%")], ["origin", "state", "amount_total", "order_line", "partner_id"])
    return {int(row["origin"].rpartition("/")[2]): row for row in rows}


def products(world: World, order: dict[str, Any]) -> list[str]:
    """References of the Odoo products on its lines."""
    odoo = world.services.odoo(world.store)
    lines = odoo.read("sale.order.line", order["order_line"], ["product_id"])
    return [odoo.read("product.product", [line["product_id"][0]], ["default_code"])[0]["default_code"] for line in lines]


def bring(world: World, *numbers: int) -> dict[int, dict[str, Any]]:
    """These orders in one batch; as Odoo has them, confirmed and equal, and nothing that needs a person."""
    for number in numbers:
        world.notice("order", number)
    world.drain()
    assert [(job.entity, job.record, job.message) for job in world.jobs("pending", "error", "blocked", "dead")] == []
    found = orders(world)
    for number in numbers:
        total = float(world.shop.shop.tables["orders"].rows[number]["total_paid_tax_incl"])
        assert (found[number]["state"], found[number]["amount_total"]) == ("sale", pytest.approx(total)), number
    return found


def test_an_order_of_a_deleted_product_arrives_with_its_text_and_money(world: World) -> None:
    customer = shopper(world)
    gone = add_product(world.shop.shop, "Old lamp", "12.34", "LAMP-1", quantity=9)
    old = int(place_order(world.shop.shop, customer, [{"product": gone, "quantity": 3}, {"product": HERE, "quantity": 1}]))
    new = int(place_order(world.shop.shop, customer, [{"product": HERE, "quantity": 2}]))
    delete_product(world.shop.shop, gone)
    found = bring(world, old, new)
    assert products(world, found[old])[0] == "PS-DEPARTED"
    line = world.services.odoo(world.store).read("sale.order.line", found[old]["order_line"][:1], ["name", "product_uom_qty"])[0]
    assert (line["name"].startswith("Old lamp"), line["product_uom_qty"]) == (True, 3)
    assert "PS-DEPARTED" not in products(world, found[new])
    with world.db.read() as session:
        told = " ".join(session.scalars(select(LogEntry.message)))
    assert "Old lamp is not in the shop any more" in told


def test_odoo_has_a_product_of_the_same_reference_for_it(world: World) -> None:
    odoo = world.services.odoo(world.store)
    odoo.create("product.product", [{"name": "Lamp", "default_code": "LAMP-1"}])
    odoo.create("product.product", [{"name": "Twin", "default_code": "TWIN"}, {"name": "Twin", "default_code": "TWIN"}])
    gone = [add_product(world.shop.shop, name, "12.34", name, quantity=9) for name in ("LAMP-1", "TWIN")]
    order = int(place_order(world.shop.shop, shopper(world), [{"product": number, "quantity": 1} for number in gone]))
    for number in gone:
        delete_product(world.shop.shop, number)
    assert products(world, bring(world, order)[order])[:2] == ["LAMP-1", "PS-DEPARTED"]


def test_a_product_that_was_linked_before_the_shop_deleted_it_keeps_its_place(world: World) -> None:
    gone = add_product(world.shop.shop, "Old lamp", "12.34", "LAMP-1", quantity=9)
    world.notice("product", gone)
    world.drain()
    order = int(place_order(world.shop.shop, shopper(world), [{"product": gone, "quantity": 1}]))
    delete_product(world.shop.shop, gone)
    assert products(world, bring(world, order)[order])[0] == "LAMP-1"


def test_an_order_of_a_deleted_combination_and_of_a_product_before_it_had_any(world: World) -> None:
    shop = world.shop.shop
    size = shop.add("product_options", group_type="select", position=1, name=both("Cut"), public_name=both("Cut"))
    values = [shop.add("product_option_values", id_attribute_group=size, position=1, name=both(name)) for name in ("A", "B")]
    product = add_product(shop, "Shirt", "20", "SHIRT", quantity=9)
    customer = shopper(world)
    before = int(place_order(shop, customer, [{"product": product, "quantity": 1}]))
    gone, _ = (add_combination(shop, product, [value], f"SHIRT-{value}", quantity=5) for value in values)
    after = int(place_order(shop, customer, [{"product": product, "combination": gone, "quantity": 2}]))
    with shop.transaction():
        shop.tables["combinations"].remove(gone)
    other = int(place_order(shop, customer, [{"product": HERE, "quantity": 1}]))
    world.notice("product", product)
    world.drain()
    found = bring(world, before, after, other)
    assert [products(world, found[number])[0] for number in (before, after)] == ["PS-DEPARTED"] * 2


@pytest.mark.parametrize("for_good", [False, True], ids=["marked", "for good"])
def test_an_order_of_a_deleted_customer(world: World, for_good: bool) -> None:
    shop = world.shop.shop
    customer = shopper(world)
    order = int(place_order(shop, customer, [{"product": HERE, "quantity": 1}]))
    for address in shop.tables["addresses"].by("id_customer", customer):
        shop.update("addresses", address["id"], deleted="1")
    if for_good:
        shop.tables["customers"].remove(customer)
    else:
        shop.update("customers", customer, deleted="1")
    found = bring(world, order)[order]
    odoo = world.services.odoo(world.store)
    [partner] = odoo.read("res.partner", [found["partner_id"][0]], ["name", "ref", "email"])
    assert (partner["name"], partner["ref"]) == ("Ada Byron", f"PS-{customer}")
    assert partner["email"] == (False if for_good else "ada@example.com")


def test_a_deleted_customer_whom_no_order_needs_is_not_brought(world: World) -> None:
    customer = shopper(world)
    world.shop.shop.update("customers", customer, deleted="1")
    world.notice("customer", customer)
    world.drain()
    with world.db.read() as session:
        linked = select(Mapping).where(Mapping.entity == "customer", Mapping.shop_id == str(customer))
        assert session.scalars(linked).first() is None


def test_one_order_whose_date_is_none_fails_alone(world: World) -> None:
    customer = shopper(world)
    numbers = [int(place_order(world.shop.shop, customer, [{"product": HERE, "quantity": 1}])) for _ in range(3)]
    world.shop.shop.update("orders", numbers[1], date_add="0000-00-00 00:00:00")
    for number in numbers:
        world.notice("order", number)
    world.drain()
    assert [job.record for job in world.jobs("dead")] == [str(numbers[1])]
    assert set(orders(world)) == {numbers[0], numbers[2]}
