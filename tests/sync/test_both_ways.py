"""Shop, Odoo, customers, messages and dying workers at random, on the sandbox, in each direction: at rest both sides agree.

Messages are doubled, late or lost; workers are killed before or after a write; a poll at the end finds everything. Each run prints
its seed and how many sequences it played, over 500 in all; `PORTAL_TEST_SEED` plays one again, `PORTAL_TEST_SEQUENCES` plays more.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import func, select

from portal.clients.http import Http, Response
from portal.config import Config
from portal.db import Base, Database, make_engine
from portal.models import Conflict, Mapping, Store
from portal.sandbox.odoo_deliveries import deliver
from portal.sandbox.odoo_models import Env
from portal.sandbox.prestashop_actions import add_product, edit_product, set_stock, stock
from portal.sandbox.prestashop_install import both
from portal.sandbox.prestashop_orders import cancel_order, place_order
from portal.sync import bounces, drain, jobs
from portal.sync.services import Services
from tests.invariants import check
from tests.world import World, make_world

SEED = int(os.environ.get("PORTAL_TEST_SEED") or 20261123)
SEQUENCES = {"pieces": 4, "fields": 24}
"""In each direction on each version: 504 in all."""
MORE = int(os.environ.get("PORTAL_TEST_SEQUENCES") or 0)
STEPS = 10
MOST_KILLS = 2
"""Of one record; a third lost lease in a row would make a dead letter of it."""
COUNTING = {"inventory_mode": True}
VERSIONS = ["14", "15", "16", "17", "18", "19"]
DIRECTIONS = ["ps_to_odoo", "odoo_to_ps", "both"]
numbers = itertools.count(1)


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, config: Config, tmp_path: Any) -> Iterator[World]:
    engine = make_engine(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    Base.metadata.create_all(engine)
    db = Database(engine)
    with make_world(db, Services(config, db), version=request.param, order_confirm=True, poll_minutes=0) as world:
        world.sync("customer")
        yield world
    engine.dispose()


def play(machine: Callable[[World, str], RuleBasedStateMachine], kind: str, direction: str, world: World) -> None:
    """Play many sequences on one world, others than in any other direction or version; each has a product of its own."""
    played, version = itertools.count(), world.odoo.db.profile.major

    def one() -> RuleBasedStateMachine:
        next(played)
        return machine(world, direction)

    seed(SEED + 1000 * version + DIRECTIONS.index(direction))(one)
    try:
        run_state_machine_as_test(one, settings=settings(
            max_examples=MORE or SEQUENCES[kind], stateful_step_count=STEPS, deadline=None, database=None,
            phases=[Phase.generate],  # to make a failing one shorter would take longer than all of them
            suppress_health_check=list(HealthCheck)))
    finally:
        print(f"{kind} {direction} {version}: seed={SEED} sequences={next(played)} steps<={STEPS}")
    check(world.db, quiet=True)
    with world.db.read() as session:
        assert not bounces.count(session, world.store), "ordinary work froze a record"


class Killed(BaseException):
    """The worker is gone: nothing after this runs."""


@contextmanager
def dying(write: int, *, after: bool) -> Iterator[list[int]]:
    """The worker dies at its write of this number; the list tells whether it did."""
    send, left, struck = Http.send, itertools.count(1), []

    def sending(http: Http, method: str, path: str, *, write: bool, **options: Any) -> Response:
        mine = write and next(left) == number
        if mine:
            struck.append(number)
            if not after:
                raise Killed
        answer = send(http, method, path, write=write, **options)
        if mine:
            raise Killed
        return answer

    number = write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Http, "send", sending)
        try:
            yield struck
        except Killed:
            return


class Messages(RuleBasedStateMachine):
    """A product on both sides, and messages about it."""

    def __init__(self, world: World, entity: str, direction: str) -> None:
        super().__init__()
        self.world, self.entity, self.direction = world, entity, direction
        self.kills = 0
        self.cut_short = False
        """Whether a worker died since the last whole run."""
        self.code = f"R{next(numbers):05d}"
        world.set(products="ps_to_odoo", stock="off")
        self.product = add_product(world.shop.shop, f"Thing {self.code}", "10", self.code, quantity=0, weight="1",
                                   wholesale_price="4")
        self.tell("product", "ps_to_odoo")
        self.work()
        with world.db.read() as session:
            row = session.scalars(select(Mapping).where(Mapping.entity == "product", Mapping.shop_id == str(self.product))).one()
        self.template, self.variant = row.odoo_id, int(row.data["variant_id"])

    @property
    def odoo(self) -> Any:
        return self.world.services.odoo(self.world.store)

    def tell(self, entity: str, direction: str, record: object = None) -> None:
        own = self.product if direction == "ps_to_odoo" else self.variant if entity == "stock" else self.template
        with self.world.db.begin() as session:
            jobs.notice(session, session.get_one(Store, self.world.store.id), entity, direction, str(record or own), source="test")

    def waiting(self) -> bool:
        """Whether something is still to do. Nothing may have failed."""
        rows = self.world.jobs("pending", "running", "blocked", "error", "dead")
        bad = [row for row in rows if row.state in ("error", "dead")]
        assert not bad, [(row.entity, row.record, row.message, row.detail) for row in bad]
        return bool(rows)

    def work(self) -> None:
        """What waits is done; what had to wait for an order is looked at again."""
        for _ in range(2):
            if not self.waiting():
                return
            self.world.pass_time()
            result = drain.drain(self.world.services, self.world.store)
            assert not result.stopped, result.stopped

    @rule(write=st.integers(1, 3), after=st.booleans())
    def a_worker_is_killed(self, write: int, after: bool) -> None:
        """At its first, second or third write, before it is sent or after it is done."""
        if self.kills < MOST_KILLS and self.waiting():
            told = self.told()
            self.world.pass_time()
            with dying(write, after=after) as struck:
                drain.drain(self.world.services, self.world.store)
            self.kills += bool(struck)
            self.cut_short = self.cut_short or bool(struck)
            if not struck:
                self.done(told)

    def told(self) -> set[str]:
        """In which directions something waits."""
        return {job.direction for job in self.world.jobs("pending", "running") if job.entity == self.entity}

    def done(self, told: set[str]) -> None:
        """The portal did all that these directions were told."""

    def writes(self) -> int:
        """Calls so far that change something on either side."""
        calls = self.world.shop.calls
        return self.world.written() + sum(n for call, n in calls.items() if call.split()[0] in ("PATCH", "POST", "PUT"))

    @rule(times=st.integers(1, 2))
    def the_shop_reports(self, times: int) -> None:
        for _ in range(times):
            self.tell(self.entity, "ps_to_odoo")

    @rule(times=st.integers(1, 2))
    def odoo_reports(self, times: int) -> None:
        for _ in range(times):
            self.tell(self.entity, "odoo_to_ps")

    def poll(self) -> None:
        """Everything is found after all."""
        for direction in ("ps_to_odoo", "odoo_to_ps"):
            self.tell(self.entity, direction)
        self.work()


class Pieces(Messages):
    """People and customers take and add pieces."""

    def __init__(self, world: World, direction: str) -> None:
        super().__init__(world, "stock", direction)
        self.orders: dict[int, int] = {}
        self.untold: list[int] = []
        self.placed: set[int] = set()
        """Valid orders that Odoo has not confirmed."""
        self.sent: set[int] = set()
        self.by_hand = 30
        world.set(products="both", stock=direction)
        set_stock(world.shop.shop, self.product, 30)
        self.count(30)
        self.poll()

    @property
    def shown(self) -> int:
        return stock(self.world.shop.shop, self.product)

    def level(self, field: str) -> int:
        where = {"location": self.odoo.profile.default_location}
        return int(self.odoo.read("product.product", [self.variant], [field], context=where)[0][field])

    @property
    def on_the_way(self) -> int:
        return sum(self.orders[order] for order in self.placed)

    def count(self, pieces: int) -> None:
        [quant] = self.odoo.create("stock.quant", [{"product_id": self.variant, "inventory_quantity": pieces,
                                                    "location_id": self.odoo.profile.default_location}], context=COUNTING)
        if self.odoo.profile.needs_apply_inventory:
            self.odoo.call("stock.quant", "action_apply_inventory", [quant], context=COUNTING)

    @rule(pieces=st.integers(1, 4))
    def a_customer_buys(self, pieces: int) -> None:
        if pieces <= self.shown:
            order = place_order(self.world.shop.shop, 1, [{"product": self.product, "quantity": pieces}])
            self.orders[order] = pieces
            self.untold.append(order)
            self.placed.add(order)

    @rule(newest=st.booleans(), twice=st.booleans())
    def an_order_is_reported(self, newest: bool, twice: bool) -> None:
        """Late, out of order, doubled."""
        if self.untold:
            order = self.untold.pop(-1 if newest else 0)
            for _ in range(1 + twice):
                self.tell("order", "ps_to_odoo", order)

    @rule(which=st.integers(0, 9))
    def the_shop_cancels(self, which: int) -> None:
        able = sorted(set(self.orders) - self.sent)
        if able:
            order = able[which % len(able)]
            cancel_order(self.world.shop.shop, order)
            self.orders.pop(order)
            self.placed.discard(order)
            self.untold = [one for one in self.untold if one != order] + [order]

    @rule(which=st.integers(0, 9))
    def odoo_delivers(self, which: int) -> None:
        able = sorted(set(self.orders) - self.placed - self.sent)
        if able:
            order = able[which % len(able)]
            number = int(self.world.odoo_rows("sale.order", origin=f"PS/shop/{order}")[0]["id"])  # type: ignore[call-overload]
            with self.world.odoo.db.transaction():
                deliver(Env(self.world.odoo.db), number, None)
            self.sent.add(order)

    @rule(pieces=st.integers(-3, 6))
    def someone_counts_in_the_shop(self, pieces: int) -> None:
        """Where the shop does not tell Odoo, nobody has a reason to."""
        if self.direction != "odoo_to_ps" and min(self.shown + pieces, self.level("free_qty") + pieces - self.on_the_way) >= 8:
            set_stock(self.world.shop.shop, self.product, self.shown + pieces)
            self.by_hand += pieces

    @rule(pieces=st.integers(-3, 6))
    def someone_counts_in_odoo(self, pieces: int) -> None:
        if self.direction != "ps_to_odoo" and min(self.shown + pieces, self.level("free_qty") + pieces - self.on_the_way) >= 8:
            self.count(self.level("qty_available") + pieces)
            self.by_hand += pieces

    @rule()
    def the_portal_works(self) -> None:
        self.work()
        self.learn()

    @rule()
    def odoo_is_polled(self) -> None:
        self.tell("stock", "odoo_to_ps")
        self.work()
        self.learn()
        self.tell("stock", "odoo_to_ps")
        self.work()
        waits = any(job.entity == "stock" for job in self.world.jobs("pending"))  # pieces typed in the shop, for a late order
        if self.direction == "odoo_to_ps" or (self.direction == "both" and not waits):
            free = self.level("free_qty") - self.on_the_way
            assert self.shown <= max(0, free), f"{self.shown} for sale, {free} to deliver: a piece could be sold twice"

    def learn(self) -> None:
        """Which orders Odoo has confirmed by now."""
        for order in sorted(self.placed):
            rows = self.world.odoo_rows("sale.order", origin=f"PS/shop/{order}")
            if rows and self.odoo.read("sale.order", [rows[0]["id"]], ["state"])[0]["state"] in ("sale", "done"):
                self.placed.discard(order)

    def teardown(self) -> None:
        while self.untold:
            self.tell("order", "ps_to_odoo", self.untold.pop())
        self.poll()
        self.poll()
        self.learn()
        assert not self.placed
        free, hand = self.level("free_qty"), self.level("qty_available")
        assert self.shown == free, f"the shop shows {self.shown}, Odoo has {free} free"
        sent = sum(self.orders[order] for order in self.sent)
        assert hand + sent == self.by_hand, f"{hand} on hand and {sent} delivered, but people counted {self.by_hand}"
        before = self.writes()
        self.poll()
        assert self.writes() == before, "something bounces"


class Fields(Messages):
    """People edit the product on both sides; `now` is what each side is to have."""

    shop_fields = ("name", "price", "wholesale_price", "weight", "active")
    odoo_fields = ("name", "list_price", "standard_price", "weight", "active")
    names = ("name", "price", "cost", "weight", "active")

    def __init__(self, world: World, direction: str) -> None:
        super().__init__(world, "product", direction)
        world.set(products=direction)
        self.latest: dict[int, str] = {}
        self.now = {"prestashop": self.in_shop(), "odoo": self.in_odoo()}
        assert self.now["prestashop"] == self.now["odoo"]
        self.agreed = self.in_shop()
        with world.db.read() as session:
            self.last_conflict = session.scalar(select(func.max(Conflict.id))) or 0

    def in_shop(self) -> list[Any]:
        with self.world.shop.shop.transaction():
            row = [self.world.shop.shop.get("products", self.product, field) for field in self.shop_fields]
        return [row[0][0]["value"], *(float(value) for value in row[1:4]), str(row[4]) == "1"]

    def in_odoo(self) -> list[Any]:
        found: dict[str, Any] = {}
        for place in {self.place(field) for field in self.odoo_fields}:
            mine = [field for field in self.odoo_fields if self.place(field) == place]
            found |= self.odoo.read(place[0], [place[1]], mine, context={"active_test": False})[0]
        return [found[field] for field in self.odoo_fields]

    def place(self, field: str) -> tuple[str, int]:
        """Where Odoo 14 to 16 show a field of an archived product, too."""
        own = field in ("standard_price", "weight")
        return ("product.product", self.variant) if own else ("product.template", self.template)

    @rule(which=st.integers(0, 4), number=st.integers(1, 9))
    def someone_edits_in_the_shop(self, which: int, number: int) -> None:
        value = self.value(which, number)
        stored = both(value) if which == 0 else str(int(value)) if which == 4 else str(value)
        edit_product(self.world.shop.shop, self.product, **{self.shop_fields[which]: stored})
        self.now["prestashop"][which] = value
        self.latest[which] = "prestashop"

    @rule(which=st.integers(0, 4), number=st.integers(1, 9))
    def someone_edits_in_odoo(self, which: int, number: int) -> None:
        value = self.value(which, number)
        model, record = self.place(self.odoo_fields[which])
        self.odoo.write(model, [record], {self.odoo_fields[which]: value})
        self.now["odoo"][which] = value
        self.latest[which] = "odoo"

    @staticmethod
    def value(which: int, number: int) -> Any:
        return f"Name {number}" if which == 0 else bool(number % 2) if which == 4 else float(number)

    @rule()
    def the_portal_works(self) -> None:
        told = self.told()
        self.work()
        self.done(told)

    def done(self, told: set[str]) -> None:
        with self.world.db.read() as session:
            kept = {row.field: row for row in session.scalars(select(Conflict).where(Conflict.id > self.last_conflict))}
            self.last_conflict = max([self.last_conflict, *(row.id for row in kept.values())])
        if self.direction in told or (self.direction == "both" and told):
            for which in range(len(self.names)):
                self.expect(which, kept.pop(self.names[which], None))
            self.cut_short = False
        assert not kept, "a conflict where there is none"
        assert (self.in_shop(), self.in_odoo()) == (self.now["prestashop"], self.now["odoo"])

    def expect(self, which: int, conflict: Conflict | None) -> None:
        """One side changed: the other has it. Both: the owner's stands, and the other is in the list."""
        values = {side: self.now[side][which] for side in self.now}
        moved = [side for side in values if values[side] != self.agreed[which]]
        if self.direction != "both":
            source = "prestashop" if self.direction == "ps_to_odoo" else "odoo"
            moved = [side for side in moved if side == source]
        if not moved:
            return
        winner = moved[0]
        if len(moved) == 2 and values["odoo"] != values["prestashop"] and self.cut_short:
            # what the dead worker had brought across may have been edited there: the later edit stands, or it is a conflict
            winner = next(side for side in values if values[side] == self.in_shop()[which])
            assert conflict is not None or winner == self.latest[which]
        elif len(moved) == 2 and values["odoo"] != values["prestashop"]:
            winner = str(self.world.store.settings[f"product_owner_{self.names[which]}"])
            assert conflict is not None, f"both sides changed the {self.names[which]} and one edit is lost"
            assert conflict.winner == winner
        else:
            assert conflict is None
        for side in self.now:
            self.now[side][which] = values[winner]
        self.agreed[which] = values[winner]

    def teardown(self) -> None:
        self.tell("product", "ps_to_odoo")
        self.tell("product", "odoo_to_ps")
        self.the_portal_works()
        assert self.direction != "both" or self.in_shop() == self.in_odoo()
        before = self.writes()
        self.poll()
        assert self.writes() == before, "something bounces"


def test_no_piece_is_sold_twice_and_no_sale_counted_twice(world: World) -> None:
    for direction in DIRECTIONS:
        play(Pieces, "pieces", direction, world)


def test_no_edit_of_one_side_is_lost(world: World) -> None:
    for direction in DIRECTIONS:
        play(Fields, "fields", direction, world)


def test_more_than_five_hundred_sequences_are_played() -> None:
    assert len(VERSIONS) * len(DIRECTIONS) * sum(SEQUENCES.values()) >= 500
