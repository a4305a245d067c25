"""What something else changes after each of our writes is frozen: no more writes, nothing lost, and a person thaws it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portal.config import Config
from portal.db import Base, Database, make_engine
from portal.models import LogEntry, Store, SyncJob
from portal.sandbox.prestashop_actions import edit_product, set_stock, stock
from portal.sandbox.prestashop_install import both
from portal.sync import bounces, jobs, tick, view
from portal.sync.services import Services
from tests.sync.test_cut_off import told
from tests.sync.test_product_back import joined, linked, make, odoo, shop
from tests.sync.test_stock_back import count, free, simple
from tests.sync.test_variants import links
from tests.sync.test_variants_back import in_odoo, in_shop, variant
from tests.sync.test_variants_back import joined as joined_shirt
from tests.world import World, make_world

TO_THE_SHOP = 3
"""Of seven writes in turn; the eighth is not made."""


@pytest.fixture
def one(config: Config, tmp_path: Any) -> Iterator[World]:
    engine = make_engine(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    Base.metadata.create_all(engine)
    db = Database(engine)
    with make_world(db, Services(config, db), products="odoo_to_ps", stock="off") as world:
        yield world
    engine.dispose()


def report(world: World, entity: str, product: object, theirs: int) -> None:
    """Both sides are looked at."""
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        jobs.notice(session, store, entity, "ps_to_odoo", str(product), source="test")
        jobs.notice(session, store, entity, "odoo_to_ps", str(theirs), source="test")
    world.drain()


def frozen(world: World) -> list[str]:
    with world.db.read() as session:
        return [f"{row.entity} {row.record}" for row in bounces.listed(session, session.get_one(Store, world.store.id))]


def thaw(world: World, entity: str, record: object) -> bool:
    with world.db.begin() as session:
        return bounces.thaw(session, session.get_one(Store, world.store.id), entity, str(record), "anna")


def writes(world: World) -> int:
    return world.written() + sum(n for call, n in world.shop.calls.items() if call.split()[0] in ("PATCH", "POST", "PUT"))


def name_in_odoo(world: World, template: int) -> str:
    return str(odoo(world).read("product.template", [template], ["name"])[0]["name"])


def answered(world: World, template: int, product: int, *, rounds: int = 8) -> int:
    """A module of the shop and an automation in Odoo write the name their way after each write of ours; how many of those went to
    the shop."""
    before = world.shop.calls["PATCH products"]
    for _ in range(rounds):
        name = shop(world, product, "name")
        if not name.isupper():
            edit_product(world.shop.shop, product, name=both(name.upper()))
        report(world, "product", product, template)
        name = name_in_odoo(world, template)
        if not name.islower():
            odoo(world).write("product.template", [template], {"name": name.lower()})
        report(world, "product", product, template)
    return int(world.shop.calls["PATCH products"] - before)


def test_a_name_that_both_sides_write_their_way_is_frozen_and_quiet(one: World) -> None:
    template, product = joined(one)
    assert answered(one, template, product) == TO_THE_SHOP
    assert frozen(one) == [f"product {product}"]
    before = writes(one)
    edit_product(one.shop.shop, product, price="77")
    report(one, "product", product, template)
    one.pass_time()
    tick.tick(one.services, None)
    one.drain()
    assert writes(one) == before, "nothing of a frozen record is written, also after its safety time"
    [waiting, theirs] = one.jobs("blocked")
    assert {waiting.direction, theirs.direction} == {"ps_to_odoo", "odoo_to_ps"}
    assert "name went to and fro between shop and Odoo" in waiting.message
    assert "thaw" in waiting.remedy
    with one.db.read() as session:
        assert view.status(session, session.get_one(Store, one.store.id))["frozen"] == 1
        assert session.query(LogEntry).filter(LogEntry.message.contains("is frozen")).count() == 1


def test_what_was_changed_meanwhile_goes_on_once_a_person_thaws_it(one: World) -> None:
    template, product = joined(one)
    answered(one, template, product)
    edit_product(one.shop.shop, product, price="77", name=both("Lamp"))
    odoo(one).write("product.template", [template], {"name": "Lamp"})
    report(one, "product", product, template)
    assert thaw(one, "product", product)
    one.drain()
    assert not one.jobs("blocked", "pending", "error", "dead")
    assert odoo(one).read("product.template", [template], ["name", "list_price"])[0] == \
        {"id": template, "name": "Lamp", "list_price": 77.0}
    assert not frozen(one)
    assert not thaw(one, "product", product)
    assert answered(one, template, product) == TO_THE_SHOP, "the count began anew"
    assert frozen(one) == [f"product {product}"]


def test_other_records_go_on_beside_a_frozen_one(one: World) -> None:
    template, product = joined(one)
    other = make(one, name="Other", default_code="OTHER")
    told(one, "odoo_to_ps", other)
    its = linked(one, other)
    answered(one, template, product)
    edit_product(one.shop.shop, product, price="5")
    edit_product(one.shop.shop, its, price="6")
    with one.db.begin() as session:
        jobs.notice_many(session, session.get_one(Store, one.store.id), "product", "ps_to_odoo", [str(product), str(its)],
                         source="test")
    one.drain()
    assert odoo(one).read("product.template", [other], ["list_price"])[0]["list_price"] == 6.0
    assert odoo(one).read("product.template", [template], ["list_price"])[0]["list_price"] != 5.0


def test_two_connectors_that_multiply_a_price_are_stopped_though_no_value_comes_twice(one: World) -> None:
    template, product = joined(one)
    for number in range(1, 7):
        edit_product(one.shop.shop, product, price=str(number * 10))
        report(one, "product", product, template)
        odoo(one).write("product.template", [template], {"list_price": number * 10 + 5})
        report(one, "product", product, template)
    assert frozen(one) == [f"product {product}"]


def test_people_who_edit_much_on_one_side_or_now_and_then_on_both_freeze_nothing(one: World) -> None:
    template, product = joined(one)
    for number in range(1, 12):
        edit_product(one.shop.shop, product, price=str(number))
        told(one, "ps_to_odoo", product)
    for number in range(1, 4):
        edit_product(one.shop.shop, product, name=both(f"Shop {number}"))
        told(one, "ps_to_odoo", product)
        odoo(one).write("product.template", [template], {"name": f"Odoo {number}"})
        told(one, "odoo_to_ps", template)
    for number in range(1, 8):
        edit_product(one.shop.shop, product, weight=str(number))
        report(one, "product", product, template)
        odoo(one).write("product.template", [template], {"standard_price": number})
        report(one, "product", product, template)
    assert not frozen(one)
    assert not one.jobs("blocked", "error", "dead")


def test_nothing_is_frozen_where_the_settings_say_never(one: World) -> None:
    template, product = joined(one)
    one.set(bounce_limit=0)
    assert answered(one, template, product, rounds=6) == 6
    assert not frozen(one)


def test_a_combination_that_bounces_freezes_its_product(one: World) -> None:
    one.set(products="ps_to_odoo")
    product, keys = joined_shirt(one, "both")
    template = links(one, "product")[str(product)].odoo_id
    for _ in range(5):
        with one.shop.shop.transaction():
            one.shop.shop.tables["combinations"].rows[int(keys[0].split(":")[1])]["reference"] = "SHOP"
        report(one, "product", product, template)
        odoo(one).write("product.product", [variant(one, keys[0])], {"default_code": "ODOO"})
        report(one, "product", product, template)
    assert frozen(one) == [f"product {product}"]
    before = writes(one)
    report(one, "product", product, template)
    assert writes(one) == before
    with one.db.read() as session:
        row_of = bounces.of_record(session, session.get_one(Store, one.store.id), "combination", keys[0])
        assert row_of is not None
        assert row_of.reason.startswith("The reference went")
    assert thaw(one, "product", product)
    one.drain()
    assert in_odoo(one, keys[0])[0] == in_shop(one, keys[0], "reference")[0]


@pytest.mark.parametrize(("ours", "theirs", "ends"), [
    (lambda n: 30, lambda n: 20, True),
    (lambda n: 30 + n, lambda n: 20 + n, False),
], ids=["the same two quantities again and again", "a busy day"])
def test_a_quantity_that_comes_back_is_frozen_and_one_that_moves_is_not(
        one: World, ours: Callable[[int], int], theirs: Callable[[int], int], ends: bool) -> None:
    one.set(products="ps_to_odoo", stock="ps_to_odoo")
    one.sync("customer", "product", "stock")
    one.set(stock="both")
    product, variant = simple(one)
    report(one, "stock", product, variant)
    for number in range(1, 8):
        set_stock(one.shop.shop, product, ours(number))
        report(one, "stock", product, variant)
        count(one, variant, theirs(number))
        report(one, "stock", product, variant)
    assert bool(frozen(one)) == ends
    if ends:
        assert frozen(one) == [f"stock {product}"]
        assert thaw(one, "stock", product)
        one.drain()
    assert stock(one.shop.shop, product) == free(one, variant)


def test_a_write_made_again_after_a_lost_answer_counts_once() -> None:
    job: Any = SyncJob()
    planned = [bounces.Planned(job, "1", 2, {"name": "a"}, {}), bounces.Planned(job, "1", 2, {}, {"name": "b"})]
    writes: list[list[Any]] = []
    for one in (planned[0], planned[0], planned[1], planned[1], planned[0]):
        writes = bounces.noted(writes, one)
    assert bounces.turns(writes, "name") == 3
    assert bounces.turns(writes, "name", same=True) == 3
    assert bounces.turns(bounces.noted(writes, bounces.Planned(job, "1", 2, {}, {"name": "c"})), "name", same=True) == 2
    assert bounces.turns(writes, "price") == 0
