"""What callers from outside send, read and checked. Pure: bytes in, facts out; a table of bad bodies tests it.

Bodies accepted on `/webhook`: the guide's `{"token", "entity": "stock", "odoo_id", "qty"}` and
`{"token", "entity": "order_state", "odoo_id", "state"}`, and what Odoo's own webhook action sends since 17:
`{"_model", "_id", "_action", …}`. Values are hints; the record itself is read again before anything is done.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

LARGEST = 64 * 1024
LARGEST_ID = 2**63 - 1
LARGEST_QUANTITY = Decimal(10) ** 9
STATES = ("cancel", "sale", "done")
MODELS = {"product.template": "product", "product.product": "product", "stock.quant": "stock", "stock.move": "stock",
          "stock.picking": "stock", "sale.order": "order"}
"""Odoo models whose webhooks mean something here, and the entity they touch."""

_TOKEN = re.compile(rb'"token"\s*:\s*"([A-Za-z0-9_-]{20,200})"')


class BodyError(Exception):
    """A body that cannot be taken: HTTP status (400 not JSON, 422 wrong content), the field, and a sentence."""

    def __init__(self, status: int, field: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Note:
    """A change in Odoo somebody told us of: the entity it touches, the record's key, and the values as hints."""

    entity: str
    record: str
    hint: dict[str, Any]


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body; raises `BodyError`."""
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_float=Decimal,
                              object_pairs_hook=_without_doubles)
    except BodyError:
        raise
    except UnicodeDecodeError:
        raise BodyError(400, "", "The body is not UTF-8 text.") from None
    except (ValueError, RecursionError, ArithmeticError):
        raise BodyError(400, "", "The body is not valid JSON.") from None
    if not isinstance(document, dict):
        raise BodyError(422, "", "The body must be a JSON object.")
    return document


def token_of(raw: bytes) -> str | None:
    """The token in a body, also in one that is too large or not valid JSON."""
    found = _TOKEN.search(raw)
    return found.group(1).decode() if found else None


def read_webhook(body: dict[str, Any]) -> Note:
    """What a webhook says; raises `BodyError` naming the field."""
    return _native(body) if "_model" in body else _guide(body)


def _guide(body: dict[str, Any]) -> Note:
    entity = _required(body, "entity")
    if entity not in ("stock", "order_state"):
        raise BodyError(422, "entity", "entity: must be stock or order_state.")
    number = _record_id(body, "odoo_id")
    if entity == "stock":
        return Note("stock", f"odoo:{number}", {"qty": str(_quantity(body))})
    state = _required(body, "state")
    if state not in STATES:
        raise BodyError(422, "state", f"state: must be one of {', '.join(STATES)}.")
    return Note("order", f"odoo:{number}", {"state": state})


def _native(body: dict[str, Any]) -> Note:
    model = body["_model"]
    if not isinstance(model, str) or model not in MODELS:
        raise BodyError(422, "_model", f"_model: must be one of {', '.join(MODELS)}.")
    return Note(MODELS[model], f"{model}:{_record_id(body, '_id')}", {})


def _required(body: dict[str, Any], field: str) -> Any:
    if body.get(field) in (None, ""):
        raise BodyError(422, field, f"{field}: is missing.")
    return body[field]


def _record_id(body: dict[str, Any], field: str) -> int:
    value = _required(body, field)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST_ID:
        raise BodyError(422, field, f"{field}: must be a whole number above 0.")
    return value


def _quantity(body: dict[str, Any]) -> Decimal:
    value = _required(body, "qty")
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= LARGEST_QUANTITY:
        raise BodyError(422, "qty", f"qty: must be a number from 0 to {LARGEST_QUANTITY:,}.")
    return Decimal(value)


def _no_constant(name: str) -> NoReturn:
    raise BodyError(400, "", f"The body is not valid JSON: {name} is no JSON number.")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:64]
        raise BodyError(422, twice, f"{twice}: is given twice.")
    return found
