"""Telling the workers that there is work, without ever waiting for them."""

from __future__ import annotations

from redis import RedisError

from portal.extensions import services
from portal.sync.queue import enqueue_once

TICK = "portal.sync.tasks.tick"
ROUND_SECONDS = 60
"""After which a round is begun whatever became of the last: the worker that had it may have been killed."""


def wake() -> bool:
    """Have a worker look for due work now. False where the queue server is away: then the next regular look finds it.

    Calls that overlap are one round.
    """
    queue = services().queue()
    if queue is None:
        return False
    try:
        enqueue_once(queue, TICK, [], "tick", seconds=ROUND_SECONDS)
    except RedisError:
        return False
    return True
