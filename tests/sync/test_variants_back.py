"""What a variant has of its own travels from Odoo to the combination, and both ways field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.config import Config
from portal.db import Database
from portal.models import Store, SyncJob
from portal.sandbox.prestashop import DEMO_KEY
from portal.sandbox.prestashop_actions import edit_product
from portal.sandbox.prestashop_store import METHODS
from portal.sync import conflicts, jobs, poll
from portal.sync.services import Services
from tests.sync.test_variants import attribute, bring, change, links, odoo, shirt, variants
from tests.world import World, make_world

VERSIONS = ["14", "17", "19"]
COLUMNS = ["default_code", "barcode", "standard_price", "weight"]


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param) as world:
        yield world


@pytest.fixture
def one(db: Database, config: Config) -> Iterator[World]:
    """Odoo 17, for what does not depend on the version."""
    with make_world(db, Services(config, db)) as world:
        yield world


def joined(world: World, direction: str, **choices: Any) -> tuple[int, list[str]]:
    """A product with four combinations on both sides; from now on in this direction."""
    product, keys = shirt(world, attribute(world, "Fit", "Slim", "Wide"), attribute(world, "Tone", "Sand", "Sea"))
    bring(world, product)
    world.set(products=direction, stock="off", **choices)
    return product, keys


def tell(world: World, product: int, state: str = "synced") -> SyncJob:
    """Odoo reports the product."""
    template = links(world, "product")[str(product)].odoo_id
    with world.db.begin() as session:
        number = jobs.notice(session, session.get_one(Store, world.store.id), "product", "odoo_to_ps", str(template), source="test")
    world.drain()
    job = world.job(number)
    assert job.state == state, job.message
    return job


def variant(world: World, key: str) -> int:
    return links(world, "combination")[key].odoo_id


def in_odoo(world: World, key: str) -> list[Any]:
    row = odoo(world).read("product.product", [variant(world, key)], COLUMNS)[0]
    return [row[column] for column in COLUMNS]


def in_shop(world: World, key: str, *fields: str) -> list[Any]:
    row = world.shop.shop.tables["combinations"].rows[int(key.split(":")[1])]
    return [row[field] for field in fields]


def price_of(world: World, value: str, extra: float) -> None:
    """Someone gives an attribute value of the product a price extra."""
    rows = odoo(world).search_read("product.template.attribute.value", [("name", "=", value)], ["id"])
    odoo(world).write("product.template.attribute.value", [row["id"] for row in rows], {"price_extra": extra})


def forget_time(world: World) -> None:
    """As if all that Odoo has stamped so far were long ago."""
    with world.odoo.db.transaction():
        for table in world.odoo.db.tables.values():
            for row in table.rows.values():
                if "write_date" in row:
                    row["write_date"] = "2026-01-01 00:00:00"


def writes(world: World) -> int:
    return sum(n for call, n in world.shop.calls.items() if call.split()[0] in ("PATCH", "POST"))


def test_a_variant_s_own_values_reach_its_combination(world: World) -> None:
    product, keys = joined(world, "odoo_to_ps")
    odoo(world).write("product.product", [variant(world, keys[0])], {
        "default_code": "SLIM-SAND", "barcode": "4006381333931", "standard_price": 9.5, "weight": 0.15})
    odoo(world).write("product.product", [variant(world, keys[1])], {"standard_price": 8.25})
    price_of(world, "Wide", 3.5)
    written = world.written()
    job = tell(world, product)
    assert "combinations changed in the shop" in job.message
    assert in_shop(world, keys[0], "reference", "ean13", "wholesale_price", "weight") \
        == ["SLIM-SAND", "4006381333931", "9.500000", "-0.050000"], "the weight is a difference to the product's"
    assert in_shop(world, keys[1], "wholesale_price") == ["8.250000"]
    assert [in_shop(world, key, "price") for key in keys[2:]] == [["3.500000"]] * 2
    assert world.shop.calls["PATCH combinations"] == 1
    assert world.written() == written
    before = writes(world)
    tell(world, product)
    assert writes(world) == before, "an echo"


def test_a_price_extra_alone_is_found_by_the_poll(world: World) -> None:
    _, keys = joined(world, "odoo_to_ps", poll_minutes=5)
    poll.poll(world.services, world.store.id, force=True)
    world.drain()
    forget_time(world)
    price_of(world, "Wide", 2.25)
    poll.poll(world.services, world.store.id, force=True)
    world.drain()
    assert in_shop(world, keys[3], "price") == ["2.250000"]


@pytest.mark.parametrize("first", ["shop", "odoo"])
def test_edits_of_different_values_of_one_combination_survive(world: World, first: str) -> None:
    product, keys = joined(world, "both")
    odoo(world).write("product.product", [variant(world, keys[0])], {"standard_price": 9.5})
    price_of(world, "Wide", 3.5)
    change(world, keys[0], weight="0.3", ean13="4006381333931")
    change(world, keys[1], reference="RENAMED")
    for side in (first, "shop" if first == "odoo" else "odoo"):
        bring(world, product) if side == "shop" else tell(world, product)
    assert in_odoo(world, keys[0])[1:] == ["4006381333931", 9.5, 0.5]
    assert in_odoo(world, keys[1])[0] == "RENAMED"
    assert in_shop(world, keys[0], "wholesale_price", "ean13") == ["9.500000", "4006381333931"]
    assert in_shop(world, keys[2], "price") == ["3.500000"]
    before, written = writes(world), world.written()
    for _ in range(2):
        bring(world, product)
        tell(world, product)
    assert (writes(world), world.written()) == (before, written), "nothing bounces"


@pytest.mark.parametrize("first", ["shop", "odoo"])
@pytest.mark.parametrize("owner", ["odoo", "prestashop"])
def test_of_two_edits_of_one_value_the_owner_wins_and_the_other_can_be_applied(one: World, owner: str, first: str) -> None:
    product, keys = joined(one, "both", product_owner_cost=owner)
    odoo(one).write("product.product", [variant(one, keys[0])], {"standard_price": 9.5})
    change(one, keys[0], wholesale_price="7.75")
    bring(one, product) if first == "shop" else tell(one, product)
    winner, loser = (9.5, 7.75) if owner == "odoo" else (7.75, 9.5)
    assert (in_odoo(one, keys[0])[2], float(in_shop(one, keys[0], "wholesale_price")[0])) == (winner, winner)
    with one.db.begin() as session:
        store = session.get_one(Store, one.store.id)
        [row] = conflicts.listed(session, store)
        assert (row.entity, row.shop_id, row.field, row.winner) == ("combination", keys[0], "cost", owner)
        assert conflicts.apply(session, store, row.id, "prestashop" if owner == "odoo" else "odoo")
    one.drain()
    assert (in_odoo(one, keys[0])[2], float(in_shop(one, keys[0], "wholesale_price")[0])) == (loser, loser)
    change(one, keys[0], wholesale_price="5")
    bring(one, product)
    assert in_odoo(one, keys[0])[2] == 5, "a choice is written once, not for ever"


def test_manual_writes_nothing_until_someone_chooses_or_dismisses(one: World) -> None:
    product, keys = joined(one, "both", product_owner_cost="manual")
    odoo(one).write("product.product", [variant(one, keys[0])], {"standard_price": 9.5})
    change(one, keys[0], wholesale_price="7.75", reference="NEW")
    for _ in range(2):
        bring(one, product)
        tell(one, product)
    assert (in_odoo(one, keys[0])[0], in_odoo(one, keys[0])[2]) == ("NEW", 9.5), "the other values travel"
    assert in_shop(one, keys[0], "wholesale_price") == ["7.75"]
    with one.db.begin() as session:
        store = session.get_one(Store, one.store.id)
        [row] = conflicts.listed(session, store)
        assert conflicts.dismiss(session, store, row.id)
    bring(one, product)
    tell(one, product)
    assert (in_odoo(one, keys[0])[2], in_shop(one, keys[0], "wholesale_price")) == (9.5, ["7.75"])
    odoo(one).write("product.product", [variant(one, keys[0])], {"standard_price": 6})
    tell(one, product)
    assert in_shop(one, keys[0], "wholesale_price") == ["6.000000"], "a later edit travels again"


def test_impacts_that_odoo_cannot_express_stay_in_the_shop(one: World) -> None:
    product, keys = joined(one, "both")
    for key, impact in zip(keys, ("1", "2", "1.5", "3.5"), strict=True):
        change(one, key, price=impact)
    job = bring(one, product)
    assert "not sums of extras" in job.message
    before, written = writes(one), one.written()
    tell(one, product)
    bring(one, product)
    assert [in_shop(one, key, "price") for key in keys] == [["1"], ["2"], ["1.5"], ["3.5"]]
    assert (writes(one), one.written()) == (before, written)


def theirs(world: World, **values: Any) -> tuple[int, int, list[str]]:
    """A product of the shop, and variants with its references that people made in Odoo: product, template, keys."""
    client = odoo(world)
    shape = client.create("product.attribute", [{"name": "Shape", "create_variant": "always"}])[0]
    made = client.create("product.attribute.value", [{"name": n, "attribute_id": shape} for n in ("A", "B")])
    template = client.create("product.template", [{"name": "Ours", "list_price": 33, **client.profile.storable_values,
                                                   "attribute_line_ids": [[0, 0, {"attribute_id": shape,
                                                                                  "value_ids": [[6, 0, made]]}]]}])[0]
    product, keys = shirt(world, attribute(world, "Fit", "Slim", "Wide"), attribute(world, "Tone", "Sand"))
    for number, key in zip(sorted(variants(world, template)), keys, strict=True):
        client.write("product.product", [number], {"default_code": in_shop(world, key, "reference")[0], **values})
    return product, template, keys


def test_linking_combinations_writes_nothing_to_odoo_where_products_do_not_travel_there(world: World) -> None:
    product, template, keys = theirs(world, weight=3.0, barcode=False)
    change(world, keys[0], ean13="4006381333931", wholesale_price="4")
    world.set(products="odoo_to_ps", stock="both")
    written = world.written()
    with world.db.begin() as session:
        jobs.notice(session, session.get_one(Store, world.store.id), "product", "odoo_to_ps", str(template), source="test")
    world.drain()
    assert not world.jobs("error", "dead"), [job.message for job in world.jobs("error", "dead")]
    assert links(world, "product")[str(product)].odoo_id == template
    assert world.written() == written, "not one call that changes Odoo"
    assert in_shop(world, keys[0], "weight", "ean13") == ["2.800000", "4006381333931"], "filled from Odoo, nothing erased"
    edit_product(world.shop.shop, product, price="99")
    bring(world, product)
    assert world.written() == written


def test_variants_and_combinations_that_meet_both_ways_fill_each_other(one: World) -> None:
    product, template, keys = theirs(one, weight=3.0)
    change(one, keys[0], ean13="4006381333931")
    one.set(products="both", stock="off")
    bring(one, product)
    assert [row["weight"] for row in variants(one, template).values()] == [3.0, 3.0], "Odoo owns the weight"
    assert in_shop(one, keys[0], "weight") == ["2.800000"]
    assert in_odoo(one, keys[0])[1] == "4006381333931"
    assert float(one.shop.shop.tables["products"].rows[product]["price"]) == 33, "Odoo owns the price"
    before, written = writes(one), one.written()
    tell(one, product)
    bring(one, product)
    assert (writes(one), one.written()) == (before, written)


def test_a_dry_run_says_what_it_would_change_of_a_combination(one: World) -> None:
    product, keys = joined(one, "odoo_to_ps", dry_run=True)
    odoo(one).write("product.product", [variant(one, keys[0])], {"standard_price": 9.5})
    before = writes(one)
    job = tell(one, product, "pending")
    assert f"cost of combination {keys[0]}" in job.message
    assert writes(one) == before


def test_a_key_that_may_not_change_combinations_fails_only_them(one: World) -> None:
    product, keys = joined(one, "odoo_to_ps")
    tables = one.shop.shop.tables
    one.shop.shop.keys[DEMO_KEY].rights = {name: {"GET"} if name == "combinations" else set(METHODS) for name in tables}
    odoo(one).write("product.product", [variant(one, keys[0])], {"standard_price": 9.5})
    job = tell(one, product, "error")
    assert "combinations" in job.message + job.remedy
    assert one.circuit("shop") == "closed"
