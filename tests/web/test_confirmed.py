"""The password again, before secrets are shown or replaced and before it changes where keys are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.db import now
from portal.models import OneTimeLink
from portal.web import confirmed
from tests.web.conftest import PASSWORD, Browser, World, words
from tests.web.test_pages import form_of, store_of


@pytest.fixture
def later(admin: Browser, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The administrator, a quarter of an hour after the log-in."""
    at = now() + timedelta(minutes=16)
    monkeypatch.setattr(confirmed, "now", lambda: at)
    return admin


def secrets_of(world: World) -> set[str]:
    return set(world.tokens(world.mine).values())


def test_after_a_quarter_of_an_hour_no_page_shows_a_token(world: World, later: Browser) -> None:
    for path in ("", "settings", "live"):
        page = later.get(f"/stores/{world.mine}/{path}").text
        assert not any(token in page for token in secrets_of(world)), path
    assert later.get(f"/stores/{world.mine}/settings/odooconnector.zip").status_code == 303


def test_right_after_the_log_in_the_tokens_are_shown(world: World, admin: Browser) -> None:
    page = admin.get(f"/stores/{world.mine}/settings").text
    tokens = world.tokens(world.mine)
    assert tokens["cron"] in page
    assert tokens["webhook"] in page
    assert admin.get(f"/stores/{world.mine}/settings/odooconnector.zip").status_code == 200


def test_the_password_leads_on_to_what_was_wanted(world: World, later: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = later.get(f"/stores/{world.mine}/settings/endpoints")
    assert asked.location.startswith("/verify?next=")
    assert later.post(asked.location, {"password": "not it, I think"}).status_code == 422
    assert later.get(f"/stores/{world.mine}/settings/endpoints").status_code == 303, "still not confirmed"
    monkeypatch.setattr(confirmed, "now", now)
    went_on = later.post(asked.location, {"password": PASSWORD})
    assert went_on.location == f"/stores/{world.mine}/settings/endpoints"
    later.get(went_on.location)
    assert "The addresses with their tokens were shown." in words(later.get(f"/stores/{world.mine}/log?who=people"))
    assert later.get(went_on.location).location == f"/stores/{world.mine}/settings#endpoints"


def test_nobody_is_led_to_another_site_afterwards(later: Browser) -> None:
    answer = later.post("/verify?next=https://evil.example.com/", {"password": PASSWORD})
    assert "evil" not in (answer.location or "")


@pytest.mark.parametrize("path", ["/verify", "settings"])
def test_guessing_the_password_with_a_borrowed_session_is_slowed_down(world: World, later: Browser, path: str) -> None:
    form = {"password": "not it, I think"}
    if path == "settings":
        path = f"/stores/{world.mine}/settings"
        form = form_of(store_of(world, world.mine), odoo_login="mallory", present_password="not it, I think")
    for _ in range(11):
        last = later.post(path, form)
    right = later.post(path, form | {"password": PASSWORD, "present_password": PASSWORD})
    assert last.status_code in (422, 429)
    assert right.status_code in (422, 429), "the right one is not tried either until some time has passed"
    assert store_of(world, world.mine).odoo_login == "sync"


def test_a_token_is_not_replaced(world: World, later: Browser) -> None:
    before = secrets_of(world)
    for kind in ("cron", "webhook", "hooks"):
        assert "/verify" in later.post(f"/stores/{world.mine}/settings/tokens/{kind}").location
    assert secrets_of(world) == before


def test_no_link_for_the_password_of_another_is_made(world: World, later: Browser) -> None:
    assert "/verify" in later.post(f"/people/{world.member}/link").location
    with world.db.read() as session:
        assert session.query(OneTimeLink).count() == 0


@pytest.mark.parametrize("change", [
    {"ps_url": "https://evil.example.com", "ps_key": "typed again"},
    {"odoo_url": "https://evil.example.com", "odoo_key": "typed again"},
    {"odoo_key": "another key"}, {"ps_key": "another key"}, {"odoo_db": "other"}, {"odoo_login": "other"},
])
def test_where_and_as_whom_keys_are_sent_is_changed_only_with_the_password(world: World, later: Browser,
                                                                        change: dict[str, Any]) -> None:
    before = {key: getattr(store_of(world, world.mine), key) for key in change}
    form = form_of(store_of(world, world.mine), **change)
    for wrong in ({}, {"present_password": ""}, {"present_password": "not it, I think"}):
        answer = later.post(f"/stores/{world.mine}/settings", form | wrong)
        assert answer.status_code == 422
        assert 'name="present_password"' in answer.text
        assert before == {key: getattr(store_of(world, world.mine), key) for key in change}
    assert later.post(f"/stores/{world.mine}/settings", form | {"present_password": PASSWORD}).status_code == 303
    assert change.items() <= {key: getattr(store_of(world, world.mine), key) for key in change}.items()


def test_other_settings_need_no_password(world: World, later: Browser) -> None:
    assert later.post(f"/stores/{world.mine}/settings", form_of(store_of(world, world.mine), stock="both")).status_code == 303
    assert later.post(f"/stores/{world.mine}/settings/switch/enabled", {"value": "1"}).status_code in (302, 303)


def test_a_clock_that_was_set_back_confirms_nothing(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmed, "now", lambda: now() - timedelta(days=1))
    assert admin.get(f"/stores/{world.mine}/settings/odooconnector.zip").status_code == 303


def test_every_view_that_hands_out_or_replaces_a_secret_asks() -> None:
    """Derived from the code: whoever calls for a token's value in the web stands behind the question."""
    import ast
    from pathlib import Path

    import portal.web

    seen = 0
    asks = {"password_again", "is_confirmed"}
    for path in Path(portal.web.__file__).parent.glob("*.py"):
        for view in ast.walk(ast.parse(path.read_text())):
            if isinstance(view, ast.FunctionDef):
                names = {node.attr for node in ast.walk(view) if isinstance(node, ast.Attribute)}
                if names & {"token_value", "rotate_token", "store_facts", "StoreFacts"}:
                    assert names & asks, f"{path.name}: {view.name}"
                    seen += 1
    assert seen >= 4
