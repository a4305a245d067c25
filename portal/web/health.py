"""One sentence that says how a store is doing, and what to do if it is not well, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from portal.config import Config
from portal.db import now
from portal.models import Circuit, Heartbeat, Store, SyncJob
from portal.sync import bounces, circuit, jobs
from portal.web.shown import number
from portal.web.told import told

Level = Literal["good", "busy", "off", "warn", "bad"]

ICONS: dict[Level, str] = {"good": "circle-check", "busy": "refresh-cw", "off": "power", "warn": "triangle-alert",
                           "bad": "circle-alert"}
SILENT_WORKERS = timedelta(minutes=5)
"""An idle worker gives a sign of life every 45 seconds; one that works, when it begins a task."""
LIVING_WORKERS = timedelta(seconds=100)
"""Two signs of life of an idle worker, and some."""


@dataclass(frozen=True)
class Pulse:
    """What the sentence rests on. Times are None where it never happened."""

    counts: dict[str, int]
    enabled: bool
    dry_run: bool
    trouble: Sequence[Circuit] = ()
    tick_at: datetime | None = None
    cron_at: datetime | None = None
    worker_at: datetime | None = None
    workers: int = 0
    """Worker processes that gave a sign of life lately."""
    due_since: datetime | None = None
    last_synced: datetime | None = None
    frozen: int = 0
    """Records that wait for a person, since they go to and fro."""
    tick_limit: timedelta = timedelta(minutes=3)


@dataclass(frozen=True)
class Health:
    """`level` colours it, `sentence` says it, `more` adds what to do; `at` is the moment the sentence ends with."""

    level: Level
    sentence: str
    more: str = ""
    at: datetime | None = None
    links: list[tuple[str, str]] = field(default_factory=list)
    """(label, endpoint below `store`) of pages that help."""

    @property
    def icon(self) -> str:
        return ICONS[self.level]


def pulse(session: Session, store: Store, config: Config) -> Pulse:
    """Look up what the sentence rests on."""
    beats = dict(session.execute(select(Heartbeat.kind, func.max(Heartbeat.at)).group_by(Heartbeat.kind)).all())
    workers = [at for kind, at in beats.items() if kind in ("worker", "busy")]
    alive = session.scalar(select(func.count()).select_from(Heartbeat).where(
        or_((Heartbeat.kind == "worker") & (Heartbeat.at > now() - LIVING_WORKERS),
            (Heartbeat.kind == "busy") & (Heartbeat.at > now() - SILENT_WORKERS)))) or 0
    due = select(func.min(SyncJob.due_at)).where(SyncJob.store_id == store.id, *jobs.is_due(now()),
                                                 SyncJob.rehearsed < SyncJob.version)
    done = (select(SyncJob.finished_at).where(SyncJob.store_id == store.id, SyncJob.state == "synced")
            .order_by(SyncJob.id.desc()).limit(1))
    return Pulse(
        counts=jobs.counts(session, store.id), enabled=store.settings["enabled"], dry_run=store.settings["dry_run"],
        trouble=circuit.trouble(session, store.id), tick_at=beats.get("tick"), cron_at=store.cron_at,
        worker_at=max(workers, default=None), workers=alive, due_since=session.scalar(due), last_synced=session.scalar(done),
        frozen=bounces.count(session, store),
        tick_limit=max(timedelta(minutes=3), timedelta(seconds=config.tick_seconds * 3)))


def heart_is_beating(pulse: Pulse, at: datetime) -> bool:
    """Whether anything looks for due work: the ticker of `portal up`, or a cron job of the merchant."""
    return any(beat is not None and at - beat < pulse.tick_limit for beat in (pulse.tick_at, pulse.cron_at))


def judge(pulse: Pulse, at: datetime) -> Health:
    """The worst that is true, in words."""
    counts = pulse.counts
    waiting = counts["pending"] + counts["error"]
    safe = ngettext("%(number)s change is waiting; nothing is lost.", "%(number)s changes are waiting; nothing is lost.", waiting,
                    number=number(waiting)) if waiting else _("Nothing is waiting, and nothing is lost.")
    for row in sorted(pulse.trouble, key=lambda c: c.state != "paused"):
        odoo, reason = row.side == "odoo", told(row.reason)
        if row.state == "paused":
            words = _("Odoo refuses the connection.") if odoo else _("The shop refuses the connection.")
            again = _("It is tried again every minute, and at once when you press Process the queue now.") if row.probe_at else \
                _("When you have mended it, press Process the queue now.")
            return Health("bad", f"{words} {safe}", f"{reason} {told(row.remedy)} {again}".strip(), row.since,
                          [(_("Check the connection"), "settings.page")])
        words = _("Odoo cannot be reached.") if odoo else _("The shop cannot be reached.")
        return Health("warn", f"{words} {safe}", reason + " " + _("It is tried again by itself; nothing else is needed."),
                      row.since)
    if not pulse.enabled:
        waits = ngettext("%(number)s change waits.", "%(number)s changes wait.", waiting, number=number(waiting)) if waiting else \
            _("Changes are noticed and wait.")
        return Health("off", _("Synchronization is off.") + " " + waits,
                      _("Nothing is written to Odoo or the shop until you enable it."), links=[(_("Settings"), "settings.page")])
    if not heart_is_beating(pulse, at):
        return Health("bad", _("Nobody looks for due work."),
                      _("Start `portal up`, or let a cron job call the address below every minute."),
                      links=[(_("Endpoints"), "settings.page")])
    if workers_silent(pulse, at):
        start = _("Start `portal up`, or `portal worker` on any machine that reaches the database.")
        if pulse.due_since is not None and at - pulse.due_since > SILENT_WORKERS:
            return Health("bad", _("No worker takes the changes.") + " " + safe, start)
        return Health("warn", _("No worker is running. Changes are noticed and wait; nothing is lost."), start)
    return _of_the_queue(pulse)


def _of_the_queue(pulse: Pulse) -> Health:
    counts = pulse.counts
    if counts["dead"]:
        return Health("warn", ngettext("%(number)s change needs you.", "%(number)s changes need you.", counts["dead"],
                                       number=number(counts["dead"])),
                      _("They failed as often as the settings allow. Everything else goes on."),
                      links=[(_("Open the dead letters"), "triage.page")])
    if pulse.frozen:
        return Health("warn", ngettext("%(number)s record is frozen.", "%(number)s records are frozen.", pulse.frozen,
                                       number=number(pulse.frozen)),
                      _("Something changes it after each write. Everything else goes on."),
                      links=[(_("Frozen records"), "frozen.page")])
    if counts["error"]:
        return Health("busy", ngettext("%(number)s change has failed and will be tried again by itself.",
                                       "%(number)s changes have failed and will be tried again by themselves.", counts["error"],
                                       number=number(counts["error"])))
    if pulse.dry_run:
        return Health("busy", _("Dry run: what would be done is written to the log, and nothing is sent."))
    if counts["pending"]:
        return Health("busy", ngettext("Working: %(number)s change is on the way.", "Working: %(number)s changes are on the way.",
                                       counts["pending"], number=number(counts["pending"])))
    if not counts["synced"]:
        return Health("off", _("Ready. Nothing was synchronised yet."), _("Start with the initial sync."),
                      links=[(_("Initial sync"), "initial.page")])
    return Health("good", _("All good. Last change synchronised"), at=pulse.last_synced)


def workers_silent(pulse: Pulse, at: datetime) -> bool:
    """Whether no worker has given a sign of life for a while."""
    return pulse.worker_at is None or at - pulse.worker_at > SILENT_WORKERS
