"""The penny ledger is kept with the order and shown without asking anybody; what is held is listed and looked at again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest

from portal.config import Config
from portal.db import Database
from portal.models import OrderLedger, Store
from portal.sync import ledgers
from portal.sync.services import Services
from tests.world import World, make_world


@pytest.fixture(params=["14", "17", "19"])
def every(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, order_confirm=True) as world:
        yield world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), order_confirm=True, max_attempts=1) as world:
        yield world


def kept(world: World, record: object) -> OrderLedger:
    with world.db.read() as session:
        found = ledgers.find(session, world.store, str(record))
    assert found is not None
    return found


def held(world: World) -> list[str]:
    with world.db.read() as session:
        return [row.record for row in ledgers.held(session, world.store)]


def look_again(world: World, *records: object) -> int:
    with world.db.begin() as session:
        return ledgers.look_again(session, session.get_one(Store, world.store.id), [str(r) for r in records], "someone")


def tamper(world: World, order: int, by: str) -> None:
    """The shop's total no longer fits the order's lines, as after an edit that was broken off."""
    rows = world.shop.shop.tables["orders"].rows
    total = Decimal(str(rows[order]["total_paid_tax_incl"])) + Decimal(by)
    rows[order]["total_paid_tax_incl"] = str(total)


def test_each_order_has_a_ledger_whose_two_sides_are_the_totals_of_shop_and_odoo(every: World) -> None:
    every.sync("customer", "product", "order")
    client = every.services.odoo(every.store)
    orders = every.shop.shop.tables["orders"]
    assert orders.ids()
    for number in orders.ids():
        row = kept(every, number)
        content = row.content
        assert (row.verdict, row.cause, content["foreseen"]) == ("equal", "", False), row.reason
        [in_odoo] = client.read("sale.order", [content["odoo_id"]], ["name", "amount_untaxed", "amount_total"])
        assert content["odoo_name"] == in_odoo["name"]
        assert Decimal(content["total"]["odoo_incl"]) == Decimal(str(in_odoo["amount_total"])).quantize(Decimal("0.01"))
        assert Decimal(content["total"]["shop_incl"]) == Decimal(str(orders.rows[number]["total_paid_tax_incl"])).quantize(
            Decimal("0.01"))
        assert sum(Decimal(line["odoo_incl"]) for line in content["rows"]) == Decimal(content["total"]["odoo_incl"])
        assert all(line["lines"] for line in content["rows"])


def test_a_ledger_costs_one_call_for_a_batch(world: World) -> None:
    before = Counter(world.odoo.calls)
    world.sync("customer", "product", "order")
    assert (Counter(world.odoo.calls) - before)["sale.order.line.search_read"] == 1


def test_an_order_that_is_held_names_its_cause_and_is_done_when_it_is_corrected_and_looked_at_again(world: World) -> None:
    order = min(world.shop.shop.tables["orders"].ids())
    tamper(world, order, "3.00")
    world.sync("customer", "product", "order")
    row = kept(world, order)
    assert (row.verdict, row.cause, held(world)) == ("held", "order:shop_total", [str(order)])
    assert row.content["total"]["off"] == "-3.00"
    [job] = world.jobs("dead")
    assert (job.cause, job.record) == ("order:shop_total", str(order))
    tamper(world, order, "-3.00")
    assert look_again(world, order, 4711) == 1, "only orders that were compared can be looked at again"
    assert world.drain()["dead"] == 0
    assert (kept(world, order).verdict, held(world)) == ("equal", [])


def test_what_a_person_confirmed_in_odoo_is_theirs(world: World) -> None:
    order = min(world.shop.shop.tables["orders"].ids())
    tamper(world, order, "3.00")
    world.sync("customer", "product", "order")
    world.services.odoo(world.store).call("sale.order", "action_confirm", [kept(world, order).content["odoo_id"]])
    look_again(world, order)
    assert world.drain()["dead"] == 0
    assert (kept(world, order).verdict, held(world)) == ("settled", [])
    [job] = [job for job in world.jobs("synced") if (job.entity, job.direction, job.record) == ("order", "ps_to_odoo", str(order))]
    assert "A person confirmed it in Odoo" in job.message


def test_an_order_changed_after_it_was_confirmed_is_listed_with_both_sides(world: World) -> None:
    world.sync("customer", "product", "order")
    order = min(world.shop.shop.tables["orders"].ids())
    tamper(world, order, "0.01")
    world.notice("order", order)
    world.drain()
    row = kept(world, order)
    assert (row.verdict, row.cause, held(world)) == ("changed", "order:changed", [str(order)])
    assert "Total:" in row.reason


def test_a_dry_run_foresees_the_ledger_and_asks_odoo_for_no_lines(world: World) -> None:
    world.sync("customer", "product")
    world.set(dry_run=True)
    order = min(world.shop.shop.tables["orders"].ids())
    world.notice("order", order)
    world.drain()
    row = kept(world, order)
    assert (row.verdict, row.content["foreseen"], row.content["total"]["off"]) == ("foreseen", True, "0.00")
    assert world.odoo.calls["sale.order.line.search_read"] == 0
