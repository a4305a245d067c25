"""What a direction excludes is never written, whatever arrives: every entity, every direction, every trigger."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select

from portal.config import Config
from portal.db import Base, Database, make_engine
from portal.models import Mapping, Store
from portal.sandbox.prestashop_actions import (
    add_address,
    add_combination,
    add_customer,
    add_product,
    edit_customer,
    edit_product,
    set_stock,
)
from portal.sandbox.prestashop_orders import place_order
from portal.settings import SettingError, allowed
from portal.sync import hooks, initial, jobs, poll, webhook
from portal.sync.hook_message import Change, Message
from portal.sync.services import Services
from tests.sync.test_variants import attribute
from tests.world import World, make_world

EVERYTHING: dict[str, Any] = {"customers": True, "products": "both", "stock": "both", "orders": True, "order_states": True}
CASES: list[dict[str, Any]] = [
    {},
    *({name: value} for name in ("products", "stock") for value in ("off", "ps_to_odoo", "odoo_to_ps")),
    {"products": "odoo_to_ps", "stock": "ps_to_odoo"}, {"products": "ps_to_odoo", "stock": "odoo_to_ps"},
    {"customers": False}, {"orders": False}, {"order_states": False}, {"customers": False, "orders": False},
    {"customers": False, "products": "off", "stock": "off", "orders": False, "order_states": False},
]
COUNTING = {"inventory_mode": True}
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all cases, with everything linked."""
    folder = tmp_path_factory.mktemp("directions")
    config = Config.from_env({"PORTAL_DATA_DIR": str(folder), "PORTAL_SECRET_KEY": "test-secret-of-this-run-0123456789",
                              "PORTAL_ALLOW_PRIVATE_NETWORKS": "1", "PORTAL_DEMO": "0"})
    engine = make_engine(f"sqlite:///{folder / 'portal.sqlite3'}")
    Base.metadata.create_all(engine)
    db = Database(engine)
    from portal import crypto

    crypto.use_keys(["test-secret-of-this-run-0123456789"])
    with make_world(db, Services(config, db), demo=False, poll_minutes=5, **EVERYTHING) as found:
        shop = found.shop.shop
        add_address(shop, add_customer(shop, "Ann", "Shopper", "ann@example.com"), "FR")
        simple = add_product(shop, "Lamp", "10", "LAMP", quantity=50, weight="1")
        shirt = add_product(shop, "Shirt", "20", "SHIRT")
        for number, value in enumerate(attribute(found, "Fit", "Slim", "Wide")):
            add_combination(shop, shirt, [value], f"SHIRT-{number}", quantity=20, weight="0.2")
        for _ in CASES:
            place_order(shop, 1, [{"product": simple, "quantity": 1}])
        found.sync("customer", "product", "stock", "order")
        poll.poll(found.services, found.store.id, force=True)
        found.drain()
        yield found
    engine.dispose()


class Case:
    """Both sides change everything; then everything that can arrive arrives."""

    def __init__(self, world: World) -> None:
        self.world, self.shop, self.number = world, world.shop.shop, next(numbers)
        self.odoo: Any = world.services.odoo(world.store)
        with world.db.read() as session:
            rows = list(session.scalars(select(Mapping).where(Mapping.store_id == world.store.id).order_by(Mapping.id)))
        self.links = {entity: {row.shop_id: row for row in rows if row.entity == entity}
                      for entity in ("customer", "product", "combination", "stock", "order")}
        self.combination = next(key for key, row in self.links["combination"].items() if not row.data.get("gone"))
        self.parent = self.combination.partition(":")[0]
        self.simple = next(key for key, row in self.links["product"].items()
                           if row.data.get("variant_id") and row.base.get("kind") == "simple")

    def edit(self) -> None:
        n, code = self.number, f"N{self.number}"
        edit_product(self.shop, int(self.simple), price=f"{40 + n}.5")
        edit_product(self.shop, int(self.parent), price=f"{60 + n}.5")
        with self.shop.transaction():
            self.shop.update("combinations", int(self.combination.partition(":")[2]), wholesale_price=f"{n}.25")
        line = self.combination.partition(":")
        set_stock(self.shop, int(self.simple), 200 + n)
        set_stock(self.shop, int(line[0]), 300 + n, int(line[2]))
        edit_customer(self.shop, 1, firstname="Ann" + "a" * n)
        new = add_customer(self.shop, "New", "Shopper", f"new{n}@example.com")
        place_order(self.shop, 1, [{"product": int(self.simple), "quantity": 1}])
        self._odoo_edits(n)
        self._found_by_reference(code)
        add_product(self.shop, f"Only here {code}", "12", f"ONLY-{code}", quantity=3)
        self.records = {
            "customer": ["1", str(new)], "product": list(map(str, self.shop.tables["products"].ids())),
            "stock": [*self.links["stock"], self.simple, self.combination],
            "order": list(map(str, self.shop.tables["orders"].ids()))}

    def _odoo_edits(self, n: int) -> None:
        for key in (self.simple, self.parent):
            self.odoo.write("product.template", [self.links["product"][key].odoo_id], {"name": f"Name {n} {key}"})
        self.odoo.write("product.product", [self.links["combination"][self.combination].odoo_id], {"weight": 1 + n / 8})
        self.odoo.write("res.partner", [self.links["customer"]["1"].odoo_id], {"phone": f"+33 1 00 00 {n:04}"})
        self.count(int(self.links["product"][self.simple].data["variant_id"]), 500 + n)
        self.count(self.links["combination"][self.combination].odoo_id, 600 + n)
        drafts = self.odoo.search_read("sale.order", [("state", "=", "draft"), ("origin", "=like", "PS/%")], ["id"], limit=1,
                                       order="id desc")
        for row in drafts:
            self.odoo.call("sale.order", "action_confirm", [row["id"]])

    def count(self, variant: int, pieces: int) -> None:
        [quant] = self.odoo.create("stock.quant", [{"product_id": variant, "inventory_quantity": pieces,
                                                    "location_id": self.odoo.profile.default_location}], context=COUNTING)
        self.odoo.call("stock.quant", "action_apply_inventory", [quant], context=COUNTING)

    def _found_by_reference(self, code: str) -> None:
        """Records of both sides that belong together and are not linked yet, simple and with combinations."""
        add_product(self.shop, f"Here {code}", "10", f"BOTH-{code}")
        product = add_product(self.shop, f"Shirt {code}", "20", f"SHIRT-{code}")
        sample = self.shop.tables["combinations"].rows[int(self.combination.partition(":")[2])]
        options = [int(value["id"]) for value in sample["associations"]["product_option_values"]]
        add_combination(self.shop, product, options, f"PART-{code}", wholesale_price="3")
        storable = self.odoo.profile.storable_values
        self.odoo.create("product.template", [
            {"name": f"There {code}", "default_code": f"BOTH-{code}", "list_price": 11, **storable},
            {"name": f"Shirt there {code}", "default_code": f"PART-{code}", "list_price": 21, "weight": 2.0, **storable},
            {"name": f"Only there {code}", "default_code": f"THERE-{code}", "list_price": 31, **storable}])

    def trigger(self) -> None:
        """Hook, webhook, poll, button, dependency, and a job that was there before the settings changed."""
        world = self.world
        found = self.odoo.search_read("product.template", [], ["id"], context={"active_test": False})
        templates = sorted(row["id"] for row in found)
        variants = sorted({row.odoo_id for row in self.links["combination"].values()}
                          | {int(row.data["variant_id"]) for row in self.links["product"].values() if row.data.get("variant_id")})
        orders = sorted(row.odoo_id for row in self.links["order"].values())
        with world.db.begin() as session:
            store = session.get_one(Store, world.store.id)
            changes = tuple(Change(entity, record) for entity, records in self.records.items() for record in records)
            hooks.accept(session, store, Message("1.0.0", "9.1.4", "x" * 32, 0, "", changes, (), 0))
            bodies: list[dict[str, Any]] = [{"_model": "product.template", "_id": number} for number in templates]
            bodies += [{"entity": "stock", "odoo_id": number, "qty": 1} for number in variants]
            bodies += [{"_model": "stock.quant", "_id": 1, "product_id": number} for number in variants]
            bodies += [{"entity": "order_state", "odoo_id": number, "state": "cancel"} for number in orders]
            for body in bodies:
                webhook.accept(session, store, webhook.parse(body))
            for entity in ("customer", "product", "stock", "order"):
                with suppress(SettingError):
                    initial.start(session, store, entity)
        with suppress(SettingError):
            poll.pull_stock(world.services, world.store)
        poll.poll(world.services, world.store.id, force=True)
        world.pass_time()
        world.drain()
        for source in ("before", "dependency"):
            with world.db.begin() as session:
                store = session.get_one(Store, world.store.id)
                for entity, records in self.records.items():
                    jobs.notice_many(session, store, entity, "ps_to_odoo", records, source=source)
                for entity, ids in (("product", templates), ("stock", variants), ("order", orders)):
                    jobs.notice_many(session, store, entity, "odoo_to_ps", [str(number) for number in ids], source=source)
            world.drain()

    # --- what there is --------------------------------------------------------------------------------------------

    def seen(self) -> dict[str, Any]:
        """What each side has, by the name of what may be forbidden to write."""
        return {name: look() for name, look in self._looks().items()}

    def _looks(self) -> dict[str, Callable[[], Any]]:
        return {
            "product → odoo": lambda: [
                self._odoo("product.template", "name", "list_price", "default_code", "barcode", "weight", "standard_price",
                           "active"),
                self._odoo("product.product", "default_code", "barcode", "weight", "standard_price", "active"),
                self._odoo("product.attribute", "name"), self._odoo("product.attribute.value", "name"),
                self._odoo("product.template.attribute.line", "value_ids"),
                self._odoo("product.template.attribute.value", "price_extra")],
            "customer → odoo": lambda: self._odoo("res.partner", "name", "email", "street", "city", "active", "vat"),
            "order → odoo": lambda: [self._odoo("sale.order", "state"), self._odoo("sale.order.line", "price_unit")],
            "stock → odoo": lambda: self._odoo("stock.quant", "quantity"),
            "product → shop": lambda: [self._in_shop("products", "name", "price", "reference", "weight", "wholesale_price",
                                                       "active"),
                                       self._in_shop("combinations", "reference", "price", "wholesale_price", "weight", "ean13")],
            "stock → shop": lambda: {key: row for key, row in self._in_shop("stock_availables", "quantity").items()
                                        if row not in (["None"], ["0"])},  # the line of a new product
            "order → shop": lambda: [self._in_shop("orders", "current_state"), self._in_shop("order_histories", "id_order_state")],
        }

    def _odoo(self, model: str, *fields: str) -> dict[int, Any]:
        services = {row["id"] for row in self.odoo.search_read("product.template", [("default_code", "=like", "PS-%")], ["id"],
                                                               context={"active_test": False})}
        return {number: [row.get(field) for field in fields] for number, row in self.world.odoo.db.tables[model].rows.items()
                if not (model == "product.template" and number in services)
                and not (model == "product.product" and row.get("product_tmpl_id") in services)}

    def _in_shop(self, resource: str, *fields: str) -> dict[int, Any]:
        return {number: [str(row.get(field)) for field in fields] for number, row in self.shop.tables[resource].rows.items()}


def may(settings: dict[str, Any], what: str) -> bool:
    entity, _, side = what.partition(" → ")
    return allowed(settings, entity, "ps_to_odoo" if side == "odoo" else "odoo_to_ps")


def differences(before: Any, after: Any) -> Any:
    if isinstance(before, list):
        return [differences(one, other) for one, other in zip(before, after, strict=True)]
    return {key: (before.get(key), after.get(key)) for key in {*before, *after} if before.get(key) != after.get(key)}


@pytest.mark.parametrize("choices", CASES, ids=lambda choices: ",".join(f"{k}={v}" for k, v in choices.items()) or "everything")
def test_what_a_direction_excludes_is_never_written(world: World, choices: dict[str, Any]) -> None:
    world.set(**{**EVERYTHING, **choices})
    case = Case(world)
    case.edit()
    before = case.seen()
    case.trigger()
    after = case.seen()
    settings = world.store.settings
    for what in before:
        changed = before[what] != after[what]
        if may(settings, what):
            assert changed, f"{what} may travel and did not: the test would not notice a forbidden write"
        elif what == "customer → odoo" and settings["orders"]:
            old = {number: after[what][number] for number in before[what]}
            assert old == before[what], "an order may create the customer it needs, and change none"
        else:
            assert not changed, f"{what} was written: {differences(before[what], after[what])}"
