"""The page that sets Odoo's webhooks up: what it says for each version, its buttons, and the wait for the first call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.clients.errors import Outage
from portal.db import now
from portal.models import Store
from portal.sync import tick, webhook, webhooks
from portal.sync.webhooks import Setup
from portal.web import confirmed
from tests.web.conftest import Browser, World, words


def know(world: World, major: int, **note: Any) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.odoo_profile = {"version": f"{major}.0", "major": major}
        store.choices = {**store.choices, "products": "both", "stock": "both"}
        if note:
            store.notes = {**store.notes, webhooks.NOTE: {"at": "2026-01-01T00:00:00+00:00", "installed": [], "by_hand": False,
                                                          "address": "", **note}}


def page(world: World, browser: Browser) -> str:
    return words(browser.get(f"/stores/{world.mine}/webhooks"))


def test_the_settings_lead_there(world: World, member: Browser) -> None:
    assert f'href="/stores/{world.mine}/webhooks"' in member.get(f"/stores/{world.mine}/settings").text


@pytest.mark.parametrize("major", [14, 15, 16])
def test_before_17_it_says_that_asking_does_the_job(world: World, member: Browser, major: int) -> None:
    know(world, major)
    text = page(world, member)
    assert f"Odoo {major}.0 cannot call anybody by itself" in text
    assert "The portal asks Odoo every 5 minutes instead. There is nothing to set up." in text
    assert "Make the rules" not in text
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.choices = {**store.choices, "poll_minutes": 0}
    assert "The portal does not ask Odoo either" in page(world, member)


def test_it_names_what_is_missing_and_the_clicks(world: World, member: Browser) -> None:
    assert "Press Test connection in the settings." in page(world, member)
    know(world, 19)
    text = page(world, member)
    assert "No automation rule is known for product.template" in text
    assert "By hand in Odoo 19.0, click by click" in text
    assert "Trigger: On create and edit." in text
    assert f"/webhook?token={world.tokens(world.mine)['webhook']}" in member.get(f"/stores/{world.mine}/webhooks").text


def test_the_token_is_for_those_who_typed_their_password_just_now(world: World, member: Browser,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    know(world, 18)
    at = now() + timedelta(minutes=16)
    monkeypatch.setattr(confirmed, "now", lambda: at)
    page = member.get(f"/stores/{world.mine}/webhooks")
    assert world.tokens(world.mine)["webhook"] not in page.text
    assert "/webhook?token=TOKEN" in page.text
    assert "Show the address with its token" in words(page)


def test_it_waits_for_the_first_call_and_then_says_that_all_is_in_place(world: World, member: Browser) -> None:
    know(world, 17, by_hand=True)
    first = member.get(f"/stores/{world.mine}/webhooks")
    assert "Waiting for the first call." in words(first)
    assert 'hx-trigger="every 5s"' in first.text
    with world.db.begin() as session:
        tick.beat(session, webhook.hit_name(session.get_one(Store, world.mine)), "webhook")
    after = member.get(f"/stores/{world.mine}/webhooks/live", headers={"HX-Request": "true"})
    assert "Odoo calls. Everything is in place." in words(after)
    assert "<html" not in after.text


def test_the_buttons_do_what_the_commands_do(world: World, member: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    know(world, 17)
    done: list[str] = []

    def installed(services: Any, store: Store, actor: str = "") -> Setup:
        done.append(f"install {store.name} {actor}")
        return Setup("17.0", ("sale.order",), "u", "Odoo calls the portal when these change: sale.order.")

    monkeypatch.setattr(webhooks, "install", installed)
    monkeypatch.setattr(webhooks, "show", lambda services, store: Setup("17.0", (), "u", "Odoo has no automation rules yet."))
    monkeypatch.setattr(webhooks, "remove", lambda services, store, actor: 6)
    base = f"/stores/{world.mine}/webhooks"
    assert "when these change: sale.order." in words(member.post(f"{base}/install", follow_redirects=True))
    assert "Odoo has no automation rules yet." in words(member.post(f"{base}/check", follow_redirects=True))
    assert "6 rules were removed from Odoo." in words(member.post(f"{base}/remove", follow_redirects=True))
    assert done == ["install Mine member@example.com"]
    assert member.post(f"{base}/explode").status_code == 404


def test_an_odoo_that_is_away_is_said_in_words(world: World, member: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise Outage("odoo", "Odoo does not answer.", remedy="Wait.")

    monkeypatch.setattr(webhooks, "install", away)
    assert "Odoo does not answer. Wait." in words(member.post(f"/stores/{world.mine}/webhooks/install", follow_redirects=True))
