"""Languages: PrestaShop's two-letter codes and Odoo's locale codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_REGIONAL = {"gb": "en_GB", "br": "pt_BR", "mx": "es_MX", "ag": "es_AR", "qc": "fr_CA", "tw": "zh_TW", "zh": "zh_CN",
             "si": "sl_SI", "vn": "vi_VN"}
"""PrestaShop names some languages by a country or region instead of the language."""
_SHOP = {locale: iso for iso, locale in _REGIONAL.items()}


def odoo_language(iso: str, installed: Sequence[str]) -> str:
    """The installed Odoo language for a shop's code such as "fr" or "gb"; "" where there is none.

    The region's own comes first, then the language's usual one (fr_FR, en_US), then any of that language.
    """
    locale = _locale(iso)
    if not locale or locale in installed:
        return locale
    return next((code for code in installed if _language(code) == _language(locale)), "")


def main_language(languages: Mapping[int, str], default: int, own: str, installed: Sequence[str]) -> int:
    """The shop's language whose texts stand in Odoo in the user's language `own`: the one that is the same, else the default."""
    same = [number for number, iso in sorted(languages.items()) if odoo_language(iso, installed) == own]
    return default if default in same or not same else same[0]


def shared_languages(languages: Mapping[int, str], own: str, installed: Sequence[str]) -> dict[int, str]:
    """The shop's languages that Odoo has, too, except its user's `own`: id → Odoo's code. Where two of the shop have but one in
    Odoo (en and gb), the exact one stands for it."""
    found = {number: code for number, iso in sorted(languages.items()) if (code := odoo_language(iso, installed)) not in ("", own)}
    best: dict[str, int] = {}
    for number in sorted(found, key=lambda number: (_locale(languages[number]) != found[number], number)):
        best.setdefault(found[number], number)
    return {number: code for number, code in found.items() if best[code] == number}


def shop_language(code: Any) -> str:
    """The shop's code for an Odoo language: "fr" for fr_FR, "gb" for en_GB; "" for none."""
    text = str(code or "")
    return _SHOP.get(text, _language(text))


def _locale(iso: str) -> str:
    """Odoo's usual code for a shop's code; "" for none."""
    iso = iso.strip().lower()
    return _REGIONAL.get(iso, "en_US" if iso == "en" else f"{iso}_{iso.upper()}") if iso else ""


def _language(code: str) -> str:
    return re.split("[_@-]", code)[0].lower()
