"""The sandbox Odoo beyond the recorded calls: cursors, cooldown, taxes, deliveries, webhooks, languages, its file."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from portal.sandbox.odoo_models import Env
from portal.sandbox.odoo_profiles import OdooError
from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_KEY, DEMO_LOGIN, OdooServer, make_odoo_server
from portal.sandbox.odoo_tax import document_amounts, line_amounts


class Client:
    """Calls one server as one user; an error answer becomes an OdooError."""

    def __init__(self, server: OdooServer, uid: int = 8, key: str = DEMO_KEY) -> None:
        self.server, self.uid, self.key = server, uid, key
        self.http = httpx.Client(base_url=server.url, trust_env=False)

    def rpc(self, service: str, method: str, *args: Any) -> Any:
        params = {"service": service, "method": method, "args": list(args)}
        answer = self.http.post("/jsonrpc", json={"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}).json()
        if "error" in answer:
            raise OdooError(answer["error"]["data"]["name"], answer["error"]["data"]["message"])
        return answer.get("result")

    def __call__(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        return self.rpc("object", "execute_kw", DEMO_DATABASE, self.uid, self.key, model, method, list(args), named)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[OdooServer]:
    with make_odoo_server(0, version=getattr(request, "param", "17")) as running:
        yield running


@pytest.fixture
def call(server: OdooServer) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.http.close()


def versions(*numbers: str) -> Any:
    return pytest.mark.parametrize("server", numbers or ("14", "15", "16", "17", "18", "19"), indirect=True)


def place(call: Client, *lines: dict[str, Any], **values: Any) -> int:
    partner = call("res.partner", "create", {"name": "Buyer"})
    rows = [[0, 0, line] for line in lines]
    return int(call("sale.order", "create", {"partner_id": partner, "order_line": rows, **values}))


def product(call: Client, code: str = "FURN-01") -> int:
    return int(call("product.product", "search", [["default_code", "=", code]])[0])


def level(call: Client, number: int) -> tuple[float, float]:
    row = call("product.product", "read", [number], ["qty_available", "free_qty"], context={"location": 8})[0]
    return row["qty_available"], row["free_qty"]


@versions("18", "19")
def test_a_cursor_on_write_date_skips_the_same_second_only_in_19(server: OdooServer, call: Client) -> None:
    call("res.partner", "create", {"name": "Cursor"})
    seen = call("res.partner", "search_read", [["name", "=", "Cursor"]], ["write_date"])[0]["write_date"]
    again = call("res.partner", "search", [["name", "=", "Cursor"], ["write_date", ">", seen]])
    assert bool(again) == (server.db.profile.major < 19)
    assert call("res.partner", "search", [["name", "=", "Cursor"], ["write_date", ">=", seen]])


@versions("15", "17")
def test_ten_wrong_keys_lock_even_the_right_one_out_up_to_15(server: OdooServer, call: Client) -> None:
    for _ in range(10):
        assert call.rpc("common", "authenticate", DEMO_DATABASE, DEMO_LOGIN, "wrong", {}) is False
    locked = call.rpc("common", "authenticate", DEMO_DATABASE, DEMO_LOGIN, DEMO_KEY, {}) is False
    assert locked == (server.db.profile.major <= 15)
    if locked:
        with pytest.raises(OdooError, match="Too many login failures"):
            call("res.partner", "search_count", [])


@versions()
def test_a_refused_batch_leaves_nothing_behind(server: OdooServer, call: Client) -> None:
    before = call("res.partner", "search_count", [])
    with pytest.raises(OdooError):
        call("res.partner", "create", [{"name": "Good"}, {"email": "nameless@example.com"}])
    assert call("res.partner", "search_count", []) == before
    assert not [entry for entry in server.db.creates if entry["key"] == "Good"]


def test_the_call_log_counts_calls_and_names_new_records(server: OdooServer, call: Client) -> None:
    call("res.partner", "load", ["id", "name"], [["shop.c1", "One"], ["shop.c2", "Two"]])
    call("res.partner", "load", ["id", "name"], [["shop.c1", "One again"]])
    assert server.calls["res.partner.load"] == 2
    creates = call.http.get("/_sandbox/creates").json()
    assert [entry["key"] for entry in creates if entry["model"] == "res.partner"] == ["shop.c1", "shop.c2"]
    call.http.post("/_sandbox/reset", json={"data": True})
    assert call.http.get("/_sandbox/calls").json() == {}
    assert call("res.partner", "search", [["name", "=", "Two"]]) == []


@versions()
def test_confirming_reserves_delivering_takes_and_cancelling_gives_back(server: OdooServer, call: Client) -> None:
    number = product(call)
    assert level(call, number) == (12.0, 12.0)
    order = place(call, {"product_id": number, "product_uom_qty": 5})
    call("sale.order", "action_confirm", [order])
    assert level(call, number) == (12.0, 7.0)
    call.http.post("/_sandbox/deliver", json={"order": order, "quantities": {number: 2}})
    assert level(call, number) == (10.0, 7.0)
    assert [row["state"] for row in call("stock.picking", "search_read", [["sale_id", "=", order]], ["state"], order="id")] == [
        "done", "assigned",
    ]  # fmt: skip
    if server.db.profile.major >= 16:
        assert call("sale.order", "read", [order], ["delivery_status"])[0]["delivery_status"] == "partial"
    call("sale.order", "action_cancel", [order], context={"disable_cancel_warning": True})
    assert level(call, number) == (10.0, 10.0)


def test_a_larger_line_of_a_confirmed_order_reserves_more(call: Client) -> None:
    number = product(call)
    order = place(call, {"product_id": number, "product_uom_qty": 1})
    call("sale.order", "action_confirm", [order])
    line = call("sale.order", "read", [order], ["order_line"])[0]["order_line"]
    call("sale.order.line", "write", line, {"product_uom_qty": 4})
    assert level(call, number) == (12.0, 8.0)


@versions("18", "19")
def test_19_zeroes_a_quant_applied_without_a_fresh_count(server: OdooServer, call: Client) -> None:
    number = product(call)
    values = {"product_id": number, "location_id": 8, "inventory_quantity": 7}
    quant = call("stock.quant", "create", values, context={"inventory_mode": True})
    for expected in (7.0, 0.0 if server.db.profile.major >= 19 else 7.0):
        assert call("stock.quant", "action_apply_inventory", [quant]) is None
        assert level(call, number)[0] == expected


def test_a_count_overtaken_by_a_delivery_is_answered_with_a_wizard(call: Client) -> None:
    number = product(call)
    order = place(call, {"product_id": number, "product_uom_qty": 2})
    call("sale.order", "action_confirm", [order])
    values = {"product_id": number, "location_id": 8, "inventory_quantity": 20}
    quant = call("stock.quant", "create", values, context={"inventory_mode": True})
    call.http.post("/_sandbox/deliver", json={"order": order})
    assert call("stock.quant", "action_apply_inventory", [quant])["res_model"] == "stock.inventory.conflict"
    assert level(call, number)[0] == 10.0


def test_a_payment_and_a_credit_note_close_an_invoice(call: Client) -> None:
    order = place(call, {"product_id": product(call), "product_uom_qty": 1, "price_unit": 100})
    call("sale.order", "action_confirm", [order])
    wizard = call("sale.advance.payment.inv", "create", {"sale_order_ids": [[6, 0, [order]]]})
    call("sale.advance.payment.inv", "create_invoices", [wizard])
    [invoice] = call("sale.order", "read", [order], ["invoice_ids"])[0]["invoice_ids"]
    call("account.move", "action_post", [invoice])
    context = {"active_model": "account.move", "active_ids": [invoice]}
    pay = call("account.payment.register", "create", {"amount": 20}, context=context)
    call("account.payment.register", "action_create_payments", [pay], context=context)
    found = call("account.move", "read", [invoice], ["payment_state", "amount_residual"])[0]
    assert (found["payment_state"], found["amount_residual"]) == ("partial", 100.0)
    reversal = call("account.move.reversal", "create", {"reason": "back", "journal_id": 1}, context=context)
    call("account.move.reversal", "refund_moves", [reversal])
    note = call("account.move", "search_read", [["reversed_entry_id", "=", invoice]], ["amount_total", "move_type"])
    assert [(row["move_type"], row["amount_total"]) for row in note] == [("out_refund", 120.0)]


@versions("16", "19")
def test_prices_keep_their_digits_only_in_19(server: OdooServer, call: Client) -> None:
    order = place(call, {"product_id": product(call), "product_uom_qty": 3, "price_unit": 10.123456})
    price = call("sale.order.line", "search_read", [["order_id", "=", order]], ["price_unit"])[0]["price_unit"]
    assert price == (10.123456 if server.db.profile.major >= 19 else 10.12)


@versions()
@pytest.mark.parametrize(
    ("tax", "lines", "per_line", "globally"),
    [  # 20 % on top; 20 % inside; halves go away from zero
        ("20%", [(0.33, 1), (0.33, 1), (0.33, 1)], ("0.99", "0.21"), ("0.99", "0.20")),
        ("20% incl.", [(9.98, 3)], ("24.95", "4.99"), ("24.95", "4.99")),
        ("5.5%", [(10.0, 1), (-10.0, 1)], ("0.00", "0.00"), ("0.00", "0.00")),
    ],
)
def test_taxes_round_as_the_company_says(
    server: OdooServer, tax: str, lines: list[tuple[float, int]], per_line: tuple[str, str], globally: tuple[str, str]
) -> None:
    env = Env(server.db)
    with server.db.transaction():
        for method, (net, amount) in (("round_per_line", per_line), ("round_globally", globally)):
            env["res.company"].put(1, tax_calculation_rounding_method=method)
            taxes = env["account.tax"].search([["name", "=", tax], ["type_tax_use", "=", "sale"]])
            found = document_amounts(env, [line_amounts(env, taxes, price, count) for price, count in lines])
            assert found == (Decimal(net), Decimal(amount)), method


@versions("17", "18")
def test_a_half_cent_inside_a_price_goes_to_the_net_amount_up_to_17_and_to_the_tax_after(server: OdooServer) -> None:
    env = Env(server.db)
    with server.db.transaction():
        taxes = env["account.tax"].search([["name", "=", "20% incl."]])
        found = line_amounts(env, taxes, 9.99, 3)
    net, tax = ("24.97", "5.00") if server.db.profile.major >= 18 else ("24.98", "4.99")
    assert (found.net, found.tax) == (Decimal(net), Decimal(tax))


def test_a_group_and_a_fixed_tax_add_up(server: OdooServer) -> None:
    env = Env(server.db)
    with server.db.transaction():
        taxes = env["account.tax"]
        fixed = taxes.create_one({"name": "Eco", "amount": 0.25, "amount_type": "fixed", "include_base_amount": True})
        group = taxes.create_one({"name": "All", "amount_type": "group", "children_tax_ids": [[6, 0, [fixed, 1]]]})
        taxes.write([fixed], {"sequence": 0})
        found = line_amounts(env, [group], 10.0, 2)
    assert (found.net, found.tax) == (Decimal("20.00"), Decimal("4.60"))  # 0.50 and 20 % of 20.50


@versions()
def test_attributes_make_variants_and_removed_values_take_them_away(server: OdooServer, call: Client) -> None:
    size = call("product.attribute", "create", {"name": "Size", "create_variant": "always"})
    small, large = call("product.attribute.value", "create", [{"name": n, "attribute_id": size} for n in ("S", "L")])
    line = {"attribute_id": size, "value_ids": [[6, 0, [small, large]]]}
    template = call("product.template", "create", {"name": "Shirt", "attribute_line_ids": [[0, 0, line]]})
    variants = call("product.product", "search", [["product_tmpl_id", "=", template]], order="id")
    assert len(variants) == 2
    call("product.product", "write", [variants[0]], {"default_code": "SH-S", "barcode": "111"})
    [line_id] = call("product.template", "read", [template], ["attribute_line_ids"])[0]["attribute_line_ids"]
    call("product.template.attribute.line", "write", [line_id], {"value_ids": [[6, 0, [small]]]})
    assert call("product.product", "search", [["product_tmpl_id", "=", template]]) == [variants[0]]


def test_dynamic_variants_are_made_one_by_one(call: Client) -> None:
    size = call("product.attribute", "create", {"name": "Size", "create_variant": "dynamic"})
    values = call("product.attribute.value", "create", [{"name": n, "attribute_id": size} for n in "SML"])
    line = {"attribute_id": size, "value_ids": [[6, 0, values]]}
    template = call("product.template", "create", {"name": "Shirt", "attribute_line_ids": [[0, 0, line]]})
    assert call("product.product", "search", [["product_tmpl_id", "=", template]]) == []
    offers = call("product.template.attribute.value", "search", [["product_tmpl_id", "=", template]])
    combination = {"product_template_attribute_value_ids": [[6, 0, offers[:1]]]}
    made = call("product.product", "create", {"product_tmpl_id": template, "default_code": "S", **combination})
    assert call("product.product", "read", [made], ["display_name"])[0]["display_name"] == "[S] Shirt (S)"


def test_names_are_kept_per_language(call: Client) -> None:
    template = call("product.template", "create", {"name": "Bread"})
    call("product.template", "write", [template], {"name": "Pain"}, context={"lang": "fr_FR"})
    names = [call("product.template", "read", [template], ["name"], context={"lang": lang})[0]["name"]
             for lang in ("en_US", "fr_FR", "es_ES")]  # fmt: skip
    assert names == ["Bread", "Pain", "Bread"]


def test_a_right_can_be_taken_away(server: OdooServer, call: Client) -> None:
    call.http.post("/_sandbox/deny", json={"login": "demo", "model": "account.move", "operation": "create"})
    assert call("account.move", "check_access_rights", "create", False) is False
    assert call("account.move", "check_access_rights", "read", False) is True


@versions("17", "19")
def test_a_rule_posts_changed_records_to_its_url(server: OdooServer) -> None:
    received: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listener = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=lambda: listener.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    admin = Client(server, 2, "admin-key")
    [model] = admin("ir.model", "search", [["model", "=", "sale.order"]])
    fields = admin("ir.model.fields", "search", [["model", "=", "sale.order"], ["name", "in", ["state", "partner_id"]]])
    state = admin("ir.model.fields", "search", [["model", "=", "sale.order"], ["name", "=", "state"]])
    action = {"name": "Send", "model_id": model, "state": "webhook", "webhook_field_ids": [[6, 0, fields]],
              "webhook_url": f"http://127.0.0.1:{listener.server_address[1]}/hook?token=t"}  # fmt: skip
    admin("base.automation", "create", {
        "name": "Shop", "model_id": model, "trigger": "on_create_or_write", "trigger_field_ids": [[6, 0, state]],
        "filter_domain": "[('client_order_ref', '!=', False)]", "action_server_ids": [[0, 0, action]],
    })  # fmt: skip
    call = Client(server)
    place(call, {"product_id": 3})
    order = place(call, {"product_id": 3}, client_order_ref="R1")
    call("sale.order", "action_confirm", [order])
    with pytest.raises(OdooError):
        call("sale.order", "create", [{"partner_id": 1, "client_order_ref": "R2"}, {"client_order_ref": "R3"}])
    server.webhooks.wait()
    listener.shutdown()
    listener.server_close()
    thread.join()
    mine = [body["state"] for body in received if body["_id"] == order]
    assert mine == ["draft", "sale"]
    assert isinstance(received[0]["partner_id"], int)
    assert received[0]["_model"] == "sale.order"
    rolled_back = [body for body in received if body["_id"] != order]
    assert bool(rolled_back) == (server.db.profile.major <= 18)
    for client in (admin, call):
        client.http.close()


def test_the_database_survives_a_restart_and_a_stopped_server_refuses_connections(tmp_path: Path) -> None:
    server = make_odoo_server(0, version="17", data_dir=tmp_path).start()
    call = Client(server)
    number = call("res.partner", "load", ["id", "name"], [["shop.c1", "Kept"]])["ids"][0]
    server.stop()
    with pytest.raises(httpx.TransportError):
        call("res.partner", "search_count", [])
    server.start()
    assert call("res.partner", "read", [number], ["name"])[0]["name"] == "Kept"
    server.stop()
    call.http.close()
    with make_odoo_server(0, version="17", data_dir=tmp_path) as again:
        later = Client(again)
        assert later("res.partner", "load", ["id", "name"], [["shop.c1", "Kept"]])["ids"] == [number]
        assert later("res.partner", "create", {"name": "New"}) > number
        later.http.close()


@versions("19")
def test_json_2_takes_named_parameters_and_answers_with_real_statuses(server: OdooServer) -> None:
    with httpx.Client(base_url=f"{server.url}/json/2", trust_env=False, headers={"Authorization": f"bearer {DEMO_KEY}"}) as http:
        assert http.post("/res.partner/create", json={"vals_list": [{"name": "J"}]}).json()[0] > 0
        partner = http.post("/res.partner/search", json={"domain": [["name", "=", "J"]]}).json()
        assert http.post("/res.partner/write", json={"ids": partner, "vals": {"city": "Lyon"}}).json() is True
        assert http.post("/res.partner/action_archive", json={"ids": partner}).text == "null"
        assert http.post("/res.partner/search", json={"nonsense": 1}).status_code == 422
        assert http.post("/res.partner/write", json={"ids": [10**8], "vals": {"city": "x"}}).status_code == 404
        assert http.post("/base.automation/search", json={"domain": []}).status_code == 403
    assert httpx.get(f"{server.url}/web/version", trust_env=False).json()["version"] == "19.0"


def test_both_sandboxes_start_from_the_command_line_and_end_on_request(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "portal.sandbox", "--odoo-version", "19", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = [process.stdout.readline(), process.stdout.readline()]
        words = dict(word.split("=", 1) for word in ready[0].split() if "=" in word)
        version = httpx.get(f"{words['url']}/web/version", trust_env=False).json()["version"]
        process.terminate()
        assert process.wait(20) == 0
    assert [line.split()[:2] for line in ready] == [["odoo", "ready"], ["shop", "ready"]]
    assert version == "19.0"
    assert (tmp_path / "odoo-19.json").exists()
