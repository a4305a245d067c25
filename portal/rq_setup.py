"""How this project uses RQ: JSON only, an allow-list of functions, one queue."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import as_text
from rq.worker import WorkerStatus

from portal.config import Config
from portal.embedded import redis_url

QUEUE = "portal"
FUNCTIONS = frozenset({"portal.sync.tasks.run", "portal.sync.tasks.enumerate_shop", "portal.sync.tasks.tick",
                       "portal.sync.tasks.poll", "portal.sync.tasks.rehearse", "portal.sync.tasks.compare"})
WEB_SECONDS = 0.2
"""A page or endpoint never waits longer for Redis; what it does not hear now, `tick` tells it."""
BREAK_OFF_SECONDS = 15
"""How long a task may go on when its worker was asked to end; less than the supervisor waits."""

_FURTHER_CALLS = frozenset({"success_callback_name", "failure_callback_name", "stopped_callback_name", "webhooks"})


class ForbiddenFunction(Exception):
    """Somebody put a job into Redis that is not one of ours."""


class SafeJob(Job):
    """An RQ job that can only call the functions of `FUNCTIONS`, whatever stands in Redis."""

    @property
    def func(self) -> Any:
        if self.func_name not in FUNCTIONS:
            raise ForbiddenFunction("a job in the queue names a function that is not allowed")
        return super().func

    def restore(self, raw_data: Any) -> None:
        """Read what stands in Redis, except for the further ways RQ has to call functions and addresses.

        What cannot be read is no job: RQ passes by what does not exist and throws its name away. Anything else that it meets here
        ends the worker, and the next one when it tidies up.
        """
        try:
            super().restore({key: value for key, value in raw_data.items() if as_text(key) not in _FURTHER_CALLS})
        except (ValueError, TypeError, KeyError) as error:
            raise NoSuchJobError(f"what stands under {self.key!r} is no job") from error


class Worker(SimpleWorker):
    """Runs jobs in its own process; the supervisor restarts it and SQL leases guard what it held.

    `on_idle` is called whenever it has waited for work in vain, every 45 seconds or so.
    """

    job_class = SafeJob
    queue_class = Queue
    on_idle: Callable[[], None] | None = None
    told_to_stop: Callable[[], None] | None = None
    """Called when the worker is asked to end."""
    _asked_to_end = False

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        super().heartbeat(timeout, pipeline)
        if self.on_idle is not None and pipeline is None and self.get_state() == WorkerStatus.IDLE:
            self.on_idle()
            if self._asked_to_end:  # RQ's word for it was lost where an error that came of it took its place
                raise StopRequested

    def handle_warm_shutdown_request(self) -> None:
        """Asked to end: the task begins nothing more, and is broken off before the supervisor would kill the process."""
        self._asked_to_end = True
        if self.told_to_stop is not None:
            self.told_to_stop()
        if callable(signal.getsignal(signal.SIGALRM)):  # RQ's own limit of the task, brought forward
            signal.alarm(min(signal.alarm(0) or BREAK_OFF_SECONDS, BREAK_OFF_SECONDS))


def connect_redis(config: Config, *, web: bool = False) -> Redis:
    """A lazy connection. In the web process it gives up after 0.2 s without trying again."""
    url = redis_url(config)
    if web:
        return Redis.from_url(url, socket_timeout=WEB_SECONDS, socket_connect_timeout=WEB_SECONDS,
                              retry=Retry(NoBackoff(), 0))
    return Redis.from_url(url)


def make_queue(redis: Redis) -> Queue:
    """The one queue."""
    return Queue(QUEUE, connection=redis, serializer=JSONSerializer, job_class=SafeJob)


def make_worker(redis: Redis, name: str) -> Worker:
    """A worker for the one queue; small intervals, so that what a killed worker held is seen soon."""
    return Worker([make_queue(redis)], name=name, connection=redis, serializer=JSONSerializer, job_class=SafeJob,
                  worker_ttl=60, maintenance_interval=60, job_monitoring_interval=5,
                  log_job_description=False)
