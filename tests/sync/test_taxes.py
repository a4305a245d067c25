"""The taxes of a store: what is missing names the orders that wait, and choosing or creating it lets them go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.config import Config
from portal.db import Database
from portal.models import Store
from portal.sandbox.odoo_models import Env
from portal.sandbox.prestashop_actions import add_address, add_customer
from portal.sandbox.prestashop_orders import place_order
from portal.settings import SettingError
from portal.sync import taxes
from portal.sync.services import Services
from tests.world import World, make_world


@pytest.fixture(params=["14", "17", "19"])
def every(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, max_attempts=1) as world:
        yield world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), max_attempts=1) as world:
        yield world


def facts(world: World) -> dict[str, Any]:
    with world.db.read() as session:
        return taxes.facts(session, session.get_one(Store, world.store.id))


def line(world: World, place: str, rate: str, group: int = 0) -> dict[str, Any]:
    [found] = [row for row in facts(world)["lines"] if (row["place"], row["rate"], row["group"]) == (place, rate, group)]
    return found


def choose(world: World, place: str, rate: str, *numbers: int, group: int = 0) -> int:
    with world.db.begin() as session:
        return taxes.choose(session, session.get_one(Store, world.store.id), place, rate, group, numbers, "someone")


def odoo_taxes(world: World, rate: float) -> list[int]:
    client = world.services.odoo(world.store)
    return [row["id"] for row in client.search_read("account.tax", [("amount", "=", rate), ("type_tax_use", "=", "sale")], ["id"],
                                                    order="id", context={"active_test": False})]


def accountant(world: World, numbers: list[int], **values: object) -> None:
    """Someone with the right to do so changes taxes in Odoo; the connector's own user may not."""
    with world.odoo.db.transaction():
        Env(world.odoo.db)["account.tax"].write(numbers, values)


def archive(world: World, rate: float) -> list[int]:
    numbers = odoo_taxes(world, rate)
    accountant(world, numbers, active=False)
    return numbers


def taxes_of(world: World, order: int) -> set[int]:
    client = world.services.odoo(world.store)
    field = client.profile.tax_field
    rows = client.search_read("sale.order.line", [("order_id.origin", "=", f"PS/shop/{order}")], [field])
    return {number for row in rows for number in row[field]}


def test_the_table_proposes_both_kinds_of_every_rate_of_the_shops_countries(every: World) -> None:
    taxes.refresh(every.services, every.store)
    found = line(every, "FR", "20%")
    assert (found["chosen"], found["missing"], found["groups"] != []) == (False, "", True)
    assert [tax["name"] for tax in (*found["included"], *found["excluded"])] == ["20% incl.", "20%"]
    assert facts(every)["missing"] == []
    none = line(every, "FR", "0%")
    assert (none["included"], none["excluded"], none["missing"]) == ([], [], "")


def test_orders_wait_under_the_name_of_the_tax_and_go_on_when_it_is_there_again(every: World) -> None:
    every.sync("customer", "product")
    gone = archive(every, 20.0)
    every.sync("order")
    france, austria = facts(every)["missing"]
    assert (france["cause"], france["place"], france["rate"]) == ("tax:20%:FR", "FR", "20%")
    assert austria["cause"] == "tax:20%:AT"
    waiting = france["orders"] + austria["orders"]
    assert france["orders"] == len(france["waiting"]) > 1
    assert waiting == every.counts()["dead"]
    assert taxes.refresh(every.services, every.store) == 0, "it is still missing"
    assert line(every, "FR", "20%")["missing"] == "both"
    accountant(every, gone, active=True)
    assert taxes.refresh(every.services, every.store) == waiting
    counts = every.drain()
    assert (counts["dead"], counts["error"], facts(every)["missing"]) == (0, 0, [])


def test_a_tax_that_was_just_created_is_found_by_the_next_try(world: World) -> None:
    world.sync("customer", "product")
    gone = archive(world, 20.0)
    order = world.sync("order") and world.jobs("dead")[0].record
    accountant(world, gone, active=True)
    job = world.notice("order", order)
    world.drain()
    assert world.job(job).state == "synced", "what the process remembers of Odoo's taxes is read again first"


def special_tax(world: World) -> int:
    with world.odoo.db.transaction():
        [number] = Env(world.odoo.db)["account.tax"].create([{
            "name": "Special 20%", "amount": 20.0, "amount_type": "percent", "type_tax_use": "sale", "price_include": False,
            "sequence": 99}])
    return int(number)


def test_the_chosen_tax_is_used_instead_of_the_proposed_one(world: World) -> None:
    special = special_tax(world)
    taxes.refresh(world.services, world.store)
    assert choose(world, "FR", "20%", special) == 0
    world.sync("customer", "product", "order")
    used = {number: taxes_of(world, number) for number in world.shop.shop.tables["orders"].ids()}
    assert any(special in found for found in used.values())
    proposed = set(odoo_taxes(world, 20.0)) - {special}
    assert not any(special in found and found & proposed for found in used.values()), "nothing else is used beside it"


def test_choosing_a_tax_lets_all_orders_go_on_that_wait_for_it(world: World) -> None:
    special = special_tax(world)
    taxes.refresh(world.services, world.store)
    choose(world, "FR", "20%", special)
    accountant(world, [special], active=False)
    taxes.refresh(world.services, world.store)
    assert line(world, "FR", "20%")["chosen_is_gone"]
    world.sync("customer", "product", "order")
    [missing] = facts(world)["missing"]
    assert (missing["orders"], missing["can_be_chosen"]) == (world.counts()["dead"], True)
    assert "do not make this rate any more" in world.jobs("dead")[0].message
    assert taxes.refresh(world.services, world.store) == 0, "what is chosen is still not there"
    assert choose(world, "FR", "20%", *odoo_taxes(world, 20.0)[:1]) == missing["orders"] > 1
    counts = world.drain()
    assert (counts["dead"], counts["error"], facts(world)["missing"]) == (0, 0, [])


def test_the_country_is_that_of_the_address_whose_taxes_the_shop_charges(world: World) -> None:
    shop = world.shop.shop
    for number, row in shop.tables["configurations"].rows.items():
        if row["name"] == "PS_TAX_ADDRESS_TYPE":
            with shop.transaction():
                shop.update("configurations", number, value="id_address_invoice")
    world.services.forget(world.store)
    customer = add_customer(shop, "Ada", "Byron", "ada@example.com")
    away, home = (add_address(shop, customer, code, address1="1 street", postcode="1000", city="Town") for code in ("ES", "FR"))
    order = place_order(shop, customer, [{"product": 19, "quantity": 1}], address=away, invoice_address=home)
    world.sync("customer", "product")
    for rate in (20.0, 21.0):
        archive(world, rate)
    world.notice("order", order)
    world.drain()
    assert [job.cause.rpartition(":")[2] for job in world.jobs("dead")] == ["FR"]


def test_a_choice_of_one_tax_group_stands_beside_the_one_for_all(world: World) -> None:
    taxes.refresh(world.services, world.store)
    included, excluded = (line(world, "FR", "20%")[kind][0]["id"] for kind in ("included", "excluded"))
    with world.db.read() as session:
        content = taxes.find(session, world.store).content  # type: ignore[union-attr]
    [france] = [place for place in content["places"] if place["code"] == "FR"]
    [rate] = [found for found in france["rates"] if found["label"] == "20%"]
    group = rate["groups"][0]["id"]
    choose(world, "FR", "20%", included)
    choose(world, "FR", "20%", excluded, group=group)
    everywhere, here = line(world, "FR", "20%"), line(world, "FR", "20%", group)
    assert [tax["id"] for tax in everywhere["included"]] == [included]
    assert (everywhere["excluded"], everywhere["missing"]) == ([], "excluded")
    assert (here["included"], [tax["id"] for tax in here["excluded"]], here["missing"]) == ([], [excluded], "included")
    assert "17 of 100 amounts" in here["costs"]
    choose(world, "FR", "20%")
    choose(world, "FR", "20%", group=group)
    assert not line(world, "FR", "20%")["chosen"]


def test_a_choice_that_does_not_make_the_rate_is_refused_by_name(world: World) -> None:
    with pytest.raises(SettingError, match="Read the taxes again"):
        choose(world, "FR", "20%", 1)
    taxes.refresh(world.services, world.store)
    other = line(world, "FR", "5.5%")["excluded"][0]["id"]
    with pytest.raises(SettingError, match=r"taxes: 5.5% does not make 20%"):
        choose(world, "FR", "20%", other)
    with pytest.raises(SettingError, match="taxes: The Odoo tax 4711 does not make 20%"):
        choose(world, "FR", "20%", 4711)
    with pytest.raises(SettingError, match="group: Tax group 99"):
        choose(world, "FR", "20%", odoo_taxes(world, 20.0)[0], group=99)
    with pytest.raises(SettingError, match="rate: The shop charges no 33% in FR"):
        choose(world, "FR", "33%", 1)
    assert not any(row["chosen"] for row in facts(world)["lines"])


def test_another_odoo_database_has_choices_of_its_own(world: World) -> None:
    taxes.refresh(world.services, world.store)
    choose(world, "FR", "20%", odoo_taxes(world, 20.0)[0])
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        store.odoo_db = "another"
        assert (taxes.chosen(session, store), taxes.find(session, store)) == ({}, None)
        session.rollback()


def test_orders_that_are_to_be_tried_again_later_go_on_at_once_too(world: World) -> None:
    world.set(max_attempts=5)
    world.sync("customer", "product")
    gone = archive(world, 20.0)
    world.sync("order")
    assert world.counts()["dead"] == 0
    waiting = world.counts()["error"]
    accountant(world, gone, active=True)
    assert taxes.refresh(world.services, world.store) == waiting > 1
    assert {job.attempts for job in world.jobs("pending") if job.entity == "order"} == {0}
    assert world.drain()["error"] == 0
