"""Languages: PrestaShop's two-letter codes and Odoo's locale codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_REGIONAL = {"gb": "en_GB", "br": "pt_BR", "mx": "es_MX", "ag": "es_AR", "qc": "fr_CA", "tw": "zh_TW", "zh": "zh_CN",
             "si": "sl_SI", "vn": "vi_VN"}
"""PrestaShop names some languages by a country or region instead of the language."""
_SHOP = {locale: iso for iso, locale in _REGIONAL.items()}


def odoo_language(iso: str, installed: Sequence[str]) -> str:
    """The installed Odoo language for a shop's code such as "fr" or "gb"; "" where there is none.

    The region's own comes first, then the language's usual one (fr_FR, en_US), then any of that language.
    """
    iso = iso.strip().lower()
    if not iso:
        return ""
    locale = _REGIONAL.get(iso, "en_US" if iso == "en" else f"{iso}_{iso.upper()}")
    if locale in installed:
        return locale
    return next((code for code in installed if _language(code) == _language(locale)), "")


def shop_language(code: Any) -> str:
    """The shop's code for an Odoo language: "fr" for fr_FR, "gb" for en_GB; "" for none."""
    text = str(code or "")
    return _SHOP.get(text, _language(text))


def _language(code: str) -> str:
    return re.split("[_@-]", code)[0].lower()
