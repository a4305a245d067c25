"""Both ways: a write that was cut off after the other side committed is no edit of people, and costs nobody an edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portal.config import Config
from portal.db import Base, Database, make_engine
from portal.models import Store, SyncJob
from portal.sandbox.prestashop_actions import edit_product
from portal.sandbox.prestashop_install import both
from portal.sync import conflicts, jobs
from portal.sync.flows import cut_off
from portal.sync.services import Services
from tests.sync.test_product_back import joined, linked, odoo, price, shop
from tests.sync.test_variants import links
from tests.sync.test_variants_back import in_odoo, in_shop, variant
from tests.sync.test_variants_back import joined as joined_shirt
from tests.world import World, make_world

SHOP_LOSES = {"side": "shop", "method": "PATCH"}
ODOO_LOSES = {"side": "odoo", "method": "write"}


@pytest.fixture
def one(config: Config, tmp_path: Any) -> Iterator[World]:
    engine = make_engine(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    Base.metadata.create_all(engine)
    db = Database(engine)
    with make_world(db, Services(config, db), products="odoo_to_ps", stock="off") as world:
        yield world
    engine.dispose()


def told(world: World, direction: str, record: int) -> SyncJob:
    with world.db.begin() as session:
        number = jobs.notice(session, session.get_one(Store, world.store.id), "product", direction, str(record), source="test")
    world.drain()
    return world.job(number)


def conflicts_of(world: World) -> list[str]:
    with world.db.read() as session:
        return [row.field for row in conflicts.listed(session, world.store)]


def settle(world: World) -> None:
    """Everything that waits is tried again, until nothing is open."""
    for _ in range(3):
        world.pass_time()
        world.drain()
    assert not world.jobs("pending", "error", "blocked", "dead")


@pytest.mark.parametrize("kind", ["drop", "cut"])
def test_an_edit_in_odoo_outlives_an_answer_of_the_shop_that_was_lost(one: World, kind: str) -> None:
    template, product = joined(one, product_owner_name="prestashop")
    odoo(one).write("product.template", [template], {"name": "First"})
    one.shop.faults.arm(kind, model="products", **SHOP_LOSES)
    assert told(one, "odoo_to_ps", template).uncertain
    assert shop(one, product, "name") == "First", "the write happened"
    odoo(one).write("product.template", [template], {"name": "Second"})
    settle(one)
    assert shop(one, product, "name") == odoo(one).read("product.template", [template], ["name"])[0]["name"] == "Second"
    assert not conflicts_of(one)


def test_an_edit_in_the_shop_outlives_an_answer_of_odoo_that_was_lost(one: World) -> None:
    template, product = joined(one, product_owner_price="odoo")
    edit_product(one.shop.shop, product, price="20")
    one.odoo.faults.arm("drop", model="product.template", **ODOO_LOSES)
    assert told(one, "ps_to_odoo", product).uncertain
    assert price(one, template) == 20
    edit_product(one.shop.shop, product, price="30")
    settle(one)
    assert price(one, template) == float(shop(one, product, "price")) == 30
    assert not conflicts_of(one)


def test_going_back_to_what_was_agreed_undoes_a_write_whose_answer_was_lost(one: World) -> None:
    template, product = joined(one)
    one.set(products="odoo_to_ps")
    odoo(one).write("product.template", [template], {"list_price": 99})
    one.shop.faults.arm("drop", model="products", **SHOP_LOSES)
    told(one, "odoo_to_ps", template)
    assert float(shop(one, product, "price")) == 99
    odoo(one).write("product.template", [template], {"list_price": 19.5})
    settle(one)
    assert float(shop(one, product, "price")) == 19.5


def test_the_same_towards_odoo(one: World) -> None:
    template, product = joined(one)
    one.set(products="ps_to_odoo")
    edit_product(one.shop.shop, product, price="99")
    one.odoo.faults.arm("drop", model="product.template", **ODOO_LOSES)
    told(one, "ps_to_odoo", product)
    assert price(one, template) == 99
    edit_product(one.shop.shop, product, price="19.5")
    settle(one)
    assert price(one, template) == 19.5
    assert cut_off.SENDING not in links(one, "product")[str(product)].data


def test_two_lost_answers_in_a_row_are_no_conflict_either(one: World) -> None:
    template, product = joined(one, product_owner_price="odoo")
    for number in (20, 30):
        edit_product(one.shop.shop, product, price=str(number))
        one.odoo.faults.arm("drop", model="product.template", **ODOO_LOSES)
        one.pass_time()
        told(one, "ps_to_odoo", product)
        assert price(one, template) == number
    edit_product(one.shop.shop, product, price="40")
    settle(one)
    assert price(one, template) == float(shop(one, product, "price")) == 40
    assert not conflicts_of(one)


def test_what_people_changed_meanwhile_on_the_side_that_was_being_written_is_a_conflict_as_ever(one: World) -> None:
    template, product = joined(one, product_owner_name="prestashop")
    odoo(one).write("product.template", [template], {"name": "First"})
    one.shop.faults.arm("drop", model="products", **SHOP_LOSES)
    told(one, "odoo_to_ps", template)
    edit_product(one.shop.shop, product, name=both("By hand"))
    odoo(one).write("product.template", [template], {"name": "Second"})
    settle(one)
    assert shop(one, product, "name") == "By hand"
    assert conflicts_of(one) == ["name"]


def test_a_write_that_never_arrived_is_simply_done_again(one: World) -> None:
    template, product = joined(one, product_owner_name="prestashop")
    odoo(one).write("product.template", [template], {"name": "First"})
    one.shop.faults.arm("refuse", model="products", **SHOP_LOSES)
    told(one, "odoo_to_ps", template)
    edit_product(one.shop.shop, product, price="77")
    settle(one)
    assert (shop(one, product, "name"), price(one, template)) == ("First", 77.0)
    assert not conflicts_of(one)


def test_no_note_is_left_once_both_sides_are_in_step(one: World) -> None:
    template, product = joined(one)
    odoo(one).write("product.template", [template], {"name": "First"})
    one.shop.faults.arm("drop", model="products", **SHOP_LOSES)
    told(one, "odoo_to_ps", template)
    assert links(one, "product")[str(product)].data[cut_off.SENDING]
    settle(one)
    assert cut_off.SENDING not in links(one, "product")[str(product)].data
    assert linked(one, template) == product


@pytest.mark.parametrize("edit_again", [
    lambda world, key: odoo(world).write("product.product", [variant(world, key)], {"default_code": "NEWER"}),
    lambda world, key: None,
])
def test_a_variants_edit_outlives_a_lost_answer_of_the_shop(one: World, edit_again: Callable[[World, str], None]) -> None:
    one.set(products="ps_to_odoo")
    product, keys = joined_shirt(one, "both", product_owner_reference="prestashop")
    template = links(one, "product")[str(product)].odoo_id
    odoo(one).write("product.product", [variant(one, keys[0])], {"default_code": "NEW"})
    one.shop.faults.arm("drop", model="combinations", **SHOP_LOSES)
    told(one, "odoo_to_ps", template)
    assert in_shop(one, keys[0], "reference") == ["NEW"]
    edit_again(one, keys[0])
    settle(one)
    assert in_shop(one, keys[0], "reference") == in_odoo(one, keys[0])[:1]
    assert not conflicts_of(one)


def test_a_combinations_edit_outlives_a_lost_answer_of_odoo(one: World) -> None:
    one.set(products="ps_to_odoo")
    product, keys = joined_shirt(one, "both", product_owner_reference="odoo")
    row = one.shop.shop.tables["combinations"].rows[int(keys[0].split(":")[1])]
    with one.shop.shop.transaction():
        row["reference"] = "NEW"
    fault = one.odoo.faults.arm("drop", side="odoo", model="product.product", method="load")
    told(one, "ps_to_odoo", product)
    assert fault.struck
    assert in_odoo(one, keys[0])[0] == "NEW"
    with one.shop.shop.transaction():
        row["reference"] = "NEWER"
    settle(one)
    assert in_odoo(one, keys[0])[0] == "NEWER"
    assert in_shop(one, keys[0], "reference") == ["NEWER"]
    assert not conflicts_of(one)


def test_one_way_a_combination_that_goes_back_undoes_a_write_whose_answer_was_lost(one: World) -> None:
    one.set(products="ps_to_odoo")
    product, keys = joined_shirt(one, "ps_to_odoo")
    before = in_odoo(one, keys[0])
    there = {"reference": "NEW", "wholesale_price": "77.000000", "weight": "9.000000"}
    was = {field: combination(one, keys[0], field, value) for field, value in there.items()}
    one.odoo.faults.arm("drop", side="odoo", model="product.product", method="load")
    assert told(one, "ps_to_odoo", product).uncertain
    assert [now == old for now, old in zip(in_odoo(one, keys[0]), before, strict=True)] == [False, True, False, False]
    for field, value in was.items():
        combination(one, keys[0], field, value)
    settle(one)
    assert in_odoo(one, keys[0]) == before
    assert not any(cut_off.SENDING in row.data for row in links(one, "combination").values())


def test_one_way_a_price_impact_that_goes_back_does_too(one: World) -> None:
    one.set(products="ps_to_odoo")
    product, keys = joined_shirt(one, "ps_to_odoo")
    before = extras(one)
    for key in keys:
        combination(one, key, "price", "5.000000")
    one.odoo.faults.arm("drop", side="odoo", model="product.template.attribute.value", method="load")
    assert told(one, "ps_to_odoo", product).uncertain
    assert extras(one) != before
    for key in keys:
        combination(one, key, "price", "0.000000")
    settle(one)
    assert extras(one) == before


def test_one_way_the_name_of_a_product_with_combinations_does_too(one: World) -> None:
    one.set(products="ps_to_odoo")
    product, _ = joined_shirt(one, "ps_to_odoo")
    template = links(one, "product")[str(product)].odoo_id
    was = shop(one, product, "name")
    edit_product(one.shop.shop, product, name=both("Other"))
    one.odoo.faults.arm("drop", model="product.template", **ODOO_LOSES)
    assert told(one, "ps_to_odoo", product).uncertain
    assert odoo(one).read("product.template", [template], ["name"])[0]["name"] == "Other"
    edit_product(one.shop.shop, product, name=both(was))
    settle(one)
    assert odoo(one).read("product.template", [template], ["name"])[0]["name"] == was
    assert cut_off.SENDING not in links(one, "product")[str(product)].data


def combination(world: World, key: str, field: str, value: str) -> str:
    """Someone edits a combination in the shop; what it had."""
    with world.shop.shop.transaction():
        row = world.shop.shop.tables["combinations"].rows[int(key.split(":")[1])]
        before, row[field] = row.get(field, "0.000000"), value
    return str(before)


def extras(world: World) -> dict[int, float]:
    """What Odoo adds to the price for each attribute value."""
    rows = odoo(world).search_read("product.template.attribute.value", [], ["price_extra"])
    return {row["id"]: row["price_extra"] for row in rows}
