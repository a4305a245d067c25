"""The page of the drift report."""

from __future__ import annotations

from typing import Any

from portal.models import Drift, DriftRun, Mapping, Store, SyncJob
from portal.sync import stores
from tests.web.conftest import Browser, World, words

MARKUP = "<img src=x onerror=alert(1)>"
REPAIR = {"direction": "ps_to_odoo", "record": "7", "base": {"price": "9"}, "reset": False}


def finding(world: World, record: str = "7", **values: Any) -> int:
    with world.db.begin() as session:
        row = Drift(**{"store_id": world.mine, "entity": "product", "kind": "price", "record": record, "title": MARKUP,
                       "shop_says": "5", "odoo_says": "9", "repair": {**REPAIR, "record": record}} | values)
        session.add(row)
        session.flush()
        return row.id


def state(world: World, number: int) -> str:
    with world.db.read() as session:
        return session.get_one(Drift, number).state


def test_a_comparison_is_started_and_shown(world: World, member: Browser) -> None:
    here = f"/stores/{world.mine}/drift"
    assert "Nothing was compared yet." in words(member.get(here))
    assert "are being compared" in words(member.post(f"{here}/start", follow_redirects=True))
    assert "Step 1 of 2" in words(member.get(here))
    with world.db.begin() as session:
        session.query(DriftRun).one().state = "finished"
    assert "Both sides are equal." in words(member.get(here))
    with world.db.begin() as session:
        stores.change_store(session, session.get_one(Store, world.mine), {"products": "off", "orders": 0}, "test")
    assert "nothing to compare" in words(member.post(f"{here}/start", follow_redirects=True))


def test_one_difference_is_repaired_by_a_job_that_will_see_it(world: World, member: Browser) -> None:
    number, other = finding(world), finding(world, "8", kind="active", repair=None, why_not="Odoo is the master.")
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        session.add(Mapping(store_id=store.id, target=store.target, entity="product", shop_id="7", odoo_id=1,
                            base={"price": "5", "name": "N"}, data={}))
        session.add(DriftRun(store_id=store.id, state="finished", steps=["product"], cursor=[1, 0]))
    here = f"/stores/{world.mine}/drift"
    page = member.get(here)
    assert MARKUP not in page.text
    assert "Odoo is the master." in words(page)
    assert "2 differences." in words(page)
    answer = member.post(f"{here}/repair", {"one": str(number), "job": str(other)}, follow_redirects=True)
    assert "1 difference is being repaired." in words(answer)
    assert "On its way" in words(answer)
    with world.db.read() as session:
        job = session.query(SyncJob).one()
        assert (job.entity, job.direction, job.record, job.source) == ("product", "ps_to_odoo", "7", "repair")
        assert session.query(Mapping).one().base == {"price": "9", "name": "N"}
    assert (state(world, number), state(world, other)) == ("asked", "open")
    again = member.post(f"{here}/repair", {"job": str(number)}, follow_redirects=True)
    assert "1 cannot be repaired from here, or are on their way already." in words(again)


def test_all_that_match_the_filter_are_repaired_after_a_question_with_the_number(world: World, member: Browser) -> None:
    prices = [finding(world, str(number)) for number in range(3)]
    other = finding(world, "9", kind="active")
    here, form = f"/stores/{world.mine}/drift", {"all": "1", "entity": "product", "kind": "price"}
    assert "Repair these 3…" in words(member.get(f"{here}?entity=product&kind=price"))
    assert "Repair 3 differences?" in words(member.post(f"{here}/repair", form))
    assert state(world, prices[0]) == "open"
    assert "3 differences are being repaired." in words(member.post(f"{here}/repair", {**form, "confirmed": "1"},
                                                                    follow_redirects=True))
    assert [state(world, number) for number in prices] == ["asked"] * 3
    assert state(world, other) == "open"


def test_nothing_selected_and_what_belongs_to_others_change_nothing(world: World, member: Browser) -> None:
    here = f"/stores/{world.mine}/drift"
    assert "Nothing was selected." in words(member.post(f"{here}/repair", {"job": "x"}, follow_redirects=True))
    number = finding(world, store_id=world.other)
    assert member.post(f"{here}/repair", {"job": str(number)}).status_code == 404
    assert state(world, number) == "open"
    assert member.get(f"/stores/{world.other}/drift").status_code == 404


def test_the_list_is_paged_by_key(world: World, member: Browser) -> None:
    ids = [finding(world, str(number)) for number in range(60)]
    assert f"after={ids[49]}" in member.get(f"/stores/{world.mine}/drift").text
    assert "Product 50 " in words(member.get(f"/stores/{world.mine}/drift?after={ids[49]}"))
