"""Which taxes the shop can charge where, and the Odoo taxes that express each: what the tax page shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.entities.base import Row
from portal.entities.money import amount
from portal.entities.odoo_arithmetic import OdooSales
from portal.entities.order_source import group_rates
from portal.entities.tax import Rates, from_label, ways

Need = tuple[str, str]
"""A place (`FR`, or `CA-QC` for a state) and the label of a rate."""

READS: Mapping[str, tuple[str, ...]] = {
    "taxes": ("id", "rate"),
    "tax_rules": ("id", "id_tax_rules_group", "id_country", "id_state", "id_tax", "behavior"),
    "tax_rule_groups": ("id", "name", "active", "deleted"),
    "countries": ("id", "iso_code", "name", "active"),
    "states": ("id", "iso_code", "name", "id_country"),
}
"""What to read from the shop, whole lists."""


@dataclass(frozen=True)
class Costs:
    """What it costs that Odoo has one kind of a tax and not the other."""

    missing: str
    words: str


def table(rows: Mapping[str, Sequence[Row]], odoo: OdooSales, more: Iterable[Need] = (), *, language: int = 1) -> dict[str, Any]:
    """Places with their rates, for each the shop's tax groups and every way Odoo has to express it; ready to be kept as JSON.

    The active countries of the shop are listed, and what orders ask for beside (`more`). Every place has the rate 0. `language`:
    the shop's language in which places are named.
    """
    rates = {int(tax["id"]): amount(tax["rate"]) for tax in rows["taxes"]}
    found: dict[str, dict[Rates, set[int]]] = {}
    rules: dict[tuple[int, int], list[Row]] = {}
    for rule in rows["tax_rules"]:
        rules.setdefault((int(rule["id_country"] or 0), int(rule["id_tax_rules_group"])), []).append(rule)
    for code, country, state in _places(rows):
        mine = found.setdefault(code, {})
        for group in _groups(rows):
            here = [rule for rule in rules.get((country, group), ()) if int(rule["id_state"] or 0) in (0, state)]
            for wanted in group_rates(here, rates):
                mine.setdefault(wanted, set()).add(group)
        mine.setdefault(Rates(), set())
    for place, label in more:
        wanted_too = from_label(label)
        if wanted_too is not None:
            found.setdefault(place, {}).setdefault(wanted_too, set())
    names, groups = _names(rows, language), _groups(rows)
    used: set[int] = set()
    places = []
    for code, mine in sorted(found.items(), key=lambda item: (names.get(item[0], item[0]), item[0])):
        lines = [_line(wanted, {number: groups[number] for number in numbers}, odoo, used)
                 for wanted, numbers in sorted(mine.items(), key=lambda item: (-item[0].percent, item[0].parts))]
        places.append({"code": code, "name": names.get(code, code), "rates": lines})
    return {"places": places, "taxes": {str(tax.id): tax.name for tax in odoo.taxes if tax.id in used},
            "odoo": {"price_digits": odoo.price_digits, "globally": odoo.tax_rounding == "round_globally"}}


def costs(label: str, included: Collection[int], excluded: Collection[int]) -> Costs:
    """What is missing of the pair, and what follows from it in an accountant's words; empty texts when nothing is."""
    wanted = from_label(label)
    if wanted is None or not wanted.parts or (included and excluded):
        return Costs("", "")
    if not included and not excluded:
        return Costs("both", "Orders with this tax wait until Odoo has it.")
    if not included:
        share = (1 - 1 / wanted.factor) * 100
        return Costs("included", f"About {share.quantize(Decimal(1))} of 100 amounts cannot be reached by adding {label} to a "
                     "price in whole cents. Such an order gets a rounding line of a cent or two.")
    return Costs("excluded", "Every total is reached. The part of it that is tax may differ by a cent from the shop's where the "
                 "shop calculates from prices without tax.")


def _line(wanted: Rates, groups: Mapping[int, str], odoo: OdooSales, used: set[int]) -> dict[str, Any]:
    kinds = {name: [[tax.id for tax in way] for way in ways(wanted, odoo, included=included)]
             for name, included in (("included", True), ("excluded", False))}
    used |= {number for found in kinds.values() for way in found for number in way}
    return {"label": wanted.label, "groups": [{"id": number, "name": name} for number, name in sorted(groups.items())], **kinds}


def _places(rows: Mapping[str, Sequence[Row]]) -> list[tuple[str, int, int]]:
    """Active countries, and their states that have tax rules of their own: code, country id, state id (0: none)."""
    countries = {int(row["id"]): str(row["iso_code"]) for row in rows["countries"] if str(row.get("active")) == "1"}
    states = {int(row["id"]): row for row in rows["states"]}
    ruled = {int(rule["id_state"] or 0) for rule in rows["tax_rules"]}
    found = [(iso, number, 0) for number, iso in countries.items()]
    return found + [(f"{countries[int(row['id_country'])]}-{row['iso_code']}", int(row["id_country"]), number)
                    for number, row in states.items() if number in ruled and int(row["id_country"]) in countries]


def _groups(rows: Mapping[str, Sequence[Row]]) -> dict[int, str]:
    return {int(row["id"]): str(row["name"]) for row in rows["tax_rule_groups"] if str(row.get("deleted") or "0") == "0"}


def _names(rows: Mapping[str, Sequence[Row]], language: int) -> dict[str, str]:
    """Places in words: `France`, `United States, New York`."""
    countries = {int(row["id"]): (str(row["iso_code"]), _in_language(row["name"], language)) for row in rows["countries"]}
    found = dict(countries.values())
    for row in rows["states"]:
        if int(row["id_country"]) in countries:
            iso, name = countries[int(row["id_country"])]
            found[f"{iso}-{row['iso_code']}"] = f"{name}, {row['name']}"
    return found


def _in_language(value: Any, language: int) -> str:
    """A name, which may stand there in several languages."""
    if isinstance(value, Mapping):
        return str(value.get(language) or next(iter(value.values()), ""))
    return str(value or "")
