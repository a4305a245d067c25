"""The recorded shops and the Odoo versions that the mapping is tried on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from portal.entities.base import OdooFacts, Row, ShopFacts

SHOPS = ("8.1.2", "9.1.4")
VERSIONS = (14, 15, 16, 17, 18, 19)

_FIXTURES = Path(__file__).parents[1] / "fixtures" / "entities"
_COUNTRIES = {"DE": 57, "BE": 20, "CA": 38, "ES": 68, "FR": 75, "DK": 59, "US": 233}
_STATES = {("US", "ca"): 13, ("US", "california"): 13, ("US", "ny"): 43, ("US", "new york"): 43, ("US", "tx"): 52,
           ("US", "texas"): 52, ("CA", "on"): 536, ("CA", "ontario"): 536, ("ES", "m"): 448, ("ES", "madrid"): 448}
_LANGUAGES = ("en_US", "fr_FR")


@cache
def recorded(shop: str) -> dict[str, Any]:
    """Rows of one recorded shop; the language keys of texts are numbers again, as from the client."""
    content = json.loads((_FIXTURES / f"{shop}.json").read_text(encoding="utf-8"))
    for row in content["products"]:
        for field in ("name", "description_short"):
            row[field] = {int(language): text for language, text in row[field].items()}
    return content  # type: ignore[no-any-return]


def shop_facts(shop: str) -> ShopFacts:
    facts = recorded(shop)["facts"]
    return ShopFacts({int(i): iso for i, iso in facts["languages"].items()}, 1,
                     {int(i): iso for i, iso in facts["countries"].items()},
                     {int(i): (code, name) for i, (code, name) in facts["states"].items()})


def odoo_facts(version: int) -> OdooFacts:
    """What `odoo-measured` says of each version: product types, telephone fields, decimals. Switzerland is left unknown."""
    if version == 14:
        storable: dict[str, Any] = {"type": "product"}
    elif version < 18:
        storable = {"detailed_type": "product"}
    else:
        storable = {"type": "consu", "is_storable": True}
    service = {"detailed_type" if 15 <= version <= 17 else "type": "service"}
    digits = 2 if version < 19 else 6
    return OdooFacts(storable, service, version < 19, _COUNTRIES, _STATES, _LANGUAGES, digits, digits)


def as_read(row: Row) -> Row:
    """What Odoo answers when the written row is read: pairs for links."""
    return {name: [value, "a name"] if value and name.endswith("_id") else value for name, value in row.items()}
