from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.routing import Rule

from portal.models import Mapping, Store
from portal.web.access import PUBLIC
from tests.web.conftest import MEMBER, Browser, World, logged_in, words

INBOUND = {"/cron", "/webhook", "/hooks/prestashop", "/healthz", "/metrics"}
EXPECTED_PUBLIC = {"/login", "/language", "/static/<path:filename>", "/first-admin", "/welcome", *INBOUND}
VALUES = {"store_id": 1, "job_id": 1, "record": 1, "user_id": 1, "side": "odoo", "key": "enabled", "kind": "cron",
          "entity": "customer", "mapping_id": 1, "conflict_id": 1, "action": "retry", "filename": "app.css"}
METHODS = ("GET", "POST")
FOR_EVERY_USER = {"GET /", "GET /stores", "GET /account", "POST /account", "GET /account/password",
                  "POST /account/password", "GET /verify", "POST /verify",
                  "POST /logout"}
ONLY_ADMINISTRATORS_IN_A_STORE = {"GET /remove", "POST /remove", "GET /members", "POST /members", "GET /person", "POST /person",
                                  "POST /person/export", "POST /person/erase"}
"""Every other page of a store is for its members, and every other page without a store for administrators."""


def path_of(rule: Rule, **changes: object) -> str:
    values = {**VALUES, **changes}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(values[match.group(1)]), rule.rule)


def requests(app: Flask) -> list[tuple[str, Rule]]:
    return [(method, rule) for rule in app.url_map.iter_rules() for method in METHODS if method in (rule.methods or ())]


def test_only_these_routes_are_open_to_everybody(app: Flask) -> None:
    assert {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint in PUBLIC} == EXPECTED_PUBLIC


def test_every_other_route_asks_for_a_login(world: World, anonymous: Browser) -> None:
    token = anonymous.csrf()
    for method, rule in requests(world.app):
        if rule.rule in EXPECTED_PUBLIC:
            continue
        answer = anonymous.client.open(path_of(rule), method=method, data={"csrf_token": token} if method == "POST" else None)
        assert answer.status_code == 302, (method, rule.rule, answer.status_code)
        assert answer.location.startswith("/login"), rule.rule


def test_an_expired_refresh_is_sent_to_the_login_page_instead_of_swapping_it_in(world: World, anonymous: Browser) -> None:
    answer = anonymous.get(f"/stores/{world.mine}/live", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login"
    assert not answer.data


def test_every_page_of_a_store_is_hidden_from_members_of_another(world: World, member: Browser) -> None:
    seen = 0
    for method, rule in requests(world.app):
        if "<int:store_id>" not in rule.rule:
            continue
        path = path_of(rule, store_id=world.other)
        answer = member.post(path) if method == "POST" else member.get(path)
        assert answer.status_code == 404, (method, rule.rule, answer.status_code)
        assert "Other" not in words(answer)
        seen += 1
    assert seen > 20


def test_a_change_of_another_store_cannot_be_reached_through_ones_own(world: World, member: Browser) -> None:
    foreign = world.job(world.other, "7", "dead", cause="x")
    assert member.get(f"/stores/{world.mine}/jobs/{foreign}").status_code == 404
    assert member.post(f"/stores/{world.mine}/jobs/{foreign}/discard", {"confirmed": "1"}).status_code == 404
    member.post(f"/stores/{world.mine}/dead/discard", {"job": foreign, "confirmed": "1"})
    member.post(f"/stores/{world.mine}/dead/retry", {"job": foreign, "confirmed": "1"})
    with world.db.read() as session:
        from portal.models import SyncJob
        assert session.get_one(SyncJob, foreign).state == "dead"


def test_each_route_has_a_role(world: World, member: Browser) -> None:
    """A new route without a store has to be named here, or it must refuse who is no administrator."""
    refused, open_to_members = set(), set()
    for method, rule in sorted(requests(world.app), key=lambda found: found[1].rule == "/logout"):
        if rule.rule in EXPECTED_PUBLIC:
            continue
        path = path_of(rule, store_id=world.mine)
        answer = member.post(path) if method == "POST" else member.get(path)
        name = f"{method} {rule.rule.removeprefix('/stores/<int:store_id>')}"
        if answer.status_code == 403:
            refused.add(name)
        elif "<int:store_id>" not in rule.rule:
            open_to_members.add(name)
    assert open_to_members == FOR_EVERY_USER
    assert {name for name in refused if path_in_store(world, name)} == ONLY_ADMINISTRATORS_IN_A_STORE


def path_in_store(world: World, name: str) -> bool:
    path = name.partition(" ")[2]
    return any(rule.rule == f"/stores/<int:store_id>{path}" for _, rule in requests(world.app))


def test_members_see_their_store_and_only_that(world: World, member: Browser) -> None:
    page = words(member.get("/stores"))
    assert "Mine" in page
    assert "Other" not in page
    assert member.get("/").location == f"/stores/{world.mine}/"
    assert member.get(f"/stores/{world.mine}/").status_code == 200


@pytest.mark.parametrize("path", ["/people", "/stores/new"])
def test_members_cannot_administrate(member: Browser, path: str) -> None:
    assert member.get(path).status_code == 403
    assert member.post(path).status_code == 403


def test_members_can_neither_remove_their_store_nor_choose_its_members(world: World, member: Browser) -> None:
    assert member.post(f"/stores/{world.mine}/remove", {"name": "Mine"}).status_code == 403
    assert member.post(f"/stores/{world.mine}/members", {"user_id": world.member, "add": "0"}).status_code == 403
    with world.db.read() as session:
        assert session.get(Store, world.mine) is not None


def test_the_administrator_opens_every_page(world: World, admin: Browser) -> None:
    job = world.job(world.mine, "1", "dead", cause="x", message="Why")
    with world.db.begin() as session:
        target = session.get_one(Store, world.mine).target
        session.add(Mapping(id=1, store_id=world.mine, target=target, entity="customer", shop_id="1", odoo_id=1))
    for method, rule in requests(world.app):
        if method == "GET" and rule.rule not in EXPECTED_PUBLIC:
            answer = admin.get(path_of(rule, store_id=world.mine, job_id=job))
            assert answer.status_code in (200, 204, 302), (rule.rule, answer.status_code)


def test_get_changes_nothing(world: World, admin: Browser) -> None:
    from sqlalchemy import select

    from portal.db import Base

    def state() -> list[object]:
        with world.db.read() as session:
            return [session.execute(select(table)).all() for table in Base.metadata.sorted_tables]

    job = world.job(world.mine, "1", "dead", cause="x")
    admin.get("/")
    before = state()
    for method, rule in requests(world.app):
        if method == "GET" and rule.rule not in INBOUND and rule.endpoint != "static":
            admin.get(path_of(rule, store_id=world.mine, job_id=job))
    assert state() == before


def test_a_form_without_its_token_changes_nothing(world: World, admin: Browser) -> None:
    for method, rule in requests(world.app):
        if method != "POST" or rule.rule in INBOUND:
            continue
        answer = admin.client.post(path_of(rule, store_id=world.mine))
        if rule.rule == "/login":  # whoever is logged in is sent on
            continue
        assert answer.status_code in (400, 200), (rule.rule, answer.status_code)
        assert "expired" in answer.text or rule.rule == "/logout", rule.rule
    assert admin.get("/stores").status_code == 200


def test_a_form_sent_from_another_site_is_refused(world: World, admin: Browser) -> None:
    answer = admin.post(f"/stores/{world.mine}/settings/switch/enabled", {"value": "1"},
                        headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    with world.db.read() as session:
        assert session.get_one(Store, world.mine).settings["enabled"] is False


def test_a_member_who_is_removed_loses_the_store_at_once(world: World, admin: Browser) -> None:
    member = logged_in(world, MEMBER)
    assert member.get(f"/stores/{world.mine}/").status_code == 200
    admin.post(f"/stores/{world.mine}/members", {"user_id": world.member, "add": "0"})
    assert member.get(f"/stores/{world.mine}/").status_code == 404
