"""The rehearsal says what a sync would do, writes nothing anywhere, and is right."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.config import Config
from portal.db import Database
from portal.models import Mapping, Rehearsal, RehearsalKey, Rehearsed, Store, SyncJob
from portal.rehearsal_commands import finish
from portal.sandbox.prestashop_actions import edit_product
from portal.settings import SettingError
from portal.spreadsheet import cell
from portal.sync import duplicates, rehearsal, rehearsed
from portal.sync import tick as heartbeat
from portal.sync.rehearsed import Wanted
from portal.sync.services import Services
from tests.world import World, make_world

ENTITIES = ["customer", "product", "stock", "order"]


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db)) as world:
        yield world


def rehearse(world: World, *entities: str) -> dict[str, dict[str, int]]:
    """A whole run; the counts."""
    with world.db.begin() as session:
        run = rehearsal.start(session, session.get_one(Store, world.store.id), entities or ENTITIES, actor="test").id
    assert not finish(world.services, world.store, run)
    with world.db.read() as session:
        return rehearsed.counts(session, world.store.id)


def rows(world: World, **values: str) -> list[Rehearsed]:
    with world.db.read() as session:
        return rehearsed.listed(session, world.store.id, Wanted(**values), limit=1000)


def edit(world: World, number: int, **values: Any) -> None:
    """Someone edits a customer in the shop."""
    world.shop.shop.update("customers", number, **values)


def written_in_shop(world: World) -> int:
    return sum(n for call, n in world.shop.calls.items() if not call.startswith("GET"))


def test_a_rehearsal_of_a_disabled_store_writes_nothing_and_foretells_what_the_sync_then_does(world: World) -> None:
    world.set(enabled=0)
    foretold = rehearse(world)
    assert (world.written(), written_in_shop(world)) == (0, 0)
    with world.db.read() as session:
        assert not session.scalar(select(func.count()).select_from(SyncJob))
        assert not session.scalar(select(func.count()).select_from(Mapping))
    for entity in ENTITIES:
        assert set(foretold[entity]) <= {"create", "link", "nothing"}, foretold
    world.set(enabled=1)
    world.sync(*ENTITIES)
    with world.db.read() as session:
        linked = Counter(session.scalars(select(Mapping.entity)))
    for entity in ("customer", "product", "order"):
        assert foretold[entity].get("create", 0) + foretold[entity].get("link", 0) == linked[entity], entity
    again = rehearse(world)
    assert all(set(kinds) == {"nothing"} for kinds in again.values()), again


def test_a_change_is_shown_with_what_stands_before_and_after(world: World) -> None:
    world.sync("customer", "product", "stock")
    number = min(world.shop.shop.tables["customers"].ids())
    edit(world, number, firstname="Renamed")
    assert rehearse(world, "customer")["customer"]["change"] == 1
    [row] = rows(world, kind="change")
    assert (row.record, row.changes[0]["side"], row.changes[0]["field"]) == (str(number), "odoo", "name")
    assert row.changes[0]["after"].startswith("Renamed ")
    assert row.changes[0]["before"] != row.changes[0]["after"]


def test_what_would_be_refused_says_why_and_takes_along_what_needs_it(world: World) -> None:
    product = world.shop.shop.tables["products"]
    order = world.shop.shop.tables["order_details"]
    number = int(next(iter(order.rows.values()))["product_id"])
    other = next(i for i in sorted(product.ids()) if i != number)
    for one in (number, other):
        edit_product(world.shop.shop, one, reference="SAME")
    rehearse(world, "product", "order")
    refused = {(row.entity, row.record): row for row in rows(world, kind="refused")}
    assert "share the reference 'SAME'" in refused["product", str(number)].message
    dependent = next(row for key, row in refused.items() if key[0] == "order")
    assert f"Needs product {number}, which would be refused" in dependent.message
    assert dependent.remedy == f"Solve product {number} first."


def test_references_barcodes_and_addresses_that_occur_twice_are_listed_on_both_sides(world: World) -> None:
    tables = world.shop.shop.tables
    first, second = sorted(tables["customers"].ids())[:2]
    edit(world, first, email="Twice@example.com")
    edit(world, second, email="twice@EXAMPLE.com")
    client = world.services.odoo(world.store)
    made = client.create("product.template", [{"name": f"P{i}", "default_code": "TWO"} for i in range(2)])
    before = world.written()
    rehearse(world, "customer", "product")
    with world.db.read() as session:
        found = {(one.source, one.what, one.value): one.records for one in duplicates.listed(session, world.store.id)}
        left = session.scalar(select(func.count()).select_from(RehearsalKey))
    assert found["shop customers", "e-mail", "twice@example.com"] == [str(first), str(second)]
    variants = client.search_read("product.product", [("product_tmpl_id", "in", made)], ["id"], order="id")
    assert found["odoo products", "reference", "TWO"] == [str(row["id"]) for row in variants]
    assert left == sum(map(len, found.values())), "what occurs once is not kept"
    assert world.written() == before


@pytest.mark.parametrize("direction", ["odoo_to_ps", "both"])
def test_products_of_odoo_that_the_shop_lacks_are_foretold(world: World, direction: str) -> None:
    world.set(products=direction, stock=direction)
    [made] = world.services.odoo(world.store).create("product.template", [
        {"name": "Only in Odoo", "default_code": "ONLY", "list_price": 7.5}])
    before = world.written()
    rehearse(world, "product", "stock")
    [row] = [row for row in rows(world, entity="product", kind="create") if row.direction == "odoo_to_ps" and row.odoo_id == made]
    assert {"side": "shop", "field": "price", "before": None, "after": "7.5"} in row.changes
    assert (world.written(), written_in_shop(world)) == (before, 0)


def test_a_value_that_both_sides_changed_is_a_conflict_with_both_values(world: World) -> None:
    world.set(products="both", product_owner_price="manual")
    world.sync("product")
    with world.db.read() as session:
        link = next(row for row in session.scalars(select(Mapping).where(Mapping.entity == "product"))
                    if row.base["kind"] == "simple")
    world.services.odoo(world.store).write("product.template", [link.odoo_id], {"list_price": 88.0})
    edit_product(world.shop.shop, int(link.shop_id), price="99.000000")
    rehearse(world, "product")
    [row] = rows(world, kind="conflict")
    assert {(change["side"], change["before"]) for change in row.changes} == {("shop", "99"), ("odoo", "88")}


def test_an_interrupted_rehearsal_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "BATCH", 1)
    with world.db.begin() as session:
        run = rehearsal.start(session, session.get_one(Store, world.store.id), ["customer"], actor="test").id
    rehearsal.walk(world.services, run, seconds=0)
    world.shop.faults.arm("status", side="shop", method="GET", status=503, model="addresses", times=1)
    assert "PrestaShop" in finish(world.services, world.store, run) or world.circuit("shop") == "open"
    with world.db.read() as session:
        stopped = session.get_one(Rehearsal, run)
        seen = session.scalar(select(func.count()).select_from(Rehearsed)) or 0
    assert (stopped.state, bool(stopped.message)) == ("reading", True)
    world.pass_time()
    heartbeat.tick(world.services, None)
    assert world.circuit("shop") == "closed"
    assert finish(world.services, world.store, run) == ""
    with world.db.read() as session:
        assert session.get_one(Rehearsal, run).looked == session.scalar(select(func.count()).select_from(Rehearsed)) > seen


def test_a_rehearsal_of_nothing_that_travels_is_refused(world: World) -> None:
    world.set(stock="off")
    with world.db.begin() as session, pytest.raises(SettingError, match="travel"):
        rehearsal.start(session, session.get_one(Store, world.store.id), ["stock"])


def test_a_dry_run_leaves_the_same_facts(world: World) -> None:
    world.set(dry_run=1)
    world.sync("customer")
    foretold = rows(world, entity="customer")
    assert foretold
    assert {row.kind for row in foretold} <= {"create", "link"}
    assert any(change["field"] == "email" for row in foretold for change in row.changes)


def test_the_table_has_no_formula(world: World) -> None:
    number = min(world.shop.shop.tables["customers"].ids())
    edit(world, number, firstname='=HYPERLINK("http://evil")')
    rehearse(world, "customer")
    table = list(csv.reader(io.StringIO("".join(rehearsed.table(world.db, world.store.id, Wanted())))))
    assert table[0] == list(rehearsed.HEADER)
    names = [row[9] for row in table if row[2] == str(number) and row[7] == "name"]
    assert names[0].startswith("'=HYPERLINK")
    assert [cell(value) for value in ("-5.50", "+1", "@x", None, "\tx", 3)] == ["-5.50", "+1", "'@x", "", "'\tx", "3"]


def test_two_processes_on_one_rehearsal_count_nothing_twice(world: World) -> None:
    with world.db.begin() as session:
        run = rehearsal.start(session, session.get_one(Store, world.store.id), ["customer"], actor="test").id
    with world.db.read() as session:
        stale = session.get_one(Rehearsal, run)
    assert not finish(world.services, world.store, run)
    with world.db.read() as session:
        looked = session.get_one(Rehearsal, run).looked
    rehearsal._batch(world.services, world.store, stale)
    with world.db.read() as session:
        assert session.get_one(Rehearsal, run).looked == looked
