"""Which tax a shop's amount really carries, and which Odoo taxes express it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from portal.entities.base import Invalid
from portal.entities.money import ZERO, unit
from portal.entities.odoo_arithmetic import HUNDRED, OdooSales, OdooTax, Rules, flattened, line_sums

TaxMap = Mapping[tuple[int, str], Sequence[int]]
"""The merchant's choice: (tax rules group in the shop, country code) to the Odoo taxes that may be used; of each rate the
tax-included and the tax-excluded one may both stand here."""

EXACT = Decimal("0.000003")
"""PrestaShop stores unit prices with six decimals, each rounded on its own."""

_PROBE = Decimal(1_000_000)


@dataclass(frozen=True)
class Rates:
    """The percentages on one amount: usually one, several in Canada or Spain. `compound`: each on top of the one before."""

    parts: tuple[Decimal, ...] = ()
    compound: bool = False

    @property
    def factor(self) -> Decimal:
        """What the net amount is multiplied by: 1.2 for 20 %."""
        if not self.compound:
            return 1 + sum(self.parts, ZERO) / HUNDRED
        product = Decimal(1)
        for part in self.parts:
            product *= 1 + part / HUNDRED
        return product

    @property
    def percent(self) -> Decimal:
        return (self.factor - 1) * HUNDRED

    @property
    def label(self) -> str:
        """`20%`, `5% + 9.975%`, `2.5% on top of 19%`, `0%`."""
        return (" on top of " if self.compound else " + ").join(f"{_plain(part)}%" for part in self.parts) or "0%"

    def fits(self, excl: Decimal, incl: Decimal, step: Decimal) -> bool:
        """Whether the two amounts differ by this tax, when each was rounded to `step` on its own."""
        return abs(incl - excl * self.factor) <= step * (1 + self.factor) / 2 + EXACT


UNTAXED = Rates()


def rates(parts: Iterable[Decimal], *, compound: bool = False) -> Rates:
    """The rates in a comparable order, zeros left out."""
    real = tuple(sorted(part for part in parts if part))
    return Rates(real, compound and len(real) > 1)


@dataclass(frozen=True, eq=False)
class Options:
    """The Odoo taxes for one shop tax: tax-included, tax-excluded, or both; empty where no tax is due."""

    rates: Rates
    included: tuple[OdooTax, ...] | None
    excluded: tuple[OdooTax, ...] | None

    @property
    def missing(self) -> str:
        """Which kind Odoo lacks, in words; "" when nothing is missing."""
        if not self.rates.parts or (self.included and self.excluded):
            return ""
        return "tax-excluded" if self.excluded is None else "tax-included"


@dataclass
class TaxFinder:
    """Finds the Odoo taxes of an order's amounts. One per order; `country` is the one whose tax applies."""

    odoo: OdooSales
    country: str
    chosen: TaxMap | None = None
    _known: dict[tuple[Rates, int], Options] = field(default_factory=dict)
    _same: dict[tuple[object, ...], Options] = field(default_factory=dict)

    def options(self, wanted: Rates, group: int = 0) -> Options:
        """The Odoo taxes for these rates; equal ones are the same object.

        Raises Invalid naming the rate, the country and the remedy.
        """
        key = (wanted, group)
        if key not in self._known:
            found = self._find(wanted, group)
            self._known[key] = self._same.setdefault((wanted, _ids(found.included), _ids(found.excluded)), found)
        return self._known[key]

    def _find(self, wanted: Rates, group: int) -> Options:
        choice = (self.chosen or {}).get((group, self.country))
        taxes = [tax for tax in self.odoo.taxes if tax.active and (choice is None or tax.id in choice)]
        if not wanted.parts and choice is None:
            return Options(wanted, (), ())
        taxes.sort(key=lambda tax: (tax.sequence, tax.id))
        found = Options(wanted, _combined(wanted, taxes, self.odoo, included=True),
                        _combined(wanted, taxes, self.odoo, included=False))
        if found.included is None and found.excluded is None:
            if not wanted.parts:
                return Options(wanted, (), ())
            raise self._missing(wanted, group, mapped=choice is not None)
        return found

    def _missing(self, wanted: Rates, group: int, *, mapped: bool) -> Invalid:
        where = f" for {self.country}" if self.country else ""
        if mapped:
            text = (f"The order has {wanted.label} tax{where}, but none of the Odoo taxes chosen for tax group {group} has "
                    "this rate. Correct the choice on the tax page.")
        else:
            text = (f"Odoo has no active sales tax of {wanted.label}, which this order needs{where}. Create it in Odoo "
                    f"(Accounting, Configuration, Taxes), best once with the tax included in the price, or choose another on "
                    f"the tax page.")
        return Invalid(text, cause=f"tax:{wanted.label}:{self.country}")


def _combined(wanted: Rates, taxes: Sequence[OdooTax], odoo: OdooSales, *, included: bool) -> tuple[OdooTax, ...] | None:
    """Odoo taxes that together make the wanted rates, all included in the price or all on top."""
    kind = [tax for tax in taxes if tax.amount_type in ("percent", "group") and tax.included == included]
    if len(wanted.parts) > 1:
        picked = [next((tax for tax in kind if tax.amount_type == "percent" and tax.amount == part), None)
                  for part in wanted.parts]
        several = tuple(tax for tax in picked if tax)
        if len(several) == len(picked) == len({tax.id for tax in several}) and _matches(wanted, several, odoo, included):
            return several
    for tax in kind:
        if (tax.amount == wanted.percent if tax.amount_type == "percent" else _matches(wanted, (tax,), odoo, included)):
            return (tax,)
    return None


def _matches(wanted: Rates, taxes: tuple[OdooTax, ...], odoo: OdooSales, included: bool) -> bool:
    """Whether Odoo, computing these taxes on a large amount, arrives at the wanted rate."""
    sums = line_sums(_PROBE, Decimal(1), flattened(taxes), Rules(odoo.major, False, 2))
    net = _PROBE / wanted.factor if included else _PROBE
    gross = _PROBE if included else _PROBE * wanted.factor
    return abs(sums.untaxed - net) < 1 and abs(sums.total - gross) < 1


def real_rates(excl: Decimal, incl: Decimal, nominal: Rates, digits: int, others: Iterable[Rates] = ()) -> Rates | None:
    """The rates a unit price really carries, whatever the shop says about its tax; None when no known rate explains it.

    Exemptions show as equal amounts; prices edited in the back office are rounded to the currency, so they fit less sharply.
    """
    if abs(incl - excl * nominal.factor) <= EXACT * 2:
        return nominal
    if incl == excl:
        return UNTAXED
    step = unit(digits)
    if nominal.fits(excl, incl, step):
        return nominal
    close = [other for other in others if abs(incl - excl * other.factor) <= EXACT * 2]
    return close[0] if close else None


def best_fit(excl: Decimal, incl: Decimal, candidates: Iterable[Rates], digits: int) -> Rates | None:
    """The first of the candidates that explains two amounts rounded separately; equal amounts carry no tax."""
    if excl == incl:
        return UNTAXED
    step = unit(digits)
    return next((wanted for wanted in candidates if wanted.parts and wanted.fits(excl, incl, step)), None)


def _ids(taxes: tuple[OdooTax, ...] | None) -> tuple[int, ...] | None:
    return None if taxes is None else tuple(tax.id for tax in taxes)


def _plain(value: Decimal) -> str:
    text = format(value.normalize(), "f")
    return text or "0"
