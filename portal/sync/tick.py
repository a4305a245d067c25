"""The heartbeat: gives up expired leases, probes what was down, takes up walks, hands due work to RQ, mirrors dead letters.

Called by the supervisor every few seconds and by `/cron`. Overlapping calls are harmless: every step is a compare-and-set.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from redis import RedisError
from rq import Queue
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.clients.errors import AccessRefused, RemoteError
from portal.db import insert_into, now
from portal.models import Circuit, Heartbeat, InitialRun, Store
from portal.sync import activity, bounces, circuit, drift, hooks, jobs, poll, privacy, rehearsal
from portal.sync import queue as rq_queue
from portal.sync.services import Services

logger = logging.getLogger(__name__)

ENUMERATE = "portal.sync.tasks.enumerate_shop"
POLL = "portal.sync.tasks.poll"
REHEARSE = "portal.sync.tasks.rehearse"
COMPARE = "portal.sync.tasks.compare"
GONE_AFTER = timedelta(days=2)


def tick(services: Services, queue: Queue | None) -> dict[str, int]:
    """One round; what was done, by name."""
    with services.db.begin() as session:
        beat(session, "tick", "tick")
        _forget_the_gone(session)
        done = {"expired": jobs.reap(session), "woken": jobs.unblock_stale(session)}
        to_probe = [(row.store_id, row.side) for row in circuit.to_probe(session)]
    done["recovered"] = sum(probe(services, store_id, side) for store_id, side in to_probe)
    done["queued"] = done["mirrored"] = 0
    if queue is not None:
        done["walks"] = _resume_walks(services, queue)
        done["polls"] = _start_polls(services, queue)
        done["rehearsals"] = _resume_rehearsals(services, queue)
        done["comparisons"] = _compare(services, queue)
        done["queued"] = rq_queue.dispatch(services.db, queue)
        try:
            with services.db.read() as session:
                done["mirrored"] = rq_queue.mirror_dead(session, queue)
        except RedisError:
            logger.warning("Redis is away; work continues from SQL when it is back")
    return done


def probe(services: Services, store_id: int, side: str) -> bool:
    """Ask a side that was down by one cheap call, one that refused for all its key may do; closes the circuit if it is well."""
    with services.db.read() as session:
        store, before = session.get(Store, store_id), session.get(Circuit, (store_id, side))
    if store is None or before is None:
        return False
    try:
        if before.state == "paused":
            _ask_anew(services, store, side)
        elif side == "odoo":
            services.odoo(store).version()
        else:
            services.shop(store).version()
    except RemoteError as error:
        with services.db.begin() as session:
            row = session.get(Store, store_id)
            if row is not None:
                circuit.record_failure(session, row, error)
        return False
    with services.db.begin() as session:
        circuit.record_success(session, store_id, side)
    return True


def _ask_anew(services: Services, store: Store, side: str) -> None:
    """Log in again and see what the key may do. Raises `AccessRefused` that names every right that is still missing."""
    services.forget(store)
    if side == "odoo":
        odoo = services.odoo(store).profile
        missing: tuple[str, ...] = (*odoo.modules_missing, *odoo.rights_missing)
        remedy = "Ask the Odoo administrator to give this user the group or install the app."
    else:
        shop = services.shop(store).profile
        missing = shop.missing_rights if shop else ()
        remedy = "In the shop: Advanced Parameters > Webservice > your key, tick the box, save."
    if missing:
        raise AccessRefused("odoo" if side == "odoo" else "shop", " ".join(missing), remedy=remedy, cause=f"{side}:rights")


def beat(session: Session, name: str, kind: str) -> None:
    """Note that a process is alive."""
    at = now()
    session.execute(insert_into(session, Heartbeat).values(name=name, kind=kind, at=at)
                    .on_conflict_do_update(index_elements=["name"], set_={"kind": kind, "at": at}))


def _forget_the_gone(session: Session) -> None:
    """Signs of life of processes that ended long ago, and hours that no page shows."""
    session.execute(delete(Heartbeat).where(Heartbeat.at < now() - GONE_AFTER).execution_options(synchronize_session=False))
    activity.prune(session)
    hooks.forget_seen(session)
    privacy.prune(session)
    bounces.prune(session)


def poll_here(services: Services) -> int:
    """Ask the stores that are due in this process, for who runs no workers; how many. A worker that asks already is left to it."""
    with services.db.read() as session:
        stores = poll.due(session)
    for store_id in stores:
        poll.poll(services, store_id)
    return len(stores)


def _start_polls(services: Services, queue: Queue) -> int:
    """A task of its own for each store, so that a slow server holds up nobody else."""
    with services.db.read() as session:
        stores = poll.due(session)
    return sum(_hand_over(queue, POLL, store_id, f"poll-{store_id}") for store_id in stores)


def _resume_rehearsals(services: Services, queue: Queue) -> int:
    with services.db.read() as session:
        runs = rehearsal.unfinished(session)
    return sum(_hand_over(queue, REHEARSE, run_id, f"rehearsal-{run_id}") for run_id in runs)


def _compare(services: Services, queue: Queue) -> int:
    with services.db.begin() as session:
        runs = drift.begin_nightly(session)
    return sum(_hand_over(queue, COMPARE, run_id, f"comparison-{run_id}") for run_id in runs)


def _resume_walks(services: Services, queue: Queue) -> int:
    with services.db.read() as session:
        troubled = set(session.scalars(select(Circuit.store_id).where(Circuit.state != "closed")))
        stores = {s.id: s for s in session.scalars(select(Store))}
        runs = [run.id for run in session.scalars(select(InitialRun).where(InitialRun.state == "reading",
                                                                                  InitialRun.paused_at.is_(None)))
                if run.store_id not in troubled and stores[run.store_id].settings["enabled"]]
    return sum(_hand_over(queue, ENUMERATE, run_id, f"walk-{run_id}") for run_id in runs)


def _hand_over(queue: Queue, function: str, argument: int, name: str) -> bool:
    """Redis may be away: the next round tries again."""
    try:
        return rq_queue.enqueue_once(queue, function, [argument], name)
    except RedisError:
        return False
