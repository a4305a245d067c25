"""The values of the one `create`."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from portal.entities.base import DependencyMissing, Invalid, Ref
from portal.entities.order import plan
from portal.entities.order_write import OdooIds, marker, services, to_odoo, utc
from tests.entities.order_rows import detail, odoo, order

IDS = OdooIds(4, 70, 71, 72, {Ref("product", "11"): 500}, {"shipping": 900, "rounding": 901, "discount": 902}, company=1)
SHIRT = detail(1, 2, "10.000000", "12.000000", "20.00", "24.00")
PAID = ("24.95", "29.94")


def written(major: int = 17, ids: OdooIds = IDS, **more: Any) -> dict[str, Any]:
    source = order([SHIRT], PAID, shipping=("4.95", "5.94"), carrier_rate="20", **more)
    return to_odoo(plan(source, odoo(major)), odoo(major), ids)


def test_the_header_names_marker_reference_addresses_and_utc_time() -> None:
    values = written()
    assert (values["origin"], values["client_order_ref"]) == ("PS/4/7", "ABCDEFGHI")
    assert (values["partner_id"], values["partner_invoice_id"], values["partner_shipping_id"]) == (70, 71, 72)
    assert values["date_order"] == "2026-07-01 08:30:00"
    assert values["company_id"] == 1
    assert marker(4, "7") == "PS/4/7"


def test_nothing_is_left_for_odoo_to_choose() -> None:
    values = written()
    assert (values["fiscal_position_id"], values["payment_term_id"]) == (False, False)
    for _, _, line in values["order_line"]:
        assert line["discount"] == 0
        assert line["tax_id"][0][:2] == (6, 0)


def test_all_lines_are_in_the_same_create_in_order() -> None:
    lines = [line for _, _, line in written()["order_line"]]
    assert [(line["sequence"], line["product_id"], line["product_uom_qty"], line["price_unit"]) for line in lines] == [
        (10, 500, 2, 12.0), (20, 900, 1, 5.94)]
    assert [line["name"] for line in lines] == ["Shirt 1", "Shipping: Snail"]


@pytest.mark.parametrize(("major", "field", "technical"), [(17, "tax_id", False), (18, "tax_id", True), (19, "tax_ids", True)])
def test_taxes_and_technical_price_follow_the_version(major: int, field: str, technical: bool) -> None:
    line = written(major)["order_line"][0][2]
    assert line[field] == [(6, 0, [11])]
    assert ("technical_price_unit" in line) == technical
    assert line.get("technical_price_unit", 0) == 0


def test_a_price_of_nothing_has_another_technical_price() -> None:
    free = detail(1, 1, "0.000000", "0.000000", "0.00", "0.00")
    made = plan(order([free], ("0.00", "0.00")), odoo(18))
    assert to_odoo(made, odoo(18), IDS)["order_line"][0][2]["technical_price_unit"] == -1


def test_an_untaxed_line_says_so() -> None:
    made = plan(order([detail(1, 1, "5.000000", "5.000000", "5.00", "5.00", taxes=())], ("5.00", "5.00")), odoo())
    assert to_odoo(made, odoo(), IDS)["order_line"][0][2]["tax_id"] == [(6, 0, [])]


def test_a_carrier_may_have_its_own_product() -> None:
    own = OdooIds(4, 70, 71, 72, IDS.products, {**IDS.services, "shipping:9": 950})
    assert written(ids=own)["order_line"][1][2]["product_id"] == 950


def test_products_that_are_not_in_odoo_yet_are_named() -> None:
    with pytest.raises(DependencyMissing) as missing:
        written(ids=OdooIds(4, 70, 71, 72, {}, IDS.services))
    assert missing.value.refs == {Ref("product", "11")}


def test_a_missing_service_product_is_named() -> None:
    with pytest.raises(Invalid, match="no service product for “Shipping”") as stopped:
        written(ids=OdooIds(4, 70, 71, 72, IDS.products, {"rounding": 1}))
    assert stopped.value.cause == "service:shipping"


def test_the_services_an_order_needs_always_include_rounding() -> None:
    assert services(plan(order([SHIRT], ("20.00", "24.00")), odoo())) == {"rounding"}


def test_another_currency_comes_with_its_price_list() -> None:
    source = order([detail(1, 1, "100", "120", "100", "120")], ("100", "120"), currency="JPY")
    assert to_odoo(plan(source, odoo()), odoo(), IDS)["pricelist_id"] == 22
    assert written()["pricelist_id"] is False
    assert "pricelist_id" not in written(16)


def test_gift_message_and_note_are_kept_and_escaped_where_odoo_expects_html() -> None:
    more = {"gift": "1", "gift_message": "Love <3\nMum", "note": "Ring twice"}
    assert written(**more)["note"] == "Gift message: Love &lt;3<br/>Mum<br/><br/>Ring twice"
    assert written(14, **more)["note"] == "Gift message: Love <3\nMum\n\nRing twice"
    assert "note" not in written()


@pytest.mark.parametrize(("local", "timezone", "expected"), [
    ("2026-01-15 00:30:00", "Europe/Paris", "2026-01-14 23:30:00"),
    ("2026-07-15 12:00:00", "America/New_York", "2026-07-15 16:00:00")])
def test_times_become_utc(local: str, timezone: str, expected: str) -> None:
    assert utc(local, timezone) == expected


@pytest.mark.parametrize(("local", "timezone"), [("0000-00-00 00:00:00", "UTC"), ("2026-01-15 00:30:00", "Mars/Olympus")])
def test_a_date_or_time_zone_that_is_none_is_refused(local: str, timezone: str) -> None:
    with pytest.raises(Invalid):
        utc(local, timezone)


def test_prices_are_sent_with_the_decimals_odoo_keeps() -> None:
    source = order([detail(1, 6, "0.534993", "0.641992", "3.21", "3.85")], ("3.21", "3.85"))
    ids = OdooIds(1, 1, 1, 1, IDS.products, IDS.services)
    prices = [line["price_unit"] for _, _, line in to_odoo(plan(source, odoo(digits=2)), odoo(digits=2), ids)["order_line"]]
    assert [D(repr(price)) for price in prices] == [D("0.64"), D("0.65")]
