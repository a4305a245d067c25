"""Working in the foreground: what a worker does, for one store, until nothing is due."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select

from portal.models import InitialRun, Store, SyncJob
from portal.sync import circuit, initial, jobs, runner, tick
from portal.sync import queue as rq_queue
from portal.sync.services import Services

PAUSE_SECONDS = 0.2
"""Between two looks while another worker holds what is due."""


@dataclass(frozen=True)
class Drained:
    """How many jobs ran, and why it ended before nothing was due (empty: nothing is due)."""

    ran: int
    stopped: str = ""


def drain(services: Services, store: Store, *, hurry: bool = True) -> Drained:
    """Process the store's queue now. With `hurry`, failed changes get one more try at once, whatever their waiting time."""
    for side in ("odoo", "shop"):
        _probe_if_open(services, store, side)
    if hurry:
        with services.db.begin() as session:
            jobs.reap(session)
            jobs.hurry(session, store.id)
    ran = 0
    while True:
        _walk(services, store)
        with services.db.read() as session:
            current = session.get_one(Store, store.id)
            groups = rq_queue.due_groups(session, store.id)
            stopped = _why_stopped(session, current)
            busy = session.scalar(select(exists().where(SyncJob.store_id == store.id, SyncJob.state == "running")))
        if stopped:
            return Drained(ran, stopped)
        if not groups:
            if not busy:
                return Drained(ran)
            time.sleep(PAUSE_SECONDS)
            continue
        done = sum(len(runner.run(services, group).ran) for group in groups)
        ran += done
        if not done:
            time.sleep(PAUSE_SECONDS)


def _walk(services: Services, store: Store) -> None:
    with services.db.read() as session:
        runs = list(session.scalars(select(InitialRun.id).where(InitialRun.store_id == store.id,
                                                                InitialRun.state == "reading",
                                                                InitialRun.paused_at.is_(None))))
    for run_id in runs:
        initial.walk(services, run_id)


def _probe_if_open(services: Services, store: Store, side: str) -> None:
    with services.db.read() as session:
        is_open = any(row.side == side and row.state == "open" for row in circuit.trouble(session, store.id))
    if is_open:
        tick.probe(services, store.id, side)


def _why_stopped(session: Any, store: Store) -> str:
    if not store.settings["enabled"]:
        return "Synchronization is switched off for this store; its changes wait. Enable it to send them."
    for row in circuit.trouble(session, store.id):
        state = "is paused" if row.state == "paused" else "cannot be reached"
        return f"{circuit.SIDES[row.side]} {state}: {row.reason} {row.remedy}".strip()
    return ""
