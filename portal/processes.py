"""A tree of processes that are kept alive and end together. Knows nothing of the portal.

A child that ends is started again after 0.2 s, doubling to 30 s while it keeps ending soon. Each child leads a process group of its
own, so that Ctrl-C reaches only the tree, which ends all in order, and nothing a child started outlives it. If the tree itself is
killed, its children go too: on Linux the kernel ends them, elsewhere a warden process does (`portal.warden`).
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import Literal

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 20.0
"""A child that lived this long starts with the first pause again."""
REPAIR_AFTER = 3
"""A child that ends so often in a row, each time soon, gets its `repair`."""
STOP_SECONDS = 25.0
_ROUND = 0.1
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

NEVER = datetime.min.replace(tzinfo=UTC)
Leash = Literal["kernel", "warden"]


@dataclass
class Child:
    """One process to keep alive. `needed_by_others`: it is asked to end only after the others have. `repair` is called when it
    keeps ending soon. `quiet`: what it prints is dropped; its errors are not."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    needed_by_others: bool = False
    repair: Callable[[], None] | None = None
    quiet: bool = False
    process: subprocess.Popen[bytes] | None = None
    since: datetime = NEVER
    """When the present process was started."""
    failures: int = 0
    _started: float = 0.0
    _due: float = 0.0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: int) -> None:
        """Signal the process."""
        if self.process is not None and self.alive:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the process and whatever it started, at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Tree:
    """Starts children, looks after them until SIGINT or SIGTERM, and leaves none behind. A context manager, in the main thread.

    `watch` is called in every round (each 0.1 s) and may kill a child that hangs.
    """

    def __init__(self, *, watch: Callable[[Sequence[Child]], None] | None = None, stop_seconds: float = STOP_SECONDS,
                 leash: Leash = "kernel" if sys.platform == "linux" else "warden") -> None:
        self.children: list[Child] = []
        self._watch = watch
        self._stop_seconds = stop_seconds
        self._leash = leash
        self._warden: subprocess.Popen[bytes] | None = None
        self._signals = 0
        self._former: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Tree:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._former[number] = signal.signal(number, self._on_signal)
        if self._leash == "warden":
            self._warden = subprocess.Popen([sys.executable, "-m", "portal.warden"], stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        if self._warden is not None and self._warden.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._warden.stdin.close()
            self._warden.wait()
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def add(self, child: Child) -> None:
        """Start a child and keep it."""
        self.children.append(child)
        self._start(child)

    def run(self) -> None:
        """Look after the children; returns after SIGINT or SIGTERM."""
        self.wait_for(lambda: False, seconds=float("inf"))

    def wait_for(self, ready: Callable[[], bool], *, seconds: float) -> bool:
        """Look after the children until `ready()`; False when that took too long or a signal came."""
        deadline = time.monotonic() + seconds
        while not self._signals and time.monotonic() < deadline:
            for child in self.children:
                self._look(child)
            if ready():
                return True
            if self._watch is not None:
                self._watch(self.children)
            time.sleep(_ROUND)
        return False

    @property
    def told_to_stop(self) -> bool:
        return self._signals > 0

    def stop(self) -> None:
        """Ask the children to end, the needed ones last, and kill what does not within `stop_seconds` or after a second signal."""
        deadline = time.monotonic() + self._stop_seconds
        for last in (False, True):
            lot = [child for child in self.children if child.needed_by_others == last]
            for child in lot:
                child.send(signal.SIGTERM)
            while any(child.alive for child in lot) and time.monotonic() < deadline and self._signals < 2:
                time.sleep(0.02)
            for child in lot:
                child.kill()
                if child.process is not None:
                    child.process.wait()
                    self._tell_warden("-", child)
                    child.process = None

    def _look(self, child: Child) -> None:
        """Start the child again if it ended, after its pause."""
        if child.alive:
            return
        at = time.monotonic()
        if child.process is not None:
            child.kill()  # what it started itself must not stand in the way of its successor
            self._tell_warden("-", child)
            code = child.process.returncode
            child.failures = 1 if at - child._started > STEADY_SECONDS else child.failures + 1
            pause = pause_after(child.failures)
            level = logging.WARNING if code else logging.INFO
            logger.log(level, "%s ended (%s); starting it again in %.1f s", child.name, code, pause)
            child.process = None
            child._due = at + pause
            if child.repair is not None and child.failures % REPAIR_AFTER == 0:
                child.repair()
        if at >= child._due:
            self._start(child)
            logger.info("%s runs again", child.name)

    def _start(self, child: Child) -> None:
        child.since = datetime.now(UTC)
        child._started = time.monotonic()
        child.process = subprocess.Popen(  # noqa: S603
            child.command, env=dict(child.env), stdin=subprocess.DEVNULL, process_group=0,
            stdout=subprocess.DEVNULL if child.quiet else None,
            preexec_fn=dying_with(os.getpid()) if self._leash == "kernel" else None)
        self._tell_warden("+", child)

    def _tell_warden(self, sign: str, child: Child) -> None:
        if self._warden is not None and self._warden.stdin is not None and child.process is not None:
            with contextlib.suppress(BrokenPipeError):
                self._warden.stdin.write(f"{sign}{child.process.pid}\n".encode())
                self._warden.stdin.flush()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1


def pause_after(failures: int) -> float:
    """Seconds before a process is started again that ended soon so many times in a row."""
    return float(min(FIRST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE))


def dying_with(parent: int) -> Callable[[], None]:
    """For the child, before exec: the kernel kills it when the parent dies, also if that happened just now."""
    def before_exec() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    return before_exec
