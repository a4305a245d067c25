"""Counting what comes back: changes that equal what was last agreed, most of them our own writes."""

from __future__ import annotations

from portal.models import Store
from portal.sync.services import Services

NOTE = "echoes"
"""Key in `Store.notes`."""


def note(services: Services, store: Store, number: int) -> None:
    """Count this many dropped echoes."""
    if not number:
        return
    with services.db.begin() as session:
        row = session.get(Store, store.id, with_for_update=True)
        if row is not None:
            row.notes = {**row.notes, NOTE: count(row) + number}


def count(store: Store) -> int:
    """Echoes that were dropped so far."""
    return int(store.notes.get(NOTE, 0))
