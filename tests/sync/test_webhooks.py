"""Webhooks: what Odoo 17 to 19 really send is understood and reaches the shop; the rules are made, renewed and removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from portal.clients.errors import AccessRefused
from portal.config import Config
from portal.db import Database
from portal.models import LogEntry, Mapping, Store, SyncJob
from portal.sandbox.odoo_demo import ADMIN_KEY, ADMIN_LOGIN
from portal.sync import stores, webhook, webhook_rules, webhooks
from portal.sync.services import Services
from portal.web.bodies import read_object
from tests.world import World, make_world

RECORDED = Path(__file__).parent.parent / "fixtures" / "webhooks"
NATIVE = ["17", "18", "19"]


def recorded(version: str) -> list[tuple[str, dict[str, object]]]:
    return [(row["note"], read_object(row["body_text"].encode()))
            for row in json.loads((RECORDED / f"odoo_{version}.json").read_text())]


def accept(world: World, body: dict[str, object]) -> dict[str, object]:
    with world.db.begin() as session:
        return webhook.accept(session, session.get_one(Store, world.store.id), webhook.parse(body))


def jobs_of(world: World) -> list[SyncJob]:
    with world.db.read() as session:
        return list(session.scalars(select(SyncJob).where(SyncJob.source == "webhook").order_by(SyncJob.id)))


@pytest.fixture(params=NATIVE)
def native(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param, products="both", stock="both", order_confirm=True) as world:
        yield world


@pytest.fixture
def world(db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), stock="odoo_to_ps", order_confirm=True) as world:
        yield world


@pytest.mark.parametrize(("version", "note", "body"), [(v, note, body) for v in NATIVE for note, body in recorded(v)])
def test_everything_recorded_is_understood(version: str, note: str, body: dict[str, object]) -> None:
    [found] = webhook.parse(body)
    model = body["_model"]
    expected = {"product.template": ("product", body["_id"]), "sale.order": ("order", body["_id"]),
                "stock.quant": ("stock", body.get("product_id"))}
    assert (found.entity, found.record) == (expected[str(model)][0], str(expected[str(model)][1]))


def test_a_dozen_requests_for_one_change_are_one_job(native: World) -> None:
    bodies = [body for _, body in recorded(str(native.odoo.db.profile.major))]
    body = next(body for body in bodies if body["_model"] == "product.template")
    answers = [accept(native, body) for _ in range(12)]
    assert {answer["job"] for answer in answers} == {jobs_of(native)[0].id}
    [job] = jobs_of(native)
    assert job.due_at > job.created_at, "17 and 18 send before they commit"


def test_the_state_of_an_order_reaches_the_shop(native: World) -> None:
    untold(native)
    with native.db.read() as session:
        rows = list(session.scalars(select(Mapping).where(Mapping.entity == "order", Mapping.target == native.store.target)))
    row = next(row for row in rows if row.data["state"] == "sale" and shop_state(native, row) == 2)
    answer = accept(native, {"_action": "Send webhook(#1)", "_id": row.odoo_id, "_model": "sale.order", "state": "sale"})
    assert answer["accepted"]
    native.pass_time()
    native.drain()
    assert shop_state(native, row) == 3


def untold(world: World) -> None:
    """Everything linked, orders confirmed, and the shop not told of that yet."""
    world.set(order_states=False)
    world.sync("customer", "product", "order")
    world.set(order_states=True)


def shop_state(world: World, row: Mapping) -> int:
    return int(world.shop.shop.tables["orders"].rows[int(row.shop_id)]["current_state"])


def test_the_guides_order_state_is_a_hint_and_odoo_is_asked(world: World) -> None:
    untold(world)
    with world.db.read() as session:
        rows = list(session.scalars(select(Mapping).where(Mapping.entity == "order")))
    row = next(row for row in rows if row.data["state"] == "sale" and shop_state(world, row) == 2)
    assert accept(world, {"token": "t", "entity": "order_state", "odoo_id": row.odoo_id, "state": "cancel"})["accepted"]
    world.pass_time()
    world.drain()
    assert shop_state(world, row) == 3, "Odoo says sale, whatever the caller says"
    assert jobs_of(world)[0].hint == {"state": "cancel"}


def test_a_picking_or_quant_by_its_id_alone_leads_to_its_record(world: World) -> None:
    untold(world)
    with world.db.read() as session:
        rows = list(session.scalars(select(Mapping).where(Mapping.entity == "order")))
    row = next(row for row in rows if row.data["state"] == "sale" and shop_state(world, row) == 2)
    [picking] = world.odoo.db.tables["stock.picking"].by("sale_id", row.odoo_id)
    for body in ({"_model": "stock.picking", "_id": picking}, {"_model": "stock.picking", "_id": 999999},
                 {"_model": "stock.quant", "_id": 999999}):
        assert accept(world, body)["accepted"]
    world.pass_time()
    with world.db.begin() as session:
        stores.change_store(session, session.get_one(Store, world.store.id), {"stock": "off"}, "test")
    world.drain()
    assert shop_state(world, row) == 3
    assert {job.state for job in jobs_of(world)} == {"synced"}


def test_unknown_orders_are_noted_once(world: World) -> None:
    for _ in range(3):
        answer = accept(world, {"_model": "sale.order", "_id": 77})
        assert not answer["accepted"]
    with world.db.read() as session:
        entries = [row.message for row in session.scalars(select(LogEntry)) if row.message.startswith("Webhook:")]
    assert entries == ["Webhook: order 77 of Odoo is not linked to the shop; ignored."]


# --- the rules --------------------------------------------------------------------------------------------------------


def as_admin(world: World) -> None:
    world.set(odoo_login=ADMIN_LOGIN, odoo_key=ADMIN_KEY)


def rules(world: World) -> dict[str, str]:
    """Model → address called."""
    tables = world.odoo.db.tables
    return {row["_model"]: str(tables["ir.actions.server"].rows[action]["webhook_url"])
            for number, row in tables["base.automation"].rows.items()
            for action in tables["ir.actions.server"].by("base_automation_id", number)}


def test_rules_are_made_renewed_and_removed(native: World) -> None:
    as_admin(native)
    setup = webhooks.install(native.services, native.store)
    assert set(setup.installed) == set(rules(native)) == {rule.model for rule in webhook_rules.RULES}
    assert set(rules(native).values()) == {setup.url}
    with native.db.begin() as session:
        stores.rotate_token(session, session.get_one(Store, native.store.id), "webhook")
    native.set(stock="ps_to_odoo")
    renewed = webhooks.install(native.services, native.store)
    left = {rule.model for rule in webhook_rules.RULES if rule.entity != "stock"}
    assert set(rules(native)) == left
    assert set(rules(native).values()) == {renewed.url} != {setup.url}
    assert webhooks.remove(native.services, native.store) == len(left)
    assert not rules(native)


def test_what_the_rules_send_is_understood(native: World) -> None:
    as_admin(native)
    native.sync("customer", "product", "stock", "order")
    webhooks.install(native.services, native.store)
    odoo = native.services.odoo(native.store)
    product = odoo.search_read("product.template", [("default_code", "!=", False)], ["product_variant_id"], limit=1)[0]
    odoo.write("product.template", [product["id"]], {"list_price": 71.0})
    odoo.write("product.product", [product["product_variant_id"][0]], {"default_code": "CHANGED"})
    quant = odoo.create("stock.quant", [{"product_id": product["product_variant_id"][0], "inventory_quantity": 5.0,
                                         "location_id": odoo.profile.default_location}], context={"inventory_mode": True})
    odoo.call("stock.quant", "action_apply_inventory", quant, context={"inventory_mode": True})
    order = odoo.search_read("sale.order", [("origin", "=like", "PS/%"), ("state", "=", "sale")], ["id"], limit=1)[0]["id"]
    odoo.call("sale.order", "action_cancel", [order], context={"disable_cancel_warning": True})
    native.odoo.webhooks.wait()
    bodies = [body for _, body, _ in native.odoo.webhooks.sent]
    found = {(note.entity, note.record) for body in bodies for note in webhook.parse(body)}
    assert found >= {("product", str(product["id"])), ("stock", str(product["product_variant_id"][0])), ("order", str(order))}
    assert not any(entity == "lookup" for entity, _ in found), "our own rules send what spares a look-up"


def test_without_the_right_there_are_instructions(native: World) -> None:
    for setup in (webhooks.install(native.services, native.store), webhooks.show(native.services, native.store)):
        assert not setup.installed
        text = "\n".join(setup.instructions)
        assert "Automation Rules" in text
        assert setup.url in text
        assert all(rule.model in text for rule in webhook_rules.RULES)
    assert native.circuit("odoo") == "closed", "nothing else is kept from working"
    with pytest.raises(AccessRefused):
        webhooks.remove(native.services, native.store)


@pytest.mark.parametrize("version", ["14", "15", "16"])
def test_older_versions_are_polled(db: Database, config: Config, version: str) -> None:
    with make_world(db, Services(config, db), version=version) as world:
        setup = webhooks.install(world.services, world.store)
        assert not setup.instructions
        assert "every 5 minutes" in setup.message
        assert webhooks.remove(world.services, world.store) == 0


def test_the_last_call_is_shown(world: World) -> None:
    assert webhooks.last_hit(world.services, world.store) is None
    accept(world, {"_model": "sale.order", "_id": 77})
    assert webhooks.last_hit(world.services, world.store) is not None


def test_the_command_line_shows_installs_and_removes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal import cli

    as_admin(world)
    monkeypatch.setattr("portal.console.open_services", lambda: world.services)
    run = CliRunner().invoke
    assert "has not called yet" in run(cli.main, ["webhooks", "install", "shop"]).output
    facts = json.loads(run(cli.main, ["webhooks", "show", "shop", "--json"]).output)
    assert "sale.order" in facts["installed"]
    assert json.loads(run(cli.main, ["webhooks", "remove", "shop", "--json"]).output) == {"removed": 3}
    assert run(cli.main, ["webhooks", "show", "nowhere"]).exit_code == 1


def test_the_set_up_says_what_is_missing_until_odoo_has_called(native: World) -> None:
    def standing() -> webhooks.Standing:
        with native.db.read() as session:
            native.store = session.get_one(Store, native.store.id)
        return webhooks.standing(native.services, native.store)

    with native.db.begin() as session:
        session.get_one(Store, native.store.id).odoo_profile = None
    assert "Test connection" in standing().missing[0]
    native.services.forget(native.store)
    as_admin(native)
    webhooks.show(native.services, native.store)
    assert "No automation rule is known for product.template" in standing().missing[0]
    webhooks.install(native.services, native.store)
    before = standing()
    assert (before.missing, before.waiting) == ((), True)
    assert not before.polled
    accept(native, {"token": "t", "entity": "stock", "odoo_id": 10**6, "qty": 1})
    assert not standing().waiting
    with native.db.begin() as session:
        stores.rotate_token(session, session.get_one(Store, native.store.id), "webhook", "test")
    assert "token has changed" in standing().missing[0]
    webhooks.install(native.services, native.store)
    assert standing().waiting, "the new rules have not called yet"
    webhooks.remove(native.services, native.store)
    assert not standing().installed
    native.set(products="off", stock="off", orders="0")
    assert any("Nothing travels from Odoo" in text for text in standing().missing)


def test_the_clicks_name_version_address_trigger_and_fields(native: World) -> None:
    major = native.odoo.db.profile.major
    text = "\n".join(webhook_rules.instructions(native.store, major, "https://portal.example.com/webhook?token=T"))
    assert f"Trigger: {'On create and edit' if major == 19 else 'On save'}." in text
    for said in ("Model: Quants (stock.quant)", "When updating: Quantity (quantity), Reserved Quantity (reserved_quantity).",
                 "Apply on: Edit domain, [('location_id.usage', '=', 'internal')].", "https://portal.example.com/webhook?token=T",
                 "Fields: Product (product_id), Location (location_id), Quantity (quantity)."):
        assert said in text, said


@pytest.mark.parametrize("version", ["14", "16"])
def test_where_odoo_cannot_call_the_poll_does_the_job(db: Database, config: Config, version: str) -> None:
    with make_world(db, Services(config, db), version=version, stock="both") as world:
        webhooks.show(world.services, world.store)
        with db.read() as session:
            found = webhooks.standing(world.services, session.get_one(Store, world.store.id))
        assert (found.polled, found.waiting, found.missing, found.instructions) == (True, False, (), ())
