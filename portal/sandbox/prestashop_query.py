"""Reading a list: display, filter[...], sort, limit, date and language, with PrestaShop's errors for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from .prestashop_answer import Column, Languages, Refused, columns
from .prestashop_schema import Resource
from .prestashop_store import Row, Shop, Table, fold

Query = list[tuple[str, str]]

# PrestaShop reports a bad parameter and then stumbles over it: four PHP warnings follow the error.
WARNING = (
    3,
    "[PHP Warning #2] Trying to access array offset on value of type bool"
    " (/var/www/html/classes/webservice/WebserviceRequest.php, line 1299)",
)


def bad(code: int, text: str) -> Refused:
    return Refused(500, (code, text), WARNING, WARNING, WARNING, WARNING)


@dataclass(slots=True)
class Test:
    """One filter: `kind` is in, out, between, more, less or like."""

    field: str
    kind: str
    values: list[str]


def single(query: Query, name: str) -> str | None:
    """The last value of a parameter, as PHP keeps it."""
    return next((value for key, value in reversed(query) if key == name), None)


def displayed(resource: Resource, query: Query) -> list[Column] | None:
    """The columns of `display`; None when only ids are wanted (no display, or display=minimum)."""
    display = single(query, "display")
    if display is None or display == "minimum":
        return None
    if display == "full":
        return columns(resource)
    available = ", ".join(["id", *resource.fields])
    match = re.fullmatch(r"\[(.*)\]", display)
    if match is None:
        form = "You can set 'full' or '[field_1,field_2,field_3,...]'"
        raise bad(36, f"The 'display' syntax is wrong. {form}. These are available: {available}")
    wanted: dict[str, Column] = {}
    for name, inner in re.findall(r"([^,\[\]]+)(?:\[([^\]]*)\])?", match[1]):
        known = resource.associations.get(name) if inner else None
        if known and inner == "id" and name in resource.unnamed:
            continue
        if known and set(inner.split(",")) <= set(known[1]):
            wanted[name] = Column(name, tuple(inner.split(",")))
        elif not inner and (name == "id" or name in resource.fields):
            wanted[name] = Column(name)
        else:
            raise bad(35, f'Unable to display this field "{name}". However, these are available: {available}')
    order = ["id", *resource.fields, *resource.associations]
    return sorted(wanted.values(), key=lambda column: order.index(column.name))


def languages(shop: Shop, query: Query) -> Languages:
    """The languages of `language=`; the odd types of several ids are PrestaShop's own."""
    asked = single(query, "language")
    if asked is None:
        return None
    chosen: list[int | str]
    if match := re.fullmatch(r"\[(\d+),(\d+)\]", asked):
        chosen = [match[1], *range(int(match[1]) + 1, int(match[2]) + 1)]
    else:
        chosen = [*asked.strip("[]").split("|")]
    if not all(str(number).isdigit() for number in chosen):
        raise Refused(400, (79, "language value is wrong"), (81, "language is not available"))
    if not {int(number) for number in chosen} <= set(shop.languages()):
        raise Refused(400, (81, "language is not available"))
    return chosen


def filters(resource: Resource, query: Query) -> list[Test]:
    """The filters of a request; code 31-34 for a field that is not there or cannot be filtered."""
    dated = single(query, "date") == "1"
    tests = []
    for key, value in query:
        match = re.fullmatch(r"filter\[(\w+)\](?:\[(\w+)\])?", key)
        if not match:
            continue
        name, inner = match.groups()
        field = resource.fields.get(name)
        if inner and not (field and field.kind == "l"):
            raise bad(31, "There is no existing linked table for this resource")
        if field and field.computed:
            text = f'The field "{name}" is dynamic. It is not possible to filter GET query with this field.'
            raise bad(34, text)
        unknown = name != "id" and (field is None or (name in resource.dated and not dated))
        if unknown and dated and name in ("date_add", "date_upd"):
            raise BrokenSql(name)
        if unknown:
            available = '", "'.join(["id", *(f for f in resource.fields if f not in resource.dated)])
            raise bad(32, f'This filter does not exist. The full list is: "{available}".')
        if not value:
            raise bad(33, f'The filter "{name}" is malformed.')
        tests.append(_test(name, value))
    return tests


class BrokenSql(Exception):
    """A query MySQL refuses: 8 answers an empty 500, 9 a silent empty list."""


def _test(name: str, value: str) -> Test:
    if match := re.fullmatch(r"(%?)\[(.*)\](%?)", value, re.DOTALL):
        before, inner, after = match.groups()
        if before or after:
            return Test(name, "like", [before + inner + after])
        bounds = inner.split(",")
        if len(bounds) == 2 and all(re.fullmatch(r"[\d\-: T.]+", bound) for bound in bounds):
            low, high = sorted((_moment(b) for b in bounds), key=_comparable)
            return Test(name, "between", [low, high])
        return Test(name, "in", [_moment(part) for part in inner.split("|")])
    if match := re.fullmatch(r"([<>!])\[(.*)\]", value, re.DOTALL):
        sign, inner = match.groups()
        parts = inner.split("|") if sign == "!" else [inner]
        return Test(name, {">": "more", "<": "less", "!": "out"}[sign], [_moment(part) for part in parts])
    return Test(name, "in", [_moment(value)])


def _moment(text: str) -> str:
    return text.replace("T", " ") if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+", text) else text


def _comparable(value: Any) -> tuple[int, float, str]:
    """Numbers by value, everything else by text: enough of what MySQL does for ids, amounts and dates."""
    try:
        return (0, float(value), "")
    except (TypeError, ValueError):
        return (1, 0.0, fold(value))


def _predicate(table: Table, test: Test) -> Callable[[Row], bool]:
    field, values = test.field, [fold(value) for value in test.values]
    chosen, bounds = set(values), [_comparable(value) for value in test.values]
    checks: dict[str, Callable[[Any], bool]] = {
        "in": lambda v: fold(v) in chosen,
        "out": lambda v: fold(v) not in chosen,
        "more": lambda v: _comparable(v) > bounds[0],
        "less": lambda v: _comparable(v) < bounds[0],
        "between": lambda v: bounds[0] <= _comparable(v) <= bounds[1],
        "like": lambda v: like.fullmatch(fold(v)) is not None,
    }
    pattern = "".join({"%": ".*", "_": "."}.get(letter) or re.escape(letter) for letter in values[0])
    like = re.compile(pattern, re.DOTALL)  # _ and % are wild inside the brackets too
    check = checks[test.kind]

    def matches(row: Row) -> bool:
        value = table.value(row, field)
        return any(check(entry["value"]) for entry in value) if isinstance(value, list) else check(value)

    return matches


def _candidates(table: Table, tests: list[Test]) -> list[Row]:
    """A small superset of the rows the filters leave, through the ids or an index where one helps."""
    for test in tests:
        kind = getattr(table.resource.fields.get(test.field), "kind", "")
        if test.field == "id" and test.kind == "in":
            ids = sorted({int(value) for value in test.values if value.isdigit()})
            return [table.rows[number] for number in ids if number in table.rows]
        if test.field == "id" and test.kind == "more" and test.values[0].isdigit():
            return [table.rows[number] for number in table.ids(int(test.values[0]))]
        if test.field == "id" and test.kind == "between" and all(v.isdigit() for v in test.values):
            return [table.rows[n] for n in table.ids(int(test.values[0]) - 1, int(test.values[1]))]
        if test.kind == "in" and kind != "l":
            found = {row["id"]: row for value in test.values for row in table.by(test.field, value)}
            return [found[number] for number in sorted(found)]
    return list(table.rows.values())


def select(table: Table, query: Query) -> list[Row]:
    """The rows a list request asks for, in order; BrokenSql where MySQL would refuse."""
    tests = filters(table.resource, query)
    rows = _candidates(table, tests)
    for test in tests:
        rows = list(filter(_predicate(table, test), rows))
    rows = _sorted(table, rows, query)
    limit = single(query, "limit")
    if limit is None:
        return rows
    parts = limit.split(",")
    if len(parts) > 2:
        raise bad(39, 'The "limit" value has to be formed as this example: "5,25" or "10"')
    numbers = [int(match[0]) if (match := re.match(r"-?\d+", part)) else 0 for part in parts]
    if min(numbers) < 0:
        raise BrokenSql("limit")
    start, count = numbers if len(numbers) == 2 else (0, numbers[0])
    return rows[start : start + count]


def _sorted(table: Table, rows: list[Row], query: Query) -> list[Row]:
    sort = single(query, "sort")
    if sort is None:
        return rows
    resource = table.resource
    for part in reversed(sort.strip("[]").split(",")):
        match = re.fullmatch(r"(.*)_(ASC|DESC)", part)
        if match is None:
            form = "\"field_ASC\" or '[field_1_DESC,field_2_ASC,field_3_ASC,...]'"
            raise bad(37, f'The "sort" value has to be formed as this example: {form}')
        name, direction = match.groups()
        hidden = name in resource.dated and single(query, "date") != "1"
        field = resource.fields.get(name)
        if name != "id" and (field is None or field.computed or hidden):
            available = ", ".join(["id", *(f for f in resource.fields if f not in resource.dated)])
            raise bad(38, f"Unable to filter by this field. However, these are available: {available}")
        rows = sorted(rows, key=_sort_key(table, name), reverse=direction == "DESC")
    return rows


def _sort_key(table: Table, name: str) -> Callable[[Row], Any]:
    if name == "id":
        return itemgetter("id")

    def key(row: Row) -> tuple[int, float, str]:
        value = table.value(row, name)
        return _comparable(value[0]["value"] if isinstance(value, list) and value else value)

    return key
