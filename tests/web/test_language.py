"""The pages speak the reader's language, wholly."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po
from flask import Flask
from jinja2 import Environment

from portal.models import (
    Circuit,
    Conflict,
    Drift,
    DriftRun,
    Heartbeat,
    InitialRun,
    JobEvent,
    Mapping,
    Rehearsal,
    Rehearsed,
    Store,
    User,
)
from portal.sync import log
from portal.web import language, told
from portal.web.shown import EVENTS
from tests.web.conftest import ADMIN, Browser, World, logged_in
from tests.web.test_access import INBOUND, path_of
from translations import said
from translations import write as catalogues

ROOT = Path(__file__).parents[2]
READ_ALOUD = {"aria-label", "title", "placeholder", "alt", "data-label", "data-selection-label"}
NAMES = {"Odoo", "Connector", "PrestaShop", "Odoo Connector", "UTC", "CSV", "EAN", "id", "(id )", "id :", "· Odoo Connector",
         "() Odoo Connector · Odoo Connector", "DRY-RUN"}
"""What is called the same in every language."""
MARK = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}|(</?\w+)")


class Texts(HTMLParser):
    """Collects what a person reads or hears of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.quiet = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.quiet += tag in ("code", "pre", "script", "style")
        self.found += [value for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        self.quiet -= tag in ("code", "pre", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self.quiet:
            self.found.append(data)


def texts(html: str) -> list[str]:
    page = Texts()
    page.feed(html)
    return [" ".join(text.split()) for text in page.found if text.strip()]


def untranslated(source: str) -> list[str]:
    """The words of a template that stand outside every translation."""
    source = re.sub(r"{%-?\s*trans\b.*?{%-?\s*endtrans\s*-?%}", "", source, flags=re.S)
    expressions = re.findall(r"{{.*?}}|{%.*?%}", source, flags=re.S)
    html = "".join(value if kind == "data" else "" for _, kind, value in Environment(autoescape=True).lex(source))
    words = [text for text in texts(html) if re.search(r"[A-Za-z]{2}", text) and text not in NAMES and "aria-" not in text]
    return words + [text for expression in expressions for text in literal_sentences(expression)]


def literal_sentences(expression: str) -> list[str]:
    """Literals in an expression that look like words for a reader: they begin with a capital and are not given to `_`."""
    quoted = r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    bare = re.sub(rf"\b_\(\s*{quoted}|\bngettext\(\s*{quoted},\s*{quoted}", "", expression)
    return [text for text in re.findall(r"'([A-Z][a-z]+(?: [^']*)?)'", bare) if text not in NAMES]


@pytest.mark.parametrize("template", sorted(path.name for path in (ROOT / "templates").glob("*.html")))
def test_a_template_has_no_words_outside_the_catalogues(template: str) -> None:
    assert untranslated((ROOT / "templates" / template).read_text()) == []


@pytest.fixture(scope="module")
def template() -> Catalog:
    return catalogues.collect()


@pytest.mark.parametrize("code", catalogues.LANGUAGES)
def test_every_text_has_its_translation(template: Catalog, code: str) -> None:
    catalogue = catalogues.read(code)
    wanted = {(message.context, message.id) for message in template if message.id}
    assert {(message.context, message.id) for message in catalogue if message.id} == wanted, "run python -m translations.write"
    assert catalogues.missing(catalogue) == []


@pytest.mark.parametrize("code", catalogues.LANGUAGES)
def test_a_translation_has_the_placeholders_and_marks_of_the_text(code: str) -> None:
    wrong = [(message.id, message.string) for message in catalogues.read(code) if message.id and not _agree(message)]
    assert not wrong


def _agree(message: Message) -> bool:
    """Nothing is used that the text has not; what is said may leave a gap out, such as the plural ending of English."""
    originals = message.id if isinstance(message.id, tuple) else (message.id,)
    strings = message.string if isinstance(message.string, tuple) else (message.string,)
    wanted = {mark for text in originals for mark in MARK.findall(text)}
    used = [set(MARK.findall(text)) for text in strings]
    if message.context == said.CONTEXT or len(originals) > 1:
        return all(marks <= wanted for marks in used)
    return all(marks == wanted for marks in used)


# a language in which every translated letter is wide, so that what was forgotten is seen


def widened(text: str) -> str:
    parts = re.split(r"(%\(\w+\)[sd]|%%|\{\w+\}|<[^>]+>|&\w+;)", text)
    return "".join(part if number % 2 else re.sub("[A-Za-z]", lambda letter: chr(ord(letter[0]) + 0xFEE0), part)
                   for number, part in enumerate(parts))


@pytest.fixture
def wide(template: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """French is the wide language for a while."""
    catalogue = Catalog(locale="fr", charset="utf-8")
    for message in template:
        if message.id:
            wide_one: Any = tuple(map(widened, message.id)) if isinstance(message.id, tuple) else widened(message.id)
            catalogue.add(message.id, wide_one, context=message.context)
    folder = tmp_path / "translations" / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.po").open("wb") as file:
        write_po(file, catalogue)
    monkeypatch.setattr(language, "FOLDER", tmp_path / "translations")
    told._book.cache_clear()
    monkeypatch.setattr(told, "_book", told._book.__wrapped__)


STRANGE = "Имя"
"""What comes from a server, in letters that no page uses."""
OTHERS = re.compile(r"\S+@\S+|https?://\S+|[\w./-]+\.example\S*|PrestaShop|Odoo|Connector|\bUTC\b|\bMine\b|\bOther\b|\bCSV\b|\bJSON\b|"
                    r"XKBKNABJK|portal (?:up|worker)|PORTAL_\w+|DRY-RUN|\bok\b|WH/\w+|→|Français|Español|Italiano|English|Ctrl\+C|"
                    r"\btest\b|S00042|admin123abc|\bSend Webhook Notification\b|"
                    r"\d+ \S+ \d{4}, [\d:]{8} UTC\S*|\b[A-Z]\w+/[\w/-]+|"
                    r"\b[a-z]+_[a-z_]+\b|\bid\b|ps_to_odoo|Modules|Module Manager")
"""What is no word of a language: names, addresses, keys, moments and time zones."""


@pytest.fixture
def everything(wide: None, world: World) -> int:
    """Something on every page, as the connector itself would say it; the id of a change."""
    for number, state in enumerate(["pending", "running", "blocked", "synced", "error", "discarded", "superseded", "dead"]):
        job = world.job(world.mine, str(number), state, entity="order", attempts=1, cause="tax:19%:DE",
                        message=f"Order {number} is no longer in the shop; Odoo keeps its own.",
                        remedy="Correct the record in the shop, then retry.")
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.odoo_profile, store.shop_profile = {"locations": [[8, STRANGE]], "version": "17.0"}, {"version": "9.1"}
        for kind in EVENTS:
            session.add(JobEvent(job_id=job, kind=kind, message="Waits for product 3.", data={"cause": STRANGE}))
        session.add(Mapping(store_id=store.id, target=store.target, entity="order", shop_id="7", odoo_id=1, data={"held": ""}))
        session.add(InitialRun(store_id=store.id, entity="customer", state="reading", noticed=4))
        session.add(Heartbeat(name="tick", kind="tick"))
        session.add(Circuit(store_id=store.id, side="odoo", state="open", reason="Odoo is not working at the moment (HTTP 503).",
                            remedy="If this lasts, ask its host."))
        session.add(Conflict(store_id=store.id, target=store.target, entity="product", shop_id="5", field="name", base="",
                             shop_value=STRANGE, odoo_value=STRANGE, state="open", winner="prestashop"))
        session.add(DriftRun(store_id=store.id, state="finished", steps=["order"], cursor=[1, 0], looked=5))
        session.add(Drift(store_id=store.id, entity="order", kind="missing", record="1", title=STRANGE, shop_says="1.00",
                          odoo_says="2.00", state="open",
                          why_not="It is confirmed in Odoo, which the connector does not touch. Correct it there."))
        session.add(Rehearsal(store_id=store.id, state="finished", steps=[["customer", "ps_to_odoo"]], cursor=[0, 5], looked=5))
        session.add(Rehearsed(store_id=store.id, entity="customer", direction="ps_to_odoo", record="1", kind="create",
                              title=STRANGE, message="would create customer 1 in Odoo", changes=[]))
        log.write(session, store.id, "Process the queue now.", actor="ada@example.com")
        log.write(session, store.id, "Initial sync of customers was started.")
    return job


def test_no_page_has_a_word_that_is_not_translated(app: Flask, world: World, everything: int) -> None:
    language.init_app(again := Flask("again"))
    app.config["LANGUAGES"] = {"en": "English", "fr": "Français"}
    app.extensions["babel"].translation_directories = again.extensions["babel"].translation_directories
    admin = logged_in(world, ADMIN)
    admin.post("/verify", {"password": "correct horse battery"})
    admin.post("/language", {"language": "fr"})
    seen, left = 0, []
    for store in (world.mine, world.other):
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.rule in INBOUND or rule.endpoint == "static":
                continue
            path = path_of(rule, store_id=store, job_id=everything, entity="order", record="7")
            answer = admin.get(path)
            if answer.status_code != 200 or answer.mimetype != "text/html":
                continue
            seen += 1
            left += [(path, text) for text in texts(answer.text) if re.search(r"[A-Za-z]{3}", OTHERS.sub("", text))]
    assert seen > 40
    assert not left, "\n".join(f"{path}: {text}" for path, text in left)


def test_what_was_said_is_recognised_by_its_sentence() -> None:
    book = told.Book({"Order {1} is no longer in the shop; Odoo keeps its own.": "Commande {1} absente.",
                      "Settings changed: {1}.": "Réglé : {1}.", "on": "activé", "The shop": "La boutique",
                      "{1} cannot be reached.": "{1} est injoignable.", "Check the address.": "Vérifiez l'adresse."})
    assert book.tell("Order 12 is no longer in the shop; Odoo keeps its own.") == "Commande 12 absente."
    assert book.tell("The shop cannot be reached. Check the address.") == "La boutique est injoignable. Vérifiez l'adresse."
    assert book.tell("Odoo's own words. Check the address.") == "Odoo's own words. Vérifiez l'adresse."
    assert book.tell("The shop cannot be reached. Order 1:2 is no longer in the shop; Odoo keeps its own.").endswith("1:2 absente.")
    assert book.tell("Nobody knows: check the address.") == "Nobody knows: vérifiez l'adresse."
    assert book.tell("Settings changed: on.") == "Réglé : activé."
    assert book.tell("<b>Nobody</b> wrote this here") == "<b>Nobody</b> wrote this here"


def test_every_sentence_is_recognised_as_itself(template: Catalog) -> None:
    said_ones = {str(message.id): f"{number}:" for number, message in enumerate(template) if message.context == said.CONTEXT}
    book = told.Book(said_ones)
    for text, mark in said_ones.items():
        filled = told.GAP.sub(lambda gap: "47" + gap[1], text)
        assert book.tell(filled) == mark, filled


def test_a_page_speaks_the_language(world: World) -> None:
    page = world.app.test_client().get("/login", headers={"Accept-Language": "fr"}).text
    assert "<h1>Se connecter</h1>" in page


def test_numbers_are_written_as_the_reader_writes_them(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        session.add(DriftRun(store_id=world.mine, state="finished", steps=["order"], cursor=[1, 0], looked=12345))
    admin.post("/language", {"language": "it"})
    assert "12.345" in admin.get(f"/stores/{world.mine}/drift").text


def test_a_language_without_a_catalogue_is_not_offered(monkeypatch: pytest.MonkeyPatch, app: Flask, tmp_path: Path) -> None:
    assert list(app.config["LANGUAGES"]) == ["en", "fr", "es", "it"]
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    language.init_app(again := Flask("again"))
    assert list(again.config["LANGUAGES"]) == ["en"]


def test_the_browsers_language_is_taken_until_another_is_chosen(world: World) -> None:
    browser = world.app.test_client()
    assert 'lang="it"' in browser.get("/login", headers={"Accept-Language": "it-CH,it;q=0.9,en;q=0.5"}).text
    assert 'lang="en"' in browser.get("/login", headers={"Accept-Language": "ja"}).text


def test_a_chosen_language_is_kept_with_the_account(world: World, admin: Browser) -> None:
    admin.post("/language", {"language": "fr", "back": "/people"})
    assert 'lang="fr"' in admin.get("/people").text
    assert 'lang="fr"' in logged_in(world, ADMIN).get("/people").text
    with world.db.read() as session:
        assert session.query(User).filter_by(email=ADMIN).one().language == "fr"


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:x", ""])
def test_choosing_a_language_leads_to_no_other_site(admin: Browser, back: str) -> None:
    assert admin.post("/language", {"language": "es", "back": back}).location == "/"


def test_an_unknown_language_is_refused(admin: Browser) -> None:
    assert admin.post("/language", {"language": "tlh"}).status_code == 422


def test_programs_are_answered_in_english(world: World) -> None:
    answer = world.app.test_client().get("/cron", headers={"Accept-Language": "fr"})
    assert (answer.status_code, answer.json["error"]) == (403, "You may not do this")
