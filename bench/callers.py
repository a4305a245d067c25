"""Callers from outside at a steady rate: each request is sent when its time has come, however slow the answers are."""

from __future__ import annotations

import asyncio
import json
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from portal.sync.hook_message import STORE_HEADER, sign

CONNECTIONS = 40
GIVE_UP_SECONDS = 30.0


@dataclass(frozen=True)
class Caller:
    """Where to call and with what; a token that is `None` is a wrong one, another each time."""

    host: str
    port: int
    key: str = ""
    hooks: str | None = None
    webhook: str | None = None
    cron: str | None = None

    def hook(self, entity: str, number: int) -> bytes:
        """What the shop's module sends of one change."""
        row = {"entity": entity, "id": number, "combination": 0, "shop": 1, "version": 1}
        body = json.dumps({"module": "1.0.0", "prestashop": "9.1.4", "batch": secrets.token_hex(8), "backlog": 0, "rescan": "",
                           "changes": [row]}).encode()
        return self._post("/hooks/prestashop", body, {**sign([self.hooks or secrets.token_hex(32)], int(time.time()), body),
                                                      STORE_HEADER: self.key})

    def changed(self, number: int) -> bytes:
        """What Odoo's automation rule sends of one product."""
        token = self.webhook or secrets.token_urlsafe(32)
        return self._post("/webhook", json.dumps({"token": token, "_model": "product.template", "_id": number}).encode(), {})

    def call_cron(self) -> bytes:
        """What a clock somewhere sends every few minutes."""
        return self._request("GET", "/cron", b"", {"Authorization": f"Bearer {self.cron or secrets.token_urlsafe(32)}"})

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        return self._request("POST", path, body, {"Content-Type": "application/json", **headers})

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Content-Length: {len(body)}",
                 "Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Answers:
    """Statuses, times and, of what was taken, how many changes the answers say."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    lasted: float = 0.0

    @property
    def taken(self) -> int:
        return sum(number for status, number in self.statuses.items() if 200 <= status < 300)

    def percentile(self, percent: int) -> float:
        """Milliseconds within which so many percent were answered."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1] * 1000

    def line(self, name: str) -> str:
        statuses = ", ".join("no answer" if status == 0 else f"{number} x {status}"
                             for status, number in sorted(self.statuses.items()))
        return (f"  {name:24} {len(self.seconds) / self.lasted:6.1f} a second for {self.lasted:.0f} s: {statuses}; "
                f"p50 {self.percentile(50):.0f} ms, p95 {self.percentile(95):.0f} ms, p99 {self.percentile(99):.0f} ms")


def call(caller: Caller, requests: Iterable[bytes], *, rate: float) -> Answers:
    """Send them at this rate, each on a connection of its own, and wait for every answer."""
    return asyncio.run(_call(caller, iter(requests), rate))


async def _call(caller: Caller, requests: Iterator[bytes], rate: float) -> Answers:
    answers, began, tasks = Answers(), time.perf_counter(), []
    for number, request in enumerate(requests):
        due = began + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(_one(caller, request, due, answers)))
    answers.lasted = time.perf_counter() - began
    await asyncio.gather(*tasks)
    return answers


async def _one(caller: Caller, request: bytes, due: float, answers: Answers) -> None:
    """The time counts from when it was due, so that a caller that comes late itself hides nothing."""
    status, body = 0, b""
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            reader, writer = await asyncio.open_connection(caller.host, caller.port)
            writer.write(request)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
            status = int(head.split(b" ", 2)[1])
    except (OSError, IndexError, ValueError):
        pass
    answers.statuses[status] += 1
    answers.seconds.append(time.perf_counter() - due)
    if status == 202:
        answers.jobs += json.loads(body).get("jobs", [])
