"""The pages speak the reader's language."""

from __future__ import annotations

import pytest

from tests.web.conftest import ADMIN, Browser, World, logged_in


def test_the_browsers_language_is_taken_until_another_is_chosen(world: World) -> None:
    browser = world.app.test_client()
    assert 'lang="it"' in browser.get("/login", headers={"Accept-Language": "it-CH,it;q=0.9,en;q=0.5"}).text
    assert 'lang="en"' in browser.get("/login", headers={"Accept-Language": "ja"}).text


def test_a_chosen_language_is_kept_with_the_account(world: World, admin: Browser) -> None:
    admin.post("/language", {"language": "fr", "back": "/people"})
    assert 'lang="fr"' in admin.get("/people").text
    assert 'lang="fr"' in logged_in(world, ADMIN).get("/people").text


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:x", ""])
def test_choosing_a_language_leads_to_no_other_site(admin: Browser, back: str) -> None:
    assert admin.post("/language", {"language": "es", "back": back}).location == "/"


def test_an_unknown_language_is_refused(admin: Browser) -> None:
    assert admin.post("/language", {"language": "tlh"}).status_code == 422


def test_programs_are_answered_in_english(world: World) -> None:
    answer = world.app.test_client().get("/cron", headers={"Accept-Language": "fr"})
    assert (answer.status_code, answer.json["error"]) == (403, "You may not do this")
