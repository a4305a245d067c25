"""An inactive product keeps its reference, barcode, cost and weight in Odoo, where versions to 16 hide them on its variant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.config import Config
from portal.db import Database
from portal.models import Mapping, Store
from portal.sandbox.prestashop_actions import add_product, edit_product
from portal.sync import jobs
from portal.sync.services import Services
from tests.sync.test_variants import links, odoo
from tests.world import World, make_world

COLUMNS = ["default_code", "barcode", "standard_price", "weight", "active"]


@pytest.fixture(params=["14", "16", "17", "19"])
def world(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, stock="off") as world:
        yield world


def variant(world: World, product: int) -> list[Any]:
    """What Odoo's only variant of the product holds; it is the one that the mapping names."""
    link: Mapping = links(world, "product")[str(product)]
    rows = odoo(world).search_read("product.product", [("product_tmpl_id", "=", link.odoo_id)], COLUMNS,
                                   context={"active_test": False})
    assert [row["id"] for row in rows] == [link.data["variant_id"]]
    return [rows[0][column] for column in COLUMNS]


def push(world: World, product: int) -> None:
    number = world.notice("product", product)
    world.drain()
    assert world.job(number).state == "synced", world.job(number).message


def calendar(world: World) -> int:
    product = add_product(world.shop.shop, "Calendar", "9.90", "CAL", active="0", ean13="4006381333931", wholesale_price="5.1",
                          weight="0.4")
    push(world, product)
    return product


def test_an_inactive_product_arrives_whole_changes_and_becomes_active(world: World) -> None:
    product = calendar(world)
    assert variant(world, product) == ["CAL", "4006381333931", 5.1, 0.4, False]
    edit_product(world.shop.shop, product, reference="CAL-26", wholesale_price="5.2")
    push(world, product)
    assert variant(world, product) == ["CAL-26", "4006381333931", 5.2, 0.4, False]
    edit_product(world.shop.shop, product, active="1", weight="0.5", ean13="4006381333948")
    push(world, product)
    assert variant(world, product) == ["CAL-26", "4006381333948", 5.2, 0.5, True]


def test_both_ways_what_odoo_hides_is_not_taken_for_an_edit(world: World) -> None:
    world.set(products="both")
    product = calendar(world)
    written = world.written()
    with world.db.begin() as session:
        jobs.notice(session, session.get_one(Store, world.store.id), "product", "odoo_to_ps",
                    str(links(world, "product")[str(product)].odoo_id), source="test")
    world.drain()
    row = world.shop.shop.tables["products"].rows[product]
    assert (row["reference"], row["wholesale_price"], row["ean13"], row["weight"]) == ("CAL", "5.1", "4006381333931", "0.4")
    assert world.written() == written
    edit_product(world.shop.shop, product, active="1", reference="CAL-27")
    push(world, product)
    assert variant(world, product) == ["CAL-27", "4006381333931", 5.1, 0.4, True]
