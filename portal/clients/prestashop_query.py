"""What a PrestaShop webservice request may ask for: fields, filters and the address they make. Pure.

Filter syntax as recorded from 8.1.2 and 9.1.4: `[5]`, `[1|5]` (any of), `[1,5]` (interval, ends included), `>[5]`, `%[x]%`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from portal.clients.errors import Rejected

URL_BYTES = 6000
"""Longest path and query of one request; nginx and Apache refuse 8 KB with status 414."""

IDS_PER_REQUEST = 500
"""Most records asked for at once, so that an answer stays far below PHP's memory limit."""

SLIM_IDS = 700
"""The same for records of a few numbers; with ids of five digits the address just holds them."""

SECRET = re.compile(r"passw|secure_key|token|secret|_pwd|hash")
"""Fields that the connector never needs and must never hold: password hashes, session keys, reset tokens and their kin."""

SETTINGS = ("PS_TIMEZONE", "PS_LANG_DEFAULT", "PS_CURRENCY_DEFAULT", "PS_HOME_CATEGORY", "PS_ROUND_TYPE", "PS_PRICE_ROUND_MODE",
            "PS_STOCK_MANAGEMENT", "PS_ORDER_OUT_OF_STOCK", "PS_TAX_ADDRESS_TYPE", "PS_VERSION_DB")
"""The settings the connector reads, with every `PS_OS_…`. Others may hold passwords, so they are never asked for."""

UNDATED = frozenset({"stock_availables", "combinations"})
"""Resources without dates: a date filter there is an empty 500 on 8 and, worse, an empty list on 9."""

UNNAMED = {"combinations": frozenset({"product_option_values", "images"})}
"""Associations whose ids PrestaShop shows only by `display=full`: asked for by name on PHP 8, they come back empty (real 8.2)."""

_FIELD = re.compile(r"[a-z][a-z0-9_]*(\[[a-z0-9_,]+\])?")
_RESOURCE = re.compile(r"[a-z][a-z_]*")
_NAME = re.compile(r"[a-z][a-z0-9_]*(\[\d+\])?")


def any_of(values: Iterable[str | int]) -> str:
    """The filter `[a|b]`: the field equals one of `values`. The shop ignores case, so compare what comes back.

    Raises Rejected for a text the filter syntax cannot express: it would match something else in silence.
    """
    texts = [str(value) for value in values]
    for text in texts:
        if not text.strip() or re.search(r"[|\[\]]", text) or re.fullmatch(r"[\d\s:.-]+,[\d\s:.-]+", text):
            raise Rejected("shop", f"PrestaShop cannot search for the value {text!r}.", cause="shop:search",
                           remedy="Give the record a value without the characters | [ ] and without a comma between digits.")
    return f"[{'|'.join(texts)}]"


def between(first: str | int, last: str | int) -> str:
    """The filter `[first,last]` for numbers and dates, both ends included (`>` would miss rows of the same second)."""
    return f"[{first},{last}]"


def display(fields: Iterable[str]) -> list[str]:
    """The fields to ask for, `id` first, each once. An association is written `order_rows[id,product_id]`.

    Raises ValueError for a secret, for `full`, and for what is no field name.
    """
    wanted = list(dict.fromkeys(["id", *fields]))
    for field in wanted:
        if not _FIELD.fullmatch(field) or field == "full":
            raise ValueError(f"{field!r} is not a field name")
        if SECRET.search(field):
            raise ValueError(f"{field!r} is a secret and is never asked for")
    return wanted


def check_resource(resource: str, filters: Mapping[str, str]) -> None:
    """Raise ValueError for what must not be asked: other settings than our own, employees and their passwords."""
    if not _RESOURCE.fullmatch(resource):
        raise ValueError(f"{resource!r} is not a resource name")
    if resource in ("employees", "guests", "customer_threads", "customer_messages"):
        raise ValueError(f"{resource!r} is none of the connector's business")
    if resource == "configurations":
        names = filters.get("name", "").strip("[]").split("|")
        if not all(name in SETTINGS or name.startswith("PS_OS_") for name in names):
            raise ValueError("only the connector's own settings are read")
    for name in filters:
        if not _NAME.fullmatch(name) or SECRET.search(name):
            raise ValueError(f"{name!r} cannot be filtered")


def path(resource: str, fields: Sequence[str], filters: Mapping[str, str], *, sort: str = "[id_ASC]",
         limit: int | None = None, dated: bool = False, language: int | None = None) -> str:
    """Path and query of a list, to be put behind `/api/`.

    `dated` allows filters and sorting on date fields; with an association of `UNNAMED` whole records come. Raises ValueError
    where the shop would answer an empty list although the question is wrong (measured: limit 0, and on 9 every SQL error).
    """
    check_resource(resource, filters)
    asks_dates = any(name.startswith("date_") for name in filters) or "date_" in sort
    if asks_dates and (not dated or resource in UNDATED):
        raise ValueError(f"{resource} cannot be asked by date")
    if limit is not None and limit < 1:
        raise ValueError("limit must be at least 1")
    if not all(filters.values()):
        raise ValueError("a filter needs a value")
    if not re.fullmatch(r"\[[a-z_]+_(ASC|DESC)(,[a-z_]+_(ASC|DESC))*\]", sort) or SECRET.search(sort):
        raise ValueError(f"{sort!r} is no order")
    whole = any(field.partition("[")[0] in UNNAMED.get(resource, ()) for field in fields)
    parts = [("display", "full" if whole else f"[{','.join(fields)}]")]
    parts += [(f"filter[{name}]", value) for name, value in filters.items()]
    parts += [("date", "1")] if dated else []
    parts += [("sort", sort)]
    parts += [("limit", str(limit))] if limit is not None else []
    parts += [("language", str(language))] if language is not None else []
    parts += [("output_format", "JSON")]
    return f"{resource}?" + "&".join(f"{name}={quote(value, safe='[],')}" for name, value in parts)


def chunks(values: Iterable[str | int], used: int, most: int = IDS_PER_REQUEST) -> Iterator[list[str | int]]:
    """Split a list so that each request stays below `URL_BYTES`; `used` bytes are taken by the rest of the address."""
    chunk: list[str | int] = []
    length = used
    for value in values:
        size = len(quote(f"|{value}"))
        if chunk and (length + size > URL_BYTES or len(chunk) == most):
            yield chunk
            chunk, length = [], used
        chunk.append(value)
        length += size
    if chunk:
        yield chunk
