"""The functions RQ may call. A worker process gives them its services once, by `use`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rq import Queue

from portal.sync import drift, initial, rehearsal, runner
from portal.sync import poll as polls
from portal.sync import queue as rq_queue
from portal.sync import tick as heartbeat
from portal.sync.services import Services

_services: list[tuple[Services, Queue]] = []


class DeadLetter(Exception):
    """Raised as the last word of a job that died, so that RQ keeps it in its FailedJobRegistry."""


def use(services: Services, queue: Queue) -> None:
    """Set what the tasks of this process work with."""
    _services[:] = [(services, queue)]


def run(job_ids: list[int]) -> None:
    """Bring these changes across; a single job that dies raises, so that its RQ job fails with it."""
    services, queue = _services[0]
    with _busy(services):
        result = runner.run(services, job_ids)
    rq_queue.dispatch(services.db, queue)
    if not result.dead:
        return
    if len(job_ids) == 1:
        raise DeadLetter(f"change {job_ids[0]} is in quarantine")
    rq_queue.bury(queue, result.dead)


def enumerate_shop(run_id: int) -> None:
    """Walk the shop for an initial sync."""
    services, queue = _services[0]
    with _once(queue, f"walk-{run_id}"), _busy(services):
        initial.walk(services, run_id, after_page=lambda: rq_queue.dispatch(services.db, queue))


def poll(store_id: int) -> None:
    """Ask a store's shop and Odoo what changed."""
    services, queue = _services[0]
    with _once(queue, f"poll-{store_id}"), _busy(services):
        polls.poll(services, store_id)


def rehearse(run_id: int) -> None:
    """Go on with a rehearsal."""
    services, queue = _services[0]
    with _once(queue, f"rehearsal-{run_id}"), _busy(services):
        rehearsal.walk(services, run_id)


def compare(run_id: int) -> None:
    """Go on with a comparison of both sides."""
    services, queue = _services[0]
    with _once(queue, f"comparison-{run_id}"), _busy(services):
        drift.walk(services, run_id)


def tick() -> None:
    """One heartbeat."""
    services, queue = _services[0]
    with _once(queue, "tick"):
        heartbeat.tick(services, queue)


@contextmanager
def _once(queue: Queue, name: str) -> Iterator[None]:
    """The task was handed over by `enqueue_once`; when it has ended, it may be again."""
    try:
        yield
    finally:
        rq_queue.ended(queue, name)


@contextmanager
def _busy(services: Services) -> Iterator[None]:
    """Tell the supervisor's watchdog since when this process works on one task."""
    with services.db.begin() as session:
        heartbeat.beat(session, services.name, "busy")
    try:
        yield
    finally:
        with services.db.begin() as session:
            heartbeat.beat(session, services.name, "worker")
