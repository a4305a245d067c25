"""claim → read → map → compare → write → finish, for a list of jobs of one store, entity and direction.

The runner always works on a list, so that a live change and a batch of the initial sync take the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from rq.timeouts import BaseTimeoutException
from sqlalchemy import insert, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from portal.clients.errors import AccessRefused, Ambiguous, Outage, RemoteError, Throttled
from portal.db import now
from portal.entities.base import DependencyMissing, Invalid
from portal.logs import without_secrets
from portal.models import JobEvent, Store, SyncJob
from portal.sync import bounces, circuit, jobs, log, rehearsed, search
from portal.sync.flows import flow_for
from portal.sync.jobs import Failure
from portal.sync.links import Link, remove_links, save_links
from portal.sync.services import Services
from portal.sync.work import Interrupted, Later, LeaseLost, Outcome, Work

logger = logging.getLogger(__name__)


@dataclass
class Result:
    """What a run did, by job id."""

    ran: list[int] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)


def run(services: Services, job_ids: Sequence[int]) -> Result:
    """Bring these jobs as far as they come now. Rows that are not due, not allowed or held elsewhere are left alone."""
    with services.db.begin() as session:
        first = session.scalars(select(SyncJob).where(SyncJob.id.in_(job_ids)).order_by(SyncJob.id).limit(1)).first()
        # Held until all see the claim: whoever switches the store off or to a dry run finds it running, or it does not begin.
        store = session.get(Store, first.store_id, with_for_update={"read": True}) if first else None
        if first is None or store is None or not store.settings["enabled"] or circuit.trouble(session, store.id):
            return Result()
        rows = jobs.claim(session, store, first.entity, job_ids, lease_seconds=services.config.lease_seconds)
        result = Result([row.id for row in rows])
        rows = bounces.hold(session, store, rows)
    for direction in sorted({row.direction for row in rows}):
        _run_claimed(services, store, [row for row in rows if row.direction == direction])
    with services.db.read() as session:
        result.dead = list(session.scalars(select(SyncJob.id).where(SyncJob.id.in_(result.ran), SyncJob.state == "dead")))
    return result


def _run_claimed(services: Services, store: Store, rows: list[SyncJob]) -> None:
    work = Work(services, store, rows, save=_save)
    try:
        flow_for(rows[0].entity, rows[0].direction)(work)
        if work.open:
            raise RuntimeError(f"the flow left {len(work.open)} jobs without an outcome")
        work.save()
    except LeaseLost:
        logger.warning("lease lost: %d jobs are left to whoever holds them now", len(work.open))
    except Exception as error:
        in_doubt = {job.id for job in work.writing}
        for job in work.open:
            work.failed(job, _for_one(error, in_doubt=job.id in in_doubt))
        work.save()


def _for_one(error: Exception, *, in_doubt: bool) -> Exception:
    """What an error that ended a whole batch means for one of its jobs; `in_doubt`: a write of it was on its way."""
    if isinstance(error, Ambiguous) and not in_doubt:
        return Outage(error.side, error.message, remedy=error.remedy, detail=error.detail)
    if isinstance(error, BaseTimeoutException):
        return Interrupted("It took longer than a worker may take, or the worker was stopped; it goes on later.", in_doubt=in_doubt)
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeout)):
        return Interrupted("The portal's database did not answer; it goes on later.", in_doubt=in_doubt)
    return error


def _save(work: Work, outcomes: Sequence[Outcome]) -> None:
    """One transaction: mappings, states, events and log of what was reported."""
    with work.services.db.begin() as session:
        store = session.get(Store, work.store.id)
        if store is None:
            return
        held = jobs.held(session, work.token, [outcome.job.id for outcome in outcomes])
        links: list[Link] = []
        answered: set[str] = set()
        failures: dict[str, RemoteError] = {}
        done: list[tuple[SyncJob, str]] = []
        entries: list[log.Entry] = []
        follow: dict[tuple[str, str, bool], set[str]] = {}
        _note_sent(session, work, held)
        for outcome in outcomes:
            row = held.get(outcome.job.id)
            if row is None:
                continue
            if outcome.error is not None:
                _settle(session, work, store, row, outcome.error)
                if isinstance(outcome.error, (Outage, Throttled, Ambiguous, AccessRefused)):
                    failures.setdefault(outcome.error.side, outcome.error)
                continue
            answered |= {"odoo", "shop"}
            if outcome.foreseen is not None:
                jobs.rehearse(session, row, outcome.message)
            else:
                links += outcome.links
                remove_links(session, work.store, outcome.unlink)
                done.append((row, outcome.message))
                for entity, direction, record in outcome.follow:
                    follow.setdefault((entity, direction, row.bulk), set()).add(record)
            entries += [log.Entry(f"{row.entity.capitalize()} {row.record}: {text}", row.entity, row.record, row.direction, row.id,
                                  False, "warning") for text in outcome.warnings]
            if outcome.foreseen is not None or outcome.changed:
                entries.append(log.Entry(outcome.message, row.entity, row.record, row.direction, row.id,
                                         outcome.foreseen is not None))
        jobs.succeed(session, done)
        save_links(session, work.store, links)
        _learn_words(session, work, held, links)
        jobs.lock_waiting(session, store, [(entity, direction, record) for (entity, direction, _), records in follow.items()
                                           for record in records])
        for (entity, direction, bulk), records in sorted(follow.items()):
            jobs.notice_many(session, store, entity, direction, sorted(records), source="follow-up", bulk=bulk)
        log.write_many(session, store.id, entries)
        if work.dry_run:
            _keep_rehearsed(session, store, [outcome for outcome in outcomes if outcome.job.id in held])
        for side in answered - set(failures):
            circuit.record_success(session, store.id, side)
        for error in failures.values():
            circuit.record_failure(session, store, error)


def _keep_rehearsed(session: Session, store: Store, outcomes: Sequence[Outcome]) -> None:
    failures = {outcome.job.id: explain(outcome.error) for outcome in outcomes if outcome.error is not None}
    rehearsed.keep(session, store, outcomes, {number: (f.message, f.remedy) for number, f in failures.items()})


def _note_sent(session: Session, work: Work, held: dict[int, SyncJob]) -> None:
    """Events of what was sent, for the rows that are still ours."""
    at = now()
    rows = [{"job_id": job_id, "kind": "sent", "message": "", "data": what, "at": at}
            for job_id, what in work.sent if job_id in held]
    work.sent = [(job_id, what) for job_id, what in work.sent if job_id not in held]
    if rows:
        session.execute(insert(JobEvent), rows)


def _learn_words(session: Session, work: Work, held: dict[int, SyncJob], links: Sequence[Link]) -> None:
    """By what people will look for these records."""
    found = {(row.entity, row.record): set(work.words.pop(job_id, ())) for job_id, row in held.items()}
    for link in links:
        found.setdefault((link.entity, link.shop_id), set()).update(search.words(link))
    search.learn(session, work.store.id, found)


def _settle(session: Session, work: Work, store: Store, row: SyncJob, error: Exception) -> None:
    """What a failure does to its job; see the table in docs/queue.md."""
    limit = int(store.settings["max_attempts"])
    if isinstance(error, DependencyMissing):
        if work.dry_run:
            names = ", ".join(f"{ref.entity} {ref.record}" for ref in sorted(error.refs))
            message = f"would first synchronise {names}, then {row.entity} {row.record}"
            jobs.rehearse(session, row, message)
            log.write(session, store.id, message, entity=row.entity, record=row.record, direction=row.direction, job_id=row.id,
                      dry_run=True)
        else:
            jobs.block(session, store, row, error.refs, limit)
        return
    if isinstance(error, bounces.Bounces):
        bounces.freeze(session, store, row, error)
        return
    failure = explain(error)
    if isinstance(error, Later):
        jobs.postpone(session, row, failure, now() + timedelta(seconds=error.seconds))
    elif isinstance(error, Interrupted):
        wait = timedelta(seconds=work.services.config.ambiguous_seconds if error.in_doubt else 0)
        jobs.postpone(session, row, failure, now() + wait, uncertain=error.in_doubt)
    elif isinstance(error, Ambiguous):
        wait = timedelta(seconds=work.services.config.ambiguous_seconds)
        jobs.postpone(session, row, failure, now() + wait, uncertain=True)
    elif isinstance(error, Throttled):
        jobs.postpone(session, row, failure, now() + timedelta(seconds=error.retry_after))
    elif isinstance(error, (Outage, AccessRefused)):
        jobs.postpone(session, row, failure, now())
    else:
        if not isinstance(error, (RemoteError, Invalid)):
            logger.error("%s %s: %s", row.entity, row.record, type(error).__name__, exc_info=error)
        jobs.fail(session, row, failure, limit)
        level = "error" if row.state == "dead" else "warning"
        what = "was put into quarantine" if row.state == "dead" else "failed and will be tried again"
        log.write(session, store.id, f"{row.entity.capitalize()} {row.record} {what}: {failure.message}", level=level,
                  entity=row.entity, record=row.record, direction=row.direction, job_id=row.id, dry_run=work.dry_run)


def explain(error: Exception) -> Failure:
    """The error in words. What a server says may repeat what it was sent, so secrets are taken out here."""
    if isinstance(error, RemoteError):
        return Failure(without_secrets(error.message), without_secrets(error.cause), error.remedy, without_secrets(error.detail))
    if isinstance(error, (Invalid, Later)):
        return Failure(error.message, error.cause)
    if isinstance(error, Interrupted):
        return Failure(error.message, "portal:interrupted")
    return Failure("The portal came across something it does not understand; this is a defect of the portal.",
                   f"portal:{type(error).__name__}", "Send the expert details below to whoever maintains the portal.",
                   without_secrets(f"{type(error).__name__}: {error}")[:500])
