"""Search domains: `[["email", "=ilike", "a@b.c"], "|", …]` read, indexed where possible, and applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .odoo_profiles import Field, OdooError

if TYPE_CHECKING:
    from .odoo_models import Env

Row = dict[str, Any]
Test = Callable[[int, Row], bool]
COMPARISONS = (">", "<", ">=", "<=")
LIKES = ("like", "ilike", "=like", "=ilike")
OPERATORS = {"=", "!=", "<>", "=?", "in", "not in", "not like", "not ilike", "child_of", "parent_of", *LIKES, *COMPARISONS}
NEGATIVE = {"!=": "=", "<>": "=", "not in": "in", "not like": "like", "not ilike": "ilike"}
PARENTS = {"stock.location": "location_id"}  # elsewhere parent_id


@dataclass
class Condition:
    """A test of a row and, where an index helps, the only ids that can pass."""

    test: Test
    ids: set[int] | None = None


def find(env: Env, model: str, domain: Iterable[Any]) -> list[int]:
    """The ids that satisfy a domain, ascending; ValueError texts are those of the version."""
    condition = _parse(env, model, list(domain))
    rows = env.db.tables[model].rows
    ids = rows if condition.ids is None else condition.ids
    test = condition.test
    return sorted(number for number in ids if number in rows and test(number, rows[number]))


def mentions(domain: Iterable[Any], field: str) -> bool:
    return any(isinstance(item, list | tuple) and len(item) == 3 and item[0] == field for item in domain)


def _parse(env: Env, model: str, domain: list[Any]) -> Condition:
    stack: list[Condition] = []
    for item in reversed(domain):
        if item == "!":
            stack.append(_not(stack.pop()))
        elif item in ("&", "|"):
            join = _and if item == "&" else _or
            stack.append(join(stack.pop(), stack.pop()))
        else:
            stack.append(_leaf(env, model, item))
    result = Condition(lambda number, row: True)
    for condition in reversed(stack):
        result = _and(result, condition)
    return result


def _not(one: Condition) -> Condition:
    return Condition(lambda number, row: not one.test(number, row))


def _and(one: Condition, two: Condition) -> Condition:
    ids = one.ids if two.ids is None else two.ids if one.ids is None else one.ids & two.ids
    return Condition(lambda number, row: one.test(number, row) and two.test(number, row), ids)


def _or(one: Condition, two: Condition) -> Condition:
    ids = None if one.ids is None or two.ids is None else one.ids | two.ids
    return Condition(lambda number, row: one.test(number, row) or two.test(number, row), ids)


def _leaf(env: Env, model: str, item: Any) -> Condition:
    profile = env.db.profile
    if not isinstance(item, list | tuple) or len(item) != 3:
        shown = tuple(item) if isinstance(item, list) else item
        if profile.major >= 19:
            raise OdooError("builtins.ValueError", f"Domain() invalid item in domain: {item!r}")
        text = f"Invalid leaf {shown!r}"
        if profile.major >= 17 and isinstance(item, list):
            text = f"not enough values to unpack (expected 3, got {len(item)})"
        raise OdooError("builtins.ValueError", text)
    name, operator, value = item
    if name in (0, 1) and operator == "=":
        return Condition(lambda number, row: name == value)
    if operator not in OPERATORS:
        kind = "Invalid operator in condition" if profile.major >= 19 else "Invalid leaf"
        raise OdooError("builtins.ValueError", f"{kind} {tuple(item)!r}")
    if operator == "=?":
        if not value:
            return Condition(lambda number, row: True)
        operator = "="
    head, _, tail = env[model].search_as(name).partition(".")
    field = env.db.schemas[model].fields.get(head)
    if field is None:
        kind = "condition" if profile.major >= 19 else "leaf"
        raise OdooError("builtins.ValueError", f"Invalid field {model}.{name} in {kind} {tuple(item)!r}")
    if tail:
        inside = find(env, field.relation, env[field.relation].visible([[tail, operator, value]], sub=True))
        return _relation(env, model, field, set(inside))
    if operator in ("child_of", "parent_of"):
        return _hierarchy(env, model, field, operator, value)
    if operator in NEGATIVE:
        return _not(_positive(env, model, field, NEGATIVE[operator], value))
    return _positive(env, model, field, operator, value)


def _positive(env: Env, model: str, field: Field, operator: str, value: Any) -> Condition:
    if operator == "=" and isinstance(value, list | tuple):
        operator = "in"
    if field.type in ("many2one", "one2many", "many2many"):
        return _relational(env, model, field, operator, value)
    read = env[model].reader(field.name)
    if field.type in ("datetime", "date"):
        read, value = _dates(env, model, field, read, value)
    if operator in ("=", "in"):
        return _equal(env, model, field, read, list(value) if operator == "in" else [value])
    if operator in LIKES:
        return _like(env, model, field, read, operator, value)
    return Condition(_compare(read, operator, value))


def _equal(env: Env, model: str, field: Field, read: Callable[[int, Row], Any], values: list[Any]) -> Condition:
    unset = any(value is None or value is False for value in values)
    wanted = {value for value in values if value is not None and value is not False}
    if field.type == "boolean":
        flags = {bool(value) for value in values}
        return Condition(lambda number, row: bool(read(number, row)) in flags)

    def test(number: int, row: Row) -> bool:
        found = read(number, row)
        return unset if found is False or found is None else found in wanted

    if field.name == "id":
        return Condition(lambda number, row: number in wanted, {v for v in wanted if isinstance(v, int)})
    if unset or not env[model].stores(field.name):
        return Condition(test)
    return Condition(test, _indexed(env, model, field.name, wanted))


def _indexed(env: Env, model: str, name: str, values: Iterable[Any]) -> set[int]:
    table = env.db.tables[model]
    return {number for value in values for number in table.by(name, value)}


def _like(
    env: Env, model: str, field: Field, read: Callable[[int, Row], Any], operator: str, value: Any
) -> Condition:
    text = str(value or "")
    whole = operator.startswith("=")
    parts = re.split(r"(%|_)", text)
    pattern = "".join(".*" if p == "%" else "." if p == "_" else re.escape(p) for p in parts)
    expression = re.compile(pattern if whole else f".*{pattern}.*", re.DOTALL | (re.I if "ilike" in operator else 0))

    def test(number: int, row: Row) -> bool:
        found = read(number, row)
        return bool(expression.fullmatch(str(found))) if found else not text and not whole

    # Many look-ups are "=ilike" on an e-mail address: without wildcards the index, which ignores case, serves.
    plain = whole and len(parts) == 1 and text and env[model].stores(field.name)
    return Condition(test, _indexed(env, model, field.name, [text]) if plain else None)


def _compare(read: Callable[[int, Row], Any], operator: str, value: Any) -> Test:
    def test(number: int, row: Row) -> bool:
        found = read(number, row)
        if found is False or found is None or value is False or value is None:
            return False
        if operator == ">":
            return bool(found > value)
        if operator == ">=":
            return bool(found >= value)
        return bool(found < value) if operator == "<" else bool(found <= value)

    return test


def _dates(
    env: Env, model: str, field: Field, read: Callable[[int, Row], Any], value: Any
) -> tuple[Callable[[int, Row], Any], Any]:
    """The database keeps microseconds; 19 compares whole seconds, the versions before it compare all."""
    for text in value if isinstance(value, list | tuple) else [value]:
        if text and isinstance(text, str):
            try:
                datetime.fromisoformat(text)
            except ValueError:
                if env.db.profile.major >= 19:
                    raise OdooError("builtins.ValueError", f"Invalid term {text!r} in expression date: {text!r}") from None
                raise OdooError(
                    "psycopg2.errors.InvalidDatetimeFormat", f'invalid input syntax for type timestamp: "{text}"\n'
                ) from None
    if isinstance(value, str):
        value = value.replace("T", " ")
    if env.db.profile.major >= 19:
        return (lambda number, row: str(read(number, row) or "")[:19] or False), value
    return read, value


def _relational(env: Env, model: str, field: Field, operator: str, value: Any) -> Condition:
    values = list(value) if operator == "in" else [value]
    numbers = {v for v in values if isinstance(v, int) and not isinstance(v, bool)}
    names = [v for v in values if isinstance(v, str)]
    for name in names:
        kind = operator if "like" in operator else "="
        numbers |= set(find(env, field.relation, [[env[field.relation].name_field, kind, name]]))
    condition = _relation(env, model, field, numbers)
    if any(v is False or v is None for v in values):
        read = env[model].reader(field.name)
        return _or(condition, Condition(lambda number, row: not read(number, row)))
    return condition


def _relation(env: Env, model: str, field: Field, numbers: set[int]) -> Condition:
    """Rows that point to one of the records."""
    read = env[model].reader(field.name)
    if field.type == "many2one":
        stored = env[model].stores(field.name)
        ids = _indexed(env, model, field.name, numbers) if stored and len(numbers) < 2000 else None
        return Condition(lambda number, row: read(number, row) in numbers, ids)
    if field.type == "one2many" and field.inverse:
        rows = env.db.tables[field.relation].rows
        owners = {rows[number].get(field.inverse) for number in numbers if number in rows}
        return Condition(lambda number, row: number in owners, {o for o in owners if o})
    return Condition(lambda number, row: not numbers.isdisjoint(read(number, row)))


def _hierarchy(env: Env, model: str, field: Field, operator: str, value: Any) -> Condition:
    target = model if field.name == "id" else field.relation
    numbers = {v for v in (value if isinstance(value, list | tuple) else [value]) if v}
    family = relatives(env, target, numbers, up=operator == "parent_of")
    if field.name == "id":
        return Condition(lambda number, row: number in family, family)
    return _relation(env, model, field, family)


def relatives(env: Env, model: str, numbers: Iterable[int], *, up: bool = False) -> set[int]:
    """The records and everything below them (or above them) in their tree."""
    table = env.db.tables[model]
    parent = PARENTS.get(model, "parent_id")
    found, todo = set(), list(numbers)
    while todo:
        number = todo.pop()
        if number not in found and number in table.rows:
            found.add(number)
            above = table.rows[number].get(parent)
            todo += ([above] if above else []) if up else table.by(parent, number)
    return found
