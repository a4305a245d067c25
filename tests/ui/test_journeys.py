"""What a merchant does in the months after: with a fault in the middle, with dead letters, with a key that must be changed."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, expect
from sqlalchemy import select

from portal.models import Mapping, SyncJob
from portal.sandbox.prestashop_actions import add_customer, edit_product
from portal.sync import jobs
from tests.ui.house import House
from tests.ui.person import Hand, Person, logged_in
from tests.world import World, eventually

CAUSES = [("vat", "Odoo does not accept the VAT number.", "Correct it in the shop.", 30),
          ("email", "Odoo does not accept the e-mail address.", "Correct it in the shop.", 15),
          ("odoo:access", "The user of Odoo may not create contacts.", "Give it the group Sales.", 5)]


def visit(chromium: Browser, house: House, hand: Hand, world: World) -> Person:
    """Somebody who looks at the dashboard of a store."""
    person = logged_in(chromium, house, hand)
    person.page.goto(f"{house.url}/stores/{world.store.id}/")
    return person


def test_a_rehearsal_says_what_would_happen_and_writes_nothing(chromium: Browser, house: House, hand: Hand) -> None:
    world = house.join(f"rehearsal by {hand}", enabled=False)
    person = visit(chromium, house, hand, world)
    person.press("Rehearsal")
    person.press("Start the rehearsal")
    person.waits_for("records were looked at, nothing was written")
    person.press(re.compile("Customers, create: "))
    row = person.page.get_by_role("row", name=re.compile("Customer 1 "))
    expect(row).to_contain_text("Odoo, Name")
    person.leave()
    assert not world.odoo.db.creates


def test_an_outage_in_the_middle_of_an_initial_sync_heals(chromium: Browser, house: House, hand: Hand) -> None:
    world = house.join(f"outage by {hand}")
    person = visit(chromium, house, hand, world)
    person.press("Initial sync", within=person.page.get_by_role("navigation", name="Store"))
    person.press("Sync customers")
    person.waits_for("Sync customers again")
    world.odoo.faults.arm("status", status=503, times=0)
    person.press("Sync products")
    person.press("Dashboard")
    person.waits_for("Odoo cannot be reached.")
    person.sees(re.compile(r"\d+ changes are waiting; nothing is lost\."))
    person.sees("It is tried again by itself; nothing else is needed.")
    world.odoo.faults.clear()
    world.pass_time()
    house.beat()
    person.press("Initial sync", within=person.page.get_by_role("navigation", name="Store"))
    person.waits_for("Sync products again")
    person.sees("Finished: 30 synced.")
    person.leave()
    assert {row["model"] for row in world.odoo.db.creates} >= {"res.partner", "product.template"}


def test_fifty_dead_letters_of_three_causes_are_solved(chromium: Browser, house: House, hand: Hand) -> None:
    world = house.join(f"triage by {hand}", demo=False)
    die(house, world)
    person = visit(chromium, house, hand, world)
    person.press(re.compile("^50 Dead-letter"))
    groups = person.page.locator("article.group")
    expect(groups).to_have_count(3)
    expect(groups.first).to_contain_text("Correct it in the shop.")

    person.press(re.compile("^Retry these 30"), within=groups.first)
    person.press(re.compile("^Retry 30"))
    person.sees("30 changes will be tried again.")
    eventually(lambda: world.counts()["synced"] == 30, "the first group comes through")

    last = person.page.locator("article.group").last
    for box in last.locator("tbody input[type=checkbox]").all()[:2]:
        person.tick(box)
    person.press(re.compile("^Discard 2 selected"), within=last)
    person.press("Discard 2")
    person.sees("2 changes were discarded.")

    person.press("Retry all 18")
    person.press(re.compile("^Retry 18"))
    person.sees("18 changes will be tried again.")
    eventually(lambda: world.counts()["synced"] == 48, "the rest comes through")
    person.press("Dashboard")
    person.waits_for("All good.")
    person.leave()
    assert len([row for row in world.odoo.db.creates if row["model"] == "res.partner"]) == 48


def die(house: House, world: World) -> None:
    """Fifty customers whose changes failed too often."""
    with house.db.begin() as session:
        for cause, message, remedy, number in CAUSES:
            for count in range(number):
                customer = add_customer(world.shop.shop, "Ada", "Byron", f"{cause.partition(':')[0]}{count}@example.com")
                row = session.get_one(SyncJob, jobs.notice(session, world.store, "customer", "ps_to_odoo", str(customer),
                                                           source="hook"))
                row.state, row.cause, row.message, row.remedy, row.attempts = "dead", cause, message, remedy, 5


def test_a_token_is_replaced_and_the_old_one_works_on(chromium: Browser, house: House, hand: Hand) -> None:
    world = house.join(f"token by {hand}")
    person = visit(chromium, house, hand, world)
    person.press("Settings")
    old = person.page.get_by_label("Address with token").first.input_value()
    person.press("Replace the cron token")
    person.sees("The old one works for 24 more hours")
    new = person.page.get_by_label("Address with token").first.input_value()
    assert old != new
    assert [person.page.request.get(address).status for address in (old, new)] == [202, 202]
    assert person.page.request.get(new[:-3] + "xyz").status == 403
    person.leave()


def test_a_conflict_is_settled_the_other_way(chromium: Browser, house: House, hand: Hand) -> None:
    world = house.join(f"conflict by {hand}", products="both")
    number = disagree(house, world)
    person = visit(chromium, house, hand, world)
    person.press(re.compile("^Conflicts"))
    person.sees("Mug of the shop")
    person.sees("The shop's value stands on both sides")
    person.press(f"Use Odoo's value for Name of Product {number}")
    person.sees("No conflicts.")
    eventually(lambda: "Mug of Odoo" in str(world.shop.shop.get("products", number, "name")), "the shop takes the other name")
    person.leave()


def disagree(house: House, world: World) -> int:
    """One product gets two names at once; its id in the shop."""
    world.sync("product")
    link = a_product(house, world)
    edit_product(world.shop.shop, int(link.shop_id), name="Mug of the shop")
    world.services.odoo(world.store).write("product.template", [link.odoo_id], {"name": "Mug of Odoo"})
    world.notice("product", link.shop_id)
    world.drain()
    return int(link.shop_id)


def test_a_difference_is_found_and_repaired(chromium: Browser, house: House, hand: Hand) -> None:
    world = house.join(f"drift by {hand}")
    world.sync("customer", "product", "order")
    link = a_product(house, world)
    odoo = world.services.odoo(world.store)
    price = odoo.read("product.template", [link.odoo_id], ["list_price"])[0]["list_price"]
    odoo.write("product.template", [link.odoo_id], {"list_price": 999.0})
    person = visit(chromium, house, hand, world)
    person.press("Drift")
    person.press("Compare now")
    person.waits_for("1 difference.")
    person.press(f"Repair Product {link.shop_id}")
    person.sees("1 difference is being repaired.")
    eventually(lambda: odoo.read("product.template", [link.odoo_id], ["list_price"])[0]["list_price"] == price, "it is repaired")
    person.press("Compare again")
    person.waits_for("Both sides are equal.")
    person.leave()


def a_product(house: House, world: World) -> Any:
    with house.db.read() as session:
        return next(row for row in session.scalars(select(Mapping).where(Mapping.store_id == world.store.id,
                                                                         Mapping.entity == "product"))
                    if row.base["kind"] == "simple" and row.data.get("variant_id"))
