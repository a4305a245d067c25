"""What must hold in the database after every fault, whatever happened. Every test that breaks something calls `check`."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from portal.db import Database, now
from portal.models import STATES, JobEvent, Store, SyncJob

ENDS = {"synced", "dead", "discarded", "superseded"}


def check(db: Database, *, quiet: bool = False) -> None:
    """Raise AssertionError where an invariant is broken. `quiet`: nothing may be running or due any more."""
    with db.read() as session:
        if db.engine.dialect.name == "postgresql":  # one moment for rows and timelines, as SQLite gives it: workers may go on
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        rows = list(session.scalars(select(SyncJob)))
        events: dict[int, list[str]] = {}
        for event in session.scalars(select(JobEvent).order_by(JobEvent.id)):
            events.setdefault(event.job_id, []).append(event.kind)
        limits = {store.id: int(store.settings["max_attempts"]) for store in session.scalars(select(Store))}
    key = [(r.store_id, r.entity, r.direction, r.record) for r in rows if r.state in ("pending", "error", "blocked")]
    assert max(Counter(key).values(), default=0) <= 1, "two waiting rows of one record"
    key = [(r.store_id, r.entity, r.direction, r.record) for r in rows if r.state == "running"]
    assert max(Counter(key).values(), default=0) <= 1, "two running rows of one record"
    for row in rows:
        assert row.state in STATES, row.state
        assert row.attempts <= limits[row.store_id], f"job {row.id} used {row.attempts} attempts"
        assert (row.state == "running") == (row.lease is not None), f"job {row.id}: {row.state} with lease {row.lease}"
        assert (row.finished_at is not None) == (row.state in ENDS), f"job {row.id}: {row.state}, finished {row.finished_at}"
        if row.state in ("pending", "error", "blocked"):
            assert row.due_at is not None, f"job {row.id} waits without a next attempt"
        _legal(row, events.get(row.id, []))
    if quiet:
        late = [r.id for r in rows if r.state == "running" or (r.state in ("pending", "error") and r.due_at <= now())]
        assert not late, f"still to do: {late}"


def _legal(row: SyncJob, kinds: list[str]) -> None:
    """The timeline is a path of the state diagram and ends where the row stands."""
    assert kinds, f"job {row.id} has no timeline"
    assert kinds[0] == "queued", kinds
    last = [kind for kind in kinds if kind != "coalesced"][-1]
    if row.state in ENDS:
        assert last == row.state, f"job {row.id} is {row.state} but its timeline ends with {last}"
    running = False
    for kind in kinds:
        if kind == "started":
            assert not running, f"job {row.id} started twice: {kinds}"
            running = True
        elif kind in {"synced", "failed", "dead", "postponed", "blocked", "frozen", "dry_run", "lease_lost", "superseded"}:
            running = False
    assert running == (row.state == "running"), f"job {row.id} is {row.state}: {kinds}"
