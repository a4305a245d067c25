"""The penny ledger: line by line, how each cent of the shop landed in Odoo, in words for an accountant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.entities.lines import Item
from portal.entities.money import ZERO, amount, rounded
from portal.entities.odoo_arithmetic import OdooSales
from portal.entities.order import ROUNDING_TEXT, OrderPlan
from portal.entities.order_write import STEP

KINDS: Mapping[str, str] = {
    "product": "Product", "ecotax": "Ecotax", "shipping": "Shipping", "wrapping": "Gift wrapping", "voucher": "Voucher",
    "rounding": "Rounding", "unknown": "Not from the shop"}


@dataclass(frozen=True)
class OdooLine:
    """One line of the Odoo order: what it charges, and the amounts Odoo computed of it."""

    text: str
    quantity: Decimal
    price: Decimal
    tax: str
    included: bool
    excl: Decimal
    incl: Decimal


@dataclass(frozen=True)
class LedgerRow:
    """One amount of the shop and the Odoo lines that carry it; `why` explains in a sentence."""

    kind: str
    text: str
    quantity: int
    unit_excl: Decimal
    unit_incl: Decimal
    shop_excl: Decimal
    shop_incl: Decimal
    shop_tax: str
    lines: tuple[OdooLine, ...]
    why: str

    @property
    def label(self) -> str:
        return KINDS[self.kind]

    @property
    def odoo_excl(self) -> Decimal:
        return sum((line.excl for line in self.lines), ZERO)

    @property
    def odoo_incl(self) -> Decimal:
        return sum((line.incl for line in self.lines), ZERO)

    @property
    def off(self) -> Decimal:
        """Odoo minus shop, tax included."""
        return self.odoo_incl - self.shop_incl


@dataclass(frozen=True)
class Ledger:
    """Every amount of an order on both sides, and the totals. `foreseen`: nothing was read from Odoo yet."""

    currency: str
    rows: tuple[LedgerRow, ...]
    shop_excl: Decimal
    shop_incl: Decimal
    odoo_excl: Decimal
    odoo_incl: Decimal
    foreseen: bool
    notes: tuple[str, ...]

    @property
    def off(self) -> Decimal:
        """Odoo's total minus the shop's."""
        return self.odoo_incl - self.shop_incl


def ledger(made: OrderPlan, odoo: OdooSales, back: Sequence[Mapping[str, Any]] | None = None,
           totals: Mapping[str, Any] | None = None) -> Ledger:
    """A row per amount of the shop, then the rounding line and what else stands in Odoo.

    `back`: the order's lines as Odoo has them, `totals`: its `amount_untaxed` and `amount_total`; without them the amounts are
    the foreseen ones. Where Odoo rounds the whole order its total need not be the sum of its lines.
    """
    left = sorted((row for row in back or () if not row.get("display_type")), key=lambda row: (row["sequence"], row["id"]))
    carried: dict[int, list[OdooLine]] = {}
    for index, line in enumerate(made.lines):
        if back is None:
            carried.setdefault(line.item, []).append(OdooLine(
                line.text, Decimal(line.quantity), line.price_unit, _names(line.tax_names), line.included, line.excl, line.incl))
            continue
        row = next((row for row in left if row["sequence"] == (index + 1) * STEP), None)
        if row is not None:
            left.remove(row)
            carried.setdefault(line.item, []).append(_read(row, odoo, made.digits))
    rest = [_read(row, odoo, made.digits) for row in left]
    roundings = [*carried.get(-1, ()), *(line for line in rest if line.text == ROUNDING_TEXT)]
    rows = [_row(item, tuple(carried.get(number, ())), made, price_digits=odoo.price_digits)
            for number, item in enumerate(made.items)]
    rows += [_beside("rounding", line, _rounding(made)) for line in roundings]
    rows += [_beside("unknown", line, "This line was added in Odoo.") for line in rest if line.text != ROUNDING_TEXT]
    untaxed, total = made.expected.untaxed, made.expected.total
    if totals is not None:
        untaxed, total = (rounded(amount(totals[field]), made.digits) for field in ("amount_untaxed", "amount_total"))
    return Ledger(made.currency, tuple(rows), _tidy(made.shop_excl, made), _tidy(made.shop_incl, made), untaxed, total,
                  back is None, made.notes)


def _row(item: Item, lines: tuple[OdooLine, ...], made: OrderPlan, *, price_digits: int) -> LedgerRow:
    row = LedgerRow(item.kind, item.text, item.quantity, item.unit_excl, item.unit_incl, item.excl, item.incl,
                    item.options.rates.label if item.options.rates.parts else "no tax", lines, "")
    return LedgerRow(**{**vars(row), "why": _why(item, row, made, price_digits)})


def _beside(kind: str, line: OdooLine, why: str) -> LedgerRow:
    return LedgerRow(kind, line.text, 1, ZERO, ZERO, ZERO, ZERO, "", (line,), why)


def _why(item: Item, row: LedgerRow, made: OrderPlan, price_digits: int) -> str:
    said = []
    if not row.lines:
        return "This line is no longer in the Odoo order."
    if any(line.tax for line in row.lines):
        said.append("Price with tax; Odoo takes the tax out of it." if row.lines[0].included
                    else "Price without tax; Odoo adds the tax.")
    if len(row.lines) > 1:
        said.append(f"Parted in two because no single price with {price_digits} decimals makes the shop's amount.")
    if row.off:
        said.append(f"Odoo shows {row.odoo_incl} instead of {item.incl}; another line or the rounding line balances it.")
    elif row.odoo_excl != item.excl:
        said.append("Shop and Odoo divide the same amount differently into net and tax, because the shop rounds both separately.")
    if item.doubt:
        said.append(item.doubt)
    return " ".join(said)


def _rounding(made: OrderPlan) -> str:
    words = {"shop": "the shop's own total is not the sum of its lines, because it adds them up before rounding",
             "odoo": "Odoo's arithmetic cannot express every line"}
    causes = " and ".join(words[cause] for cause in made.rounding_causes)
    return f"Needed because {causes}." if causes else "Needed because Odoo computed a cent otherwise than was foreseen."


def _read(row: Mapping[str, Any], odoo: OdooSales, digits: int) -> OdooLine:
    known = {tax.id: tax for tax in odoo.taxes}
    taxes = [known.get(number) for number in row.get(odoo.tax_field) or ()]
    names = [tax.name if tax else f"tax {number}" for tax, number in zip(taxes, row.get(odoo.tax_field) or (), strict=True)]
    return OdooLine(str(row.get("name") or ""), amount(row.get("product_uom_qty")), amount(row.get("price_unit")),
                    _names(names), bool(taxes) and all(tax is not None and tax.included for tax in taxes),
                    rounded(amount(row.get("price_subtotal")), digits), rounded(amount(row.get("price_total")), digits))


def _tidy(value: Decimal, made: OrderPlan) -> Decimal:
    """A total of the shop with the currency's decimals, unless it has more that count."""
    short = rounded(value, made.source.digits)
    return short if short == value else value


def _names(names: Sequence[str]) -> str:
    return " + ".join(names)
