"""One worker process: takes RQ jobs and gives the tasks what they work with."""

from __future__ import annotations

import logging
import os
import sys
import time

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal import rq_setup
from portal.config import ConfigError
from portal.runtime import open_services, prepare
from portal.sync import tasks
from portal.sync.services import Services
from portal.sync.tick import beat
from portal.sync.work import stop

logger = logging.getLogger(__name__)

MAX_JOBS = 2000
"""After so many RQ jobs a worker ends and the supervisor starts a new one, so that memory cannot creep up."""
NICENESS = 5
"""Workers give way to the web process: whoever calls from outside is answered at once, whatever there is to do."""
BEAT_SECONDS = 30.0
"""An idle worker writes its sign of life at most this often; while it works, its tasks do."""


def work() -> int:
    """Work until told to stop; exit code 0 after a clean end, 1 when it cannot start or Redis went away."""
    os.nice(NICENESS)
    try:
        services = open_services(prepare())
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if services.redis is None:
        return 1
    try:
        worker = rq_setup.make_worker(services.redis, services.name)
        worker.on_idle = SignOfLife(services)
        worker.told_to_stop = stop
        tasks.use(services, rq_setup.make_queue(services.redis))
        worker.work(with_scheduler=False, max_jobs=MAX_JOBS, logging_level="WARNING")
    except RedisError as error:
        logger.warning("Redis does not answer (%s); what was begun goes on from SQL", error)
        return 1
    finally:
        services.close()
    return 0


class SignOfLife:
    """Notes that a worker waits for work, seldom enough to cost nothing; a database that is away now is not its business."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._last = float("-inf")

    def __call__(self) -> None:
        if time.monotonic() - self._last < BEAT_SECONDS:
            return
        try:
            with self._services.db.begin() as session:
                beat(session, self._services.name, "worker")
        except SQLAlchemyError as error:
            logger.warning("the database does not answer: %s", type(error).__name__)
            return
        self._last = time.monotonic()
