"""Alerts: which troubles of a store people must hear of, and when.

Kept in SQL, one row per store and cause. A trouble is told once, again when its number grew, and once when it is over; each
cause at most once in `QUIET`, so that a side that comes and goes does not fill a mailbox. Telling only puts a message beside the
store's channels; `alert_post.py` delivers it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db import Database, now
from portal.models import Alert, AlertChannel, Heartbeat, Store, SyncJob
from portal.sync import bounces, circuit, drift, jobs

QUIET = timedelta(hours=1)
"""No cause is told as new more often."""
GROWTH = timedelta(hours=6)
"""A number that only grows is told again after this time."""
MOST_WAITING = 50
"""Undelivered messages that a channel keeps; the oldest give way."""

Step = Literal["open", "tell", "grown", "note", "resolve"]


@dataclass(frozen=True)
class Trouble:
    """What is wrong now, in words; `number` where it can grow, `since` where it is known when it began."""

    title: str
    text: str
    number: int = 0
    since: datetime | None = None


def watch(db: Database, public_url: str) -> int:
    """Compare every store's troubles with what was told; the number of messages that are to be delivered. Makes no remote call."""
    with db.read() as session:
        ids = [store.id for store in session.scalars(select(Store)) if any(_steps(session, store))]
    told = 0
    for store_id in ids:
        with db.begin() as session:
            store = session.get(Store, store_id, with_for_update=True)
            if store is not None:
                told += sum(_take(session, store, *found, public_url) for found in list(_steps(session, store)))
    return told


def troubles(session: Session, store: Store) -> dict[str, Trouble]:
    """Everything that is wrong with an enabled store now, by cause."""
    if not store.settings["enabled"]:
        return {}
    at, patience = now(), timedelta(minutes=int(store.settings["alert_minutes"]))
    found: dict[str, Trouble] = {}
    for row in circuit.trouble(session, store.id):
        side = circuit.SIDES[row.side]
        why = f"{row.reason} {row.remedy}".strip()
        if row.state == "paused":
            found[f"refused_{row.side}"] = Trouble(f"{side} refuses the connection", f"{why} Changes wait; nothing is lost.",
                                                   since=row.since)
        elif at - row.since >= patience:
            found[f"away_{row.side}"] = Trouble(f"{side} cannot be reached",
                                                f"{why} It is tried again by itself. Changes wait; nothing is lost.",
                                                since=row.since)
    found |= _stopped(session, store, at, patience)
    if dead := jobs.counts(session, store.id)["dead"]:
        found["dead"] = Trouble(f"{_number(dead, 'change needs', 'changes need')} you",
                                "They failed as often as the settings allow and lie in the dead letters. "
                                "Everything else goes on.", dead)
    if frozen := bounces.count(session, store):
        found["frozen"] = Trouble(_number(frozen, "record is frozen", "records are frozen"),
                                  "Something changes them after each write, so they would go to and fro between shop and Odoo for "
                                  "ever. Their changes wait until someone thaws them.", frozen)
    if differ := sum(drift.counts(session, store.id).values()):
        found["drift"] = Trouble(f"{_number(differ, 'difference', 'differences')} between shop and Odoo",
                                 "The comparison of both sides found them; the page Drift lists and repairs them.", differ)
    return found


def decide(row: Alert | None, trouble: Trouble | None, at: datetime) -> Step | None:
    """What follows from what is stored and what is seen; None: nothing."""
    active = row is not None and row.state == "active"
    if trouble is None:
        return "resolve" if active else None
    quiet = row is not None and row.told_at is not None and at - row.told_at < QUIET
    if row is None or not active or row.told is None:
        if not quiet:
            return "tell"
        return None if active else "open"
    if trouble.number > row.told and row.told_at is not None and at - row.told_at >= GROWTH:
        return "grown"
    return "note" if (row.title, row.text, row.number) != (trouble.title, trouble.text, trouble.number) else None


def active(session: Session, store_id: int) -> list[Alert]:
    """What is wrong now, as it was seen last, oldest first."""
    return list(session.scalars(select(Alert).where(Alert.store_id == store_id, Alert.state == "active").order_by(Alert.since)))


def channels(session: Session, store_id: int) -> list[AlertChannel]:
    """Where this store's alerts go."""
    return list(session.scalars(select(AlertChannel).where(AlertChannel.store_id == store_id).order_by(AlertChannel.kind)))


def message(store: Store, state: str, cause: str, title: str, text: str, public_url: str, **more: Any) -> dict[str, Any]:
    """A message as channels keep it and the webhook sends it. Its `id` stays the same however often it is tried."""
    return {"id": uuid.uuid4().hex, "store": store.name, "state": state, "cause": cause, "title": title, "text": text,
            "link": f"{public_url}/stores/{store.id}/", "at": now().isoformat(timespec="seconds"), **more}


def _steps(session: Session, store: Store) -> Iterator[tuple[str, Trouble | None, Step]]:
    seen = troubles(session, store)
    rows = {row.cause: row for row in session.scalars(select(Alert).where(Alert.store_id == store.id))}
    run = drift.latest(session, store.id)
    someone = bool(channels(session, store.id))
    for cause in sorted({*seen, *rows}):
        if cause == "drift" and run is not None and run.state == "reading":
            continue  # half a comparison is no reason to say that the differences grew or are gone
        step = decide(rows.get(cause), seen.get(cause), now())
        if step == "tell" and not someone:
            row = rows.get(cause)
            step = "open" if row is None or row.state != "active" else None
        if step:
            yield cause, seen.get(cause), step


def _take(session: Session, store: Store, cause: str, trouble: Trouble | None, step: Step, public_url: str) -> int:
    """Carry one step out; 1 if it put a message beside the channels."""
    row = session.get(Alert, (store.id, cause))
    if row is None:
        row = Alert(store_id=store.id, cause=cause, title="", state="resolved", number=0)
        session.add(row)
    row.changed_at = now()
    if trouble is None:
        told, row.state, row.told = row.told is not None, "resolved", None
        if told:
            text = f"It began {row.since:%Y-%m-%d %H:%M} UTC and is over." if store.settings["enabled"] else \
                "Synchronization was switched off."
            _put(session, message(store, "resolved", cause, row.title, text, public_url, since=row.since.isoformat()), store.id)
        return int(told)
    if row.state != "active":
        row.state, row.since, row.told = "active", trouble.since or now(), None
    row.title, row.text, row.number = trouble.title[:255], trouble.text, trouble.number
    if row.told is not None:  # what was mended is forgotten, so that growing anew is told
        row.told = min(row.told, trouble.number)
    if step not in ("tell", "grown"):
        return 0
    row.told, row.told_at = trouble.number, now()
    _put(session, message(store, "active" if step == "tell" else "grown", cause, row.title, row.text, public_url,
                          number=row.number, since=row.since.isoformat()), store.id)
    return 1


def _put(session: Session, words: dict[str, Any], store_id: int) -> None:
    for channel in channels(session, store_id):
        channel.waiting = [*channel.waiting, words][-MOST_WAITING:]


def _stopped(session: Session, store: Store, at: datetime, patience: timedelta) -> dict[str, Trouble]:
    """Whether nobody looks for due work, or nobody does it."""
    beats = dict(session.execute(select(Heartbeat.kind, func.max(Heartbeat.at)).group_by(Heartbeat.kind)).all())
    looked = max(moment for moment in (beats.get("tick"), store.cron_at, store.created_at) if moment is not None)
    if at - looked >= patience:
        return {"no_tick": Trouble("Nobody looks for due work", "Start `portal up`, or let a cron job call the store's cron "
                                   "address every minute. Nothing is lost.", since=looked)}
    workers = [moment for kind, moment in beats.items() if kind in ("worker", "busy")]
    due = session.scalar(select(func.min(SyncJob.due_at)).where(SyncJob.store_id == store.id, *jobs.is_due(at),
                                                                SyncJob.rehearsed < SyncJob.version))
    if due is not None and at - due >= patience and (not workers or at - max(workers) >= patience):
        return {"no_worker": Trouble("No worker takes the changes",
                                     "Start `portal up`, or `portal worker`. Changes wait; nothing is lost.", since=due)}
    return {}


def _number(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"
