"""What a running portal bears: `portal up` with two workers, its web server called from outside, shop and Odoo on the sandbox.

    .venv/bin/python -m bench.load [waiting changes] [hooks a second] [seconds]

1. 100,000 changes wait and are worked on: inbound calls should be answered within 300 ms (p95), a change that happens now should be
   done before the waiting ones, RQ should hold at most 500 jobs, and no process should take more than 200 MB.
2. 200 messages of the shop's module a second for a minute: none refused, none lost. What was answered with 202 is counted in SQL.
3. A flood of wrong tokens and signatures: who has the right one is answered as ever.

On SQLite, and on PostgreSQL too where PORTAL_TEST_POSTGRES_URL names a server. Callers, shop and Odoo run on the same machine, so
the portal has what they leave of it.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from bench.callers import Answers, Caller, call
from bench.installation import Installation, installed
from bench.world import databases

INBOUND_MS, FRAGMENT_MS, MEGABYTES, WINDOW = 300, 100, 200, 500
PEOPLE = 4_000
"""Customers of the shop that change during the hooks; the waiting changes concern others."""
GOODS = 300
MEASURED_SECONDS = 20


def main(waiting: str = "100000", rate: str = "200", seconds: str = "60") -> None:
    """Print the figures; exit 1 where something is not as it should be."""
    wrong: list[str] = []
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as outside:
        for name, url in databases():
            with tempfile.TemporaryDirectory() as folder, installed(folder, url, people=PEOPLE, goods=GOODS) as portal:
                print(f"{name}:", flush=True)
                found = [*_flood(portal, outside), *_hooks(portal, outside, int(rate), int(seconds)),
                         *_backlog(portal, outside, int(waiting))]
                wrong += [f"{name}: {what}" for what in found]
    if wrong:
        sys.exit("\n".join(wrong))


def _flood(portal: Installation, outside: ProcessPoolExecutor) -> Iterator[str]:
    """Wrong tokens at 200 a second; the right ones come in between."""
    caller = portal.caller
    wrong = Caller(caller.host, caller.port, caller.key)
    flood = outside.submit(call, wrong, _inbound(wrong, 200 * MEASURED_SECONDS), rate=200)
    right = call(caller, _inbound(caller, 10 * MEASURED_SECONDS), rate=10)
    print(flood.result().line("wrong tokens"), flush=True)
    print(right.line("right ones meanwhile"))
    if flood.result().taken:
        yield "a wrong token was taken"
    yield from _judge("right tokens during a flood of wrong ones", right)


def _hooks(portal: Installation, outside: ProcessPoolExecutor, rate: int, seconds: int) -> Iterator[str]:
    """The shop's module at full speed; every change is counted in SQL afterwards."""
    before = portal.noticed()
    portal.watch.reset()
    numbers = random.Random(1).choices(range(1, PEOPLE + 1), k=rate * seconds)
    answers = outside.submit(call, portal.caller, [portal.caller.hook("customer", n) for n in numbers], rate=rate).result()
    noticed, (told, lost) = portal.noticed() - before, portal.unknown(answers.jobs)
    print(answers.line("hooks"), flush=True)
    print(f"  {'':24} {answers.taken} answered 2xx, {noticed} in SQL (in {told} rows); {portal.left()} still to do, "
          f""
          f"{portal.watch.line()}")
    if noticed != len(numbers) or lost:
        yield f"{len(numbers)} hooks, {answers.taken} taken, {noticed} in SQL, {lost} unknown"
    yield from _judge("hooks", answers)
    portal.until_done()


def _backlog(portal: Installation, outside: ProcessPoolExecutor, number: int) -> Iterator[str]:
    """So many changes wait and are worked on, while the shop, Odoo, a clock and a person go on as ever."""
    portal.fill(number)
    portal.watch.reset()
    began, left = time.monotonic(), portal.left()
    person = threading.Thread(target=portal.look, args=(MEASURED_SECONDS,))
    person.start()
    lived = _live_changes(portal)
    answers = outside.submit(call, portal.caller, _inbound(portal.caller, 20 * MEASURED_SECONDS), rate=20).result()
    person.join()
    pace = (left - portal.left()) / (time.monotonic() - began)
    print(answers.line(f"{number:,} waiting: inbound"))
    print(f"  {'':24} dashboard p50 {statistics.median(portal.looks):.0f} ms, p95 {portal.slowest_looks():.0f} ms; "
          f"{pace:.0f} changes a second done; "
          f"{portal.watch.line()}")
    print(f"  {'':24} changes that happened meanwhile were done after {', '.join(f'{s:.1f}' for s, _ in lived)} s, "
          f"{', '.join(str(n) for _, n in lived)} of the waiting ones before them")
    yield from _judge("inbound calls", answers)
    if portal.watch.jobs > WINDOW:
        yield f"RQ held {portal.watch.jobs} jobs"
    yield from (f"{name} took {size} MB" for name, size in portal.watch.megabytes.items() if size > MEGABYTES)


def _live_changes(portal: Installation, times: int = 5) -> list[tuple[float, int]]:
    """After how many seconds, and how many of the waiting changes, a change that happens now is done."""
    found = []
    for number in range(1, times + 1):
        before, began = portal.left(), time.monotonic()
        while not (taken := call(portal.caller, [portal.caller.hook("customer", number)], rate=1).jobs):
            pass  # refused, as the inbound calls below may be; they are what is judged
        portal.until_synced(taken[0])
        found.append((time.monotonic() - began, before - portal.left()))
    return found


def _inbound(caller: Caller, number: int) -> list[bytes]:
    """Messages of the module, webhooks of Odoo and calls of a clock."""
    kinds = itertools.cycle((lambda n: caller.hook("customer", n % PEOPLE + 1), lambda n: caller.changed(n % GOODS + 1),
                             lambda n: caller.hook("product", n % GOODS + 1), lambda _n: caller.call_cron()))
    return [make(n) for n, make in zip(range(number), kinds, strict=False)]


def _judge(name: str, answers: Answers) -> Iterator[str]:
    if answers.taken != len(answers.seconds):
        yield f"{name}: {dict(answers.statuses)}"
    if answers.percentile(95) > INBOUND_MS:
        yield f"{name}: p95 {answers.percentile(95):.0f} ms"


if __name__ == "__main__":
    main(*sys.argv[1:])
