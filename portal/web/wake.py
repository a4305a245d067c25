"""Telling the workers that there is work, without ever waiting for them."""

from __future__ import annotations

from redis import RedisError
from rq.exceptions import DuplicateJobError

from portal.extensions import services
from portal.sync.queue import JOB_TIMEOUT

TICK = "portal.sync.tasks.tick"


def wake() -> bool:
    """Have a worker look for due work now. False where the queue server is away: then the next regular look finds it.

    Calls that overlap are one: RQ holds the round under one id until it has ended.
    """
    queue = services().queue()
    if queue is None:
        return False
    try:
        queue.enqueue(TICK, job_id="tick", unique=True, at_front=True, result_ttl=0, failure_ttl=60, job_timeout=JOB_TIMEOUT)
    except DuplicateJobError:
        return True
    except RedisError:
        return False
    return True
