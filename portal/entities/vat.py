"""VAT numbers: their normal form, and whether one looks like its country's. A wrong number is a warning, never a refusal."""

from __future__ import annotations

import re
from typing import Any

from portal.entities.text import clean

_FORMATS = {
    "AT": r"U\d{8}", "BE": r"[01]?\d{9}", "BG": r"\d{9,10}", "CH": r"E?\d{9}(MWST|TVA|IVA)?", "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}", "DE": r"\d{9}", "DK": r"\d{8}", "EE": r"\d{9}", "ES": r"[A-Z0-9]\d{7}[A-Z0-9]", "FI": r"\d{8}",
    "FR": r"[A-Z0-9]{2}\d{9}",
    "GB": r"\d{9}|\d{12}|(GD|HA)\d{3}", "GR": r"\d{9}", "HR": r"\d{11}", "HU": r"\d{8}", "IE": r"[0-9A-Z]{7,9}", "IT": r"\d{11}",
    "LT": r"\d{9}|\d{12}", "LU": r"\d{8}", "LV": r"\d{11}", "MT": r"\d{8}", "NL": r"\d{9}B\d{2}", "PL": r"\d{10}", "PT": r"\d{9}",
    "RO": r"\d{2,10}", "SE": r"\d{12}", "SI": r"\d{8}", "SK": r"\d{10}"}
"""What follows the country's letters. Check digits are not asked for: this only tells a warning."""
_PREFIXES = {"EL": "GR", "XI": "GB"}


def vat_number(value: Any) -> str:
    """A VAT number in capitals without spaces; "" for what has no letter or digit, such as "/" or "-"."""
    text = "".join(clean(value).split()).upper()
    return text if any(c.isalnum() for c in text) else ""


def same_vat(one: Any, other: Any) -> bool:
    """Whether two spellings mean one number: dots, dashes and a country's letters in front of one of them do not matter."""
    first, second = sorted((bare(one), bare(other)), key=len)
    return first == second or bool(first and second[:2].isalpha() and second[2:] == first)


def doubtful(value: Any, country: str) -> bool:
    """Whether the number has not the form of its country (the letters it begins with, else `country`). Unknown forms pass."""
    number = bare(value)
    prefix = _PREFIXES.get(number[:2], number[:2])
    if prefix in _FORMATS and not re.fullmatch(_FORMATS.get(country, "$^"), number):
        country, number = prefix, number[2:]
    return bool(number) and country in _FORMATS and not re.fullmatch(_FORMATS[country], number)


def bare(value: Any) -> str:
    """Letters and digits only."""
    return "".join(c for c in vat_number(value) if c.isalnum())
