"""From Odoo to the shop through the real endpoint: the guide's two calls on every Odoo, and the recorded calls of 17 to 19."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal import create_app
from portal.config import Config
from portal.db import Base
from portal.extensions import services
from portal.models import Mapping, Store
from portal.sandbox.prestashop_actions import stock
from portal.sync import stores
from tests.sync.test_stock_back import count, simple
from tests.sync.test_webhooks import NATIVE, recorded, shop_state, untold
from tests.world import World, make_world

CONFIRMED = 3


@pytest.fixture(params=["14", "15", "16", "17", "18", "19"])
def world(request: pytest.FixtureRequest, config: Config) -> Iterator[World]:
    """Everything is linked; from now on it travels from Odoo."""
    app = create_app(config)
    with app.app_context():
        running = services()
        Base.metadata.create_all(running.db.engine)
        with make_world(running.db, running, version=request.param, order_confirm=True) as world:
            untold(world)
            world.set(products="odoo_to_ps", stock="odoo_to_ps")
            world.client = app.test_client()  # type: ignore[attr-defined]
            yield world
        running.close()


def call(world: World, body: dict[str, Any], *, in_url: bool = False) -> None:
    """Odoo, or who follows the guide, calls; then the portal works."""
    client: FlaskClient = world.client  # type: ignore[attr-defined]
    with world.db.read() as session:
        token = stores.token_value(session, session.get_one(Store, world.store.id), "webhook")
    answer = client.post(f"/webhook?token={token}", json=body) if in_url else client.post("/webhook", json={**body, "token": token})
    assert (answer.status_code, answer.json["accepted"]) == (202, True), answer.text
    world.pass_time()
    world.drain()


def new_orders(world: World) -> list[Mapping]:
    """Orders that are confirmed in Odoo, which the shop does not know yet."""
    with world.db.read() as session:
        rows = list(session.scalars(select(Mapping).where(Mapping.entity == "order").order_by(Mapping.id)))
    return [row for row in rows if row.data["state"] == "sale" and shop_state(world, row) == 2]


def sold(world: World, variant: int) -> int:
    """Pieces that confirmed orders have not got yet."""
    rows = world.services.odoo(world.store).search_read("sale.order.line", [("product_id", "=", variant), ("state", "=", "sale")],
                                                        ["product_uom_qty", "qty_delivered"])
    return int(sum(row["product_uom_qty"] - row["qty_delivered"] for row in rows))


def test_what_odoo_and_the_guide_call_changes_the_shop(world: World) -> None:
    product, variant = simple(world)
    orders = new_orders(world)
    owed = sold(world, variant)
    count(world, variant, 71)
    call(world, {"entity": "stock", "odoo_id": variant, "qty": 71})
    assert stock(world.shop.shop, product) == 71 - owed
    call(world, {"entity": "order_state", "odoo_id": orders[0].odoo_id, "state": "sale"})
    assert shop_state(world, orders[0]) == CONFIRMED
    version = str(world.odoo.db.profile.major)
    if version in NATIVE:
        assert recorded_calls(world, version, product, variant, orders[1:]) == {"product.template", "stock.quant", "sale.order"}


def recorded_calls(world: World, version: str, product: int, variant: int, orders: list[Mapping]) -> set[str]:
    """Each call that a real Odoo made, about a change of this product or of one of these orders; the models they were about."""
    odoo, seen = world.services.odoo(world.store), set()
    owed = sold(world, variant)
    template = odoo.read("product.product", [variant], ["product_tmpl_id"])[0]["product_tmpl_id"][0]
    for number, (_, recording) in enumerate(recorded(version), start=1):
        body = json.loads(json.dumps(recording, default=float))
        seen.add(body["_model"])
        if body["_model"] == "product.template":
            odoo.write("product.template", [template], {"list_price": 100.0 + number})
            call(world, {**body, "_id": template, "id": template}, in_url=True)
            assert float(world.shop.shop.tables["products"].rows[product]["price"]) == 100 + number
        elif body["_model"] == "stock.quant":
            count(world, variant, 200 + number)
            call(world, {**body, "product_id": variant}, in_url=True)
            assert stock(world.shop.shop, product) == 200 + number - owed
        else:
            order = orders.pop()
            call(world, {**body, "_id": order.odoo_id, "id": order.odoo_id}, in_url=True)
            assert shop_state(world, order) == CONFIRMED
    return seen
