"""The story of a record: what was sent for it, without what is nobody's business, and by which words it is found."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select

from portal.config import Config
from portal.db import Database
from portal.models import JobEvent, Mapping, SearchWord, Store, SyncJob
from portal.sync import jobs, search, sent, story
from portal.sync.services import Services
from tests.world import World, make_world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    services = Services(config, db)
    with make_world(db, services, order_confirm=True) as made:
        yield made


def found(world: World, text: str) -> set[tuple[str, str, str]]:
    with world.db.read() as session:
        return {(hit.entity, hit.record, hit.by) for hit in search.find(session, session.get_one(Store, world.store.id), text)}


def the_story(world: World, entity: str, record: str) -> story.Story:
    with world.db.read() as session:
        return story.of_record(session, session.get_one(Store, world.store.id), entity, record)


def test_what_was_sent_is_kept_field_by_field_without_personal_data(world: World) -> None:
    world.sync("customer", "product", "order")
    with world.db.read() as session:
        emails = [row.base["email"] for row in session.scalars(select(Mapping).where(Mapping.entity == "customer"))]
        rows = session.execute(select(SyncJob.entity, SyncJob.record, JobEvent.data).join(JobEvent, JobEvent.job_id == SyncJob.id)
                               .where(JobEvent.kind == "sent")).all()
    calls = {(entity, data["call"].rpartition(" ")[0]) for entity, _, data in rows}
    assert {("customer", "res.partner"), ("product", "product.template"), ("order", "sale.order")} <= calls
    customer = next(data["values"] for entity, record, data in rows if entity == "customer" and record == "1")
    assert customer["email"].endswith("…")
    assert len(customer["name"]) == 2
    text = json.dumps([data for _, _, data in rows])
    assert emails
    assert not [email for email in emails if email in text]
    order = next(data["values"] for entity, _, data in rows if entity == "order" and "order_line" in data.get("values", {}))
    assert order["origin"].startswith("PS/")


def test_an_order_is_found_by_its_ids_its_reference_and_its_name_in_odoo(world: World) -> None:
    world.sync("customer", "product", "order")
    with world.db.read() as session:
        row = session.scalars(select(Mapping).where(Mapping.entity == "order", Mapping.shop_id == "3")).one()
    assert ("order", "3", "shop") in found(world, "3")
    assert found(world, "order 3") == {("order", "3", "shop")}
    assert found(world, f"#{row.data['reference'].lower()}") == {("order", "3", "word")}
    assert ("order", "3", "word") in found(world, row.data["reference"][:4])
    assert found(world, row.data["name"]) == {("order", "3", "word")}
    assert ("order", "3") in {(entity, record) for entity, record, _ in found(world, str(row.odoo_id))}
    assert found(world, "nothing like it") == set()


def test_a_customer_is_found_by_the_whole_e_mail_address_which_is_kept_as_a_digest(world: World) -> None:
    world.sync("customer")
    with world.db.read() as session:
        row = session.scalars(select(Mapping).where(Mapping.entity == "customer", Mapping.shop_id == "2")).one()
        words = list(session.scalars(select(SearchWord.word)))
    email = row.base["email"]
    assert ("customer", "2", "word") in found(world, email.upper())
    assert found(world, email[:5] + "@") == set()
    assert not [word for word in words if email in word or ("@" in word and not word.startswith("@"))]


def test_an_order_that_failed_is_found_by_its_reference_too(world: World) -> None:
    world.sync("customer", "product", "order")
    with world.db.begin() as session:
        row = session.scalars(select(Mapping).where(Mapping.entity == "order", Mapping.shop_id == "3")).one()
        reference = row.data["reference"]
        session.execute(delete(SearchWord))
        session.execute(delete(Mapping).where(Mapping.entity.in_(("order", "product"))))
    world.set(products="off")
    world.notice("order", 3)
    world.drain()
    assert found(world, reference) == {("order", "3", "word")}


def test_the_story_of_an_order_joins_both_directions_and_says_what_it_waits_for(world: World) -> None:
    world.sync("customer", "product", "order")
    told = the_story(world, "order", "3")
    assert told.mapping is not None
    kinds = [event.kind for event, job in told.steps if job.direction == "ps_to_odoo"]
    assert kinds.index("synced") < kinds.index("sent") < kinds.index("queued")
    with world.db.begin() as session:
        store = session.get_one(Store, world.store.id)
        back = jobs.notice(session, store, "order", "odoo_to_ps", str(told.mapping.odoo_id), source="webhook")
        jobs.notice(session, store, "order", "odoo_to_ps", "999999", source="webhook")
    told = the_story(world, "order", "3")
    assert told.changes[0].id == back
    assert {job.direction for job in told.changes} == {"ps_to_odoo", "odoo_to_ps"}
    assert told.by_change()[0][1][0].kind == "queued"
    with world.db.read() as session:
        store = session.get_one(Store, world.store.id)
        assert story.shop_record(session, store, told.changes[0]) == "3"
        unknown = session.scalars(select(SyncJob).where(SyncJob.record == "999999")).one()
        assert story.shop_record(session, store, unknown) is None
    assert not the_story(world, "order", "4711").known


def test_rows_that_do_not_pair_off_with_changes_are_told_by_number_only() -> None:
    by_number = {"call": "x load", "records": 1}
    assert sent.of_jobs([1, 2], "x", "load", [{"a": 1}]) == {1: by_number, 2: by_number}
    assert sent.of_jobs([1, 2], "x", "create", [{"a": 1}, {"a": 2}])[2]["values"] == {"a": 2}


def test_long_and_deep_values_are_cut() -> None:
    deep: list[object] = []
    for _ in range(20):
        deep = [deep]
    values = sent.masked("sale.order", {"text": "x" * 5000, "list": list(range(500)), "deep": deep, "note": "Ring at Anna's",
                                        "mail": "anna@example.com"})
    assert len(values["text"]) == 201
    assert len(values["list"]) == 40
    assert values["note"] == "R…"
    assert values["mail"] == "a…@example.com"
    assert "…" in json.dumps(values["deep"], ensure_ascii=False)
