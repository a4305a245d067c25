"""What is kept about one person: an administrator looks it up, takes it along, or erases it, with the password typed just now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.db import now
from portal.models import LogEntry, Mapping, Store, SyncJob
from portal.sync import search
from portal.web import confirmed
from tests.web.conftest import Browser, World, words

ADA = "ada@example.com"
ACTIONS = ("", "/export", "/erase")


@pytest.fixture
def ada(world: World) -> World:
    """A customer whose change is done, linked, and can be found by e-mail."""
    job_id = world.job(world.mine, "11", "synced", finished_at=now())
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        session.add(Mapping(store_id=store.id, target=store.target, entity="customer", shop_id="11", odoo_id=7,
                            base={"email": ADA, "name": "<b>Ada</b>"}, data={}))
        search.learn(session, store.id, {("customer", "11"): [ADA]})
    assert job_id
    return world


def kept(world: World) -> int:
    with world.db.read() as session:
        return len(session.scalars(select(SyncJob.id).where(SyncJob.record == "11")).all())


def said(world: World) -> list[tuple[str, str]]:
    with world.db.read() as session:
        return [(row.actor, row.message) for row in session.scalars(select(LogEntry).where(LogEntry.message.contains("person")))]


def test_what_is_kept_is_counted_and_taken_along(ada: World, admin: Browser) -> None:
    page = admin.post(f"/stores/{ada.mine}/person", {"who": f" {ADA} "})
    assert page.status_code == 200
    assert "1 changes" in words(page)
    assert "1 links" in words(page)
    file = admin.post(f"/stores/{ada.mine}/person/export", {"who": ADA})
    assert file.json["mapping"][0]["base"]["email"] == ADA
    assert "attachment" in file.headers["Content-Disposition"]
    assert file.headers["Cache-Control"] == "no-store"
    assert said(ada) == [("admin@example.com", "What is kept about a person was exported.")]
    assert kept(ada) == 1


def test_it_is_erased_only_after_it_was_typed_again_and_the_log_says_who_did_it(ada: World, admin: Browser) -> None:
    for again in ("", "ada", "bob@example.com"):
        refused = admin.post(f"/stores/{ada.mine}/person/erase", {"who": ADA, "again": again})
        assert refused.status_code == 422
        assert "aria-invalid" in refused.text
        assert kept(ada) == 1
    assert admin.post(f"/stores/{ada.mine}/person/erase", {"who": ADA, "again": ADA}).status_code == 303
    assert kept(ada) == 0
    assert said(ada) == [("admin@example.com", "What was kept about a person was erased.")]
    assert admin.post(f"/stores/{ada.mine}/person", {"who": ADA}).status_code == 404


def test_a_person_whose_change_is_on_its_way_is_not_erased(ada: World, admin: Browser) -> None:
    ada.job(ada.mine, "11")
    answer = admin.post(f"/stores/{ada.mine}/person/erase", {"who": "11", "again": "11"})
    assert answer.status_code == 409
    assert "1 changes of this person have not ended" in words(answer)
    assert kept(ada) == 2


@pytest.mark.parametrize("who", ["", "nobody@example.com", "99", "<script>", "x" * 10_000])
def test_who_is_unknown_is_told_so(ada: World, admin: Browser, who: str) -> None:
    for action in ("", "/export"):
        answer = admin.post(f"/stores/{ada.mine}/person{action}", {"who": who})
        assert answer.status_code == 404
        assert "Nothing is kept here" in answer.text
        assert "<script>" not in answer.text
    assert admin.post(f"/stores/{ada.mine}/person/erase", {"who": who, "again": who}).status_code in (404, 422)
    assert kept(ada) == 1


def test_members_and_who_did_not_type_the_password_just_now_see_and_erase_nothing(
        ada: World, admin: Browser, member: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    for action in ACTIONS:
        assert member.post(f"/stores/{ada.mine}/person{action}", {"who": ADA, "again": ADA}).status_code == 403
    assert member.get(f"/stores/{ada.mine}/person").status_code == 403
    at = now() + timedelta(minutes=16)
    monkeypatch.setattr(confirmed, "now", lambda: at)
    for action in ACTIONS:
        answer = admin.post(f"/stores/{ada.mine}/person{action}", {"who": ADA, "again": ADA})
        assert (answer.status_code, "/verify" in answer.location) == (303, True)
        assert ADA not in answer.location
    assert kept(ada) == 1


def test_the_page_of_a_customer_leads_there(ada: World, admin: Browser, member: Browser) -> None:
    link = f"/stores/{ada.mine}/person?id=11"
    assert link in admin.get(f"/stores/{ada.mine}/records/customer/11").text
    assert link not in member.get(f"/stores/{ada.mine}/records/customer/11").text
    assert 'value="11"' in admin.get(link).text
