"""Which tax a shop's amount really carries, and which Odoo taxes express it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from portal.entities.base import Invalid
from portal.entities.money import ZERO, unit
from portal.entities.odoo_arithmetic import HUNDRED, OdooSales, OdooTax, Rules, flattened, line_sums

TaxMap = Mapping[tuple[str, str, int], Sequence[int]]
"""The merchant's choice: (place, label of the rate, tax rules group in the shop) to the Odoo taxes that may be used; the
tax-included and the tax-excluded one may both stand here. A place is `FR`, or `CA-QC` for a state. Group 0 is the choice for
every group that has none of its own, and for shipping, wrapping and ecotax, whose group an order does not name."""

MOST_WAYS = 20
"""Odoo taxes may make a rate in many ways where it has several parts; more than these are not offered."""

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


def from_label(text: str) -> Rates | None:
    """The rates that a label names; None for what is no label."""
    compound = " on top of " in text
    try:
        parts = [Decimal(part.removesuffix("%")) for part in text.split(" on top of " if compound else " + ")]
    except InvalidOperation:
        return None
    found = rates(parts, compound=compound) if all(part.is_finite() for part in parts) else None
    return found if found is not None and found.label == text else None


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
    """Finds the Odoo taxes of an order's amounts. One per order; `country` and `state` are those whose tax applies."""

    odoo: OdooSales
    country: str
    chosen: TaxMap | None = None
    state: str = ""
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
        choice = self._choice(wanted, group)
        if not wanted.parts and not choice:
            return Options(wanted, (), ())
        found = Options(wanted, *(next(ways(wanted, self.odoo, included=kind, among=choice), None) for kind in (True, False)))
        if found.included is None and found.excluded is None:
            raise self._missing(wanted, mapped=choice is not None)
        return found

    def _choice(self, wanted: Rates, group: int) -> Sequence[int] | None:
        places = (f"{self.country}-{self.state}", self.country) if self.state else (self.country,)
        keys = [(place, wanted.label, number) for place in places for number in dict.fromkeys((group, 0))]
        return next((self.chosen[key] for key in keys if key in self.chosen), None) if self.chosen else None

    def _missing(self, wanted: Rates, *, mapped: bool) -> Invalid:
        where = f" for {self.country}" if self.country else ""
        if mapped:
            text = (f"The order has {wanted.label} tax{where}, but the Odoo taxes chosen for it do not make this rate any more. "
                    "Choose anew on the tax page.")
        else:
            text = (f"Odoo has no active sales tax of {wanted.label}, which this order needs{where}. Create it in Odoo "
                    f"(Accounting, Configuration, Taxes), best once with the tax included in the price and once without; then "
                    f"press “Look again” on the tax page.")
        return Invalid(text, cause=missing_cause(wanted.label, self.country))


def missing_cause(label: str, country: str) -> str:
    """The key under which the orders stand that wait for a tax: `tax:20%:FR`."""
    return f"tax:{label}:{country}"


def ways(wanted: Rates, odoo: OdooSales, *, included: bool, among: Sequence[int] | None = None) -> Iterator[tuple[OdooTax, ...]]:
    """The Odoo taxes that make the wanted rates, all included in the price or all on top of it, in the order of preference:
    one tax for each part first, then single taxes. `among`: only these ids may be used."""
    kind = sorted((tax for tax in odoo.taxes if tax.active and tax.amount_type in ("percent", "group")
                   and tax.included == included and (among is None or tax.id in among)), key=lambda tax: (tax.sequence, tax.id))
    found: list[tuple[OdooTax, ...]] = []
    if len(wanted.parts) > 1:
        parts = [[tax for tax in kind if tax.amount_type == "percent" and tax.amount == part] for part in wanted.parts]
        found += [several for several in itertools.islice(itertools.product(*parts), MOST_WAYS)
                  if len({tax.id for tax in several}) == len(several) and _matches(wanted, several, odoo, included)]
    found += [(tax,) for tax in kind if (tax.amount == wanted.percent if tax.amount_type == "percent"
                                         else _matches(wanted, (tax,), odoo, included))]
    yield from found[:MOST_WAYS]


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
