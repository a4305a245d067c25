"""What a worker process of a test does otherwise than a real one: stops at a certain point, dies, or has a wrong clock.

A patch is named when the worker is forked and applied in that process alone. `sign` tells the test that the point is reached.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, NoReturn

from portal import db, rq_setup
from portal.sync import queue as rq_queue
from portal.sync import runner, tasks


def sign_file() -> Path:
    return Path(os.environ["PORTAL_DATA_DIR"]) / "sign"


def _stop(*_: object, **__: object) -> NoReturn:
    sign_file().touch()
    while True:
        signal.pause()


def stop_before_claim(_argument: str) -> None:
    """RQ has given the job away, SQL knows nothing of it."""
    tasks.runner.run = _stop  # type: ignore[assignment]


def stop_after_finish(_argument: str) -> None:
    """The outcome is in SQL, RQ has not heard of the end."""
    real: Callable[..., Any] = runner.run

    def run(*arguments: Any) -> Any:
        real(*arguments)
        rq_queue.dispatch = _stop  # type: ignore[assignment]

    tasks.runner.run = run


def die_with(record: str) -> None:
    """A record that takes the whole process along, as a crash of the interpreter does."""
    real = runner.flow_for

    def flow_for(entity: str, direction: str) -> Any:
        def flow(work: Any) -> None:
            if any(job.record == record for job in work.jobs):
                os._exit(9)
            real(entity, direction)(work)
        return flow

    runner.flow_for = flow_for


def clock_off_by(seconds: str) -> None:
    """A machine whose clock is wrong."""
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=float(seconds))

    db.datetime = Wrong  # type: ignore[attr-defined, misc]


def break_off_after(seconds: str) -> None:
    """A supervisor with less patience."""
    rq_setup.BREAK_OFF_SECONDS = int(seconds)
