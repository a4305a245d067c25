"""What changed in the shop since the last look, for resources with dates. At most three calls.

`date_upd` is the shop's local time without offset, in whole seconds; the hour that summer time repeats comes twice. So intervals
are inclusive, go back by at least two minutes and around a change of the clock by the hour, and what was seen before is dropped.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portal.clients.prestashop import Shop, between
from portal.sync.odoo_changes import Mark, Row, next_mark, unseen

OVERLAP = timedelta(minutes=2)
FOR_EVER = "9999-12-31 23:59:59"
NEVER = "0000-"
"""How the date of a record begins that was never given one, as some imports leave it; it is no date."""
KEYS = {"customers": "id", "addresses": "id_customer", "products": "id", "orders": "id", "order_slip": "id_order"}
"""Resources with dates and the field that names the record: an address belongs to its customer, a refund to its order."""


def read(shop: Shop, resource: str, mark: Mark | None, now: datetime) -> tuple[list[Row], Mark]:
    """The rows that changed, and the next mark. Without a mark nothing counts as changed: the watch begins now."""
    zone, ahead = _clock(shop)
    limit = _text((now + timedelta(seconds=ahead)).astimezone(zone) + OVERLAP)
    if mark is None:
        newest = shop.find(resource, {}, ["date_upd"], sort="[date_upd_DESC]", limit=1, dated=True)
        begin = min(str(newest[0]["date_upd"]), limit) if newest else limit
        if begin.startswith(NEVER):
            begin = limit
        return [], read(shop, resource, {"at": begin, "since": now.timestamp(), "seen": {}}, now)[1]
    since = _text(datetime.fromisoformat(mark["at"]) - overlap(mark["at"], zone))
    rows = shop.find(resource, {"date_upd": between(since, FOR_EVER)}, [KEYS[resource], "date_upd"], dated=True)
    # A record dated in the future by an import must not carry the mark away with it.
    at = max([mark["at"], *(str(row["date_upd"]) for row in rows if str(row["date_upd"]) <= limit)])
    return unseen(rows, "date_upd", mark), next_mark(rows, "date_upd", mark, at, now.timestamp())


def overlap(local: str, zone: tzinfo) -> timedelta:
    """How far to look back from a local time: two minutes, and where the clock changes within three hours also by that much."""
    at = datetime.fromisoformat(local)
    before, after = ((at + timedelta(hours=h)).replace(tzinfo=zone).utcoffset() or timedelta() for h in (-3, 3))
    return OVERLAP + abs(before - after)


def _clock(shop: Shop) -> tuple[tzinfo, int]:
    profile: Any = shop.profile or shop.probe()
    try:
        return ZoneInfo(profile.timezone or "UTC"), profile.clock_ahead
    except (ZoneInfoNotFoundError, ValueError):
        return UTC, profile.clock_ahead


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
