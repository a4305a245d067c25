"""`load`: rows of texts with external ids, created or updated together or not at all."""

from __future__ import annotations

from typing import Any

from .odoo_models import Env, Model
from .odoo_profiles import Field, OdooError
from .odoo_users import check_right

Row = dict[str, Any]
SPACES = 'new row for relation "ir_model_data" violates check constraint "ir_model_data_name_nospaces"\n'


class CellError(Exception):
    """A cell that cannot be converted; `field` is the column's field."""

    def __init__(self, field: Field, message: str) -> None:
        super().__init__(message)
        self.field = field


def load(model: Model, fields: list[str], data: list[list[Any]]) -> Row:
    """The answer of `load`: {ids, messages, nextrow}. Any bad row: ids False and nothing written."""
    env = model.env
    columns = [column.split("/") for column in fields]
    for column in columns:
        if column[0] not in (".id", "id") and column[0] not in model.schema.fields:
            if env.major >= 18:
                raise OdooError("builtins.ValueError", f"Invalid field name '{column[0]}'")
            raise OdooError("builtins.KeyError", column[0])
    messages: list[Row] = []
    ids: list[int] = []
    repeat = False  # 18 and 19 report a refused row once more, for the first row
    try:
        with env.db.savepoint():
            for first, rows in _records(columns, data):
                try:
                    with env.db.savepoint():
                        ids.append(_load_one(model, columns, rows))
                except CellError as error:
                    messages.append(_cell_message(env, error, first, len(rows)))
                except OdooError as error:
                    if error.name.startswith("builtins."):
                        raise
                    repeat = repeat or (first > 0 and not messages and env.major >= 18)
                    messages.append(_row_message(env, error, first, len(rows)))
            if messages:
                raise _Refused
    except _Refused:
        if repeat:
            messages.insert(0, {**messages[0], "record": 0, "rows": {"from": 0, "to": 0}})
        return {"ids": False, "messages": messages, "nextrow": 0}
    return {"ids": ids, "messages": [], "nextrow": 0}


class _Refused(Exception):
    """Takes back every row."""


def _records(columns: list[list[str]], data: list[list[Any]]) -> list[tuple[int, list[list[Any]]]]:
    """Groups rows: one whose own columns are all empty continues the record before it."""
    own = [index for index, column in enumerate(columns) if len(column) < 2 or column[1] in ("id", ".id")]
    found: list[tuple[int, list[list[Any]]]] = []
    for number, row in enumerate(data):
        if found and len(own) < len(columns) and not any(row[index] for index in own):
            found[-1][1].append(row)
        else:
            found.append((number, [row]))
    return found


def _load_one(model: Model, columns: list[list[str]], rows: list[list[Any]]) -> int:
    env, external, number = model.env, "", 0
    values: Row = {}
    for column, cell in zip(columns, rows[0], strict=True):
        if column == ["id"]:
            external = str(cell or "")
        elif column == [".id"]:
            number = int(cell)
        elif len(column) < 2 or column[1] in ("id", ".id"):
            value = _cell(model, column, cell)
            if value is not None:
                values[column[0]] = value
    for name in {column[0] for column in columns if len(column) > 1 and column[1] not in ("id", ".id")}:
        values[name] = _lines(model, name, columns, rows)
    module, _, local = external.partition(".") if "." in external else ("__import__", "", external)
    if external and not number:
        known = env.db.external.get((module, local))
        number = known[1] if known and known[1] in model.table.rows else 0
    check_right(env, model.name, "write" if number else "create")
    if number:
        model.write([number], values)
        return number
    number = model.create_one(values)
    if external:
        if " " in local:
            raise OdooError("psycopg2.errors.CheckViolation", SPACES)
        env.db.name_record(module, local, model.name, number)
    return number


def _lines(model: Model, name: str, columns: list[list[str]], rows: list[list[Any]]) -> list[list[Any]]:
    """The sub-records of a one2many: always new ones, so that loading twice doubles them."""
    child = model.env[model.field(name).relation]
    places = [(index, column[1:]) for index, column in enumerate(columns) if column[0] == name and len(column) > 1]
    commands = []
    for row in rows:
        if any(row[index] for index, _ in places):
            cells = {column[0]: _cell(child, column, row[index]) for index, column in places}
            commands.append([0, 0, {key: value for key, value in cells.items() if value is not None}])
    return commands


def _cell(model: Model, column: list[str], cell: Any) -> Any:
    """One cell as a value for create or write; None leaves the field alone."""
    field = model.field(column[0])
    if field.type == "boolean":
        if not isinstance(cell, str):
            raise OdooError("builtins.AttributeError", f"'{type(cell).__name__}' object has no attribute 'lower'")
        return cell.lower() in ("1", "true", "yes")
    if cell in ("", None, False):
        return False if field.type in ("char", "text", "html", "many2one") else None
    if field.type == "many2one":
        return _target(model.env, field, column[1:], str(cell))
    if field.type == "many2many":
        return [[6, 0, [_target(model.env, field, column[1:], part.strip()) for part in str(cell).split(",")]]]
    if field.type in ("integer", "float", "monetary"):
        try:
            return int(cell) if field.type == "integer" else float(cell)
        except ValueError:
            raise CellError(field, f"'{cell}' does not seem to be a number for field '{field.string}'") from None
    if field.type == "selection" and isinstance(field.selection, list):
        for key, label in field.selection:
            if str(cell) in (key, label):
                return key
        raise CellError(field, f"Value '{cell}' not found in selection field '{field.string}'")
    return str(cell)


def _target(env: Env, field: Field, how: list[str], text: str) -> int:
    """A record by database id (`/.id`), external id (`/id`) or name."""
    target = env[field.relation]
    if how == [".id"]:
        if text.isdigit() and int(text) in target.table.rows:
            return int(text)
        raise CellError(field, f"No matching record found for database id '{text}' in field '{field.string}'")
    if how == ["id"]:
        module, _, local = text.partition(".") if "." in text else ("__import__", "", text)
        found = env.db.external.get((module, local))
        if found and found[0] == field.relation and found[1] in target.table.rows:
            return found[1]
        raise CellError(field, f"No matching record found for external id '{text}' in field '{field.string}'")
    ids = target.search([[target.name_field, "=", text]], 0, 1)
    if not ids:
        raise CellError(field, f"No matching record found for name '{text}' in field '{field.string}'")
    return ids[0]


def _cell_message(env: Env, error: CellError, first: int, count: int) -> Row:
    found = {
        "rows": {"from": first, "to": first + count - 1}, "type": "error", "record": first, "field": error.field.name,
        "message": str(error),
    }  # fmt: skip
    return {**found, "field_name": error.field.string} if env.major >= 15 else found


def _row_message(env: Env, error: OdooError, first: int, count: int) -> Row:
    text = error.message
    if env.major <= 15 and error.name in ("odoo.exceptions.AccessError", "odoo.exceptions.ValidationError"):
        shown = {"res_partner_check_name": "'Contacts require a name'"}.get(text)
        if "barcode_uniq" in text:
            shown = 'duplicate key value violates unique constraint "product_product_barcode_uniq"\n'
        text = shown or f"Unknown error during import: <class '{error.name}'>: {text}"
    elif "Contacts require a name" in text:
        text = "Contacts require a name" if env.major >= 19 else "'Contacts require a name'"
    return {"rows": {"from": first, "to": first + count - 1}, "record": first, "type": "error", "message": text}
