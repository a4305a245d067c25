"""Frozen records: the dashboard and the record's page say so and why, and a person thaws them."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from portal import frozen_commands
from portal.console import show
from portal.db import now
from portal.extensions import services
from portal.models import Bounce, LogEntry, Mapping, Store, SyncJob
from portal.sync import alerts, bounces
from portal.sync.services import Services
from portal.web import health
from tests.web.conftest import MEMBER, Browser, World, words

REASON = "The name went to and fro between shop and Odoo: something changes it again after each write."


def freeze(world: World, record: str = "12", store_id: int | None = None, **values: Any) -> int:
    """A record is frozen, and a change of it waits; the job."""
    number = store_id or world.mine
    with world.db.begin() as session:
        store = session.get_one(Store, number)
        session.add(Bounce(store_id=number, **{"target": store.target, "entity": "product", "record": record, "odoo_id": 77,
                                               "frozen_at": now(), "reason": REASON, **values}))
        session.add(Mapping(store_id=number, target=store.target, entity="product", shop_id=record, odoo_id=77,
                            base={"name": "Mug", "reference": "MUG-1"}))
    return world.job(number, record, "blocked", entity="product", cause=bounces.CAUSE, message=REASON, remedy=bounces.REMEDY)


def base(world: World) -> str:
    return f"/stores/{world.mine}"


def state(world: World, job_id: int) -> str:
    with world.db.read() as session:
        return str(session.get_one(SyncJob, job_id).state)


def test_dashboard_list_and_record_say_what_is_frozen_and_why(world: World, member: Browser) -> None:
    assert "frozen" not in words(member.get(f"{base(world)}/"))
    assert "Nothing is frozen." in words(member.get(f"{base(world)}/frozen"))
    freeze(world)
    freeze(world, "13", target="http://old|db")
    freeze(world, "14", world.other)
    assert "One record is frozen: something changes it after each write" in words(member.get(f"{base(world)}/"))
    text = words(member.get(f"{base(world)}/frozen"))
    for said in ("Product 12", "Mug · MUG-1", REASON, bounces.REMEDY):
        assert said in text, said
    assert "Product 13" not in text
    assert "Product 14" not in text
    text = words(member.get(f"{base(world)}/records/product/12"))
    for said in ("Frozen", REASON, bounces.REMEDY, "Thaw", "Held back"):
        assert said in text, said
    with world.db.read() as session:
        store = session.get_one(Store, world.mine)
        store.choices = {**store.choices, "enabled": True}
        beats = {"tick_at": now(), "worker_at": now(), "frozen": 1}
        counted = {"pending": 1, "synced": 5, "error": 1, "dead": 0}
        assert health.judge(health.Pulse(counted, enabled=True, dry_run=False, **beats), now()).sentence == "1 record is frozen."
        assert alerts.troubles(session, store)["frozen"].title == "1 record is frozen"


def test_a_person_thaws_a_record_and_the_log_names_who(world: World, member: Browser) -> None:
    job = freeze(world)
    answer = member.post(f"{base(world)}/frozen/thaw", {"entity": "product", "record": "12"})
    assert "It goes on now." in words(member.get(answer.location))
    assert state(world, job) == "pending"
    with world.db.read() as session:
        entry = session.query(LogEntry).order_by(LogEntry.id.desc()).first()
        assert entry is not None
        assert (entry.actor, entry.message) == (MEMBER, "Product 12 was thawed.")
    again = member.post(f"{base(world)}/frozen/thaw", {"entity": "product", "record": "12"})
    assert "It is not frozen any more." in words(member.get(again.location))


def test_all_are_thawed_at_once_and_nobody_elses(world: World, member: Browser) -> None:
    mine, other = [freeze(world, str(number)) for number in range(20, 23)], freeze(world, "12", world.other)
    answer = member.post(f"{base(world)}/frozen/thaw-all")
    assert "3 records go on now." in words(member.get(answer.location))
    assert [state(world, job) for job in mine] == ["pending"] * 3
    assert state(world, other) == "blocked"
    assert member.post(f"/stores/{world.other}/frozen/thaw-all").status_code in (403, 404)
    assert state(world, other) == "blocked"


def test_the_command_line_lists_and_thaws(world: World) -> None:
    with world.app.app_context():
        mine = services()

    def open_store(name: str) -> tuple[Services, Store]:
        with world.db.read() as session:
            return mine, session.query(Store).filter_by(name=name).one()

    def portal(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(frozen_commands.group(open_store, show), list(words))
        assert result.exit_code == code, result.output
        return result.output

    assert "Nothing is frozen." in portal("list", "Mine")
    job, more = freeze(world), freeze(world, "13")
    facts = json.loads(portal("list", "Mine", "--json"))
    assert [(row["record"], row["reason"]) for row in facts] == [("12", REASON), ("13", REASON)]
    assert f"product 12, since {now():%Y}" in portal("list", "Mine")
    portal("thaw", "Mine", code=2)
    assert "1 thawed." in portal("thaw", "Mine", "product", "12")
    assert "product 12 is not frozen" in portal("thaw", "Mine", "product", "12", code=1)
    assert "1 thawed." in portal("thaw", "Mine", "--all")
    assert [state(world, number) for number in (job, more)] == ["pending", "pending"]
