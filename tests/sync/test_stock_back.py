"""Odoo's stock reaches the shop, on every Odoo: the right lines, in few requests, and no piece twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Database
from portal.models import Mapping, Store, SyncJob
from portal.sandbox.prestashop_actions import set_stock, stock, stock_line
from portal.sandbox.prestashop_orders import cancel_order, place_order
from portal.sync import echoes, jobs, queue
from portal.sync.services import Services
from tests.world import World, make_world

VERSIONS = ["14", "16", "17", "18", "19"]
COUNTING = {"inventory_mode": True}


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    """Everything of the demo shop is in Odoo; from now on stock travels back."""
    with make_world(db, Services(config, db), version=request.param, order_confirm=True) as world:
        yield ready(world)


@pytest.fixture
def one(db: Database, config: Config) -> Iterator[World]:
    """Odoo 17, for what does not depend on the version."""
    with make_world(db, Services(config, db), order_confirm=True) as world:
        yield ready(world)


def ready(world: World) -> World:
    world.sync("customer", "product", "stock")
    world.set(stock="odoo_to_ps")
    return world


def odoo(world: World) -> Any:
    return world.services.odoo(world.store)


def count(world: World, variant: int, pieces: float) -> None:
    """Someone counts in Odoo."""
    client = odoo(world)
    [quant] = client.create("stock.quant", [{"product_id": variant, "location_id": client.profile.default_location,
                                             "inventory_quantity": pieces}], context=COUNTING)
    if client.profile.needs_apply_inventory:
        client.call("stock.quant", "action_apply_inventory", [quant], context=COUNTING)


def free(world: World, variant: int) -> float:
    client = odoo(world)
    where = {"location": client.profile.default_location}
    return float(client.read("product.product", [variant], ["free_qty"], context=where)[0]["free_qty"])


def products(world: World) -> dict[str, int]:
    """Variants of the linked simple products and combinations by stock record."""
    with world.db.read() as session:
        rows = list(session.scalars(select(Mapping).where(Mapping.entity.in_(("product", "combination")))))
    found = {row.shop_id: row.odoo_id for row in rows if row.entity == "combination"}
    found |= {row.shop_id: int(row.data["variant_id"]) for row in rows
              if row.entity == "product" and row.data.get("variant_id") and row.base["kind"] == "simple"}
    return found


def simple(world: World) -> tuple[int, int]:
    """A simple product of the shop and its variant."""
    key, variant = next((key, variant) for key, variant in sorted(products(world).items()) if ":" not in key)
    return int(key), variant


def tell(world: World, *variants: int) -> list[SyncJob]:
    """Odoo reports these variants; the jobs afterwards."""
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        ids = [jobs.notice(session, store, "stock", "odoo_to_ps", str(v), source="test") for v in variants]
    world.drain()
    return [world.job(number) for number in ids]


def patches(world: World) -> int:
    return int(world.shop.calls["PATCH stock_availables"])


def test_a_count_in_odoo_is_shown_in_the_shop_and_its_echo_is_dropped(world: World) -> None:
    product, variant = simple(world)
    count(world, variant, 77)
    [job] = tell(world, variant)
    assert stock(world.shop.shop, product) == 77
    assert "→ 77" in job.message
    before, dropped = patches(world), world_echoes(world)
    [job] = tell(world, variant)
    assert job.state == "synced"
    assert patches(world) == before
    assert world_echoes(world) == dropped + 1


def world_echoes(world: World) -> int:
    with world.db.read() as session:
        return echoes.count(session.get_one(Store, world.store.id))


def test_combinations_are_written_by_their_own_line_and_the_sum_follows(world: World) -> None:
    key, variant = next((key, v) for key, v in sorted(products(world).items()) if ":" in key)
    product, combination = map(int, key.split(":"))
    others = stock(world.shop.shop, product) - stock(world.shop.shop, product, combination)
    count(world, variant, 5)
    tell(world, variant)
    assert stock(world.shop.shop, product, combination) == 5
    assert stock(world.shop.shop, product) == others + 5


def test_a_sale_on_its_way_is_not_undone_by_the_next_push(world: World) -> None:
    product, variant = simple(world)
    count(world, variant, 20)
    tell(world, variant)
    order = place_order(world.shop.shop, 1, [{"product": product, "quantity": 3}])
    tell(world, variant)
    assert stock(world.shop.shop, product) == 17, "the sale is in flight"
    world.notice("order", order)
    world.drain()
    assert free(world, variant) == 17
    tell(world, variant)
    assert stock(world.shop.shop, product) == 17, "the sale is in Odoo"


@pytest.mark.parametrize("moment", ["before the write", "during the write"])
def test_a_sale_while_the_quantity_is_written_is_kept(one: World, moment: str) -> None:
    product, variant = simple(one)
    count(one, variant, 20)
    method, resource = ("GET", "stock_availables") if moment == "before the write" else ("PATCH", "stock_availables")
    real = one.services.shop(one.store)
    sold: list[int] = []

    def sell(*args: Any, **named: Any) -> Any:
        if not sold:
            sold.append(place_order(one.shop.shop, 1, [{"product": product, "quantity": 2}]))
        return original(*args, **named)

    name = "find_any" if method == "GET" else "patch"
    original = getattr(real, name)
    setattr(real, name, lambda r, *a, **n: sell(r, *a, **n) if r == resource else original(r, *a, **n))
    tell(one, variant)
    assert sold
    assert stock(one.shop.shop, product) == 18


def test_while_an_order_is_late_decreases_go_out_and_increases_wait(one: World) -> None:
    product, variant = simple(one)
    count(one, variant, 20)
    tell(one, variant)
    order = place_order(one.shop.shop, 1, [{"product": product, "quantity": 3}])
    one.odoo.faults.arm("error", side="odoo", model="sale.order", method="create", error="ValidationError", times=0)
    order_job = one.notice("order", order)
    one.drain()
    assert one.job(order_job).state == "error"
    count(one, variant, 30)
    [job] = tell(one, variant)
    assert (job.state, job.attempts, job.cause) == ("pending", 0, "stock:late")
    assert f"order {order}" in job.message
    assert stock(one.shop.shop, product) == 17
    count(one, variant, 10)
    [job] = tell(one, variant)
    assert job.state == "synced"
    assert stock(one.shop.shop, product) == 7
    one.odoo.faults.clear()
    count(one, variant, 40)
    one.pass_time()
    one.drain()
    tell(one, variant)
    assert stock(one.shop.shop, product) == 37


def test_buffer_negative_stock_and_back_orders(one: World) -> None:
    product, variant = simple(one)
    one.set(stock_buffer=4)
    count(one, variant, 10)
    tell(one, variant)
    assert stock(one.shop.shop, product) == 6
    count(one, variant, -3)
    tell(one, variant)
    assert stock(one.shop.shop, product) == 0
    with one.shop.shop.transaction():
        one.shop.shop.update("stock_availables", stock_line(one.shop.shop, product)["id"], out_of_stock=1)
    tell(one, variant)
    assert stock(one.shop.shop, product) == -7


def test_what_cannot_be_shown_is_skipped_with_the_reason(world: World) -> None:
    client = odoo(world)
    _product, variant = simple(world)
    client.write("product.product", [variant], {"tracking": "lot"})
    [job] = tell(world, variant)
    assert job.state == "synced"
    assert "lot or serial number" in job.message
    [service] = client.create("product.template", [{"name": "Advice", "default_code": "ADV", "type": "service"}])
    number = client.read("product.template", [service], ["product_variant_id"])[0]["product_variant_id"][0]
    jobs_ = tell(world, number, 999_999)
    assert ["does not track" in jobs_[0].message, "no longer in Odoo" in jobs_[1].message] == [True, True]


def test_a_product_that_is_not_linked_is_found_by_its_reference(one: World) -> None:
    client = odoo(one)
    product, variant = simple(one)
    with one.db.begin() as session:
        for row in session.scalars(select(Mapping).where(Mapping.entity.in_(("product", "stock")))):
            session.delete(row)
    one.set(products="off")
    count(one, variant, 33)
    [job] = tell(one, variant)
    assert stock(one.shop.shop, product) == 33, job.message
    [alien] = client.create("product.template", [{"name": "Alien", "default_code": "NOWHERE", **client.profile.storable_values}])
    number = client.read("product.template", [alien], ["product_variant_id"])[0]["product_variant_id"][0]
    [job] = tell(one, number)
    assert job.state == "synced"
    assert "not in the shop" in job.message


@pytest.mark.parametrize("direction", ["off", "ps_to_odoo"])
def test_an_excluded_direction_writes_nothing(one: World, direction: str) -> None:
    _, variant = simple(one)
    one.set(stock=direction)
    count(one, variant, 3)
    before = patches(one)
    [job] = tell(one, variant)
    assert job.state == "synced"
    assert "nothing was written" in job.message
    assert patches(one) == before
    one.set(stock="odoo_to_ps")
    written = one.written()
    number = one.notice("stock", simple(one)[0])
    one.drain()
    assert one.job(number).state == "synced"
    assert one.written() == written


def test_a_dry_run_and_a_disabled_store_write_nothing(one: World) -> None:
    product, variant = simple(one)
    shown = stock(one.shop.shop, product)
    one.set(dry_run=1)
    count(one, variant, 3)
    [job] = tell(one, variant)
    assert job.state == "pending"
    assert "would set" in job.message
    one.set(enabled=0, dry_run=0)
    one.drain(expect_stop=True)
    assert stock(one.shop.shop, product) == shown
    one.set(enabled=1)
    one.drain()
    assert stock(one.shop.shop, product) == 3


def test_a_refused_line_fails_alone(one: World) -> None:
    variants = sorted(products(one).items())[:8]
    for _, variant in variants:
        count(one, variant, 9)
    one.shop.faults.arm("error", side="shop", model="stock_availables", method="PATCH", times=1)
    found = tell(one, *(variant for _, variant in variants))
    assert [job.state for job in found].count("synced") == len(variants), "the halves went through"
    one.shop.faults.arm("error", side="shop", model="stock_availables", method="PATCH", times=0)
    count(one, variants[0][1], 2)
    [job] = tell(one, variants[0][1])
    assert job.state == "error"


def test_hundreds_of_lines_share_a_request(one: World) -> None:
    found = products(one)
    for variant in found.values():
        count(one, variant, 50)
    one.shop.calls.clear()
    with one.db.begin() as session:
        jobs.notice_many(session, session.get_one(Store, one.store.id), "stock", "odoo_to_ps", [str(v) for v in found.values()],
                         source="test")
    one.drain()
    assert len(found) < queue.BATCH["stock"]
    assert patches(one) == 1
    assert sum(one.shop.calls.values()) <= 6, one.shop.calls


def test_a_cancelled_order_gives_its_pieces_back_once(one: World) -> None:
    product, variant = simple(one)
    count(one, variant, 20)
    tell(one, variant)
    order = place_order(one.shop.shop, 1, [{"product": product, "quantity": 3}])
    one.notice("order", order)
    one.drain()
    cancel_order(one.shop.shop, order)
    tell(one, variant)
    assert stock(one.shop.shop, product) == 17, "Odoo still holds them"
    row = one.odoo_rows("sale.order", origin=f"PS/shop/{order}")[0]
    odoo(one).call("sale.order", "action_cancel", [row["id"]], context={"disable_cancel_warning": True})
    tell(one, variant)
    assert stock(one.shop.shop, product) == 20
    set_stock(one.shop.shop, product, 20)


@pytest.mark.parametrize("lost", ["Odoo's answer", "the shop's answer", "Odoo's count", "the shop's write"])
@pytest.mark.parametrize("version", ["14", "17"])
def test_both_ways_what_was_cut_short_is_not_added_twice(db: Database, config: Config, version: str, lost: str) -> None:
    """Five typed in the shop, three taken in Odoo; one of the two writes is lost, before or after it took effect."""
    with make_world(db, Services(config, db), version=version, order_confirm=True) as world:
        ready(world)
        product, variant = simple(world)
        count(world, variant, 20)
        tell(world, variant)
        world.set(stock="both")
        tell(world, variant)
        set_stock(world.shop.shop, product, 25)
        count(world, variant, 17)
        kind = "drop" if "answer" in lost else "refuse"
        method = "create" if version == "14" else "action_apply_inventory"
        faults = world.odoo.faults if "Odoo" in lost else world.shop.faults
        where = {"side": "odoo", "model": "stock.quant", "method": method} if "Odoo" in lost else \
            {"side": "shop", "model": "stock_availables", "method": "PATCH"}
        faults.arm(kind, **where)
        [job] = tell(world, variant)
        assert job.state == "pending", job.message
        world.pass_time()
        world.drain()
        assert (stock(world.shop.shop, product), free(world, variant)) == (22, 22)
        [job] = tell(world, variant)
        assert "in step" in job.message
