"""The penny ledger and the record of what was sent."""

from __future__ import annotations

from decimal import Decimal as D

from portal.entities.ledger import ledger
from portal.entities.order import plan
from portal.entities.order_changes import differences, digest, snapshot
from tests.entities.order_rows import detail, odoo, order

SHIRT = detail(1, 2, "10.000000", "12.000000", "20.00", "24.00")


def test_every_amount_of_the_shop_has_a_row_and_the_total_is_last() -> None:
    made = plan(order([SHIRT], ("24.95", "29.94"), shipping=("4.95", "5.94"), carrier_rate="20"), odoo())
    rows = ledger(made)
    assert [(row.label, row.shop_incl, row.odoo_incl, row.off) for row in rows] == [
        ("Product", D("24.00"), D("24.00"), 0), ("Shipping", D("5.94"), D("5.94"), 0), ("Total", D("29.94"), D("29.94"), 0)]
    assert rows[0].tax == "20% incl"
    assert rows[0].why == "Price with tax, Odoo takes the tax out."


def test_a_parted_line_is_one_row_with_both_prices() -> None:
    made = plan(order([detail(1, 6, "0.534993", "0.641992", "3.21", "3.85")], ("3.21", "3.85")), odoo())
    row = ledger(made)[0]
    assert row.prices == ((5, D("0.64")), (1, D("0.65")))
    assert (row.odoo_incl, "Parted in two" in row.why) == (D("3.85"), True)


def test_the_rounding_line_explains_itself() -> None:
    made = plan(order([detail(n, 1, "0.834000", "1.004000", "0.83", "1.00") for n in (1, 2)], ("1.67", "2.01")), odoo())
    row = ledger(made)[2]
    assert (row.label, row.off) == ("Rounding", D("0.01"))
    assert row.why == "Needed because the shop's own total is not the sum of its lines, because it adds them up before rounding."


def test_what_was_read_back_replaces_what_was_foreseen() -> None:
    made = plan(order([SHIRT], ("20.00", "24.00")), odoo())
    back = [{"price_subtotal": 20.01, "price_total": 24.01}, {"display_type": "line_note"},
            {"price_subtotal": 1, "price_total": 1.2}]
    rows = ledger(made, back, {"amount_untaxed": 21.01, "amount_total": 25.21})
    assert [(row.kind, row.odoo_incl) for row in rows] == [("product", D("24.01")), ("unknown", D("1.20")), ("total", D("25.21"))]


def test_a_held_order_says_why_in_its_total() -> None:
    made = plan(order([SHIRT], ("20.00", "25.00")), odoo())
    assert ledger(made)[-1].why == made.reason != ""


def test_the_same_order_has_the_same_digest_whatever_odoo_it_goes_to() -> None:
    source = order([SHIRT], ("20.00", "24.00"))
    assert digest(plan(source, odoo(14))) == digest(plan(source, odoo(19, digits=6)))


def test_changes_in_the_shop_are_told_in_words() -> None:
    before = plan(order([SHIRT], ("20.00", "24.00")), odoo())
    more = detail(1, 3, "10.000000", "12.000000", "30.00", "36.00")
    after = plan(order([more], ("30.00", "36.00"), id_address_delivery=4), odoo())
    assert digest(before) != digest(after)
    assert differences(snapshot(before), after) == [
        "Total: 24.00 → 36.00", "Total without tax: 20.00 → 30.00", "Removed: 2 × Shirt 1, 24.00 with tax",
        "Added: 3 × Shirt 1, 36.00 with tax"]
    assert differences(snapshot(after), after) == []
