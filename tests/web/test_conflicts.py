"""The conflict list and the part of a record's page that shows its conflicts: both values, what stands, and the choice."""

from __future__ import annotations

from typing import Any

import pytest

from portal.models import Conflict, LogEntry, Mapping, Store, SyncJob
from portal.sync import conflicts, view
from tests.web.conftest import MEMBER, Browser, World, words

MARKUP = "<img src=x onerror=alert(1)>"


def disagree(world: World, store_id: int | None = None, **values: Any) -> int:
    """Shop and Odoo changed a field differently; the conflict's id."""
    with world.db.begin() as session:
        store = session.get_one(Store, store_id or world.mine)
        row = Conflict(store_id=store.id, **{
            "target": store.target, "entity": "product", "shop_id": "12", "field": "name", "base": "Cup",
            "shop_value": f"Mug {MARKUP}", "odoo_value": "Beaker", "winner": "prestashop", **values})
        session.add(row)
        session.flush()
        return row.id


def both_ways(world: World) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.choices = {**store.choices, "products": "both"}
        session.add(Mapping(store_id=store.id, target=store.target, entity="product", shop_id="12", odoo_id=77,
                            base={"name": "Mug", "reference": "MUG-1"}))


def base(world: World) -> str:
    return f"/stores/{world.mine}"


def row_of(world: World, number: int) -> Conflict:
    with world.db.read() as session:
        return session.get_one(Conflict, number)


@pytest.mark.parametrize("path", ["/conflicts", "/records/product/12"])
def test_both_values_and_what_stands_are_shown(world: World, member: Browser, path: str) -> None:
    both_ways(world)
    disagree(world)
    disagree(world, field="active", shop_value=True, odoo_value=False, winner="manual")
    disagree(world, entity="combination", shop_id="12:34", field="impact", shop_value="1.5", odoo_value="", winner="odoo")
    page = member.get(base(world) + path)
    text = words(page)
    for said in ("Mug · MUG-1", "Name", "Mug <img", "Beaker", "The shop's value stands", "Active", "yes", "no", "Nobody has chosen",
                 "Combination 12:34", "Price impact", "(empty)", "Use Odoo's", "Use the shop's", "Leave as it is"):
        assert said in text, said
    assert MARKUP not in page.text


def test_the_dashboard_and_the_navigation_count_what_is_open(world: World, member: Browser) -> None:
    assert "changed differently" not in words(member.get(f"{base(world)}/"))
    disagree(world)
    text = words(member.get(f"{base(world)}/"))
    assert "One field was changed differently in the shop and in Odoo." in text
    assert "Conflicts 1" in text
    disagree(world, field="price")
    disagree(world, field="cost", state="kept")
    disagree(world, field="weight", target="http://old|db")
    text = words(member.get(f"{base(world)}/"))
    assert "2 fields were changed differently" in text
    with world.db.read() as session:
        assert view.status(session, session.get_one(Store, world.mine))["conflicts"] == 2


@pytest.mark.parametrize("choice", ["prestashop", "odoo"])
def test_choosing_a_side_brings_it_to_both_and_names_who_did(world: World, member: Browser, choice: str) -> None:
    both_ways(world)
    number = disagree(world, winner="manual", entity="combination", shop_id="12:34", field="weight")
    answer = member.post(f"{base(world)}/conflicts/{number}", {"choice": choice})
    assert answer.location == f"{base(world)}/conflicts"
    assert "The value is on its way to both sides." in words(member.get(answer.location))
    row = row_of(world, number)
    assert (row.state, row.winner, row.written) == ("applied", choice, False)
    with world.db.read() as session:
        [job] = session.query(SyncJob).all()
        assert (job.entity, job.direction, job.record) == ("product", "ps_to_odoo", "12")
        assert [entry.actor for entry in session.query(LogEntry)][-1] == MEMBER
    settled = words(member.get(f"{base(world)}/conflicts?settled=1"))
    assert f"A person chose {'the shop' if choice == 'prestashop' else 'Odoo'}'s value; on its way" in settled
    assert "No conflicts." in words(member.get(f"{base(world)}/conflicts"))


def test_what_stands_can_be_kept_from_the_records_page(world: World, member: Browser) -> None:
    both_ways(world)
    number = disagree(world)
    answer = member.post(f"{base(world)}/conflicts/{number}", {"choice": "keep", "entity": "product", "record": "12"})
    assert answer.location == f"{base(world)}/records/product/12"
    assert row_of(world, number).state == "kept"
    assert "The shop's value was kept" in words(member.get(f"{base(world)}/conflicts?settled=1"))
    again = member.post(f"{base(world)}/conflicts/{number}", {"choice": "odoo"})
    assert "Somebody has settled it already." in words(member.get(again.location))
    assert row_of(world, number).state == "kept"


def test_a_choice_that_cannot_be_carried_out_now_says_so(world: World, member: Browser) -> None:
    number = disagree(world)
    answer = member.post(f"{base(world)}/conflicts/{number}", {"choice": "odoo"})
    assert "once products travel both ways again" in words(member.get(answer.location))


def test_a_conflict_of_another_store_or_database_and_an_unknown_choice_are_no_page(world: World, member: Browser) -> None:
    foreign, old, mine = disagree(world, world.other), disagree(world, target="http://old|db"), disagree(world)
    for number, choice in ((foreign, "keep"), (old, "keep"), (mine, "sell"), (mine, ""), (10**6, "keep")):
        assert member.post(f"{base(world)}/conflicts/{number}", {"choice": choice}).status_code == 404, (number, choice)
    assert {row_of(world, number).state for number in (foreign, old, mine)} == {"open"}


def test_a_long_list_has_pages(world: World, member: Browser) -> None:
    for number in range(51):
        disagree(world, shop_id=str(number))
    first = member.get(f"{base(world)}/conflicts")
    assert first.text.count('id="conflict-') == 50
    assert 'id="conflict-1"' not in first.text
    assert 'id="conflict-1"' in member.get(f"{base(world)}/conflicts?before=2").text
    with world.db.read() as session:
        assert len(conflicts.listed(session, session.get_one(Store, world.mine))) == 51
