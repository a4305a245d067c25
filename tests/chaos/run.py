"""One random run from a seed: people work while everything breaks; then all is healed, and both sides must agree."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import func, select

from portal.db import now
from portal.models import InitialRun, JobEvent, Store, SyncJob
from portal.sync import circuit, initial, jobs, poll, tick
from tests.chaos.installation import Installation
from tests.chaos.town import Town
from tests.invariants import check
from tests.world import eventually

STEPS = (10, 24)
WORKERS = 2
ROUNDS = 25
KINDS = ("refuse", "drop", "cut", "slow", "status", "html", "throttle", "error", "late")
ERRORS = ("UserError", "ValidationError", "AccessError", "SerializationFailure")
ODOO_CALLS = (("*", "*"), ("res.partner", "*"), ("product.*", "*"), ("product.template", "load"), ("sale.order", "create"),
              ("sale.order", "*"), ("stock.quant", "*"), ("*", "search_read"))
SHOP_CALLS = (("*", "*"), ("*", "GET"), ("products", "*"), ("stock_availables", "*"), ("orders", "*"), ("*", "P*"))


@dataclass
class Run:
    """`moves` is what was done, for whoever has to understand a failure."""

    world: Installation
    town: Town
    rng: random.Random
    moves: list[str] = field(default_factory=list)
    quiet_since: Counter[str] | None = None
    """Writes to both sides when a dry run or a switched-off store began to be still."""

    def play(self) -> None:
        """Set up, break things, heal, compare. Raises AssertionError where something is wrong."""
        self.world.redis.start()
        self.world.start_web()
        for _ in range(WORKERS):
            self.world.fork_worker()
        self.town.fill()
        self.town.send(everything=True)
        eventually(lambda: not self.world.jobs("pending", "blocked", "running"), "what was there is synchronised")
        poll.poll(self.world.services, self.world.store.id, force=True)  # what changed before the first look does not count
        moves = self._moves()
        for _ in range(self.rng.randint(*STEPS)):
            [move] = self.rng.choices(list(moves), weights=list(moves.values()))
            self.moves.append(move.__name__.strip("_"))
            move()
            if self.rng.random() < 0.7:
                self.town.send()
            self._breathe()
        self._heal()
        self._compare()

    def _moves(self) -> dict[Callable[[], None], int]:
        town = self.town
        return {
            town.a_customer_registers: 3, town.a_customer_changes_the_name: 4, town.a_product_is_added: 2,
            town.a_product_changes_in_the_shop: 4, town.someone_counts_in_the_shop: 4, town.a_customer_orders: 8,
            town.an_order_is_cancelled: 2, town.a_product_changes_in_odoo: 3, town.someone_counts_in_odoo: 3,
            town.an_order_is_delivered: 2,
            self._a_call_fails: 14, self._a_server_stops: 2, self._a_server_comes_back: 4,
            self._a_worker_is_killed: 5, self._a_worker_is_killed_during_a_call: 8, self._a_worker_is_stopped: 3,
            self._a_worker_starts: 8, self._the_web_is_killed: 2, self._redis_is_flushed: 3, self._redis_is_killed: 2,
            self._time_passes: 5, self._the_cron_calls: 5, self._dry_run_is_switched: 3, self._the_store_is_switched: 2,
            self._an_initial_sync_begins: 2, self._dead_letters_are_retried: 2, self._both_sides_are_polled: 2,
        }

    # --- what breaks

    def _a_call_fails(self) -> None:
        side = self.rng.choice(("odoo", "odoo", "shop"))
        model, method = self.rng.choice(ODOO_CALLS if side == "odoo" else SHOP_CALLS)
        kind = self.rng.choice(KINDS)
        server = self.world.odoo if side == "odoo" else self.world.shop
        server.faults.arm(kind, side=side, model=model, method=method, times=self.rng.randint(1, 3), skip=self.rng.randint(0, 1),
                          seconds=0.2 if kind in ("slow", "late", "throttle") else 0.0, error=self.rng.choice(ERRORS),
                          status=self.rng.choice((502, 503, 504)) if kind == "status" else 0, commit=self.rng.random() < 0.4)

    def _a_server_stops(self) -> None:
        (self.world.odoo if self.rng.random() < 0.6 else self.world.shop).stop()

    def _a_server_comes_back(self) -> None:
        for server in (self.world.odoo, self.world.shop):
            server.faults.clear()
            if not server.serving:
                server.start()

    def _a_worker_is_killed(self) -> None:
        if self.world.forked:
            self.world.kill_worker(self.rng.randrange(len(self.world.forked)))

    def _a_worker_is_killed_during_a_call(self) -> None:
        """At the worst moment: the call is on its way, or done and not answered."""
        server = self.world.odoo if self.rng.random() < 0.7 else self.world.shop
        calls = ODOO_CALLS if server is self.world.odoo else SHOP_CALLS
        model, method = self.rng.choice(calls)
        server.faults.arm("hold", model=model, method=method, name="kill", commit=self.rng.random() < 0.5)
        self.town.a_customer_changes_the_name()
        self.town.a_customer_orders()
        self.town.send()
        server.faults.wait_held(timeout=0.4)
        self.world.kill_workers()
        server.faults.clear()

    def _a_worker_is_stopped(self) -> None:
        """SIGTERM, as in a deploy."""
        if self.world.forked:
            process = self.world.forked.pop(0)
            process.terminate()
            process.join(30)
            assert process.exitcode is not None, "a worker does not end when it is told to"

    def _a_worker_starts(self) -> None:
        if len(self.world.forked) < WORKERS:
            self.world.fork_worker()

    def _the_web_is_killed(self) -> None:
        self.world.kill_web()
        self.town.send()
        self.world.start_web()

    def _redis_is_flushed(self) -> None:
        with suppress(Exception):
            assert self.world.services.redis is not None
            self.world.services.redis.flushall()

    def _redis_is_killed(self) -> None:
        self.world.redis.kill(empty=self.rng.random() < 0.5)
        self.town.a_customer_changes_the_name()
        self.town.send()
        self.world.redis.start()

    def _time_passes(self) -> None:
        """Waiting times are over; leases only of workers that are gone."""
        self.world.pass_time(leases=not self.world.forked)

    def _the_cron_calls(self) -> None:
        self.world.cron()
        tick.tick(self.world.services, self.world.services.queue())

    def _dry_run_is_switched(self) -> None:
        self._switch("dry_run", not self.world.store.settings["dry_run"])

    def _the_store_is_switched(self) -> None:
        self._switch("enabled", not self.world.store.settings["enabled"])

    def _an_initial_sync_begins(self) -> None:
        with self.world.db.begin() as session:
            initial.start(session, session.get_one(Store, self.world.store.id),
                          self.rng.choice(("customer", "product", "stock", "order")))
        tick.tick(self.world.services, self.world.services.queue())

    def _dead_letters_are_retried(self) -> None:
        with self.world.db.begin() as session:
            jobs.retry(session, self.world.store.id, None, "test")
        self.world.services.kick()

    def _both_sides_are_polled(self) -> None:
        poll.poll(self.world.services, self.world.store.id, force=True)

    def _switch(self, key: str, value: bool) -> None:
        """P9: while a store is off or in dry run nothing is written, once what was running has ended."""
        self._still_quiet()
        self.world.set(**{key: value})
        settings = self.world.store.settings
        if settings["enabled"] and not settings["dry_run"]:
            self.world.services.kick()
            return
        deadline = time.monotonic() + 3
        while self.world.running() and self.world.forked and time.monotonic() < deadline:
            time.sleep(0.02)
        self._late_calls_end()
        if not (self.world.running() and self.world.forked):
            self.quiet_since = self.world.writing_calls()

    def _still_quiet(self) -> None:
        if self.quiet_since is not None:
            written = self.world.writing_calls() - self.quiet_since
            assert not written, f"something was written while the store was off or in dry run: {dict(written)}"
            self.quiet_since = None

    def _breathe(self) -> None:
        """Let the workers do something: until the next step of a change, or for a moment."""
        with self.world.db.read() as session:
            seen = session.scalar(select(func.max(JobEvent.id)))
            deadline = time.monotonic() + self.rng.choice((0.0, 0.02, 0.1))
            while time.monotonic() < deadline and session.scalar(select(func.max(JobEvent.id))) == seen:
                session.rollback()
                time.sleep(0.005)

    # --- healing

    def _heal(self) -> None:
        self._still_quiet()
        self.world.kill_workers()
        self.world.redis.start()
        self.world.start_web()
        self._a_server_comes_back()
        self._late_calls_end()
        self.world.set(enabled=True, dry_run=False)
        self.town.send(everything=True)
        self.world.pass_time()
        for _ in range(WORKERS):
            self.world.fork_worker()
        for _ in range(ROUNDS):
            self._round()
            if self._finished() and not self._news():
                return
        left = [(job.entity, job.direction, job.record, job.state, job.message) for job in self.world.jobs(
            "pending", "error", "blocked", "running", "dead")]
        raise AssertionError(f"never at rest: {left}")

    def _round(self) -> None:
        """A while later: people have solved what was theirs to solve, the heartbeat has come, the workers have worked."""
        with self.world.db.begin() as session:
            for side in ("odoo", "shop"):
                circuit.record_success(session, self.world.store.id, side)
            jobs.retry(session, self.world.store.id, None, "test")
            walks = list(session.scalars(select(InitialRun.id).where(InitialRun.state == "reading")))
        self.world.pass_time(leases=False)
        for run_id in walks:
            initial.walk(self.world.services, run_id)
        tick.tick(self.world.services, self.world.services.queue())
        eventually(self._nothing_due, "the workers do what is due")

    def _nothing_due(self) -> bool:
        with self.world.db.read() as session:
            due = session.scalar(select(func.count()).select_from(SyncJob).where(*jobs.is_due(now())))
        return not due and not self.world.running()

    def _finished(self) -> bool:
        return not self.world.jobs("pending", "error", "blocked", "running", "dead")

    def _news(self) -> int:
        """Whether asking both sides finds a change that has not been brought across."""
        before = self.world.writes()
        poll.poll(self.world.services, self.world.store.id, force=True)
        tick.tick(self.world.services, self.world.services.queue())
        eventually(self._nothing_due, "what the poll found is done")
        return self.world.writes() - before or not self._finished()

    def _late_calls_end(self) -> None:
        for server in (self.world.odoo, self.world.shop):
            server.faults.wait_late()
        self.world.odoo.webhooks.wait()

    # --- comparing

    def _compare(self) -> None:
        check(self.world.db, quiet=True)
        differences = self.town.differences()
        assert not differences, "; ".join(differences)
        self.world.check()
