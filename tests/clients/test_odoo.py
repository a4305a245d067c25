"""The calls, on exchanges recorded from Odoo 14 to 19."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
import respx

from portal.clients.errors import AccessRefused, Ambiguous, Outage, Throttled
from portal.clients.odoo import WRITE_CONTEXT, LoadMessage, LoadResult, connect, is_wizard
from tests.clients.loopback import dribbles, loopback, says
from tests.clients.odoo_recorded import KEY, ODOO, RECORDED, VERSIONS, answer, client, client2, profile, result, sent

every_version = pytest.mark.parametrize("version", VERSIONS)
COLUMNS = ["id", "name"]


@every_version
@respx.mock
def test_a_call_is_the_one_odoo_was_recorded_with(version: int) -> None:
    route = respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "missing"))
    recorded = RECORDED[version]["missing"]["request"]["params"]
    with pytest.raises(Exception, match="does not exist"):
        client(version, lang="").write("res.partner", [99999999], {"name": "x"})
    params = sent(route)["params"]
    assert params["service"] == recorded["service"]
    assert params["args"][3:6] == recorded["args"][3:6] == ["res.partner", "write", [[99999999], {"name": "x"}]]
    assert params["args"][6] == {"context": dict(WRITE_CONTEXT)}
    assert route.calls.last.request.headers["content-type"] == "application/json"


@every_version
@respx.mock
def test_the_user_logs_in_once(version: int) -> None:
    route = respx.post(f"{ODOO}/jsonrpc").mock(side_effect=[answer(version, "login"), *[answer(version, "count")] * 2])
    odoo = connect(ODOO, f"odoo{version}", "prestashop-sync", KEY, profile=profile(version, uid=None))

    assert odoo.search_count("res.partner", []) == odoo.search_count("res.partner", []) > 0

    assert sent(route, 0)["params"]["args"] == [f"odoo{version}", "prestashop-sync", KEY, {}]
    uid = answer(version, "login").json()["result"]
    assert [sent(route, n)["params"]["args"][1] for n in (1, 2)] == [uid, uid]


@every_version
@pytest.mark.parametrize("name", ["login_false", "login_unknown"])
@respx.mock
def test_false_from_a_login_is_a_refusal_and_is_not_tried_again(version: int, name: str) -> None:
    route = respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, name))
    odoo = connect(ODOO, f"odoo{version}", "prestashop-sync", "wrong", profile=profile(version, uid=None))
    with pytest.raises(AccessRefused) as caught:
        odoo.search_count("res.partner", [])
    assert route.call_count == 1
    assert "60 seconds" in caught.value.remedy


@every_version
@respx.mock
def test_the_version_needs_no_credentials(version: int) -> None:
    route = respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "version"))
    assert connect(ODOO, "", "", "").version() == f"{version}.0"
    assert KEY not in route.calls.last.request.content.decode()


@respx.mock
def test_the_version_of_an_odoo_without_json_rpc_comes_from_its_web_page() -> None:
    respx.post(f"{ODOO}/jsonrpc").respond(404, html="<html>Not Found</html>")
    respx.get(f"{ODOO}/web/version").respond(json={"version_info": [22, 0, 0, "final", 0, ""], "version": "22.0"})
    assert connect(ODOO, "", "", "").version() == "22.0"


@every_version
@respx.mock
def test_neither_result_nor_error_is_a_success(version: int) -> None:
    assert set(answer(version, "none").json()) == {"jsonrpc", "id"}
    respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "none"))
    assert client(version).call("product.template", "action_archive", [1]) is None


@pytest.mark.parametrize("version", [15, 16, 17, 18])
@respx.mock
def test_a_wizard_comes_as_it_is_and_is_known_as_one(version: int) -> None:
    respx.post(f"{ODOO}/jsonrpc").mock(side_effect=[answer(version, "wizard"), answer(version, "apply")])
    odoo = client(version)
    wizard = odoo.call("stock.quant", "action_apply_inventory", [1], context={"inventory_mode": True})
    assert wizard["res_model"] == "stock.track.confirmation"
    assert is_wizard(wizard)
    assert not is_wizard(odoo.call("stock.quant", "action_apply_inventory", [1], context={"inventory_mode": True}))


@pytest.mark.parametrize(("version", "wizard"), [(14, False), (15, False), (16, True), (17, True), (18, True), (19, False)])
@respx.mock
def test_cancelling_may_return_a_wizard_too(version: int, wizard: bool) -> None:
    respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "cancel_wizard"))
    assert is_wizard(client(version).call("sale.order", "action_cancel", [1])) is wizard


@pytest.mark.parametrize("value", [None, True, False, [], {}, {"ids": [1]}, {"type": "ir.actions.act_window_close"}])
def test_other_results_are_no_wizards(value: object) -> None:
    assert not is_wizard(value)


@every_version
@respx.mock
def test_load_gives_the_ids_in_order(version: int) -> None:
    route = respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "load_ok"))
    args = RECORDED[version]["load_ok"]["request"]["params"]["args"]
    ids = answer(version, "load_ok").json()["result"]["ids"]
    columns, rows = args[5]

    assert client(version).load("res.partner", columns, rows) == LoadResult(ids, ())
    assert sent(route)["params"]["args"][3:6] == args[3:6]


@every_version
@respx.mock
def test_load_names_the_bad_row(version: int) -> None:
    respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "load_bad_row"))
    found = client(version).load("res.partner", COLUMNS, [["a.b", "x"], ["a.c", "y"]])
    text = "No matching record found for external id 'base.nosuch' in field 'Country'"
    assert found == LoadResult(None, (LoadMessage(1, text, False),))


@every_version
@respx.mock
def test_load_cleans_what_odoo_says(version: int) -> None:
    respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "load_bad_vat"))
    found = client(version).load("res.partner", COLUMNS, [["a.b", "x"]])
    assert found.ids is None
    assert {message.row for message in found.messages} == ({0, 1, 2} if version >= 18 else {1, 2})
    assert all(message.text.startswith("The VAT number [") for message in found.messages)


@every_version
@respx.mock
def test_load_marks_a_collision_as_passing(version: int) -> None:
    respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "load_race"))
    found = client(version).load("res.partner", COLUMNS, [["a.b", "x"]])
    assert found.ids is None
    assert [(message.row, message.transient) for message in found.messages] == [(0, True)]


@every_version
@respx.mock
def test_load_without_the_right_is_a_refusal_of_access(version: int) -> None:
    respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "load_no_right"))
    with pytest.raises(AccessRefused) as caught:
        client(version).load("res.partner", COLUMNS, [["a.b", "x"]])
    assert caught.value.message == "You are not allowed to create 'Contact' (res.partner) records."


@pytest.mark.parametrize("cell", [True, 1, 1.5, None, Decimal(1)])
@respx.mock
def test_load_takes_text_only(cell: object) -> None:
    with pytest.raises(TypeError, match="text only"):
        client(17).load("res.partner", COLUMNS, [["a.b", cell]])  # type: ignore[list-item]


@respx.mock
def test_nothing_to_do_is_not_sent() -> None:
    odoo = client(17)
    assert odoo.read("res.partner", [], ["name"]) == []
    assert odoo.create("res.partner", []) == []
    assert odoo.load("res.partner", COLUMNS, []) == LoadResult([], ())
    odoo.write("res.partner", [], {"name": "x"})


@every_version
@respx.mock
def test_records_that_do_not_exist_are_absent(version: int) -> None:
    respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "read_missing"))
    assert client(version).read("res.partner", [99999999], ["name"]) == []


@respx.mock
def test_writes_carry_the_quiet_contexts_and_reads_do_not() -> None:
    route = respx.post(f"{ODOO}/jsonrpc").mock(side_effect=[result([1]), result(True), result([]), result(True), result(3)])
    odoo = client(17, lang="fr_FR")
    odoo.create("res.partner", [{"name": "x", "credit": Decimal("12.340")}], context={"no_vat_validation": True})
    odoo.call("sale.order", "action_confirm", [1])
    odoo.search_read("res.partner", [("id", ">", 5)], ["name"], order="id", limit=10, offset=20, context={"active_test": False})
    odoo.call("sale.order", "message_post", [1], body="hello")
    odoo.call("res.partner", "search_count", None, write=False, domain=[])

    created, confirmed, read, posted, counted = (sent(route, n)["params"]["args"][5:] for n in range(5))
    quiet = {"lang": "fr_FR", **WRITE_CONTEXT}
    assert created == [[[{"name": "x", "credit": 12.34}]], {"context": {**quiet, "no_vat_validation": True}}]
    assert confirmed == [[[1]], {"context": quiet}]
    assert read == [[[["id", ">", 5]]], {"fields": ["name"], "order": "id", "limit": 10, "offset": 20,
                                         "context": {"lang": "fr_FR", "active_test": False}}]
    assert posted == [[[1]], {"body": "hello", "context": quiet}]
    assert counted == [[[]], {"context": {"lang": "fr_FR"}}]


@respx.mock
def test_json_2_sends_names_and_a_bearer_key() -> None:
    search = respx.post(f"{ODOO}/json/2/res.partner/search_read").mock(return_value=answer(19, "json2_search"))
    create = respx.post(f"{ODOO}/json/2/res.partner/create").mock(return_value=answer(19, "json2_create"))
    write = respx.post(f"{ODOO}/json/2/res.partner/write").respond(json=True)
    load = respx.post(f"{ODOO}/json/2/res.partner/load").respond(json={"ids": [5], "messages": [], "nextrow": 0})
    apply = respx.post(f"{ODOO}/json/2/stock.quant/action_apply_inventory").respond(content=b"null")
    count = respx.post(f"{ODOO}/json/2/res.partner/search_count").respond(json=7)
    odoo = client2(lang="")

    assert odoo.search_read("res.partner", [("id", "<", 3)], ["name", "email"])[0]["id"] == 1
    assert odoo.create("res.partner", [{"name": "JSON2 partner"}]) == [74]
    odoo.write("res.partner", [74], {"name": "x"})
    assert odoo.load("res.partner", COLUMNS, [["a.b", "x"]]).ids == [5]
    assert odoo.call("stock.quant", "action_apply_inventory", [3], context={"inventory_mode": True}) is None
    assert odoo.search_count("res.partner", []) == 7

    assert search.calls.last.request.headers["authorization"] == f"bearer {KEY}"
    assert search.calls.last.request.headers["x-odoo-database"] == "odoo19"
    quiet = dict(WRITE_CONTEXT)
    assert sent(search) == {"domain": [["id", "<", 3]], "fields": ["name", "email"]}
    assert sent(create) == {"vals_list": [{"name": "JSON2 partner"}], "context": quiet}
    assert sent(write) == {"ids": [74], "vals": {"name": "x"}, "context": quiet}
    assert sent(load) == {"fields": COLUMNS, "data": [["a.b", "x"]], "context": quiet}
    assert sent(apply) == {"ids": [3], "context": {**quiet, "inventory_mode": True}}
    assert sent(count) == {"domain": []}


@respx.mock
def test_json_2_records_that_do_not_exist_are_absent() -> None:
    respx.post(f"{ODOO}/json/2/res.partner/read").mock(return_value=answer(19, "json2_missing"))
    assert client2().read("res.partner", [99999999], ["name"]) == []


@pytest.mark.parametrize("make", [client, client2])
@respx.mock
def test_a_busy_server_and_a_gateway(make: object) -> None:
    odoo = make(19) if make is client else client2()  # type: ignore[operator]
    respx.route().mock(side_effect=[httpx.Response(429, headers={"Retry-After": "9"}), httpx.Response(502), httpx.Response(502),
                                    httpx.ReadTimeout("slow"), httpx.ConnectError("down")])
    with pytest.raises(Throttled):
        odoo.create("res.partner", [{}])
    with pytest.raises(Ambiguous):
        odoo.create("res.partner", [{}])
    with pytest.raises(Outage):
        odoo.search_count("res.partner", [])
    with pytest.raises(Ambiguous):
        odoo.write("res.partner", [1], {})
    with pytest.raises(Outage):
        odoo.write("res.partner", [1], {})


@pytest.mark.parametrize("transport", ["json-rpc", "json-2"])
def test_a_cut_or_endless_answer_to_a_write_is_in_doubt(transport: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
    for talk in (says(head, b'{"jsonrpc": "2.0", "id": 1, "result": [1'), dribbles(head, b" ")):
        with loopback(talk) as server:
            odoo = connect(server.url, "db", "me", KEY, profile=profile(19, transport=transport), call_seconds=0.3,
                           allow_private=True)
            with pytest.raises(Ambiguous):
                odoo.create("res.partner", [{"name": "x"}])
            odoo.close()


def test_values_odoo_cannot_take_are_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="object cannot be sent"):
        client(17).write("res.partner", [1], {"name": object()})
    with pytest.raises(ValueError, match="not JSON compliant"):
        client(17).write("res.partner", [1], {"credit": float("nan")})
