"""What changed in Odoo since the last look: one call per model, by `write_date`.

The mark is the newest `write_date` seen, never our own clock. Odoo stamps a row with the beginning of its transaction, which may
be committed minutes later, so every look goes back by `OVERLAP` and drops what it saw before. Answers have seconds, the database
microseconds, and `>` skips the whole second in 19 (measured): `>=`, and rows of the newest second are looked at once more later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.clients.odoo import Odoo

OVERLAP = timedelta(seconds=300)
"""Odoo ends a request after 120 s; scheduled actions may take longer."""
PAGE = 1000
SECOND_IS_OVER = 2.0
"""Seconds after which nothing more can be stamped with a second that was seen."""
REMEMBERED = 2000
"""Rows of the overlap that are remembered; after a larger burst they are noticed again, and found equal."""

Mark = dict[str, Any]
"""`at`: the newest write_date; `since`: when we first saw it, by our clock; `seen`: {id: write_date} of the overlap."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Feed:
    """A model to be watched for an entity: the fields that lead to the entity's record, and which rows count."""

    entity: str
    model: str
    fields: tuple[str, ...]
    domain: tuple[Any, ...] = ()


FEEDS: tuple[Feed, ...] = (
    Feed("product", "product.template", ("sale_ok",)),
    Feed("product", "product.product", ("sale_ok", "product_tmpl_id")),  # a cost moves only the variant
    Feed("product", "product.template.attribute.value", ("product_tmpl_id",)),  # a price extra moves neither
    Feed("stock", "stock.quant", ("product_id",), (("location_id.usage", "=", "internal"),)),
    Feed("stock", "stock.move", ("product_id",)),  # a quant that is emptied is deleted and leaves no trace; its move stays
    Feed("order", "sale.order", ("state",), (("origin", "=like", "PS/%"),)),
    Feed("order", "stock.picking", ("sale_id",), (("sale_id", "!=", False),)),
)


def read(odoo: Odoo, feed: Feed, mark: Mark | None, now: float) -> tuple[list[Row], Mark]:
    """The rows that changed, and the next mark. Without a mark nothing counts as changed: the watch begins now (seconds)."""
    if mark is None:
        newest = odoo.search_read(feed.model, feed.domain, ["write_date"], order="write_date desc, id desc", limit=1,
                                  context={"active_test": False})
        begin = str(newest[0]["write_date"]) if newest else "1970-01-01 00:00:00"
        return [], read(odoo, feed, {"at": begin, "since": now, "seen": {}}, now)[1]
    since = str(datetime.fromisoformat(mark["at"]) - OVERLAP)
    rows: list[Row] = []
    at, last = mark["at"], 0
    while True:
        page = odoo.search_read(feed.model, [*feed.domain, ("write_date", ">=", since), ("id", ">", last)],
                                [*feed.fields, "write_date"], order="id", limit=PAGE, context={"active_test": False})
        if not last:  # later pages are read later: what changed meanwhile on the first must be found by the next look
            at = max([mark["at"], *(str(row["write_date"]) for row in page)])
        rows += page
        if len(page) < PAGE:
            return unseen(rows, "write_date", mark), next_mark(rows, "write_date", mark, at, now)
        last = page[-1]["id"]


def unseen(rows: Sequence[Row], stamp: str, mark: Mapping[str, Any]) -> list[Row]:
    """The rows that were not seen with this stamp before."""
    return [row for row in rows if mark["seen"].get(str(row["id"])) != row[stamp]]


def next_mark(rows: Sequence[Row], stamp: str, mark: Mapping[str, Any], at: str, now: float) -> Mark:
    """The mark after these rows. Those of the newest second may change once more within it, so they are remembered only when
    they are read again after it."""
    since = mark["since"] if mark["at"] == at else now
    over = now - since >= SECOND_IS_OVER
    seen = {str(row["id"]): row[stamp] for row in rows if row[stamp] != at or over}
    return {"at": at, "since": since, "seen": seen if len(seen) <= REMEMBERED else {}}
