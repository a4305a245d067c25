"""The pages of mappings: link by hand and forget."""

from __future__ import annotations

import pytest

from portal.models import LogEntry, Mapping, Store
from portal.sync import hand_links
from portal.sync.hand_links import Proposal
from portal.sync.links import Link
from tests.web.conftest import MEMBER, Browser, World, words

MARKUP = "<img src=x onerror=alert(1)>"


def mapping(world: World, **values: object) -> int:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        row = Mapping(**{"store_id": store.id, "target": store.target, "entity": "customer", "shop_id": "12", "odoo_id": 34,
                         "base": {"name": MARKUP}, "data": {}} | values)
        session.add(row)
        session.flush()
        return row.id


def test_both_names_are_shown_before_anything_is_linked(world: World, member: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link("customer", "12", 34, {"name": "Ada"})
    monkeypatch.setattr(hand_links, "look", lambda *_: Proposal(link, MARKUP, "Ada in Odoo", ("Mind this.",)))
    here, ids = f"/stores/{world.mine}/mappings/link", {"entity": "customer", "shop_id": "12", "odoo_id": "34"}
    page = member.post(here, ids)
    assert MARKUP not in page.text
    for text in ("Ada in Odoo", "Mind this.", "Are these two the same?"):
        assert text in words(page)
    with world.db.read() as session:
        assert not session.query(Mapping).count()
    answer = member.post(here, {**ids, "confirmed": "1"}, follow_redirects=True)
    assert "The records are linked" in words(answer)
    with world.db.read() as session:
        assert session.query(Mapping).one().odoo_id == 34
        assert session.query(LogEntry).filter_by(actor=MEMBER).one().message.startswith("Customer 12 of the shop was linked")


@pytest.mark.parametrize("ids", [{}, {"entity": "customer", "shop_id": "x", "odoo_id": "1"},
                                 {"entity": "nonsense", "shop_id": "1", "odoo_id": "1"},
                                 {"entity": "customer", "shop_id": "9" * 30, "odoo_id": "1"}])
def test_wrong_input_is_explained(world: World, member: Browser, ids: dict[str, str]) -> None:
    answer = member.post(f"/stores/{world.mine}/mappings/link", ids)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_shop_that_cannot_be_asked_is_explained(world: World, member: Browser) -> None:
    answer = member.post(f"/stores/{world.mine}/mappings/link", {"entity": "customer", "shop_id": "1", "odoo_id": "1"})
    assert answer.status_code == 422
    assert "connection refused" in words(answer)


def test_a_link_is_forgotten_after_its_consequences_were_read(world: World, member: Browser) -> None:
    number = mapping(world)
    here = f"/stores/{world.mine}/mappings/{number}/forget"
    page = member.get(here)
    assert MARKUP not in page.text
    assert "linked again to the contact with the same e-mail address" in words(page)
    assert "was forgotten" in words(member.post(here, follow_redirects=True))
    with world.db.read() as session:
        assert not session.query(Mapping).count()
    assert member.get(here).status_code == 404


def test_nothing_is_forgotten_while_its_kind_is_being_synchronised(world: World, member: Browser) -> None:
    number = mapping(world)
    world.job(world.mine, "99", "running")
    answer = member.post(f"/stores/{world.mine}/mappings/{number}/forget", follow_redirects=True)
    assert "Try again in a moment." in words(answer)


def test_links_of_other_stores_stay_out_of_reach(world: World, member: Browser) -> None:
    with world.db.read() as session:
        target = session.get_one(Store, world.other).target
    number = mapping(world, store_id=world.other, target=target)
    assert member.get(f"/stores/{world.mine}/mappings/{number}/forget").status_code == 404
    assert member.post(f"/stores/{world.other}/mappings/{number}/forget").status_code == 404
