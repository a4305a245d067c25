"""The pages in a real browser: no script error, live refresh, forms in place, and what works by keyboard and without scripts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from portal.db import now
from portal.models import (
    Alert,
    AlertChannel,
    Conflict,
    Drift,
    DriftRun,
    Heartbeat,
    InitialRun,
    LogEntry,
    Mapping,
    Rehearsal,
    RehearsalKey,
    Rehearsed,
    Store,
)
from portal.sync import log, stores
from portal.sync.foreseen import KINDS
from portal.sync.stores import Check
from tests.web.conftest import ADMIN, PASSWORD, World
from tests.web.order_pages import keep_ledger, keep_taxes, mixed_order

pytestmark = pytest.mark.browser
MARKUP = "<img src=x onerror=alert(1)>"
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.fixture
def address(world: World) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def full(world: World) -> int:
    """Something on every page, hostile markup included; the id of a dead letter."""
    for record in range(3):
        dead = world.job(world.mine, str(record), "dead", cause="vat" if record else "tax", message=f"No {MARKUP}",
                         remedy="Fix it.", detail=MARKUP)
    for number, state in enumerate(["pending", "running", "blocked", "synced", "error", "discarded", "superseded"]):
        world.job(world.mine, f"9{number}", state, entity="order", message="Something happened.", attempts=1)
    world.job(world.mine, "98", "dead", entity="order", message="No tax.", cause="tax:19%:DE")
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        stores.change_store(session, store, {"enabled": "1", "dry_run": "1"}, "someone")
        store.odoo_profile = {"locations": [[8, "WH/Stock"]]}
        session.add(Mapping(store_id=store.id, target=store.target, entity="customer", shop_id="1", odoo_id=1))
        session.add(InitialRun(store_id=store.id, entity="customer", state="reading", noticed=4))
        session.add(Heartbeat(name="tick", kind="tick"))
        fill_reports(session, store.id)
        keep_ledger(session, store, "94", "held", cause="order:shop_total", reason=MARKUP, made=mixed_order("31.64"), name=MARKUP)
        keep_ledger(session, store, "93")
        keep_taxes(session, store, kinds="excluded", name=MARKUP, more=[("DE", "19%")])
        for number, winner in enumerate(("prestashop", "odoo", "manual", "manual")):
            session.add(Conflict(store_id=store.id, target=store.target, entity="customer", shop_id="1", field="name", base="",
                                 shop_value=MARKUP * 9, odoo_value=False, winner=winner, state="kept" if number == 3 else "open"))
        log.write(session, store.id, MARKUP, level="error", actor="someone", dry_run=True)
        log.write(session, store.id, "A warning.", level="warning")
    return dead


def fill_reports(session: Session, store_id: int) -> None:
    """A rehearsal with every kind of finding."""
    session.add(Rehearsal(store_id=store_id, steps=[["customer", "ps_to_odoo"]], cursor=[0, 5], looked=5,
                          message="The shop is down."))
    for number, kind in enumerate(KINDS):
        session.add(Rehearsed(store_id=store_id, entity="customer", direction="ps_to_odoo", record=str(number), kind=kind,
                              title=MARKUP * 3, message="It would be so.", remedy="Do it.", changes=[
                                  {"side": "odoo", "field": "name", "before": "Old", "after": MARKUP * 3},
                                  {"side": "shop", "field": "active", "before": False, "after": None}]))
    session.add(Alert(store_id=store_id, cause="dead", title="3 changes need you", text=MARKUP * 3, number=3))
    session.add(AlertChannel(store_id=store_id, kind="email", target=f"a@example.com, {'b' * 60}@example.com", failures=0,
                             problem="", waiting=[], sent_at=now()))
    session.add(AlertChannel(store_id=store_id, kind="webhook", target="https://hooks.example.com/in?key=secret-of-the-hook",
                             failures=2, problem="The address answers HTTP 500. " + MARKUP, waiting=[{"id": "1"}]))
    session.add(DriftRun(store_id=store_id, state="finished", steps=["order"], cursor=[1, 0], looked=5))
    for number, kind in enumerate(("missing", "total", "state")):
        session.add(Drift(store_id=store_id, entity="order", kind=kind, record=str(number), title=MARKUP * 2, shop_says="1.00",
                          odoo_says=MARKUP, why_not="Odoo is the master.", state="asked" if number == 2 else "open",
                          repair=None if number else {"direction": "ps_to_odoo", "record": "1"}))
    for record in ("4", "5"):
        session.add(RehearsalKey(store_id=store_id, source="shop customers", what="e-mail", value="a" * 120, record=record))


def open_page(chromium: Chromium, address: str, **context: Any) -> Page:
    """A logged-in page that fails the test on a script error, a blocked resource or a dialog."""
    page = chromium.new_context(**context).new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append("dialog"), dialog.dismiss()))
    page.trouble = trouble  # type: ignore[attr-defined]
    page.goto(f"{address}/login")
    page.fill("#email", ADMIN)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(f"{address}/stores")
    return page


def test_the_login_page_is_accessible(chromium: Chromium, world: World, address: str) -> None:
    page = chromium.new_page()
    page.goto(f"{address}/login")
    page.fill("#email", ADMIN)
    page.fill("#password", "wrong password 123")
    page.press("#password", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("E-mail or password is wrong.")
    assert not Axe().run(page, options=RULES).violations_count
    page.context.close()


def test_the_dashboard_refreshes_itself_and_can_be_paused(chromium: Chromium, world: World, address: str, full: int) -> None:
    page = open_page(chromium, address)
    page.clock.install()
    page.goto(f"{address}/stores/{world.mine}/")
    expect(page.locator("#tile-dead .figure")).to_have_text("4")
    world.job(world.mine, "77", "dead")
    with page.expect_response(re.compile("/live")) as changed:
        page.clock.run_for(6000)
    assert changed.value.status == 200
    expect(page.locator("#tile-dead .figure")).to_have_text("5")
    expect(page.get_by_role("button", name="Live")).to_be_visible()
    with page.expect_response(re.compile("/live")) as same:
        page.clock.run_for(6000)
    assert same.value.status == 204
    page.get_by_role("button", name="Live").click()
    expect(page.get_by_role("button", name="Paused")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(30000)
    assert not asked
    page.get_by_role("button", name="Paused").click()
    with page.expect_response(re.compile("/live")):
        page.clock.fast_forward(301_000)
    asked.clear()
    page.clock.run_for(24_000)
    assert not asked, "while nobody touches the page it refreshes itself every half minute"
    with page.expect_response(re.compile("/live")):
        page.clock.run_for(11_000)
    assert not page.trouble  # type: ignore[attr-defined]
    page.context.close()


def test_times_are_told_in_the_zone_that_was_chosen(chromium: Chromium, world: World, address: str) -> None:
    with world.db.begin() as session:
        session.add(LogEntry(store_id=world.mine, at=datetime(2026, 2, 28, 15, 1, tzinfo=UTC), level="info", message="An entry."))
    page = open_page(chromium, address, timezone_id="America/New_York")
    entry = page.locator("time[datetime^='2026-02-28']")
    page.goto(f"{address}/stores/{world.mine}/log")
    expect(entry).to_have_attribute("title", "Feb 28, 2026, 10:01:00 GMT-05:00")
    expect(entry).to_contain_text("ago")
    entry.click()
    expect(entry).to_have_text("Feb 28, 2026, 10:01:00 GMT-05:00")
    page.goto(f"{address}/account")
    expect(page.locator("[data-zone-name]")).to_have_text("America/New_York")
    expect(page.get_by_label("Show times in the zone of").locator("option:checked")).to_have_text("This browser (America/New_York)")
    page.get_by_label("Show times in the zone of").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{address}/stores/{world.mine}/log")
    expect(entry).to_have_attribute("title", "Mar 1, 2026, 00:01:00 GMT+09:00")
    assert not page.trouble  # type: ignore[attr-defined]
    page.context.close()


def test_a_refresh_after_the_session_ended_leads_to_the_login_page(chromium: Chromium, world: World, address: str) -> None:
    page = open_page(chromium, address)
    page.clock.install()
    page.goto(f"{address}/stores/{world.mine}/")
    page.context.clear_cookies()
    page.clock.run_for(6000)
    page.wait_for_url(f"{address}/login")
    page.context.close()


def test_the_form_is_checked_tested_and_saved_in_place(chromium: Chromium, world: World, address: str,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(True, "Odoo 17.0, uid 7", [], {"locations": [[8, "WH/Stock"]]})
    monkeypatch.setattr(stores, "check_odoo", lambda *a, **k: check)
    page = open_page(chromium, address)
    page.goto(f"{address}/stores/new")
    page.fill("#name", "<Third>")
    page.press("#name", "Tab")
    expect(page.locator("#name-problem")).to_contain_text("Use letters, digits")
    expect(page.locator("#name")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#ps_url")).to_be_focused()
    page.fill("#name", "Third")
    page.press("#name", "Tab")
    expect(page.locator("#name-problem")).to_be_hidden()
    expect(page.locator("#name")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#max_attempts")).to_be_hidden()
    page.get_by_text("More settings").click()
    for key, value in {"name": "Third", "ps_url": "shop.example.com", "ps_key": "k1", "odoo_url": "odoo.example.com",
                       "odoo_login": "sync", "odoo_key": "k2", "max_attempts": "0"}.items():
        page.fill(f"#{key}", value)
    page.get_by_role("button", name="Add this store").click()
    expect(page.locator("#max_attempts-problem")).to_be_visible()
    expect(page.locator("#form-problems")).to_be_focused()
    assert page.input_value("#ps_key") == "k1"
    page.get_by_role("link", name="Enter the Odoo database.").click()
    page.fill("#odoo_db", "prod")
    page.fill("#max_attempts", "5")
    page.locator("article", has_text="Odoo database").get_by_role("button", name="Test connection").click()
    expect(page.locator("#check-odoo")).to_contain_text("Odoo 17.0, uid 7")
    page.select_option("#odoo_location", label="WH/Stock")
    assert page.input_value("#odoo_key") == "k2"
    page.get_by_role("button", name="Add this store").click()
    expect(page.get_by_role("status").filter(has_text="Third was added.")).to_be_visible()
    errors = [text for text in page.trouble if "422" not in text]  # type: ignore[attr-defined]
    assert not errors
    page.context.close()


def test_dead_letters_are_solved_by_keyboard_alone(chromium: Chromium, world: World, address: str, full: int) -> None:
    page = open_page(chromium, address)
    page.goto(f"{address}/stores/{world.mine}/dead")
    page.locator(f"#job-{full}").focus()
    page.keyboard.press("Space")
    button = page.get_by_role("button", name="Discard 1 selected")
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Discard 1 change?")).to_be_visible()
    page.get_by_role("button", name="Discard 1").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="1 change was discarded.")).to_be_visible()
    page.context.close()


def test_pages_work_without_scripts(chromium: Chromium, world: World, address: str, full: int) -> None:
    page = open_page(chromium, address, java_script_enabled=False)
    page.goto(f"{address}/stores/{world.mine}/")
    expect(page.locator("#tile-dead .figure")).to_have_text("4")
    expect(page.locator("[data-live-switch]")).to_be_hidden()
    page.click("#process")
    expect(page.get_by_role("status").first).to_contain_text("being processed now")
    page.goto(f"{address}/stores/{world.mine}/settings")
    page.fill("#max_attempts", "0")
    page.locator(".save-bar button").click()
    expect(page.locator("#max_attempts-problem")).to_be_visible()
    page.context.close()


def test_a_token_is_copied(chromium: Chromium, world: World, address: str) -> None:
    page = open_page(chromium, address, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{address}/stores/{world.mine}/settings")
    page.get_by_role("button", name="Copy: Crontab line").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert world.tokens(world.mine)["cron"] in page.evaluate("navigator.clipboard.readText()")
    page.context.close()


def test_the_first_load_is_small() -> None:
    import gzip

    static = Path(__file__).parents[2] / "static"
    assert sum(len(gzip.compress(path.read_bytes())) for path in static.iterdir() if path.suffix != ".md") < 60_000


def test_a_ledger_prints_as_a_table_without_what_belongs_to_the_screen(chromium: Chromium, world: World, address: str,
                                                                      full: int) -> None:
    page = open_page(chromium, address, viewport={"width": 700, "height": 900})
    page.goto(f"{address}/stores/{world.mine}/orders/94/ledger")
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    assert page.locator("table.ledger thead").evaluate("e => getComputedStyle(e).position") == "absolute", "cards on a small screen"
    page.emulate_media(media="print")
    assert page.locator("table.ledger thead").evaluate("e => getComputedStyle(e).position") == "static"
    assert page.locator("table.ledger tbody tr").first.evaluate("e => getComputedStyle(e).display") == "table-row"
    for part in (".top", ".sections", ".actions", ".foot"):
        expect(page.locator(part).first).to_be_hidden()
    page.context.close()


def test_a_tax_is_chosen_by_keyboard_and_without_scripts(chromium: Chromium, world: World, address: str, full: int) -> None:
    page = open_page(chromium, address, java_script_enabled=False)
    page.goto(f"{address}/stores/{world.mine}/taxes")
    page.get_by_role("link", name=re.compile("Choose the taxes for 20% in")).first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="20%").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Use these taxes").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("was saved.")
    page.context.close()
