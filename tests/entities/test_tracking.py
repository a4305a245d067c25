"""What the shop gets of the tracking numbers in Odoo: PrestaShop takes 64 plain letters, digits and signs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.entities.order_states import Tracking, tracking


def left(*numbers: object) -> list[dict[str, object]]:
    return [{"state": "done", "carrier_tracking_ref": number} for number in numbers]


@pytest.mark.parametrize(("numbers", "text"), [
    ([], ""), ([False], ""), (["1Z 999"], "1Z 999"), (["A1", "A1", "B2"], "A1, B2"), ([" A1 "], "A1")])
def test_plain_numbers_travel_as_they_are(numbers: list[object], text: str) -> None:
    assert tracking(left(*numbers)) == Tracking(text)


def test_deliveries_that_were_cancelled_do_not_count() -> None:
    assert tracking([{"state": "cancel", "carrier_tracking_ref": "A1"}]) == Tracking()


def test_accents_are_left_out_and_that_is_said() -> None:
    found = tracking(left("TRK-5-é"))
    assert found.text == "TRK-5-e"
    assert "'TRK-5-é' is 'TRK-5-e' in the shop" in found.note


@pytest.mark.parametrize("number", ["包裹", "9" * 65])
def test_a_number_that_does_not_fit_is_named_and_the_others_travel(number: str) -> None:
    found = tracking(left("A1", number, "B2"))
    assert found.text == "A1, B2"
    assert number in found.note


@given(st.lists(st.text(max_size=80), max_size=4))
def test_what_travels_is_always_something_the_shop_takes(numbers: list[str]) -> None:
    found = tracking(left(*numbers))
    assert not found.text or re.fullmatch(r"[~:#,%&_=()\[\].? +\-@/a-zA-Z0-9]{1,64}", found.text)
    assert found.text or found.note or not any(number.strip() for number in numbers)
