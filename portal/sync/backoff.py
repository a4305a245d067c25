"""How long to wait before trying again."""

from __future__ import annotations

import random
from datetime import timedelta


def after_attempt(attempts: int, *, jitter: float | None = None) -> timedelta:
    """Wait after the n-th failed attempt: about 15 s, 1 min, 4 min, 16 min, then 1 h, each ±10 %."""
    seconds = min(15 * 4 ** max(attempts - 1, 0), 3600)
    return timedelta(seconds=seconds * (1 + _spread(jitter)))


def before_probe(failures: int, *, jitter: float | None = None) -> timedelta:
    """Wait before a side that is down is probed again: 5, 10, 20, 40, then 60 s, each ±10 %."""
    seconds = min(5 * 2 ** max(failures - 1, 0), 60)
    return timedelta(seconds=seconds * (1 + _spread(jitter)))


def after_block(deferrals: int) -> timedelta:
    """How long a job waits for its dependencies before it looks by itself: a safety net, since success wakes it."""
    return timedelta(minutes=min(5 * max(deferrals, 1), 60))


def _spread(jitter: float | None) -> float:
    return random.uniform(-0.1, 0.1) if jitter is None else jitter  # noqa: S311 - not a secret
