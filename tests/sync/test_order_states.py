"""Order states go back to the shop, and a cancellation in the shop goes to Odoo, on every version of Odoo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Database
from portal.models import JobEvent, LogEntry, Mapping, Store
from portal.sandbox.odoo_deliveries import deliver
from portal.sandbox.odoo_models import Env
from portal.sandbox.prestashop import DEMO_KEY
from portal.sandbox.prestashop_orders import cancel_order, place_order, set_state
from portal.sandbox.prestashop_store import METHODS
from portal.sync import jobs
from portal.sync.services import Services
from tests.world import World, make_world

VERSIONS = ["14", "15", "16", "17", "18", "19"]
PAID, PREPARING, SHIPPED, DELIVERED, CANCELED, REFUNDED, BANKWIRE = 2, 3, 4, 5, 6, 7, 10


@pytest.fixture(params=VERSIONS)
def every(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, order_confirm=True) as world:
        yield world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), order_confirm=True) as world:
        yield world


def sold(world: World, state: int = PAID) -> tuple[int, int]:
    """A new order of the shop that is confirmed in Odoo: its id there and here."""
    customer, product = next(iter(world.shop.shop.tables["customers"].rows)), 19
    order = place_order(world.shop.shop, customer, [{"product": product, "quantity": 1}], state=state)
    world.notice("order", order)
    world.drain()
    return order, linked(world, order).odoo_id


def untold(world: World) -> tuple[int, int]:
    """The same, but the shop has not heard of the confirmation."""
    world.set(order_states=False)
    found = sold(world)
    world.set(order_states=True)
    return found


def linked(world: World, order: int) -> Mapping:
    with world.db.read() as session:
        return session.scalars(select(Mapping).where(Mapping.entity == "order", Mapping.shop_id == str(order))).one()


def tell(world: World, number: int) -> int:
    """Odoo says that an order changed."""
    with world.db.begin() as session:
        job = jobs.notice(session, session.get_one(Store, world.store.id), "order", "odoo_to_ps", str(number), source="test")
    world.drain()
    return job


def state(world: World, order: int) -> int:
    return int(world.shop.shop.tables["orders"].rows[order]["current_state"])


def histories(world: World, order: int) -> list[int]:
    return [int(row["id_order_state"]) for row in world.shop.shop.tables["order_histories"].by("id_order", order)]


def in_odoo(world: World, number: int, *fields: str) -> dict[str, object]:
    return world.services.odoo(world.store).read("sale.order", [number], ["state", *fields])[0]


def press(world: World, button: str, number: int) -> None:
    world.services.odoo(world.store).call("sale.order", button, [number], context={"disable_cancel_warning": True})


def ship(world: World, number: int, tracking: str = "") -> None:
    with world.odoo.db.transaction():
        env = Env(world.odoo.db)
        if tracking:
            for picking in world.odoo.db.tables["stock.picking"].by("sale_id", number):
                env.sudo()["stock.picking"].put(picking, carrier_tracking_ref=tracking)
        deliver(env, number)


def test_an_order_is_followed_from_confirmation_to_delivery(every: World) -> None:
    order, number = sold(every)
    tell(every, number)
    assert state(every, order) == PREPARING
    ship(every, number, tracking="1Z 999 AA1")
    tell(every, number)
    assert state(every, order) == DELIVERED
    [carrier] = every.shop.shop.tables["order_carriers"].by("id_order", order)
    assert carrier["tracking_number"] == "1Z 999 AA1"
    rows = histories(every, order)
    tell(every, number)
    assert histories(every, order) == rows, "a state is never repeated"
    assert not every.shop.shop.mails[1:], "customers hear of it only when the merchant wants it"


def test_a_tracking_number_that_the_shop_cannot_take_is_written_as_it_can_and_the_timeline_says_so(world: World) -> None:
    order, number = sold(world)
    ship(world, number, tracking="TRK-5-é")
    tell(world, number)
    [carrier] = world.shop.shop.tables["order_carriers"].by("id_order", order)
    assert carrier["tracking_number"] == "TRK-5-e"
    with world.db.read() as session:
        said = [event.message for event in session.scalars(select(JobEvent).where(JobEvent.kind == "synced"))]
        warned = [entry.message for entry in session.scalars(select(LogEntry).where(LogEntry.level == "warning"))]
    assert "'TRK-5-é' is 'TRK-5-e' in the shop" in said[-1]
    assert len(warned) == 1
    tell(world, number)
    with world.db.read() as session:
        assert len(list(session.scalars(select(LogEntry).where(LogEntry.level == "warning")))) == 1, "said once in the log"


def test_the_shop_hears_of_a_confirmation_without_poll_or_webhook_and_once(world: World) -> None:
    order, number = sold(world)
    assert state(world, order) == PREPARING
    rows = histories(world, order)
    for _ in range(2):
        world.notice("order", order)
        tell(world, number)
    assert histories(world, order) == rows


def test_an_order_that_is_confirmed_is_not_told_where_states_do_not_travel(world: World) -> None:
    world.set(order_states=False)
    order, _ = sold(world)
    assert state(world, order) == PAID


def test_an_order_whose_checkout_still_goes_on_is_not_confirmed_yet(world: World) -> None:
    """PrestaShop reports a new order before it has a state; a payment that breaks off leaves it so."""
    order, number = sold(world, state=PAID)
    world.shop.shop.tables["orders"].rows[order]["current_state"] = 0
    press(world, "action_cancel", number)
    press(world, "action_draft", number)
    world.notice("order", order)
    world.drain()
    assert in_odoo(world, number)["state"] == "draft"
    set_state(world.shop.shop, order, PAID)
    world.notice("order", order)
    world.drain()
    assert in_odoo(world, number)["state"] == "sale"


def test_a_cancelled_order_is_cancelled_in_the_shop(every: World) -> None:
    order, number = sold(every)
    press(every, "action_cancel", number)
    tell(every, number)
    assert state(every, order) == CANCELED
    rows = histories(every, order)
    every.notice("order", order)
    every.drain()
    tell(every, number)
    assert histories(every, order) == rows
    assert in_odoo(every, number)["state"] == "cancel"


def test_a_locked_order_is_not_a_delivered_one(every: World) -> None:
    order, number = sold(every)
    press(every, "action_done" if every.odoo.db.profile.major <= 16 else "action_lock", number)
    tell(every, number)
    assert state(every, order) == PREPARING


def test_an_order_cancelled_in_the_shop_is_cancelled_in_odoo_where_that_is_safe(every: World) -> None:
    order, number = sold(every)
    cancel_order(every.shop.shop, order)
    every.notice("order", order)
    every.drain()
    assert in_odoo(every, number)["state"] == "cancel"
    assert not every.services.odoo(every.store).search_count("stock.picking", [("sale_id", "=", number), ("state", "!=", "cancel")])


@pytest.mark.parametrize("why", ["locked", "left"])
def test_an_order_cancelled_in_the_shop_stays_in_odoo_where_it_is_not(every: World, why: str) -> None:
    order, number = sold(every)
    if why == "left":
        ship(every, number)
    else:
        press(every, "action_done" if every.odoo.db.profile.major <= 16 else "action_lock", number)
    before = in_odoo(every, number)["state"]
    cancel_order(every.shop.shop, order)
    job = every.notice("order", order)
    every.drain()
    assert in_odoo(every, number)["state"] == before != "cancel"
    assert "cancelled in the shop, but" in every.job(job).message
    tell(every, number)
    assert state(every, order) == CANCELED, "Odoo does not bring a cancelled order back to life"


@pytest.mark.parametrize("current", [SHIPPED, DELIVERED, CANCELED, REFUNDED])
def test_the_shop_is_never_set_back(world: World, current: int) -> None:
    order, number = sold(world)
    set_state(world.shop.shop, order, current)
    tell(world, number)
    assert state(world, order) == current


def test_what_people_do_to_a_told_order_stays(world: World) -> None:
    order, number = sold(world)
    tell(world, number)
    set_state(world.shop.shop, order, PAID)
    tell(world, number)
    assert state(world, order) == PAID


def test_the_table_of_states_and_the_mails_are_the_merchants_choice(world: World) -> None:
    world.set(state_sale=9, state_done=4, state_emails=True)
    order, number = sold(world, state=BANKWIRE)
    tell(world, number)
    assert state(world, order) == 9
    ship(world, number)
    tell(world, number)
    assert state(world, order) == SHIPPED
    assert [mail["state"] for mail in world.shop.shop.mails if mail["order"] == order][-2:] == [9, SHIPPED]


def test_what_the_connector_confirmed_is_not_marked_as_paid_until_it_is(world: World) -> None:
    order, number = sold(world, state=BANKWIRE)
    tell(world, number)
    assert state(world, order) == BANKWIRE
    set_state(world.shop.shop, order, PAID)
    world.notice("order", order)
    world.drain()
    assert state(world, order) == PREPARING


def test_what_a_person_confirmed_is_told_as_the_table_says(world: World) -> None:
    world.set(order_confirm=False)
    order, number = sold(world, state=BANKWIRE)
    world.services.odoo(world.store).call("sale.order", "action_confirm", [number])
    tell(world, number)
    assert state(world, order) == PREPARING


def test_switched_off_nothing_is_written_even_if_it_was_noticed_before(world: World) -> None:
    order, number = untold(world)
    world.set(order_states=False)
    tell(world, number)
    assert state(world, order) == PAID


def test_a_dry_run_only_says_what_it_would_do(world: World) -> None:
    order, number = untold(world)
    world.set(dry_run=True)
    job = tell(world, number)
    assert "would give" in world.job(job).message
    assert state(world, order) == PAID
    world.set(dry_run=False)
    world.drain()
    assert state(world, order) == PREPARING


def test_a_lost_answer_adds_no_second_row(world: World) -> None:
    order, number = untold(world)
    world.shop.faults.arm("drop", side="shop", model="order_histories", method="POST")
    tell(world, number)
    world.pass_time()
    world.drain()
    assert histories(world, order).count(PREPARING) == 1
    assert linked(world, order).data["told"] == "sale"


def test_a_key_without_the_right_stops_only_the_states(world: World) -> None:
    _, number = untold(world)
    tables = world.shop.shop.tables
    world.shop.shop.keys[DEMO_KEY].rights = {name: {"GET"} if name == "order_histories" else set(METHODS) for name in tables}
    job = tell(world, number)
    assert world.job(job).state == "error"
    assert "order_histories" in world.job(job).remedy
    assert world.circuit("shop") == "closed"


def test_orders_that_are_not_the_shops_are_left_alone(world: World) -> None:
    job = tell(world, 424242)
    assert world.job(job).state == "synced"
    assert "not one of the shop's" in world.job(job).message
