"""Looking through the log: filtered, newest first, in a bounded time however long the log is; and written out as a table.

A page looks back through the ids in stretches until it is full or its time is up; the reader may then let it look further back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, TextClause, func, or_, select, text
from sqlalchemy.orm import Session

from portal.db import Database
from portal.models import LOG_OF_PEOPLE, LOG_OF_TROUBLE, LogEntry
from portal.spreadsheet import line

LEVELS = ("info", "warning", "error")
BUDGET = 0.05
"""Seconds a page may look back."""
STRETCH = 20_000
_QUICK = 0.004
"""A stretch that took less holds few rows of this store, or few that an index did not pass over: the next is twice as long."""
_SLACK = 2000
"""Processes that write at the same moment get their ids not quite in the order of their clocks."""
_EXPORTED = 1000
HEADER = ("Level", "Entity", "Record", "Direction", "Dry run", "Who", "What")


@dataclass(frozen=True)
class Wanted:
    """Which entries: empty or None means all. `people`: only what people did. From `since` on, before `until`."""

    level: str = ""
    entity: str = ""
    text: str = ""
    dry_run: bool | None = None
    people: bool = False
    since: datetime | None = None
    until: datetime | None = None
    direction: str = ""


@dataclass(frozen=True)
class Found:
    """A page of entries; the id `before` which to go on, None at the end. `reached`: the time was up before the page was full,
    and it was looked back as far as this."""

    rows: list[LogEntry]
    before: int | None = None
    reached: datetime | None = None


def find(session: Session, store_id: int, wanted: Wanted, *, before: int = 0, limit: int = 100, seconds: float = BUDGET) -> Found:
    """A page of matching entries, newest first."""
    low, high = (session.scalar(select(end(LogEntry.id)).where(LogEntry.store_id == store_id)) for end in (func.min, func.max))
    if low is None or high is None:
        return Found([])
    bottom = max(low, _first_at(session, store_id, wanted.since, low, high) - _SLACK) if wanted.since else low
    top = min(high, _first_at(session, store_id, wanted.until, low, high) + _SLACK) + 1 if wanted.until else high + 1
    top = min(top, before) if before else top
    rows: list[LogEntry] = []
    stretch, end = STRETCH, time.monotonic() + seconds
    while top > bottom and len(rows) <= limit:
        start, low = time.monotonic(), max(bottom, top - stretch)
        rows += session.scalars(select(LogEntry).where(*_matching(store_id, wanted), LogEntry.id >= low, LogEntry.id < top)
                                .order_by(LogEntry.id.desc()).limit(limit + 1 - len(rows)))
        top, at = low, time.monotonic()
        stretch *= 2 if at - start < _QUICK else 1
        if at > end:
            break
    if len(rows) > limit:
        return Found(rows[:limit], rows[limit - 1].id)
    if top <= bottom:
        return Found(rows)
    return Found(rows, top, session.scalar(select(LogEntry.at).where(LogEntry.store_id == store_id, LogEntry.id >= top)
                                           .order_by(LogEntry.id).limit(1)))


def newest(session: Session, store_id: int) -> int:
    """The id of the last entry, of whatever kind; 0 where there is none."""
    return session.scalar(select(func.max(LogEntry.id)).where(LogEntry.store_id == store_id)) or 0


def newer(session: Session, store_id: int, wanted: Wanted, after: int, *, most: int) -> int:
    """How many matching entries came after this id, counted up to `most` and as far as the first stretch reaches."""
    if not 0 <= after < newest(session, store_id):  # also what is no id at all, and too large for a database
        return 0
    matching = select(LogEntry.id).where(*_matching(store_id, wanted), LogEntry.id > after, LogEntry.id <= after + STRETCH)
    return session.scalar(select(func.count()).select_from(matching.limit(most).subquery())) or 0


def table(db: Database, store_id: int, wanted: Wanted, zone: ZoneInfo) -> Iterator[str]:
    """All matching entries as CSV, a part at a time; times in this zone, with their distance from UTC."""
    yield line((f"Time ({zone.key})", *HEADER))
    before = 0
    while True:
        with db.read() as session:
            found = find(session, store_id, wanted, before=before, limit=_EXPORTED, seconds=1)
        for row in found.rows:
            yield line((row.at.astimezone(zone).isoformat(timespec="seconds"), row.level, row.entity, row.record, row.direction,
                        "yes" if row.dry_run else "no", row.actor, row.message))
        if found.before is None:
            return
        before = found.before


def _matching(store_id: int, wanted: Wanted) -> list[ColumnElement[bool] | TextClause]:
    found: list[ColumnElement[bool] | TextClause] = [LogEntry.store_id == store_id]
    if wanted.level:
        found.append(LogEntry.level == wanted.level)
        found += [text(LOG_OF_TROUBLE)] if wanted.level != "info" else []
    if wanted.people:
        found.append(text(LOG_OF_PEOPLE))
    if wanted.entity:
        found.append(LogEntry.entity == wanted.entity)
    if wanted.direction:
        found.append(LogEntry.direction == wanted.direction)
    if wanted.dry_run is not None:
        found.append(LogEntry.dry_run.is_(wanted.dry_run))
    if wanted.text:
        found.append(or_(LogEntry.message.icontains(wanted.text, autoescape=True),
                         LogEntry.actor.icontains(wanted.text, autoescape=True)))
    if wanted.since is not None:
        found.append(LogEntry.at >= wanted.since)
    if wanted.until is not None:
        found.append(LogEntry.at < wanted.until)
    return found


def _first_at(session: Session, store_id: int, moment: datetime, low: int, high: int) -> int:
    """About the first id from this moment on: ids grow with time, so halving what is left finds it in some twenty looks."""
    high += 1
    while low < high:
        middle = (low + high) // 2
        row = session.execute(select(LogEntry.id, LogEntry.at).where(LogEntry.store_id == store_id, LogEntry.id >= middle)
                              .order_by(LogEntry.id).limit(1)).first()
        if row is None or row.at >= moment:
            high = middle
        else:
            low = row.id + 1
    return low
