"""Values on their way into a row: types, selections, references, commands; and how rows are ordered."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from .odoo_profiles import Field, OdooError

if TYPE_CHECKING:
    from .odoo_models import Env, Model

DEFAULTS: dict[str, Any] = {"integer": 0, "float": 0.0, "monetary": 0.0, "one2many": [], "many2many": []}
PRICES = ("list_price", "lst_price", "standard_price", "price_unit", "price_extra")
QUANTITIES = ("product_uom_qty", "quantity", "inventory_quantity")
IMAGES = (b"\x89PNG", b"\xff\xd8", b"GIF8", b"RIFF", b"<svg", b"<?xml")


def normalise(model: Model, values: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    """The values as they are stored; one2many commands are left out (they make rows elsewhere)."""
    row: dict[str, Any] = {}
    language = model.env.context.get("lang")
    for name, value in values.items():
        field = model.field(name)
        if field.type == "one2many":
            continue
        stored = _convert(model, field, value, old)
        if field.translate and not stored:  # nothing in one language is nothing in all
            row |= {name: stored, **{key: stored for key in old or () if key.startswith(f"{name}:")}}
        elif field.translate and language and language != "en_US":
            row[f"{name}:{language}"] = stored
            if old is None:
                row[name] = stored
        else:
            row[name] = stored
    return row


def _convert(model: Model, field: Field, value: Any, old: dict[str, Any] | None) -> Any:
    kind = field.type
    if kind in ("char", "text", "html"):
        return _text(field, value)
    if kind == "boolean":
        return bool(value)
    if kind == "integer":
        return int(value or 0)
    if kind in ("float", "monetary"):
        return round_as_stored(model.env, field, float(value or 0.0))
    if kind == "many2one":
        return _reference(model, field, value)
    if kind == "many2many":
        return _many(model, field, value, (old or {}).get(field.name, []))
    if kind == "selection":
        return _selection(model, field, value)
    if kind in ("date", "datetime") and value:
        layout = "%Y-%m-%d %H:%M:%S" if len(str(value)) > 10 else "%Y-%m-%d"
        try:
            parsed = datetime.strptime(str(value), layout)  # noqa: DTZ007 - Odoo's dates are UTC without saying so
        except ValueError as error:
            raise OdooError("builtins.ValueError", str(error)) from None
        return parsed.strftime("%Y-%m-%d %H:%M:%S" if kind == "datetime" else "%Y-%m-%d")
    if kind == "binary" and value:
        _check_image(field, str(value))
    return value if value is not None else False


def round_as_stored(env: Env, field: Field, number: float) -> float:
    """Money to the cent, quantities to the unit's digits; prices to those of "Product Price", but in 19 as they are."""
    if field.type == "monetary":
        return round_half_up(number, 2)
    if field.name in PRICES:
        return number if env.major >= 19 else round_half_up(number, precision(env, "Product Price"))
    if field.name in QUANTITIES:
        return round_half_up(number, precision(env, env.db.profile.unit_precision))
    usage = {"discount": "Discount", "weight": "Stock Weight", "volume": "Volume"}.get(field.name)
    return round_half_up(number, precision(env, usage)) if usage else number


def round_half_up(number: float, digits: int) -> float:
    return float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def precision(env: Env, usage: str) -> int:
    """The digits of a decimal accuracy; 2 when it is not set."""
    table = env.db.tables["decimal.precision"]
    found = table.by("name", usage)
    return int(table.rows[found[0]]["digits"]) if found else 2


def _text(field: Field, value: Any) -> Any:
    if value is None or value is False:
        return False
    text = str(value)
    if "\0" in text:
        raise OdooError("builtins.ValueError", "A string literal cannot contain NUL (0x00) characters.")
    if field.type == "html" and text and not text.lstrip().startswith("<"):
        return f"<p>{text}</p>"
    return text


def _selection(model: Model, field: Field, value: Any) -> Any:
    if value is None or value is False:
        return False
    allowed = field.selection
    if allowed == "langs":
        langs = model.env.db.tables["res.lang"]
        allowed = [langs.rows[number]["code"] for number in langs.rows] if model.env.major <= 17 else "any"
    elif isinstance(allowed, list):
        allowed = [key for key, label in allowed]
    if allowed not in ("any", None) and value not in allowed:
        name = "detailed_type" if field.name == "type" and "detailed_type" in model.schema.fields else field.name
        raise OdooError("builtins.ValueError", f"Wrong value for {model.name}.{name}: {value!r}")
    return value


def _reference(model: Model, field: Field, value: Any) -> Any:
    if not value:
        return False
    if isinstance(value, list | tuple | str):
        shown = value[-1] if isinstance(value, list | tuple) else value
        text = f'invalid input syntax for type integer: "{shown}"\n'
        raise OdooError("psycopg2.errors.InvalidTextRepresentation", text)
    number = int(value)
    tables = model.env.db.tables
    if field.relation in tables and number not in tables[field.relation].rows:
        raise model.env.db.profile.bad_reference(model.schema, field, number, model.env.uid)
    return number


def _many(model: Model, field: Field, value: Any, current: list[int]) -> list[int]:
    commands = value or []
    if commands and all(isinstance(command, int) for command in commands):
        commands = [[6, 0, commands]]
    ids = list(current)
    for command in commands:
        code, number = command[0], command[1] if len(command) > 1 else 0
        if code == 0:
            ids.append(model.env[field.relation].create_one(command[2]))
        elif code == 4:
            ids.append(number)
        elif code in (2, 3):
            ids = [one for one in ids if one != number]
        elif code == 5:
            ids = []
        elif code == 6:
            ids = list(command[2])
    ids = list(dict.fromkeys(ids))
    if field.relation in model.env.db.tables:
        for number in ids:
            if number not in model.env.db.tables[field.relation].rows:
                raise model.env.db.profile.bad_reference(model.schema, field, number, model.env.uid)
    return ids


def _check_image(field: Field, value: str) -> None:
    try:
        content = base64.b64decode(value)
    except (binascii.Error, ValueError):
        content = b""
    if field.name.startswith("image") and not content.startswith(IMAGES):
        raise OdooError("UserError", "This file could not be decoded as an image file.")


def sort_key(env: Env, field: Field, value: Any) -> tuple[bool, Any]:
    """Unset values come last in ascending order, as in PostgreSQL."""
    if value is False or value is None:
        return field.type != "boolean", False if field.type == "boolean" else ""
    if field.type == "many2one":
        return False, env[field.relation].label(value)
    return False, value.casefold() if isinstance(value, str) else value
