from __future__ import annotations

import gzip
import hashlib
import re
import time
from pathlib import Path
from typing import Any

import pytest
from itsdangerous import TimestampSigner

import portal
from bench.pages import FIRST_LOAD, first_load
from portal.models import Heartbeat, InitialRun, LogEntry, Mapping, Store, SyncJob
from portal.settings import STORE_SETTINGS
from portal.sync import log, stores
from portal.sync.stores import Check
from portal.web import store_form
from tests.web.conftest import ADMIN, PASSWORD, SECRETS, Browser, World, words
from tests.web.test_access import EXPECTED_PUBLIC, path_of, requests

STATIC = Path(portal.ROOT) / "static"
TEMPLATES = Path(portal.ROOT) / "templates"
MARKUP = "<img src=x onerror=alert(1)>"
NEW = {"name": "Third", "ps_url": "https://shop.example.com", "ps_key": "k1", "odoo_url": "https://odoo.example.com",
       "odoo_db": "prod", "odoo_login": "sync", "odoo_key": "k2", "customers": "1", "orders": "1", "products": "both",
       "stock": "off", "odoo_location": "8", "stock_buffer": "0", "max_attempts": "5"}


def form_of(store: Store, **changes: Any) -> dict[str, Any]:
    """What a browser sends for the settings form as it stands."""
    values: dict[str, Any] = {f.key: "" if f.key in SECRETS else getattr(store, f.key) for f in store_form.fields()}
    values |= {s.key: "1" if store.settings[s.key] is True else store.settings[s.key] for s in STORE_SETTINGS
               if store.settings[s.key] is not False}
    return {k: v for k, v in (values | changes).items() if v is not None}


def store_of(world: World, store_id: int) -> Store:
    with world.db.read() as session:
        return session.get_one(Store, store_id)


# --- files and headers ------------------------------------------------------------------------------------------------


def test_vendored_files_are_what_vendor_md_says() -> None:
    listed = dict(re.findall(r"^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$", (STATIC / "VENDOR.md").read_text(), re.M))
    ours = {"app.css", "app.js", "favicon.svg", "favicon-trouble.svg", "VENDOR.md"}
    assert set(listed) == {path.name for path in STATIC.iterdir()} - ours
    for name, expected in listed.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == expected, name


def test_the_first_load_is_light(world: World, admin: Browser) -> None:
    """Page, styles, scripts and pictures as they travel, on the pages that people come to first."""
    for path in ("/login", "/stores", f"/stores/{world.mine}/", f"/stores/{world.mine}/initial", f"/stores/{world.mine}/dead"):
        assert first_load(admin.client, path) < FIRST_LOAD, path


def test_static_files_are_compressed_for_whom_it_helps_and_kept_by_the_browser(admin: Browser) -> None:
    plain, packed = (admin.get("/static/app.css", headers={"Accept-Encoding": wish}, buffered=True)
                     for wish in ("identity", "br, gzip"))
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in packed.headers["Vary"]
    again = admin.get("/static/app.css", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]},
                      buffered=True)
    assert again.status_code == 304
    assert "Content-Encoding" not in admin.get("/login", headers={"Accept-Encoding": "gzip"}).headers


def test_no_template_holds_inline_code_or_trusts_markup() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b|hx-on", text), path.name


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    known = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    used = {name for path in TEMPLATES.rglob("*.html") for name in re.findall(r"icon\('([a-z0-9-]+)'", path.read_text())}
    from portal.web.health import ICONS
    from portal.web.shown import STATES
    assert used | set(ICONS.values()) | {picture for _, picture in STATES.values()} <= known


def test_every_route_has_the_security_headers(world: World, admin: Browser) -> None:
    from portal.web.headers import CONTENT_SECURITY_POLICY

    for method, rule in requests(world.app):
        answer = admin.client.open(path_of(rule, store_id=world.mine), method=method)
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        if rule.endpoint != "static":
            assert answer.headers["Cache-Control"] == "no-store", rule.rule
            assert "HX-Request" in answer.headers["Vary"]
        answer.close()
    for word in ("unsafe-inline", "unsafe-eval", "*"):
        assert word not in CONTENT_SECURITY_POLICY


def test_errors_are_pages_in_words(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is nothing here" in words(admin.get("/nope"))
    assert admin.get("/nope").status_code == 404
    big = admin.client.post("/people", data=b"x" * 1_200_000, content_type="application/x-www-form-urlencoded")
    assert big.status_code == 413
    assert "too much" in words(big)
    wrong_method = admin.get("/logout")
    assert wrong_method.status_code == 405
    assert "POST" in wrong_method.headers["Allow"]
    from portal.web import stores as page

    def broken() -> None:
        raise RuntimeError(f"boom {SECRETS['ps_key']}")

    monkeypatch.setattr(page, "visible_stores", broken)
    answer = admin.get("/stores")
    assert answer.status_code == 500
    text = words(answer)
    assert re.search(r"report error [0-9a-f]{8}", text)
    assert "boom" not in answer.text
    assert "Traceback" not in answer.text


# --- hostile content and secrets --------------------------------------------------------------------------------------


def test_markup_from_outside_stays_text_and_secrets_stay_inside(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.odoo_db = store.odoo_login = MARKUP
        store.odoo_profile = {"locations": [[5, MARKUP]]}
        session.add(Mapping(store_id=store.id, target=store.target, entity="customer", shop_id=MARKUP, odoo_id=1))
        session.add(InitialRun(store_id=store.id, entity="customer", state="reading", message=MARKUP))
        log.write(session, store.id, MARKUP, actor=MARKUP, level="warning")
    hostile = {"message": MARKUP, "remedy": MARKUP, "detail": MARKUP, "cause": MARKUP, "source": MARKUP}
    dead = world.job(world.mine, MARKUP, "dead", **hostile)
    world.job(world.mine, "2", "error", entity="product", **hostile)
    shown = 0
    for method, rule in requests(world.app):
        if method == "GET" and rule.rule not in EXPECTED_PUBLIC:
            answer = admin.get(path_of(rule, store_id=world.mine, job_id=dead))
            if answer.mimetype == "text/csv":  # no page: browsers keep it as a file
                assert "attachment" in answer.headers["Content-Disposition"], rule.rule
                continue
            page = answer.get_data().decode("utf-8", "replace")
            assert "<img" not in page, rule.rule
            shown += "&lt;img" in page
            assert not any(secret in page for secret in SECRETS.values()), rule.rule
            assert "argon2" not in page
    assert shown >= 7


WITH_TOKENS = {"store.settings.page", "store.settings.module_zip_file"}
"""The endpoints' addresses, and the module that comes with its signing secret."""


def test_tokens_are_shown_only_on_the_settings_page(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        stores.change_store(session, session.get_one(Store, world.mine), {"enabled": "1"}, "t")
        session.add(Heartbeat(name="tick", kind="tick"))
    tokens = set(world.tokens(world.mine).values())
    for method, rule in requests(world.app):
        if method == "GET" and rule.rule not in EXPECTED_PUBLIC and rule.endpoint not in WITH_TOKENS:
            page = admin.get(path_of(rule, store_id=world.mine)).get_data().decode("utf-8", "replace")
            assert not any(token in page for token in tokens), rule.rule
    page = admin.get(f"/stores/{world.mine}/settings").text
    assert world.tokens(world.mine)["cron"] in page


# --- the store form ---------------------------------------------------------------------------------------------------


def test_a_store_is_added_with_its_settings(world: World, admin: Browser) -> None:
    answer = admin.post("/stores/new", NEW)
    assert answer.status_code == 303
    with world.db.read() as session:
        store = session.query(Store).filter_by(name="Third").one()
    assert (store.ps_key, store.odoo_key) == ("k1", "k2")
    assert store.settings["products"] == "both"
    assert store.settings["odoo_location"] == 8
    assert store.settings["enabled"] is False
    assert "Third" in words(admin.get(answer.location))


def test_every_error_is_shown_beside_its_field_and_nothing_typed_is_lost(world: World, admin: Browser) -> None:
    wrong = NEW | {"name": "", "ps_url": "ftp://x", "odoo_url": "https://user:pw@odoo.example.com", "odoo_db": "", "products": "up",
                   "max_attempts": "0", "stock_buffer": "many"}
    for headers in ({}, {"HX-Request": "true"}):
        answer = admin.post("/stores/new", wrong, headers=headers)
        assert answer.status_code == 422
        for key in ("name", "ps_url", "odoo_url", "odoo_db", "products", "max_attempts", "stock_buffer"):
            assert re.search(rf'id="{key}-problem"[^>]*>\s*<svg', answer.text), key
            assert f'href="#{key}"' in answer.text
        for kept in ('value="ftp://x"', 'value="many"', 'value="k1"', 'value="prod"'):
            assert (kept in answer.text) == (kept != 'value="prod"'), kept
        assert ("<html" in answer.text) == (not headers)
    summary = words(admin.post("/stores/new", wrong)).partition("Please look at:")[2]
    assert "Attempts: Must lie between 1 and 50." in summary
    assert "exists already" in words(admin.post("/stores/new", NEW | {"name": "Mine"}))
    with world.db.read() as session:
        assert session.query(Store).count() == 2


def test_a_field_is_checked_as_soon_as_it_is_left(world: World, admin: Browser) -> None:
    for base in ("/stores", f"/stores/{world.mine}/settings"):
        for key, wrong in {"name": "<b>", "ps_url": "ftp://x", "max_attempts": "0"}.items():
            assert "problem" not in admin.post(f"{base}/check/{key}", NEW).text
            assert admin.post(f"{base}/check/{key}", NEW).text == ""
            assert len(words(admin.post(f"{base}/check/{key}", NEW | {key: wrong}))) > 20
    with world.db.read() as session:
        assert session.query(Store).count() == 2


def test_a_store_may_be_called_as_shops_are_called(world: World, admin: Browser) -> None:
    for name in ("Bücher & Mehr", "L'Atelier d’Émile (Paris)", "7 Sins!"):
        assert admin.post("/stores/check/name", NEW | {"name": name}).text == ""
    for name in ("", " ", "-x", "a\nb", "<b>", "a" * 65, "a\u200bb", 'say "x"'):
        assert admin.post("/stores/check/name", NEW | {"name": name}).text, name


def test_a_saved_connection_is_tried_at_once(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = {"version": "17.0", "locations": [[8, "WH/Stock"]]}
    monkeypatch.setattr(stores, "check_odoo", lambda *a, **k: Check(True, "Odoo 17.0, uid 7", [], profile))
    refused = Check(False, "The key is wrong.", [(False, "The key is wrong.", "Copy it.")])
    monkeypatch.setattr(stores, "check_shop", lambda *a, **k: refused)
    form = form_of(store_of(world, world.mine), odoo_key="new")
    page = admin.post(f"/stores/{world.mine}/settings", form, follow_redirects=True)
    assert "PrestaShop cannot be used yet: The key is wrong. Copy it." in words(page)
    assert store_of(world, world.mine).odoo_profile == profile
    assert "WH/Stock" in page.text


def test_every_setting_of_the_table_is_in_the_form(world: World, admin: Browser) -> None:
    page = admin.get(f"/stores/{world.mine}/settings").text
    for setting in STORE_SETTINGS:
        assert f'name="{setting.key}"' in page
        assert setting.label in page
        for choice in setting.choices:
            assert f'value="{choice}"' in page


def test_an_empty_key_keeps_the_stored_one(world: World, admin: Browser) -> None:
    store = store_of(world, world.mine)
    assert admin.post(f"/stores/{world.mine}/settings", form_of(store, name="Renamed", enabled="1")).status_code == 303
    store = store_of(world, world.mine)
    assert store.name == "Renamed"
    assert store.settings["enabled"] is True
    assert store.ps_key == SECRETS["ps_key"]
    admin.post(f"/stores/{world.mine}/settings", form_of(store, odoo_key="another key"))
    assert store_of(world, world.mine).odoo_key == "another key"


def test_a_stored_key_is_never_sent_to_another_address(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(stores, "check_shop", lambda *a, **k: calls.append(a) or Check(True, "PrestaShop 8.1"))
    store = store_of(world, world.mine)
    moved = form_of(store, ps_url="https://evil.example.com")
    answer = admin.post(f"/stores/{world.mine}/settings/test/shop", moved, headers={"HX-Request": "true"})
    assert "enter the key again" in words(answer)
    assert not calls
    answer = admin.post(f"/stores/{world.mine}/settings", moved)
    assert answer.status_code == 422
    assert "enter the key again" in words(answer)
    assert store_of(world, world.mine).ps_url == store.ps_url
    admin.post(f"/stores/{world.mine}/settings/test/shop", form_of(store))
    assert calls[0][:2] == (store.ps_url, SECRETS["ps_key"])


def test_the_demo_store_cannot_be_pointed_at_the_private_network(world: World, admin: Browser,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    with world.db.begin() as session:
        session.get_one(Store, world.mine).is_demo = True
    private: list[bool] = []
    monkeypatch.setattr(stores, "check_odoo", lambda *a, **k: private.append(k["allow_private"]) or Check(True, "Odoo 17.0"))
    store = store_of(world, world.mine)
    moved = form_of(store, odoo_url="http://10.0.0.1", odoo_key="x")
    assert admin.post(f"/stores/{world.mine}/settings", moved).status_code == 422
    admin.post(f"/stores/{world.mine}/settings/test/odoo", moved)
    admin.post(f"/stores/{world.mine}/settings/test/odoo", form_of(store))
    assert private == [False, True]


def test_a_connection_is_tested_before_it_is_saved_with_and_without_scripts(world: World, admin: Browser,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(True, "Odoo 17.0, uid 7", [(True, "Odoo 17.0 answers; user id (uid) 7.", "")],
                  {"version": "17.0", "locations": [[8, "WH/Stock"], [9, "WH/Shelf"]]})
    monkeypatch.setattr(stores, "check_odoo", lambda *a, **k: check)
    part = admin.post("/stores/test/odoo", NEW, headers={"HX-Request": "true"})
    assert "uid 7" in words(part)
    assert "<html" not in part.text
    assert 'hx-swap-oob="true"' in part.text
    assert re.search(r'<option value="8" selected>WH/Stock', part.text)
    page = admin.post("/stores/test/odoo", NEW)
    assert "uid 7" in words(page)
    assert 'value="https://odoo.example.com"' in page.text
    assert "WH/Shelf" in page.text
    with world.db.read() as session:
        assert session.query(Store).count() == 2
    assert "nothing is entered" in words(admin.post("/stores/test/shop", NEW | {"ps_key": ""}))
    assert admin.post("/stores/test/fax", NEW).status_code == 404


def test_a_failed_test_names_cause_and_remedy(world: World, admin: Browser) -> None:
    answer = admin.post(f"/stores/{world.mine}/settings/test/shop", form_of(store_of(world, world.mine)))
    text = words(answer)
    assert answer.status_code == 200
    assert "127.0.0.1" in text or "connect" in text.lower()
    assert "Traceback" not in text


def test_a_test_of_the_saved_connection_is_kept(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(True, "Odoo 17.0", [], {"version": "17.0", "locations": []})
    monkeypatch.setattr(stores, "check_odoo", lambda *a, **k: check)
    store = store_of(world, world.mine)
    admin.post(f"/stores/{world.mine}/settings/test/odoo", form_of(store, odoo_db="elsewhere"))
    assert store_of(world, world.mine).odoo_profile is None
    admin.post(f"/stores/{world.mine}/settings/test/odoo", form_of(store))
    assert store_of(world, world.mine).odoo_profile == check.profile


def test_tests_of_connections_are_throttled(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.web import throttle

    monkeypatch.setattr(stores, "check_odoo", lambda *a, **k: Check(True, "Odoo 17.0"))
    states = {admin.post("/stores/test/odoo", NEW).status_code for _ in range(throttle.TEST_CONNECTION.burst + 1)}
    assert states == {200, 429}


def test_the_switches_and_tokens_can_be_changed(world: World, admin: Browser) -> None:
    base = f"/stores/{world.mine}/settings"
    admin.post(f"{base}/switch/enabled", {"value": "1"})
    admin.post(f"{base}/switch/dry_run", {"value": "1"})
    page = words(admin.get(f"/stores/{world.mine}/"))
    assert "On" in page
    assert "Dry run" in page
    before = world.tokens(world.mine)
    assert "24 more hours" in words(admin.post(f"{base}/tokens/cron", follow_redirects=True))
    after = world.tokens(world.mine)
    assert after["cron"] != before["cron"]
    assert after["webhook"] == before["webhook"]
    assert admin.post(f"{base}/switch/max_attempts", {"value": "1"}).status_code == 404
    with world.db.read() as session:
        lines = {(row.message, row.actor) for row in session.query(LogEntry).filter_by(store_id=world.mine)}
    assert ("Setting changed: Dry run: on (was off).", ADMIN) in lines


def test_the_log_tells_of_changed_settings_in_the_words_of_the_form(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        session.get_one(Store, world.mine).shop_profile = {"states": {"4": "Shipped"}}
    admin.post(f"/stores/{world.mine}/settings", form_of(store_of(world, world.mine), state_done="4", stock="both",
                                                         shop_admin="admin1"))
    with world.db.read() as session:
        lines = {row.message for row in session.query(LogEntry).filter_by(store_id=world.mine, actor=ADMIN)}
    assert lines == {"Setting changed: Stock: both ways (was off).",
                     "Setting changed: Folder of the back office: admin1 (was empty).",
                     "Setting changed: State of a delivered order: Shipped (was the shop's own)."}
    admin.post("/language", {"language": "fr"})
    told = words(admin.get(f"/stores/{world.mine}/log"))
    assert "Shipped (avant : celui de la boutique)" in told


def test_removing_a_store_names_the_numbers_and_asks_for_its_name(world: World, admin: Browser) -> None:
    for record in range(3):
        world.job(world.mine, str(record))
    page = words(admin.get(f"/stores/{world.mine}/remove"))
    assert "3 changes with their history" in page
    assert "Nothing is deleted or changed in Odoo" in page
    assert admin.post(f"/stores/{world.mine}/remove", {"name": "Other"}).status_code == 422
    answer = admin.post(f"/stores/{world.mine}/remove", {"name": "Mine"}, follow_redirects=True)
    assert "3 changes with their history" in words(answer)
    with world.db.read() as session:
        assert session.get(Store, world.mine) is None
        assert session.query(SyncJob).count() == 0
        assert session.get(Store, world.other) is not None


# --- dashboard, lists, dead letters -----------------------------------------------------------------------------------


def test_the_counters_link_to_their_lists(world: World, admin: Browser) -> None:
    for record, state in enumerate(["pending", "pending", "synced", "error", "dead"]):
        world.job(world.mine, str(record), state)
    page = admin.get(f"/stores/{world.mine}/").text
    tiles = re.findall(r'id="tile-(\w+)" href="([^"]+)"><span class="figure">(\d+)', page)
    assert [(key, number) for key, _, number in tiles] == [("pending", "2"), ("synced", "1"), ("error", "1"), ("dead", "1")]
    for key, address, number in tiles:
        listing = admin.get(address)
        assert listing.status_code == 200
        assert len(re.findall(r'<th scope="row">', listing.text)) == int(number), key


def test_a_refresh_answers_204_while_nothing_changed(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    live = f"/stores/{world.mine}/live"
    first = admin.get(live, headers={"HX-Request": "true"})
    page = admin.get(f"/stores/{world.mine}/").text
    assert re.search(r'seen=([0-9a-f]{16})', page).group(1) in first.text, "the page knows its own state"  # type: ignore[union-attr]
    address = re.search(r'hx-get="([^"]+)"', first.text).group(1).replace("&amp;", "&")  # type: ignore[union-attr]
    later = int(time.time()) + 100  # tokens of forms are new every second and do not count as a change
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: later)
    for _ in range(2):
        assert admin.get(address, headers={"HX-Request": "true"}).status_code == 204
    world.job(world.mine, "5")
    assert admin.get(address).status_code == 200
    assert "<html" not in first.text


def test_process_now_makes_failed_changes_due_and_says_how_many(world: World, admin: Browser) -> None:
    from datetime import timedelta

    from portal.db import now

    job = world.job(world.mine, "1", "error", due_at=now() + timedelta(hours=1))
    text = words(admin.post(f"/stores/{world.mine}/process", follow_redirects=True))
    assert "1 waiting change is being processed now. 1 was brought forward." in text
    with world.db.read() as session:
        assert session.get_one(SyncJob, job).due_at <= now()


def test_process_now_tries_a_refused_connection_again_and_does_not_say_that_anything_is_sent(world: World, admin: Browser) -> None:
    from portal.db import now
    from portal.models import Circuit

    world.job(world.mine, "1")
    with world.db.begin() as session:
        session.add(Circuit(store_id=world.mine, side="odoo", state="paused", reason="The key is wrong.", remedy="", since=now()))
    page = words(admin.get(f"/stores/{world.mine}/"))
    assert "Odoo refuses the connection." in page
    assert "When you have mended it, press Process the queue now." in page
    text = words(admin.post(f"/stores/{world.mine}/process", follow_redirects=True))
    assert "The connection is tried again now." in text
    assert "being processed" not in text
    with world.db.read() as session:
        at = session.get_one(Circuit, (world.mine, "odoo")).probe_at
    assert at is not None
    assert at <= now()
    assert "It is tried again every minute" in text


def test_pull_stock_says_why_it_cannot(world: World, admin: Browser) -> None:
    assert "Choose its direction" in words(admin.post(f"/stores/{world.mine}/pull-stock", follow_redirects=True))


def test_a_change_shows_its_timeline_and_reason(world: World, admin: Browser) -> None:
    job = world.job(world.mine, "12", "error", attempts=2, message="Odoo refused it.", remedy="Fix the name.", detail="raw answer")
    text = words(admin.get(f"/stores/{world.mine}/jobs/{job}"))
    for expected in ("Customer 12", "Noticed", "Odoo refused it.", "What to do:", "Fix the name.", "raw answer", "2 of 5",
                     "Next attempt"):
        assert expected in text
    admin.post(f"/stores/{world.mine}/jobs/{job}/discard")
    with world.db.read() as session:
        assert session.get_one(SyncJob, job).state == "error"
    admin.post(f"/stores/{world.mine}/jobs/{job}/discard", {"confirmed": "1"})
    with world.db.read() as session:
        assert session.get_one(SyncJob, job).state == "discarded"


def test_lists_are_paged_and_filtered(world: World, admin: Browser) -> None:
    for record in range(60):
        world.job(world.mine, str(record), entity="product" if record % 2 else "customer")
    address: str | None = f"/stores/{world.mine}/jobs?state=pending"
    seen: list[str] = []
    while address:
        page = admin.get(address).text
        seen += re.findall(r'/jobs/(\d+)">', page)
        older = re.search(r'href="([^"]+before=\d+[^"]*)"', page)
        address = older.group(1).replace("&amp;", "&") if older else None
    assert len(seen) == len(set(seen)) == 60
    assert len(re.findall(r"/jobs/\d+\">", admin.get(f"/stores/{world.mine}/jobs?entity=product").text)) == 30
    assert "Nothing matches" in words(admin.get(f"/stores/{world.mine}/jobs?q=nothing"))
    assert admin.get(f"/stores/{world.mine}/jobs?state=bogus").status_code == 404


def test_mappings_are_found_by_the_id_of_either_side(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        target = session.get_one(Store, world.mine).target
        for entity, shop_id, odoo_id in [("customer", "7", 70), ("product", "8", 7), ("stock", "7:3", 71), ("order", "9", 90)]:
            session.add(Mapping(store_id=world.mine, target=target, entity=entity, shop_id=shop_id, odoo_id=odoo_id))
        session.add(Mapping(store_id=world.mine, target="another database", entity="customer", shop_id="7", odoo_id=1))

    def count(query: str) -> int:
        return len(re.findall(r'<th scope="row">', admin.get(f"/stores/{world.mine}/mappings{query}").text))

    assert [count(""), count("?q=7"), count("?q=90"), count("?entity=product"), count("?q=%25"), count("?q=99999999999999999999")] \
        == [4, 3, 1, 1, 0, 0]


def test_a_member_may_change_the_settings_of_their_store(world: World, member: Browser) -> None:
    store = store_of(world, world.mine)
    assert member.post(f"/stores/{world.mine}/settings", form_of(store, max_attempts="9")).status_code == 303
    assert store_of(world, world.mine).settings["max_attempts"] == 9
    assert PASSWORD not in member.get(f"/stores/{world.mine}/settings").text


def test_a_database_that_is_gone_is_a_page_in_words_too(world: World, admin: Browser) -> None:
    from portal.extensions import db

    with world.app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql('ALTER TABLE "user" RENAME TO gone')
    answer = admin.get("/stores")
    assert answer.status_code == 503
    assert "The database is busy" in words(answer)
    assert int(answer.headers["Retry-After"]) > 0
