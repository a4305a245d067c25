"""What people do in the shop and in Odoo at random, told to the portal as module and webhooks do, and what must hold at rest."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import select

from portal.models import Mapping
from portal.sandbox.odoo_deliveries import deliver
from portal.sandbox.odoo_models import Env
from portal.sandbox.prestashop_actions import (
    add_address,
    add_customer,
    add_product,
    edit_customer,
    edit_product,
    set_stock,
    stock,
)
from portal.sandbox.prestashop_install import both
from portal.sandbox.prestashop_orders import cancel_order, place_order
from tests.chaos.installation import Installation

PLENTY = 400
"""Pieces of each product: shops that sell out are played elsewhere."""
BEGIN_WITH = 3
"""Products whose pieces are in Odoo before anything breaks. Only these are ordered: Odoo reserves nothing for an order that was
confirmed before there was a piece."""


class Town:
    """Customers, a merchant and a warehouse. What the module has not yet been confirmed stays in `outbox`, as in a real shop."""

    def __init__(self, world: Installation, rng: random.Random, *, both_ways: bool) -> None:
        self.world, self.rng, self.both_ways = world, rng, both_ways
        self.names = 0
        self.customers: list[int] = []
        self.products: list[int] = []
        self.orders: dict[int, bool] = {}
        """Every order and whether it still stands."""
        self.delivered: set[int] = set()
        self.outbox: list[tuple[str, int]] = []
        self.location = 0

    def fill(self) -> None:
        """Something to begin with, while everything works."""
        self.location = int(self.world.services.odoo(self.world.store).profile.default_location)
        for _ in range(2):
            self.a_customer_registers()
        for _ in range(BEGIN_WITH):
            self.a_product_is_added()

    # the shop

    def a_customer_registers(self) -> None:
        name = self._name()
        number = add_customer(self.shop, firstname="Ada", lastname=name, email=f"{name.lower()}@example.com")
        add_address(self.shop, number, "FR", postcode="75001")
        self.customers.append(number)
        self.tell("customer", number)

    def a_customer_changes_the_name(self) -> None:
        number = self.rng.choice(self.customers)
        edit_customer(self.shop, number, lastname=self._name())
        self.tell("customer", number)

    def a_product_is_added(self) -> None:
        name = self._name()
        self.products.append(add_product(self.shop, name, "10", f"REF-{name}", quantity=PLENTY))
        self.tell("product", self.products[-1])
        self.tell("stock", self.products[-1])

    def a_product_changes_in_the_shop(self) -> None:
        number = self.rng.choice(self.products)
        change = {"name": both(self._name())} if self.rng.random() < 0.5 else {"price": f"{self.rng.randint(100, 9999) / 100:.2f}"}
        edit_product(self.shop, number, **change)
        self.tell("product", number)

    def someone_counts_in_the_shop(self) -> None:
        number = self.rng.choice(self.products)
        set_stock(self.shop, number, stock(self.shop, number) + self.rng.randint(-3, 6))
        self.tell("stock", number)

    def a_customer_orders(self) -> None:
        lines = [{"product": product, "quantity": self.rng.randint(1, 3)}
                 for product in self.rng.sample(self.products[:BEGIN_WITH], self.rng.randint(1, 2))]
        order = place_order(self.shop, self.rng.choice(self.customers), lines)
        self.orders[order] = True
        self.tell("order", order)
        for line in lines:
            self.tell("stock", line["product"])

    def an_order_is_cancelled(self) -> None:
        able = sorted(order for order, stands in self.orders.items() if stands and order not in self.delivered)
        if able:
            order = self.rng.choice(able)
            with self.world.odoo.db.transaction():
                cancel_order(self.shop, order)
                self.orders[order] = False
            self.tell("order", order)
            for product in self.products:
                self.tell("stock", product)

    # Odoo

    def a_product_changes_in_odoo(self) -> None:
        """Also one that the portal has just made and not yet linked."""
        rows = self.world.odoo.db.tables["product.template"].rows
        able = sorted(number for number, row in list(rows.items()) if str(row.get("default_code") or "").startswith("REF-"))
        if able and self.both_ways:
            change = {"name": self._name()} if self.rng.random() < 0.5 else {"list_price": self.rng.randint(100, 9999) / 100}
            with self.world.odoo.db.transaction():
                Env(self.world.odoo.db)["product.template"].write([self.rng.choice(able)], change)

    def someone_counts_in_odoo(self) -> None:
        """Nobody counts fewer than no pieces."""
        template = self._mapped("product", self.rng.choice(self.products))
        if template is None or not self.both_ways or "variant_id" not in template.data:
            return
        variant, db = int(template.data["variant_id"]), self.world.odoo.db
        with db.transaction():
            env = Env(db, context={"inventory_mode": True})
            on_hand = sum(row["quantity"] for row in db.tables["stock.quant"].rows.values()
                          if row["product_id"] == variant and row["location_id"] == self.location)
            quant = env["stock.quant"].create([{"product_id": variant, "location_id": self.location,
                                                "inventory_quantity": max(0, on_hand + self.rng.randint(-3, 6))}])
            if env.major >= 15:
                env["stock.quant"].action_apply_inventory(quant if isinstance(quant, list) else [quant])
        self.world.webhook(entity="stock", odoo_id=variant, qty=1)

    def an_order_is_delivered(self) -> None:
        db = self.world.odoo.db
        with db.transaction():
            able = [number for number, row in db.tables["sale.order"].rows.items()
                    if row.get("state") == "sale" and self._shop_order(row) in self.orders
                    and self.orders[self._shop_order(row)] and self._shop_order(row) not in self.delivered]
            if able:
                number = self.rng.choice(sorted(able))
                self.delivered.add(self._shop_order(db.tables["sale.order"].rows[number]))
                deliver(Env(db), number, None)

    # telling

    def tell(self, entity: str, number: int) -> None:
        """The module notes it; it is sent with `send`."""
        self.outbox.append((entity, number))

    def send(self, *, everything: bool = False) -> None:
        """The module sends a batch, in any order, sometimes twice; what is not confirmed it keeps."""
        while self.outbox:
            self.rng.shuffle(self.outbox)
            batch = self.outbox if everything else self.outbox[:self.rng.randint(1, 6)]
            for _ in range(self.rng.choice((1, 1, 2))):
                status, _answer = self.world.hook(list(batch))
                if status == 202:
                    self.outbox = [row for row in self.outbox if row not in batch]
            if not everything:
                return
            assert status == 202, f"the portal does not take a message in peace: {status}"

    # at rest

    def differences(self) -> list[str]:
        """What shop and Odoo do not agree on; nothing is expected while everything is at rest."""
        return [*self._customers(), *self._products(), *self._orders(), *self.world.doubled()]

    def _customers(self) -> list[str]:
        wrong = []
        for number in self.customers:
            with self.shop.transaction():
                name = f"Ada {self.shop.get('customers', number, 'lastname')}"
                email = self.shop.get("customers", number, "email")
            rows = [row for row in self.world.odoo.db.tables["res.partner"].rows.values()
                    if row.get("email") == email and not row.get("parent_id")]
            if [row["name"] for row in rows] != [name]:
                wrong.append(f"customer {number}: {name} in the shop, {[row['name'] for row in rows]} in Odoo")
        return wrong

    def _products(self) -> list[str]:
        wrong = []
        odoo = self.world.services.odoo(self.world.store)
        where = {"location": odoo.profile.default_location, "active_test": False}
        for number in self.products:
            found = self._mapped("product", number)
            if found is None:
                wrong.append(f"product {number}: not linked")
                continue
            with self.shop.transaction():
                name = self.shop.get("products", number, "name")[0]["value"]
                price = round(float(self.shop.get("products", number, "price")), 2)
            template = odoo.read("product.template", [found.odoo_id], ["name", "list_price"], context=where)[0]
            variant = odoo.read("product.product", [int(found.data["variant_id"])], ["free_qty", "qty_available"], context=where)[0]
            here = (name, price, stock(self.shop, number))
            there = (template["name"], round(template["list_price"], 2), int(variant["free_qty"]))
            if here != there:
                wrong.append(f"product {number}: {here} in the shop, {there} in Odoo with {variant['qty_available']} on hand")
        return wrong

    def _orders(self) -> list[str]:
        wrong = []
        rows = self.world.odoo.db.tables["sale.order"].rows.values()
        for order, stands in self.orders.items():
            states = [row["state"] for row in rows if self._shop_order(row) == order]
            allowed = (["sale"], ["done"]) if stands else (["cancel"], [])
            if states not in allowed:
                wrong.append(f"order {order}: {'stands' if stands else 'cancelled'} in the shop, {states} in Odoo")
        return wrong

    # small things

    @property
    def shop(self) -> Any:
        return self.world.shop.shop

    def _name(self) -> str:
        self.names += 1
        return f"N{self.names:04d}"

    def _shop_order(self, row: dict[str, Any]) -> int:
        origin = str(row.get("origin") or "")
        return int(origin.rpartition("/")[2]) if origin.startswith("PS/shop/") else 0

    def _mapped(self, entity: str, number: int) -> Mapping | None:
        with self.world.db.read() as session:
            return session.scalars(select(Mapping).where(Mapping.entity == entity, Mapping.shop_id == str(number))).first()
