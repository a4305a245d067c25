"""Products travel from Odoo to the shop and both ways, on every Odoo: found, created, only differences, no echo, no edit lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Database
from portal.models import Conflict, Mapping, Store, SyncJob
from portal.sandbox.prestashop_actions import add_product, delete_product, edit_product
from portal.sandbox.prestashop_install import both
from portal.sync import conflicts, echoes, jobs
from portal.sync.services import Services
from tests.world import World, make_world

VERSIONS = ["14", "16", "17", "18", "19"]


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, products="odoo_to_ps", stock="odoo_to_ps") as world:
        yield world


@pytest.fixture
def one(db: Database, config: Config) -> Iterator[World]:
    """Odoo 17, for what does not depend on the version."""
    with make_world(db, Services(config, db), products="odoo_to_ps", stock="odoo_to_ps") as world:
        yield world


def odoo(world: World) -> Any:
    return world.services.odoo(world.store)


def make(world: World, **values: Any) -> int:
    """Someone creates a product in Odoo; the template's id."""
    client = odoo(world)
    lamp = {"name": "Lamp", "default_code": "LAMP", "list_price": 19.5, "standard_price": 7.25, "weight": 1.5,
            "description_sale": "Bright.\n\nWarm.", **client.profile.storable_values}
    return int(client.create("product.template", [lamp | values])[0])


def tell(world: World, *templates: int, state: str = "synced") -> list[SyncJob]:
    """Odoo reports these templates; the jobs afterwards."""
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        ids = [jobs.notice(session, store, "product", "odoo_to_ps", str(t), source="test") for t in templates]
    world.drain()
    found = [world.job(number) for number in ids]
    assert {job.state for job in found} == {state}, [job.message for job in found]
    return found


def tell_all(world: World, templates: list[int]) -> None:
    """A poll finds these."""
    with world.db.begin() as session:
        jobs.notice_many(session, session.get_one(Store, world.store.id), "product", "odoo_to_ps", [str(t) for t in templates],
                         source="test")
    world.drain()


def shop_says(world: World, product: int) -> SyncJob:
    number = world.notice("product", product)
    world.drain()
    return world.job(number)


def link(world: World, template: int) -> Mapping | None:
    with world.db.read() as session:
        return session.scalars(select(Mapping).where(Mapping.entity == "product", Mapping.odoo_id == template)).first()


def linked(world: World, template: int) -> int:
    found = link(world, template)
    assert found is not None
    return int(found.shop_id)


def shop(world: World, product: int, field: str) -> Any:
    with world.shop.shop.transaction():
        value = world.shop.shop.get("products", product, field)
    return value[0]["value"] if isinstance(value, list) else value


def writes(world: World) -> int:
    return int(world.shop.calls["PATCH products"] + world.shop.calls["POST products"])


def dropped(world: World) -> int:
    with world.db.read() as session:
        return echoes.count(session.get_one(Store, world.store.id))


def test_a_product_of_odoo_is_created_whole_and_visible(world: World) -> None:
    template = make(world, barcode="4099999999991")
    tell(world, template)
    product = linked(world, template)
    record = world.shop.shop.tables["products"].rows[product]
    assert [shop(world, product, f) for f in ("name", "reference", "price", "wholesale_price", "weight", "ean13", "active")] \
        == ["Lamp", "LAMP", "19.500000", "7.250000", "1.500000", "4099999999991", "1"]
    assert shop(world, product, "description_short") == "<p>Bright.</p><p>Warm.</p>"
    assert [str(record[f]) for f in ("state", "available_for_order", "show_price", "id_category_default")] == ["1", "1", "1", "2"]
    assert [entry["value"] for entry in record["name"]] == ["Lamp", "Lamp"], "every language has a name"
    [stock_job] = [job for job in world.jobs("synced") if job.entity == "stock"]
    assert stock_job.direction == "odoo_to_ps"


def test_an_existing_product_is_found_by_its_reference_and_only_differences_are_written(world: World) -> None:
    product = add_product(world.shop.shop, "Lamp", "10", "LAMP", french="Lampe", weight="1.5", wholesale_price="7.25")
    template = make(world, barcode="4099999999991")
    tell(world, template)
    assert linked(world, template) == product
    assert world.shop.calls["POST products"] == 0
    assert shop(world, product, "price") == "19.500000"
    before, count = writes(world), dropped(world)
    tell(world, template)
    assert (writes(world), dropped(world)) == (before, count + 1), "nothing new: an echo"
    odoo(world).write("product.template", [template], {"name": "Floor lamp", "standard_price": 8.5})
    [job] = tell(world, template)
    assert "name" in job.message
    assert "cost" in job.message
    assert "price," not in job.message
    names = [entry["value"] for entry in world.shop.shop.tables["products"].rows[product]["name"]]
    assert names == ["Floor lamp", "Lampe"]
    assert shop(world, product, "wholesale_price") == "8.500000"


def test_archiving_makes_inactive_and_deleting_is_never_copied(world: World) -> None:
    template, other = make(world), make(world, default_code="LAMP-2")
    tell(world, template, other)
    product = linked(world, template)
    odoo(world).write("product.template", [template], {"active": False})
    tell(world, template)
    assert shop(world, product, "active") == "0"
    odoo(world).write("product.template", [template], {"active": True})
    tell(world, template)
    assert shop(world, product, "active") == "1"
    gone = linked(world, other)
    delete_product(world.shop.shop, gone)
    before = writes(world)
    odoo(world).write("product.template", [other], {"name": "Again"})
    [job] = tell(world, other)
    assert "deleted in the shop" in job.message
    assert writes(world) == before
    odoo(world).call("product.template", "unlink", [template])
    [job] = tell(world, template)
    assert "no longer in Odoo" in job.message
    assert shop(world, product, "active") == "1"


def test_what_is_not_clear_is_an_error_and_never_a_guess(one: World) -> None:
    for _ in range(2):
        add_product(one.shop.shop, "Twin", "1", "TWIN")
    [job] = tell(one, make(one, default_code="TWIN"), state="error")
    assert "2 products with the reference 'TWIN'" in job.message
    same = [make(one, default_code="SAME"), make(one, default_code="SAME")]
    tell_all(one, same)
    assert len(one.shop.shop.tables["products"].by("reference", "SAME")) == 1
    assert any("share a reference" in job.message for job in one.jobs("error"))
    parts = one.shop.shop.tables["combinations"].rows
    code = next(row["reference"] for row in parts.values() if row.get("reference"))
    [job] = tell(one, make(one, default_code=code), state="error")
    assert "combination" in job.message


def test_what_has_no_place_in_the_shop_is_left_out_with_a_reason(one: World) -> None:
    found = tell(one, make(one, sale_ok=False), make(one, default_code="OLD", active=False))
    assert ["not for sale" in found[0].message, "archived" in found[1].message] == [True, True]
    assert writes(one) == 0


def test_a_value_the_shop_refuses_fails_alone(one: World) -> None:
    good = [make(one, default_code=f"G{n}", name=f"Good {n}") for n in range(5)]
    tell(one, *good)
    for number, template in enumerate(good):
        name = {"name": "Bad <name>"} if number == 2 else {}
        odoo(one).write("product.template", [template], {"list_price": 30 + number, **name})
    tell_all(one, good)
    prices = [shop(one, linked(one, template), "price") for template in good]
    assert prices == ["30.000000", "31.000000", "19.500000", "33.000000", "34.000000"]
    [bad] = one.jobs("error")
    assert "name" in bad.message
    assert one.shop.calls["PATCH products"] == 1, "the others shared a request"


def test_an_answer_that_was_lost_makes_no_second_product(one: World) -> None:
    template = make(one)
    one.shop.faults.arm("drop", side="shop", model="products", method="POST")
    tell(one, template, state="pending")
    one.pass_time()
    one.drain()
    assert linked(one, template)
    assert len(one.shop.shop.tables["products"].by("reference", "LAMP")) == 1


@pytest.mark.parametrize("direction", ["off", "ps_to_odoo"])
def test_an_excluded_direction_writes_nothing(one: World, direction: str) -> None:
    one.set(products=direction)
    [job] = tell(one, make(one))
    assert "nothing was written" in job.message
    assert writes(one) == 0


def test_odoo_only_writes_nothing_to_odoo_when_the_shop_reports(one: World) -> None:
    template = make(one)
    tell(one, template)
    edit_product(one.shop.shop, linked(one, template), price="99")
    written = one.written()
    job = shop_says(one, linked(one, template))
    assert job.state == "synced"
    assert "nothing was written" in job.message
    assert one.written() == written


def test_a_dry_run_writes_nothing(one: World) -> None:
    template = make(one)
    one.set(dry_run=1)
    [job] = tell(one, template, state="pending")
    assert "would create" in job.message
    assert writes(one) == 0
    assert link(one, template) is None
    one.set(dry_run=0)
    one.drain()
    assert linked(one, template)


# --- both ways --------------------------------------------------------------------------------------------------------


def joined(world: World, **choices: Any) -> tuple[int, int]:
    """A product on both sides; from now on both ways."""
    template = make(world)
    tell(world, template)
    world.set(products="both", **choices)
    return template, linked(world, template)


def price(world: World, template: int) -> float:
    return float(odoo(world).read("product.template", [template], ["list_price"], context={"active_test": False})[0]["list_price"])


def test_edits_of_different_fields_on_both_sides_survive(world: World) -> None:
    template, product = joined(world)
    odoo(world).write("product.template", [template], {"list_price": 25.5})
    edit_product(world.shop.shop, product, name=both("Desk lamp", "Lampe"))
    job = shop_says(world, product)
    row = odoo(world).read("product.template", [template], ["name", "list_price"])[0]
    assert (row["name"], row["list_price"]) == ("Desk lamp", 25.5), job.message
    assert (shop(world, product, "name"), shop(world, product, "price")) == ("Desk lamp", "25.500000")
    before, written = writes(world), world.written()
    tell(world, template)
    shop_says(world, product)
    assert (writes(world), world.written()) == (before, written), "nothing bounces"


@pytest.mark.parametrize("first", ["shop", "odoo"])
@pytest.mark.parametrize("owner", ["odoo", "prestashop"])
def test_of_two_edits_of_one_field_the_owner_wins_and_the_other_can_be_applied(one: World, owner: str, first: str) -> None:
    template, product = joined(one, product_owner_price=owner)
    odoo(one).write("product.template", [template], {"list_price": 25.5})
    edit_product(one.shop.shop, product, price="31")
    if first == "shop":
        shop_says(one, product)
    else:
        tell(one, template)
    winner, loser = (25.5, 31.0) if owner == "odoo" else (31.0, 25.5)
    assert price(one, template) == float(shop(one, product, "price")) == winner
    with one.db.begin() as session:
        store = session.get_one(Store, one.store.id)
        [row] = conflicts.listed(session, store)
        assert (row.field, row.base, row.shop_value, row.odoo_value, row.winner) == ("price", "19.5", "31", "25.5", owner)
        assert conflicts.counts(session, store) == {"open": 1, "kept": 0, "applied": 0}
        assert conflicts.apply(session, store, row.id, "prestashop" if owner == "odoo" else "odoo")
        assert not conflicts.apply(session, store, row.id, "odoo"), "once"
    one.drain()
    assert price(one, template) == float(shop(one, product, "price")) == loser
    with one.db.read() as session:
        assert session.scalars(select(Conflict)).one().written
    edit_product(one.shop.shop, product, price="44")
    shop_says(one, product)
    assert price(one, template) == 44, "an applied choice is written once, not for ever"


def test_manual_writes_nothing_until_someone_chooses_or_dismisses(one: World) -> None:
    template, product = joined(one, product_owner_price="manual")
    odoo(one).write("product.template", [template], {"list_price": 25.5})
    edit_product(one.shop.shop, product, price="31")
    for _ in range(2):
        shop_says(one, product)
        tell(one, template)
    assert (price(one, template), shop(one, product, "price")) == (25.5, "31.000000")
    with one.db.begin() as session:
        store = session.get_one(Store, one.store.id)
        [row] = conflicts.listed(session, store)
        assert conflicts.dismiss(session, store, row.id)
    shop_says(one, product)
    tell(one, template)
    assert (price(one, template), shop(one, product, "price")) == (25.5, "31.000000")
    with one.db.read() as session:
        assert conflicts.counts(session, one.store) == {"open": 0, "kept": 1, "applied": 0}
    odoo(one).write("product.template", [template], {"list_price": 27})
    tell(one, template)
    assert shop(one, product, "price") == "27.000000", "a later edit travels again"


def test_a_price_odoo_cannot_hold_does_not_bounce(world: World) -> None:
    template, product = joined(world)
    edit_product(world.shop.shop, product, price="9.083333")
    shop_says(world, product)
    before, written = writes(world), world.written()
    for _ in range(2):
        tell(world, template)
        shop_says(world, product)
    assert (writes(world), world.written()) == (before, written)
    assert shop(world, product, "price") == "9.083333"


def test_a_product_with_combinations_takes_the_edits_of_its_template(one: World) -> None:
    one.set(products="both")
    one.sync("product")
    with one.db.read() as session:
        rows = session.scalars(select(Mapping).where(Mapping.entity == "product"))
        mapping = next(row for row in rows if row.data.get("combinations"))
    template, product = mapping.odoo_id, int(mapping.shop_id)
    odoo(one).write("product.template", [template], {"name": "Renamed"})
    edit_product(one.shop.shop, product, price="55")
    shop_says(one, product)
    tell(one, template)
    assert shop(one, product, "name") == "Renamed"
    assert price(one, template) == 55
    before, written = writes(one), one.written()
    shop_says(one, product)
    tell(one, template)
    assert (writes(one), one.written()) == (before, written)


def test_the_initial_sync_brings_what_odoo_sells_where_products_travel_from_there(one: World) -> None:
    lamps = [make(one, name=f"Lamp {number}", default_code=f"LAMP-{number}") for number in range(3)]
    hidden = make(one, name="Spare part", default_code="SPARE", sale_ok=False)

    one.sync("product", "stock")

    assert all(link(one, template) for template in lamps)
    assert link(one, hidden) is None
    assert one.counts()["pending"] == one.counts()["error"] == 0
