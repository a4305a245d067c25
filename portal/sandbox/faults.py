"""Scripted faults for both sandboxes: what a network, a proxy or a busy server does to a call.

    faults = Faults()
    faults.arm("drop", side="odoo", model="sale.order", method="create")   # commits, then drops the answer
    faults.arm("status", side="shop", method="GET", status=503, times=0)   # every read, until cleared

A server asks `run` for the outcome of each call and sends it. For the shop, `model` is the resource
("products") and `method` the HTTP method. Kinds (`commit=True` runs the call first where it says so):

    refuse   closes the connection without an answer (commit: after the call was done, the same as `drop`)
    drop     does the call, then closes without an answer
    cut      does the call and sends the first half of the answer
    slow     waits `seconds`, then answers
    status   answers `status` with a proxy's HTML page (commit possible)
    html     answers 200 with an HTML page (commit possible)
    throttle answers 429 with Retry-After: `seconds` (commit possible)
    error    answers an error object of the server's own kind: `error` names it, `message` is its text
    late     closes at once (or answers `status` when it is set) and does the call `seconds` later,
             or when `release(name)` is called where `seconds` is 0
    hold     waits for `release(name)` before the call (commit: after the call, before the answer)
"""

from __future__ import annotations

import fnmatch
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")

KINDS = ("refuse", "drop", "cut", "slow", "status", "html", "throttle", "error", "late", "hold")
PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
TITLES = {
    429: "429 Too Many Requests",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
LONGEST_HOLD = 60.0  # seconds: a test that forgets to release fails instead of hanging


@dataclass
class Fault:
    """One armed fault. It strikes `times` matching calls (0: until cleared), after letting `skip` pass."""

    kind: str
    side: str = "*"
    model: str = "*"
    method: str = "*"
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    status: int = 0
    error: str = "UserError"
    message: str = "Scripted by the sandbox"
    commit: bool = False
    name: str = ""
    struck: int = 0

    def matches(self, side: str, model: str, method: str) -> bool:
        wanted = ((side, self.side), (model, self.model), (method, self.method))
        return all(fnmatch.fnmatchcase(value, pattern) for value, pattern in wanted)


@dataclass
class Page:
    """An answer that does not come from the application: a proxy's page."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class Outcome(Generic[Answer]):
    """What to send: `page`, or `error` in the server's own form, or `answer`; nothing at all: hang up."""

    answer: Answer | None = None
    page: Page | None = None
    error: Fault | None = None
    cut: bool = False


class Faults:
    """The armed faults and the calls they hold. Safe for threads; one object may serve both sandboxes."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._changed = threading.Condition()
        self._held: dict[int, Fault] = {}
        self._released: set[str] = set()
        self._late: list[threading.Thread] = []
        self._entries = 0
        self._generation = 0

    def arm(self, kind: str, **options: Any) -> Fault:
        """Arms a fault; ValueError for an unknown kind, TypeError for an unknown option."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(KINDS)}")
        fault = Fault(kind, **options)
        with self._changed:
            self._released.discard(fault.name)
            self._armed.append(fault)
        return fault

    def clear(self) -> None:
        """Disarms everything and lets every held call go on."""
        with self._changed:
            self._armed.clear()
            self._generation += 1
            self._changed.notify_all()

    def release(self, name: str = "") -> None:
        """Lets the held and late calls with this name go on, now and in future until it is armed again."""
        with self._changed:
            self._released.add(name)
            self._changed.notify_all()

    def wait_held(self, count: int = 1, timeout: float = LONGEST_HOLD) -> list[Fault]:
        """Waits until at least `count` calls are held and lists them; fewer when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._held) >= count, timeout)
            return list(self._held.values())

    def wait_late(self) -> None:
        """Waits until every late call so far is done."""
        while self._late:
            self._late.pop().join()

    def armed(self) -> list[Fault]:
        return list(self._armed)

    def run(self, side: str, model: str, method: str, work: Callable[[], Answer]) -> Outcome[Answer]:
        """Does the call as the next matching fault allows. `work` does and commits it, and returns the answer."""
        fault = self._take(side, model, method)
        if fault is None:
            return Outcome(work())
        if fault.kind == "slow":
            self._hold(fault, fault.seconds)
            return Outcome(work())
        if fault.kind == "late":
            self._do_later(fault, work)
            return Outcome(page=_page(fault.status, {})) if fault.status else Outcome()
        if fault.kind == "hold":
            answer = work() if fault.commit else None
            self._hold(fault, LONGEST_HOLD)
            return Outcome(answer if fault.commit else work())
        if fault.kind == "cut":
            return Outcome(work(), cut=True)
        if fault.commit or fault.kind == "drop":
            work()
        if fault.kind == "error":
            return Outcome(error=fault)
        if fault.kind == "throttle":
            return Outcome(page=_page(429, {"Retry-After": f"{fault.seconds:g}"}))
        if fault.kind in ("status", "html"):
            return Outcome(page=_page(200 if fault.kind == "html" else fault.status or 502, {}))
        return Outcome()

    def control(self, method: str, path: str, options: dict[str, Any]) -> tuple[int, Any] | None:
        """The control interface over HTTP; None when the path is not one of ours.

        POST /_sandbox/faults {"kind", …} arms, DELETE clears, GET lists; POST /_sandbox/release {"name"};
        GET /_sandbox/held?count=1&timeout=30 waits until calls are held.
        """
        if (method, path) == ("POST", "/_sandbox/faults"):
            try:
                return 200, asdict(self.arm(**options))
            except (TypeError, ValueError) as error:
                return 400, {"error": str(error)}
        if (method, path) == ("GET", "/_sandbox/faults"):
            return 200, [asdict(fault) for fault in self.armed()]
        if (method, path) == ("DELETE", "/_sandbox/faults"):
            self.clear()
            return 200, []
        if (method, path) == ("POST", "/_sandbox/release"):
            self.release(str(options.get("name", "")))
            return 200, {}
        if (method, path) == ("GET", "/_sandbox/held"):
            held = self.wait_held(int(options.get("count", 1)), float(options.get("timeout", LONGEST_HOLD)))
            return 200, [asdict(fault) for fault in held]
        return None

    def _take(self, side: str, model: str, method: str) -> Fault | None:
        with self._changed:
            for fault in self._armed:
                if fault.matches(side, model, method):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.struck += 1
                    if fault.struck == fault.times:
                        self._armed.remove(fault)
                    return fault
        return None

    def _hold(self, fault: Fault, seconds: float) -> None:
        with self._changed:
            self._entries += 1
            entry, generation = self._entries, self._generation
            self._held[entry] = fault
            self._changed.notify_all()
            self._changed.wait_for(lambda: fault.name in self._released or generation != self._generation, seconds)
            del self._held[entry]

    def _do_later(self, fault: Fault, work: Callable[[], object]) -> None:
        def later() -> None:
            self._hold(fault, fault.seconds or LONGEST_HOLD)
            work()

        thread = threading.Thread(target=later, daemon=True)
        self._late.append(thread)
        thread.start()


def hang_up(connection: socket.socket) -> None:
    """Ends a connection both ways, whatever the client is doing."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _page(status: int, headers: dict[str, str]) -> Page:
    title = TITLES.get(status, "Maintenance")
    return Page(status, PAGE.format(title).encode(), {"Content-Type": "text/html", **headers})
