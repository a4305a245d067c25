"""What the module notes when PrestaShop fires its hooks, replayed from running shops 8.1.2 and 9.1.4."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.module.shop import StubShop, saved

pytestmark = pytest.mark.php

FIXTURES = Path(__file__).parents[1] / "fixtures" / "module"
RECORDED = json.loads((FIXTURES / "hooks.json").read_text())["scenarios"]
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())
SCENARIOS = [(version, s["scenario"], s["hooks"]) for version, found in RECORDED.items() for s in found]
ROWS = "SELECT entity, record, combination, shop, version FROM ps_odooconnector_outbox ORDER BY entity, record, combination"


def with_customer(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The customer of an address is not in the recording."""
    return [{**call, "params": {**call["params"], "object": {**call["params"]["object"], "id_customer": 2}}}
            if call["params"].get("object", {}).get("class") == "Address" else call for call in calls]


def test_every_recorded_scenario_has_an_expectation() -> None:
    assert {name for _, name, _ in SCENARIOS} == set(EXPECTED)


@pytest.mark.parametrize(("version", "name", "calls"), SCENARIOS, ids=[f"{v} {n}" for v, n, _ in SCENARIOS])
def test_a_recorded_request_notes_exactly_the_records_that_changed(
        version: str, name: str, calls: list[dict[str, Any]], tmp_path: Path) -> None:
    shop = StubShop(tmp_path, version=version)
    found = shop.request(["install"], ["hooks", with_customer(calls)], ["sql", ROWS])[2]

    assert [f"{row['entity']} {row['record']}" + (f":{row['combination']}" if row["combination"] else "") for row in found] \
        == EXPECTED[name]
    assert shop.errors == ""


def test_a_product_save_that_fires_seven_times_writes_once_in_the_hook_and_once_at_the_end(shop: StubShop) -> None:
    save = next(calls for version, name, calls in SCENARIOS if version == "8.1.2" and "saved without any change" in name)
    assert sum(call["hook"] == "actionObjectProductUpdateAfter" for call in save) == 7

    _, statements, before = shop.request(["hooks", save], ["statements"], ["sql", ROWS])
    after = shop.request(["sql", ROWS])[0]

    assert len([s for s in statements if s.startswith("INSERT INTO")]) == 2, "one for the product, one for its stock"
    assert [row["record"] for row in after] == [6, 6]
    assert after[0]["version"] > before[0]["version"], "the product changed again after it was written"
    assert after[1]["version"] == before[1]["version"], "its stock did not"


def test_a_change_after_the_row_was_sent_in_between_is_not_lost(shop: StubShop) -> None:
    product = [saved("Product", 6)]

    shop.request(["hooks", product], ["sql", "DELETE FROM ps_odooconnector_outbox"], ["hooks", product])

    assert shop.rows() == ["product 6"]


def test_a_record_that_returns_never_gets_an_older_version(shop: StubShop) -> None:
    product = [saved("Product", 6)]
    first = shop.request(["hooks", product], ["sql", ROWS])[1][0]["version"]
    shop.request(["sql", "DELETE FROM ps_odooconnector_outbox"])
    second = shop.request(["hooks", product], ["sql", ROWS])[1][0]["version"]

    assert second > first


def test_a_version_grows_even_if_the_clock_was_set_back(shop: StubShop) -> None:
    product = [saved("Product", 6)]
    future = 4_000_000_000_000_000
    shop.request(["hooks", product])
    shop.request(["sql", f"UPDATE ps_odooconnector_outbox SET version = {future}"])

    assert shop.request(["hooks", product], ["sql", ROWS])[1][0]["version"] == future + 1


def test_addresses_of_suppliers_and_records_without_id_are_left_out(shop: StubShop) -> None:
    shop.request(["hooks", [saved("Address", 5, id_customer=0), saved("Address", 6), saved("Product", 0),
                            {"hook": "actionObjectProductUpdateAfter", "params": {}},
                            {"hook": "actionOrderStatusPostUpdate", "params": {}}]])

    assert shop.rows() == []
    assert shop.errors == ""


def test_the_shop_of_the_record_counts_before_the_shop_of_the_page(shop: StubShop) -> None:
    found = shop.request(["shop", 3], ["hooks", [saved("Product", 6), saved("Order", 5, id_shop=2)]], ["sql", ROWS])[2]

    assert [(row["entity"], row["shop"]) for row in found] == [("order", 2), ("product", 3)]


def test_a_database_that_is_gone_never_reaches_the_visitor(shop: StubShop) -> None:
    answers = shop.request(["break_database"], ["hooks", [saved("Order", 5)]])

    assert answers == [True, None]
    assert "a change was not noted: the database is gone" in shop.errors


def test_deletions_are_noted(shop: StubShop) -> None:
    shop.request(["hooks", [{"hook": f"actionObject{name}DeleteAfter", "params": {"object": {"class": name, "id": 7, **more}}}
                            for name, more in (("Customer", {}), ("Address", {"id_customer": 2}), ("Product", {}),
                                               ("Combination", {"id_product": 9}), ("Order", {}),
                                               ("StockAvailable", {"id_product": 9, "id_product_attribute": 4}))]])

    assert shop.rows() == ["customer 2", "customer 7", "order 7", "product 7", "product 9", "stock 9:4"]
