"""Customers: a shop customer with the default address becomes a contact (`res.partner`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portal.entities.base import Invalid, OdooFacts, Related, Row, ShopFacts, Skip, Values
from portal.entities.text import clean, one_line

ADDRESS_FIELDS = ("id", "id_customer", "id_country", "id_state", "company", "vat_number", "address1", "address2", "postcode",
                  "city", "phone", "phone_mobile", "deleted")

_PLAIN = {"name": "name", "email": "email", "company": "company_name", "reference": "ref", "street": "street",
          "street2": "street2", "zip": "zip", "city": "city", "vat": "vat"}
"""Normal form → Odoo field, where nothing but the name differs."""


class Customer:
    """See `RecordEntity`."""

    name = "customer"
    label = "Customer"
    resource = "customers"
    fields = ("id", "firstname", "lastname", "email", "company", "id_lang", "deleted")
    related = (Related("addresses", "id_customer", ADDRESS_FIELDS),)
    odoo_model = "res.partner"
    chunk = 250
    context: Mapping[str, Any] = {"no_vat_validation": True}
    booleans = frozenset({"active"})
    match_model = "res.partner"
    match_columns: Mapping[str, tuple[str, ...]] = {"email": ("email", "email_normalized")}
    match_extra = ("parent_id", "company_id", "active")
    unique_match = False
    on_the_fly = True
    words: Mapping[str, str] = {"email": "e-mail address"}
    created_fields: tuple[str, ...] = ()

    def values(self, record: Row, related: Mapping[str, list[Row]], shop: ShopFacts) -> Values:
        """Name, e-mail, company, reference, default address, VAT number, country, language."""
        if str(record.get("deleted") or "0") == "1":
            raise Skip("it was deleted in the shop")
        address = default_address(related.get("addresses", []))
        email = one_line(record.get("email")).lower()
        name = one_line(f"{clean(record.get('firstname'))} {clean(record.get('lastname'))}") or email
        if not name:
            raise Invalid("The customer has neither a name nor an e-mail address. Enter one in the shop.", cause="customer:name")
        code, state = shop.states.get(_id(address, "id_state"), ("", ""))
        return {
            "name": name,
            "email": email,
            "company": one_line(record.get("company")) or one_line(address.get("company")),
            "reference": f"PS-{record['id']}",
            "street": one_line(address.get("address1")),
            "street2": one_line(address.get("address2")),
            "zip": one_line(address.get("postcode")),
            "city": one_line(address.get("city")),
            "phone": one_line(address.get("phone")),
            "mobile": one_line(address.get("phone_mobile")),
            "vat": one_line(address.get("vat_number")).replace(" ", "").upper(),
            "country": shop.countries.get(_id(address, "id_country"), ""),
            "state": f"{code}/{state}" if state else "",
            "language": shop.languages.get(_id(record, "id_lang"), ""),
        }

    def match(self, values: Values) -> list[tuple[str, str]]:
        return [("email", values["email"])] if values["email"] else []

    def normal_key(self, name: str, value: Any) -> str:
        return one_line(value).lower()

    def narrow(self, rows: Sequence[Row]) -> list[Row]:
        """A contact of its own before the contacts below it: a company and its delivery address often share an e-mail."""
        return [row for row in rows if not row["parent_id"]] or list(rows)

    def record_id(self, row: Row) -> int:
        return int(row["id"])

    def extra(self, row: Row) -> dict[str, Any]:
        return {}

    def odoo_fields(self, odoo: OdooFacts) -> list[str]:
        mobile = ["mobile"] if odoo.has_mobile else []
        return [*_PLAIN.values(), "phone", *mobile, "country_id", "state_id", "lang", "active"]

    def to_odoo(self, values: Values, odoo: OdooFacts, only: Collection[str] | None = None) -> Row:
        """An unknown country, state or language is left out rather than guessed."""
        wanted = set(values) if only is None else set(only)
        row: Row = {field: values[key] or False for key, field in _PLAIN.items() if key in wanted}
        if odoo.has_mobile:
            row |= {key: values[key] or False for key in ("phone", "mobile") if key in wanted}
        elif wanted & {"phone", "mobile"}:
            row["phone"] = values["phone"] or values["mobile"] or False
        if "country" in wanted and (not values["country"] or values["country"] in odoo.countries):
            row["country_id"] = odoo.countries.get(values["country"], False)
        if wanted & {"country", "state"}:
            code, _, state = values["state"].partition("/")
            country = values["country"]
            row["state_id"] = (odoo.states.get((country, code.lower())) or odoo.states.get((country, state.lower())) or False) \
                if state else False
        if "language" in wanted:
            code = odoo_language(values["language"], odoo.languages)
            if code:
                row["lang"] = code
        if only is None:
            row["customer_rank"] = 1
        return row

    def from_odoo(self, row: Row, odoo: OdooFacts) -> Values:
        countries = {number: code for code, number in odoo.countries.items()}
        values: Values = {key: one_line(row.get(field)) for key, field in _PLAIN.items()}
        values["email"] = values["email"].lower()
        country = countries.get(row["country_id"][0], "") if row.get("country_id") else ""
        names = sorted(name for (of, name), number in odoo.states.items()
                       if of == country and row.get("state_id") and number == row["state_id"][0])
        code = min(names, key=len, default="")
        name = max(names, key=len, default="")
        return values | {"phone": one_line(row.get("phone")), "mobile": one_line(row.get("mobile")), "country": country,
                         "state": f"{code.upper()}/{name}" if names else "", "language": str(row.get("lang") or "")[:2]}


def default_address(addresses: Sequence[Row]) -> Row:
    """The oldest address that is still in use, as PrestaShop's own default; empty where there is none."""
    alive = [row for row in addresses if str(row.get("deleted") or "0") != "1"]
    return min(alive, key=lambda row: int(row["id"]), default={})


def odoo_language(iso: str, installed: Sequence[str]) -> str:
    """The installed Odoo language for an ISO code such as "fr"; "" where there is none."""
    return next((code for code in installed if iso and code.split("_")[0].lower() == iso.lower()), "")


def _id(row: Mapping[str, Any], name: str) -> int:
    return int(row.get(name) or 0)


CUSTOMER = Customer()
