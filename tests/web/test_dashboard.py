"""The dashboard: what it says of each kind of record, of the day, and of the first steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from portal.db import now
from portal.models import Activity, Circuit, Heartbeat, Mapping, ShopModule, Store
from portal.sync.activity import Hour
from portal.web import chart
from tests.web.conftest import Browser, World, words

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def alive(world: World) -> None:
    with world.db.begin() as session:
        session.add(Heartbeat(name="tick", kind="tick"))
        session.add(Heartbeat(name="w1", kind="worker"))
        store = session.get_one(Store, world.mine)
        store.choices = {**store.choices, "enabled": True}


def page(world: World, browser: Browser) -> str:
    return words(browser.get(f"/stores/{world.mine}/"))


def test_bars_are_stacked_and_nothing_that_happened_is_invisible() -> None:
    hours = [Hour(NOON - timedelta(hours=1)), Hour(NOON, synced=1000, failed=1, dead=500)]
    drawn = chart.draw(hours)
    assert [bar.kind for bar in drawn.bars] == ["synced", "failed", "dead"]
    assert all(bar.height >= 2 and bar.x > 10 for bar in drawn.bars)
    assert all(above.y + above.height == below.y for below, above in zip(drawn.bars, drawn.bars[1:], strict=False))
    assert drawn.bars[-1].y >= 0
    assert (drawn.synced, drawn.failed, drawn.dead, drawn.busiest) == (1000, 1, 500, hours[1])


def test_a_quiet_day_says_so(world: World, admin: Browser) -> None:
    assert "Nothing was synchronised in the last 24 hours." in admin.get(f"/stores/{world.mine}/").text


def test_the_day_is_told_in_words_and_as_a_table(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        session.add(Activity(store_id=world.mine, entity="order", direction="ps_to_odoo", hour=hour, synced=1200, failed=3, dead=1,
                             last_synced_at=hour))
    text = admin.get(f"/stores/{world.mine}/").text
    assert "Synchronised in the last 24 hours: 1,200; tries that failed: 3; put aside as dead letters: 1." in text
    assert "As a table" in text
    assert "reached Odoo" in text


def test_each_kind_of_record_has_its_state_and_leads_to_what_needs_a_person(world: World, admin: Browser) -> None:
    alive(world)
    world.job(world.mine, "1", "dead", entity="order")
    world.job(world.mine, "2", "pending", entity="customer")
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        session.add(Mapping(store_id=store.id, target=store.target, entity="product", shop_id="1", odoo_id=1))
    text = page(world, admin)
    assert "Customers Syncing 1 waiting" in text
    assert "Products In sync" in text
    assert "Stock Off does not travel" in text
    assert "Orders 1 needs you" in text
    assert f"/stores/{world.mine}/dead?entity=order" in admin.get(f"/stores/{world.mine}/").text


def test_an_outage_shows_at_the_record_and_in_the_tab(world: World, admin: Browser) -> None:
    alive(world)
    assert "favicon-trouble" not in admin.get(f"/stores/{world.mine}/").text.partition("data-good")[0]
    with world.db.begin() as session:
        session.add(Circuit(store_id=world.mine, side="odoo", state="open", reason="No answer."))
    html = admin.get(f"/stores/{world.mine}/").text
    assert "favicon-trouble" in html.partition("data-good")[0]
    assert "Odoo cannot be reached." in html
    assert "Waits" in html


def test_idle_workers_are_counted_and_silent_ones_are_told(world: World, admin: Browser) -> None:
    alive(world)
    assert "Workers 1 running" in page(world, admin)
    with world.db.begin() as session:
        session.get_one(Heartbeat, "w1").at = datetime.now(UTC) - timedelta(minutes=20)
    text = page(world, admin)
    assert "No worker is running." in text
    assert "Workers silent" in text


def test_the_first_steps_name_the_next_one_and_go_when_all_are_done(world: World, admin: Browser) -> None:
    text = page(world, admin)
    assert "First steps 1 Connect" in text
    assert "Open the settings" in text
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.shop_profile, store.odoo_profile = {"version": "9.1.4"}, {"version": "17.0"}
        store.choices = {"customers": False, "products": "odoo_to_ps", "orders": False, "enabled": False}
    text = page(world, admin)
    assert "5 Enable From then on every change travels by itself. Enable synchronization" in text
    assert "Odoo 17.0" in text
    alive(world)
    assert "First steps" not in page(world, admin)


def test_the_shop_module_shows_when_it_was_heard_and_when_it_is_silent_too_long(world: World, admin: Browser) -> None:
    assert "not heard of yet; the shop is asked instead" in page(world, admin)
    with world.db.begin() as session:
        session.add(ShopModule(store_id=world.mine, heard_at=now(), version="1.0.7", shop_version="8.2.0", backlog=1234))
    text = page(world, admin)
    assert "version 1.0.7" in text
    assert "1,234 waiting in the shop" in text
    with world.db.begin() as session:
        session.get_one(ShopModule, world.mine).heard_at = now() - timedelta(days=2)
    line = page(world, admin).split("Shop module")[1]
    assert "silent last heard" in line
    assert "; version 1.0.7; 1,234 waiting" in line


def test_a_module_that_refuses_the_pull_is_shown_at_once_with_the_remedy(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        session.add(ShopModule(store_id=store.id, heard_at=now(), version="1.0.0"))
        store.notes = {**store.notes, "poll": {"module": {"trouble": "The module does not answer as it should. Upload it again."}}}
    line = page(world, admin).split("Shop module")[1]
    assert "refuses The module does not answer as it should. Upload it again." in line
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.notes = {**store.notes, "poll": {"module": {"trouble": ""}}}
    assert "refuses" not in page(world, admin)
