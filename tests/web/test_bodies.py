from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.sync.webhook import BodyError, Note, parse
from portal.web.bodies import read_object, token_of

GOOD_STOCK = {"token": "t", "entity": "stock", "odoo_id": 42, "qty": 7}
GOOD_STATE = {"token": "t", "entity": "order_state", "odoo_id": 5, "state": "sale"}


@pytest.mark.parametrize(("body", "notes"), [
    (GOOD_STOCK, [Note("stock", "42", {"qty": "7"})]),
    (GOOD_STOCK | {"qty": 7.5}, [Note("stock", "42", {"qty": "7.5"})]),
    (GOOD_STOCK | {"qty": 0}, [Note("stock", "42", {"qty": "0"})]),
    (GOOD_STOCK | {"unknown": [1]}, [Note("stock", "42", {"qty": "7"})]),
    (GOOD_STATE, [Note("order", "5", {"state": "sale"})]),
    ({"_model": "product.template", "_id": 9, "id": 9, "_name": "x"}, [Note("product", "9")]),
    ({"_model": "product.product", "_id": 9, "product_tmpl_id": 4}, [Note("product", "4")]),
    ({"_model": "product.product", "_id": 9}, [Note("lookup", "product.product:9")]),
    ({"_model": "stock.quant", "_id": 9, "_action": "Send(#7)", "product_id": 30, "quantity": 3.0}, [Note("stock", "30")]),
    ({"_model": "stock.quant", "_id": 9, "quantity": 3.0}, [Note("lookup", "stock.quant:9")]),
    ({"_model": "stock.move", "_id": 9, "product_id": 30, "state": "done"}, [Note("stock", "30")]),
    ({"_model": "stock.move", "_id": 9, "product_id": 30, "picking_id": 8},
     [Note("stock", "30"), Note("lookup", "stock.picking:8")]),
    ({"_model": "stock.move", "_id": 9, "product_id": 30, "picking_id": False}, [Note("stock", "30")]),
    ({"_model": "stock.move", "_id": 9}, [Note("lookup", "stock.move:9")]),
    ({"_model": "stock.picking", "_id": 9, "sale_id": 5}, [Note("order", "5")]),
    ({"_model": "stock.picking", "_id": 9, "sale_id": False}, []),
    ({"_model": "stock.picking", "_id": 9}, [Note("lookup", "stock.picking:9")]),
    ({"_model": "sale.order", "_id": 1, "state": "cancel"}, [Note("order", "1", {"state": "cancel"})]),
    ({"_model": "sale.order", "_id": 1, "state": "draft"}, [Note("order", "1")]),
])
def test_the_bodies_of_the_guide_and_of_odoo_are_understood(body: dict[str, object], notes: list[Note]) -> None:
    assert parse(read_object(json.dumps(body).encode())) == notes


BAD = [
    (b"", 400, ""), (b"{", 400, ""), (b"not json", 400, ""), (b"\xff\xfe{}", 400, ""), (b'{"a": 1,}', 400, ""),
    (b"token=x&entity=stock", 400, ""), (b'{"qty": NaN}', 400, ""), (b'{"qty": Infinity}', 400, ""),
    (b'{"qty": -Infinity}', 400, ""), (b"[" * 100_000, 400, ""), (b'{"a":' * 20_000, 400, ""), (b"1" * 5000, 400, ""),
    (b'{"entity": "stock"} {}', 400, ""), (b"\x00", 400, ""),
    (b"[]", 422, ""), (b"null", 422, ""), (b"1", 422, ""), (b'"text"', 422, ""), (b"true", 422, ""), (b"[{}]", 422, ""),
    (b"{}", 422, "entity"), (b'{"token": "t"}', 422, "entity"), (b'{"entity": null}', 422, "entity"),
    (b'{"entity": ""}', 422, "entity"), (b'{"entity": "customer"}', 422, "entity"), (b'{"entity": 1}', 422, "entity"),
    (b'{"entity": ["stock"]}', 422, "entity"), (b'{"entity": {}}', 422, "entity"), (b'{"entity": "STOCK"}', 422, "entity"),
    (b'{"entity": "stock", "entity": "stock"}', 422, "entity"),
    (b'{"entity": "stock"}', 422, "odoo_id"), (b'{"entity": "stock", "odoo_id": null}', 422, "odoo_id"),
    (b'{"entity": "stock", "odoo_id": "42"}', 422, "odoo_id"), (b'{"entity": "stock", "odoo_id": 4.2}', 422, "odoo_id"),
    (b'{"entity": "stock", "odoo_id": true}', 422, "odoo_id"), (b'{"entity": "stock", "odoo_id": 0}', 422, "odoo_id"),
    (b'{"entity": "stock", "odoo_id": -1}', 422, "odoo_id"), (b'{"entity": "stock", "odoo_id": []}', 422, "odoo_id"),
    (b'{"entity": "stock", "odoo_id": 9223372036854775808}', 422, "odoo_id"),
    (b'{"entity": "stock", "odoo_id": 1}', 422, "qty"), (b'{"entity": "stock", "odoo_id": 1, "qty": null}', 422, "qty"),
    (b'{"entity": "stock", "odoo_id": 1, "qty": "7"}', 422, "qty"), (b'{"entity": "stock", "odoo_id": 1, "qty": true}', 422, "qty"),
    (b'{"entity": "stock", "odoo_id": 1, "qty": -1}', 422, "qty"), (b'{"entity": "stock", "odoo_id": 1, "qty": 1e308}', 422, "qty"),
    (b'{"entity": "stock", "odoo_id": 1, "qty": [7]}', 422, "qty"),
    (b'{"entity": "order_state", "odoo_id": 1}', 422, "state"),
    (b'{"entity": "order_state", "odoo_id": 1, "state": "paid"}', 422, "state"),
    (b'{"entity": "order_state", "odoo_id": 1, "state": 3}', 422, "state"),
    (b'{"entity": "order_state", "odoo_id": 1, "state": ["sale"]}', 422, "state"),
    (b'{"_model": "res.partner", "_id": 1}', 422, "_model"), (b'{"_model": null, "_id": 1}', 422, "_model"),
    (b'{"_model": ["sale.order"], "_id": 1}', 422, "_model"), (b'{"_model": "sale.order"}', 422, "_id"),
    (b'{"_model": "sale.order", "_id": "1"}', 422, "_id"), (b'{"_model": "sale.order", "_id": false}', 422, "_id"),
    (b'{"_model": "sale.order", "_id": 2147483648}', 422, "_id"), (b'{"_model": "stock.quant", "_id": [9]}', 422, "_id"),
    (b'{"_model": "stock.quant", "_id": 9, "product_id": "30"}', 422, "product_id"),
    (b'{"_model": "stock.quant", "_id": 9, "product_id": [30, "Desk"]}', 422, "product_id"),
    (b'{"_model": "stock.picking", "_id": 9, "sale_id": -5}', 422, "sale_id"),
    (b'{"_model": "product.product", "_id": 9, "product_tmpl_id": true}', 422, "product_tmpl_id"),
    (b'{"_model": "stock.move", "_id": 9, "product_id": 3, "picking_id": 1.5}', 422, "picking_id"),
]


@pytest.mark.parametrize(("raw", "status", "field"), BAD, ids=[str(raw[:60]) for raw, _, _ in BAD])
def test_a_bad_body_is_refused_and_the_field_named(raw: bytes, status: int, field: str) -> None:
    with pytest.raises(BodyError) as caught:
        parse(read_object(raw))
    assert (caught.value.status, caught.value.field) == (status, field)
    assert caught.value.message


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_otherwise(raw: bytes) -> None:
    token_of(raw)
    with suppress(BodyError):
        parse(read_object(raw))


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=8)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional={"entity": st.sampled_from(["stock", "order_state"]) | JSON, "odoo_id": JSON, "qty": JSON,
                                           "state": JSON, "_model": st.just("sale.order") | JSON, "_id": JSON}))
def test_no_object_makes_it_fail_otherwise(body: dict[str, object]) -> None:
    with suppress(BodyError):
        notes = parse(read_object(json.dumps(body).encode()))
        assert {note.entity for note in notes} <= {"stock", "order", "product", "lookup"}


def test_the_token_is_found_in_a_body_that_is_broken() -> None:
    token = "a" * 43
    assert token_of(b'{"token": "' + token.encode() + b'", broken') == token
    assert token_of(b'{"token": 5}') is None
    assert token_of(b'{"token": "short"}') is None
