"""Reading the webservice's JSON: tolerant of what PHP and modules print around it, never of a part that is missing. Pure.

How records come out, whatever the shop's PHP version made of the types:
- `id`, every `id_…` and the other references to records are int, 0 = none;
- everything else is str, "" = none (the shop's null, "" and missing alike); prices keep their six decimals for Decimal;
- a text in several languages is {language id: text}; with `language=` given, or in a shop with one language, str;
- associations are in `record["associations"][name]`, always a list of dicts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

Record = dict[str, Any]

OTHER_IDS = frozenset({"product_id", "product_attribute_id", "current_state", "id"})

HARMLESS = frozenset({3, 5, 11, 12, 13, 15})
"""Codes of PHP warnings, notices and deprecations (webserviceErrorHandler): they make the status 500 but stop nothing."""


class Unreadable(Exception):
    """The answer is cut, empty or something else than the webservice's own."""


@dataclass(frozen=True)
class Fault:
    """One entry of the shop's error list. Decide by `code`; `message` is unescaped (8 escapes `->`, 9 does not)."""

    code: int
    message: str


@dataclass(frozen=True)
class Document:
    """A whole answer. `records` is None where it holds only errors. `noise` is what stood around the JSON."""

    records: list[Record] | None
    faults: list[Fault] = field(default_factory=list)
    noise: str = ""

    @property
    def harmless(self) -> bool:
        """True where nothing but PHP notices was reported beside the records."""
        return self.records is not None and all(fault.code in HARMLESS for fault in self.faults)


def decode(body: bytes, names: Iterable[str], fields: Sequence[str] = ()) -> Document:
    """Read an answer whose records stand under one of `names`, and fill in `fields` that are missing.

    Raises Unreadable unless the outermost JSON is whole and is such an answer.
    """
    known = {*names, "errors"}
    value, noise = _outermost(body.decode("utf-8-sig", "surrogateescape").replace("\ufeff", ""), known)
    if value == []:
        return Document([], noise=noise)
    if not isinstance(value, dict) or not value or not known.issuperset(value):
        raise Unreadable("The answer is JSON but not the webservice's.")
    faults = [_fault(entry) for entry in _rows(value.pop("errors", []))]
    if not value:
        return Document(None, faults, noise)
    (found,) = value.values()
    rows = [found] if isinstance(found, dict) else _rows(found)
    return Document([normalise(row, fields) for row in rows], faults, noise)


def normalise(row: Record, fields: Sequence[str] = ()) -> Record:
    """One record with stable types (see the module's text), every field of `fields` present."""
    linked = row.get("associations")
    associations = {name: [_plain(entry) for entry in _entries(value)]
                    for name, value in (linked.items() if isinstance(linked, dict) else ())}
    record = _plain({name: value for name, value in row.items() if name != "associations"})
    for wanted in fields:
        name, _, inner = wanted.partition("[")
        if inner:
            rows = associations.setdefault(name, [])
            for entry in rows:
                for sub in inner.rstrip("]").split(","):
                    entry.setdefault(sub, _value(sub, None))
        elif name not in record and name not in associations:
            record[name] = _value(name, None)
    if fields and not record.get("id"):
        raise Unreadable("A record in the answer has no id.")
    if associations:
        record["associations"] = associations
    return record


def _outermost(text: str, known: set[str]) -> tuple[Any, str]:
    """The JSON document in `text` and what surrounds it. The first opening of a known name is the outermost one."""
    stripped = text.strip()
    opening = re.search(r'\{\s*"(?:' + "|".join(map(re.escape, sorted(known))) + r')"\s*:\s*[\[{]', stripped)
    try:
        if opening is None:
            return _empty(stripped)
        value, end = _decoder.raw_decode(stripped, opening.start())
        stripped[opening.start():end].encode()  # fails on bytes that are not UTF-8
    except (ValueError, RecursionError) as error:
        raise Unreadable("The answer is cut or is not JSON.") from error
    return value, (stripped[:opening.start()] + stripped[end:]).strip()


def _empty(text: str) -> tuple[Any, str]:
    """An empty list: alone, or on its own at the very end after PHP's notices; a notice may itself contain `[]`."""
    if text == "[]":
        return [], ""
    noise = re.fullmatch(r"(?s)(.*(?:>|\n))\s*\[\]", text)
    if noise and not re.search(r"(?i)fatal error|parse error|uncaught", noise[1]) and "{" not in noise[1]:
        return [], noise[1].strip()
    raise Unreadable("The answer is empty." if not text else "The answer is not JSON.")


def _refuse_constant(text: str) -> str:
    raise ValueError(text)


_decoder = json.JSONDecoder(parse_float=str, parse_constant=_refuse_constant)


def _rows(value: object) -> list[Record]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Unreadable("The answer's list holds something else than records.")
    return value


def _entries(value: object) -> list[Record]:
    """An association's rows: a list, a single row, a dict around the list, or nothing."""
    if isinstance(value, dict):
        inner = list(value.values())
        if len(inner) == 1 and isinstance(inner[0], list | dict):
            return _entries(inner[0])
        return [value] if value else []
    return _rows(value or [])


def _plain(row: Record) -> Record:
    return {name: _value(name, value) for name, value in row.items()}


def _value(name: str, value: object) -> int | str | dict[int, str]:
    if isinstance(value, list | dict) and value:
        return {_int(entry.get("id")): str(entry.get("value") or "") for entry in _entries(value)}
    text = "" if value is None or isinstance(value, list | dict) else str(int(value) if isinstance(value, bool) else value)
    return _int(text) if name in OTHER_IDS or name.startswith("id_") else text


def _int(value: object) -> int:
    try:
        return int(str(value or 0))
    except ValueError as error:
        raise Unreadable("The answer has text where a record's id should stand.") from error


def _fault(entry: Record) -> Fault:
    return Fault(_int(entry.get("code")), unescape(str(entry.get("message") or "")).strip())
