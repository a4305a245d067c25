from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from portal.entities.stock import (
    Agreement,
    backorders_allowed,
    both_ways,
    held_back,
    parse_key,
    publishable,
    record_key,
    target_on_hand,
)
from tests.entities.worlds import SHOPS, recorded

PIECES = st.integers(-50, 50).map(D)


@pytest.mark.parametrize("shop", SHOPS)
def test_every_recorded_stock_line_has_a_key_of_its_own(shop: str) -> None:
    lines = [(row["id_product"], row["id_product_attribute"]) for row in recorded(shop)["stock"]]
    keys = [record_key(*line) for line in lines]
    assert [parse_key(key) for key in keys] == lines
    assert len(set(keys)) == len(keys)
    assert {"1", "1:1", "6"} <= set(keys)


@pytest.mark.parametrize("key", ["", "x", "1:y", "1:2:3"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_key(key)


@pytest.mark.parametrize(("shop", "in_flight", "reserved", "orders_on", "target"), [
    (10, 0, 0, True, 10), (10, 2, 3, True, 15), (10, 2, 3, False, 10), (-2, 5, 0, True, 3), (-4, 0, 1, True, 0),
    (-4, 0, 0, False, 0),
])
def test_odoo_is_to_hold_what_the_shop_can_sell_and_what_is_sold_already(shop: int, in_flight: int, reserved: int,
                                                                        orders_on: bool, target: int) -> None:
    assert target_on_hand(D(shop), D(in_flight), D(reserved), orders_on=orders_on) == target


@pytest.mark.parametrize(("free", "in_flight", "buffer", "backorders", "shown"), [
    ("10", "2", "0", False, 8), ("10", "2", "3", False, 5), ("2.9", "0", "0", False, 2), ("1", "2", "0", False, 0),
    ("1", "2", "0", True, -1), ("-0.5", "0", "0", True, -1), ("-0.5", "0", "0", False, 0), ("0", "-2", "0", False, 2),
])
def test_the_shop_shows_whole_pieces_that_are_free(free: str, in_flight: str, buffer: str, backorders: bool, shown: int) -> None:
    assert publishable(D(free), D(in_flight), D(buffer), backorders=backorders) == shown


def test_while_orders_are_late_decreases_go_out_and_increases_wait() -> None:
    assert [held_back(5, target, late=True) for target in (3, 5, 9)] == [3, 5, 5]
    assert [held_back(5, target, late=False) for target in (3, 9)] == [3, 9]


def test_a_stock_line_says_whether_it_sells_below_zero() -> None:
    assert [backorders_allowed(line, False) for line in (0, 1, 2)] == [False, True, False]
    assert [backorders_allowed(line, True) for line in (0, 1, 2)] == [False, True, True]


@pytest.mark.parametrize(("base", "shop", "free", "in_flight", "sold", "expected"), [
    (10, 10, 10, 0, 0, Agreement(10, D(0), D(10))),
    (10, 7, 10, 3, 3, Agreement(7, D(0), D(7))),              # sold, not yet in Odoo
    (10, 7, 7, 0, 3, Agreement(7, D(0), D(7))),               # sold and confirmed
    (10, 15, 10, 0, 0, Agreement(15, D(5), D(15))),           # five came in, typed in the shop
    (10, 10, 4, 0, 0, Agreement(4, D(0), D(4))),              # six went out in Odoo
    (10, 12, 10, 3, 3, Agreement(12, D(5), D(12))),           # typed in the shop while three were sold
    (10, 12, 9, 0, 0, Agreement(11, D(2), D(11), True)),      # both: both count
    (10, 12, 10, 0, -2, Agreement(12, D(0), D(12))),          # cancelled in the shop; Odoo confirmed it: see in flight
    (10, 10, 3, 5, 5, Agreement(3, D(5), D(3), True)),        # oversold in Odoo, the shop typed five
    (10, 4, 2, 0, 0, Agreement(0, D(-2), D(0), True)),        # both took more than there is: nothing below zero
])
def test_both_ways_each_side_gets_what_people_did_on_the_other(base: int, shop: int, free: int, in_flight: int, sold: int,
                                                              expected: Agreement) -> None:
    if sold < 0:
        in_flight = sold
    assert both_ways(D(base), D(shop), D(free), D(in_flight), D(sold)) == expected


def test_on_first_contact_the_chosen_side_tells_the_quantity() -> None:
    assert both_ways(None, D(8), D(20), D(2), D(0), D(1), first="odoo") == Agreement(17, D(0), D(17))
    assert both_ways(None, D(8), D(20), D(2), D(0), D(1), first="shop") == Agreement(8, D(-9), D(8))


def test_old_orders_that_reach_odoo_raise_its_count_and_leave_the_shop() -> None:
    assert both_ways(D(33), D(33), D(33), D(7), D(0), arrived=D(7)) == Agreement(33, D(7), D(33))
    assert both_ways(D(33), D(30), D(33), D(7), D(0), arrived=D(7)) == Agreement(30, D(4), D(30)), "three taken by hand in the shop"
    assert both_ways(D(33), D(33), D(31), D(7), D(0), arrived=D(7)) == Agreement(31, D(7), D(31)), "two taken by hand in Odoo"
    assert both_ways(D(33), D(33), D(33), D(7), D(0), arrived=D(7), late=True) == Agreement(33, D(0), D(33)), "left for later"


def test_an_unnoticed_sale_is_not_booked_as_a_decrease_by_hand() -> None:
    late = both_ways(D(10), D(7), D(10), D(0), D(0), late=True)
    assert late == Agreement(7, D(0), D(10))
    assert both_ways(late.base, D(7), D(10), D(3), D(3)) == Agreement(7, D(0), D(7))


def test_while_orders_are_late_the_shop_is_lowered_once_by_what_went_out_in_odoo() -> None:
    late = both_ways(D(10), D(8), D(4), D(2), D(2), late=True)     # two sold and noticed, six taken in Odoo
    assert late == Agreement(2, D(0), D(4))
    assert both_ways(late.base, D(2), D(4), D(2), D(2), late=True) == late
    assert both_ways(late.base, D(2), D(4), D(2), D(2)) == Agreement(2, D(0), D(2))


@given(PIECES, PIECES, PIECES, PIECES, st.integers(0, 5).map(D), st.booleans())
def test_a_second_run_changes_nothing(shop: D, free: D, in_flight: D, sold: D, buffer: D, backorders: bool) -> None:
    first = both_ways(D(5), shop, free, in_flight, sold, buffer, backorders=backorders)
    again = both_ways(first.base, D(first.shop), free + first.on_hand, in_flight, D(0), buffer, backorders=backorders)
    assert again == Agreement(first.shop, D(0), first.base)


@given(PIECES, PIECES, PIECES, PIECES, st.integers(0, 5).map(D), st.booleans())
def test_nothing_is_ever_shown_that_odoo_cannot_deliver(shop: D, free: D, in_flight: D, sold: D, buffer: D, late: bool) -> None:
    step = both_ways(D(5), shop, free, in_flight, sold, buffer, late=late)
    if late:
        assert step.shop <= max(shop, 0)
        assert step.on_hand == 0
    else:
        assert step.shop <= max(D(0), free + step.on_hand - in_flight - buffer)


@dataclass
class Order:
    pieces: int
    valid: bool = True
    state: str = "placed"  # in Odoo: placed (not there yet), confirmed, delivered, cancelled


@dataclass
class Both:
    """A shop and an Odoo that keep one product, and the truth about what people did."""

    shop: int = 20
    on_hand: D = D(20)
    orders: list[Order] = field(default_factory=list)
    by_hand: int = 20
    base: D = D(20)
    mark: int = 0

    @property
    def reserved(self) -> int:
        return sum(o.pieces for o in self.orders if o.state == "confirmed")

    @property
    def free(self) -> D:
        return self.on_hand - self.reserved

    @property
    def in_flight(self) -> D:
        placed = sum(o.pieces for o in self.orders if o.valid and o.state == "placed")
        return D(placed - sum(o.pieces for o in self.orders if not o.valid and o.state == "confirmed"))

    @property
    def ordered(self) -> int:
        return sum(o.pieces for o in self.orders if o.valid)

    @property
    def delivered(self) -> int:
        return sum(o.pieces for o in self.orders if o.state == "delivered")


class Stock(RuleBasedStateMachine):
    """What happens to stock between two runs, in any order. `sync` and its limits on edits differ per direction."""

    def __init__(self) -> None:
        super().__init__()
        self.it = Both()

    @rule(pieces=st.integers(1, 5))
    def a_customer_buys(self, pieces: int) -> None:
        if pieces <= self.it.shop:
            self.it.shop -= pieces
            self.it.orders.append(Order(pieces))

    @rule(which=st.integers(0, 30))
    def odoo_confirms(self, which: int) -> None:
        self._step(which, "placed", "confirmed")

    @rule(which=st.integers(0, 30))
    def odoo_delivers(self, which: int) -> None:
        self._step(which, "confirmed", "delivered")

    @rule(which=st.integers(0, 30))
    def the_shop_cancels(self, which: int) -> None:
        open_ = [o for o in self.it.orders if o.valid and o.state in ("placed", "confirmed")]
        if open_:
            order = open_[which % len(open_)]
            order.valid = False
            self.it.shop += order.pieces

    @rule(which=st.integers(0, 30))
    def odoo_hears_of_a_cancellation(self, which: int) -> None:
        told = [o for o in self.it.orders if not o.valid and o.state in ("placed", "confirmed")]
        if told:
            told[which % len(told)].state = "cancelled"

    def _step(self, which: int, old: str, new: str) -> None:
        ready = [o for o in self.it.orders if o.valid and o.state == old]
        if ready:
            order = ready[which % len(ready)]
            order.state = new
            if new == "delivered":
                self.it.on_hand -= order.pieces


class BothWays(Stock):
    """People add and take on both sides, never more than there is, so that no edit is cut short."""

    @rule(pieces=st.integers(-5, 9))
    def someone_counts_in_the_shop(self, pieces: int) -> None:
        if self.it.shop + pieces >= 0 and self.it.free + D(pieces) - max(self.it.in_flight, D(0)) >= 10:
            self.it.shop += pieces
            self.it.by_hand += pieces

    @rule(pieces=st.integers(-5, 9))
    def someone_counts_in_odoo(self, pieces: int) -> None:
        if self.it.free + pieces - max(self.it.in_flight, D(0)) >= 10 and self.it.shop + pieces >= 10:
            self.it.on_hand += pieces
            self.it.by_hand += pieces

    @rule()
    def sync(self) -> None:
        it = self.it
        step = both_ways(it.base, D(it.shop), it.free, it.in_flight, D(it.ordered - it.mark))
        it.shop, it.on_hand, it.base, it.mark = step.shop, it.on_hand + step.on_hand, step.base, it.ordered
        assert it.shop <= max(D(0), it.free - it.in_flight), "a piece could be sold twice"
        assert it.on_hand + it.delivered == it.by_hand, "a sale was counted twice, or an edit was lost"

    @precondition(lambda self: self.it.orders)
    @rule(unseen=st.integers(1, 3))
    def sync_while_the_newest_orders_are_unseen(self, unseen: int) -> None:
        it = self.it
        hidden = sum(o.pieces for o in it.orders[-unseen:] if o.valid and o.state == "placed")
        before, held = it.shop, it.on_hand
        step = both_ways(it.base, D(it.shop), it.free, it.in_flight - hidden, D(it.ordered - hidden - it.mark), late=True)
        it.shop, it.base = step.shop, step.base
        assert it.shop <= before
        assert it.on_hand == held

    def teardown(self) -> None:
        for order in self.it.orders:
            if not order.valid and order.state in ("placed", "confirmed"):
                order.state = "cancelled"
            elif order.state == "placed":
                order.state = "confirmed"
        self.sync()
        assert self.it.shop == max(D(0), self.it.free), "both sides do not agree at rest"  # pieces sold before a count told of it


class ToTheShop(Stock):
    """Odoo tells the shop."""

    @rule(pieces=st.integers(-5, 9))
    def someone_counts_in_odoo(self, pieces: int) -> None:
        self.it.on_hand = max(D(0), self.it.on_hand + pieces)

    @rule()
    def sync(self) -> None:
        self.it.shop = publishable(self.it.free, self.it.in_flight, D(0))

    @precondition(lambda self: self.it.shop > 0)
    @rule()
    def a_sale_after_a_run_is_not_undone_by_the_next(self) -> None:
        self.sync()
        shown = self.it.shop
        self.a_customer_buys(1)
        self.sync()
        assert self.it.shop == max(shown - 1, 0)


class ToOdoo(Stock):
    """The shop tells Odoo."""

    @rule(pieces=st.integers(-5, 9))
    def someone_counts_in_the_shop(self, pieces: int) -> None:
        self.it.shop = max(0, self.it.shop + pieces)

    @rule()
    def sync(self) -> None:
        it = self.it
        it.on_hand = target_on_hand(D(it.shop), it.in_flight, D(it.reserved), orders_on=True)
        assert it.free - it.in_flight == it.shop
        assert target_on_hand(D(it.shop), it.in_flight, D(it.reserved), orders_on=True) == it.on_hand

    def teardown(self) -> None:
        self.sync()
        while any(o.valid and o.state in ("placed", "confirmed") for o in self.it.orders):
            self._step(0, "placed", "confirmed")
            self._step(0, "confirmed", "delivered")
        held = self.it.on_hand
        self.sync()
        assert self.it.on_hand == held, "a sale that Odoo delivered was counted again"


TestBothWays = BothWays.TestCase
TestToTheShop = ToTheShop.TestCase
TestToOdoo = ToOdoo.TestCase
for case in (TestBothWays, TestToTheShop, TestToOdoo):
    case.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)


def test_a_shop_that_sells_without_stock_shows_what_is_owed_in_every_direction() -> None:
    zero = D(0)
    in_step = both_ways(zero, D(-3), D(-3), zero, D(3), backorders=True)
    assert in_step == Agreement(-3, zero, D(-3)), "three sold beyond the stock are no edit of anybody"
    counted = both_ways(zero, D(-1), D(-3), zero, D(3), backorders=True)
    assert counted == Agreement(-1, D(2), D(-1)), "two counted in the shop, and Odoo did not move"
    late = both_ways(zero, D(-1), D(-4), zero, D(3), late=True, backorders=True)
    assert late.shop == -2, "a decrease goes out although orders are late"


def test_what_is_not_said_is_neither_late_nor_owed_and_odoo_tells_the_first_quantity() -> None:
    assert publishable(D(-3), D(0), D(0)) == 0
    first = both_ways(None, D(5), D(8), D(0), D(0))
    assert (first.shop, first.on_hand) == (8, 0)
    increase = both_ways(D(5), D(5), D(8), D(0), D(0))
    assert increase.shop == 8, "it waits only while orders are late"
    assert record_key(12) == "12"
    assert record_key(12, 1) == "12:1"
