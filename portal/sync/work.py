"""A batch of claimed jobs and everything a flow needs to bring it to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from portal.clients.odoo import Odoo
from portal.clients.prestashop import Shop
from portal.entities.base import Ref
from portal.models import Dependency, Mapping, Store, SyncJob
from portal.sync import jobs, sent
from portal.sync.foreseen import NOTHING, Foreseen
from portal.sync.links import Link, remove_links, save_links
from portal.sync.services import Services


class LeaseLost(Exception):
    """Another worker may hold these jobs by now: stop, write nothing more."""


class Interrupted(Exception):
    """The worker has to end, took too long, or lost its database: what is open waits again without using an attempt. `in_doubt`:
    a write of this job was on its way."""

    def __init__(self, message: str, *, in_doubt: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.in_doubt = in_doubt


_stopping = threading.Event()


def stop() -> None:
    """This process was told to end: no further write is begun."""
    _stopping.set()


class Later(Exception):
    """Nothing is wrong, but the rest has to wait: the job is looked at again after `seconds`, without using an attempt."""

    def __init__(self, message: str, *, seconds: float, cause: str) -> None:
        super().__init__(message)
        self.message = message
        self.seconds = seconds
        self.cause = cause


@dataclass(frozen=True)
class Outcome:
    """How one job of the batch ended: an error, what a dry run foresees, or success."""

    job: SyncJob
    message: str = ""
    error: Exception | None = None
    foreseen: Foreseen | None = None
    """In a dry run: what would be done."""
    changed: bool = True
    """Whether anything was written; unchanged records make no log entry."""
    links: tuple[Link, ...] = ()
    unlink: tuple[Ref, ...] = ()
    follow: tuple[tuple[str, str, str], ...] = ()
    """Further changes to notice: (entity, direction, record)."""
    warnings: tuple[str, ...] = ()
    """What a merchant should look at though the record is across."""


class Work:
    """One batch: jobs of one store, entity and direction, held by one lease.

    A flow reads and writes through `shop` and `odoo`, calls `before_write` ahead of every remote write, and reports each job by
    `done`, `would` or `failed`. `save` is given by the runner and commits what was reported since. `dry_run` None: as the
    store's settings say.
    """

    def __init__(self, services: Services, store: Store, rows: Sequence[SyncJob], *, save: Any,
                 dry_run: bool | None = None) -> None:
        self.services = services
        self.store = store
        self.jobs = list(rows)
        self.token = rows[0].lease or ""
        self.dry_run = bool(store.settings["dry_run"]) if dry_run is None else dry_run
        self.outcomes: list[Outcome] = []
        self.writing: list[SyncJob] = []
        """The jobs whose records a write on its way may concern; they are uncertain if its answer is lost."""
        self.sent: list[tuple[int, dict[str, Any]]] = []
        """(job, what was sent for it) since the last `save`."""
        self.words: dict[int, set[str]] = {}
        """By job: how people call its record; see `search`."""
        self._settled: set[int] = set()
        self._save = save
        self._extended = time.monotonic()

    @property
    def shop(self) -> Shop:
        client = self.services.shop(self.store)
        client.on_write = self._note_sent
        return client

    @property
    def odoo(self) -> Odoo:
        client = self.services.odoo(self.store)
        client.on_write = self._note_sent
        return client

    @property
    def open(self) -> list[SyncJob]:
        """The jobs not reported yet."""
        return [job for job in self.jobs if job.id not in self._settled]

    def done(self, job: SyncJob, message: str, *, changed: bool = True, links: Iterable[Link] = (),
             unlink: Iterable[Ref] = (), follow: Iterable[tuple[str, str, str]] = (), warnings: Iterable[str] = ()) -> None:
        """The record is equal on both sides now. In a dry run nothing is kept, and the change goes on waiting."""
        if self.dry_run:
            self.would(job, message, NOTHING)
            return
        self._report(Outcome(job, message, changed=changed, links=tuple(links), unlink=tuple(unlink), follow=tuple(follow),
                             warnings=tuple(warnings)))

    def would(self, job: SyncJob, message: str, foreseen: Foreseen) -> None:
        """Dry run: what would have been written, in words and as facts."""
        self._report(Outcome(job, message, foreseen=foreseen))

    def failed(self, job: SyncJob, error: Exception) -> None:
        """The record could not be brought across; the class of the error decides what follows."""
        self._report(Outcome(job, error=error))

    def save(self) -> None:
        """Commit what was reported, so that a later crash cannot undo it."""
        outcomes, self.outcomes = self.outcomes, []
        try:
            if outcomes:
                self._save(self, outcomes)
        except BaseException:  # a database that was busy is asked once more; see the runner
            self.outcomes = [*outcomes, *self.outcomes]
            raise
        self.writing = []

    def before_write(self, writing: Sequence[SyncJob], links: Sequence[Link] = ()) -> None:
        """Call ahead of every remote write. No lease, no write: raises `LeaseLost`; `Interrupted` where the process has to end.
        In a dry run it is a defect to come here. `links`: mappings that note what is about to be written."""
        if self.dry_run:
            raise RuntimeError("a dry run must not write")
        if _stopping.is_set():
            raise Interrupted("The worker was stopped; another one goes on.")
        with self.services.db.begin() as session:
            if jobs.extend(session, self.token, self.services.config.lease_seconds) == 0:
                raise LeaseLost
            save_links(session, self.store, links)
        self.writing = list(writing)

    def keep(self, links: Iterable[Link]) -> None:
        """Save mappings at once, before the job that made them ends. Raises `LeaseLost`. Like a write, never in a dry run."""
        if self.dry_run:
            raise RuntimeError("a dry run must not link")
        with self.services.db.begin() as session:
            if jobs.extend(session, self.token, self.services.config.lease_seconds) == 0:
                raise LeaseLost
            save_links(session, self.store, list(links))

    def forget(self, refs: Sequence[Ref]) -> None:
        """Drop mappings to records that are not there any more. Nothing in a dry run. Raises `LeaseLost`."""
        if self.dry_run:
            return
        with self.services.db.begin() as session:
            if jobs.extend(session, self.token, self.services.config.lease_seconds) == 0:
                raise LeaseLost
            remove_links(session, self.store, refs)

    def mappings(self, entity: str, shop_ids: Collection[str]) -> dict[str, Mapping]:
        """What is linked already, by shop record key."""
        found: dict[str, Mapping] = {}
        wanted = list(shop_ids)
        with self.services.db.read() as session:
            for start in range(0, len(wanted), 500):
                rows = session.scalars(select(Mapping).where(
                    Mapping.store_id == self.store.id, Mapping.target == self.store.target, Mapping.entity == entity,
                    Mapping.shop_id.in_(wanted[start:start + 500])))
                found.update({row.shop_id: row for row in rows})
        return found

    def shared(self, entity: str, odoo_ids: Collection[int]) -> set[int]:
        """Which of these Odoo records are linked to more than one shop record."""
        wanted, found = list(odoo_ids), set()
        with self.services.db.read() as session:
            for start in range(0, len(wanted), 500):
                found |= set(session.scalars(select(Mapping.odoo_id).where(
                    Mapping.store_id == self.store.id, Mapping.target == self.store.target, Mapping.entity == entity,
                    Mapping.odoo_id.in_(wanted[start:start + 500])).group_by(Mapping.odoo_id).having(func.count() > 1)))
        return found

    def needed(self, entity: str) -> set[str]:
        """Those of this batch's records for which another job waits."""
        with self.services.db.read() as session:
            return set(session.scalars(select(Dependency.record).join(SyncJob, SyncJob.id == Dependency.job_id).where(
                SyncJob.store_id == self.store.id, Dependency.entity == entity,
                Dependency.record.in_([job.record for job in self.jobs]))))

    def linked_odoo_ids(self, entity: str, odoo_ids: Collection[int]) -> dict[int, str]:
        """Which of these Odoo records are linked already, and to which shop record."""
        found: dict[int, str] = {}
        wanted = list(odoo_ids)
        with self.services.db.read() as session:
            for start in range(0, len(wanted), 500):
                rows = session.scalars(select(Mapping).where(
                    Mapping.store_id == self.store.id, Mapping.target == self.store.target, Mapping.entity == entity,
                    Mapping.odoo_id.in_(wanted[start:start + 500])))
                found.update({row.odoo_id: row.shop_id for row in rows})
        return found

    def mappings_of(self, entity: str, odoo_ids: Collection[int]) -> dict[int, Mapping]:
        """What is linked already, by Odoo id; of several the newest."""
        found: dict[int, Mapping] = {}
        wanted = list(odoo_ids)
        with self.services.db.read() as session:
            for start in range(0, len(wanted), 500):
                rows = session.scalars(select(Mapping).where(
                    Mapping.store_id == self.store.id, Mapping.target == self.store.target, Mapping.entity == entity,
                    Mapping.odoo_id.in_(wanted[start:start + 500])).order_by(Mapping.id))
                found.update({row.odoo_id: row for row in rows})
        return found

    def _note_sent(self, kind: str, method: str, rows: Sequence[MappingOf[str, Any]]) -> None:
        if self.writing:
            self.sent += sent.of_jobs([job.id for job in self.writing], kind, method, rows).items()

    def _report(self, outcome: Outcome) -> None:
        self._settled.add(outcome.job.id)
        self.outcomes.append(outcome)
