"""One worker process: takes RQ jobs and gives the tasks what they work with."""

from __future__ import annotations

import os
import secrets
import socket

from redis import RedisError

from portal import rq_setup
from portal.runtime import open_services, prepare
from portal.sync import tasks
from portal.sync.tick import beat

MAX_JOBS = 2000
"""After so many RQ jobs a worker ends and the supervisor starts a new one, so that memory cannot creep up."""


def work() -> int:
    """Work until told to stop; exit code 0 after a clean end, 1 when Redis went away."""
    services = open_services(prepare())
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    with services.db.begin() as session:
        beat(session, name, "worker")
    if services.redis is None:
        return 1
    worker = rq_setup.make_worker(services.redis, name)
    tasks.use(services, rq_setup.make_queue(services.redis))
    try:
        worker.work(with_scheduler=False, max_jobs=MAX_JOBS, logging_level="WARNING")
    except RedisError:
        return 1
    finally:
        services.close()
    return 0
