"""The pages speak the reader's language."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from portal.web import language
from tests.web.conftest import ADMIN, Browser, World, logged_in

CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Log in"
msgstr "{login}"
"""


@pytest.fixture(autouse=True)
def catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """French, Spanish and Italian, as far as the tests look."""
    for code, login in (("fr", "Se connecter"), ("es", "Iniciar sesión"), ("it", "Accedi")):
        folder = tmp_path / "translations" / code / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "messages.po").write_text(CATALOGUE.format(login=login))
    monkeypatch.setattr(language, "FOLDER", tmp_path / "translations")


def test_a_language_without_a_catalogue_is_not_offered(app: Flask, tmp_path: Path) -> None:
    assert list(app.config["LANGUAGES"]) == ["en", "fr", "es", "it"]
    (tmp_path / "translations" / "it" / "LC_MESSAGES" / "messages.po").unlink()
    language.init_app(again := Flask("again"))
    assert list(again.config["LANGUAGES"]) == ["en", "fr", "es"]


def test_a_page_speaks_the_language(world: World) -> None:
    page = world.app.test_client().get("/login", headers={"Accept-Language": "fr"}).text
    assert "<h1>Se connecter</h1>" in page


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
