"""Counting jobs and mappings, for the dashboard and the command line."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.models import UNFINISHED, Mapping, Store, SyncJob


def counts(session: Session, store_id: int) -> dict[str, int]:
    """Jobs as the dashboard shows them: pending (pending, running, blocked), synced, error, dead."""
    found = {row.state: row.n for row in session.execute(
        select(SyncJob.state, func.count().label("n")).where(SyncJob.store_id == store_id).group_by(SyncJob.state))}
    return {"pending": sum(found.get(s, 0) for s in ("pending", "running", "blocked")), "synced": found.get("synced", 0),
            "error": found.get("error", 0), "dead": found.get("dead", 0)}


def mapping_counts(session: Session, store: Store) -> dict[str, int]:
    """Linked records per entity in the Odoo database the store points to now."""
    return {row.entity: row.n for row in session.execute(
        select(Mapping.entity, func.count().label("n")).where(Mapping.store_id == store.id, Mapping.target == store.target)
        .group_by(Mapping.entity))}


def dead_count(session: Session, store_id: int) -> int:
    """How many dead letters a store has; cheap enough for every page."""
    return session.scalar(select(func.count()).where(SyncJob.store_id == store_id, SyncJob.state == "dead")) or 0


def unfinished(session: Session, store_id: int) -> dict[str, dict[str, int]]:
    """By entity and state: what waits, runs, failed or needs a person. An index of unfinished rows alone answers it."""
    found: dict[str, dict[str, int]] = {}
    for entity, state, n in session.execute(
            select(SyncJob.entity, SyncJob.state, func.count()).where(SyncJob.store_id == store_id, text(UNFINISHED))
            .group_by(SyncJob.state, SyncJob.entity)):
        found.setdefault(entity, {})[state] = n
    return found
