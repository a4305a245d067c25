"""Contacts: addresses, VAT numbers, display names."""

from __future__ import annotations

import re
from typing import Any

from .odoo_models import Model
from .odoo_profiles import OdooError

# Formats, not check digits: enough to refuse what the recorded servers refuse.
VAT_FORMATS = {
    "AT": r"U\d{8}", "BE": r"[01]?\d{9}", "CH": r"E?\d{9}(MWST|TVA|IVA)?", "CZ": r"\d{8,10}", "DE": r"\d{9}", "DK": r"\d{8}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]", "FI": r"\d{8}", "FR": r"[A-Z0-9]{2}\d{9}", "GB": r"(\d{9}|\d{12})", "IT": r"\d{11}",
    "LU": r"\d{8}", "NL": r"\d{9}B\d{2}", "PL": r"\d{10}", "PT": r"\d{9}", "SE": r"\d{12}",
}  # fmt: skip
EXAMPLES = {"ES": "ESA12345674", "FR": "FR23334175221", "DE": "DE123456788", "IT": "IT12345670017"}
NAMELESS = {"invoice": "Invoice Address", "delivery": "Delivery Address", "other": "Other Address"}


class Partners(Model, models=("res.partner",)):
    """A customer is a contact; its addresses are child contacts."""

    order = "display_name, id desc"
    name_field = "display_name"
    key_fields = ("ref", "email", "name")

    def defaults(self, values: dict[str, Any]) -> dict[str, Any]:
        found = {"active": True, "type": "contact", "customer_rank": 0, "lang": self.env.context.get("lang", "en_US")}
        return {**found, "property_product_pricelist": 1} if self.env.major <= 16 else found

    def prepare(self, values: dict[str, Any], row: dict[str, Any] | None) -> dict[str, Any]:
        if "company_type" in values:
            values["is_company"] = values.pop("company_type") == "company"
        if "email" in values:
            found = re.search(r"[^\s<>,]+@[^\s<>,]+", str(values["email"] or ""))
            values["email_normalized"] = found.group().lower() if found else False
        return values

    def stored(self, number: int, values: dict[str, Any], old: dict[str, Any] | None) -> None:
        row = self.table.rows[number]
        if row.get("type") == "contact" and not row.get("name"):
            raise self.env.db.profile.constraint("res_partner_check_name", "Contacts require a name")
        if {"vat", "country_id"} & set(values) and not self.env.context.get("no_vat_validation"):
            self._check_vat(row)

    def _check_vat(self, row: dict[str, Any]) -> None:
        vat, major = str(row.get("vat") or ""), self.env.major
        if not vat or not row.get("country_id") or (vat == "/" and major >= 16):
            return
        country = self.env.value("res.country", row["country_id"], "code")
        digits = vat.replace(" ", "").replace(".", "").upper()
        if digits[:2] in VAT_FORMATS:
            country, digits = digits[:2], digits[2:]
        if country in VAT_FORMATS and not re.fullmatch(VAT_FORMATS[country], digits):
            shown, gap = (digits, "  ") if major >= 19 else (vat, " ")
            example = EXAMPLES.get(country, f"{country}123456789")
            text = f"\nThe VAT number [{shown}] for partner [{row.get('name')}] does not seem to be valid.{gap}"
            raise OdooError("ValidationError", f"{text}\nNote: the expected format is {example}")

    def field_company_type(self, number: int, row: dict[str, Any]) -> str:
        return "company" if row.get("is_company") else "person"

    def field_commercial_partner_id(self, number: int, row: dict[str, Any]) -> int:
        while row.get("parent_id") and not row.get("is_company"):
            number = row["parent_id"]
            row = self.table.rows[number]
        return number

    def field_display_name(self, number: int, row: dict[str, Any]) -> str:
        name = row.get("name") or NAMELESS.get(row.get("type", ""), "")
        parent = row.get("parent_id")
        return f"{self.label(parent)}, {name}" if parent and not row.get("is_company") else str(name)

    field_complete_name = field_display_name
