"""Telling RQ what is due beside those who noticed it, so that a caller waits neither for Redis nor for a look through the queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

logger = logging.getLogger(__name__)

GAP_SECONDS = 0.2
"""Between two rounds; what is noticed meanwhile goes out with the next one."""
END_SECONDS = 10.0


class Announcer:
    """A thread that calls `tell` soon after it was asked to, once for all that asked meanwhile. If it does not come to that,
    because the process ends or the database is away, the next `tick` tells."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._wanted, self._ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Never waits, never raises."""
        self._wanted.set()
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._work, name="announcer", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """No more telling; returns when a round that was begun is over."""
        self._ended.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(END_SECONDS)

    def _work(self) -> None:
        while self._wanted.wait() and not self._ended.is_set():
            self._wanted.clear()
            try:
                self._tell()
            except SQLAlchemyError as error:
                logger.warning("the database does not answer: %s", type(error).__name__)
            self._ended.wait(GAP_SECONDS)
