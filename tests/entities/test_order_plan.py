"""What an order becomes: lines, taxes, rounding line, or a reason to hold it."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from portal.entities.base import Invalid, Ref
from portal.entities.order import OrderSource, Tolerance, correction, judge, needs, plan
from portal.entities.tax import TaxFinder, from_label, rates, ways
from tests.cents.odoo_model import created
from tests.entities.order_rows import detail, odoo, order, voucher


def shirt(quantity: int = 1, **more: object) -> dict[str, object]:
    return detail(1, quantity, "10.000000", "12.000000", f"{10 * quantity}.00", f"{12 * quantity}.00", **more)  # type: ignore[arg-type]


def test_a_plain_order_is_one_line_at_the_shops_price_and_exact() -> None:
    made = plan(order([shirt(2)], ("20.00", "24.00")), odoo())
    assert (made.verdict, made.rounding, made.reason) == ("exact", 0, "")
    assert [(line.quantity, line.price_unit, line.tax_names) for line in made.lines] == [(2, D("12.00"), ("20% incl",))]
    assert (made.expected.untaxed, made.expected.total) == (D("20.00"), D("24.00"))


def test_with_six_decimals_the_shops_reduced_price_is_kept() -> None:
    source = order([detail(1, 6, "0.534993", "0.641992", "3.21", "3.85")], ("3.21", "3.85"))
    assert [line.price_unit for line in plan(source, odoo(digits=6)).lines] == [D("0.641992")]


def test_with_two_decimals_a_quantity_is_parted_instead_of_losing_cents() -> None:
    source = order([detail(1, 6, "0.534993", "0.641992", "3.21", "3.85")], ("3.21", "3.85"))
    made = plan(source, odoo(digits=2))
    assert made.verdict == "exact"
    assert [(line.quantity, line.price_unit) for line in made.lines] == [(5, D("0.64")), (1, D("0.65"))]
    assert created(made, odoo(digits=2))["amount_total"] == D("3.85")


def test_a_shop_that_rounds_only_its_total_gets_a_rounding_line_and_says_why() -> None:
    lines = [detail(n, 1, "0.834000", "1.004000", "0.83", "1.00") for n in (1, 2)]
    made = plan(order(lines, ("1.67", "2.01")), odoo())
    assert (made.verdict, made.rounding, made.rounding_causes) == ("rounding_line", D("0.01"), ("shop",))
    assert [(line.kind, line.price_unit, line.taxes) for line in made.lines][-1] == ("rounding", D("0.01"), ())
    assert created(made, odoo())["amount_total"] == D("2.01")


def test_a_cent_that_odoo_cannot_express_without_an_included_tax_is_rounded_and_the_missing_tax_named() -> None:
    source = order([detail(1, 1, "0.025000", "0.030000", "0.03", "0.03")], ("0.03", "0.03"))
    only_on_top = odoo(kinds="excluded")
    made = plan(source, only_on_top)
    assert (made.verdict, made.rounding_causes) == ("rounding_line", ("odoo",))
    assert "no tax-included sales tax of 20%" in made.notes[0]
    assert plan(source, odoo()).verdict == "exact"
    assert created(made, only_on_top)["amount_total"] == D("0.03")


def test_a_difference_beyond_the_tolerance_holds_the_order() -> None:
    made = plan(order([shirt()], ("10.00", "12.02")), odoo())
    assert (made.verdict, made.cause) == ("held", "order:shop_total")
    assert "0.02 EUR more" in made.reason
    assert all(line.kind != "rounding" for line in made.lines)


def test_the_tolerance_is_the_merchants() -> None:
    source = order([shirt()], ("10.00", "12.02"))
    assert plan(source, odoo(), tolerance=Tolerance(per_line=2)).verdict == "rounding_line"
    assert plan(order([shirt()], ("10.00", "12.01")), odoo(), tolerance=Tolerance(most=0)).verdict == "held"


def test_a_tax_missing_in_odoo_stops_the_order_with_rate_country_and_remedy() -> None:
    with pytest.raises(Invalid, match=r"no active sales tax of 20%.*for FR.*Create it in Odoo") as stopped:
        plan(order([shirt()], ("10.00", "12.00")), odoo(rates=("5.5",)))
    assert stopped.value.cause == "tax:20%:FR"


def test_an_archived_tax_is_not_used() -> None:
    sales = odoo()
    for tax in sales.taxes:
        object.__setattr__(tax, "active", False)
    with pytest.raises(Invalid) as stopped:
        plan(order([shirt()], ("10.00", "12.00")), sales)
    assert stopped.value.cause == "tax:20%:FR"


def test_the_merchants_choice_of_taxes_wins_and_must_fit_the_rate() -> None:
    source = order([shirt()], ("10.00", "12.00"))
    assert plan(source, odoo(), {("FR", "20%", 1): [12]}).lines[0].taxes == (12,)
    assert plan(source, odoo(), {("FR", "20%", 0): [12]}).lines[0].taxes == (12,), "group 0 stands for all"
    assert plan(source, odoo(), {("FR", "20%", 0): [12], ("FR", "20%", 1): [11]}).lines[0].taxes == (11,)
    assert plan(source, odoo(), {("DE", "20%", 1): [12]}).lines[0].taxes == (11,)
    assert plan(source, odoo(), {("FR", "5.5%", 1): [12]}).lines[0].taxes == (11,)
    with pytest.raises(Invalid, match="taxes chosen for it do not make this rate any more") as stopped:
        plan(source, odoo(), {("FR", "20%", 1): [21, 22]})
    assert stopped.value.cause == "tax:20%:FR"


def test_a_states_choice_goes_before_its_countrys() -> None:
    finder = TaxFinder(odoo(), "US", {("US", "5%", 0): [31], ("US-NY", "5%", 0): [32]}, "NY")
    assert (finder.options(rates([D(5)])).included, finder.options(rates([D(5)])).excluded[0].id) == (None, 32)  # type: ignore[index]
    assert TaxFinder(odoo(), "US", finder.chosen, "CA").options(rates([D(5)])).excluded is None


def test_an_untaxed_line_gets_the_zero_tax_that_the_merchant_chose() -> None:
    sales = odoo(rates=("20", "0"))
    source = order([detail(1, 1, "9.000000", "9.000000", "9.00", "9.00")], ("9.00", "9.00"))
    assert plan(source, sales).lines[0].taxes == ()
    assert plan(source, sales, {("FR", "0%", 0): [22]}).lines[0].tax_names == ("0%",)


def test_every_way_to_make_a_rate_is_offered_and_only_those() -> None:
    sales = odoo(rates=("5", "9.975", "14.975", "20"))
    wanted = rates([D(5), D("9.975")])
    assert [[tax.name for tax in way] for way in ways(wanted, sales, included=False)] == [["5%", "9.975%"], ["14.975%"]]
    assert list(ways(rates([D(21)]), sales, included=False)) == []


@pytest.mark.parametrize("text", ["20%", "5% + 9.975%", "2.5% on top of 19%", "0%"])
def test_a_label_leads_back_to_its_rates(text: str) -> None:
    found = from_label(text)
    assert found is not None
    assert found.label == text


@pytest.mark.parametrize("text", ["", "20", "x%", "NaN%", "20% + ", "9% + 5%"])
def test_what_is_no_label_leads_nowhere(text: str) -> None:
    assert from_label(text) is None


def test_an_untaxed_line_has_no_tax_even_if_the_shop_names_one() -> None:
    made = plan(order([detail(1, 2, "9.000000", "9.000000", "18.00", "18.00")], ("18.00", "18.00")), odoo())
    assert (made.verdict, made.lines[0].taxes) == ("exact", ())


def test_two_taxes_on_a_line_become_two_odoo_taxes() -> None:
    made = plan(order([detail(1, 1, "100.000000", "114.975000", "100.00", "114.98", taxes=(3, 4))], ("100.00", "114.98")), odoo())
    assert (made.verdict, made.lines[0].tax_names) == ("exact", ("5% incl", "9.975% incl"))


def test_two_taxes_on_a_line_may_be_one_combined_tax_in_odoo() -> None:
    source = order([detail(1, 1, "100.000000", "114.975000", "100.00", "114.98", taxes=(3, 4))], ("100.00", "114.98"))
    assert plan(source, odoo(rates=("14.975",))).lines[0].tax_names == ("14.975% incl",)


def test_prices_that_no_known_tax_explains_hold_the_order() -> None:
    made = plan(order([detail(1, 1, "10.000000", "11.300000", "10.00", "11.30")], ("10.00", "11.30")), odoo())
    assert (made.verdict, made.cause) == ("held", "order:tax_unknown")
    assert "do not differ by 20%" in made.reason
    assert not judge(made, {"amount_untaxed": 9.42, "amount_tax": 1.88, "amount_total": 11.30}).equal


def test_an_exemption_that_misses_the_total_is_named() -> None:
    source = order([detail(1, 1, "10.000000", "10.000000", "10.00", "10.00")], ("10.00", "12.00"), total_products_wt="12.00")
    made = plan(source, odoo())
    assert (made.verdict, made.cause) == ("held", "order:exemption")
    assert "contains 2.00 EUR tax on products, but the product lines carry none" in made.reason


def test_ecotax_at_another_rate_stands_on_a_line_of_its_own() -> None:
    line = detail(1, 2, "18.556364", "20.454001", "37.11", "40.91", taxes=(2,), **{"ecotax": "0.420000"})
    line["unit_price_tax_incl"], line["total_price_tax_incl"] = "19.637864", "39.28"  # 18.136364 at 5.5 % + 0.42 at 20 %
    made = plan(order([line], ("37.11", "39.28")), odoo())
    assert [(line.kind, line.quantity, line.incl) for line in made.lines if line.kind == "ecotax"] == [("ecotax", 2, D("1.01"))]
    assert created(made, odoo())["amount_total"] == D("39.28")
    assert made.verdict == "exact"


def test_ecotax_at_the_same_rate_stays_inside_the_price() -> None:
    made = plan(order([shirt(ecotax="0.500000")], ("10.00", "12.00")), odoo())
    assert [line.kind for line in made.lines] == ["product"]


def test_yen_have_no_decimals() -> None:
    source = order([detail(1, 3, "100.400000", "120.480000", "301", "361")], ("301", "361"), currency="JPY")
    made = plan(source, odoo())
    assert (made.verdict, made.expected.total) == ("exact", 361)


def test_a_currency_that_odoo_does_not_have_stops_the_order() -> None:
    with pytest.raises(Invalid, match="Activate the currency") as stopped:
        plan(order([shirt()], ("10.00", "12.00"), currency="CHF"), odoo())
    assert stopped.value.cause == "currency:CHF"
    with pytest.raises(Invalid, match="no price list in USD") as stopped:
        plan(order([shirt()], ("10.00", "12.00"), currency="USD"), odoo())
    assert stopped.value.cause == "pricelist:USD"


def test_an_empty_order_is_not_created() -> None:
    with pytest.raises(Invalid, match="no lines"):
        plan(order([], ("0.00", "0.00")), odoo())


def test_shipping_carries_the_carriers_tax_and_wrapping_the_one_its_amounts_show() -> None:
    source = order([shirt()], ("17.32", "20.61"), shipping=("4.95", "5.94"), carrier_rate="20.000", wrapping=("2.37", "2.67"))
    made = plan(source, odoo(rates=("20", "12.5")))
    assert [(line.kind, line.text, line.tax_names) for line in made.lines][1] == ("shipping", "Shipping: Snail", ("20% incl",))
    assert made.cause == "order:tax_unknown"
    wrapped = order([shirt()], ("12.37", "14.50"), wrapping=("2.37", "2.50"))
    known = plan(OrderSource(**{**wrapped.__dict__, "known_rates": (made.items[0].options.rates.__class__((D("5.5"),)),)}), odoo())
    assert [(line.kind, line.tax_names) for line in known.lines][1] == ("wrapping", ("5.5% incl",))


def test_shipping_taxed_as_in_another_country_carries_that_tax() -> None:
    """The demo orders of a new French shop: sent to the United States, untaxed goods, shipping 7.00 and 8.40."""
    untaxed = detail(6, 1, "12.900000", "12.900000", "12.90", "12.90", taxes=())
    made = plan(order([untaxed], ("19.90", "21.30"), shipping=("7.00", "8.40"), round_mode=0, round_type=0), odoo())
    assert [(line.kind, line.incl, line.tax_names) for line in made.lines] == [
        ("product", D("12.90"), ()), ("shipping", D("8.40"), ("20% incl",))]
    assert (made.verdict, made.cause) == ("exact", "")


def test_shipping_with_the_average_tax_is_split_as_the_products_are() -> None:
    lines = [detail(1, 1, "10.000000", "12.000000", "10.00", "12.00"),
             detail(2, 1, "30.000000", "31.650000", "30.00", "31.65", taxes=(2,))]
    made = plan(order(lines, ("48.00", "52.38"), shipping=("8.00", "8.73")), odoo())
    shipped = [(line.tax_names, line.incl) for line in made.lines if line.kind == "shipping"]
    assert shipped == [(("20% incl",), D("2.40")), (("5.5% incl",), D("6.33"))]
    assert made.verdict == "exact"


def test_a_cart_voucher_is_one_negative_line_per_tax() -> None:
    lines = [detail(1, 1, "10.000000", "12.000000", "10.00", "12.00"),
             detail(2, 1, "30.000000", "31.650000", "30.00", "31.65", taxes=(2,))]
    rules = [voucher(1, "SUMMER", "4.000000", "4.365000")]
    made = plan(order(lines, ("36.00", "39.28"), discounts=("4.00", "4.37"), rules=rules), odoo())
    vouchers = [(line.text, line.quantity, line.price_unit, line.tax_names) for line in made.lines if line.kind == "voucher"]
    assert vouchers == [("SUMMER (20%)", 1, D("-1.20"), ("20% incl",)), ("SUMMER (5.5%)", 1, D("-3.17"), ("5.5% incl",))]
    assert made.verdict == "exact"


def test_a_product_voucher_keeps_that_products_tax() -> None:
    lines = [detail(1, 1, "10.000000", "12.000000", "10.00", "12.00"),
             detail(2, 1, "30.000000", "31.650000", "30.00", "31.65", taxes=(2,))]
    rules = [voucher(1, "Gift", "10.000000", "12.000000")]
    made = plan(order(lines, ("30.00", "31.65"), discounts=("10.00", "12.00"), rules=rules), odoo())
    assert [(line.incl, line.tax_names) for line in made.lines if line.kind == "voucher"] == [(D("-12.00"), ("20% incl",))]
    assert [line.kind for line in made.lines][:2] == ["product", "product"]


def test_free_shipping_takes_back_the_shipping_at_its_own_tax() -> None:
    lines = [detail(1, 1, "30.000000", "31.650000", "30.00", "31.65", taxes=(2,))]
    rules = [voucher(1, "Free shipping and 10 %", "7.950000", "9.105000", free_shipping="1")]
    source = order(lines, ("27.00", "28.48"), shipping=("4.95", "5.94"), carrier_rate="20", discounts=("7.95", "9.11"), rules=rules)
    made = plan(source, odoo())
    assert [(line.incl, line.tax_names) for line in made.lines if line.kind == "voucher"] == [
        (D("-5.94"), ("20% incl",)), (D("-3.17"), ("5.5% incl",))]
    assert made.verdict == "exact"


def test_removed_vouchers_do_not_count_and_an_unexplained_discount_is_not_lost() -> None:
    rules = [voucher(1, "Gone", "1.000000", "1.200000", deleted="1")]
    made = plan(order([shirt()], ("9.00", "10.80"), discounts=("1.00", "1.20"), rules=rules), odoo())
    assert [(line.text, line.incl) for line in made.lines if line.kind == "voucher"] == [("Discount without a voucher", D("-1.20"))]
    assert made.verdict == "exact"


def test_several_unrounded_vouchers_sum_up_to_the_discount() -> None:
    rules = [voucher(n, f"V{n}", "0.275000", "0.330000") for n in (1, 2, 3)]
    rules[0]["value"] = "0.334000"
    made = plan(order([shirt()], ("9.17", "11.01"), discounts=("0.83", "0.99"), rules=rules), odoo())
    assert sum(line.incl for line in made.lines if line.kind == "voucher") == D("-0.99")


def test_needs_names_the_customer_the_products_and_the_combinations() -> None:
    lines = [shirt(), detail(2, 1, "1", "1.2", "1.00", "1.20", product_attribute_id=34)]
    lines[1]["product_attribute_id"] = 34
    assert needs(order(lines, ("11.00", "13.20"))) == {
        Ref("customer", "3"), Ref("product", "11"), Ref("combination", "12:34")}


def test_judge_lets_only_the_shops_total_pass() -> None:
    made = plan(order([shirt()], ("10.00", "12.00")), odoo())
    assert judge(made, {"amount_untaxed": 10.0, "amount_tax": 2.0, "amount_total": 12.0}).equal
    assert judge(made, {"amount_untaxed": 10.0, "amount_tax": 2.0, "amount_total": 12.000000000000002}).equal
    verdict = judge(made, {"amount_untaxed": 10.0, "amount_tax": 2.01, "amount_total": 12.01})
    assert (verdict.equal, verdict.rows[2].off) == (False, D("0.01"))
    assert "12.00 EUR, Odoo computes 12.01 EUR: 0.01 EUR too much" in verdict.reason


def test_judge_refuses_a_right_total_with_a_wrong_tax() -> None:
    made = plan(order([shirt()], ("10.00", "12.00")), odoo())
    verdict = judge(made, {"amount_untaxed": 11.37, "amount_tax": 0.63, "amount_total": 12.0})
    assert not verdict.equal
    assert "tax does not: 2.00 EUR in the shop, 0.63 EUR in Odoo" in verdict.reason


def test_judge_needs_all_amounts() -> None:
    made = plan(order([shirt()], ("10.00", "12.00")), odoo())
    with pytest.raises(Invalid):
        judge(made, {"amount_total": 12.0})


def test_a_held_order_is_never_equal() -> None:
    made = plan(order([shirt()], ("10.00", "13.00")), odoo())
    assert not judge(made, {"amount_untaxed": 10, "amount_tax": 2, "amount_total": 12}).equal
    assert not judge(made, {"amount_untaxed": 11, "amount_tax": 2, "amount_total": 13}).equal


def test_a_cent_that_odoo_computed_otherwise_than_foreseen_is_corrected_within_the_tolerance() -> None:
    made = plan(order([shirt()], ("10.00", "12.00")), odoo())
    line = correction(made, {"amount_total": 12.01})
    assert line is not None
    assert (line.kind, line.price_unit) == ("rounding", D("-0.01"))
    assert correction(made, {"amount_total": 12.0}) is None
    assert correction(made, {"amount_total": 12.02}) is None


def test_without_decimals_for_the_rounding_line_the_order_is_held() -> None:
    source = order([detail(1, 1, "0.834000", "1.004000", "0.83", "1.00")], ("0.83", "1.01"))
    made = plan(source, odoo(digits=1))
    assert (made.verdict, made.cause) == ("held", "order:decimals")


def test_a_voucher_for_some_of_the_products_carries_the_mixture_of_its_own_values() -> None:
    goods = [detail(1, 1, "100.000000", "120.000000", "100.00", "120.00"),
             detail(2, 1, "100.000000", "105.500000", "100.00", "105.50", (2,))]
    source = order(goods, ("188.00", "211.39"), discounts=("12.00", "14.11"), rules=[voucher(1, "Some", "12.000000", "14.110000")])
    made = plan(source, odoo())
    assert [(item.excl, item.incl, item.options.rates.label) for item in made.items if item.kind == "voucher"] == [
        (D("-10.00"), D("-12.00"), "20%"), (D("-2.00"), D("-2.11"), "5.5%")]
    assert judge(made, created(made, odoo())).equal


def test_a_price_edited_to_whole_cents_keeps_its_ecotax_apart() -> None:
    line = detail(1, 7, "3.130000", "3.380000", "21.91", "23.66", (2,), ecotax="0.520000")
    made = plan(order([line], ("21.91", "23.66")), odoo())
    assert (made.verdict, [item.kind for item in made.items]) == ("exact", ["product", "ecotax"])
