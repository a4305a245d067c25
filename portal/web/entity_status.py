"""How each kind of record is doing: a word, a colour, and when the last one came through. No Flask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.entities import registry
from portal.models import Store
from portal.settings import Direction, allowed
from portal.sync import activity, jobs
from portal.web.health import Pulse

DIRECTIONS: tuple[Direction, ...] = ("ps_to_odoo", "odoo_to_ps")


@dataclass(frozen=True)
class EntityStatus:
    """One kind of record. `word` is the badge: off, paused, stopped, needs_you, retrying, syncing, in_sync or nothing."""

    name: str
    label: str
    word: str
    linked: int
    waiting: int
    failed: int
    dead: int
    fresh: tuple[tuple[str, datetime | None], ...]
    """For each direction it travels in: when the last change came through."""


def of_store(session: Session, store: Store, pulse: Pulse) -> list[EntityStatus]:
    """Every kind of record, in the order of the initial sync."""
    linked = jobs.mapping_counts(session, store)
    open_rows = jobs.unfinished(session, store.id)
    last = activity.last_synced(session, store.id)
    found = []
    for entity in registry.ENTITIES:
        states = open_rows.get(entity.name, {})
        fresh = tuple((direction, last.get((entity.name, direction))) for direction in DIRECTIONS
                      if allowed(store.settings, entity.name, direction))
        waiting = sum(states.get(state, 0) for state in ("pending", "running", "blocked"))
        found.append(EntityStatus(
            entity.name, entity.label, _word(states, bool(fresh), entity.name in linked, pulse), linked.get(entity.name, 0),
            waiting, states.get("error", 0), states.get("dead", 0), fresh))
    return found


def _word(states: Mapping[str, int], travels: bool, ever: bool, pulse: Pulse) -> str:
    if not travels:
        return "off"
    if states.get("dead"):
        return "needs_you"
    if not pulse.enabled:
        return "paused"
    if pulse.trouble:
        return "stopped"
    if states.get("error"):
        return "retrying"
    if any(states.get(state) for state in ("pending", "running", "blocked")):
        return "syncing"
    return "in_sync" if ever else "nothing"
