from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.entities.base import Invalid, ShopFacts
from portal.entities.compare import difference, fill_only, held
from portal.entities.product import PRODUCT, barcode, kind
from portal.entities.text import number
from tests.entities.worlds import SHOPS, VERSIONS, as_read, odoo_facts, recorded, shop_facts

SHOP = ShopFacts({1: "en", 2: "fr"}, 1, home_category=2, tax_rules_group=1)


def product(**record: Any) -> dict[str, Any]:
    row = {"id": 6, "name": {1: "Mug", 2: "Tasse"}, "reference": "demo_11", "price": "11.900000", "wholesale_price": "5.490000",
           "weight": "0.300000", "active": "1", "product_type": "standard"}
    return PRODUCT.values(row | record, {}, SHOP)


@pytest.mark.parametrize(("version", "type_fields"), [
    (14, {"type": "product"}), (15, {"detailed_type": "product"}), (16, {"detailed_type": "product"}),
    (17, {"detailed_type": "product"}), (18, {"type": "consu", "is_storable": True}), (19, {"type": "consu", "is_storable": True}),
])
@pytest.mark.parametrize("shop", SHOPS)
def test_the_demo_mug_arrives_field_by_field(shop: str, version: int, type_fields: dict[str, Any]) -> None:
    record = next(row for row in recorded(shop)["products"] if row["id"] == 6)
    values = PRODUCT.values(record, {}, shop_facts(shop))
    assert PRODUCT.to_odoo(values, odoo_facts(version)) == {
        "name": "Mug The best is yet to come", "default_code": "demo_11", "list_price": 11.9, "standard_price": 5.49,
        "weight": 0.3, "barcode": False, "description_sale": "White Ceramic Mug, 325ml.", "active": True, "sale_ok": True,
    } | type_fields


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shop", SHOPS)
def test_every_recorded_product_arrives_on_every_odoo(shop: str, version: int) -> None:
    odoo = odoo_facts(version)
    for record in recorded(shop)["products"]:
        values = PRODUCT.values(record, {}, shop_facts(shop))
        row = PRODUCT.to_odoo(values, odoo)
        assert row["name"] == " ".join(record["name"][1].split())
        assert row["default_code"] == record["reference"]
        assert (row["barcode"] or "") == record["ean13"]
        for field, told in (("list_price", "price"), ("standard_price", "wholesale_price"), ("weight", "weight")):
            assert row[field] == float(number(record[told], odoo.price_digits))
        assert "<" not in str(row["description_sale"])
        assert row["active"] is (record["active"] == "1")
        assert row.items() >= (odoo.service if record["is_virtual"] == "1" else odoo.storable).items()
        assert PRODUCT.from_odoo(as_read(row), odoo) | {"kind": values["kind"]} == held(PRODUCT, values, odoo)
        assert difference(values, values) == {}


@pytest.mark.parametrize("shop", SHOPS)
def test_the_kinds_of_the_recorded_products_are_recognised(shop: str) -> None:
    found: dict[str, list[int]] = {}
    for record in recorded(shop)["products"]:
        found.setdefault(kind(record), []).append(record["id"])
    simple = found.pop("simple")
    assert found == {"combinations": [1, 2, 5, 16, 60, 61], "pack": [15, 62, 63], "virtual": [55, 56]}
    assert len(simple) == 41


@pytest.mark.parametrize(("record", "expected"), [
    ({"product_type": "", "is_virtual": "1"}, "virtual"), ({"product_type": "", "cache_is_pack": "1"}, "pack"),
    ({"product_type": "", "cache_default_attribute": "12"}, "combinations"), ({}, "simple"),
    ({"product_type": "standard", "cache_default_attribute": "12"}, "simple"),
])
def test_shops_that_were_upgraded_tell_the_kind_by_older_flags(record: dict[str, Any], expected: str) -> None:
    assert kind(record) == expected


@pytest.mark.parametrize(("ean13", "upc", "expected"), [
    ("2990000000019", "", "2990000000019"), ("", "012345678905", "012345678905"), ("0000000000000", "12", "12"),
    (" 4006381333931 ", "036000291452", "4006381333931"), ("0", "000", ""), (None, None, ""),
])
def test_the_barcode_is_the_ean_else_the_upc_and_never_a_row_of_zeros(ean13: Any, upc: Any, expected: str) -> None:
    assert barcode({"ean13": ean13, "upc": upc}) == expected


def test_a_product_is_matched_by_reference_before_barcode() -> None:
    assert PRODUCT.match(product(ean13="2990000000019")) == [("default_code", "demo_11"), ("barcode", "2990000000019")]
    assert PRODUCT.match(product(reference=" ")) == []


def test_an_inactive_product_is_archived_and_says_so() -> None:
    assert PRODUCT.to_odoo(product(active="0"), odoo_facts(17), {"active"}) == {"active": False}


def test_a_product_without_a_name_in_any_language_is_refused_with_the_remedy() -> None:
    assert product(name={1: "", 2: "Tasse"})["name"] == "Tasse"
    with pytest.raises(Invalid, match="Enter one in the shop") as refused:
        product(name={1: " ", 2: ""})
    assert refused.value.cause == "product:name"


def test_a_price_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="price 'free' is not a number"):
        product(price="free")


def test_a_price_finer_than_odoo_holds_does_not_look_changed_there() -> None:
    values = product(price="12.345678")
    odoo = odoo_facts(17)
    stored = PRODUCT.from_odoo({"name": "Mug", "default_code": "demo_11", "list_price": 12.35, "standard_price": 5.49,
                                "weight": 0.3, "active": True}, odoo)
    assert fill_only(values, stored) == {"price": "12.345678"}
    assert "price" not in fill_only(held(PRODUCT, values, odoo), stored)
    assert PRODUCT.to_odoo(values, odoo_facts(19))["list_price"] == 12.345678


def test_a_first_link_keeps_the_cost_that_nobody_entered_in_the_shop() -> None:
    odoo = odoo_facts(17)
    current = PRODUCT.from_odoo({"name": "Mug", "standard_price": 4.2, "weight": 1.0, "barcode": "123", "active": True}, odoo)
    filled = fill_only(product(wholesale_price="0.000000", weight="0.000000"), current)
    assert filled == {"reference": "demo_11", "price": "11.9"}


def test_the_sales_text_of_odoo_is_text_and_not_markup() -> None:
    values = PRODUCT.from_odoo({"description_sale": "5 < 6 <b>\n\n\nnew  line "}, odoo_facts(17))
    assert values["description"] == "5 < 6 <b>\n\nnew line"


THREE = ShopFacts({1: "en", 2: "fr", 3: "de"}, 1, shared={2: "fr_FR", 3: "de_DE"})


def test_names_and_descriptions_are_kept_apart_by_language_and_a_repetition_says_nothing() -> None:
    record = {"id": 1, "name": {1: "Mug", 2: "Tasse", 3: ""}, "description_short": {1: "<p>White</p>", 2: "", 3: "White"}}
    values = PRODUCT.values(record, {}, THREE)
    assert {key: value for key, value in values.items() if " (" in key} == {
        "name (fr_FR)": "Tasse", "name (de_DE)": "", "description (fr_FR)": "", "description (de_DE)": ""}
    assert PRODUCT.texts(values, None) == {"fr_FR": {"name": "Tasse"}}
    told = {"name": "Mug", "name (fr_FR)": "Tasse", "name (de_DE)": "Mug", "description_sale": "White",
            "description (fr_FR)": "White", "description (de_DE)": "White"}
    seen = PRODUCT.from_odoo(told, odoo_facts(17))
    assert {key: seen[key] for key in seen if " (" in key} == {key: values[key] for key in values if " (" in key}


def test_a_text_that_is_not_translated_goes_with_the_main_one_in_odoo() -> None:
    values = product() | {"name": "Cup", "name (fr_FR)": "Tasse", "name (de_DE)": ""}
    assert PRODUCT.texts(values, {"name"}, {"name (de_DE)"}) == {"de_DE": {"name": "Cup"}}
    assert PRODUCT.texts(values, {"name"}) == {}, "a translation that only Odoo has stays"
    assert PRODUCT.texts(values | {"name (fr_FR)": ""}, {"name (fr_FR)"}) == {"fr_FR": {"name": "Cup"}}
    assert PRODUCT.texts({"description": "", "description (fr_FR)": ""}, {"description (fr_FR)"}) == {}, "it would erase all"


def test_a_change_in_one_language_leaves_the_others_of_the_shop_as_they_are() -> None:
    current = {"name": {1: "Mug", 2: "Mug", 3: "Becher"}, "description_short": {1: "<p>A <b>mug</b></p>", 2: "", 3: "x"}}
    values = product() | {"name": "Cup", "name (fr_FR)": "Tasse", "name (de_DE)": "Becher", "description": "A mug",
                          "description (fr_FR)": "Une tasse"}
    assert PRODUCT.to_shop(values, THREE, {"name"}, current)["name"] == {1: "Cup", 2: "Cup", 3: "Becher"}
    assert PRODUCT.to_shop(values, THREE, {"name (fr_FR)"}, current)["name"] == {1: "Mug", 2: "Tasse", 3: "Becher"}
    assert PRODUCT.to_shop(values, THREE, {"description (fr_FR)"}, current)["description_short"] == {
        1: "<p>A <b>mug</b></p>", 2: "<p>Une tasse</p>", 3: "x"}
    assert PRODUCT.to_shop(values, THREE)["name"] == {1: "Cup", 2: "Tasse", 3: "Becher"}
    with pytest.raises(Invalid, match="Change it in Odoo"):
        PRODUCT.to_shop(values | {"name (fr_FR)": "Tasse {1}"}, THREE, {"name (fr_FR)"}, current)


def test_a_new_product_is_visible_in_the_shop() -> None:
    row = PRODUCT.to_shop(product(ean13="2990000000019", description_short={1: "<p>White & big</p>"}), SHOP)
    assert row == {
        "name": {1: "Mug", 2: "Mug"}, "description_short": {1: "<p>White &amp; big</p>", 2: "<p>White &amp; big</p>"},
        "reference": "demo_11", "ean13": "2990000000019", "price": "11.9", "wholesale_price": "5.49", "weight": "0.3",
        "active": 1, "state": 1, "available_for_order": 1, "show_price": 1, "minimal_quantity": 1, "visibility": "both",
        "product_type": "standard", "is_virtual": 0, "id_category_default": 2, "id_tax_rules_group": 1,
        "associations": {"categories": [{"id": 2}]}}


def test_a_change_for_the_shop_sends_all_languages_and_leaves_other_translations() -> None:
    values = product(name={1: "Big mug"})
    current = {"name": {1: "Mug", 2: "Tasse"}}
    assert PRODUCT.to_shop(values, SHOP, {"name"}, current) == {"name": {1: "Big mug", 2: "Tasse"}}
    assert PRODUCT.to_shop(values, SHOP, {"price", "active"}) == {"price": "11.9", "active": 1}


def test_a_barcode_that_was_removed_in_odoo_is_removed_wherever_the_shop_may_have_it() -> None:
    change = PRODUCT.to_shop(product(), SHOP, {"barcode"})
    assert change == {"ean13": "", "upc": ""}
    assert barcode({"ean13": "1", "upc": "2"} | change) == ""


@pytest.mark.parametrize(("field", "value"), [
    ("name", "a" * 129), ("name", "Size <L>"), ("name", ""), ("reference", "r" * 65), ("reference", "a=b"),
    ("barcode", "ABC"), ("barcode", "1" * 14), ("price", "-1"), ("cost", "-0.5"), ("weight", "-2"),
])
def test_what_the_shop_would_refuse_is_said_before_it_is_sent(field: str, value: str) -> None:
    with pytest.raises(Invalid, match="Change it in Odoo") as refused:
        PRODUCT.to_shop(product() | {field: value}, SHOP, {field})
    assert refused.value.cause == f"product:shop:{field}"


@pytest.mark.parametrize("shop", SHOPS)
def test_every_recorded_product_comes_back_from_odoo_unchanged(shop: str) -> None:
    facts, odoo = shop_facts(shop), odoo_facts(19)
    for record in recorded(shop)["products"]:
        values = PRODUCT.values(record, {}, facts)
        change = PRODUCT.to_shop(values | PRODUCT.from_odoo(PRODUCT.to_odoo(values, odoo), odoo), facts, current=record)
        assert PRODUCT.values(record | change | {"product_type": record["product_type"]}, {}, facts) == values


TEXT = st.text(st.characters(codec=None), max_size=500)
AMOUNT = st.decimals(0, 10**7, places=6).map(str)


@given(st.fixed_dictionaries({"name": TEXT, "reference": TEXT, "ean13": TEXT, "upc": TEXT, "description_short": TEXT,
                              "price": AMOUNT, "wholesale_price": AMOUNT, "weight": AMOUNT,
                              "active": st.sampled_from(["0", "1", ""])}), st.sampled_from(VERSIONS))
def test_any_text_and_amount_makes_the_round_trip(record: dict[str, str], version: int) -> None:
    odoo = odoo_facts(version)
    values = PRODUCT.values(record | {"name": record["name"] + "x"}, {}, SHOP)
    assert PRODUCT.values(record | {"name": record["name"] + "x"}, {}, SHOP) == values
    stored = values | PRODUCT.from_odoo(as_read(PRODUCT.to_odoo(values, odoo)), odoo)
    assert stored == held(PRODUCT, values, odoo)
    assert held(PRODUCT, stored, odoo) == stored


@given(TEXT)
def test_any_description_makes_the_round_trip_through_the_shop(text: str) -> None:
    values = product() | {"description": PRODUCT.from_odoo({"description_sale": text}, odoo_facts(17))["description"]}
    change = PRODUCT.to_shop(values, SHOP, {"description"})
    assert product(**change)["description"] == values["description"]
