"""Questions, bodies and answers of the webservice, without a connection."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from portal.clients import prestashop_query as query
from portal.clients.errors import Rejected
from portal.clients.prestashop_json import Unreadable, decode, normalise
from portal.clients.prestashop_profile import OPTIONAL, READS, ShopProfile, settings
from portal.clients.prestashop_xml import faults, rights, singular, write

FIXTURES = Path(__file__).parents[1] / "fixtures" / "prestashop_client"
RECORDED = {version: json.loads((FIXTURES / f"{version}.json").read_text()) for version in ("8.1.2", "9.1.4")}


@pytest.fixture(params=RECORDED)
def recorded(request: pytest.FixtureRequest) -> Any:
    """Every test that takes this runs on the exchanges of both versions."""
    return RECORDED[request.param]


def body(recorded: Any, name: str) -> bytes:
    return recorded[name]["body"].encode()


# questions

@pytest.mark.parametrize("field", [
    "passwd", "secure_key", "reset_password_token", "reset_password_validity", "last_passwd_gen", "download_hash",
    "customers[id,passwd]", "full", "*", "id]&display=full", "", "associations[order_rows[id]]"])
def test_secrets_and_whole_records_are_never_asked_for(field):
    with pytest.raises(ValueError, match=r"secret|not a field name"):
        query.display(["email", field])


@pytest.mark.parametrize("resource", ["employees", "guests", "../admin", "customers/1"])
def test_resources_that_are_none_of_our_business_are_refused(resource):
    with pytest.raises(ValueError, match=resource):
        query.path(resource, ["id"], {})


def test_settings_are_read_only_by_the_names_the_connector_knows():
    query.path("configurations", ["id", "value"], {"name": "[PS_TIMEZONE|PS_OS_CANCELED]"})
    for filters in ({}, {"name": "[PS_MAIL_PASSWD]"}, {"name": "[PS_TIMEZONE|PS_MAIL_PASSWD]"}, {"name": "%[PS_]%"}):
        with pytest.raises(ValueError, match="settings"):
            query.path("configurations", ["id", "value"], filters)


@pytest.mark.parametrize(("change", "what"), [
    ({"filters": {"passwd": "%[a]%"}}, "filtered"), ({"filters": {"id": ""}}, "value"), ({"limit": 0}, "limit"),
    ({"limit": -1}, "limit"), ({"sort": "id_ASC"}, "order"), ({"sort": "[passwd_ASC]"}, "order"),
    ({"filters": {"date_upd": ">[2020-01-01 00:00:00]"}}, "date"), ({"sort": "[date_upd_ASC]"}, "date"),
    ({"resource": "stock_availables", "filters": {"date_upd": "[a,b]"}, "dated": True}, "date")])
def test_questions_that_a_shop_answers_with_a_silent_empty_list_are_not_asked(change, what):
    asked = {"resource": "products", "fields": ["id"], "filters": {}, **change}
    with pytest.raises(ValueError, match=what):
        query.path(**asked)


def test_a_question_names_its_fields_order_page_and_format():
    asked = query.path("orders", query.display(["reference", "order_rows[id,product_id]"]),
                       {"date_upd": query.between("2026-01-01 00:00:00", "2026-01-02 00:00:00"), "id": ">[5]"},
                       limit=10, dated=True, language=2)
    assert asked == ("orders?display=[id,reference,order_rows[id,product_id]]"
                     "&filter[date_upd]=[2026-01-01%2000%3A00%3A00,2026-01-02%2000%3A00%3A00]&filter[id]=%3E[5]"
                     "&date=1&sort=[id_ASC]&limit=10&language=2&output_format=JSON")


def test_associations_that_the_shop_shows_only_in_whole_records_are_asked_for_so():
    """Real PrestaShop 8.2 on PHP 8 answers `display=[product_option_values[id]]` of combinations without any value."""
    assert "display=full&" in query.path("combinations", query.display(["reference", "product_option_values[id]"]), {})
    assert "display=[id,reference]&" in query.path("combinations", query.display(["reference"]), {})


def test_long_lists_are_split_so_that_an_address_stays_short():
    ids = list(range(1_000_000, 1_002_000))
    parts = list(query.chunks(ids, 200))
    assert [number for part in parts for number in part] == ids
    assert max(len(query.path("products", ["id"], {"id": query.any_of(part)})) for part in parts) <= query.URL_BYTES
    slim = list(query.chunks(range(10_000, 12_000), 250, query.SLIM_IDS))
    assert [len(part) for part in slim] == [700, 700, 600]
    asked = [query.path("stock_availables", ["id"], {"id_product": query.any_of(part)}) for part in slim]
    assert max(map(len, asked)) <= query.URL_BYTES
    emails = [f"someone.with.a.long.name+{n}@very-long-domain.example.com" for n in range(400)]
    for part in query.chunks(emails, 200):
        assert len(query.path("customers", ["id"], {"email": query.any_of(part)})) <= query.URL_BYTES


@pytest.mark.parametrize("value", ["a|b", "a]", "[x", "1,5", "", "  "])
def test_a_value_that_the_filter_would_misread_is_rejected_with_a_remedy(value):
    with pytest.raises(Rejected) as caught:
        query.any_of(["fine", value])
    assert repr(value) in caught.value.message
    assert caught.value.remedy


# bodies

def test_a_body_is_what_the_recordings_sent(recorded):
    sent = recorded["patch several"]["sent"]
    lines = [{name: (entry.findtext(name) or "") for name in ("id", "quantity")} for entry in fromstring(sent)]
    ours = fromstring(write("stock_availables",
                            [{"id": int(line["id"]), "quantity": Decimal(line["quantity"])} for line in lines]))
    assert [(entry.tag, [(part.tag, part.text) for part in entry]) for entry in ours] == \
        [(entry.tag, [(part.tag, part.text) for part in entry]) for entry in fromstring(sent)]


def test_a_new_product_is_written_with_languages_and_associations_as_recorded(recorded):
    sent = fromstring(recorded["post product"]["sent"])
    product = sent[0]
    nested = ("name", "link_rewrite", "associations")
    record: dict[str, Any] = {part.tag: part.text for part in product if part.tag not in nested}
    record |= {name: {int(text.get("id") or 0): text.text for text in product.iterfind(f"{name}/language")}
               for name in ("name", "link_rewrite")}
    record["associations"] = {"categories": [{"id": 2}]}
    ours = fromstring(write("products", [record]))

    def shape(entry: Any) -> Any:
        return entry.tag, dict(entry.attrib), (entry.text or "").strip(), [shape(part) for part in entry]
    assert shape(ours) == shape(sent)


@pytest.mark.parametrize("text", ["A & B <b>\"Söhne\"</b> 'x' ]]> 😀", "two\r\nlines\tand tab", " spaces "])
def test_any_text_survives_the_way_into_xml(text):
    assert fromstring(write("customers", [{"id": 2, "company": text}])).findtext("customer/company") == text


def test_characters_that_xml_cannot_carry_are_left_out():
    document = fromstring(write("products", [{"id": 1, "reference": "a\x00b\x0bc\ud800d\ufffe"}]))
    assert document.findtext("product/reference") == "abcd"


def test_values_are_written_in_full():
    row = fromstring(write("products", [{"id": 1, "price": Decimal("1E+3"), "weight": Decimal("0.300000"), "active": False,
                                         "on_sale": True, "ean13": None}]))[0]
    assert [part.text for part in row] == ["1", "1000", "0.300000", "0", "1", None]


def test_floats_secrets_and_odd_names_are_not_written():
    for record, error in (({"price": 1.5}, TypeError), ({"passwd": "x"}, ValueError), ({"a><b": "x"}, ValueError),
                          ({"price": Decimal("NaN")}, ValueError)):
        with pytest.raises(error):
            write("products", [{"id": 1, **record}])


def test_the_singular_of_each_resource_is_the_recorded_one():
    expected = {"customers": "customer", "addresses": "address", "order_histories": "order_history", "taxes": "tax",
                "countries": "country", "currencies": "currency", "categories": "category", "order_slip": "order_slip",
                "stock_availables": "stock_available", "product_option_values": "product_option_value", "tax_rules": "tax_rule"}
    assert {name: singular(name) for name in expected} == expected


# answers

def records(recorded: Any, name: str, resource: str, *fields: str) -> list[dict[str, Any]]:
    document = decode(body(recorded, name), (resource, singular(resource)), fields)
    assert document.records is not None
    return document.records


def test_ids_are_int_and_everything_else_is_text(recorded):
    first = records(recorded, "interval", "products")[0]
    assert first == {"id": 1, "reference": "demo_1", "price": "23.900000", "active": "1", "date_upd": first["date_upd"]}
    line = records(recorded, "stock lines", "stock_availables")[0]
    assert (line["id_product"], line["id_product_attribute"], line["quantity"], line["depends_on_stock"]) == (6, 0, "300", "0")


def test_a_field_that_the_shop_dropped_is_there_and_empty(recorded):
    first = records(recorded, "interval", "products", "id", "id_manufacturer", "ean13", "images[id]")[0]
    assert (first["id_manufacturer"], first["ean13"], first["associations"]) == (0, "", {"images": []})


def test_texts_come_by_language_or_plain(recorded):
    assert [row["name"] for row in records(recorded, "all languages", "categories")][2] == {1: "Clothes", 2: "Vêtements"}
    assert [row["name"] for row in records(recorded, "two languages", "categories")][2] == {1: "Clothes", 2: "Vêtements"}
    assert [row["name"] for row in records(recorded, "one language", "categories")][2] == "Clothes"


def test_associations_are_lists_of_typed_records(recorded):
    lines = records(recorded, "associations", "products")[0]["associations"]["stock_availables"]
    assert lines[0] == {"id": 1, "id_product_attribute": 0}
    rows = records(recorded, "order rows", "orders")[0]["associations"]["order_rows"]
    assert (rows[0]["product_id"], rows[0]["product_quantity"], rows[0]["unit_price_tax_incl"]) == (1, "1", "23.900000")


@pytest.mark.parametrize("value", [[{"id": "2"}], {"id": "2"}, {"category": [{"id": 2}]}, {"category": {"id": "2"}}])
def test_every_shape_of_an_association_becomes_a_list(value):
    assert normalise({"id": 1, "associations": {"categories": value}})["associations"] == {"categories": [{"id": 2}]}


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_an_absent_association_is_an_empty_list(value):
    assert normalise({"id": 1, "associations": {"categories": value}})["associations"] == {"categories": []}
    assert normalise({"id": 1, "associations": value}, ["id", "categories[id]"])["associations"] == {"categories": []}


GOOD = '{"products":[{"id":1,"reference":"a"},{"id":2,"reference":"b"}]}'
NOTICE = ("<br />\n<b>Warning</b>: Undefined array key [0] in <b>/var/www/modules/fancy/fancy.php</b> on line <b>3</b><br />\n")


@pytest.mark.parametrize("text", [
    GOOD, f"\ufeff{GOOD}", f"\ufeff\ufeff\n{GOOD}\n", NOTICE + GOOD, GOOD + NOTICE, NOTICE + GOOD + NOTICE,
    NOTICE + "{not json} [1,2] {}\n" + GOOD, f"<!-- debug -->{GOOD}<script>x = {{}}</script>"])
def test_what_stands_around_a_whole_answer_does_not_hide_it(text):
    document = decode(text.encode(), ("products", "product"))
    assert [row["reference"] for row in document.records or []] == ["a", "b"]
    assert bool(document.noise) is ("<" in text)


@pytest.mark.parametrize("text", [
    "", "   ", "null", "0", "{}", "[", "[]]", "[1]", '[{"id":1}]', '{"products":null}', '{"products":[1]}',
    '{"customers":[{"id":1}]}',
    GOOD[:-1], GOOD[:-2], GOOD[:30], GOOD[1:], GOOD.replace("1", "NaN", 1),
    # a cut list of categories whose inner associations are whole and carry the same name
    '{"categories":[{"id":1,"associations":{"categories":[{"id":7}]}},{"id":',
    "<?xml version='1.0'?><prestashop><products/></prestashop>", "<html><body>[]</body></html>",
    "Fatal error: Cannot use [] for reading", "<b>Fatal error</b>: Uncaught Error<br />\n[]", "Notice in a[]"])
def test_what_cannot_be_read_whole_is_never_half_read(text):
    with pytest.raises(Unreadable):
        decode(text.encode(), ("products", "product", "categories"), ["id"])


def test_bytes_that_are_no_text_make_an_answer_unreadable_only_inside_the_data():
    assert decode("Warnung: ü\n".encode("latin-1") + GOOD.encode(), ("products",)).records
    with pytest.raises(Unreadable):
        decode(GOOD.replace('"a"', '"ü"').encode("latin-1"), ("products",))


@pytest.mark.parametrize("text", ["[]", "\ufeff[]", " []\n", NOTICE + "[]"])
def test_an_empty_list_is_no_records(text):
    assert decode(text.encode(), ("products",)).records == []


def test_errors_are_found_in_json_and_in_xml(recorded):
    for found in (decode(body(recorded, "wrong key"), ("customers",)).faults, faults(body(recorded, "wrong key, XML"))):
        assert [fault.code for fault in found] == [20, 21]


def test_messages_are_unescaped(recorded):
    (fault,) = decode(body(recorded, "patch decimal"), ("stock_available",)).faults
    assert (fault.code, "StockAvailable->quantity" in fault.message) == (85, True)


def test_records_beside_php_notices_count_only_when_nothing_worse_is_reported(recorded):
    assert decode(body(recorded, "patch one language"), ("product",)).harmless
    assert not decode(body(RECORDED["8.1.2"], "patch with deprecations"), ("product",)).harmless
    assert not decode(b'{"products":[{"id":1}],"errors":[{"code":2,"message":"Fatal"}]}', ("products",)).harmless


# rights and profile

def test_the_rights_of_a_key_are_read(recorded):
    name, granted = rights(body(recorded, "root"))
    assert name.startswith("Contract Shop")
    assert {"get", "post", "put", "patch", "delete", "head"} == granted["products"]
    assert set(READS) | {resource for resource, _, _ in OPTIONAL} <= set(granted)
    _, limited = rights(body(recorded, "root limited key"))
    assert limited == {"addresses": frozenset({"get", "put"}), "customers": frozenset({"get", "head"})}


@pytest.mark.parametrize("text", [
    "", "<html></html>", "<?xml version='1.0'?><prestashop></prestashop>", "<?xml version='1.0'?><prestashop><api>",
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><prestashop><api shopName="&a;"/></prestashop>'])
def test_what_is_no_list_of_rights_is_refused(text):
    with pytest.raises(Unreadable):
        rights(text.encode())


def test_the_setting_for_all_shops_wins_over_one_shops_own():
    rows = [{"name": "PS_TIMEZONE", "value": "Europe/Rome", "id_shop": 2, "id_shop_group": 0},
            {"name": "PS_TIMEZONE", "value": "Europe/Paris", "id_shop": 0, "id_shop_group": 0}]
    assert settings(rows) == {"PS_TIMEZONE": "Europe/Paris"}


def test_a_profile_survives_json():
    profile = ShopProfile(version="9.1.4", languages={1: "en", 2: "fr"}, order_states={"canceled": 6}, shops={1: "A", 2: "B"},
                          missing_rights=("x",), warnings=("y", "z"))
    assert ShopProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile
    assert ShopProfile.from_json({"version": "8.1.2", "of_a_later_version": 1}).major == 8
    assert profile.multistore
