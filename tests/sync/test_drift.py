"""The drift report sees what differs, blames nobody who is on the way, and repairs in the allowed direction by jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select, update

from portal import db as clock
from portal.config import Config
from portal.db import Database
from portal.drift_commands import every, finish
from portal.models import Drift, DriftRun, Mapping, Store, SyncJob
from portal.rq_setup import make_queue
from portal.sandbox.prestashop_actions import edit_product, set_stock, stock
from portal.sandbox.prestashop_orders import cancel_order, place_order
from portal.settings import SettingError
from portal.sync import drift, findings
from portal.sync import tick as heartbeat
from portal.sync.services import Services
from tests.sync.factory import make_store
from tests.world import World, make_world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    """Everything is in step."""
    with make_world(db, Services(config, db)) as world:
        world.sync("customer", "product", "stock", "order")
        yield world


def compare(world: World) -> dict[tuple[str, str, str], Drift]:
    with world.db.begin() as session:
        run = drift.start(session, session.get_one(Store, world.store.id), "test").id
    assert not finish(world.services, world.store, run)
    return {(row.entity, row.kind, row.record): row for row in every(world.services, world.store)}


def repair(world: World, *rows: Drift) -> tuple[int, int]:
    with world.db.begin() as session:
        result = findings.repair(session, session.get_one(Store, world.store.id),
                                 [session.get_one(Drift, row.id) for row in rows], "ada@example.com")
    counts = world.drain()
    assert counts["dead"] == counts["error"] == 0, [job.message for job in world.jobs("dead", "error")]
    return result


def links(world: World, entity: str) -> dict[str, Mapping]:
    with world.db.read() as session:
        return {row.shop_id: row for row in session.scalars(select(Mapping).where(Mapping.entity == entity))}


def simple(world: World) -> Mapping:
    return next(row for row in links(world, "product").values() if row.base["kind"] == "simple" and row.data.get("variant_id"))


def shop_state(world: World, order: Mapping) -> str:
    return str(world.shop.shop.get("orders", int(order.shop_id), "current_state"))


def odoo(world: World) -> Any:
    return world.services.odoo(world.store)


def test_what_is_in_step_has_no_drift_and_comparing_writes_nothing(world: World) -> None:
    written, asked = world.written(), Counter(world.shop.calls)
    assert compare(world) == {}
    assert world.written() == written
    assert {call.split()[0] for call in Counter(world.shop.calls) - asked} == {"GET"}


def test_a_price_that_was_changed_in_odoo_is_found_and_set_right_again(world: World) -> None:
    link = simple(world)
    odoo(world).write("product.template", [link.odoo_id], {"list_price": 999.0, "active": False})
    found = compare(world)
    price = found["product", "price", link.shop_id]
    assert (price.odoo_says, price.shop_says) == ("999", link.base["price"])
    assert {kind for entity, kind, record in found if record == link.shop_id} >= {"price", "active"}
    assert repair(world, price, found["product", "active", link.shop_id]) == (2, 0)
    [row] = odoo(world).read("product.template", [link.odoo_id], ["list_price", "active"])
    assert (str(row["list_price"]).rstrip("0").rstrip("."), row["active"]) == (link.base["price"].rstrip("."), True)
    assert compare(world) == {}
    with world.db.read() as session:
        assert session.get_one(Drift, price.id).state == "closed"


def test_where_odoo_is_the_master_the_shop_is_set_right(world: World) -> None:
    link = simple(world)
    world.set(products="odoo_to_ps")
    edit_product(world.shop.shop, int(link.shop_id), price="77.000000")
    found = compare(world)["product", "price", link.shop_id]
    assert found.repair["direction"] == "odoo_to_ps"
    repair(world, found)
    assert float(world.shop.shop.get("products", int(link.shop_id), "price")) == float(link.base["price"])
    assert compare(world) == {}


def test_the_direction_of_a_repair_is_that_of_the_settings_when_it_is_asked_for(world: World) -> None:
    link = simple(world)
    odoo(world).write("product.template", [link.odoo_id], {"list_price": 999.0})
    found = compare(world)["product", "price", link.shop_id]
    world.set(products="odoo_to_ps")
    assert repair(world, found) == (0, 1)
    assert not world.jobs("pending")


def test_a_quantity_is_found_and_counted_again(world: World) -> None:
    link = simple(world)
    set_stock(world.shop.shop, int(link.shop_id), stock(world.shop.shop, int(link.shop_id)) + 5)
    found = compare(world)["stock", "stock", link.shop_id]
    assert "should be" in found.odoo_says
    repair(world, found)
    assert compare(world) == {}


def test_a_deleted_order_and_one_that_never_arrived_are_missing_and_made_again(world: World) -> None:
    link = links(world, "order")[str(max(map(int, links(world, "order"))))]
    with world.odoo.db.transaction():
        world.odoo.db.put("sale.order", link.odoo_id, None)
    new = str(place_order(world.shop.shop, 1, [{"product": int(simple(world).shop_id), "quantity": 1}]))
    found = compare(world)
    assert found["order", "missing", link.shop_id].odoo_says.startswith("deleted")
    assert found["order", "missing", new].odoo_says == "no such order"
    assert repair(world, *(found["order", "missing", record] for record in (link.shop_id, new))) == (2, 0)
    assert not [key for key in compare(world) if key[0] == "order"]


def test_other_totals_and_states_are_found(world: World) -> None:
    records = sorted(links(world, "order"), key=int)
    draft = links(world, "order")[records[0]]
    [line] = odoo(world).search_read("sale.order.line", [("order_id", "=", draft.odoo_id)], ["id"], limit=1)
    odoo(world).write("sale.order.line", [line["id"]], {"price_unit": 1234.0})
    cancel_order(world.shop.shop, int(records[1]))
    found = compare(world)
    assert found["order", "total", draft.shop_id].repair["direction"] == "ps_to_odoo"
    assert (found["order", "state", records[1]].shop_says, found["order", "state", records[1]].odoo_says) == (
        "cancelled or refunded", "a quotation")
    repair(world, found["order", "total", draft.shop_id], found["order", "state", records[1]])
    assert not [key for key in compare(world) if key[0] == "order"]


def test_an_order_that_somebody_confirmed_in_odoo_and_the_shop_was_not_told_of_is_found(world: World) -> None:
    link = next(row for row in links(world, "order").values() if shop_state(world, row) == "2")
    odoo(world).call("sale.order", "action_confirm", [link.odoo_id])
    found = compare(world)["order", "state", link.shop_id]
    assert (found.shop_says, found.odoo_says, found.repair["direction"]) == (
        "state “Payment accepted”", "confirmed", "odoo_to_ps")
    assert repair(world, found) == (1, 0)
    assert shop_state(world, link) == "3"
    assert compare(world) == {}


def test_orders_that_the_connector_confirmed_itself_are_no_drift_since_the_shop_was_told(db: Database, config: Config) -> None:
    with make_world(db, Services(config, db)) as world:
        world.set(order_confirm=1)
        world.sync("customer", "product", "stock", "order")
        assert any(row.data["state"] == "sale" for row in links(world, "order").values())
        assert not [key for key in compare(world) if key[0] == "order"]


def test_what_is_on_its_way_is_left_out_and_keeps_what_was_known(world: World) -> None:
    link = simple(world)
    odoo(world).write("product.template", [link.odoo_id], {"list_price": 999.0})
    first = compare(world)["product", "price", link.shop_id]
    world.notice("product", link.shop_id)
    again = compare(world)["product", "price", link.shop_id]
    assert (again.id, again.since) == (first.id, first.since)
    other = next(row for row in links(world, "product").values() if row.base["kind"] == "simple" and row.id != link.id)
    odoo(world).write("product.template", [other.odoo_id], {"list_price": 999.0})
    world.notice("product", other.shop_id)
    assert ("product", "price", other.shop_id) not in compare(world)


def test_a_run_stops_at_an_outage_and_goes_on_at_its_cursor(world: World) -> None:
    with world.db.begin() as session:
        run = drift.start(session, session.get_one(Store, world.store.id)).id
    world.odoo.faults.arm("status", side="odoo", model="product.template", status=502, times=1)
    assert finish(world.services, world.store, run)
    with world.db.read() as session:
        stopped = session.get_one(DriftRun, run)
    assert (stopped.state, stopped.cursor[0], bool(stopped.message)) == ("reading", 1, True)
    world.pass_time()
    heartbeat.tick(world.services, None)
    assert finish(world.services, world.store, run) == ""


def test_it_begins_every_night_at_the_chosen_hour_of_the_shop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        store.shop_profile = {**(store.shop_profile or {}), "timezone": "Europe/Paris"}
        store.created_at = datetime(2026, 1, 10, 12, tzinfo=UTC)

    def at(day: int, hour: int, minute: int = 0) -> int:
        monkeypatch.setattr(drift, "now", lambda: datetime(2026, 1, day, hour, minute, tzinfo=UTC))
        monkeypatch.setattr(clock, "now", lambda: datetime(2026, 1, day, hour, minute, tzinfo=UTC))
        with world.db.begin() as session:
            runs = drift.begin_nightly(session)
            session.execute(update(DriftRun).values(state="finished", created_at=datetime(2026, 1, day, hour, minute, tzinfo=UTC))
                            .where(DriftRun.state == "reading"))
        return len(runs)

    assert at(11, 1, 59) == 0, "two minutes to three in Paris"
    assert at(11, 2) == 1
    assert at(11, 2, 30) == 0
    assert at(12, 1) == 0
    assert at(12, 9) == 1, "the portal slept; it catches up"
    world.set(drift_nightly=0)
    assert at(13, 9) == 0
    world.set(drift_nightly=1, enabled=0)
    assert at(13, 9) == 0


def test_the_tick_hands_the_nightly_comparison_to_a_worker_once(db: Database, config: Config, redis: Redis) -> None:
    store, queue = make_store(db), make_queue(redis)
    services = Services(config, db)
    heartbeat.tick(services, queue)
    assert not [job for job in queue.jobs if job.func_name == heartbeat.COMPARE], "its first night has not come"
    with db.begin() as session:
        session.get_one(Store, store.id).created_at = clock.now() - timedelta(days=2)
    for _ in range(2):
        heartbeat.tick(services, queue)
        assert [job.args for job in queue.jobs if job.func_name == heartbeat.COMPARE] == [[1]]


def test_nothing_that_travels_is_nothing_to_compare(world: World) -> None:
    world.set(products="off", stock="off", orders=0)
    with world.db.begin() as session, pytest.raises(SettingError, match="nothing to compare"):
        drift.start(session, session.get_one(Store, world.store.id))


def test_many_repairs_are_bulk_work(world: World) -> None:
    with world.db.begin() as session:
        for number in range(101):
            session.add(Drift(store_id=world.store.id, entity="product", kind="price", record=str(number),
                              repair={"direction": "ps_to_odoo", "record": str(number), "base": {}, "reset": False}))
        session.flush()
        rows = list(session.scalars(select(Drift)))
        assert findings.repair(session, session.get_one(Store, world.store.id), rows, "test") == (101, 0)
        assert set(session.scalars(select(SyncJob.bulk).where(SyncJob.source == "repair"))) == {True}
        assert timedelta(0) <= clock.now() - rows[0].changed_at < timedelta(minutes=1)
