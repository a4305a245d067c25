from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.entities import combination
from portal.entities.base import Invalid, OdooFacts, ShopFacts, Values
from portal.entities.combination import Combination, Options

OWN: Values = {"name": "Shirt", "reference": "demo_1", "barcode": "4006381333931", "price": "23.9", "cost": "5", "weight": "0.3",
               "description": "", "active": True, "kind": "combinations"}
OPTIONS = Options({1: "Size", 2: "Color"}, {1: "S", 2: "M", 3: "L", 8: "White", 11: "Black"}, {1: 1, 2: 1, 3: 1, 8: 2, 11: 2})
ODOO = OdooFacts({}, {}, price_digits=2, weight_digits=2)


def record(number: int, options: list[int], **fields: Any) -> dict[str, Any]:
    """As the client reads it; the shape is that of the recorded demo shirt."""
    return {"id": number, "id_product": 1, "reference": "demo_1", "ean13": "", "upc": "", "price": "0.000000",
            "wholesale_price": "0.000000", "weight": "0.000000",
            "associations": {"product_option_values": [{"id": option} for option in options]}} | fields


def made(options: tuple[int, ...], impact: str = "0", number: int = 0) -> Combination:
    return Combination(f"1:{number or sum(options)}", options, {"impact": impact, "reference": "", "options": ""})


def test_a_combination_has_its_own_reference_and_barcode_and_adds_to_the_product_s_weight() -> None:
    rows = [record(2, [11, 1], reference=" S-B ", upc="012345678905", weight="-0.1", wholesale_price="6.5"), record(1, [1, 8])]
    first, second = combination.read(1, OWN, rows)
    assert first == Combination("1:1", (1, 8), {"reference": "demo_1", "barcode": "", "impact": "0", "cost": "5", "weight": "0.3",
                                                "options": "1,8"})
    assert second.values == {"reference": "S-B", "barcode": "012345678905", "impact": "0", "cost": "6.5", "weight": "0.2",
                             "options": "1,11"}


def test_a_lone_combination_falls_back_on_the_product_s_reference_and_barcode() -> None:
    one, = combination.read(1, OWN, [record(1, [1], reference="")])
    assert (one.values["reference"], one.values["barcode"]) == ("demo_1", "4006381333931")


def test_a_weight_never_falls_below_zero() -> None:
    one, = combination.read(1, OWN, [record(1, [1], weight="-9")])
    assert one.values["weight"] == "0"


@pytest.mark.parametrize("field", ["price", "wholesale_price", "weight"])
def test_what_is_no_number_is_named(field: str) -> None:
    with pytest.raises(Invalid, match="'much' of combination 1:1 is not a number"):
        combination.read(1, OWN, [record(1, [1], **{field: "much"})])


def test_names_come_in_the_shop_s_language_and_an_attribute_s_own_name_goes_first() -> None:
    known = combination.options([{"id": 1, "name": {1: "Size (shoes)", 2: "Taille"}, "public_name": {1: "Size", 2: "Taille"}},
                                 {"id": 2, "name": {1: "", 2: ""}, "public_name": {1: "Color", 2: "Couleur"}}],
                                [{"id": 5, "id_attribute_group": 1, "name": {1: " S ", 2: "P"}}],
                                ShopFacts({1: "en", 2: "fr"}, 1, shared={2: "fr_FR"}))
    assert known == Options({1: "Size (shoes)", 2: "Color"}, {5: "S"}, {5: 1},
                            {"fr_FR": {("attribute", 1): "Taille", ("attribute_value", 5): "P"}})


def test_attributes_hold_the_values_in_use() -> None:
    assert combination.attribute_values([made((1, 8)), made((3, 11))], OPTIONS) == {1: [1, 3], 2: [8, 11]}


@pytest.mark.parametrize(("options", "what"), [
    ([(1, 8), (2,)], "exactly one value of each attribute"),
    ([(1, 2)], "exactly one value of each attribute"),
    ([(1, 8), (1, 8)], "have the same attribute values"),
    ([()], "no attribute values"),
    ([(99,)], r"without a name \(id 99\)"),
])
def test_combinations_that_odoo_could_not_tell_apart_are_refused(options: list[tuple[int, ...]], what: str) -> None:
    with pytest.raises(Invalid, match=what):
        combination.attribute_values([made(some, number=n) for n, some in enumerate(options, 1)], OPTIONS)


def test_the_template_keeps_nothing_that_belongs_to_variants() -> None:
    assert combination.template_values(OWN) == {"name": "Shirt", "price": "23.9", "description": "", "active": True,
                                                "kind": "combinations"}


def test_a_variant_survives_the_way_to_odoo_and_back() -> None:
    values = {"reference": "A", "barcode": "", "weight": "0.255", "cost": "9.5", "impact": "1", "options": "1"}
    row = combination.to_odoo(values, ODOO)
    assert row == {"default_code": "A", "barcode": "", "weight": "0.26", "standard_price": "9.5"}
    assert combination.from_odoo({**row, "barcode": False}, ODOO) == {"reference": "A", "barcode": "", "weight": "0.26",
                                                                      "cost": "9.5"}


@pytest.mark.parametrize(("impacts", "extras"), [
    ({(1, 8): "0", (1, 11): "0", (2, 8): "1.5", (2, 11): "1.5"}, {1: "0", 2: "1.5", 8: "0", 11: "0"}),
    ({(1, 8): "0", (1, 11): "2", (2, 8): "0", (2, 11): "2"}, {1: "0", 2: "0", 8: "0", 11: "2"}),
    ({(1, 8): "-2", (1, 11): "0", (2, 8): "-2", (2, 11): "0"}, {1: "0", 2: "0", 8: "-2", 11: "0"}),
    ({(1, 8): "5", (2, 8): "5"}, {1: "5", 2: "5", 8: "0"}),
    ({(1, 8): "0.833333", (2, 8): "1.666666", (2, 11): "2.500001", (1, 11): "1.666667"}, None),
    ({(1,): "0", (2,): "3", (3,): "4.25"}, {1: "0", 2: "3", 3: "4.25"}),
])
def test_impacts_become_the_plainest_extras(impacts: dict[tuple[int, ...], str], extras: dict[int, str] | None) -> None:
    found = combination.price_extras([made(options, impact) for options, impact in impacts.items()], OPTIONS)
    if extras is not None:
        assert found == {value: Decimal(extra) for value, extra in extras.items()}
    assert found is not None  # also where six decimals leave noise


def test_impacts_that_are_no_sums_are_told_so() -> None:
    impacts = {(1, 8): "0", (1, 11): "1", (2, 8): "1", (2, 11): "1"}
    assert combination.price_extras([made(options, impact) for options, impact in impacts.items()], OPTIONS) is None


@given(st.lists(st.decimals("-50", "50", places=2), min_size=9, max_size=9), st.sets(st.integers(0, 26), min_size=1))
def test_extras_always_add_up_to_the_impacts_they_were_made_from(parts: list[Decimal], kept: set[int]) -> None:
    """Three attributes of three values, any of the 27 combinations missing."""
    known = Options({1: "a", 2: "b", 3: "c"}, {n: str(n) for n in range(1, 10)}, {n: (n + 2) // 3 for n in range(1, 10)})
    cube = [options for n, options in enumerate(product((1, 2, 3), (4, 5, 6), (7, 8, 9))) if n in kept]
    ones = [made(options, str(sum(parts[value - 1] for value in options)), n) for n, options in enumerate(cube, 1)]
    extras = combination.price_extras(ones, known)
    assert extras is not None
    for one in ones:
        assert abs(sum(extras[value] for value in one.options) - Decimal(one.values["impact"])) < Decimal("0.0001")
