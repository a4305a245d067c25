"""What happened by the hour, counted where changes end, so that no page has to count jobs. SQL only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db import insert_into, now
from portal.models import Activity, SyncJob

KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Hour:
    """How many changes ended in the hour that begins at `at`: synchronised, failed for now, put into quarantine."""

    at: datetime
    synced: int = 0
    failed: int = 0
    dead: int = 0


def count(session: Session, row: SyncJob, *, synced: int = 0, failed: int = 0, dead: int = 0) -> None:
    """Add to the present hour of the row's store, entity and direction."""
    at = now()
    values: dict[str, Any] = {
        "store_id": row.store_id, "entity": row.entity, "direction": row.direction, "hour": _hour(at), "synced": synced,
        "failed": failed, "dead": dead, "last_synced_at": at if synced else None}
    new = insert_into(session, Activity).values(**values)
    session.execute(new.on_conflict_do_update(
        index_elements=["store_id", "entity", "direction", "hour"],
        set_={"synced": Activity.synced + new.excluded.synced, "failed": Activity.failed + new.excluded.failed,
              "dead": Activity.dead + new.excluded.dead,
              "last_synced_at": func.coalesce(new.excluded.last_synced_at, Activity.last_synced_at)}))


def by_hour(session: Session, store_id: int, hours: int = 24) -> list[Hour]:
    """The last so many hours, oldest first, quiet ones included."""
    first = _hour(now()) - timedelta(hours=hours - 1)
    found = {row.hour: Hour(row.hour, int(row.synced), int(row.failed), int(row.dead)) for row in session.execute(
        select(Activity.hour, func.sum(Activity.synced).label("synced"), func.sum(Activity.failed).label("failed"),
               func.sum(Activity.dead).label("dead"))
        .where(Activity.store_id == store_id, Activity.hour >= first).group_by(Activity.hour))}
    return [found.get(at, Hour(at)) for at in (first + timedelta(hours=n) for n in range(hours))]


def last_synced(session: Session, store_id: int) -> dict[tuple[str, str], datetime]:
    """When a change last came through, by entity and direction."""
    rows = session.execute(
        select(Activity.entity, Activity.direction, func.max(Activity.last_synced_at))
        .where(Activity.store_id == store_id, Activity.last_synced_at.is_not(None))
        .group_by(Activity.entity, Activity.direction))
    return {(entity, direction): at for entity, direction, at in rows if at is not None}


def prune(session: Session) -> None:
    """Forget hours that no page shows any more."""
    session.execute(delete(Activity).where(Activity.hour < _hour(now()) - KEPT).execution_options(synchronize_session=False))


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
