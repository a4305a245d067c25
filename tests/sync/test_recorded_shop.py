"""The recorded shops arrive in every Odoo, field by field as the guide says; what is expected is worked out here from the shop's
own rows, not by the mapping."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from portal.config import Config
from portal.db import Base, Database, make_engine
from portal.sync.services import Services
from tests.entities.worlds import recorded
from tests.world import World, make_world

CASES = [(odoo, shop) for odoo in ("14", "15", "16", "17", "18", "19") for shop in ("8.1.2", "9.1.4")]


@pytest.fixture(params=CASES, ids=lambda case: f"odoo{case[0]}-shop{case[1]}")
def world(request: pytest.FixtureRequest, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    odoo, shop = request.param
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('recorded') / 'portal.sqlite3'}")
    Base.metadata.create_all(engine)
    db = Database(engine)
    with make_world(db, Services(config, db), version=odoo, shop_version=shop, demo=False) as world:
        fill(world, copy.deepcopy(recorded(shop)))
        yield world
    engine.dispose()


def fill(world: World, rows: dict[str, Any]) -> None:
    """The recorded rows as the sandbox keeps them."""
    shop = world.shop.shop
    for i, iso in rows["facts"]["countries"].items():
        shop.load_records("countries", [{"id": int(i), "iso_code": iso}])
    for i, (code, name) in rows["facts"]["states"].items():
        shop.load_records("states", [{"id": int(i), "iso_code": code, "name": name}])
    shop.load_records("customers", rows["customers"])
    shop.load_records("addresses", rows["addresses"])
    for product in rows["products"]:
        if product["product_type"] == "combinations":
            product["product_type"] = "standard"  # combinations have tests of their own; here the fields of a product count
        for field in ("name", "description_short"):
            product[field] = [{"id": language, "value": text} for language, text in product[field].items()]
    shop.load_records("products", rows["products"])
    shop.load_records("stock_availables", [row for row in rows["stock"] if not row["id_product_attribute"]])


def test_every_recorded_record_arrives_field_by_field(world: World) -> None:
    counts = world.sync("customer", "product", "stock")
    assert counts["error"] == 0
    shop = recorded(world.shop.shop.version)
    client = world.services.odoo(world.store)
    refused = {(job.entity, job.record) for job in world.jobs("dead")}
    addresses: dict[int, list[dict[str, Any]]] = {}
    for row in shop["addresses"]:
        if row["deleted"] != "1":
            addresses.setdefault(row["id_customer"], []).append(row)
    seen = 0
    for customer in shop["customers"]:
        if customer["deleted"] == "1" or ("customer", str(customer["id"])) in refused:
            continue
        found = client.search_read("res.partner", [("ref", "=", f"PS-{customer['id']}")],
                                   ["name", "email", "street", "zip", "city", "country_id"])
        if not found:  # a guest with the e-mail address of another customer shares that contact
            continue
        [partner] = found
        seen += 1
        home = min(addresses.get(customer["id"], [{}]), key=lambda row: row.get("id", 0))
        assert partner["name"] == " ".join(f"{customer['firstname']} {customer['lastname']}".split())
        assert partner["email"] == customer["email"].lower()
        assert (partner["street"] or "") == " ".join(home.get("address1", "").split())
        assert (partner["city"] or "") == " ".join(home.get("city", "").split())
        assert (partner["zip"] or "") == " ".join(home.get("postcode", "").split())
        assert bool(partner["country_id"]) == (home.get("id_country") is not None and bool(home))
    assert seen > 20
    variants = {row["default_code"]: row for row in client.search_read(
        "product.product", [("default_code", "!=", False)],
        ["default_code", "name", "list_price", "standard_price", "weight", "barcode", "active", "qty_available"],
        context={"active_test": False})}
    compared = 0
    stock = {row["id_product"]: row["quantity"] for row in shop["stock"] if not row["id_product_attribute"]}
    for product in shop["products"]:
        row = variants.get(product["reference"])
        if row is None or ("product", str(product["id"])) in refused:
            continue
        compared += 1
        assert row["name"] == " ".join(product["name"][1].split())
        assert row["list_price"] == pytest.approx(float(product["price"]), abs=0.006)
        assert row["standard_price"] == pytest.approx(float(product["wholesale_price"]), abs=0.006)
        assert row["weight"] == pytest.approx(float(product["weight"]), abs=0.006)
        assert row["active"] == (product["active"] == "1")
        assert (row["barcode"] or "") == (product["ean13"] or product["upc"])
        if product["id"] in stock and product["product_type"] == "standard":
            assert row["qty_available"] == max(stock[product["id"]], 0)
    assert compared > 20
