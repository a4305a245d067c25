"""The penny ledger: line by line, how each cent of the shop landed in Odoo, in words for an accountant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.entities.lines import Item
from portal.entities.money import ZERO, amount, rounded
from portal.entities.order import OrderPlan, PlanLine

KINDS: Mapping[str, str] = {
    "product": "Product", "ecotax": "Ecotax", "shipping": "Shipping", "wrapping": "Gift wrapping", "voucher": "Voucher",
    "rounding": "Rounding", "unknown": "Not from the shop", "total": "Total"}


@dataclass(frozen=True)
class LedgerRow:
    """One amount of the shop and what Odoo made of it. Odoo's amounts are foreseen ones until they were read back.

    `prices` are quantity and unit price of each Odoo line, `tax` names the Odoo taxes, `why` explains in a sentence.
    """

    kind: str
    text: str
    quantity: int
    shop_excl: Decimal
    shop_incl: Decimal
    odoo_excl: Decimal
    odoo_incl: Decimal
    prices: tuple[tuple[int, Decimal], ...]
    tax: str
    why: str

    @property
    def label(self) -> str:
        return KINDS[self.kind]

    @property
    def off(self) -> Decimal:
        """Odoo minus shop, tax included."""
        return self.odoo_incl - self.shop_incl


def ledger(made: OrderPlan, read_back: Sequence[Mapping[str, Any]] = (),
           totals: Mapping[str, Any] | None = None) -> list[LedgerRow]:
    """A row per amount of the shop, the rounding line if there is one, and the total last.

    `read_back`: the order's lines as Odoo has them (`price_subtotal`, `price_total`), in the order they were created; lines
    added in Odoo afterwards stand at the end as such. `totals`: the order's `amount_untaxed` and `amount_total` as read; where
    Odoo rounds the whole order they need not be the sum of its lines.
    """
    amounts = [_read(row, made.digits) for row in read_back if not row.get("display_type")]
    real = amounts if len(amounts) >= len(made.lines) else [(line.excl, line.incl) for line in made.lines]
    rows: list[LedgerRow] = []
    for number, item in enumerate(made.items):
        mine = [(line, real[index]) for index, line in enumerate(made.lines) if line.item == number]
        rows.append(_row(item, mine, made))
    for index, line in enumerate(made.lines):
        if line.item < 0:
            rows.append(LedgerRow("rounding", line.text, 1, ZERO, ZERO, *real[index], ((1, line.price_unit),), "no tax",
                                  _rounding(made)))
    for excl, incl in real[len(made.lines):]:
        rows.append(LedgerRow("unknown", "Line added in Odoo", 1, ZERO, ZERO, excl, incl, (), "", "Not from the shop."))
    return [*rows, _total(made, totals)]


def _row(item: Item, mine: Sequence[tuple[PlanLine, tuple[Decimal, Decimal]]], made: OrderPlan) -> LedgerRow:
    lines = [line for line, _ in mine]
    excl, incl = (sum((amounts[place] for _, amounts in mine), ZERO) for place in (0, 1))
    names = " + ".join(lines[0].tax_names) if lines[0].tax_names else "no tax"
    return LedgerRow(item.kind, item.text, item.quantity, item.excl, item.incl, excl, incl,
                     tuple((line.quantity, line.price_unit) for line in lines), names, _why(item, lines, incl, excl, made))


def _why(item: Item, lines: Sequence[PlanLine], incl: Decimal, excl: Decimal, made: OrderPlan) -> str:
    said = []
    if lines[0].taxes:
        said.append("Price with tax, Odoo takes the tax out." if lines[0].included else "Price without tax, Odoo adds the tax.")
    if len(lines) > 1:
        said.append("Parted in two because no single price with Odoo's decimals makes the shop's amount.")
    if incl != item.incl:
        said.append(f"Odoo cannot express {item.incl}; the cent is balanced by another line or the rounding line.")
    elif excl != item.excl:
        said.append("Shop and Odoo divide the same total differently into net and tax, because the shop rounds both separately.")
    if item.doubt:
        said.append(item.doubt)
    return " ".join(said)


def _rounding(made: OrderPlan) -> str:
    words = {"shop": "the shop's own total is not the sum of its lines, because it adds them up before rounding",
             "odoo": "Odoo's arithmetic cannot express every line"}
    return f"Needed because {' and '.join(words[cause] for cause in made.rounding_causes)}." if made.rounding_causes else ""


def _total(made: OrderPlan, totals: Mapping[str, Any] | None) -> LedgerRow:
    excl, incl = made.expected.untaxed, made.expected.total
    if totals is not None:
        excl, incl = (rounded(amount(totals[field]), made.digits) for field in ("amount_untaxed", "amount_total"))
    return LedgerRow("total", "Order", 0, made.shop_excl, made.shop_incl, excl, incl, (), "", made.reason)


def _read(row: Mapping[str, Any], digits: int) -> tuple[Decimal, Decimal]:
    return rounded(amount(row.get("price_subtotal")), digits), rounded(amount(row.get("price_total")), digits)
