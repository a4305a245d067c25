"""The capability probe: what is found in Odoo 14 to 19, and what is said about what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import respx

from portal.clients.errors import AccessRefused
from portal.clients.odoo import Odoo, Profile, connect
from tests.clients.odoo_recorded import KEY, ODOO, VERSIONS, Server, answer, profile

every_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as found:
        yield found


def look(router: respx.MockRouter, server: Server) -> Odoo:
    server.route(router)
    return connect(ODOO, f"odoo{server.version}", "prestashop-sync", KEY)


@every_version
def test_a_healthy_odoo_is_described_in_few_calls(router: respx.MockRouter, version: int) -> None:
    server = Server(version)
    found = look(router, server).probe()

    assert (found.version, found.major, found.uid) == (f"{version}.0", version, answer(version, "login").json()["result"])
    assert (found.user_name, found.lang, found.langs) == ("Connector", "en_US", ("en_US", "fr_FR"))
    assert (found.company_id, found.company_name, found.company_currency) == (1, "My Company (San Francisco)", "USD")
    assert (found.tax_rounding, found.rounds_globally, found.price_digits) == ("round_globally", True, 2)
    assert found.default_location == (5 if version == 19 else 8)
    assert dict(found.locations)[found.default_location] == "WH/Stock"
    assert [name for _, name in found.locations] == sorted(name for _, name in found.locations)
    assert (found.modules_missing, found.rights_missing) == ((), ())
    assert found.transport == ("json-2" if version == 19 else "json-rpc")
    assert found.key_expires == ("2027-02-11" if version >= 18 else None)
    assert any("2027-02-11" in text for text in found.warnings) is (version >= 18)
    assert len(server.seen) <= 30


@every_version
def test_a_profile_survives_the_way_through_json(router: respx.MockRouter, version: int) -> None:
    found = look(router, Server(version)).probe()
    assert Profile.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_profile_of_another_release_is_read_as_far_as_it_goes() -> None:
    old = profile(17).to_json()
    del old["warnings"]
    assert Profile.from_json({**old, "of_the_future": 1}) == profile(17)
    with pytest.raises(TypeError):
        Profile.from_json({"version": "17.0"})


DIFFERENCES: dict[str, list[object]] = {
    "storable_values": [{"type": "product"}, *[{"detailed_type": "product"}] * 3,
                        *[{"type": "consu", "is_storable": True}] * 2],
    "has_mobile": [True] * 5 + [False],
    "has_title": [True] * 5 + [False],
    "tax_field": ["tax_id"] * 5 + ["tax_ids"],
    "uom_field": ["product_uom"] * 5 + ["product_uom_id"],
    "needs_apply_inventory": [False] + [True] * 5,
    "move_reserved_field": ["reserved_availability"] * 3 + ["quantity"] * 3,
    "move_done_field": ["quantity_done"] * 3 + ["quantity"] * 3,
    "has_picked": [False] * 3 + [True] * 3,
    "picking_moves_field": ["move_lines"] * 2 + ["move_ids"] * 4,
    "lot_model": ["stock.production.lot"] * 2 + ["stock.lot"] * 4,
    "lock_field": [None] * 3 + ["locked"] * 3,
    "has_delivery_status": [False] * 2 + [True] * 4,
    "has_technical_price_unit": [False] * 4 + [True] * 2,
    "price_include_values": [{"price_include": True}] * 4 + [{"price_include_override": "tax_included"}] * 2,
    "groups_field": ["groups_id"] * 5 + ["group_ids"],
    "has_webhook_action": [False] * 3 + [True] * 3,
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_difference_between_versions_is_named_once(name: str) -> None:
    assert [getattr(profile(version), name) for version in VERSIONS] == DIFFERENCES[name]


def test_orders_are_invoiced_one_by_one_where_odoo_can() -> None:
    values, context = profile(16).invoice_wizard([5, 6])
    assert values == {"advance_payment_method": "delivered"}
    assert context == {"active_model": "sale.order", "active_ids": [5, 6], "active_id": 5}
    assert profile(17).invoice_wizard([5])[0] == {"advance_payment_method": "delivered", "consolidated_billing": False}


def test_asking_for_a_field_that_was_not_probed_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        profile(17).has("res.partner", "no_such")


def test_an_odoo_online_in_between_is_known_by_its_fields(router: respx.MockRouter) -> None:
    found = look(router, Server(18, serie="saas~17.4")).probe()
    assert (found.version, found.major) == ("saas~17.4", 17)
    assert found.storable_values == {"type": "consu", "is_storable": True}
    assert found.has_technical_price_unit


@every_version
def test_missing_apps_are_named(router: respx.MockRouter, version: int) -> None:
    lacking = ("sale.order", "sale.order.line", "stock.quant", "stock.move", "stock.picking", "account.move", "account.tax",
               "sale.advance.payment.inv")
    found = look(router, Server(version, *lacking, "res.company.tax_calculation_rounding_method")).probe()
    assert found.modules_missing == (
        "The app Sales (sale_management) is not installed in Odoo.", "The app Inventory (stock) is not installed in Odoo.",
        "The app Invoicing (account) is not installed in Odoo.")
    assert found.rights_missing == ()
    assert (found.locations, found.default_location) == ((), 0)


def test_a_missing_bridge_between_sales_and_stock_is_named(router: respx.MockRouter) -> None:
    found = look(router, Server(17, "stock.move.sale_line_id")).probe()
    assert [text for text in found.modules_missing if "sale_stock" in text]


@pytest.mark.parametrize(("version", "group"), [(14, "Inventory / Administrator"), (17, "Inventory / Administrator"),
                                                (18, "Extra Rights / Product Creation"), (19, "Products / Create")])
def test_missing_rights_are_sentences_with_their_group(router: respx.MockRouter, version: int, group: str) -> None:
    stock = "stock.group_stock_user" if version >= 18 else "stock.group_stock_manager"
    found = look(router, Server(version, "res.partner:create", "product.template:create", stock, "sale.order:create",
                                "account.group_account_invoice")).probe()
    assert len(found.rights_missing) == 4
    assert f"The user may not create products: give it the group {group}." in found.rights_missing
    assert any("Invoicing / Billing" in text for text in found.warnings)


def test_a_user_who_sees_only_its_own_orders_is_told(router: respx.MockRouter) -> None:
    found = look(router, Server(16, "sales_team.group_sale_salesman_all_leads")).probe()
    assert found.rights_missing == ("The user sees only its own orders: give it the group Sales / User: All Documents.",)


@every_version
def test_what_a_limited_user_may_not_read_is_left_open(router: respx.MockRouter, version: int) -> None:
    hidden = ("stock.location.search_read", "stock.warehouse.search_read", "res.users.apikeys.search_read",
              "res.lang.search_read", "decimal.precision.search_read", "res.partner.has_access",
              "res.partner.check_access_rights", "res.users.has_group")
    found = look(router, Server(version, *hidden, digits=None)).probe()
    assert (found.locations, found.default_location, found.langs, found.key_expires) == ((), 0, (), None)
    assert found.price_digits == 2
    assert found.rights_missing == ()


def test_decimals_of_prices_and_weights_come_from_the_fields_else_from_the_setting(router: respx.MockRouter) -> None:
    told = look(router, Server(17, digits=6)).probe()
    assert (told.price_digits, told.weight_digits) == (6, 7)
    router.clear()
    read = look(router, Server(17, digits=None)).probe()
    assert (read.price_digits, read.weight_digits) == (4, 4)


@pytest.mark.parametrize("version", [14, 17, 19])
def test_a_wrong_key_is_tried_once_and_refused(router: respx.MockRouter, version: int) -> None:
    server = Server(version, "login", json2=False)
    with pytest.raises(AccessRefused) as caught:
        look(router, server).probe()
    assert caught.value.cause == "odoo:key"
    assert server.seen == ["version", "authenticate"]


def test_json_rpc_is_used_where_json_2_is_refused(router: respx.MockRouter) -> None:
    server = Server(19, json2=False)
    odoo = look(router, server)
    found = odoo.probe()
    assert found.transport == "json-rpc"
    assert any("JSON-2" in text for text in found.warnings)
    assert odoo.profile == found


@pytest.mark.parametrize("status", [404, 403, 200])
def test_json_rpc_is_used_where_a_proxy_does_not_let_json_2_through(router: respx.MockRouter, status: int) -> None:
    server = Server(19)
    server.route(router)
    router.post(url__regex=rf"{ODOO}/json/2/.*").respond(status, html="<html>Sorry</html>")
    assert connect(ODOO, "odoo19", "me", KEY).probe().transport == "json-rpc"


def test_a_key_of_another_user_is_told(router: respx.MockRouter) -> None:
    Server(19).route(router)
    found = connect(ODOO, "odoo19", "somebody-else", KEY).probe()
    assert [text for text in found.warnings if "belongs to the user prestashop-sync, not to somebody-else" in text]


def test_the_wrong_database_is_named(router: respx.MockRouter) -> None:
    router.post(f"{ODOO}/jsonrpc", json__params__method="version").mock(return_value=answer(17, "version"))
    router.post(f"{ODOO}/jsonrpc", json__params__method="authenticate").mock(return_value=answer(17, "wrong_database"))
    with pytest.raises(AccessRefused) as caught:
        connect(ODOO, "no_such_db", "me", KEY).probe()
    assert caught.value.cause == "odoo:database"


def test_an_odoo_that_is_too_old_is_told_before_logging_in(router: respx.MockRouter) -> None:
    route = router.post(f"{ODOO}/jsonrpc").respond(
        json={"jsonrpc": "2.0", "id": 1, "result": {"server_version": "13.0", "server_serie": "13.0"}})
    with pytest.raises(AccessRefused, match="needs Odoo 14 or later"):
        connect(ODOO, "db", "me", KEY).probe()
    assert route.call_count == 1


@pytest.mark.parametrize(("second", "slow"), [(0.4, True), (0.03, False)], ids=["always", "only while Odoo wakes up"])
def test_a_slow_check_of_the_key_is_explained(router: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, second: float,
                                              slow: bool) -> None:
    clock = iter([0.0, 0.01, 0.01, 0.41, 1.0, 1.0 + second])
    monkeypatch.setattr("portal.clients.odoo_probe.time", type("Clock", (), {"monotonic": lambda: next(clock)}))
    found = look(router, Server(17)).probe()
    assert any("has a password" in text for text in found.warnings) is slow
