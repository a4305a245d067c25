"""From an empty installation to a running synchronization, by nothing but what the pages say."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_LOGIN
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from tests.ui.house import ADMIN, PASSWORD, House
from tests.ui.person import Hand, Person, somebody


def test_somebody_comes_from_nothing_to_a_running_synchronization(chromium: Browser, empty_house: House, hand: Hand) -> None:
    world = empty_house.servers()
    empty_house.open_worker(world)
    person = somebody(chromium, hand)
    person.page.goto(empty_house.first_link())
    person.type("E-mail", ADMIN)
    person.type("Password", PASSWORD)
    person.type("Password once more", PASSWORD)
    person.press("Create and log in")
    person.sees("Welcome. You are the administrator of this portal.")

    person.press("Add the first store")
    person.type("Name", "Bookshop")
    person.type("PrestaShop address", world.shop.url)
    person.type("PrestaShop webservice key", SHOP_KEY)
    try_connection(person, "PrestaShop")
    person.type("Odoo address", world.odoo.url)
    person.type("Odoo database", DEMO_DATABASE)
    person.type("Odoo user", DEMO_LOGIN)
    person.type("Odoo API key", ODOO_KEY)
    try_connection(person, "Odoo")
    person.press("Add this store")
    person.sees("Bookshop was added.")

    rehearse(person)
    synchronize(person)
    expect(person.page.locator(".health.good")).to_be_visible()
    expect(person.page.get_by_role("heading", name="First steps")).to_have_count(0)
    person.leave()


def try_connection(person: Person, side: str) -> None:
    block = person.page.locator("article").filter(has=person.page.get_by_role("heading", name=side, exact=True))
    person.press("Test connection", within=block)
    expect(block.locator(".notice.good")).to_be_visible()


def rehearse(person: Person) -> None:
    person.press("Rehearse")
    person.press("Start the rehearsal")
    person.sees("Nothing is written to Odoo or the shop.")
    person.waits_for("records were looked at, nothing was written")
    person.press("Go on with the initial sync")


def synchronize(person: Person) -> None:
    person.press("Enable synchronization")
    person.sees("Synchronization is on.")
    for what in ("customers", "products", "orders"):
        person.press(f"Sync {what}")
        person.sees(f"Initial sync of {what} was started.")
        person.waits_for(f"Sync {what} again")
    person.press("Dashboard")
