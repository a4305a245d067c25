"""A VAT number that Odoo refuses stops no customer: early builds of Odoo 14 check it whatever the context says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.config import Config
from portal.db import Database
from portal.sandbox.odoo_partners import Partners
from portal.sandbox.odoo_profiles import OdooError
from portal.sandbox.prestashop_actions import add_address, add_customer, edit_address
from portal.sync.services import Services
from tests.world import World, make_world

GOOD, BAD, WORSE = "FR23334175221", "FR12", "FR13"


@pytest.fixture
def world(db: Database, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    check = Partners.stored

    def stored(self: Partners, number: int, values: dict[str, Any], old: dict[str, Any] | None) -> None:
        self.env.context = {key: value for key, value in self.env.context.items() if key != "no_vat_validation"}
        if values.get("city") == "Atlantis":
            raise OdooError("ValidationError", "There is no such city.")
        check(self, number, values, old)

    monkeypatch.setattr(Partners, "stored", stored)
    with make_world(db, Services(config, db), version="14", max_attempts=1) as world:
        yield world


def shopper(world: World, vat: str, email: str = "ada@example.com") -> tuple[int, int]:
    customer = add_customer(world.shop.shop, "Ada", "Byron", email)
    return customer, add_address(world.shop.shop, customer, "FR", address1="1 rue de Rivoli", postcode="75001", city="Paris",
                                 vat_number=vat)


def push(world: World, customer: int) -> str:
    """Its outcome in words; nothing is left waiting."""
    number = world.notice("customer", customer)
    world.drain()
    assert world.job(number).state == "synced", world.job(number).message
    return world.job(number).message


def partner(world: World, customer: int) -> dict[str, Any]:
    wanted = ["vat", "city", "comment"]
    [row] = world.services.odoo(world.store).search_read("res.partner", [("ref", "=", f"PS-{customer}")], wanted)
    return row


def test_a_customer_is_created_without_the_number_and_it_stands_in_the_notes(world: World) -> None:
    others = [shopper(world, GOOD, f"c{i}@example.com")[0] for i in range(3)]
    customer, address = shopper(world, BAD)
    counts = world.sync("customer")
    assert counts.get("dead", 0) == counts.get("error", 0) == 0
    row = partner(world, customer)
    assert (row["vat"], row["city"]) == (False, "Paris")
    assert BAD in row["comment"]
    assert [partner(world, other)["vat"] for other in others] == [GOOD] * 3
    written = world.written()
    assert "unchanged" in push(world, customer)
    assert world.written() == written, "it is not offered again and again"
    edit_address(world.shop.shop, address, vat_number=WORSE)
    push(world, customer)
    assert partner(world, customer)["vat"] is False
    edit_address(world.shop.shop, address, vat_number=GOOD)
    assert "vat changed" in push(world, customer)
    assert partner(world, customer)["vat"] == GOOD


def test_other_changes_go_on_without_the_number(world: World) -> None:
    customer, address = shopper(world, GOOD)
    push(world, customer)
    edit_address(world.shop.shop, address, vat_number=BAD, city="Lyon")
    assert "city changed" in push(world, customer)
    assert (partner(world, customer)["vat"], partner(world, customer)["city"]) == (GOOD, "Lyon")
    edit_address(world.shop.shop, address, city="Nice")
    assert "city changed" in push(world, customer)


def test_a_customer_whom_odoo_knows_is_linked_without_the_number(world: World) -> None:
    world.services.odoo(world.store).create("res.partner", [{"name": "Ada", "email": "ada@example.com"}])
    customer, _ = shopper(world, BAD)
    assert "linked" in push(world, customer)
    assert (partner(world, customer)["vat"], partner(world, customer)["city"]) == (False, "Paris")


def test_a_customer_who_is_refused_for_another_reason_fails_and_says_why(world: World) -> None:
    customer, address = shopper(world, BAD)
    push(world, customer)
    edit_address(world.shop.shop, address, vat_number=WORSE, city="Atlantis")
    number = world.notice("customer", customer)
    world.drain()
    assert (world.job(number).state, "no such city" in world.job(number).message) == ("dead", True)
    newcomer = add_customer(world.shop.shop, "Bob", "Byron", "bob@example.com")
    add_address(world.shop.shop, newcomer, "FR", address1="1", postcode="75001", city="Atlantis", vat_number=BAD)
    number = world.notice("customer", newcomer)
    world.drain()
    assert (world.job(number).state, "no such city" in world.job(number).message) == ("dead", True)
