"""POST, PUT, PATCH and DELETE: XML in, validation, the shop's own rules, and the answer to a write."""

from __future__ import annotations

from .prestashop_answer import Refused
from .prestashop_query import Query
from .prestashop_store import Shop, Table


def write(
    shop: Shop, table: Table, method: str, number: str | None, query: Query, body: bytes, as_json: bool
) -> tuple[bytes, bool, int]:
    raise Refused(500, bare=True)
