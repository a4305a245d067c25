"""Failed changes: grouped by cause, with the page that fixes it, and retried or discarded however many there are."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from werkzeug.test import TestResponse

from portal.db import now
from portal.models import Circuit, JobEvent, LogEntry, Store, SyncJob
from portal.sync import jobs
from portal.web import fixes
from tests.web.conftest import Browser, World, words

THOUSANDS = 2_100
"""More than one transaction takes."""


def base(world: World) -> str:
    return f"/stores/{world.mine}/dead"


def hidden(page: TestResponse, action: str) -> dict[str, Any]:
    """The hidden fields of the first form of the page that posts there."""
    form = next(part for part in re.findall(r"<form.*?</form>", page.text, re.S) if f'/dead/{action}"' in part)
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form):
        if name != "csrf_token":
            fields.setdefault(name, []).append(unescape(value))
    return fields


def states(world: World) -> dict[str, int]:
    with world.db.read() as session:
        rows = [row.state for row in session.query(SyncJob)]
    return {state: rows.count(state) for state in set(rows)}


def many(world: World, number: int, state: str = "dead", cause: str = "vat") -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        jobs.notice_many(session, store, "customer", "ps_to_odoo", [f"{cause}{n}" for n in range(number)], source="hook")
        session.query(SyncJob).filter(SyncJob.record.startswith(cause)).update(
            {"state": state, "cause": cause, "message": f"{cause} is wrong", "finished_at": now(), "updated_at": now()})


def test_causes_come_largest_first_with_numbers_in_the_buttons(world: World, admin: Browser) -> None:
    for record in range(4):
        world.job(world.mine, str(record), "dead", cause="vat" if record else "tax", message="VAT is wrong" if record else "No tax")
    text = words(admin.get(base(world)))
    for expected in ("Retry all 4", "Discard all 4", "Retry these 3", "Discard these 3", "Retry it", "VAT is wrong", "No tax"):
        assert expected in text
    assert text.index("VAT is wrong") < text.index("No tax"), "the largest group first"


@pytest.mark.parametrize(("action", "state"), [("retry", "pending"), ("discard", "discarded")])
@pytest.mark.parametrize(("form", "expected"), [({"all": "1"}, {1, 2, 3}), ({"all": "1", "cause": "vat"}, {2, 3}),
                                                ({"all": "1", "entity": "customer", "q": "1"}, {1}), ({"job": ["1", "3"]}, {1, 3})])
def test_one_some_a_group_or_all_after_a_confirmation(world: World, admin: Browser, action: str, state: str,
                                                      form: dict[str, Any], expected: set[int]) -> None:
    for record in range(1, 4):
        world.job(world.mine, str(record), "dead", cause="tax" if record == 1 else "vat")
    address = f"{base(world)}/{action}"
    ask = admin.post(address, form)
    if action == "discard" or len(expected) > 1:
        assert f"{action.capitalize()} {len(expected)} change{'s' * (len(expected) > 1)}?" in words(ask)
        assert states(world) == {"dead": 3}, "nothing happens before the confirmation"
        form = hidden(ask, action)
        admin.post(address, form)
    again = words(admin.post(address, {**form, "confirmed": "1"}, follow_redirects=True))
    assert "0 changes" in again, "a second click changes nothing"
    with world.db.read() as session:
        assert {row.id for row in session.query(SyncJob).filter_by(state=state)} == expected


def test_a_double_click_on_retry_does_not_give_a_newly_failed_change_up(world: World, admin: Browser) -> None:
    world.job(world.mine, "1", "dead")
    ask = hidden(admin.post(f"{base(world)}/discard", {"all": "1"}), "discard")
    world.job(world.mine, "2", "dead", updated_at=now() + timedelta(seconds=1))
    assert "1 change was discarded." in words(admin.post(f"{base(world)}/discard", ask, follow_redirects=True))
    assert states(world) == {"discarded": 1, "dead": 1}, "what failed after the page was opened was never seen"


def test_a_stale_page_discards_nothing_that_waits_again(world: World, admin: Browser) -> None:
    job = world.job(world.mine, "1", "dead")
    admin.post(f"{base(world)}/retry", {"job": job})
    admin.post(f"{base(world)}/discard", {"job": job, "confirmed": "1"})
    assert states(world) == {"pending": 1}


def test_one_retry_needs_no_confirmation_and_joins_a_newer_change(world: World, admin: Browser) -> None:
    dead = world.job(world.mine, "1", "dead", cause="x")
    world.job(world.mine, "1")
    text = words(admin.post(f"{base(world)}/retry", {"job": dead}, follow_redirects=True))
    assert "1 joined a newer change" in text
    assert "Nothing was selected" in words(admin.post(f"{base(world)}/retry", follow_redirects=True))


def test_thousands_are_retried_by_filter_and_then_discarded(world: World, admin: Browser) -> None:
    many(world, THOUSANDS)
    many(world, 3, cause="tax")
    page = admin.get(f"{base(world)}?cause=vat")
    assert f"Retry these {THOUSANDS:,}" in words(page)
    assert page.text.count('name="job"') == 50
    ask = admin.post(f"{base(world)}/retry", hidden(page, "retry"))
    assert f"Retry {THOUSANDS:,} changes?" in words(ask)
    done = admin.post(f"{base(world)}/retry", hidden(ask, "retry"), follow_redirects=True)
    assert f"{THOUSANDS:,} changes will be tried again." in words(done)
    assert "tax is wrong" in words(done), "nothing is left of the group, so the others are shown"
    assert states(world) == {"pending": THOUSANDS, "dead": 3}
    with world.db.begin() as session:
        assert session.query(JobEvent).filter_by(kind="retried").count() == THOUSANDS
        assert session.query(LogEntry).filter(LogEntry.message.contains(f"{THOUSANDS:,} retried by hand")).one().actor
        session.query(SyncJob).filter_by(state="pending").update({"state": "dead", "updated_at": now()})
    ask = admin.post(f"{base(world)}/discard", {"all": "1", "cause": "vat"})
    assert f"{THOUSANDS:,} changes were discarded." in words(admin.post(f"{base(world)}/discard", hidden(ask, "discard"),
                                                                follow_redirects=True))
    assert states(world) == {"discarded": THOUSANDS, "dead": 3}


def test_errors_are_grouped_too_and_can_be_tried_at_once(world: World, admin: Browser) -> None:
    later = now() + timedelta(hours=1)
    world.job(world.mine, "1", "error", cause="vat", message="VAT is wrong", attempts=3, due_at=later)
    world.job(world.mine, "2", "error", cause="vat", message="VAT is wrong", attempts=3, due_at=later, uncertain=True)
    page = admin.get(f"{base(world)}?state=error")
    assert "VAT is wrong" in words(page)
    assert "Retry these 2" in words(page)
    ask = admin.post(f"{base(world)}/retry", hidden(page, "retry"))
    text = words(admin.post(f"{base(world)}/retry", hidden(ask, "retry"), follow_redirects=True))
    assert "1 change will be tried again." in text
    assert "1 were left" in text
    with world.db.read() as session:
        one, two = session.query(SyncJob).order_by(SyncJob.id)
        assert (one.state, one.attempts, one.due_at <= now()) == ("pending", 0, True)
        assert (two.state, two.attempts) == ("error", 3), "its last write may still be on its way"


def test_causes_are_paged(world: World, admin: Browser) -> None:
    for record in range(45):
        world.job(world.mine, str(record), "dead", cause=f"cause {record:02}", message=f"cause {record:02}")
    seen: list[str] = []
    address = base(world)
    for _ in range(5):
        page = admin.get(address)
        seen += re.findall(r"<h2>.*?<span>(cause \d\d)</span>", page.text, re.S)
        link = re.search(r'class="older".*?href="([^"]+)"', page.text, re.S)
        if link is None:
            break
        address = unescape(link[1])
    assert seen == [f"cause {n:02}" for n in range(45)]


@pytest.mark.parametrize(("cause", "place"), [
    ("tax:20%:FR", "/taxes/choice?place=FR&rate=20%25"), ("odoo:right:sale.order", "/settings#odoo_key"),
    ("shop:key", "/settings#ps_key"), ("dependency:product:12", "/records/product/12"), ("order:direction", "/settings#orders"),
    ("odoo:no-location", "/settings#odoo_location"), ("odoo:validation:vat", "")])
def test_a_cause_leads_to_the_page_that_puts_it_right(world: World, admin: Browser, cause: str, place: str) -> None:
    world.job(world.mine, "1", "dead", cause=cause)
    html = unescape(admin.get(base(world)).text)
    group = html[html.index('class="group"'):]
    assert not place or f"/stores/{world.mine}{place}" in group
    with world.app.test_request_context(base(world)):
        world.app.preprocess_request()
        assert bool(fixes.of_cause(cause)) == bool(place)


def test_a_record_that_several_could_be_is_linked_by_hand(world: World, admin: Browser) -> None:
    world.job(world.mine, "12", "dead", cause="customer:several:email", message="Two contacts have this address.")
    html = unescape(admin.get(base(world)).text)
    link = re.search(r'href="([^"]+)">Link it by hand', html)
    assert link is not None
    assert 'value="12"' in admin.get(link[1]).text


def test_a_refused_key_is_tested_on_the_spot(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.sync import stores

    world.job(world.mine, "1", "pending")
    with world.db.begin() as session:
        session.add(Circuit(store_id=world.mine, side="odoo", state="paused", reason="Odoo does not accept this user and key."))
    page = words(admin.get(base(world)))
    assert "1 change waits for it; nothing is lost." in page
    assert "Test the key now" in page
    answers = iter([stores.Check(False, "No", [(False, "Odoo does not accept this user and key.", "Make a new key.")]),
                    stores.Check(True, "Odoo 17.0, uid 7", [], {"version": "17.0"})])
    monkeypatch.setattr(stores, "check_odoo", lambda *_, **__: next(answers))
    assert "Make a new key." in words(admin.post(f"{base(world)}/check/odoo", follow_redirects=True))
    text = words(admin.post(f"{base(world)}/check/odoo", follow_redirects=True))
    assert "Odoo 17.0, uid 7: the connection works. What waited goes on." in text
    assert "Test the key now" not in text
    assert admin.post(f"{base(world)}/check/unicorn").status_code == 404
