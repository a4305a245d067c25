from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.entities.base import Invalid, ShopFacts
from portal.entities.compare import fill_only, held
from portal.entities.customer import CUSTOMER, default_address
from tests.entities.worlds import SHOPS, VERSIONS, as_read, odoo_facts, recorded, shop_facts

SHOP = ShopFacts({1: "en", 2: "fr"}, 1, {8: "FR", 21: "US", 6: "ES", 99: "AQ"}, {12: ("FL", "Florida"), 8: ("CA", "California"),
                                                                              5: ("ES-M", "Comunidad"), 6: ("??", "Texas")})


def customer(address: dict[str, Any] | None = None, **record: Any) -> dict[str, Any]:
    row = {"id": 7, "firstname": "John", "lastname": "DOE", "email": "pub@prestashop.com", "id_lang": 1} | record
    return CUSTOMER.values(row, {"addresses": [{"id": 2, "deleted": "0"} | address] if address else []}, SHOP)


def test_the_demo_customer_arrives_field_by_field() -> None:
    shop = recorded("8.1.2")
    record = next(row for row in shop["customers"] if row["id"] == 2)
    addresses = [row for row in shop["addresses"] if row["id_customer"] == 2]
    values = CUSTOMER.values(record, {"addresses": addresses}, shop_facts("8.1.2"))
    assert CUSTOMER.to_odoo(values, odoo_facts(17)) == {
        "name": "John DOE", "email": "pub@prestashop.com", "company_name": "My Company", "ref": "PS-2",
        "street": "16, Main street", "street2": "2nd floor", "zip": "75002", "city": "Paris", "phone": "0102030405",
        "mobile": False, "vat": False, "country_id": 75, "state_id": False, "lang": "en_US", "customer_rank": 1}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shop", SHOPS)
def test_every_recorded_customer_arrives_on_every_odoo(shop: str, version: int) -> None:
    odoo, facts = odoo_facts(version), shop_facts(shop)
    for record in recorded(shop)["customers"]:
        addresses = [row for row in recorded(shop)["addresses"] if row["id_customer"] == record["id"]]
        values = CUSTOMER.values(record, {"addresses": addresses}, facts)
        row = CUSTOMER.to_odoo(values, odoo)
        oldest = min((a for a in addresses if a["deleted"] != "1"), key=lambda a: a["id"], default=None)
        assert row["name"] == " ".join(f"{record['firstname']} {record['lastname']}".split())
        assert row["email"] == record["email"].strip().lower()
        assert row["ref"] == f"PS-{record['id']}"
        assert row["lang"] == {1: "en_US", 2: "fr_FR"}[record["id_lang"]]
        assert ("mobile" in row) == (version < 19)
        if oldest is None:
            assert (row["street"], row["phone"], row["country_id"]) == (False, False, False)
        else:
            assert row["street"] == oldest["address1"].strip()
            assert row["zip"] == oldest["postcode"]
            assert row["city"] == oldest["city"].strip()
            assert (row["vat"] or "") == oldest["vat_number"].replace(" ", "").upper()
            assert row["phone"] or not (oldest["phone"] or (oldest["phone_mobile"] and version == 19))
            country = facts.countries.get(oldest["id_country"])
            assert row.get("country_id") == odoo.countries.get(country)
            code = facts.states.get(oldest["id_state"], ("", ""))[0]
            assert row["state_id"] == (odoo.states.get((country, code.lower())) or False)
        assert CUSTOMER.from_odoo(as_read(row), odoo) | {"guest": values["guest"]} == held(CUSTOMER, values, odoo)


def test_passwords_and_tokens_are_never_asked_for() -> None:
    asked = {*CUSTOMER.fields, *(name for related in CUSTOMER.related for name in related.fields)}
    assert not [name for name in asked if any(word in name for word in ("passw", "secure", "token", "reset"))]


def test_the_oldest_living_address_is_the_default_one() -> None:
    rows = [{"id": 9, "deleted": "0"}, {"id": 3, "deleted": "1"}, {"id": 5, "deleted": ""}, {"id": 12}]
    assert default_address(rows)["id"] == 5
    assert default_address([{"id": 3, "deleted": "1"}]) == {}


def test_an_email_is_matched_without_case_and_a_customer_without_one_is_not_matched() -> None:
    assert CUSTOMER.match(customer(email=" Pub@PrestaShop.com ")) == [("email", "pub@prestashop.com")]
    assert CUSTOMER.normal_key("email", "PUB@prestashop.COM ") == "pub@prestashop.com"
    assert CUSTOMER.match(customer(email="")) == []


@pytest.mark.parametrize(("record", "name"), [
    ({}, "John DOE"), ({"firstname": " ", "lastname": None}, "Acme"),
    ({"firstname": "", "lastname": "", "company": ""}, "pub@prestashop.com"),
])
def test_a_customer_without_a_name_is_called_by_company_or_email(record: dict[str, Any], name: str) -> None:
    assert customer(**({"company": "Acme"} | record))["name"] == name


def test_a_customer_without_any_name_is_refused_with_the_remedy() -> None:
    with pytest.raises(Invalid, match="Enter one in the shop") as refused:
        customer(firstname="", lastname="", email="")
    assert refused.value.cause == "customer:name"


def test_a_customer_deleted_in_the_shop_is_known_as_such_and_gives_way_to_a_living_one() -> None:
    assert CUSTOMER.deleted({"deleted": "1"})
    assert not CUSTOMER.deleted({"deleted": "0"})
    assert CUSTOMER.yields(customer(deleted="1"))
    assert not CUSTOMER.yields(customer())


def test_the_newest_address_tells_who_a_customer_was_that_the_shop_does_not_have_any_more() -> None:
    addresses = [{"id": "7", "firstname": "Ada", "lastname": "Lovelace", "company": "", "deleted": "1"},
                 {"id": 3, "firstname": "Ada", "lastname": "Byron", "company": "", "deleted": "1"}]
    found = CUSTOMER.remains(12, {"addresses": addresses})
    assert found is not None
    values = CUSTOMER.values(found, {"addresses": addresses}, ShopFacts())
    assert (values["name"], values["email"], values["reference"], values["guest"]) == ("Ada Lovelace", "", "PS-12", True)
    assert CUSTOMER.remains(12, {}) is None


@pytest.mark.parametrize(("vat", "stored"), [
    ("FR 40 303 265 045", "FR40303265045"), ("es12345", "ES12345"), ("0000", "0000"), ("/", False), (" - ", False), ("", False),
])
def test_a_vat_number_is_kept_as_typed_whether_valid_or_not(vat: str, stored: object) -> None:
    assert CUSTOMER.to_odoo(customer({"vat_number": vat}), odoo_facts(16))["vat"] == stored
    assert CUSTOMER.context == {"no_vat_validation": True}


@pytest.mark.parametrize(("version", "phone", "mobile", "expected"), [
    (18, "01", "06", {"phone": "01", "mobile": "06"}),
    (18, "", "06", {"phone": False, "mobile": "06"}),
    (19, "01", "", {"phone": "01"}),
    (19, "", "06", {"phone": "06"}),
    (19, "01", "06", {"phone": "01", "comment": "<p>Mobile: 06</p>"}),
])
def test_a_second_telephone_finds_its_place(version: int, phone: str, mobile: str, expected: dict[str, Any]) -> None:
    row = CUSTOMER.to_odoo(customer({"phone": phone, "phone_mobile": mobile}), odoo_facts(version))
    assert {key: row[key] for key in ("phone", "mobile", "comment") if key in row} == expected


def test_notes_that_people_wrote_in_odoo_are_not_overwritten() -> None:
    values = customer({"phone": "01", "phone_mobile": "06"})
    assert CUSTOMER.to_odoo(values, odoo_facts(19), {"phone", "mobile"}) == {"phone": "01"}


@pytest.mark.parametrize(("country", "state", "country_id", "state_id"), [
    (21, 8, 233, 13), (21, 6, 233, 52), (6, 5, 68, 448), (21, 12, 233, False), (8, 8, 75, False), (8, 0, 75, False),
    (0, 0, False, False),
])
def test_states_are_found_by_code_then_by_name_within_the_country(country: int, state: int, country_id: object,
                                                                 state_id: object) -> None:
    row = CUSTOMER.to_odoo(customer({"id_country": country, "id_state": state}), odoo_facts(17))
    assert (row["country_id"], row["state_id"]) == (country_id, state_id)


def test_a_country_that_odoo_lacks_leaves_the_one_it_has() -> None:
    assert "country_id" not in CUSTOMER.to_odoo(customer({"id_country": 99}), odoo_facts(17))


def test_only_the_changed_values_are_written() -> None:
    values = customer({"id_country": 21, "id_state": 8, "city": "Miami"})
    assert CUSTOMER.to_odoo(values, odoo_facts(17), {"city"}) == {"city": "Miami"}
    assert CUSTOMER.to_odoo(values, odoo_facts(17), {"country"}) == {"country_id": 233, "state_id": 13}
    assert CUSTOMER.to_odoo(values, odoo_facts(17), set()) == {}


def test_a_first_link_erases_nothing() -> None:
    odoo = odoo_facts(17)
    current = CUSTOMER.from_odoo({"name": "Mr Doe", "email": "PUB@prestashop.com", "ref": "PS-7", "phone": "01", "vat": "FR1",
                                  "country_id": [75, "France"], "lang": "en_US"}, odoo)
    assert fill_only(held(CUSTOMER, customer({"city": "Paris"}), odoo), current) == {"name": "John DOE", "city": "Paris"}


def test_contacts_of_their_own_come_before_contacts_below_a_company() -> None:
    own, child = {"id": 1, "parent_id": False}, {"id": 2, "parent_id": [1, "x"]}
    assert CUSTOMER.narrow([own, child]) == [own]
    assert CUSTOMER.narrow([child]) == [child]


ADDRESS_TEXTS = ("address1", "address2", "postcode", "city", "phone", "phone_mobile", "vat_number")
TEXT = st.text(st.characters(codec=None), max_size=500)


@given(st.fixed_dictionaries(dict.fromkeys(("firstname", "lastname", "email", "company"), TEXT)),
       st.fixed_dictionaries(dict.fromkeys(ADDRESS_TEXTS, TEXT)),
       st.sampled_from([0, 8, 21, 6, 99]), st.sampled_from([0, 12, 8, 5, 6]), st.sampled_from(VERSIONS))
def test_any_text_makes_the_round_trip(record: dict[str, str], address: dict[str, str], country: int, state: int,
                                       version: int) -> None:
    odoo = odoo_facts(version)
    row = {"id": 7, "id_lang": 2, "deleted": "0"} | record | {"lastname": record["lastname"] + "Doe"}
    values = CUSTOMER.values(row, {"addresses": [{"id": 1, "id_country": country, "id_state": state} | address]}, SHOP)
    stored = CUSTOMER.from_odoo(as_read(CUSTOMER.to_odoo(values, odoo)), odoo)
    assert stored | {"guest": False} == held(CUSTOMER, values, odoo)
    assert held(CUSTOMER, stored, odoo) == stored
    assert CUSTOMER.from_odoo(as_read(CUSTOMER.to_odoo(stored, odoo)), odoo) == stored
