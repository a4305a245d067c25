"""Orders that were there before the connector: bringing them to Odoo changes no quantity that is for sale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.config import Config
from portal.db import Database
from portal.models import Store, SyncJob
from portal.sandbox.prestashop_actions import add_product, set_stock, stock
from portal.sandbox.prestashop_orders import place_order, set_state
from portal.sandbox.shop_demo import seed_bulk
from portal.sync import in_flight, jobs
from portal.sync.services import Services
from tests.sync.test_stock_back import count, free, odoo, products, tell
from tests.world import World, make_world

OPEN, SHIPPED, CANCELED = 2, 4, 6


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), demo=False, order_confirm=False, products="both", stock="both") as world:
        seed_bulk(world.shop.shop, customers=1)
        yield world


def buy(world: World, product: int, pieces: int, state: int = OPEN) -> int:
    shop = world.shop.shop
    order = place_order(shop, shop.tables["customers"].ids()[0], [{"product": product, "quantity": pieces}], state=OPEN)
    if state != OPEN:
        set_state(shop, order, state)
    return order


def begin(world: World, state: int) -> tuple[int, int]:
    """A product of which seven of forty were sold before; what there is to sell is in both. The product and its variant."""
    product = add_product(world.shop.shop, "Chair", "50", "CHAIR", quantity=40)
    buy(world, product, 7, state)
    world.sync("customer", "product", "stock")
    variant = products(world)[str(product)]
    assert (stock(world.shop.shop, product), free(world, variant)) == (33, 33)
    return product, variant


def look_again(world: World, product: int, variant: int) -> None:
    """Both sides report it once more."""
    world.notice("stock", product)
    world.drain()
    tell(world, variant)


def on_hand(world: World, variant: int) -> float:
    client = odoo(world)
    where = {"location": client.profile.default_location}
    return float(client.read("product.product", [variant], ["qty_available"], context=where)[0]["qty_available"])


def quotation(world: World) -> int:
    [row] = odoo(world).search_read("sale.order", [("state", "=", "draft")], ["id"])
    return int(row["id"])


@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("state", [OPEN, SHIPPED])
def test_bringing_old_orders_to_odoo_lowers_nothing_in_the_shop(world: World, state: int, confirm: bool) -> None:
    world.set(order_confirm=confirm)
    product, variant = begin(world, state)
    world.sync("order")
    look_again(world, product, variant)
    held_back = 7 if state == OPEN and not confirm else 0
    assert (stock(world.shop.shop, product), free(world, variant)) == (33, 33 + held_back)
    look_again(world, product, variant)
    assert stock(world.shop.shop, product) == 33
    if confirm:
        assert on_hand(world, variant) == 40, "the pieces that Odoo is to deliver are there to be delivered"


@pytest.mark.parametrize("state", [OPEN, SHIPPED])
def test_confirming_an_old_order_later_lowers_nothing_in_the_shop(world: World, state: int) -> None:
    product, variant = begin(world, state)
    world.sync("order")
    look_again(world, product, variant)
    odoo(world).call("sale.order", "action_confirm", [quotation(world)])
    for _ in range(2):
        look_again(world, product, variant)
    assert (stock(world.shop.shop, product), free(world, variant), on_hand(world, variant)) == (33, 33, 40)


def test_cancelling_an_old_order_in_odoo_that_was_sent_long_ago_raises_nothing(world: World) -> None:
    product, variant = begin(world, SHIPPED)
    world.sync("order")
    look_again(world, product, variant)
    odoo(world).call("sale.order", "action_cancel", [quotation(world)])
    look_again(world, product, variant)
    assert (stock(world.shop.shop, product), free(world, variant)) == (33, 33)


def test_new_sales_and_counts_on_either_side_still_count_after_old_orders_came(world: World) -> None:
    product, variant = begin(world, OPEN)
    world.sync("order")
    world.notice("order", buy(world, product, 3))
    set_stock(world.shop.shop, product, stock(world.shop.shop, product) + 5)
    count(world, variant, on_hand(world, variant) + 2)
    for _ in range(2):
        look_again(world, product, variant)
    assert stock(world.shop.shop, product) == 33 - 3 + 5 + 2
    assert free(world, variant) == 37 + 7 + 3, "what was sold and is not confirmed is still there"


def test_an_old_order_that_odoo_refuses_holds_nothing_up(world: World) -> None:
    product, variant = begin(world, OPEN)
    world.odoo.faults.arm("error", side="odoo", model="sale.order", method="create", error="ValidationError", times=0)
    world.sync("order")
    count(world, variant, 50)
    look_again(world, product, variant)
    assert stock(world.shop.shop, product) == 50
    world.odoo.faults.clear()
    with world.db.begin() as session:
        jobs.hurry(session, world.store.id)
    world.drain()
    look_again(world, product, variant)
    assert stock(world.shop.shop, product) == 50


def test_one_way_to_the_shop_what_was_sent_before_is_not_on_its_way(world: World) -> None:
    product, variant = begin(world, SHIPPED)
    still_open = buy(world, product, 4)
    world.set(stock="odoo_to_ps")
    world.sync("order")
    tell(world, variant)
    assert stock(world.shop.shop, product) == 33 - 4
    assert in_flight.quantities(world.services, world.store) == {str(product): 4}
    set_state(world.shop.shop, still_open, SHIPPED)
    tell(world, variant)
    assert stock(world.shop.shop, product) == 33 - 4, "Odoo still has the pieces of a new order that the shop sent by itself"


def test_an_old_order_that_was_cancelled_is_of_no_account(world: World) -> None:
    product = add_product(world.shop.shop, "Chair", "50", "CHAIR", quantity=40)
    buy(world, product, 7, CANCELED)
    world.sync("customer", "product", "stock", "order")
    variant = products(world)[str(product)]
    look_again(world, product, variant)
    assert (stock(world.shop.shop, product), free(world, variant)) == (40, 40)
    with world.db.read() as session:
        assert not session.scalar(select(func.count()).select_from(SyncJob).where(SyncJob.state.in_(("error", "dead"))))


def test_the_first_look_says_which_orders_are_old(world: World) -> None:
    begin(world, OPEN)
    newer = buy(world, 1, 1)
    in_flight.look(world.services, world.store)

    def notes() -> dict[str, Any]:
        with world.db.read() as session:
            return session.get_one(Store, world.store.id).notes

    assert notes()[in_flight.START] == newer - 1
    assert in_flight.noted(notes(), newer)[in_flight.START] == newer - 1
    assert in_flight.noted({}, 9) == {in_flight.START: 9, in_flight.WATERMARK: 9}
