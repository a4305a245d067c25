"""The penny ledger and the record of what was sent."""

from __future__ import annotations

from decimal import Decimal as D

from portal.entities.ledger import ledger
from portal.entities.order import plan
from portal.entities.order_changes import differences, digest, snapshot
from tests.entities.order_rows import detail, odoo, order

SHIRT = detail(1, 2, "10.000000", "12.000000", "20.00", "24.00")


def test_every_amount_of_the_shop_has_a_row_with_the_odoo_lines_that_carry_it() -> None:
    made = plan(order([SHIRT], ("24.95", "29.94"), shipping=("4.95", "5.94"), carrier_rate="20"), odoo())
    found = ledger(made, odoo())
    assert [(row.label, row.shop_tax, row.shop_incl, row.odoo_incl, row.off) for row in found.rows] == [
        ("Product", "20%", D("24.00"), D("24.00"), 0), ("Shipping", "20%", D("5.94"), D("5.94"), 0)]
    assert (found.shop_incl, found.odoo_incl, found.off, found.foreseen) == (D("29.94"), D("29.94"), 0, True)
    [line] = found.rows[0].lines
    assert (line.quantity, line.price, line.tax, line.included, line.excl, line.incl) == (
        2, 12, "20% incl", True, D("20.00"), D("24.00"))
    assert found.rows[0].why == "Price with tax; Odoo takes the tax out of it."


def test_a_parted_line_is_one_row_with_both_prices() -> None:
    made = plan(order([detail(1, 6, "0.534993", "0.641992", "3.21", "3.85")], ("3.21", "3.85")), odoo())
    row = ledger(made, odoo()).rows[0]
    assert [(line.quantity, line.price) for line in row.lines] == [(5, D("0.64")), (1, D("0.65"))]
    assert (row.odoo_incl, "Parted in two" in row.why) == (D("3.85"), True)


def test_the_rounding_line_explains_itself() -> None:
    made = plan(order([detail(n, 1, "0.834000", "1.004000", "0.83", "1.00") for n in (1, 2)], ("1.67", "2.01")), odoo())
    row = ledger(made, odoo()).rows[2]
    assert (row.label, row.off) == ("Rounding", D("0.01"))
    assert row.why == "Needed because the shop's own total is not the sum of its lines, because it adds them up before rounding."


def read(number: int, sequence: int, price: float, net: float, gross: float, **more: object) -> dict[str, object]:
    """A line as Odoo 17 tells it."""
    return {"id": number, "sequence": sequence, "name": "Line", "product_uom_qty": 2.0, "price_unit": price,
            "price_subtotal": net, "price_total": gross, "tax_id": [12], "display_type": False, **more}


def test_what_was_read_back_replaces_what_was_foreseen() -> None:
    made = plan(order([SHIRT], ("20.00", "24.00")), odoo())
    back = [read(3, 10, 1, 1, 1.2, name="A gift", product_uom_qty=1.0), read(1, 10, 10.005, 20.01, 24.01),
            {"id": 2, "sequence": 9, "display_type": "line_note"}]
    found = ledger(made, odoo(), back, {"amount_untaxed": 21.01, "amount_total": 25.21})
    assert [(row.kind, row.odoo_incl) for row in found.rows] == [("product", D("24.01")), ("unknown", D("1.20"))]
    assert (found.odoo_excl, found.odoo_incl, found.off, found.foreseen) == (D("21.01"), D("25.21"), D("1.21"), False)
    [line] = found.rows[0].lines
    assert (line.price, line.tax, line.included) == (D("10.005"), "20%", False)
    assert "Odoo shows 24.01 instead of 24.00" in found.rows[0].why


def test_a_line_that_someone_deleted_in_odoo_is_missed() -> None:
    made = plan(order([SHIRT], ("20.00", "24.00")), odoo())
    row = ledger(made, odoo(), [], {"amount_untaxed": 0, "amount_total": 0}).rows[0]
    assert (row.lines, row.off, row.why) == ((), D("-24.00"), "This line is no longer in the Odoo order.")


def test_a_rounding_line_that_was_added_later_is_known_as_one() -> None:
    made = plan(order([SHIRT], ("20.00", "24.00")), odoo())
    back = [read(1, 10, 12, 19.99, 23.99), read(2, 9999, 0.01, 0.01, 0.01, name="Rounding PrestaShop", tax_id=[])]
    row = ledger(made, odoo(), back, {"amount_untaxed": 20.0, "amount_total": 24.0}).rows[1]
    assert (row.kind, row.off) == ("rounding", D("0.01"))
    assert row.why == "Needed because Odoo computed a cent otherwise than was foreseen."


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
