"""The penny ledger, the held orders and the taxes, as a merchant sees and uses them."""

from __future__ import annotations

import pytest

from portal.clients.errors import Outage
from portal.models import Mapping, Store, SyncJob, TaxChoice
from portal.sync import log, taxes
from tests.web.conftest import Browser, World, words
from tests.web.order_pages import keep_ledger, keep_taxes, mixed_order

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def base(world: World) -> str:
    return f"/stores/{world.mine}"


def job_state(world: World, job_id: int) -> str:
    with world.db.read() as session:
        return session.get_one(SyncJob, job_id).state


def orders_waiting(world: World) -> list[str]:
    with world.db.read() as session:
        return sorted(row.record for row in session.query(SyncJob).filter_by(store_id=world.mine, entity="order", state="pending"))


def choices(world: World) -> dict[tuple[str, str, int], list[int]]:
    with world.db.read() as session:
        return {(row.place, row.rate, row.tax_group): row.taxes for row in session.query(TaxChoice)}


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_the_ledger_shows_each_cent_of_both_sides_without_asking_anybody(world: World, member: Browser, base: str) -> None:
    with world.db.begin() as session:
        keep_ledger(session, session.get_one(Store, world.mine), "12")
    page = words(member.get(f"{base}/orders/12/ledger"))
    for part in ("Penny ledger of order 12", "Equal to the cent", "ABCDEFGHI", "S00007", "Product Shirt 1", "2 × 12.00",
                 "20% incl, included", "Voucher Welcome", "Shipping Shipping: Snail", "Parted in two", "5 × 0.64", "1 × 0.65",
                 "Sum of the lines", "Total of the order", "Both totals are equal: 28.64 EUR."):
        assert part in page, part


def test_a_held_order_says_why_and_what_to_do(world: World, member: Browser, base: str) -> None:
    made = mixed_order("31.64")
    with world.db.begin() as session:
        keep_ledger(session, session.get_one(Store, world.mine), "12", "held", cause=made.cause, reason=made.reason, made=made)
    page = words(member.get(f"{base}/orders/12/ledger"))
    for part in ("Stays a quotation", "3.00 EUR more than its lines", "What to do:", "-3.00", "differ by -3.00 EUR"):
        assert part in page, part


def test_a_dry_runs_ledger_says_that_nothing_is_in_odoo(world: World, member: Browser, base: str) -> None:
    with world.db.begin() as session:
        keep_ledger(session, session.get_one(Store, world.mine), "12", "foreseen", name="")
    assert "This is what a dry run foresees; nothing is in Odoo yet." in words(member.get(f"{base}/orders/12/ledger"))


def test_an_order_without_a_ledger_says_what_it_waits_for(world: World, member: Browser, base: str) -> None:
    assert "A ledger is made when the order is sent" in words(member.get(f"{base}/orders/99/ledger"))
    world.job(world.mine, "12", "dead", entity="order", cause="tax:20%:FR", message="Odoo has no active sales tax of 20%.")
    page = member.get(f"{base}/orders/12/ledger")
    assert "Odoo has no active sales tax of 20%." in words(page)
    assert f'href="{base}/taxes"' in page.text


def test_the_ledger_is_found_from_the_change_the_mapping_and_the_log(world: World, member: Browser, base: str) -> None:
    job = world.job(world.mine, "12", "synced", entity="order")
    other = world.job(world.mine, "3", "synced", entity="customer")
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        session.add(Mapping(store_id=store.id, target=store.target, entity="order", shop_id="12", odoo_id=7))
        log.write(session, store.id, "Order 12 created in Odoo.", entity="order", record="12", job_id=job)
    link = f'href="{base}/orders/12/ledger"'
    for path in (f"/jobs/{job}", "/mappings", "/log"):
        assert link in member.get(base + path).text, path
    assert "ledger" not in member.get(f"{base}/jobs/{other}").text


# --- held orders ------------------------------------------------------------------------------------------------------


@pytest.fixture
def held(world: World) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        for record, cause in (("12", "order:shop_total"), ("13", "order:shop_total"), ("14", "order:tax")):
            keep_ledger(session, store, record, "held", cause=cause, reason=f"Reason of {record}.")
        keep_ledger(session, store, "15")


@pytest.mark.usefixtures("held")
def test_held_orders_stand_together_by_cause_with_reason_and_remedy(world: World, member: Browser, base: str) -> None:
    page = words(member.get(f"{base}/held"))
    groups = ("The shop's total is not what its lines add up to 2", "The total is right, the tax in it is not 1")
    assert 0 < page.index(groups[0]) < page.index(groups[1])
    for part in ("Reason of 12.", "Reason of 13.", "Reason of 14.", "Look again at all 2", "Open the taxes"):
        assert part in page, part
    assert "Order 15" not in page
    dashboard = member.get(f"{base}/")
    assert "3 orders stay quotations in Odoo" in words(dashboard)
    assert f'href="{base}/held"' in dashboard.text


@pytest.mark.usefixtures("held")
def test_one_order_or_all_of_a_cause_are_looked_at_again(world: World, member: Browser, base: str) -> None:
    assert member.post(f"{base}/held/look-again", {"order": "14", "back": "ledger"}).location == f"{base}/orders/14/ledger"
    assert orders_waiting(world) == ["14"]
    assert member.post(f"{base}/held/look-again", {"cause": "order:shop_total"}).location == f"{base}/held"
    assert orders_waiting(world) == ["12", "13", "14"]


@pytest.mark.parametrize("form", [{}, {"order": "99"}, {"order": "1" * 70}, {"cause": "nonsense"}, {"order": ""}])
def test_an_order_that_was_never_compared_is_not_looked_at_again(world: World, member: Browser, base: str,
                                                                form: dict[str, str]) -> None:
    member.post(f"{base}/held/look-again", form)
    assert orders_waiting(world) == []
    assert "there is nothing to look at again" in words(member.get(f"{base}/held"))


def test_the_orders_of_another_store_stay_its_own(world: World, member: Browser, base: str) -> None:
    with world.db.begin() as session:
        keep_ledger(session, session.get_one(Store, world.other), "12", "held", cause="order:tax", reason="Theirs.")
    assert "Theirs." not in member.get(f"{base}/orders/12/ledger").text
    member.post(f"{base}/held/look-again", {"order": "12"})
    with world.db.read() as session:
        assert session.query(SyncJob).count() == 0


# --- taxes ------------------------------------------------------------------------------------------------------------


def test_every_rate_shows_its_pair_and_what_a_missing_half_costs(world: World, member: Browser, base: str) -> None:
    assert "The taxes were not read yet" in words(member.get(f"{base}/taxes"))
    with world.db.begin() as session:
        keep_taxes(session, session.get_one(Store, world.mine), kinds="excluded")
    page = words(member.get(f"{base}/taxes"))
    for part in ("France FR", "20% About 17 of 100 amounts", "5.5% About 5 of 100 amounts", "Standard, Books",
                 "Places where the shop charges no tax 1"):
        assert part in page, part


def test_a_missing_tax_names_the_orders_that_wait_for_it(world: World, member: Browser, base: str) -> None:
    waiting = [world.job(world.mine, record, state, entity="order", cause="tax:19%:DE")
               for record, state in (("70", "dead"), ("71", "error"), ("72", "dead"))]
    world.job(world.mine, "73", "synced", entity="order", cause="")
    page = member.get(f"{base}/taxes")
    assert "19% tax in DE is missing 3" in words(page)
    assert "Orders that wait: 70 , 71 , 72" in words(page)
    assert all(f'href="{base}/jobs/{job}"' in page.text for job in waiting)
    assert "Choose the Odoo taxes" not in words(page), "there is none to choose yet"


def test_choosing_a_tax_saves_it_and_tries_all_orders_again(world: World, member: Browser, base: str) -> None:
    waiting = [world.job(world.mine, record, state, entity="order", cause="tax:20%:FR")
               for record, state in (("70", "dead"), ("71", "error"))]
    other = world.job(world.mine, "72", "dead", entity="order", cause="tax:5.5%:FR")
    with world.db.begin() as session:
        keep_taxes(session, session.get_one(Store, world.mine))
    page = member.get(f"{base}/taxes/choice?place=FR&rate=20%25")
    assert "2 orders wait for this tax" in words(page)
    assert 'value="11" checked' in page.text
    answer = member.post(f"{base}/taxes/choice", {"place": "FR", "rate": "20%", "group": "0", "included": "11", "excluded": ""})
    assert answer.location == f"{base}/taxes"
    page = words(member.get(f"{base}/taxes"))
    assert "2 orders that were waiting will be tried again." in page
    assert (choices(world), [job_state(world, job) for job in waiting]) == ({("FR", "20%", 0): [11]}, ["pending", "pending"])
    assert job_state(world, other) == "dead"
    assert "20% Every total is reached." in page
    member.post(f"{base}/taxes/choice", {"place": "FR", "rate": "20%", "group": "0", "automatic": "1"})
    assert choices(world) == {}


def test_one_tax_group_may_have_a_choice_of_its_own(world: World, member: Browser, base: str) -> None:
    with world.db.begin() as session:
        keep_taxes(session, session.get_one(Store, world.mine))
    assert "20% in France, Books" in words(member.get(f"{base}/taxes/choice?place=FR&rate=20%25&group=2"))
    member.post(f"{base}/taxes/choice", {"place": "FR", "rate": "20%", "group": "2", "included": "", "excluded": "12"})
    assert choices(world) == {("FR", "20%", 2): [12]}
    assert "only Books" in words(member.get(f"{base}/taxes"))


@pytest.mark.parametrize(("form", "problem"), [
    ({"included": "", "excluded": ""}, "Choose at least one of the two kinds"),
    ({"included": "21"}, "5.5% incl does not make 20%."),
    ({"included": "999999"}, "The Odoo tax 999999 does not make 20%."),
    ({"excluded": "x"}, "Choose at least one of the two kinds"),
])
def test_a_choice_that_does_not_fit_is_refused_on_the_form(world: World, member: Browser, base: str, form: dict[str, str],
                                                          problem: str) -> None:
    with world.db.begin() as session:
        keep_taxes(session, session.get_one(Store, world.mine))
    answer = member.post(f"{base}/taxes/choice", {"place": "FR", "rate": "20%", "group": "0", **form})
    assert (answer.status_code, problem in words(answer), choices(world)) == (422, True, {})


@pytest.mark.parametrize("query", ["", "?place=FR&rate=20%25", "?place=XX&rate=20%25", "?place=FR&rate=33%25&group=x",
                                   "?place=FR&rate=20%25&group=99"])
def test_a_rate_that_the_shop_does_not_have_leads_back_to_the_taxes(world: World, member: Browser, base: str, query: str) -> None:
    if query != "?place=FR&rate=20%25":
        with world.db.begin() as session:
            keep_taxes(session, session.get_one(Store, world.mine))
    assert member.get(f"{base}/taxes/choice{query}").location == f"{base}/taxes"
    form = dict(part.replace("%25", "%").split("=") for part in query.lstrip("?").split("&") if part)
    assert member.post(f"{base}/taxes/choice", form).location == f"{base}/taxes"
    assert choices(world) == {}


def test_reading_the_taxes_says_what_went_wrong(world: World, member: Browser, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> int:
        raise Outage("odoo", "Odoo did not answer in time.", remedy="Try again later.")

    monkeypatch.setattr(taxes, "refresh", down)
    member.post(f"{base}/taxes/read")
    assert "Odoo did not answer in time. Try again later." in words(member.get(f"{base}/taxes"))
    monkeypatch.setattr(taxes, "refresh", lambda *_: 4)
    member.post(f"{base}/taxes/read")
    assert "4 orders that were waiting will be tried again." in words(member.get(f"{base}/taxes"))


def test_markup_from_shop_and_odoo_stays_text(world: World, member: Browser, base: str) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        keep_ledger(session, store, "12", "held", cause=MARKUP, reason=MARKUP, name=MARKUP)
        keep_taxes(session, store, name=MARKUP)
    world.job(world.mine, MARKUP, "dead", entity="order", cause=f"tax:{MARKUP}:{MARKUP}")
    for path in ("/orders/12/ledger", "/held", "/taxes", "/taxes/choice?place=FR&rate=20%25"):
        page = member.get(base + path)
        assert "<img" not in page.text, path
        assert "&lt;img" in page.text, path
