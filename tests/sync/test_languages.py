"""Names and descriptions travel in every language that both sides have, in each direction, on every Odoo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from portal.clients.errors import Outage
from portal.clients.odoo import Odoo
from portal.config import Config
from portal.db import Database
from portal.models import Conflict, Mapping, Store
from portal.sandbox.prestashop_actions import add_combination, add_customer, add_product, edit_product
from portal.sandbox.prestashop_install import both
from portal.sync import hand_links, jobs
from portal.sync.services import Services
from tests.world import World, make_world

pytestmark = pytest.mark.parametrize("db", ["sqlite"], indirect=True)
FRENCH = {"lang": "fr_FR"}
HTML = both("<p>A <b>white</b> mug</p>", "<p>Une tasse blanche</p>")


@pytest.fixture(params=["14", "15", "16", "17", "18", "19"])
def every(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, stock="off") as world:
        yield world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), stock="off") as world:
        yield world


def mug(world: World) -> int:
    return add_product(world.shop.shop, "Mug", 10, "MUG", french="Tasse", description_short=HTML)


def bring(world: World, product: int) -> None:
    world.notice("product", product)
    world.drain()
    assert not world.jobs("dead", "error"), [job.message for job in world.jobs("dead", "error")]


def tell(world: World, template: int) -> None:
    with world.db.begin() as session:
        jobs.notice(session, session.get_one(Store, world.store.id), "product", "odoo_to_ps", str(template), source="test")
    world.drain()
    assert not world.jobs("dead", "error"), [job.message for job in world.jobs("dead", "error")]


def template(world: World, product: int) -> int:
    with world.db.read() as session:
        return session.scalars(select(Mapping.odoo_id).where(Mapping.entity == "product", Mapping.shop_id == str(product))).one()


def in_odoo(world: World, number: int, language: str) -> tuple[str, str]:
    [row] = world.services.odoo(world.store).read("product.template", [number], ["name", "description_sale"],
                                                  context={"lang": language})
    return row["name"], row["description_sale"]


def edit(world: World, number: int, language: str, **values: Any) -> None:
    world.services.odoo(world.store).write("product.template", [number], values, context={"lang": language})


def in_shop(world: World, product: int) -> dict[int, str]:
    row = world.services.shop(world.store).read("products", [product], ["name", "description_short"])[0]
    return {int(number): str(text) for number, text in row["name"].items()}


def test_a_product_arrives_in_both_languages_and_follows_each(every: World) -> None:
    product = mug(every)
    bring(every, product)
    number = template(every, product)
    assert in_odoo(every, number, "en_US") == ("Mug", "A white mug")
    assert in_odoo(every, number, "fr_FR") == ("Tasse", "Une tasse blanche")
    edit_product(every.shop.shop, product, name=both("Mug", "Grande tasse"))
    bring(every, product)
    assert in_odoo(every, number, "fr_FR") == ("Grande tasse", "Une tasse blanche")
    assert in_odoo(every, number, "en_US") == ("Mug", "A white mug")
    edit_product(every.shop.shop, product, name=both("Big mug", ""))
    bring(every, product)
    assert (in_odoo(every, number, "en_US")[0], in_odoo(every, number, "fr_FR")[0]) == ("Big mug", "Big mug")
    edit_product(every.shop.shop, product, name=both("Huge mug", ""))
    bring(every, product)
    assert (in_odoo(every, number, "en_US")[0], in_odoo(every, number, "fr_FR")[0]) == ("Huge mug", "Huge mug")
    writes = every.written()
    bring(every, product)
    assert every.written() == writes, "nothing new, nothing written"


def test_a_translation_that_only_odoo_has_stays(world: World) -> None:
    client = world.services.odoo(world.store)
    [number] = client.create("product.template", [{"name": "Mug", "default_code": "MUG", **client.profile.storable_values}])
    edit(world, number, "fr_FR", name="Tasse d'Odoo")
    product = add_product(world.shop.shop, "Mug", 10, "MUG")
    for name in ("Mug", "Cup"):
        edit_product(world.shop.shop, product, name=both(name, name))
        bring(world, product)
        assert (in_odoo(world, number, "en_US")[0], in_odoo(world, number, "fr_FR")[0]) == (name, "Tasse d'Odoo")


def test_a_write_that_was_cut_off_between_the_languages_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Odoo._call

    def cut(self: Odoo, model: str, method: str, *args: Any, **named: Any) -> Any:
        if (named.get("context") or {}).get("lang") == "fr_FR" and named["write"]:
            raise Outage("odoo", "gone")
        return real(self, model, method, *args, **named)

    product = mug(world)
    world.notice("product", product)
    with monkeypatch.context() as patch:
        patch.setattr(Odoo, "_call", cut)
        world.drain(expect_stop=True)
    world.pass_time()
    world.drain()
    assert in_odoo(world, template(world, product), "fr_FR") == ("Tasse", "Une tasse blanche")


def test_a_product_linked_by_hand_is_translated_too(world: World) -> None:
    client = world.services.odoo(world.store)
    [number] = client.create("product.template", [{"name": "Something", **client.profile.storable_values}])
    found = hand_links.look(world.services, world.store, "product", str(mug(world)), number)
    with world.db.begin() as session:
        hand_links.link(session, session.get_one(Store, world.store.id), found, "ada@example.com")
    world.drain()
    assert (in_odoo(world, number, "en_US")[0], in_odoo(world, number, "fr_FR")[0]) == ("Mug", "Tasse")


def test_what_people_translate_in_odoo_reaches_the_shop(every: World) -> None:
    every.set(products="odoo_to_ps")
    client = every.services.odoo(every.store)
    [number] = client.create("product.template", [{"name": "Lamp", "default_code": "LAMP", **client.profile.storable_values}])
    edit(every, number, "fr_FR", name="Lampe")
    tell(every, number)
    [row] = every.services.shop(every.store).find("products", {"reference": "LAMP"}, ["id"])
    product = int(row["id"])
    assert in_shop(every, product) == {1: "Lamp", 2: "Lampe"}
    edit(every, number, "fr_FR", name="Belle lampe")
    tell(every, number)
    assert in_shop(every, product) == {1: "Lamp", 2: "Belle lampe"}
    edit(every, number, "en_US", name="Fine lamp")
    tell(every, number)
    assert in_shop(every, product) == {1: "Fine lamp", 2: "Belle lampe"}
    requests = len(every.shop.shop.mails)
    tell(every, number)
    assert (in_shop(every, product), len(every.shop.shop.mails)) == ({1: "Fine lamp", 2: "Belle lampe"}, requests)


def test_both_ways_each_language_is_a_field_of_its_own(world: World) -> None:
    world.set(products="both")
    product = mug(world)
    bring(world, product)
    number = template(world, product)
    edit_product(world.shop.shop, product, name=both("Cup", "Tasse"))
    edit(world, number, "fr_FR", name="Tasse fine")
    bring(world, product)
    tell(world, number)
    assert in_shop(world, product) == {1: "Cup", 2: "Tasse fine"}
    assert (in_odoo(world, number, "en_US")[0], in_odoo(world, number, "fr_FR")[0]) == ("Cup", "Tasse fine")
    edit_product(world.shop.shop, product, name=both("Cup", "Tasse du magasin"))
    edit(world, number, "fr_FR", name="Tasse d'Odoo")
    bring(world, product)
    tell(world, number)
    assert in_shop(world, product)[2] == in_odoo(world, number, "fr_FR")[0] == "Tasse du magasin", "the owner's"
    with world.db.read() as session:
        [conflict] = session.scalars(select(Conflict))
    assert (conflict.field, conflict.odoo_value) == ("name (fr_FR)", "Tasse d'Odoo")


def test_attributes_and_their_values_have_their_names_in_both_languages(every: World) -> None:
    shop = every.shop.shop
    with shop.transaction():
        group = shop.add("product_options", group_type="select", position=9, name=both("Material", "Matière"),
                         public_name=both("Material", "Matière"))
        values = [shop.add("product_option_values", id_attribute_group=group, position=0, name=both(*names))
                  for names in (("Wood", "Bois"), ("Glass", "Verre"))]
    product = add_product(shop, "Bowl", 10, "BOWL", french="Bol")
    for value in values:
        add_combination(shop, product, [value], f"BOWL-{value}")
    bring(every, product)
    client = every.services.odoo(every.store)
    [attribute] = client.search_read("product.attribute", [("name", "=", "Material")], ["name", "value_ids"])
    assert client.read("product.attribute", [attribute["id"]], ["name"], context=FRENCH)[0]["name"] == "Matière"
    assert [row["name"] for row in client.read("product.attribute.value", attribute["value_ids"], ["name"], context=FRENCH)] == [
        "Bois", "Verre"]
    assert in_odoo(every, template(every, product), "fr_FR")[0] == "Bol"
    client.write("product.attribute", [attribute["id"]], {"name": "Matériau"}, context=FRENCH)
    edit_product(shop, product, name=both("Bowls", "Bols"))
    bring(every, product)
    assert client.read("product.attribute", [attribute["id"]], ["name"], context=FRENCH)[0]["name"] == "Matériau", "people's own"
    assert in_odoo(every, template(every, product), "fr_FR")[0] == "Bols"


def test_a_customer_has_the_language_of_the_shop(world: World) -> None:
    number = add_customer(world.shop.shop, "Jean", "Valjean", "jean@example.com", id_lang=2)
    world.notice("customer", number)
    world.drain()
    [row] = world.services.odoo(world.store).search_read("res.partner", [("email", "=", "jean@example.com")], ["lang"])
    assert row["lang"] == "fr_FR"
