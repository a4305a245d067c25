"""Every page that the URL map knows: accessible in both themes and widths, fits, runs clean, and hostile texts stay texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page
from sqlalchemy import Text, update

from portal.db import Base, now
from portal.extensions import services
from portal.models import Bounce, Circuit, Conflict, JobEvent, Mapping, Store
from portal.web.first_admin import first_admin_link, welcome_link
from tests.ui.person import watch
from tests.web.conftest import ADMIN, World, app, logged_in, user, world  # noqa: F401
from tests.web.test_access import INBOUND, path_of
from tests.web.test_browser import MARKUP, address, full, open_page  # noqa: F401

STANDARD = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
"""What changes with the theme."""
RUN_AXE = """rules => axe.run(document, {runOnly: rules, resultTypes: ["violations"]}).then(found => found.violations.map(
  one => one.id + ": " + one.nodes.map(node => node.html + " " + node.failureSummary).join(" | ")))"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
INJECTED = "document.querySelectorAll('img[src=\"x\"], main script').length"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 800}

ALSO = {
    "store.jobs.listing": ["?state=all", "?state=error&entity=order"], "store.search.find": ["?q=1", "?q=nothing+of+that+name"],
    "store.taxes.choice": ["?place=FR&rate=20%25"], "store.mappings.link": ["?entity=customer&shop=1"],
    "store.rehearsal.page": ["?kind=conflict"], "store.drift.page": ["?entity=order&kind=total"],
    "store.conflicts.page": ["?settled=1"],
}
"""More states of a page than the bare address shows."""
ORDERS = {"store.records.page": ["93", "94"], "store.ledgers.page": ["93", "94", "98"]}


@pytest.fixture
def soaked(world: World, full: int) -> int:  # noqa: F811
    """Hostile markup in everything that a server or a person may have written; the id of a dead letter."""
    with world.db.begin() as session:
        session.add(Circuit(store_id=world.other, side="odoo", state="paused", reason=MARKUP, remedy=MARKUP))
        store = session.get_one(Store, world.mine)
        store.odoo_profile = {"locations": [[8, MARKUP]], "version": MARKUP}
        session.add(Mapping(store_id=store.id, target=store.target, entity="product", shop_id="5", odoo_id=5,
                            base={"name": MARKUP, "reference": MARKUP}))
        session.add(JobEvent(job_id=full, kind="sent", message="", data={"call": MARKUP, "values": {MARKUP: MARKUP}}))
        session.add(Conflict(store_id=store.id, target=store.target, entity="product", shop_id="5", field="name", base="Mug",
                             shop_value=MARKUP, odoo_value=MARKUP * 4, state="open", winner="prestashop"))
        session.add(Bounce(store_id=store.id, target=store.target, entity="product", record="5", odoo_id=5, frozen_at=now(),
                           reason=MARKUP * 4))
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Text):
                    session.execute(update(table).values({column: column + " " + MARKUP}))
    return full


def addresses(app: Flask, world: World, store_id: int, job_id: int, *, only_empty: bool = False,  # noqa: F811
              ) -> Iterator[str]:
    """The address of every page that answers a GET with a whole page; endpoints, files and fragments are none.

    `only_empty`: of those that say that there is nothing yet, or what happens now.
    """
    client = logged_in(world, ADMIN)
    client.post("/verify", {"password": "correct horse battery"})
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule in INBOUND or rule.endpoint == "static":
            continue
        bare = path_of(rule, store_id=store_id, job_id=job_id)
        more = [bare + query for query in ALSO.get(rule.endpoint, ())]
        more += [path_of(rule, store_id=store_id, entity="order", record=record) for record in ORDERS.get(rule.endpoint, ())]
        for path in [bare, *more]:
            answer = client.get(path)
            if answer.status_code == 200 and answer.mimetype == "text/html" and answer.text.lstrip().startswith("<!doctype html>") \
                    and (not only_empty or 'class="empty' in answer.text or "data-live" in answer.text):
                yield path


def examine(page: Page, path: str, *, briefly: bool = False) -> None:
    """One page in both themes and widths; `briefly`: one theme for each width."""
    found: list[str] = []
    for width, theme, rules in ((WIDE, "light", STANDARD), (WIDE, "dark", COLOURS), (NARROW, "dark", STANDARD),
                                (NARROW, "light", COLOURS)):
        if briefly and rules is COLOURS:
            continue
        if page.viewport_size != width:
            page.set_viewport_size(width)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found += [f"{width['width']} {theme} {text}" for text in page.evaluate(RUN_AXE, rules)]
        if page.evaluate(OVERFLOW) > 0:
            found.append(f"{width['width']}: scrolls sideways")
    if page.evaluate(INJECTED):
        found.append("markup of others came alive")
    if page.locator("h1").count() != 1:
        found.append("not one h1")
    trouble: list[str] = page.trouble  # type: ignore[attr-defined]
    found += trouble
    trouble.clear()
    assert not found, f"{path}\n" + "\n".join(found)


def test_every_page_is_accessible_fits_and_runs_clean(chromium: Chromium, app: Flask, world: World, address: str,  # noqa: F811
                                                      soaked: int) -> None:
    page = open_page(chromium, address, viewport=WIDE, reduced_motion="reduce")
    page.context.add_init_script(AXE_SCRIPT)
    seen = list(addresses(app, world, world.mine, soaked))
    assert len(seen) > 30
    for path in seen:
        page.goto(address + path)
        examine(page, path)
    for path, button in (("dead", "Discard all"), ("drift", "Repair all")):
        page.goto(f"{address}/stores/{world.mine}/{path}")
        page.get_by_role("button", name=button).click()
        examine(page, f"{path}: {button}")
    page.context.close()


def test_every_page_of_a_store_without_anything_is_accessible(chromium: Chromium, app: Flask, world: World, address: str,  # noqa: F811
                                                             soaked: int) -> None:
    page = open_page(chromium, address, viewport=WIDE, reduced_motion="reduce")
    page.context.add_init_script(AXE_SCRIPT)
    for path in addresses(app, world, world.other, 0, only_empty=True):
        page.goto(address + path)
        examine(page, path, briefly=True)
    page.context.close()


def test_every_page_fits_in_languages_of_longer_words(chromium: Chromium, app: Flask, world: World, address: str,  # noqa: F811
                                                     soaked: int) -> None:
    pages = [open_page(chromium, address, viewport=NARROW, reduced_motion="reduce", locale=code) for code in ("fr", "it")]
    for path, page in zip(addresses(app, world, world.mine, soaked), cycle(pages), strict=False):
        page.goto(address + path)
        assert page.locator("html").get_attribute("lang") in ("fr", "it")
        assert page.evaluate(OVERFLOW) <= 0, path
    for page in pages:
        assert not page.trouble  # type: ignore[attr-defined]
        page.context.close()


def test_pages_for_people_who_are_not_logged_in_and_errors_are_accessible(chromium: Chromium, app: Flask, world: World,  # noqa: F811
                                                                         address: str) -> None:  # noqa: F811
    with app.app_context(), world.db.begin() as session:
        welcome = welcome_link(session, services().config, user(session, ADMIN))
    page = chromium.new_context(viewport=WIDE, reduced_motion="reduce").new_page()
    page.trouble = watch(page)  # type: ignore[attr-defined]
    page.context.add_init_script(AXE_SCRIPT)
    for path in ("/login", "/welcome?" + welcome.partition("?")[2], "/first-admin?token=spent"):
        page.goto(address + path)
        page.trouble.clear()  # type: ignore[attr-defined]  # the browser says that the last one is refused
        examine(page, path)
    with app.app_context(), world.db.begin() as session:
        session.delete(user(session, ADMIN))
    with app.app_context():
        first = first_admin_link(services().config, world.db) or ""
    page.goto(f"{address}/first-admin?{first.partition('?')[2]}")
    page.get_by_role("button", name="Create and log in").wait_for()
    examine(page, "/first-admin")

    def broken() -> Any:
        raise RuntimeError("broken on purpose")

    app.view_functions["security.login"] = broken
    page.goto(f"{address}/login")
    page.get_by_text("Something went wrong on our side").wait_for()
    page.trouble.clear()  # type: ignore[attr-defined]
    examine(page, "an error of ours")
    page.context.close()


