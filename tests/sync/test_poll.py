"""Changes that nobody reported are found by asking, with few calls, once, and never lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from portal import db as portal_db
from portal.config import Config
from portal.db import Database
from portal.models import InitialRun, Mapping, ScanPage, Store, SyncJob
from portal.sandbox.odoo_deliveries import deliver
from portal.sandbox.odoo_models import Env
from portal.sandbox.prestashop_actions import (
    add_product,
    delete_product,
    edit_address,
    edit_customer,
    edit_product,
    set_stock,
)
from portal.sandbox.prestashop_orders import place_order
from portal.settings import SettingError
from portal.sync import in_flight, poll, shop_changes, tick
from portal.sync.services import Services
from tests.world import World, make_world

VERSIONS = ["14", "15", "16", "17", "18", "19"]


@pytest.fixture(params=VERSIONS)
def every(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, products="both", stock="both", order_confirm=True) as world:
        settled(world)
        yield world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db)) as world:
        settled(world)
        yield world


def settled(world: World) -> None:
    """Everything linked, and the watch begun; what stood in the newest second was looked at twice."""
    world.sync("customer", "product", "order")
    world.services.odoo(world.store)
    an_hour_ago(world)
    for _ in range(3):
        look(world)
    seconds_later(world)
    for _ in range(3):
        look(world)
    forget(world)


def an_hour_ago(world: World) -> None:
    """As if everything so far had happened then, and nobody had watched: what a test does is newer for sure."""
    for tables, stamp in ((world.odoo.db.tables, "write_date"), (world.shop.shop.tables, "date_upd")):
        for table in tables.values():
            for row in table.rows.values():
                if row.get(stamp):
                    row[stamp] = str(datetime.fromisoformat(str(row[stamp])) - timedelta(hours=1))
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        store.notes = {name: value for name, value in store.notes.items() if name != "poll"}


def seconds_later(world: World) -> None:
    """As if the second of the newest change had been over for long."""
    with world.db.begin() as session:
        row = session.get_one(Store, world.store.id)
        polls = {side: {**facts, "marks": {name: mark | {"since": 0} for name, mark in facts.get("marks", {}).items()}}
                 for side, facts in row.notes["poll"].items()}
        row.notes = {**row.notes, "poll": polls}


def look(world: World, *, scan: bool = False) -> dict[str, int]:
    if scan:
        due_again(world)
    return poll.poll(world.services, world.store.id, force=True)


def due_again(world: World) -> None:
    with world.db.begin() as session:
        row = session.get_one(Store, world.store.id)
        row.notes = {**row.notes, "poll": {s: {**v, "next": 0} for s, v in row.notes.get("poll", {}).items()}}


def forget(world: World) -> None:
    """Take what was noticed so far out of the way."""
    with world.db.begin() as session:
        session.query(SyncJob).delete()
        session.query(InitialRun).delete()


def noticed(world: World) -> set[tuple[str, str, str]]:
    with world.db.read() as session:
        return {(row.entity, row.direction, row.record) for row in session.scalars(select(SyncJob))}


def mapping(world: World, entity: str, shop_id: object) -> Mapping:
    with world.db.read() as session:
        return session.scalars(select(Mapping).where(Mapping.entity == entity, Mapping.shop_id == str(shop_id))).one()


# --- Odoo -------------------------------------------------------------------------------------------------------------


def test_products_stock_and_states_of_odoo_are_found(every: World) -> None:
    odoo = every.services.odoo(every.store)
    product = mapping(every, "product", 19)
    with every.db.read() as session:
        order = session.scalars(select(Mapping).where(Mapping.entity == "order")).first()
    assert order is not None
    odoo.write("product.template", [product.odoo_id], {"list_price": 33.0})
    look(every)
    assert ("product", "odoo_to_ps", str(product.odoo_id)) in noticed(every)
    count(every, int(product.data["variant_id"]), 77)
    look(every)
    assert ("stock", "odoo_to_ps", str(product.data["variant_id"])) in noticed(every)
    if odoo.read("sale.order", [order.odoo_id], ["state"])[0]["state"] == "sale":
        with every.odoo.db.transaction():
            deliver(Env(every.odoo.db), order.odoo_id)
    else:
        odoo.write("sale.order", [order.odoo_id], {"note": "changed"})
    look(every)
    assert ("order", "odoo_to_ps", str(order.odoo_id)) in noticed(every)


def count(world: World, variant: int, quantity: int) -> None:
    odoo = world.services.odoo(world.store)
    place = {"product_id": variant, "location_id": odoo.profile.default_location, "inventory_quantity": float(quantity)}
    ids = odoo.create("stock.quant", [place], context={"inventory_mode": True})
    if odoo.profile.needs_apply_inventory:
        odoo.call("stock.quant", "action_apply_inventory", ids, context={"inventory_mode": True})


def test_what_does_not_change_is_not_noticed_again(every: World) -> None:
    odoo = every.services.odoo(every.store)
    odoo.write("product.template", [mapping(every, "product", 19).odoo_id], {"list_price": 34.0})
    look(every)
    seconds_later(every)
    look(every)
    forget(every)
    assert look(every)["odoo"] == 0
    assert not noticed(every)


def test_a_change_in_the_second_of_the_last_look_is_not_lost(every: World) -> None:
    odoo, product = every.services.odoo(every.store), mapping(every, "product", 19)
    for price in range(5):
        odoo.write("product.template", [product.odoo_id], {"list_price": 40.0 + price})
        look(every)
        assert ("product", "odoo_to_ps", str(product.odoo_id)) in noticed(every), "every change, however close together"
        forget(every)


def test_a_poll_is_a_constant_number_of_calls(every: World) -> None:
    odoo, changed = every.services.odoo(every.store), [mapping(every, "product", n) for n in (6, 7, 8, 9, 10, 11, 19)]
    for number, product in enumerate(changed):
        odoo.write("product.template", [product.odoo_id], {"list_price": 50.0 + number})
        edit_product(every.shop.shop, int(product.shop_id), price=f"{60 + number}")
    before, at_shop = Counter(every.odoo.calls), Counter(every.shop.calls)
    look(every)
    assert sum((Counter(every.odoo.calls) - before).values()) == 7
    assert sum((Counter(every.shop.calls) - at_shop).values()) <= 3
    assert {("product", "odoo_to_ps", str(p.odoo_id)) for p in changed} <= noticed(every)
    assert {("product", "ps_to_odoo", p.shop_id) for p in changed} <= noticed(every)


def test_what_a_direction_excludes_is_not_even_asked_for(world: World) -> None:
    world.set(order_states=False)
    before = Counter(world.odoo.calls)
    look(world)
    assert not Counter(world.odoo.calls) - before
    world.set(customers=False, products="off", orders=False, stock="off")
    before = Counter(world.shop.calls)
    look(world)
    assert not Counter(world.shop.calls) - before


def test_pull_stock_reads_every_linked_product(world: World) -> None:
    with pytest.raises(SettingError):
        poll.pull_stock(world.services, world.store)
    world.set(stock="odoo_to_ps")
    number = poll.pull_stock(world.services, world.store, "a person")
    wanted = {("stock", "odoo_to_ps", str(mapping(world, "product", 19).data["variant_id"]))}
    with world.db.read() as session:
        wanted |= {("stock", "odoo_to_ps", str(m.odoo_id)) for m in session.scalars(
            select(Mapping).where(Mapping.entity == "combination"))}
    assert wanted <= noticed(world)
    assert number == len(noticed(world))


# --- the shop ---------------------------------------------------------------------------------------------------------


def test_the_shops_dated_changes_are_found(world: World) -> None:
    shop = world.shop.shop
    customer = next(iter(shop.tables["customers"].rows))
    address = int(shop.tables["addresses"].by("id_customer", customer)[0]["id"])
    edit_product(shop, 19, price="12.5")
    new = add_product(shop, "Brand new", "5")
    edit_customer(shop, customer, firstname="Changed")
    for _ in range(3):
        look(world)
    assert {("product", "ps_to_odoo", "19"), ("product", "ps_to_odoo", str(new)), ("customer", "ps_to_odoo", str(customer))} \
        <= noticed(world)
    forget(world)
    edit_address(shop, address, city="Elsewhere")
    for _ in range(3):
        look(world)
    assert ("customer", "ps_to_odoo", str(customer)) in noticed(world), "an address belongs to its customer"


def test_new_orders_are_noticed_and_the_mark_passes_gaps(world: World) -> None:
    shop = world.shop.shop
    customer = next(iter(shop.tables["customers"].rows))
    in_flight.quantities(world.services, world.store)
    place_order(shop, customer, [{"product": 19, "quantity": 1}])
    shop.tables["orders"].next_id += 3  # checkouts that were rolled back
    order = place_order(shop, customer, [{"product": 19, "quantity": 1}])
    look(world)
    assert ("order", "ps_to_odoo", str(order)) in noticed(world)
    for _ in range(3):
        look(world)
    with world.db.read() as session:
        assert session.get_one(Store, world.store.id).notes[in_flight.WATERMARK] == order


def test_a_mark_is_never_raised_over_an_order_that_was_not_noticed(world: World) -> None:
    shop = world.shop.shop
    customer = next(iter(shop.tables["customers"].rows))
    old = place_order(shop, customer, [{"product": 19, "quantity": 1}])
    shop.tables["orders"].rows[old]["date_upd"] = "2020-01-01 00:00:00"
    new = place_order(shop, customer, [{"product": 19, "quantity": 1}])
    with world.db.begin() as session:
        row = session.get_one(Store, world.store.id)
        row.notes = {**row.notes, in_flight.WATERMARK: old - 1}
    for _ in range(3):
        look(world)
    assert {("order", "ps_to_odoo", str(old)), ("order", "ps_to_odoo", str(new))} <= noticed(world)


def test_a_record_dated_in_the_future_does_not_hide_the_others(world: World) -> None:
    world.shop.shop.tables["products"].rows[18]["date_upd"] = "2199-01-01 00:00:00"
    look(world)
    look(world)
    forget(world)
    edit_product(world.shop.shop, 19, price="13.5")
    look(world)
    assert ("product", "ps_to_odoo", "19") in noticed(world)


@pytest.mark.parametrize(("local", "minutes"), [
    ("2026-07-01 12:00:00", 2), ("2026-10-25 02:30:00", 62), ("2026-10-25 04:00:00", 62), ("2026-10-25 12:00:00", 2),
    ("2026-03-29 03:30:00", 62), ("2026-03-28 12:00:00", 2),
])
def test_the_look_back_covers_the_hour_that_comes_twice(local: str, minutes: int) -> None:
    assert shop_changes.overlap(local, ZoneInfo("Europe/Paris")) == timedelta(minutes=minutes)
    assert shop_changes.overlap(local, UTC) == timedelta(minutes=2)


# --- what carries no date ---------------------------------------------------------------------------------------------


def test_stock_combinations_and_deletions_are_found_by_comparison(world: World) -> None:
    shop = world.shop.shop
    world.set(products="ps_to_odoo", stock="ps_to_odoo")
    with world.db.begin() as session:
        session.query(ScanPage).delete()
    look(world, scan=True)
    assert len([n for n in noticed(world) if n[0] == "stock"]) > 10, "the first comparison looks at every linked line"
    forget(world)
    look(world, scan=True)
    assert not noticed(world), "the second finds nothing changed"
    set_stock(shop, 19, 4321)
    combination = next(iter(shop.tables["combinations"].rows.values()))
    combination["reference"] = "changed"
    delete_product(shop, 18)
    look(world, scan=True)
    assert noticed(world) >= {("stock", "ps_to_odoo", "19"), ("product", "ps_to_odoo", str(combination["id_product"])),
                              ("product", "ps_to_odoo", "18")}
    assert len([n for n in noticed(world) if n[0] == "stock"]) == 1


def test_a_comparison_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.sync.scan.PAGE", 10)
    monkeypatch.setattr("portal.sync.scan.SECONDS", -1.0)
    look(world, scan=True)
    with world.db.read() as session:
        assert session.get_one(Store, world.store.id).notes["poll"]["scan"]["cursor"] == {"resource": "stock_availables", "page": 0}
    monkeypatch.setattr("portal.sync.scan.SECONDS", 60.0)
    look(world, scan=True)
    with world.db.read() as session:
        assert session.get_one(Store, world.store.id).notes["poll"]["scan"]["cursor"] is None
        assert len(list(session.scalars(select(ScanPage)))) > 5


def test_an_empty_answer_that_hides_an_error_deletes_nothing(world: World) -> None:
    look(world, scan=True)
    forget(world)
    world.shop.faults.arm("error", side="shop", model="combinations", method="GET", times=0, status=500, error="85")
    look(world, scan=True)
    assert not [n for n in noticed(world) if n[0] == "product"]


# --- when, and one at a time ------------------------------------------------------------------------------------------


def test_a_store_is_asked_every_so_many_minutes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def due() -> list[int]:
        with world.db.read() as session:
            return poll.due(session)

    due_again(world)
    assert due() == [world.store.id]
    poll.poll(world.services, world.store.id)
    assert due() == []
    at = portal_db.now() + timedelta(minutes=5, seconds=1)
    monkeypatch.setattr(poll, "now", lambda: at)
    assert due() == [world.store.id]
    for choice in ({"poll_minutes": 0}, {"poll_minutes": 5, "enabled": False}):
        world.set(**choice)
        assert due() == []


def test_who_runs_no_worker_asks_with_the_tick(world: World) -> None:
    product = mapping(world, "product", 1)
    edit_product(world.shop.shop, 1, price="7.50")
    due_again(world)
    assert tick.tick(world.services, None).get("polls") is None
    assert tick.poll_here(world.services) == 1
    world.drain()
    assert world.services.odoo(world.store).read("product.template", [product.odoo_id], ["list_price"])[0]["list_price"] == 7.5
    assert tick.poll_here(world.services) == 0, "not due again yet"


def test_only_one_poll_of_a_side_runs_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inner: list[dict[str, int]] = []
    real = shop_changes.read

    def meanwhile(*args: object) -> object:
        if not inner:
            inner.append({})
            inner[0] |= poll.poll(world.services, world.store.id, force=True)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(shop_changes, "read", meanwhile)
    assert "shop" in look(world)
    assert "shop" not in inner[0]


def test_an_outage_while_asking_opens_the_circuit_and_loses_nothing(world: World) -> None:
    edit_product(world.shop.shop, 19, price="14.5")
    world.shop.faults.arm("status", side="shop", method="GET", status=503, times=1)
    look(world)
    assert world.circuit("shop") == "open"
    assert not noticed(world)
    world.pass_time()
    tick.tick(world.services, None)
    look(world)
    assert ("product", "ps_to_odoo", "19") in noticed(world)


def test_summer_time_ends_and_nothing_is_missed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, rows = world.shop.shop, world.shop.shop.tables["products"].rows
    night = datetime(2030, 10, 27, 0, 59, tzinfo=UTC)  # 02:59 in Paris, for the first time
    monkeypatch.setattr(poll, "now", lambda: night)
    rows[18]["date_upd"] = "2030-10-27 02:59:30"
    look(world)
    look(world)
    forget(world)
    monkeypatch.setattr(poll, "now", lambda: night + timedelta(minutes=10))  # 02:09, for the second time
    rows[19]["date_upd"] = "2030-10-27 02:05:00"
    look(world)
    assert ("product", "ps_to_odoo", "19") in noticed(world)
    assert shop.tables["products"].rows[18]["date_upd"] > rows[19]["date_upd"]


def test_what_changes_between_the_initial_sync_and_the_first_poll_is_found(db: Database, config: Config) -> None:
    with make_world(db, Services(config, db), products="both") as world:
        world.sync("product")
        with db.read() as session:
            mapping = session.scalars(select(Mapping).where(Mapping.entity == "product")).first()
        assert mapping is not None
        world.services.odoo(world.store).write("product.template", [mapping.odoo_id], {"list_price": 321.5})

        poll.poll(world.services, world.store.id, force=True)
        world.drain()

        price = world.shop.shop.tables["products"].rows[int(mapping.shop_id)]["price"]
        assert float(str(price)) == 321.5
