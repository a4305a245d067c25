"""The pages of the rehearsal."""

from __future__ import annotations

from typing import Any

from portal.models import Rehearsal, RehearsalKey, Rehearsed, Store
from portal.sync import stores
from tests.web.conftest import Browser, World, words

MARKUP = "<img src=x onerror=alert(1)>"


def found(world: World, record: str, kind: str = "create", **values: Any) -> None:
    with world.db.begin() as session:
        session.add(Rehearsed(**{"store_id": world.mine, "entity": "customer", "direction": "ps_to_odoo", "record": record,
                                 "kind": kind, "changes": []} | values))


def test_it_starts_for_the_ticked_entities_while_the_store_is_off_and_can_be_stopped(world: World, member: Browser) -> None:
    here = f"/stores/{world.mine}/rehearsal"
    assert "Nothing was rehearsed yet." in words(member.get(here))
    answer = member.post(f"{here}/start", {"entity": ["customer", "order", "nonsense"]}, follow_redirects=True)
    assert "The rehearsal has begun." in words(answer)
    assert "Step 1 of" in words(answer)
    with world.db.read() as session:
        run = session.query(Rehearsal).one()
        assert [step[0] for step in run.steps] == ["customer", "order", "keys", "keys"]
        assert not session.get_one(Store, world.mine).settings["enabled"]
    assert "The rehearsal was stopped." in words(member.post(f"{here}/stop", follow_redirects=True))
    assert "No rehearsal is running." in words(member.post(f"{here}/stop", follow_redirects=True))


def test_nothing_ticked_and_nothing_that_travels_say_what_to_do(world: World, member: Browser) -> None:
    here = f"/stores/{world.mine}/rehearsal"
    assert "Tick at least one" in words(member.post(f"{here}/start", follow_redirects=True))
    with world.db.begin() as session:
        stores.change_store(session, session.get_one(Store, world.mine), {"customers": 0}, "test")
    assert "let none of them travel" in words(member.post(f"{here}/start", {"entity": "customer"}, follow_redirects=True))


def test_findings_are_counted_filtered_and_shown_with_before_and_after(world: World, member: Browser) -> None:
    here = f"/stores/{world.mine}/rehearsal"
    found(world, "7", "change", title=MARKUP, changes=[{"side": "odoo", "field": "name", "before": "Old", "after": MARKUP}])
    found(world, "8", "refused", message="It has no name.", remedy="Enter one.", entity="product")
    page = member.get(here)
    assert MARKUP not in page.text
    assert "Old" in words(page)
    assert "What to do: Enter one." in words(page)
    assert "Customer 7" not in words(member.get(f"{here}?kind=refused"))
    assert "Customer 7" in words(member.get(f"{here}?q=img"))
    assert "Product 8" not in words(member.get(f"{here}?entity=customer"))
    assert "Nothing matches the filter." in words(member.get(f"{here}?q=nobody"))
    assert member.get(f"{here}?kind=nonsense&after=x").status_code == 200


def test_the_list_is_paged_by_key(world: World, member: Browser) -> None:
    for number in range(60):
        found(world, str(number))
    here = f"/stores/{world.mine}/rehearsal"
    first = words(member.get(here))
    assert "Customer 49 " in first
    assert "Customer 50 " not in first
    with world.db.read() as session:
        last = session.query(Rehearsed.id).order_by(Rehearsed.id).offset(49).first()[0]  # type: ignore[index]
    assert f"after={last}" in member.get(here).text
    assert "Customer 50 " in words(member.get(f"{here}?after={last}"))


def test_the_table_can_be_taken_along_without_formulas(world: World, member: Browser) -> None:
    found(world, "7", "create", title="=1+1", changes=[{"side": "odoo", "field": "name", "before": None, "after": "@x"}])
    answer = member.get(f"/stores/{world.mine}/rehearsal.csv?kind=create")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.text.splitlines()[1].startswith("customer,ps_to_odoo,7,'=1+1,,create,odoo,name,,'@x")
    assert len(member.get(f"/stores/{world.mine}/rehearsal.csv?kind=refused").text.splitlines()) == 1


def test_shared_references_are_listed_by_source(world: World, member: Browser) -> None:
    here = f"/stores/{world.mine}/rehearsal/duplicates"
    assert "Start a rehearsal first." in words(member.get(here))
    with world.db.begin() as session:
        session.add(Rehearsal(store_id=world.mine, steps=[], cursor=[0, 0], state="finished"))
        for record in ("4", "5"):
            session.add(RehearsalKey(store_id=world.mine, source="odoo products", what="reference", value=MARKUP, record=record))
    page = member.get(here)
    assert MARKUP not in page.text
    assert "4, 5" in words(page)
    assert "1 shared reference" not in words(member.get(f"/stores/{world.mine}/rehearsal"))
    found(world, "1")
    assert "1 shared reference or address" in words(member.get(f"/stores/{world.mine}/rehearsal"))


def test_members_of_other_stores_see_nothing(world: World, member: Browser) -> None:
    for path in ("rehearsal", "rehearsal/duplicates", "rehearsal.csv", "rehearsal/live"):
        assert member.get(f"/stores/{world.other}/{path}").status_code == 404
    assert member.post(f"/stores/{world.other}/rehearsal/start").status_code == 404
