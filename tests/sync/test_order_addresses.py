"""The addresses of an order in Odoo: what is reused, what is made, and what people's changes and the shop's replacements do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Database
from portal.models import LogEntry, Mapping
from portal.sandbox.prestashop_actions import add_address, add_customer, edit_address, edit_customer
from portal.sandbox.prestashop_orders import place_order
from portal.sync import drain
from portal.sync.services import Services
from tests.world import World, make_world

PRODUCT = 19
PAID, BANKWIRE = 2, 10


@pytest.fixture(params=["14", "17", "19"])
def every(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, stock="off") as world:
        yield world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), stock="off") as world:
        yield world


def shopper(world: World, email: str = "ada@example.com", **fields: Any) -> tuple[int, int]:
    """A customer with an address in Paris."""
    customer = add_customer(world.shop.shop, "Ada", "Byron", email, **fields)
    return customer, add_address(world.shop.shop, customer, "FR", address1="1 rue de Rivoli", postcode="75001", city="Paris",
                                 phone="+33 1 02 03 04 05")


def bring(world: World, customer: int, **options: Any) -> int:
    """A new order on its way to Odoo and there; its id in the shop."""
    order = int(place_order(world.shop.shop, customer, [{"product": PRODUCT, "quantity": 1}], **options))
    world.notice("order", order)
    world.drain()
    return order


def in_odoo(world: World, order: int) -> dict[str, Any]:
    [row] = world.services.odoo(world.store).search_read(
        "sale.order", [("origin", "=", f"PS/shop/{order}")],
        ["partner_id", "partner_shipping_id", "partner_invoice_id", "order_line", "state", "amount_total"])
    return row


def contact(world: World, pair: Any) -> dict[str, Any]:
    number = pair[0] if isinstance(pair, list) else pair
    fields = ["name", "type", "parent_id", "street", "street2", "zip", "city", "country_id", "vat", "is_company", "active", "phone",
              "lang", "email"]
    return world.services.odoo(world.store).read("res.partner", [number], fields, context={"active_test": False})[0]


def below(world: World, partner: int) -> list[dict[str, Any]]:
    return world.services.odoo(world.store).search_read("res.partner", [("parent_id", "=", partner)], ["name", "active", "city"],
                                                        order="id", context={"active_test": False})


def warnings(world: World) -> str:
    with world.db.read() as session:
        return "\n".join(session.scalars(select(LogEntry.message).where(LogEntry.level == "warning")))


def test_the_customers_own_address_needs_no_contact_below_it(every: World) -> None:
    customer, _ = shopper(every)
    row = in_odoo(every, bring(every, customer))
    assert row["partner_shipping_id"] == row["partner_invoice_id"] == row["partner_id"]
    assert not below(every, row["partner_id"][0])


def test_other_addresses_become_contacts_below_the_customer_and_are_used_again(every: World) -> None:
    customer, home = shopper(every)
    office = add_address(every.shop.shop, customer, "ES", address1="Calle Mayor 1", address2="2º", postcode="28001", city="Madrid",
                         phone_mobile="+34 600 000 000", company="Analytical SL")
    first = in_odoo(every, bring(every, customer, address=office, invoice_address=home))
    assert first["partner_invoice_id"] == first["partner_id"]
    made = contact(every, first["partner_shipping_id"])
    assert (made["type"], made["parent_id"][0]) == ("delivery", first["partner_id"][0])
    assert (made["name"], made["street"], made["street2"]) == ("Analytical SL, Ada Byron", "Calle Mayor 1", "2º")
    assert (made["zip"], made["city"], made["country_id"][1]) == ("28001", "Madrid", "Spain")
    assert (made["lang"], made["email"]) == ("en_US", "ada@example.com")
    again = in_odoo(every, bring(every, customer, address=office, invoice_address=office))
    assert again["partner_shipping_id"] == again["partner_invoice_id"] == first["partner_shipping_id"]
    assert len(below(every, first["partner_id"][0])) == 1


def test_an_order_with_nothing_new_takes_four_calls_and_a_batch_no_more(every: World) -> None:
    customer, home = shopper(every)
    other = add_address(every.shop.shop, customer, "FR", address1="2 rue de Rivoli", postcode="75001", city="Paris")
    bring(every, customer, address=other)
    orders = [int(place_order(every.shop.shop, customer, [{"product": PRODUCT, "quantity": 1}], address=place))
              for place in (home, other, home)]
    before = Counter(every.odoo.calls)
    for order in orders:
        every.notice("order", order)
    every.drain()
    made = every.odoo.calls - before
    assert sum(made.values()) <= 4 * 3, made
    assert made["res.partner.load"] == 0
    assert [in_odoo(every, order)["partner_shipping_id"][0] == in_odoo(every, order)["partner_id"][0] for order in orders] == [
        True, False, True]


def test_an_address_the_shop_replaces_is_a_new_contact_and_the_old_order_keeps_its_own(every: World) -> None:
    customer, home = shopper(every)
    away = add_address(every.shop.shop, customer, "FR", address1="3 quai", postcode="13001", city="Marseille")
    old = bring(every, customer, address=away)
    moved = edit_address(every.shop.shop, away, address1="4 quai")
    assert moved != away
    new = bring(every, customer, address=moved)
    first, second = (contact(every, in_odoo(every, order)["partner_shipping_id"]) for order in (old, new))
    assert (first["street"], second["street"]) == ("3 quai", "4 quai")
    back = edit_address(every.shop.shop, moved, address1="3 quai")
    third = bring(every, customer, address=back)
    assert in_odoo(every, third)["partner_shipping_id"] == in_odoo(every, old)["partner_shipping_id"], "used again"
    assert home


def test_an_address_changed_in_place_is_new_content_and_so_a_new_contact(world: World) -> None:
    customer, _ = shopper(world)
    away = add_address(world.shop.shop, customer, "FR", address1="3 quai", postcode="13001", city="Marseille")
    old = bring(world, customer, address=away)
    with world.shop.shop.transaction():
        world.shop.shop.update("addresses", away, address1="5 quai")
    new = bring(world, customer, address=away)
    assert contact(world, in_odoo(world, old)["partner_shipping_id"])["street"] == "3 quai"
    assert contact(world, in_odoo(world, new)["partner_shipping_id"])["street"] == "5 quai"


def test_what_people_change_on_a_contact_stays(world: World) -> None:
    customer, _ = shopper(world)
    away = add_address(world.shop.shop, customer, "FR", address1="3 quai", postcode="13001", city="Marseille")
    number = in_odoo(world, bring(world, customer, address=away))["partner_shipping_id"][0]
    client = world.services.odoo(world.store)
    client.write("res.partner", [number], {"street": "3 quai, back door", "name": "Ada (ring twice)"})
    again = in_odoo(world, bring(world, customer, address=away))
    assert again["partner_shipping_id"][0] == number
    assert contact(world, number)["street"] == "3 quai, back door"
    main = again["partner_id"][0]
    client.write("res.partner", [main], {"name": "Countess of Lovelace"})
    edit_customer(world.shop.shop, customer, firstname="Augusta", email="augusta@example.com")
    world.notice("customer", customer)
    world.drain()
    found = contact(world, main)
    assert (found["name"], found["email"]) == ("Countess of Lovelace", "augusta@example.com")
    assert "name was changed in Odoo by hand" in warnings(world)


@pytest.mark.parametrize("vat", ["FR23334175221", "nonsense-1", "/", "ES 1"])
def test_a_vat_number_stands_on_the_right_contact_and_never_stops_an_order(every: World, vat: str) -> None:
    customer, home = shopper(every)
    billed = add_address(every.shop.shop, customer, "FR", address1="9 rue", postcode="69001", city="Lyon", company="ACME SAS",
                         vat_number=vat)
    row = in_odoo(every, bring(every, customer, address=home, invoice_address=billed))
    company = contact(every, row["partner_invoice_id"])
    if vat == "/":
        assert (company["vat"], company["is_company"], company["name"]) == (False, False, "ACME SAS, Ada Byron")
    else:
        assert (company["vat"], company["is_company"], company["name"]) == ("".join(vat.upper().split()), True, "ACME SAS")
    assert company["type"] == "invoice"
    assert not contact(every, row["partner_id"])["vat"], "the person is not the company"
    assert ("does not have the form" in warnings(every)) == (vat in ("nonsense-1", "ES 1"))


def test_an_odoo_that_refuses_the_number_keeps_it_in_the_notes(world: World) -> None:
    customer, home = shopper(world)
    billed = add_address(world.shop.shop, customer, "FR", address1="9 rue", city="Lyon", company="ACME SAS", vat_number="FR1")
    order = place_order(world.shop.shop, customer, [{"product": PRODUCT, "quantity": 1}], address=home, invoice_address=billed)
    world.sync("customer", "product")
    world.odoo.faults.arm("error", side="odoo", model="res.partner", method="load", error="ValidationError", message="No such VAT")
    world.notice("order", order)
    world.drain()
    made = contact(world, in_odoo(world, int(order))["partner_invoice_id"])
    assert made["vat"] is False
    [row] = world.services.odoo(world.store).read("res.partner", [made["id"]], ["comment"])
    assert "FR1" in row["comment"]


def test_an_unknown_country_or_state_is_left_empty_with_a_warning(world: World) -> None:
    customer, home = shopper(world)
    world.shop.shop.load_records("countries", [{"id": 900, "iso_code": "ZZ"}])
    world.shop.shop.load_records("states", [{"id": 901, "iso_code": "XX", "name": "Nowhere", "id_country": 21}])
    far = add_address(world.shop.shop, customer, 900, address1="1 Road", city="Far")
    odd = add_address(world.shop.shop, customer, "US", address1="1 Road", city="Odd", id_state=901)
    row = in_odoo(world, bring(world, customer, address=far, invoice_address=odd))
    assert contact(world, row["partner_shipping_id"])["country_id"] is False
    assert contact(world, row["partner_invoice_id"])["country_id"][1] == "United States"
    assert "no country ZZ" in warnings(world)
    assert "no state “XX, Nowhere” in US" in warnings(world)
    assert home


def test_guests_share_the_contact_of_their_email_and_change_nothing_on_it(every: World) -> None:
    customer, _ = shopper(every, company="Byron Ltd")
    row = in_odoo(every, bring(every, customer))
    main = contact(every, row["partner_id"])
    guest = add_customer(every.shop.shop, "A.", "Guest", "Ada@Example.com", is_guest="1")
    add_address(every.shop.shop, guest, "ES", address1="Calle 5", postcode="28002", city="Madrid", vat_number="ES12345678Z")
    second = in_odoo(every, bring(every, guest))
    assert second["partner_id"] == row["partner_id"]
    assert contact(every, row["partner_id"]) == main
    there = contact(every, second["partner_shipping_id"])
    assert (there["city"], there["vat"], there["is_company"]) == ("Madrid", "ES12345678Z", True)
    edit_customer(every.shop.shop, guest, firstname="Another")
    every.notice("customer", guest)
    every.drain()
    assert contact(every, row["partner_id"]) == main


def test_a_registered_customer_wins_over_a_guest_of_the_same_batch(world: World) -> None:
    guest = add_customer(world.shop.shop, "A.", "Guest", "ada@example.com", is_guest="1")
    customer, _ = shopper(world)
    world.sync("customer")
    with world.db.read() as session:
        links = {row.shop_id: row.odoo_id for row in session.scalars(select(Mapping).where(Mapping.entity == "customer"))}
    assert links[str(guest)] == links[str(customer)]
    assert contact(world, links[str(customer)])["name"] == "Ada Byron"


def test_a_deleted_address_is_archived_once_its_orders_are_done(world: World) -> None:
    customer, home = shopper(world)
    away = add_address(world.shop.shop, customer, "FR", address1="3 quai", postcode="13001", city="Marseille")
    order = bring(world, customer, address=away)
    number = in_odoo(world, order)["partner_shipping_id"][0]
    edit_address(world.shop.shop, away, address1="4 quai")
    world.notice("customer", customer)
    world.drain()
    assert contact(world, number)["active"], "a quotation still goes there"
    world.services.odoo(world.store).call("sale.order", "action_cancel", [in_odoo(world, order)["id"]])
    world.notice("customer", customer)
    world.drain()
    assert not contact(world, number)["active"]
    again = add_address(world.shop.shop, customer, "FR", address1="3 quai", postcode="13001", city="Marseille")
    assert in_odoo(world, bring(world, customer, address=again))["partner_shipping_id"][0] == number
    assert contact(world, number)["active"], "used again"
    assert home


def test_a_contact_or_customer_deleted_in_odoo_is_made_again(world: World) -> None:
    customer, _ = shopper(world)
    away = add_address(world.shop.shop, customer, "FR", address1="3 quai", postcode="13001", city="Marseille")
    row = in_odoo(world, bring(world, customer, address=away))
    with world.odoo.db.transaction():
        for number in (row["partner_shipping_id"][0], row["partner_id"][0]):
            world.odoo.db.put("res.partner", number, None)
    second = in_odoo(world, bring(world, customer, address=away))
    assert contact(world, second["partner_id"])["name"] == "Ada Byron"
    assert contact(world, second["partner_shipping_id"])["parent_id"][0] == second["partner_id"][0]


def test_a_quotation_follows_the_orders_new_address(world: World) -> None:
    customer, _ = shopper(world)
    order = bring(world, customer)
    other = add_address(world.shop.shop, customer, "FR", address1="8 place", postcode="31000", city="Toulouse")
    with world.shop.shop.transaction():
        world.shop.shop.update("orders", order, id_address_delivery=other)
    world.notice("order", order)
    world.drain()
    row = in_odoo(world, order)
    assert contact(world, row["partner_shipping_id"])["city"] == "Toulouse"
    assert row["partner_invoice_id"] == row["partner_id"]
    assert len(row["order_line"]) == len(set(row["order_line"])) > 0


@pytest.mark.parametrize("kind", ["drop", "refuse"])
def test_a_lost_answer_makes_no_second_contact(world: World, kind: str) -> None:
    customer, _ = shopper(world)
    away = add_address(world.shop.shop, customer, "FR", address1="3 quai", postcode="13001", city="Marseille")
    world.sync("customer", "product")
    world.odoo.faults.arm(kind, side="odoo", model="res.partner", method="load")
    order = place_order(world.shop.shop, customer, [{"product": PRODUCT, "quantity": 1}], address=away)
    world.notice("order", order)
    drain.drain(world.services, world.store)
    world.pass_time()
    world.drain()
    row = in_odoo(world, int(order))
    assert [child["city"] for child in below(world, row["partner_id"][0])] == ["Marseille"]
