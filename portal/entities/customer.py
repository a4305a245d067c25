"""Customers: a shop customer with the default address becomes a contact (`res.partner`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portal.entities.address import doubts, place, state_id, without_vat
from portal.entities.base import Invalid, OdooFacts, Related, Row, ShopFacts, Values
from portal.entities.language import odoo_language, shop_language
from portal.entities.text import address_of_mail, clean, one_line, text_to_html, yes
from portal.entities.vat import vat_number

ADDRESS_FIELDS = ("id", "id_customer", "id_country", "id_state", "firstname", "lastname", "company", "vat_number", "address1",
                  "address2", "postcode", "city", "phone", "phone_mobile", "deleted")

_PLAIN = {"name": "name", "email": "email", "company": "company_name", "reference": "ref", "street": "street",
          "street2": "street2", "zip": "zip", "city": "city", "vat": "vat"}
"""Normal form → Odoo field, where nothing but the name differs."""


class Customer:
    """See `RecordEntity`."""

    name = "customer"
    label = "Customer"
    resource = "customers"
    fields: tuple[str, ...] = ("id", "firstname", "lastname", "email", "company", "id_lang", "deleted", "is_guest")
    related: tuple[Related, ...] = (Related("addresses", "id_customer", ADDRESS_FIELDS),)
    odoo_model = "res.partner"
    chunk = 200
    context: Mapping[str, Any] = {"no_vat_validation": True}
    booleans = frozenset({"active"})
    match_model = "res.partner"
    match_columns: Mapping[str, tuple[str, ...]] = {"email": ("email", "email_normalized")}
    match_extra: tuple[str, ...] = ("parent_id", "company_id", "active")
    unique_match = False
    keeps_edits = True
    on_the_fly = True
    words: Mapping[str, str] = {"email": "e-mail address"}
    refusable = frozenset({"vat"})
    created_fields: tuple[str, ...] = ()

    def values(self, record: Row, related: Mapping[str, list[Row]], shop: ShopFacts) -> Values:
        """Name, e-mail, company, reference, default address, VAT number, country, language, and whether it is a guest."""
        address = default_address(related.get("addresses", []))
        email = address_of_mail(record.get("email"))
        company = one_line(record.get("company")) or one_line(address.get("company"))
        name = one_line(f"{clean(record.get('firstname'))} {clean(record.get('lastname'))}") or company or email
        if not name:
            raise Invalid("The customer has neither a name nor an e-mail address. Enter one in the shop.",
                          cause="customer:name")
        return {
            "name": name,
            "email": email,
            "company": company,
            "reference": f"PS-{_id(record, 'id')}",
            **place(address, shop),
            "language": shop.languages.get(_id(record, "id_lang"), ""),
            "guest": yes(record.get("is_guest")) or self.deleted(record),
        }

    def deleted(self, record: Row) -> bool:
        return yes(record.get("deleted"))

    def remains(self, record: int, related: Mapping[str, list[Row]]) -> Row | None:
        """The newest address that an order keeps names the person."""
        newest = max(related.get("addresses", []), key=lambda row: _id(row, "id"), default=None)
        if newest is None:
            return None
        return {"id": record, "deleted": 1, **{name: newest.get(name) for name in ("firstname", "lastname", "company")}}

    def match(self, values: Values) -> list[tuple[str, str]]:
        return [("email", values["email"])] if values["email"] else []

    def normal_key(self, name: str, value: Any) -> str:
        return address_of_mail(value)

    def narrow(self, rows: Sequence[Row]) -> list[Row]:
        """A contact of its own before the contacts below it: a company and its delivery address often share an e-mail."""
        return [row for row in rows if not row["parent_id"]] or list(rows)

    def record_id(self, row: Row) -> int:
        return int(row["id"])

    def yields(self, values: Values) -> bool:
        """A guest gives way, and so does who was deleted: several share one contact, and none may change what a registered customer
        said."""
        return bool(values["guest"])

    def doubts(self, values: Values, odoo: OdooFacts) -> list[str]:
        return doubts(values, odoo)

    def extra(self, row: Row) -> dict[str, Any]:
        return {}

    def odoo_fields(self, odoo: OdooFacts) -> list[str]:
        mobile = ["mobile"] if odoo.has_mobile else []
        return [*_PLAIN.values(), "phone", *mobile, "country_id", "state_id", "lang", "active"]

    def to_odoo(self, values: Values, odoo: OdooFacts, only: Collection[str] | None = None) -> Row:
        """An unknown country, state or language is left out rather than guessed.

        Where Odoo has one telephone field (19), the mobile number takes its place if that is empty, and else is kept in the
        notes of a new contact; notes that exist belong to the people in Odoo.
        """
        wanted = set(values) if only is None else set(only)
        row: Row = {field: values[key] or False for key, field in _PLAIN.items() if key in wanted}
        if odoo.has_mobile:
            row |= {key: values[key] or False for key in ("phone", "mobile") if key in wanted}
        elif wanted & {"phone", "mobile"}:
            row["phone"] = values["phone"] or values["mobile"] or False
            if only is None and values["phone"] and values["mobile"]:
                row["comment"] = text_to_html(f"Mobile: {values['mobile']}")
        if "country" in wanted and (not values["country"] or values["country"] in odoo.countries):
            row["country_id"] = odoo.countries.get(values["country"], False)
        if wanted & {"country", "state"}:
            row["state_id"] = state_id(values, odoo)
        if "language" in wanted and (code := odoo_language(values["language"], odoo.languages)):
            row["lang"] = code
        if only is None:
            row["customer_rank"] = 1
        return row

    def without_refusable(self, row: Row) -> Row:
        return without_vat(row)

    def from_odoo(self, row: Row, odoo: OdooFacts) -> Values:
        """A country or state that the facts do not know is "", because nothing can be said of it."""
        values: Values = {key: one_line(row.get(field)) for key, field in _PLAIN.items()}
        values |= {"email": address_of_mail(row.get("email")), "vat": vat_number(row.get("vat"))}
        country = _key_of(odoo.countries, row.get("country_id"))
        state = row.get("state_id")
        names = [name for (_, name), number in odoo.states.items() if state and number == state[0]]
        code, name = min(names, key=len, default=""), max(names, key=len, default="")
        return values | {"phone": one_line(row.get("phone")), "mobile": one_line(row.get("mobile")), "country": country,
                         "state": f"{code.upper()}/{name}" if names else "", "language": shop_language(row.get("lang"))}

    def texts(self, values: Values, only: Collection[str] | None, repeated: Collection[str] = ()) -> dict[str, Row]:
        return {}


def default_address(addresses: Sequence[Row]) -> Row:
    """The oldest address that is still in use, as PrestaShop's own default; empty where there is none."""
    alive = [row for row in addresses if not yes(row.get("deleted"))]
    return min(alive, key=lambda row: _id(row, "id"), default={})


def _key_of(ids: Mapping[str, int], pair: Any) -> str:
    return next((key for key, number in ids.items() if pair and number == pair[0]), "")


def _id(row: Mapping[str, Any], name: str) -> int:
    return int(row.get(name) or 0)


CUSTOMER = Customer()
