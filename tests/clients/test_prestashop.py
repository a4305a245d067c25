"""The client on exchanges recorded from PrestaShop 8.1.2 and 9.1.4, and on what hosting makes of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import respx
from defusedxml.ElementTree import fromstring

from portal.clients.errors import AccessRefused, Ambiguous, Missing, Outage, Rejected, Throttled
from portal.clients.prestashop import Shop, ShopProfile, any_of, between, connect

FIXTURES = Path(__file__).parents[1] / "fixtures" / "prestashop_client"
RECORDED = {version: json.loads((FIXTURES / f"{version}.json").read_text()) for version in ("8.1.2", "9.1.4")}
KEY = "THE-KEY-NOBODY-MAY-SEE-000000000"


class Recorded:
    """One version's exchanges, and the routes that answer with them."""

    def __init__(self, version: str, router: respx.MockRouter) -> None:
        self.version = version
        self.exchanges = RECORDED[version]
        self.router = router

    def answer(self, name: str) -> httpx.Response:
        taken = self.exchanges[name]
        return httpx.Response(taken["status"], headers=taken["headers"], content=taken["body"].encode())

    def on(self, method: str, path: str, *answers: str | httpx.Response) -> respx.Route:
        """Answer this method and path with recorded exchanges (by name) or made-up answers, one after the other."""
        made = [self.answer(entry) if isinstance(entry, str) else entry for entry in answers]
        route = self.router.route(method=method, path=f"/api/{path}")
        return route.mock(return_value=made[0]) if len(made) == 1 else route.mock(side_effect=made)


@pytest.fixture(params=RECORDED)
def recorded(request: pytest.FixtureRequest) -> Iterator[Recorded]:
    """Every test that takes this runs on both versions."""
    with respx.mock(assert_all_called=False) as router:
        yield Recorded(request.param, router)


@pytest.fixture
def shop() -> Iterator[Shop]:
    client = connect("https://shop.example.com", KEY)
    yield client
    client.close()


def asked(route: respx.Route, number: int = -1) -> dict[str, str]:
    """The parameters of a request."""
    return dict(route.calls[number].request.url.params)


def sent(route: respx.Route, number: int = -1) -> list[dict[str, str | None]]:
    """The records of a written body."""
    return [{part.tag: part.text for part in row} for row in fromstring(route.calls[number].request.content)]


# reading

def test_a_list_is_asked_as_recorded_and_read(recorded, shop):
    route = recorded.on("GET", "customers", "list display")
    rows = shop.find("customers", {}, ["email", "date_upd"])
    assert [row["email"] for row in rows][:2] == ["anonymous@psgdpr.com", "pub@prestashop.com"]
    assert asked(route) == {"display": "[id,email,date_upd]", "sort": "[id_ASC]", "limit": "250", "output_format": "JSON"}


def test_the_key_travels_only_in_the_authorization_header(recorded, shop):
    route = recorded.on("GET", "customers", "list display")
    shop.find("customers", {}, ["email"])
    request = route.calls[0].request
    assert request.headers["authorization"] == httpx.BasicAuth(KEY, "")._auth_header
    assert KEY not in str(request.url)


@pytest.mark.parametrize("address", [
    "https://shop.example.com/", "https://shop.example.com/api", " https://shop.example.com/api/ "])
def test_the_address_may_be_given_with_or_without_api(recorded, address):
    route = recorded.on("GET", "languages", "languages")
    assert connect(address, KEY).version() == recorded.version
    assert route.called


def test_secrets_are_never_asked_for_whatever_the_caller_says(recorded, shop):
    for fields in (["passwd"], ["email", "secure_key"], ["full"]):
        for ask in (lambda f: shop.read("customers", [1], f), lambda f: shop.find("customers", {}, f)):
            with pytest.raises(ValueError, match=r"secret|field name"):
                ask(fields)
    assert not recorded.router.calls


def test_records_are_read_by_id_and_missing_ones_are_absent(recorded, shop):
    route = recorded.on("GET", "products", "any of ids")
    rows = shop.read("products", ["5", 1, 1], ["reference", "price"])
    assert [(row["id"], row["price"]) for row in rows] == [(1, "23.900000"), (5, "29.000000")]
    assert asked(route)["filter[id]"] == "[1|5]"


def test_no_ids_need_no_request(recorded, shop):
    assert shop.read("products", [], ["reference"]) == []
    assert not recorded.router.calls


def test_a_long_list_of_ids_is_split_and_read_in_order(recorded, shop):
    def answer(request: httpx.Request) -> httpx.Response:
        assert len(request.url.raw_path) <= 6100
        ids = request.url.params["filter[id]"].strip("[]").split("|")
        return httpx.Response(200, json={"products": [{"id": number, "reference": f"R{number}"} for number in reversed(ids)]})
    route = recorded.router.get(path="/api/products").mock(side_effect=answer)
    wanted = range(100_000, 101_500)
    assert [row["id"] for row in shop.read("products", wanted, ["reference"])] == list(wanted)
    assert route.call_count == 3


def test_ids_are_paged_from_the_last_one(recorded, shop):
    route = recorded.on("GET", "products", httpx.Response(200, json={"products": [{"id": 6}, {"id": "7"}]}), "empty list")
    assert shop.ids("products", after=5, limit=2) == [6, 7]
    assert asked(route) == {"display": "[id]", "filter[id]": ">[5]", "sort": "[id_ASC]", "limit": "2", "output_format": "JSON"}
    assert shop.ids("products", after=7, limit=2) == []


def test_everything_is_read_in_pages_by_id(recorded, shop):
    pages = [{"customers": [{"id": n, "email": "x"} for n in range(1, 251)]}, {"customers": [{"id": 251, "email": "y"}]}]
    route = recorded.on("GET", "customers", *[httpx.Response(200, json=page) for page in pages])
    assert len(shop.find("customers", {"active": "[1]"}, ["email"])) == 251
    assert asked(route)["filter[id]"] == ">[250]"
    assert "filter[id]" not in asked(route, 0)


def test_changes_are_asked_by_an_interval_in_shop_time(recorded, shop):
    route = recorded.on("GET", "customers", "dated interval")
    assert shop.find("customers", {"date_upd": between("2020-01-01 00:00:00", "2030-01-01 00:00:00")}, ["date_upd"],
                     sort="[date_upd_ASC,id_ASC]", limit=50, dated=True)
    assert asked(route)["date"] == "1"
    with pytest.raises(ValueError, match="date"):
        shop.find("customers", {"date_upd": "[a,b]"}, ["date_upd"])


def test_what_hangs_on_other_records_is_found_by_their_ids(recorded, shop):
    route = recorded.on("GET", "combinations", "combinations of a product")
    rows = shop.find_any("combinations", "id_product", [1, 1], ["id_product", "reference", "price"])
    assert {row["id_product"] for row in rows} == {1}
    assert asked(route)["filter[id_product]"] == "[1]"


def test_associations_are_asked_with_their_parts(recorded, shop):
    route = recorded.on("GET", "products", "associations")
    rows = shop.read("products", [1, 2], ["reference", "stock_availables[id,id_product_attribute]", "categories[id]"])
    assert rows[0]["associations"]["stock_availables"][0] == {"id": 1, "id_product_attribute": 0}
    assert rows[0]["associations"]["categories"] == []
    assert asked(route)["display"] == "[id,reference,stock_availables[id,id_product_attribute],categories[id]]"


def test_texts_are_read_in_all_languages_or_in_one(recorded, shop):
    recorded.on("GET", "categories", "all languages")
    assert shop.read("categories", [1, 2, 3], ["name"])[2]["name"] == {1: "Clothes", 2: "Vêtements"}
    route = recorded.on("GET", "categories", "one language")
    assert shop.read("categories", [1, 2, 3], ["name"], language=1)[2]["name"] == "Clothes"
    assert asked(route)["language"] == "1"


def test_an_empty_answer_for_known_ids_is_believed_only_when_the_record_is_really_missing(recorded, shop):
    recorded.on("GET", "products", "empty list")
    recorded.on("GET", "products/7", "missing id")
    assert shop.read("products", [7, 8], ["reference"]) == []
    recorded.on("GET", "products/7", httpx.Response(200, json={"products": [{"id": 7}]}))
    with pytest.raises(Outage, match="although they exist"):
        shop.read("products", [7, 8], ["reference"])


# the connection test

def probe_routes(recorded: Recorded) -> None:
    recorded.on("GET", "", "root")
    for resource, name in (("configurations", "settings"), ("languages", "languages"), ("currencies", "currencies"),
                           ("shops", "shops"), ("shop_groups", "shop groups")):
        recorded.on("GET", resource, name)
    recorded.on("GET", "order_states", httpx.Response(200, json={"order_states": [
        {"id": 3, "deleted": "0", "name": "Processing in progress"}, {"id": "14", "deleted": "1", "name": "Gone"}]}))


def test_the_probe_tells_who_the_shop_is(recorded, shop):
    probe_routes(recorded)
    profile = shop.probe()
    assert profile == shop.profile
    assert (profile.version, profile.major) == (recorded.version, int(recorded.version[0]))
    assert (profile.languages, profile.default_language) == ({1: "en", 2: "fr"}, 1)
    assert (profile.timezone, profile.currency) == ("Europe/Paris", "EUR")
    assert profile.order_states == {"canceled": 6, "delivered": 5, "payment": 2, "preparation": 3, "shipping": 4}
    assert profile.states == {3: "Processing in progress"}
    assert (profile.round_type, profile.round_mode, profile.stock_managed) == (2, 2, True)
    assert (profile.missing_rights, profile.optional_rights, profile.multistore) == ((), (), False)
    assert ShopProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


def test_the_probe_names_each_missing_right_instead_of_failing(recorded, shop):
    recorded.on("GET", "", "root limited key")
    profile = shop.probe()
    assert "The key lacks the right View (GET) of the resource products." in profile.missing_rights
    assert not any("customers" in text or "addresses" in text for text in profile.missing_rights)
    assert ("The key lacks the right Patch (PATCH) of the resource stock_availables, needed only when "
            "stock goes from Odoo to the shop.") in profile.optional_rights
    assert profile.version == recorded.version


def test_the_probe_warns_of_several_shops(recorded, shop):
    probe_routes(recorded)
    recorded.on("GET", "shops", httpx.Response(200, json={"shops": [{"id": 1, "name": "One"}, {"id": "2", "name": "Two"}]}))
    recorded.on("GET", "shop_groups", httpx.Response(200, json={"shop_groups": [{"id": 1, "share_stock": "1"}]}))
    profile = shop.probe()
    assert profile.multistore
    assert any("2 shops (One, Two)" in text for text in profile.warnings)
    assert any("shares its stock" in text for text in profile.warnings)


@pytest.mark.parametrize(("name", "error", "words"), [
    ("wrong key", AccessRefused, "does not accept the webservice key"),
    ("wrong key, XML", AccessRefused, "does not accept the webservice key"),
    ("switched off", AccessRefused, "switched off"),
    ("no key", AccessRefused, "did not hand on the webservice key"),
    ("url too long", Rejected, "too large")])
def test_the_probe_fails_with_the_cause(recorded, shop, name, error, words):
    recorded.on("GET", "", name)
    with pytest.raises(error, match=words) as caught:
        shop.probe()
    assert caught.value.remedy


def test_a_page_in_place_of_the_root_is_an_outage(recorded, shop):
    recorded.on("GET", "", httpx.Response(200, html="<html><head><title>Back soon</title></head></html>"))
    with pytest.raises(Outage, match="Back soon"):
        shop.probe()


def test_the_way_for_writes_is_tried_without_changing_anything(recorded, shop):
    route = recorded.on("PATCH", "stock_availables/2147483647", "patch several missing")
    shop.check_writes()
    assert sent(route) == [{"id": "2147483647", "quantity": "0"}]
    recorded.on("PATCH", "stock_availables/2147483647", httpx.Response(405, html="<html><h1>Not Allowed</h1></html>"))
    with pytest.raises(AccessRefused, match="does not let PATCH requests through") as caught:
        shop.check_writes()
    assert "hosting provider" in caught.value.remedy


# writing

def test_several_records_are_patched_in_one_request(recorded, shop):
    route = recorded.on("PATCH", "stock_availables", "patch several")
    shop.patch("stock_availables", [{"id": 6, "quantity": 61}, {"id": 7, "quantity": 71}, {"id": 8, "quantity": 81}])
    assert sent(route) == [{"id": "6", "quantity": "61"}, {"id": "7", "quantity": "71"}, {"id": "8", "quantity": "81"}]
    assert route.calls[0].request.headers["content-type"] == "text/xml; charset=utf-8"
    assert asked(route) == {"output_format": "JSON"}


def test_many_records_are_patched_in_bounded_requests(recorded, shop):
    def answer(request: httpx.Request) -> httpx.Response:
        last = fromstring(request.content)[-1].findtext("id")
        return httpx.Response(200, json={"stock_available": {"id": last}})
    route = recorded.router.patch(path="/api/stock_availables").mock(side_effect=answer)
    shop.patch("stock_availables", [{"id": number, "quantity": 1} for number in range(1, 1651)])
    assert [len(sent(route, number)) for number in range(route.call_count)] == [700, 700, 250]


def test_a_patch_without_an_id_or_a_create_with_one_is_a_defect(recorded, shop):
    with pytest.raises(ValueError, match="id"):
        shop.patch("products", [{"price": "1"}])
    with pytest.raises(ValueError, match="id"):
        shop.create("products", {"id": 1})
    assert not recorded.router.calls


def test_nothing_to_write_needs_no_request(recorded, shop):
    shop.patch("products", [])
    assert not recorded.router.calls


def test_a_text_that_lacks_a_language_is_not_sent_because_the_shop_would_blank_it(recorded, shop):
    languages = recorded.on("GET", "languages", "languages")
    route = recorded.on("PATCH", "products/8", "patch one language")
    with pytest.raises(Rejected, match="name is missing for a language"):
        shop.patch("products", [{"id": 8, "name": {1: "Patched mug"}}])
    assert not route.called
    shop.patch("products", [{"id": 8, "name": {1: "Patched mug", 2: "Tasse"}}])
    assert route.called
    assert languages.call_count == 1


def test_php_notices_beside_the_saved_record_are_a_success_and_noted(recorded, shop, caplog):
    recorded.on("PATCH", "products/8", "patch one language")
    with caplog.at_level(logging.WARNING):
        shop.patch("products", [{"id": 8, "price": "1"}])
    assert any("display_errors" in note for note in shop.notes)
    assert "display_errors" in caplog.text


def test_a_created_record_comes_back_without_its_secrets(recorded, shop):
    recorded.on("POST", "customers", "post customer")
    made = shop.create("customers", {"lastname": "Tester", "firstname": "Tina", "email": "tina.tester@example.com"})
    assert (made["id"], made["email"]) == (3, "tina.tester@example.com")
    assert not {"passwd", "secure_key", "last_passwd_gen"} & set(made)


def test_a_product_is_created_with_its_languages_and_categories(recorded, shop):
    recorded.on("GET", "languages", "languages")
    route = recorded.on("POST", "products", "post product")
    made = shop.create("products", {"price": "19.9", "name": {1: "API product", 2: "Produit API"},
                                    "associations": {"categories": [{"id": 2}]}})
    assert (made["id"], made["name"][2]) == (21, "Produit API")
    assert made["associations"]["stock_availables"][0]["id"] > 0
    assert b'<language id="2">Produit API</language>' in route.calls[0].request.content


def test_an_order_state_is_added_with_or_without_an_email(recorded, shop):
    route = recorded.on("POST", "order_histories", "post history")
    made = shop.create("order_histories", {"id_order": 4, "id_order_state": 6}, params={"sendemail": "1"})
    assert (made["id"] > 0, made["id_order"], made["id_order_state"]) == (True, 4, 6)
    assert asked(route) == {"sendemail": "1", "output_format": "JSON"}
    shop.create("order_histories", {"id_order": 4, "id_order_state": 6})
    assert "sendemail" not in asked(route)


# errors, as recorded

@pytest.mark.parametrize(("name", "error", "words", "remedy"), [
    ("empty key", AccessRefused, "does not accept the webservice key", "Webservice"),
    ("wrong key", AccessRefused, "does not accept the webservice key", "Webservice"),
    ("wrong key, XML", AccessRefused, "does not accept the webservice key", "Webservice"),
    ("malformed key", AccessRefused, "does not accept the webservice key", "Webservice"),
    ("no key", AccessRefused, "did not hand on the webservice key", "CGIPassAuth"),
    ("resource refused", AccessRefused, "lacks the right View (GET) of the resource customers", "row customers: tick View"),
    ("switched off", AccessRefused, "webservice of the shop is switched off", "Enable PrestaShop's webservice: Yes"),
    ("unknown resource", Rejected, "does not exists", ""),
    ("date without date=1", Rejected, "This filter does not exist", ""),
    ("unknown display field", Rejected, 'Unable to display this field "foo"', ""),
    ("unknown language", Rejected, "language is not available", ""),
    ("url too long", Rejected, "too large", "hosting"),
    ("missing id", Missing, "does not exist in the shop", "")])
def test_a_refused_read_says_why_and_what_to_do(recorded, shop, name, error, words, remedy):
    recorded.on("GET", "customers", name)
    with pytest.raises(error) as caught:
        shop.find("customers", {}, ["email"])
    assert type(caught.value) is error
    assert words in caught.value.message
    assert remedy in caught.value.remedy
    assert KEY not in f"{caught.value.message} {caught.value.remedy} {caught.value.detail}"


@pytest.mark.parametrize(("name", "error", "words"), [
    ("method refused", Rejected, "lacks the right Patch (PATCH) of the resource products"),
    ("wrong key", AccessRefused, "does not accept"),
    ("switched off", AccessRefused, "switched off"),
    ("patch decimal", Rejected, "Property StockAvailable->quantity is not valid"),
    ("patch readonly", Rejected, 'parameter "quantity" not writable'),
    ("post without price", Rejected, 'parameter "price" required'),
    ("post stock", Rejected, "never allows"),
    ("email taken", Rejected, "The email is already used"),
    ("malformed XML", Rejected, "XML error"),
    ("empty write body", Rejected, "XML error"),
    ("patch several missing", Missing, "does not exist"),
    ("post price only", Ambiguous, "may have saved it"),
    ("post history wrong state", Ambiguous, "may have saved it"),
    ("cart used", Ambiguous, "may have saved it"),
    ("XML without an entity", Ambiguous, "could not be read")])
def test_a_write_that_did_not_succeed_says_whether_it_may_have_happened(recorded, shop, name, error, words):
    recorded.on("PATCH", "products/8", name)
    with pytest.raises(error) as caught:
        shop.patch("products", [{"id": 8, "price": "1"}])
    assert type(caught.value) is error
    assert words in caught.value.message
    assert "->" not in caught.value.cause
    assert "&gt;" not in caught.value.message


def test_the_cause_groups_by_code_and_field(recorded, shop):
    recorded.on("PATCH", "stock_availables/6", "patch decimal")
    with pytest.raises(Rejected) as caught:
        shop.patch("stock_availables", [{"id": 6, "quantity": "1.5"}])
    assert caught.value.cause == "shop:85:quantity"
    assert caught.value.remedy == "Correct quantity in the record."


def test_a_write_answered_with_deprecations_only_is_looked_up(recorded, shop):
    """8.1 on PHP 8.2 with error_reporting=E_ALL saves and answers 500; 9 answers 200."""
    recorded.on("PATCH", "products/8", "patch with deprecations")
    if recorded.version.startswith("8"):
        with pytest.raises(Ambiguous, match="may have saved it"):
            shop.patch("products", [{"id": 8, "price": "16"}])
    else:
        shop.patch("products", [{"id": 8, "price": "16"}])


def test_an_answer_about_another_record_is_no_success(recorded, shop):
    recorded.on("PATCH", "stock_availables", "patch several")
    with pytest.raises(Ambiguous, match="another record"):
        shop.patch("stock_availables", [{"id": 6, "quantity": 1}, {"id": 9, "quantity": 1}])


# troubles of hosting

@pytest.mark.parametrize("answer", [
    httpx.Response(500), httpx.Response(200), httpx.Response(200, text='{"customers":[{"id":1,"em'),
    httpx.Response(500, html="<html><title>Oops</title></html>"), httpx.Response(200, json=None),
    httpx.Response(200, json={"x": []}), httpx.Response(500, json=[]), httpx.Response(500, json={"customers": [{"id": 1}]}),
    httpx.Response(200, text='<?xml version="1.0"?><prestashop><customers/></prestashop>'), "sql error", "no body"])
def test_an_answer_that_tells_nothing_is_the_records_fault_only_when_the_shop_works_otherwise(recorded, shop, answer):
    if answer == "sql error" and recorded.version.startswith("9"):
        answer = httpx.Response(500)  # 9 answers the wrong question with an empty list, which is why it is not asked
    recorded.on("GET", "customers", answer)
    recorded.on("GET", "languages", "languages")
    with pytest.raises(Rejected, match="cannot give out these customers"):
        shop.find("customers", {}, ["email"])
    recorded.on("GET", "languages", httpx.Response(500))
    with pytest.raises(Outage, match="does not work properly"):
        shop.find("customers", {}, ["email"])


@pytest.mark.parametrize("answer", [
    httpx.Response(500), httpx.Response(200), httpx.Response(200, text='{"product":{"id":8,'), httpx.Response(201, text="[]"),
    httpx.Response(200, html="<html><title>Maintenance</title></html>"), httpx.Response(500, html="<html></html>"),
    httpx.Response(504), httpx.Response(502, html="<html></html>")])
def test_a_write_whose_answer_tells_nothing_may_have_happened(recorded, shop, answer):
    recorded.on("PATCH", "products/8", answer)
    with pytest.raises(Ambiguous):
        shop.patch("products", [{"id": 8, "price": "1"}])
    recorded.on("POST", "products", answer)
    with pytest.raises(Ambiguous):
        shop.create("products", {"price": "1"})


@pytest.mark.parametrize("text", ["<br />\n<b>Notice</b>: Undefined [0] in /var/www/modules/fancy/a.php on line 1<br />\n{}",
                                  "\ufeff{}", "{}\n<!-- 0.1 s -->"])
def test_what_php_prints_around_an_answer_is_cut_off_and_noted(recorded, shop, text):
    whole = recorded.exchanges["list display"]["body"]
    recorded.on("GET", "customers", httpx.Response(200, text=text.replace("{}", whole)))
    assert len(shop.find("customers", {}, ["email"])) == 2
    assert any("module fancy" in note for note in shop.notes) is ("fancy" in text)


def test_a_page_instead_of_data_is_an_outage(recorded, shop):
    recorded.on("GET", "customers", httpx.Response(200, html="<!DOCTYPE html><html><title>We will be back</title></html>"))
    with pytest.raises(Outage, match="We will be back"):
        shop.find("customers", {}, ["email"])


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_or_maintenance_answer_is_an_outage(recorded, shop, status):
    recorded.on("GET", "customers", httpx.Response(status, html="<html><title>Service Unavailable</title></html>"))
    with pytest.raises(Outage):
        shop.find("customers", {}, ["email"])


def test_a_shop_that_asks_to_wait_is_not_blamed(recorded, shop):
    recorded.on("GET", "customers", httpx.Response(429, headers={"Retry-After": "7"}))
    with pytest.raises(Throttled) as caught:
        shop.find("customers", {}, ["email"])
    assert caught.value.retry_after == 7


def test_a_redirect_names_the_right_address(recorded, shop):
    recorded.on("GET", "customers", "wrong host")
    with pytest.raises(AccessRefused) as caught:
        shop.find("customers", {}, ["email"])
    assert "https://shop.example.com" in caught.value.message + caught.value.remedy
    assert "?url=" not in caught.value.message + caught.value.remedy


@pytest.mark.parametrize(("headers", "who"), [({"Server": "cloudflare", "CF-RAY": "1"}, "Cloudflare"), ({}, "mod_security")])
def test_a_firewall_is_named(recorded, shop, headers, who):
    blocked = httpx.Response(403, headers=headers, html="<html><title>Forbidden</title></html>")
    recorded.on("GET", "customers", blocked)
    with pytest.raises(AccessRefused, match=who):
        shop.find("customers", {}, ["email"])
    recorded.on("PATCH", "products/8", blocked)
    with pytest.raises(Rejected, match=who):
        shop.patch("products", [{"id": 8, "price": "1"}])


def test_an_address_without_a_webservice_says_so(recorded, shop):
    recorded.on("GET", "customers", httpx.Response(404, html="<html><title>404 Not Found</title></html>"))
    with pytest.raises(AccessRefused, match="no PrestaShop webservice") as caught:
        shop.find("customers", {}, ["email"])
    assert "Friendly URL" in caught.value.remedy


def test_a_php_error_without_records_names_the_module(recorded, shop):
    fault = {"code": 5, "message": "[PHP Notice #8] Undefined index (/var/www/modules/fancy/fancy.php, line 3)"}
    recorded.on("GET", "customers", httpx.Response(500, json={"errors": [fault]}))
    with pytest.raises(Rejected, match="PHP reports an error") as caught:
        shop.find("customers", {}, ["email"])
    assert "module fancy" in caught.value.remedy


def test_answers_are_never_logged(recorded, shop, caplog):
    with caplog.at_level(logging.DEBUG):
        recorded.on("POST", "customers", "post customer")
        shop.create("customers", {"lastname": "Tester", "email": "tina.tester@example.com"})
        recorded.on("GET", "customers", "list display")
        shop.find("customers", {"email": any_of(["pub@prestashop.com"])}, ["email"])
    for secret in (KEY, "$2y$", "tina.tester", "secure_key"):
        assert secret not in caplog.text
