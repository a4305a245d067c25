"""Orders that PrestaShop itself computed, brought to Odoo by the whole machinery: the total equals the shop's, or the order is
held. The sandbox's own tax engine judges, not the model that chose the prices. (The sandbox keeps two decimals in every currency;
orders in yen are judged in tests/cents.)"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from portal.config import Config
from portal.db import Base, Database, make_engine
from portal.models import Mapping, Store
from portal.sandbox.odoo_models import Env
from portal.sync import jobs
from portal.sync.services import Services
from tests.cents.truth import recorded
from tests.world import World, make_world

SHOP = "9.1.4"
HELD = {138, 240, 252, 314, 342}
"""See docs/held-orders.md: edits that were broken off, and taxes that PrestaShop got wrong."""


@pytest.fixture(params=["14", "16", "17", "18", "19"])
def world(request: pytest.FixtureRequest, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('orders') / 'portal.sqlite3'}")
    Base.metadata.create_all(engine)
    db = Database(engine)
    with make_world(db, Services(config, db), version=request.param, demo=False, order_confirm=True) as world:
        fill(world)
        yield world
    engine.dispose()


def fill(world: World) -> None:
    """The recorded orders in the shop; their customers and products linked; every rate of the shop as Odoo taxes."""
    truth, shop = recorded(SHOP), world.shop.shop
    for resource in ("taxes", "tax_rules", "tax_rule_groups", "currencies", "countries", "carriers"):
        shop.load_records(resource, truth["reference"].get(resource, []))
    for entry in truth["orders"]:
        shop.load_records("orders", [entry["order"]])
        shop.load_records("order_details", entry["details"])
        shop.load_records("order_cart_rules", entry["cart_rules"])
        shop.load_records("addresses", entry["addresses"])
    with world.odoo.db.transaction():
        env = Env(world.odoo.db)
        for rate in sorted({Decimal(tax["rate"]) for tax in truth["reference"]["taxes"]} | {Decimal("24.63"), Decimal("21.975")}):
            for included in (False, True):
                env["account.tax"].create([{"name": f"{rate}% {included}", "amount": float(rate), "amount_type": "percent",
                                            "type_tax_use": "sale", "price_include": included}])
    client = world.services.odoo(world.store)
    [partner] = client.create("res.partner", [{"name": "Buyer", "zip": "75001"}])
    [template] = client.create("product.template", [{"name": "Thing", **client.profile.storable_values}])
    [row] = client.read("product.template", [template], ["product_variant_id"])
    variant = row["product_variant_id"][0]
    links = {("customer", str(e["order"]["id_customer"])): partner for e in truth["orders"]}
    for entry in truth["orders"]:
        for detail in entry["details"]:
            product, combination = detail["product_id"], int(detail["product_attribute_id"] or 0)
            links[("product", str(product))] = template
            if combination:
                links[("combination", f"{product}:{combination}")] = variant
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        session.add_all(Mapping(store_id=store.id, target=store.target, entity=entity, shop_id=record, odoo_id=number,
                                data={"variant_id": variant}) for (entity, record), number in links.items())


def test_every_recorded_order_is_equal_to_the_cent_or_held(world: World) -> None:
    world.set(stock="off", order_states=False, max_attempts=1)  # the shop here has orders, and no products that a state could move
    cents = {row["id"] for row in recorded(SHOP)["reference"]["currencies"] if int(row["precision"]) == 2}
    totals = {entry["order"]["id"]: Decimal(entry["order"]["total_paid_tax_incl"]) for entry in recorded(SHOP)["orders"]
              if entry["order"]["id_currency"] in cents}
    assert len(totals) > 150
    with world.db.begin() as session:
        jobs.notice_many(session, session.get_one(Store, world.store.id), "order", "ps_to_odoo", [str(i) for i in totals],
                         source="test")
    world.drain()
    rows = world.services.odoo(world.store).search_read(
        "sale.order", [("origin", "=like", "PS/shop/%")], ["origin", "amount_total", "state", "client_order_ref"])
    found = {int(row["origin"].rpartition("/")[2]): row for row in rows}
    assert len(rows) == len(found), "an order came twice"
    unequal = {i: (found[i]["amount_total"], totals[i]) for i in found
               if round(Decimal(str(found[i]["amount_total"])), 2) != totals[i] and found[i]["state"] in ("sale", "done")}
    assert not unequal, "confirmed though it is not equal"
    held = {int(job.record) for job in world.jobs("dead")}
    assert held <= HELD, {job.record: job.message for job in world.jobs("dead") if int(job.record) not in HELD}
    assert set(totals) - set(found) <= held
