"""Every recorded error of Odoo 14 to 19 becomes the class that decides, in words for a merchant."""

from __future__ import annotations

import httpx
import pytest
import respx

from portal.clients import odoo_errors
from portal.clients.errors import AccessRefused, Ambiguous, Missing, Outage, Rejected, RemoteError, Throttled
from tests.clients.odoo_recorded import KEY, ODOO, VERSIONS, answer, client, client2

every_version = pytest.mark.parametrize("version", VERSIONS)


def failure(version: int, response: httpx.Response, *, write: bool = True) -> RemoteError:
    with respx.mock:
        respx.post(f"{ODOO}/jsonrpc").mock(return_value=response)
        odoo = client(version)
        with pytest.raises(RemoteError) as caught:
            odoo.call("res.partner", "anything", [1], write=write)
    error = caught.value
    for text in (error.message, error.remedy, error.detail, error.cause):
        assert "Traceback" not in text
        assert KEY not in text
    assert error.message[-1] in ".…:)" or error.message == odoo_errors.clean(error.message)
    assert "\n" not in error.message
    return error


@every_version
def test_a_missing_right_names_the_groups_that_give_it(version: int) -> None:
    error = failure(version, answer(version, "no_right"))
    assert type(error) is AccessRefused
    assert error.message == "You are not allowed to create 'Contact' (res.partner) records."
    assert "Creation" in error.remedy
    assert error.cause == "odoo:right:res.partner"


@every_version
def test_a_rule_about_one_record_does_not_stop_the_others(version: int) -> None:
    error = failure(version, answer(version, "record_rule"))
    assert type(error) is Rejected
    assert error.cause == "odoo:record-rule"


@every_version
def test_a_wrong_key_is_a_refusal_of_access(version: int) -> None:
    error = failure(version, answer(version, "wrong_key"))
    assert (type(error), error.cause) == (AccessRefused, "odoo:key")
    assert "60 seconds" in error.remedy


@every_version
def test_a_deleted_user_is_a_refusal_of_access_and_not_a_missing_record(version: int) -> None:
    with respx.mock:
        respx.post(f"{ODOO}/jsonrpc").mock(return_value=answer(version, "deleted_user"))
        with pytest.raises(AccessRefused):
            client(version, uid=9999).search_count("res.partner", [])


@pytest.mark.parametrize("version", [14, 15])
def test_the_cool_down_is_waited_for_and_not_taken_for_a_wrong_key(version: int) -> None:
    error = failure(version, answer(version, "cooldown_call"))
    assert isinstance(error, Throttled)
    assert error.retry_after > 60


@every_version
def test_a_record_that_is_gone_is_missing_and_named(version: int) -> None:
    error = failure(version, answer(version, "missing"))
    assert type(error) is Missing
    assert error.message == "The record res.partner 99999999 does not exist in Odoo any more."


@every_version
def test_a_collision_with_others_may_be_tried_again_even_for_a_write(version: int) -> None:
    error = failure(version, answer(version, "busy"))
    assert isinstance(error, Throttled)
    assert error.cause == "odoo:busy"


@every_version
def test_a_wrong_database_is_named(version: int) -> None:
    error = failure(version, answer(version, "wrong_database"))
    assert (type(error), error.cause) == (AccessRefused, "odoo:database")
    assert error.message == "This Odoo server has no database of that name."
    assert "127.0.0.1" not in error.message


@every_version
def test_an_unknown_field_is_named(version: int) -> None:
    for name, field in (("unknown_field", "no_such_field"), ("load_unknown_column", "nosuch")):
        error = failure(version, answer(version, name))
        assert (type(error), error.cause) == (Rejected, f"odoo:field:{field}")
        assert error.message == f"This Odoo does not know the field {field}."


@every_version
def test_refused_data_keeps_odoo_s_words_in_one_line(version: int) -> None:
    error = failure(version, answer(version, "vat"))
    assert type(error) is Rejected
    assert error.message.startswith("The VAT number [")
    assert "does not seem to be valid. Note: the expected format is" in error.message


@every_version
def test_equal_causes_have_equal_keys(version: int) -> None:
    body = answer(version, "vat").text
    other = httpx.Response(200, content=body.replace("BadVat", "Zoe (Lyon)").replace("12345]", "99]"))
    first, second = failure(version, answer(version, "vat")), failure(version, other)
    assert first.message != second.message
    assert first.cause == second.cause == "odoo:validation:the-vat-number-for-partner-does-not-seem"


@every_version
def test_names_of_constraints_become_sentences(version: int) -> None:
    name = failure(version, answer(version, "no_name"))
    assert name.message in ("A contact needs a name.", "The operation cannot be completed: Contacts require a name")
    barcode = failure(version, answer(version, "barcode"))
    assert barcode.message.startswith(("The barcode belongs to another product already.", "Barcode(s) already assigned:"))
    country = failure(version, answer(version, "bad_country"))
    assert country.message.startswith("A record that is referred to does not exist in Odoo (")
    assert "country_id" in country.message
    assert "delete" not in country.message


@pytest.mark.parametrize(("text", "words"), [
    ("product_product_barcode_uniq", "The barcode belongs to another product already."),
    ("sale_order_line_accountable_required_fields", "An order line lacks its product or its unit."),
    ('duplicate key value violates unique constraint "res_partner_x_shop_uniq"\nDETAIL: Key (x)=(1)',
     "Odoo has a record with the same value already (res_partner_x_shop_uniq)."),
    ("account_move_line_check_amount", "A rule of Odoo is not met (account_move_line_check_amount)."),
    ("The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n- Delete: another model requires the "
     "record being deleted. If possible, archive it instead.\n\nModel: Product Template (product.template), Field: Name (name)",
     "The mandatory field Name (name) is empty."),
    ("The operation cannot be completed: Missing required value for the field 'Name' (name).\nModel: 'Product' "
     "(product.template)\n- create/update: a mandatory field is not set\n- delete: another model requires the record being "
     "deleted, you can archive it instead\n", "The mandatory field Name (name) is empty."),
    ("A sentence.", "A sentence."),
])
def test_a_constraint_is_put_into_words(text: str, words: str) -> None:
    assert odoo_errors.in_words(text) == words


def test_markup_is_taken_out_and_signs_are_kept() -> None:
    text = "<p>Price &lt; 5 &amp; <b>more</b></p><!-- x --><script src='//e'>1</script>\n\n<br/>1 < 2, 3 > 2"
    assert odoo_errors.clean(text) == "Price < 5 & more 1 1 < 2, 3 > 2"
    assert len(odoo_errors.clean("x" * 5000)) == 400


@every_version
def test_what_python_says_inside_odoo_is_a_refusal_of_this_data(version: int) -> None:
    for name in ("country_as_text", "unknown_method", "unknown_model"):
        assert type(failure(version, answer(version, name))) is Rejected


@pytest.mark.parametrize(("text", "written", "read"), [
    ("could not connect to server: Connection refused", Outage, Outage),
    ("FATAL:  sorry, too many clients already", Outage, Outage),
    ("FATAL:  the database system is starting up", Outage, Outage),
    ("server closed the connection unexpectedly", Ambiguous, Outage),
    ("FATAL:  terminating connection due to administrator command\nSSL connection has been closed", Ambiguous, Outage),
    ('FATAL:  database "x" does not exist', AccessRefused, AccessRefused),
    ("FATAL:  la base de données « x » n'existe pas", AccessRefused, AccessRefused),
    ("canceling statement due to lock timeout", Throttled, Throttled),
])
def test_trouble_between_odoo_and_its_database(text: str, written: type[RemoteError], read: type[RemoteError]) -> None:
    data = {"name": "psycopg2.OperationalError", "message": text}
    assert type(odoo_errors.from_data(data, write=True)) is written
    assert type(odoo_errors.from_data(data, write=False)) is read


@every_version
def test_a_path_that_is_not_odoo_s_is_a_wrong_address(version: int) -> None:
    error = failure(version, answer(version, "unknown_path"))
    assert (type(error), error.cause) == (AccessRefused, "odoo:address")


@every_version
def test_a_request_odoo_cannot_read_is_no_success(version: int) -> None:
    error = failure(version, answer(version, "batch"))
    assert type(error) is (Ambiguous if version < 16 else Rejected)


PAGE = "<!DOCTYPE html><html><head><title>Login</title></head><body>Please log in</body></html>"


@pytest.mark.parametrize("body", [PAGE, "", "null", "[]", "{}", '"ok"', "true", '{"result": 1}', '{"jsonrpc": "2.0", "re',
                                  "[" * 100_000])
@pytest.mark.parametrize("status", [200, 500])
def test_what_is_not_odoo_s_answer_is_never_a_success(status: int, body: str) -> None:
    response = httpx.Response(status, content=body.encode(), headers={"Content-Type": "application/json"})
    assert type(failure(17, response)) is Ambiguous
    assert type(failure(17, response, write=False)) is Outage


@pytest.mark.parametrize(("status", "kind"), [(401, AccessRefused), (403, AccessRefused), (404, AccessRefused), (413, Rejected),
                                              (405, Rejected), (415, Rejected)])
def test_a_status_of_the_web_server_in_front_has_its_sentence(status: int, kind: type[RemoteError]) -> None:
    error = failure(17, httpx.Response(status, html=PAGE))
    assert type(error) is kind
    assert "<" not in error.detail


@pytest.mark.parametrize(("name", "kind", "cause"), [
    ("json2_wrong_key", AccessRefused, "odoo:key"), ("json2_no_key", AccessRefused, "odoo:key"),
    ("json2_unknown_field", Rejected, "odoo:field:nope"), ("json2_unknown_model", Rejected, None),
    ("json2_unknown_method", Rejected, None)])
@respx.mock
def test_json_2_errors_have_the_same_classes(name: str, kind: type[RemoteError], cause: str | None) -> None:
    respx.post(f"{ODOO}/json/2/res.partner/create").mock(return_value=answer(19, name))
    with pytest.raises(RemoteError) as caught:
        client2().create("res.partner", [{"nope": 1}])
    assert type(caught.value) is kind
    assert cause is None or caught.value.cause == cause


@pytest.mark.parametrize(("status", "name", "kind"), [
    (422, "odoo.exceptions.ValidationError", Rejected), (422, "odoo.exceptions.UserError", Rejected),
    (403, "odoo.exceptions.AccessError", AccessRefused), (404, "odoo.exceptions.MissingError", Missing),
    (422, "werkzeug.exceptions.UnprocessableEntity", Rejected),
    (500, "psycopg2.errors.SerializationFailure", Throttled), (500, "builtins.TypeError", Rejected)])
@respx.mock
def test_a_json_2_status_is_told_by_its_name(status: int, name: str, kind: type[RemoteError]) -> None:
    respx.post(f"{ODOO}/json/2/res.partner/write").respond(
        status, json={"name": name, "message": "Nothing doing.", "debug": KEY})
    with pytest.raises(RemoteError) as caught:
        client2().write("res.partner", [1], {"name": "x"})
    assert type(caught.value) is kind
    assert KEY not in caught.value.detail


@pytest.mark.parametrize("status", [200, 500])
@respx.mock
def test_a_page_in_place_of_a_json_2_answer_is_never_a_success(status: int) -> None:
    respx.route().respond(status, html=PAGE)
    with pytest.raises(Ambiguous):
        client2().create("res.partner", [{"name": "x"}])
    with pytest.raises(Outage):
        client2().search_count("res.partner", [])
