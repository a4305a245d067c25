"""Payments and refunds of the shop on the posted invoice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Database
from portal.models import LogEntry, Mapping, Store
from portal.sandbox.odoo_deliveries import deliver
from portal.sandbox.odoo_models import Env
from portal.sandbox.odoo_products import Templates
from portal.sandbox.prestashop_orders import place_order, refund, set_state
from portal.sync import jobs, poll
from portal.sync.services import Services
from tests.world import World, make_world

PRODUCT, OTHER = 19, 20
PAID, CANCELED, BANKWIRE = 2, 6, 10
SETTINGS = {"stock": "off", "order_confirm": True, "order_invoice": True, "order_payment": True}


@pytest.fixture(params=["14", "15", "16", "17", "18", "19"])
def every(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, **SETTINGS) as world:
        yield world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), **SETTINGS) as world:
        yield world


def sell(world: World, **options: Any) -> int:
    """A new order of the shop, not noticed yet."""
    customer = next(iter(world.shop.shop.tables["customers"].rows))
    lines = [{"product": PRODUCT, "quantity": 3}, {"product": OTHER, "quantity": 1}]
    return int(place_order(world.shop.shop, customer, lines, **options))


def bring(world: World, order: int) -> None:
    world.notice("order", order)
    world.drain()


def details(world: World, order: int) -> list[dict[str, Any]]:
    return sorted(world.shop.shop.tables["order_details"].by("id_order", order), key=lambda row: int(row["id"]))


def moves(world: World, order: int, kind: str = "out_invoice") -> list[dict[str, Any]]:
    client = world.services.odoo(world.store)
    [row] = client.search_read("sale.order", [("origin", "=", f"PS/shop/{order}")], ["name"])
    return client.search_read("account.move", [("invoice_origin", "=", row["name"]), ("move_type", "=", kind)], [
        "state", "payment_state", "amount_total", "amount_untaxed", "amount_residual", "ref", "reversed_entry_id", "partner_id",
        "journal_id", "invoice_date"], order="id")


def payments(world: World) -> list[dict[str, Any]]:
    memo = "memo" if world.odoo.db.profile.major >= 18 else "ref"
    rows = world.services.odoo(world.store).search_read("account.payment", [], ["amount", "journal_id", "date", memo], order="id")
    return [{**row, "memo": row[memo]} for row in rows]


def total(world: World, order: int) -> float:
    return float(world.shop.shop.get("orders", order, "total_paid_tax_incl"))


def said(world: World, order: int) -> str:
    with world.db.read() as session:
        rows = session.scalars(select(LogEntry.message).where(LogEntry.entity == "order", LogEntry.record == str(order))
                               .order_by(LogEntry.id))
        return "\n".join(rows)


# --- payments ---------------------------------------------------------------------------------------------------------


def test_what_the_shop_received_is_recorded_once_on_the_posted_invoice(every: World) -> None:
    order = sell(every)
    for _ in range(3):
        bring(every, order)
    [invoice] = moves(every, order)
    assert (invoice["state"], invoice["payment_state"], invoice["amount_residual"]) == ("posted", "paid", 0)
    [payment] = payments(every)
    assert payment["amount"] == pytest.approx(total(every, order))
    assert payment["journal_id"][1] == "Bank"
    reference = every.shop.shop.get("orders", order, "reference")
    assert payment["memo"] == f"PS/shop/{order} {reference}"
    assert payment["date"] == every.shop.shop.tables["order_payments"].by("order_reference", reference)[0]["date_add"][:10]


def test_an_order_that_is_paid_later_is_paid_later_in_odoo(world: World) -> None:
    order = sell(world, state=BANKWIRE)
    bring(world, order)
    assert moves(world, order)[0]["payment_state"] == "not_paid"
    set_state(world.shop.shop, order, PAID)
    bring(world, order)
    assert moves(world, order)[0]["payment_state"] == "paid"


def test_a_part_paid_order_is_part_paid_in_odoo_and_the_rest_follows(world: World) -> None:
    order = sell(world, state=BANKWIRE)
    whole = Decimal(str(total(world, order)))
    for received in ("10.00", str(whole)):
        with world.shop.shop.transaction():
            world.shop.shop.update("orders", order, total_paid_real=received)
        for _ in range(2):
            bring(world, order)
    assert [Decimal(str(row["amount"])) for row in payments(world)] == [Decimal("10"), whole - 10]
    assert moves(world, order)[0]["payment_state"] == "paid"


def test_nothing_is_recorded_where_people_recorded_it_or_it_is_switched_off(world: World) -> None:
    world.set(order_payment=False)
    order = sell(world)
    bring(world, order)
    assert not payments(world)
    client, [invoice] = world.services.odoo(world.store), moves(world, order)
    context = {"active_model": "account.move", "active_ids": [invoice["id"]]}
    [wizard] = client.create("account.payment.register", [{}], context=context)
    client.call("account.payment.register", "action_create_payments", [wizard], context=context)
    world.set(order_payment=True)
    bring(world, order)
    assert len(payments(world)) == 1


def test_the_journal_is_the_merchants_choice_for_the_payment_module(world: World) -> None:
    world.set(payment_journals="ps_wirepayment=BNK1, ps_cashondelivery = csh1")
    order = sell(world, module="ps_cashondelivery")
    bring(world, order)
    assert payments(world)[0]["journal_id"][1] == "Cash"


def test_a_journal_that_odoo_does_not_have_is_named_and_the_order_stands(world: World) -> None:
    world.set(payment_journals="ps_wirepayment=XYZ", max_attempts=1)
    order = sell(world)
    bring(world, order)
    [dead] = world.jobs("dead")
    assert "code XYZ" in str(dead.message)
    assert moves(world, order)[0]["state"] == "posted"


def test_money_for_a_cancelled_order_is_not_recorded(world: World) -> None:
    order = sell(world)
    set_state(world.shop.shop, order, CANCELED)
    bring(world, order)
    assert not payments(world)


# --- refunds ----------------------------------------------------------------------------------------------------------


def test_a_refund_becomes_one_posted_credit_note_equal_to_the_cent(every: World) -> None:
    order = sell(every)
    bring(every, order)
    first, second = details(every, order)
    slip = refund(every.shop.shop, order, {first["id"]: 2, second["id"]: 1}, shipping="7.08")
    for _ in range(3):
        bring(every, order)
    [invoice], [note] = moves(every, order), moves(every, order, "out_refund")
    given = every.shop.shop.tables["order_slip"].rows[slip]
    assert Decimal(str(note["amount_total"])) == round(Decimal(given["total_products_tax_incl"]), 2) + Decimal("7.08")
    assert (note["state"], note["ref"]) == ("posted", f"PS/shop/{order}/R{slip}")
    assert note["reversed_entry_id"][0] == invoice["id"]
    assert (note["partner_id"], note["journal_id"]) == (invoice["partner_id"], invoice["journal_id"])
    assert note["invoice_date"] == given["date_add"][:10]


def test_a_refund_of_shipping_only_and_a_second_slip_are_notes_of_their_own(world: World) -> None:
    order = sell(world)
    bring(world, order)
    refund(world.shop.shop, order, {}, shipping="3.00")
    bring(world, order)
    refund(world.shop.shop, order, {details(world, order)[0]["id"]: 1})
    bring(world, order)
    notes = moves(world, order, "out_refund")
    assert [note["state"] for note in notes] == ["posted", "posted"]
    assert notes[0]["amount_total"] == 3


def test_a_slip_whose_amount_is_without_tax_is_equal_all_the_same(world: World) -> None:
    order = sell(world)
    bring(world, order)
    slip = refund(world.shop.shop, order, {details(world, order)[0]["id"]: 3})
    row = world.shop.shop.tables["order_slip"].rows[slip]
    with world.shop.shop.transaction():
        world.shop.shop.update("order_slip", slip, amount=row["total_products_tax_excl"])
    bring(world, order)
    [note] = moves(world, order, "out_refund")
    assert Decimal(str(note["amount_total"])) == round(Decimal(row["total_products_tax_incl"]), 2)
    assert note["state"] == "posted"


def test_an_amount_the_merchant_chose_is_a_draft_that_says_why(world: World) -> None:
    order = sell(world)
    bring(world, order)
    slip = refund(world.shop.shop, order, {details(world, order)[0]["id"]: 1})
    with world.shop.shop.transaction():
        world.shop.shop.update("order_slip", slip, amount="1.000000")
    for _ in range(2):
        bring(world, order)
    [note] = moves(world, order, "out_refund")
    assert note["state"] == "draft"
    assert "draft credit note" in said(world, order)
    assert "gave back 1.00 EUR" in said(world, order)


def test_a_refund_waits_for_the_invoice_and_is_no_error(world: World) -> None:
    order = sell(world)
    world.sync("customer", "product")
    with world.odoo.db.transaction():
        goods = [number for number, row in world.odoo.db.tables["product.template"].rows.items() if row.get("type") != "service"]
        for number in goods:
            Env(world.odoo.db)["product.template"].put(number, invoice_policy="delivery")
    refund(world.shop.shop, order, {details(world, order)[0]["id"]: 1})
    bring(world, order)
    assert not moves(world, order), "one invoice for everything, not one for the shipping first"
    assert "waits until everything is delivered" in said(world, order)
    assert "wait for the posted invoice" in said(world, order)
    number = linked(world, order).odoo_id
    with world.odoo.db.transaction():
        deliver(Env(world.odoo.db), number)
    with world.db.begin() as session:
        jobs.notice(session, session.get_one(Store, world.store.id), "order", "odoo_to_ps", str(number), source="test")
    world.drain()
    assert [row["state"] for row in moves(world, order)] == ["posted"], "what was delivered is invoiced"
    assert [row["state"] for row in moves(world, order, "out_refund")] == ["posted"]


def test_shipping_is_not_waited_for_where_odoo_invoices_new_products_by_delivery(
        world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered = Templates.defaults
    monkeypatch.setattr(Templates, "defaults", lambda self, values: {**ordered(self, values), "invoice_policy": "delivery"})
    order = sell(world)
    bring(world, order)
    assert not moves(world, order)
    number = linked(world, order).odoo_id
    with world.odoo.db.transaction():
        deliver(Env(world.odoo.db), number)
    with world.db.begin() as session:
        jobs.notice(session, session.get_one(Store, world.store.id), "order", "odoo_to_ps", str(number), source="test")
    world.drain()
    [invoice] = moves(world, order)
    assert (invoice["state"], invoice["amount_total"]) == ("posted", pytest.approx(total(world, order)))


def test_no_credit_note_where_the_setting_is_off(world: World) -> None:
    world.set(order_refunds=False)
    order = sell(world)
    bring(world, order)
    refund(world.shop.shop, order, {details(world, order)[0]["id"]: 1})
    bring(world, order)
    assert not moves(world, order, "out_refund")


def test_a_refund_that_nobody_reported_is_found(world: World) -> None:
    order = sell(world)
    bring(world, order)
    for _ in range(6):
        poll.poll(world.services, world.store.id, force=True)
        world.drain()
    refund(world.shop.shop, order, {details(world, order)[0]["id"]: 1})
    for _ in range(6):
        poll.poll(world.services, world.store.id, force=True)
        world.drain()
    assert len(moves(world, order, "out_refund")) == 1


def linked(world: World, order: int) -> Mapping:
    with world.db.read() as session:
        return session.scalars(select(Mapping).where(Mapping.entity == "order", Mapping.shop_id == str(order))).one()
