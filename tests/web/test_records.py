"""The page of one record, the X-ray of an order, and the search that leads there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from portal.entities.base import Ref
from portal.models import Dependency, JobEvent, Mapping, Store, SyncJob
from portal.sync import search
from portal.web import back_offices, xray
from tests.web.conftest import Browser, World, words

MARKUP = "<img src=x onerror=alert(1)>"


def link(world: World, entity: str, shop_id: str, odoo_id: int, **values: Any) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        session.add(Mapping(store_id=store.id, target=store.target, entity=entity, shop_id=shop_id, odoo_id=odoo_id, **values))


def learn(world: World, entity: str, record: str, *said: str) -> None:
    with world.db.begin() as session:
        search.learn(session, world.mine, {(entity, record): said})


def base(world: World) -> str:
    return f"/stores/{world.mine}"


def test_the_page_tells_the_whole_story(world: World, admin: Browser) -> None:
    job = world.job(world.mine, "12", "dead", entity="product", message=f"Refused {MARKUP}", remedy="Give it a name.")
    with world.db.begin() as session:
        session.add(JobEvent(job_id=job, kind="sent", data={"call": "product.template write", "values": {"name": MARKUP}}))
        session.add(JobEvent(job_id=job, kind="dead", message="Refused.", data={"cause": "odoo:x", "detail": MARKUP}))
    link(world, "product", "12", 77, base={"name": "Mug", "reference": "MUG-1"}, data={"variant_id": 78})
    page = admin.get(f"{base(world)}/records/product/12")
    text = words(page)
    for said in ("Product 12 Mug · MUG-1", "Dead letter", "Give it a name.", "Noticed test", "Sent product.template write",
                 "What was sent", "What came back", "Shop id 12", "Odoo id 77"):
        assert said in text
    assert MARKUP not in page.text
    assert f"{base(world)}/jobs/{job}" in page.text


def test_a_record_nobody_knows_is_a_page_in_words(world: World, admin: Browser) -> None:
    for path in ("product/999", "order/abc", "attribute/1", "nonsense/1"):
        assert admin.get(f"{base(world)}/records/{path}").status_code == 404
    assert "neither noticed nor linked" in admin.get(f"{base(world)}/records/product/999").text


def test_the_page_of_another_store_stays_closed(world: World, member: Browser) -> None:
    world.job(world.other, "1")
    assert member.get(f"/stores/{world.other}/records/customer/1").status_code == 404
    assert member.get(f"/stores/{world.other}/search?q=1").status_code == 404


def test_sync_now_notices_the_record_once_however_often_it_is_pressed(world: World, admin: Browser) -> None:
    link(world, "product", "12", 77)
    for _ in range(2):
        answer = admin.post(f"{base(world)}/records/product/12/sync")
        assert answer.headers["Location"] == f"{base(world)}/records/product/12"
    with world.db.read() as session:
        rows = list(session.scalars(select(SyncJob)))
    assert [(row.entity, row.record, row.direction, row.version) for row in rows] == [("product", "12", "ps_to_odoo", 2)]
    assert "It waits until synchronization is enabled." in words(admin.get(f"{base(world)}/records/product/12"))


@pytest.mark.parametrize(("choices", "entity", "record", "expected"), [
    ({"products": "odoo_to_ps"}, "product", "12", ("product", "odoo_to_ps", "77")),
    ({"products": "ps_to_odoo"}, "combination", "12:3", ("product", "ps_to_odoo", "12")),
    ({"stock": "odoo_to_ps"}, "stock", "12:3", ("stock", "odoo_to_ps", "78")),
    ({"stock": "odoo_to_ps"}, "stock", "12", ("stock", "odoo_to_ps", "79")),
])
def test_sync_now_takes_the_direction_of_the_settings(world: World, admin: Browser, choices: dict[str, Any], entity: str,
                                                      record: str, expected: tuple[str, str, str]) -> None:
    with world.db.begin() as session:
        session.get_one(Store, world.mine).choices = {"enabled": True, **choices}
    link(world, "product", "12", 77, data={"variant_id": 79})
    link(world, "combination", "12:3", 78)
    link(world, "stock", "12:3", 78)
    link(world, "stock", "12", 79)
    admin.post(f"{base(world)}/records/{entity}/{record}/sync")
    with world.db.read() as session:
        row = session.scalars(select(SyncJob)).one()
    assert (row.entity, row.direction, row.record) == expected


def test_sync_now_says_why_it_cannot(world: World, admin: Browser) -> None:
    link(world, "stock", "12", 79)
    admin.post(f"{base(world)}/records/stock/12/sync")
    page = admin.get(f"{base(world)}/records/stock/12")
    assert "It does not travel with the present settings." in words(page)
    assert 'id="sync-now"' not in page.text


def test_one_hit_leads_straight_to_its_record(world: World, admin: Browser) -> None:
    link(world, "order", "12", 312, data={"reference": "XKBKNABJK", "name": "S00012"})
    learn(world, "order", "12", "XKBKNABJK", "S00012", "anna@example.com")
    for text in ("XKBKNABJK", "xkbk", "s00012", "12", "312", "order 12", "#12", "Anna@Example.com"):
        answer = admin.get(f"{base(world)}/search", query_string={"q": text})
        assert answer.headers.get("Location") == f"{base(world)}/records/order/12", text


def test_several_hits_are_listed_and_none_says_what_can_be_found(world: World, admin: Browser) -> None:
    link(world, "order", "12", 5, data={"reference": "XK1"})
    link(world, "product", "12", 6, base={"name": MARKUP})
    page = admin.get(f"{base(world)}/search?q=12")
    assert "Order 12 XK1 Shop id 5" in words(page)
    assert MARKUP not in page.text
    assert "Nothing is called zzz." in words(admin.get(f"{base(world)}/search?q=zzz"))
    for text in ("", " ", "%", "'", "@", "9" * 40, "1:2:3", "\U0010ffff"):
        assert admin.get(f"{base(world)}/search", query_string={"q": text}).status_code == 200


@pytest.mark.parametrize(("version", "page"), [
    ("17.0", "http://127.0.0.1:2/web?db=odoo#id=5&model=res.partner&view_type=form"),
    ("saas~17.4", "http://127.0.0.1:2/web?db=odoo#id=5&model=res.partner&view_type=form"),
    ("18.0", "http://127.0.0.1:2/odoo/res.partner/5?db=odoo"),
    ("19.0", "http://127.0.0.1:2/odoo/res.partner/5?db=odoo"),
])
def test_odoo_pages_are_called_as_its_version_calls_them(world: World, version: str, page: str) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.odoo_profile = {"version": version}
        assert back_offices.odoo_page(store, "customer", 5) == page
        assert back_offices.odoo_page(store, "attribute", 5) == ""


@pytest.mark.parametrize("typed", ["admin123", "/admin123/", "http://127.0.0.1:1/admin123/index.php/sell/orders/?_token=x"])
def test_pages_of_the_shop_need_the_folder_of_its_back_office(world: World, typed: str) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        assert back_offices.shop_page(store, "order", "12") == ""
        store.choices = {"shop_admin": typed}
        assert back_offices.shop_page(store, "order", "12") == "http://127.0.0.1:1/admin123/index.php/sell/orders/12/view"
        assert back_offices.shop_page(store, "stock", "7:3") == "http://127.0.0.1:1/admin123/index.php/sell/catalog/products/7/edit"
        store.choices = {"shop_admin": "javascript:alert(1)"}
        assert back_offices.shop_page(store, "order", "12").startswith("http://127.0.0.1:1/")


SETTINGS = {"order_confirm": True, "order_invoice": True}


def states(data: dict[str, Any] | None, job: SyncJob | None = None, waits: tuple[Ref, ...] = (), **settings: bool) -> list[str]:
    row = None if data is None else Mapping(entity="order", shop_id="1", odoo_id=1, data=data, base={})
    return [step.state for step in xray.steps(row, job, waits, SETTINGS | settings)]


def change(state: str) -> SyncJob:
    return SyncJob(entity="order", record="1", state=state, message="Refused.", updated_at=datetime.now(UTC))


@pytest.mark.parametrize(("given", "expected"), [
    (states({"state": "sale", "invoices": 1}), ["done"] * 6),
    (states({"state": "sale"}), ["done", "done", "done", "done", "done", "waits"]),
    (states({"state": "sale"}, order_invoice=False), ["done", "done", "done", "done", "done", "not_asked"]),
    (states({"state": "draft", "held": "A cent."}), ["done", "done", "done", "trouble", "trouble", "waits"]),
    (states({"state": "cancel"}), ["done", "done", "done", "done", "not_asked", "not_asked"]),
    (states(None, change("pending")), ["waits"] * 6),
    (states(None, change("dead")), ["waits", "waits", "trouble", "waits", "waits", "waits"]),
    (states(None, change("blocked"), (Ref("product", "3"),)), ["waits", "now", "waits", "waits", "waits", "waits"]),
    (states(None, change("dead"), (Ref("customer", "3"),)), ["trouble", "waits", "waits", "waits", "waits", "waits"]),
])
def test_the_x_ray_shows_where_an_order_stands(given: list[str], expected: list[str]) -> None:
    assert given == expected


def test_the_x_ray_leads_to_what_comes_first(world: World, admin: Browser) -> None:
    job = world.job(world.mine, "12", "blocked", entity="order", message="Waits for product 3.")
    world.job(world.mine, "3", "dead", entity="product")
    with world.db.begin() as session:
        session.add(Dependency(job_id=job, entity="product", record="3"))
    page = admin.get(f"{base(world)}/records/order/12")
    assert "Products in Odoo under way Comes first: Product 3" in words(page)
    assert f"{base(world)}/records/product/3" in page.text
