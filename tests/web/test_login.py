from __future__ import annotations

from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask

from portal import create_app
from portal import db as portal_db
from portal.config import Config
from portal.models import OneTimeLink, Throttle, User
from portal.web import access, throttle
from portal.web.accounts import AccountError, add_user
from portal.web.first_admin import first_admin_link
from tests.web.conftest import ADMIN, MEMBER, PASSWORD, Browser, World, logged_in, user, words


def test_a_right_password_opens_the_portal(world: World, anonymous: Browser) -> None:
    answer = anonymous.login(ADMIN)
    assert answer.status_code == 302
    assert anonymous.get("/stores").status_code == 200


def test_the_e_mail_is_found_in_any_case(world: World, anonymous: Browser) -> None:
    assert anonymous.login("ADMIN@Example.com").status_code == 302


def test_wrong_password_unknown_user_and_disabled_user_read_the_same(world: World) -> None:
    with world.db.begin() as session:
        user(session, MEMBER).active = False
    pages = []
    for email, password in [(ADMIN, "wrong password 1"), ("nobody@example.com", PASSWORD), (MEMBER, PASSWORD),
                            ("not an address", PASSWORD)]:
        browser = Browser(world.app.test_client())
        answer = browser.login(email, password)
        assert answer.status_code == 422
        pages.append(words(answer).replace(email, ""))
        assert browser.get("/stores").status_code == 302
    assert "E-mail or password is wrong." in pages[0]
    assert len(set(pages)) == 1


def test_log_in_leads_to_the_page_that_was_asked_for_but_never_to_another_site(world: World) -> None:
    browser = Browser(world.app.test_client())
    asked = browser.get(f"/stores/{world.mine}/log").location
    answer = browser.post(asked, {"email": ADMIN, "password": PASSWORD})
    assert answer.location.endswith(f"/stores/{world.mine}/log")
    for evil in ("https://evil.example/", "//evil.example/", "/\\evil.example", "http:evil.example"):
        other = Browser(world.app.test_client())
        answer = other.post("/login", {"email": ADMIN, "password": PASSWORD, "next": evil})
        target = urljoin("http://localhost/login", answer.location or "/")
        assert urlsplit(target).netloc == "localhost", evil
        assert "\\" not in target


def test_too_many_wrong_log_ins_are_slowed_down_and_the_right_password_too(world: World) -> None:
    browser = Browser(world.app.test_client())
    states = [browser.login(ADMIN, f"wrong password {n}").status_code for n in range(throttle.LOGIN_ACCOUNT.burst)]
    assert set(states) == {422}
    answer = browser.login(ADMIN)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert Browser(world.app.test_client()).login(MEMBER).status_code == 302


def test_time_lets_a_throttled_account_in_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(world.app.test_client())
    for n in range(throttle.LOGIN_ACCOUNT.burst + 1):
        browser.login(ADMIN, f"wrong password {n}")
    later = portal_db.now() + timedelta(minutes=5)
    monkeypatch.setattr(throttle, "now", lambda: later)
    assert browser.login(ADMIN).status_code == 302


def test_log_ins_that_succeed_are_never_throttled(world: World) -> None:
    for _ in range(throttle.LOGIN_ACCOUNT.burst + 3):
        assert Browser(world.app.test_client()).login(ADMIN).status_code == 302
    with world.db.read() as session:
        assert all(row.tokens > throttle.LOGIN_ACCOUNT.burst - 1.5 for row in session.query(Throttle))


def test_after_an_hour_without_use_one_must_log_in_again(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    start = portal_db.now()
    monkeypatch.setattr(access, "now", lambda: start + timedelta(minutes=50))
    assert admin.get("/stores").status_code == 200
    monkeypatch.setattr(access, "now", lambda: start + timedelta(minutes=105))
    assert admin.get("/stores").status_code == 200
    monkeypatch.setattr(access, "now", lambda: start + timedelta(minutes=166))
    answer = admin.get("/stores")
    assert answer.location.startswith("/login")
    assert "logged out" in words(admin.get("/login"))


def test_refreshes_of_an_open_page_keep_no_session_alive(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    start = portal_db.now()
    live = f"/stores/{world.mine}/live"
    poll = {"HX-Request": "true", "HX-Poll": "1"}
    monkeypatch.setattr(access, "now", lambda: start + timedelta(minutes=50))
    assert admin.get(live, headers=poll).status_code == 200
    monkeypatch.setattr(access, "now", lambda: start + timedelta(minutes=61))
    assert admin.get(live, headers=poll).status_code == 401


def test_after_twelve_hours_one_must_log_in_again(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    start = portal_db.now()
    for minutes in range(0, 12 * 60, 30):
        monkeypatch.setattr(access, "now", lambda minutes=minutes: start + timedelta(minutes=minutes))
        assert admin.get("/stores").status_code == 200
    monkeypatch.setattr(access, "now", lambda: start + timedelta(minutes=12 * 60 + 1))
    assert admin.get("/stores").status_code == 302


def test_a_copied_cookie_is_worth_nothing_after_log_out(world: World, admin: Browser) -> None:
    cookie = admin.client.get_cookie("portal")
    assert cookie is not None
    assert admin.post("/logout").status_code == 302
    thief = world.app.test_client()
    thief.set_cookie("portal", cookie.value)
    assert thief.get("/stores").status_code == 302


def test_a_new_password_ends_the_other_sessions_and_short_ones_are_refused(world: World, member: Browser) -> None:
    other = logged_in(world, MEMBER)
    new = "a sentence that is long"

    def change(old: str, first: str, second: str) -> str:
        return words(member.post("/account/password", {"password": old, "new_password": first, "new_password_confirm": second}))

    assert "at least 12" in change(PASSWORD, "short", "short")
    assert "match" in change(PASSWORD, new, new + "x")
    assert "Invalid password" in change("wrong one here", new, new)
    change(PASSWORD, new, new)
    assert member.get("/stores").status_code == 200
    assert other.get("/stores").status_code == 302
    assert Browser(world.app.test_client()).login(MEMBER, new).status_code == 302


def test_passwords_are_stored_hashed_by_argon2(world: World) -> None:
    with world.db.read() as session:
        stored = {row.password for row in session.query(User)}
    assert all(value and value.startswith("$argon2id$") for value in stored)
    assert len(stored) == 2


def test_the_first_administrator_comes_by_a_link_that_works_once(app: Flask, config: Config, anonymous: Browser) -> None:
    from portal.extensions import services

    with app.app_context():
        database = services().db
    old, link = first_admin_link(config, database), first_admin_link(config, database)
    assert old
    assert link
    assert old != link
    assert anonymous.get(path(old)).status_code == 403
    page = anonymous.get(path(link))
    assert page.status_code == 200
    token = link.split("token=")[1]
    form = {"token": token, "email": "boss@example.com", "password": "short", "password_again": "short"}
    answer = anonymous.post("/first-admin", form)
    assert answer.status_code == 422
    assert "too short" in words(answer)
    assert "boss@example.com" in answer.text
    form |= {"password": PASSWORD, "password_again": PASSWORD + "!"}
    assert "differ" in words(anonymous.post("/first-admin", form))
    form["password_again"] = PASSWORD
    assert anonymous.post("/first-admin", form).status_code == 302
    assert anonymous.get("/people").status_code == 200
    again = Browser(app.test_client())
    assert again.get(path(link)).status_code == 403
    assert again.post("/first-admin", form | {"email": "second@example.com"}).status_code == 403
    assert first_admin_link(config, database) is None


def test_the_link_is_stored_as_a_digest_and_expires(app: Flask, config: Config, anonymous: Browser,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.extensions import services
    from portal.web import first_admin

    with app.app_context():
        database = services().db
    link = first_admin_link(config, database)
    assert link
    with database.read() as session:
        row = session.query(OneTimeLink).one()
    assert row.digest not in link
    assert link.split("token=")[1] not in row.digest
    later = portal_db.now() + timedelta(hours=25)
    monkeypatch.setattr(first_admin, "now", lambda: later)
    assert anonymous.get(path(link)).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "ü" * 30, "\ud800", "a" * 5000])
def test_a_wrong_link_is_refused_in_words(world: World, anonymous: Browser, token: str) -> None:
    for page in ("/first-admin", "/welcome"):
        answer = anonymous.get(page, query_string={"token": token.encode("utf-8", "surrogatepass")})
        assert answer.status_code == 403
        assert "used already" in words(answer)


def test_people_are_added_by_a_link_for_their_own_password(world: World, admin: Browser) -> None:
    page = admin.post("/people", {"email": "new@shop.local"})
    link = page.text.split('id="welcome-link" type="text" value="')[1].split('"')[0]
    guest = Browser(world.app.test_client())
    token = link.split("token=")[1]
    assert guest.get(path(link)).status_code == 200
    form = {"token": token, "password": PASSWORD, "password_again": PASSWORD}
    assert guest.post("/welcome", form).status_code == 302
    assert guest.get("/stores").status_code == 200
    assert Browser(world.app.test_client()).get(path(link)).status_code == 403
    assert Browser(world.app.test_client()).login("new@shop.local").status_code == 302
    assert "exists already" in words(admin.post("/people", {"email": "NEW@shop.local"}))


def test_who_is_switched_off_is_out_at_once(world: World, admin: Browser, member: Browser) -> None:
    assert admin.post(f"/people/{world.member}", {"active": "0"}).status_code == 303
    assert member.get("/stores").status_code == 302
    assert admin.post(f"/people/{world.admin}", {"active": "0"}).status_code == 403


def test_the_command_line_adds_users_and_names_what_is_wrong(world: World, config: Config) -> None:
    add_user(config, "Ops@Example.com", PASSWORD, admin=True)
    with world.db.read() as session:
        assert user(session, "ops@example.com").is_admin
    for email, password, expected in [("ops@example.com", PASSWORD, "exists"), ("x@example.com", "short", "12"),
                                      ("x", PASSWORD, "e-mail")]:
        with pytest.raises(AccountError, match=expected):
            add_user(config, email, password)


def test_cookies_are_bound_to_the_host_where_the_portal_is_reached_by_https(config: Config, tmp_path: object) -> None:
    from dataclasses import replace

    secure = create_app(replace(config, public_url="https://portal.example.com"))
    cookie = secure.test_client().get("/login", base_url="https://portal.example.com").headers["Set-Cookie"]
    assert cookie.startswith("__Host-portal=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in cookie
    assert "Domain" not in cookie
    plain = create_app(config).test_client().get("/login").headers["Set-Cookie"]
    assert plain.startswith("portal=")
    assert "HttpOnly" in plain
    assert "Secure" not in plain


def test_there_is_no_remember_me(world: World, anonymous: Browser) -> None:
    answer = anonymous.post("/login", {"email": ADMIN, "password": PASSWORD, "remember": "y"})
    assert answer.status_code == 302
    assert "remember" not in " ".join(answer.headers.getlist("Set-Cookie"))


def path(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"
