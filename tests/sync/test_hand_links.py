"""Linking by hand reads both records first; forgetting leaves both sides alone, and the next change finds its way again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Database
from portal.entities.base import Invalid
from portal.models import LogEntry, Mapping, Store
from portal.sandbox.prestashop_actions import edit_product
from portal.sync import hand_links
from portal.sync.services import Services
from tests.world import World, make_world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db)) as world:
        yield world


def linked(world: World, entity: str) -> dict[str, Mapping]:
    with world.db.read() as session:
        return {row.shop_id: row for row in session.scalars(select(Mapping).where(Mapping.entity == entity))}


def join(world: World, entity: str, shop_id: str, odoo_id: int) -> hand_links.Proposal:
    found = hand_links.look(world.services, world.store, entity, shop_id, odoo_id)
    with world.db.begin() as session:
        hand_links.link(session, session.get_one(Store, world.store.id), found, "ada@example.com")
    return found


def forget(world: World, row: Mapping) -> str:
    with world.db.begin() as session:
        return hand_links.forget(session, session.get_one(Store, world.store.id), row.id, "ada@example.com")


def test_a_customer_is_linked_by_hand_and_only_filled_and_corrected(world: World) -> None:
    number = str(min(world.shop.shop.tables["customers"].ids()))
    client = world.services.odoo(world.store)
    [contact] = client.create("res.partner", [{"name": "Somebody", "email": "other@example.com", "website": "https://x.example"}])
    found = hand_links.look(world.services, world.store, "customer", number, contact)
    assert (found.odoo_name, world.written()) == ("Somebody", 1), "looking writes nothing"
    assert "name" in found.warnings[-1]
    join(world, "customer", number, contact)
    world.drain()
    [row] = client.read("res.partner", [contact], ["name", "website"])
    assert row["name"] == found.shop_name
    assert row["website"] == "https://x.example"
    with world.db.read() as session:
        entry = session.scalars(select(LogEntry).where(LogEntry.actor == "ada@example.com")).one()
    assert "linked by hand" in entry.message


@pytest.mark.parametrize(("entity", "shop_id", "odoo_id", "words"), [
    ("customer", "999999", 1, "The shop has no customer"), ("customer", "{customer}", 99999999, "Odoo has no contact"),
    ("product", "{product}", 99999999, "Odoo has no product template"), ("order", "{order}", 99999999, "Odoo has no sales order"),
    ("order", "999999", 1, "The shop has no order"), ("stock", "1", 1, "cannot be linked by hand"),
    ("customer", "x", 1, "as numbers"), ("customer", "1", 0, "as numbers")])
def test_what_does_not_exist_cannot_be_linked(world: World, entity: str, shop_id: str, odoo_id: int, words: str) -> None:
    ids = {name[:-1]: min(world.shop.shop.tables[name].ids()) for name in ("customers", "products", "orders")}
    with pytest.raises(Invalid, match=words):
        hand_links.look(world.services, world.store, entity, shop_id.format(**ids), odoo_id)


def test_a_record_that_is_linked_already_must_be_parted_first(world: World) -> None:
    world.sync("product")
    (first, row), (second, other) = list(linked(world, "product").items())[:2]
    with pytest.raises(Invalid, match=f"linked to Odoo id {row.odoo_id} already"):
        hand_links.look(world.services, world.store, "product", first, other.odoo_id)
    forget(world, other)
    with pytest.raises(Invalid, match=f"linked to product {first} of the shop already"):
        hand_links.look(world.services, world.store, "product", second, row.odoo_id)


def test_a_forgotten_product_takes_its_combinations_and_stock_along_and_is_found_again(world: World) -> None:
    world.sync("product", "stock")
    before = linked(world, "product")
    number = next(key for key in before if any(one.startswith(f"{key}:") for one in linked(world, "combination")))
    written = world.written()
    assert "of its combinations and stock" in forget(world, before[number])
    assert world.written() == written
    assert not [key for entity in ("product", "combination", "stock") for key in linked(world, entity)
                if key.split(":")[0] == number]
    edit_product(world.shop.shop, int(number), price="31.400000")
    world.notice("product", number)
    counts = world.drain()
    assert counts["dead"] == counts["error"] == 0
    assert linked(world, "product")[number].odoo_id == before[number].odoo_id


def test_an_order_that_was_entered_by_hand_is_linked_and_none_is_made_beside_it(world: World) -> None:
    world.sync("customer", "product")
    number = str(min(world.shop.shop.tables["orders"].ids()))
    client = world.services.odoo(world.store)
    partner = next(iter(linked(world, "customer").values())).odoo_id
    [order] = client.create("sale.order", [{"partner_id": partner}])
    found = join(world, "order", number, order)
    assert any("a second order" in text for text in found.warnings)
    assert any("lines are replaced" in text for text in found.warnings)
    world.drain()
    orders = client.search_read("sale.order", [], ["id", "amount_total"])
    assert [row["id"] for row in orders] == [order]
    assert f"{orders[0]['amount_total']:.2f}" == found.shop_name.split(", ")[1]


def test_links_are_found_by_id_reference_and_address(world: World) -> None:
    world.sync("customer", "product")
    row = next(row for row in linked(world, "customer").values() if row.base["email"])
    product = next(row for row in linked(world, "product").values() if row.base.get("reference"))
    with world.db.read() as session:
        for text in (row.base["email"], row.shop_id):
            assert row.id in [one.id for one in hand_links.find(session, world.store, entity="customer", text=text)]
        found = hand_links.find(session, world.store, text=product.base["reference"])
        assert product.id in [one.id for one in found]
        assert not hand_links.find(session, world.store, text="%")


def test_every_kind_of_link_says_what_follows(world: World) -> None:
    for entity in ("customer", "product", "order", "stock", "combination"):
        words = " ".join(hand_links.consequences(Mapping(entity=entity, shop_id="7", odoo_id=8, base={}, data={})))
        assert "next change" in words
