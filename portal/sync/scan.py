"""The full comparison of what carries no date in the shop: stock lines, combinations, and records that were deleted.

A thousand ids at a time, one call each, compared with digests of the last round; only differences are noticed. Only what is
linked counts: bringing a shop to Odoo for the first time is the initial sync's business. It can stop and go on at every page.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.clients.prestashop import between
from portal.entities import combination, stock
from portal.models import ScanPage, Store
from portal.settings import allowed
from portal.sync import jobs, known
from portal.sync.services import Services

PAGE = 1000
SECONDS = 120.0
"""After which a round stops for now, well within the time of its task; the next poll goes on."""

Row = dict[str, Any]
Cursor = dict[str, Any]


@dataclass(frozen=True)
class Scanned:
    """A resource: the entity whose record a difference concerns, the fields compared, and how a row names record and owner."""

    entity: str
    resource: str
    fields: tuple[str, ...]
    record: Callable[[Row], str]
    owner: Callable[[Row], str]
    deletions: bool = True


SCANNED: tuple[Scanned, ...] = (
    Scanned("stock", "stock_availables", ("id_product", "id_product_attribute", "quantity"),
            lambda row: stock.record_key(int(row["id_product"]), int(row["id_product_attribute"] or 0)),
            lambda row: str(row["id_product"]), deletions=False),
    Scanned("product", "combinations", combination.FIELDS, lambda row: str(row["id_product"]), lambda row: str(row["id_product"])),
    Scanned("product", "products", ("id",), lambda row: str(row["id"]), lambda row: str(row["id"])),
    Scanned("customer", "customers", ("id",), lambda row: str(row["id"]), lambda row: str(row["id"])),
)


def scan(services: Services, store: Store, cursor: Cursor | None) -> Cursor | None:
    """Go on with the comparison from the cursor; where it stopped, or None when it is through. Raises `RemoteError`."""
    wanted = [s for s in SCANNED if allowed(store.settings, s.entity, "ps_to_odoo")]
    names = [s.resource for s in wanted]
    place = cursor or {}
    start = names.index(place["resource"]) if place.get("resource") in names else 0
    page = int(place.get("page", 0)) if place.get("resource") in names else 0
    until = time.monotonic() + SECONDS
    for scanned in wanted[start:]:
        newest = services.shop(store).find(scanned.resource, {}, ["id"], sort="[id_DESC]", limit=1)
        last = max([int(row["id"]) for row in newest] + [_highest(services, store, scanned)])
        while page * PAGE <= last:
            if time.monotonic() > until:
                return {"resource": scanned.resource, "page": page}
            _compare(services, store, scanned, page)
            page += 1
        page = 0
    return None


def _compare(services: Services, store: Store, scanned: Scanned, page: int) -> None:
    """One page: read, compare, and in one transaction notice the differences and remember."""
    shop = services.shop(store)
    first = page * PAGE
    rows = shop.find(scanned.resource, {"id": between(max(first, 1), first + PAGE - 1)}, scanned.fields)
    with services.db.read() as session:
        kept = session.get(ScanPage, (store.id, scanned.resource, page))
        before: dict[str, list[str]] = kept.rows if kept else {}
        entity = "customer" if scanned.entity == "customer" else "product"
        linked = known.shop_records(session, store, entity, {scanned.owner(row) for row in rows})
    if before and not rows:
        shop.read(scanned.resource, [next(iter(before))], ["id"])  # raises where an empty list only hides an error of the shop
    after = {str(row["id"]): [_digest(row), scanned.record(row)] for row in rows if scanned.owner(row) in linked}
    changed = {record for number, (digest, record) in after.items()
               if before.get(number, ["", ""])[0] != digest and (scanned.fields != ("id",))}
    if scanned.deletions:
        present = {str(row["id"]) for row in rows}
        changed |= {record for number, (_, record) in before.items() if number not in present}
    with services.db.begin() as session:
        if changed:
            jobs.notice_many(session, store, scanned.entity, "ps_to_odoo", sorted(changed), source="scan")
        if after != before:
            session.merge(ScanPage(store_id=store.id, resource=scanned.resource, page=page, rows=after))


def _highest(services: Services, store: Store, scanned: Scanned) -> int:
    """The last id of the pages known: what was deleted at the end must be looked at, too."""
    with services.db.read() as session:
        pages: Sequence[int] = session.scalars(select(ScanPage.page).where(
            ScanPage.store_id == store.id, ScanPage.resource == scanned.resource)).all()
    return max((page * PAGE for page in pages), default=0)


def _digest(row: Row) -> str:
    text = json.dumps(row, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
