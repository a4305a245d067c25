"""One circuit per store and side: closed (calls go out), open (outage) or paused (a person must act). Both are probed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.clients.errors import AccessRefused, Ambiguous, RemoteError, Throttled
from portal.db import insert_into, now
from portal.logs import without_secrets
from portal.models import Circuit, Store, SyncJob
from portal.sync import backoff, jobs, log

AMBIGUOUS_LIMIT = 3
"""Writes with unknown outcome in a row after which the side is treated as down."""

PAUSED_SECONDS = 60
"""After which a side that refused is asked again: whoever mended it need not tell us. See `_may_ask_again`."""

SIDES = {"odoo": "Odoo", "shop": "The shop"}


def trouble(session: Session, store_id: int) -> list[Circuit]:
    """The sides of this store that may not be called now."""
    return list(session.scalars(select(Circuit).where(Circuit.store_id == store_id, Circuit.state != "closed")))


def record_failure(session: Session, store: Store, error: RemoteError) -> None:
    """Take a failed call into account: open, pause, or only count it. One log entry when the state changes."""
    row = _row(session, store.id, error.side)
    before = row.state
    row.failures += 1
    if isinstance(error, AccessRefused):
        row.state, row.probe_at = "paused", now() + timedelta(seconds=PAUSED_SECONDS) if _may_ask_again(error) else None
    elif isinstance(error, Ambiguous) and row.failures < AMBIGUOUS_LIMIT:
        return
    elif row.state != "paused":
        wait = timedelta(seconds=error.retry_after) if isinstance(error, Throttled) else backoff.before_probe(row.failures)
        row.state, row.probe_at = "open", now() + wait
    row.reason, row.remedy = without_secrets(error.message), error.remedy
    if row.state != before:
        row.since = now()
        what = "is paused until this is solved" if row.state == "paused" else "cannot be used now; nothing is lost"
        log.write(session, store.id, f"{SIDES[error.side]} {what}: {row.reason} {error.remedy}".strip(),
                  level="error" if row.state == "paused" else "warning")


def record_success(session: Session, store_id: int, side: str) -> None:
    """A call came through: close the circuit and let the waiting changes run."""
    row = session.get(Circuit, (store_id, side))
    if row is None or (row.state == "closed" and row.failures == 0):
        return
    if row.state != "closed":
        log.write(session, store_id, f"{SIDES[side]} answers again; waiting changes are sent now.")
        session.execute(update(SyncJob).where(jobs.in_order(SyncJob.store_id == store_id, SyncJob.state.in_(("pending", "error"))))
                        .values(queued_at=None).execution_options(synchronize_session=False))
    row.state, row.failures, row.reason, row.remedy, row.probe_at, row.since = "closed", 0, "", "", None, now()


def to_probe(session: Session) -> list[Circuit]:
    """Circuits whose time for a probe has come."""
    return list(session.scalars(select(Circuit).where(Circuit.state != "closed", Circuit.probe_at <= now())))


def hasten(session: Session, store_id: int) -> bool:
    """Have what may not be called now probed with the next round; whether there is any."""
    rows = trouble(session, store_id)
    for row in rows:
        row.probe_at = now()
    return bool(rows)


def _may_ask_again(error: AccessRefused) -> bool:
    """Odoo shuts out an address that logs in wrongly ten times, so a key that it refused is tried when a person says so."""
    return error.cause != "odoo:key"


def _row(session: Session, store_id: int, side: str) -> Circuit:
    """The side's row, locked: workers of several lanes fail at the same moment when a server goes down."""
    session.execute(insert_into(session, Circuit).values(store_id=store_id, side=side, state="closed", failures=0, reason="",
                                                         remedy="", since=now()).on_conflict_do_nothing())
    return session.get_one(Circuit, (store_id, side), with_for_update=True)
