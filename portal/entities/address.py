"""Addresses: where a shop address goes in Odoo. An order's address is the customer's contact itself, or a contact below it.

The shop replaces an address that an order uses (the old one stays, marked deleted), and back offices change them in place. So an
address is known by its id *and* its content: new content is a new contact, and what an order was sent to stays as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from portal.entities.base import OdooFacts, Row, ShopFacts, Values
from portal.entities.text import clean, one_line, text_to_html
from portal.entities.vat import doubtful, same_vat, vat_number

FIELDS = ("id", "id_customer", "id_country", "id_state", "firstname", "lastname", "company", "vat_number", "address1", "address2",
          "postcode", "city", "phone", "phone_mobile", "deleted")
ODOO_FIELDS = ("name", "type", "parent_id", "is_company", "company_name", "vat", "street", "street2", "zip", "city", "country_id",
               "state_id", "phone", "lang", "email", "company_id", "active", "comment")
Kind = Literal["delivery", "invoice", "other"]

_PLACE = ("street", "street2", "zip", "city", "country_id", "state_id")


def place(row: Mapping[str, Any], shop: ShopFacts) -> Values:
    """Street to state, telephones and VAT number of a shop address (or of none) in normal form."""
    code, state = shop.states.get(_id(row, "id_state"), ("", ""))
    return {
        "street": one_line(row.get("address1")),
        "street2": one_line(row.get("address2")),
        "zip": one_line(row.get("postcode")),
        "city": one_line(row.get("city")),
        "phone": one_line(row.get("phone")),
        "mobile": one_line(row.get("phone_mobile")),
        "vat": vat_number(row.get("vat_number")),
        "country": shop.countries.get(_id(row, "id_country"), ""),
        "state": one_line(f"{code}/{state}") if code or state else "",
    }


def values(row: Mapping[str, Any], shop: ShopFacts) -> Values:
    """A shop address in normal form: person, company, and `place`."""
    person = one_line(f"{clean(row.get('firstname'))} {clean(row.get('lastname'))}")
    return {"person": person, "company": one_line(row.get("company")), **place(row, shop)}


def is_empty(found: Values) -> bool:
    """Whether there is nothing in it that a contact could show."""
    return not any(found[key] for key in ("person", "company", "street", "street2", "zip", "city"))


def key(record: str, found: Values) -> str:
    """The address's key in mappings and external ids: its id and a digest of its content."""
    text = json.dumps(found, sort_keys=True, ensure_ascii=False)
    return f"{record}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Contact:
    """An address as a contact below the customer's: the Odoo values, as they would be read back."""

    row: Row

    def fits(self, current: Row, *, main: bool) -> bool:
        """Whether this Odoo contact shows the same: then it is used, and nothing is created. `main`: it is the customer's own,
        which may say more, such as a company of which the address says nothing."""
        if any(_text(self.row.get(field)) != _text(current.get(field)) for field in _PLACE):
            return False
        own = {_text(current.get("phone")), _text(current.get("mobile"))}
        if any(_text(self.row.get(field)) not in {"", *own} for field in ("phone", "mobile")):
            return False
        if self.row.get("vat") and not same_vat(self.row["vat"], current.get("vat")):
            return False
        names = {_text(current.get("name"))} | ({_text(current.get("company_name"))} if main else set())
        return _text(self.row["name"]) in names


def contact(found: Values, parent: Row, kind: Kind, odoo: OdooFacts) -> Contact:
    """The contact for an address below `parent`, the customer's contact as read.

    A company with a VAT number of its own becomes a company, so that its invoices bear its number: Odoo copies the number of a
    contact that is none from its parent. Else the company stands in front of the person, unless the parent is that company.
    """
    known = {_text(parent.get("company_name")), _text(parent.get("name")) if parent.get("is_company") else ""}
    person, company = found["person"], found["company"]
    row = place_to_odoo(found, odoo)
    if not odoo.has_mobile and found["phone"] and found["mobile"]:
        row["comment"] = text_to_html(f"Mobile: {found['mobile']}")
    if found["vat"] and not same_vat(found["vat"], parent.get("vat")):
        row |= {"name": company or person, "is_company": True, "vat": found["vat"]}
    else:
        shown = [company] if company and _text(company) not in known else []
        row |= {"name": ", ".join([*shown, *([person] if person else [])]) or company}
    if parent.get("company_id"):
        row["company_id"] = parent["company_id"][0]
    return Contact(row | {"parent_id": int(parent["id"]), "type": kind, "lang": parent.get("lang") or False,
                          "email": parent.get("email") or False})


def without_vat(row: Row) -> Row:
    """The contact for an Odoo that refuses its VAT number: the number goes to the notes."""
    note = text_to_html(f"VAT number that Odoo does not accept: {row['vat']}")
    return {**row, "vat": False, "comment": f"{row.get('comment') or ''}{note}"}


def place_to_odoo(found: Values, odoo: OdooFacts) -> Row:
    """Odoo values of a place and its telephones. An unknown country or state is left empty rather than guessed."""
    row: Row = {field: found[field] or False for field in ("street", "street2", "zip", "city")}
    row |= {"country_id": odoo.countries.get(found["country"], False), "state_id": state_id(found, odoo)}
    if odoo.has_mobile:
        return row | {field: found[field] or False for field in ("phone", "mobile")}
    return row | {"phone": found["phone"] or found["mobile"] or False}


def state_id(found: Values, odoo: OdooFacts) -> int | bool:
    """The Odoo state by code ("CA", or "JP-23" as some shops write it), else by name; False where there is none."""
    country = found["country"]
    code, _, name = found["state"].partition("/")
    for candidate in (code, code.removeprefix(f"{country}-"), f"{country}-{code}", name):
        if candidate and (country, candidate.lower()) in odoo.states:
            return odoo.states[(country, candidate.lower())]
    return False


def doubts(found: Values, odoo: OdooFacts) -> list[str]:
    """What of a place a merchant should look at: sentences. None of it stops anything."""
    said = []
    if found["country"] and found["country"] not in odoo.countries:
        said.append(f"Odoo has no country {found['country']}; it was left empty.")
    elif found["state"] and not state_id(found, odoo):
        state = found["state"].replace("/", ", ")
        said.append(f"Odoo has no state “{state}” in {found['country'] or 'no country'}; it was left empty.")
    if doubtful(found["vat"], found["country"]):
        said.append(f"The VAT number {found['vat']} does not have the form of one; it was stored as it is.")
    return said


def _text(value: Any) -> str:
    return str(value[0]) if isinstance(value, (list, tuple)) else one_line(value).casefold()


def _id(row: Mapping[str, Any], name: str) -> int:
    return int(row.get(name) or 0)
