"""The cards of the initial sync: order, progress and pace, pause, resume and stop, and an end that names what needs a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.db import now
from portal.entities import registry
from portal.models import Circuit, InitialRun, LogEntry, Store, SyncJob
from portal.sync import initial, initial_runs, jobs
from portal.sync import queue as rq_queue
from portal.sync.initial_runs import Progress
from portal.web.initial import cards
from tests.web.conftest import ADMIN, Browser, World, words


def row(entity: str, state: str = "new", *, allowed: bool = True) -> Progress:
    return Progress(entity, registry.by_name(entity).label, state, allowed=allowed)


@pytest.mark.parametrize(("states", "enabled", "reasons"), [
    (["new", "new", "new"], True, ["", "First finish customers.", "First finish customers and products."]),
    (["reading", "new", "new"], True, ["", "First finish customers.", "First finish customers and products."]),
    (["finished", "new", "new"], True, ["", "", "First finish products."]),
    (["finished", "finished", "new"], True, ["", "", ""]),
    (["new", "new", "new"], False, ["Enable synchronization first."] * 3),
])
def test_the_buttons_follow_their_order(world: World, states: list[str], enabled: bool, reasons: list[str]) -> None:
    rows = [row(name, state) for name, state in zip(("customer", "product", "order"), states, strict=True)]
    with world.app.test_request_context():
        assert [card["reason"] for card in cards(rows, enabled=enabled)] == reasons


def test_entities_that_are_switched_off_hold_nothing_up(world: World) -> None:
    rows = [row("customer", allowed=False), row("product", "finished"), row("stock", allowed=False), row("order")]
    with world.app.test_request_context():
        found = cards(rows, enabled=True)
    assert "Switched off in the settings" in found[0]["reason"]
    assert found[3]["reason"] == ""


def test_an_initial_sync_is_started_shown_and_stopped(world: World, admin: Browser) -> None:
    base = f"/stores/{world.mine}/initial"
    assert "Enable synchronization first." in words(admin.post(f"{base}/customer/start", follow_redirects=True))
    admin.post(f"/stores/{world.mine}/settings/switch/enabled", {"value": "1"})
    assert "First finish customers" in words(admin.post(f"{base}/order/start", follow_redirects=True))
    assert "was started" in words(admin.post(f"{base}/customer/start", follow_redirects=True))
    assert "the shop is still being read" in words(admin.get(base))
    assert "Stopped" in words(admin.post(f"{base}/customer/cancel", follow_redirects=True))
    with world.db.read() as session:
        assert [run.state for run in session.query(InitialRun)] == ["cancelled"]
    for action in ("start", "pause", "resume", "cancel"):
        assert admin.post(f"{base}/unicorn/{action}").status_code == 404


def begun(world: World, number: int = 20, *, synced: int = 0, dead: int = 0, age: float = 120) -> int:
    """An enabled store whose walk through the customers is over; so many of them ended within the last minute."""
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.choices = {**store.choices, "enabled": True}
        run = initial.start(session, store, "customer", ADMIN)
        run.state, run.noticed, run.created_at = "queued", number, now() - timedelta(seconds=age)
        jobs.notice_many(session, store, "customer", "ps_to_odoo", [str(n) for n in range(number)], source="initial",
                         run_id=run.id)
        ended = session.query(SyncJob).order_by(SyncJob.id).limit(synced + dead).all()
        for place, job in enumerate(ended):
            job.state, job.finished_at = "synced" if place < synced else "dead", now() - timedelta(seconds=30)
        return run.id


def due(world: World) -> int:
    with world.db.read() as session:
        return sum(map(len, rq_queue.due_groups(session, world.mine)))


def test_a_card_tells_the_pace_and_what_is_left(world: World, admin: Browser) -> None:
    begun(world, 600, synced=118, dead=2)
    text = words(admin.get(f"/stores/{world.mine}/initial"))
    assert "120 of 600, 2 need you" in text
    assert "2 a second · about 4 minutes left" in text


def test_a_card_says_no_pace_before_it_can_know_it(world: World, admin: Browser) -> None:
    begun(world, 600, synced=5, age=5)
    text = words(admin.get(f"/stores/{world.mine}/initial"))
    assert "Under way" in text
    assert " left" not in text


def test_what_is_paused_waits_while_live_changes_go_on_and_survives_a_restart(world: World, admin: Browser) -> None:
    run = begun(world)
    base = f"/stores/{world.mine}/initial"
    assert due(world) == 20
    assert "Customers are paused." in words(admin.post(f"{base}/customer/pause", follow_redirects=True))
    assert due(world) == 0
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        ids = list(session.query(SyncJob.id).filter_by(run_id=run).all())
        assert not jobs.claim(session, store, "customer", [row[0] for row in ids], lease_seconds=60), "nor what RQ has already"
        jobs.notice(session, store, "customer", "ps_to_odoo", "7", source="hook")
    assert due(world) == 1, "a customer who changes now does not wait"
    text = words(admin.get(base))
    assert "Paused" in text
    assert "Go on with customers" in text
    assert "go on where they were" in words(admin.post(f"{base}/customer/resume", follow_redirects=True))
    assert due(world) == 20
    with world.db.read() as session:
        lines = [(entry.message, entry.actor) for entry in session.query(LogEntry)]
    assert ("Initial sync of customers was paused.", ADMIN) in lines
    assert ("Initial sync of customers goes on.", ADMIN) in lines


def test_a_sync_that_cannot_go_on_says_so(world: World, admin: Browser) -> None:
    begun(world)
    base = f"/stores/{world.mine}/initial"
    assert "Stopped" not in words(admin.get(base))
    with world.db.begin() as session:
        session.add(Circuit(store_id=world.mine, side="shop", state="paused", reason="No key.", remedy="", since=now()))
    assert "Stopped A connection does not work: see why" in words(admin.get(base))
    assert "Stopped" in words(admin.get(f"{base}/live"))


def test_pressing_start_or_the_command_line_lets_what_is_paused_go_on(world: World, admin: Browser) -> None:
    run = begun(world)
    with world.db.begin() as session:
        session.get_one(InitialRun, run).state = "reading"
    admin.post(f"/stores/{world.mine}/initial/customer/pause")
    with world.db.begin() as session:
        assert initial.start(session, session.get_one(Store, world.mine), "customer", "command line").id == run
        assert session.get_one(InitialRun, run).paused_at is None


def test_stopping_asks_first_and_keeps_what_changed_by_itself(world: World, admin: Browser) -> None:
    begun(world, 1000)
    with world.db.begin() as session:
        jobs.notice(session, session.get_one(Store, world.mine), "customer", "ps_to_odoo", "7", source="hook")
    address = f"/stores/{world.mine}/initial/customer/cancel"
    assert "Discard 999 changes?" in words(admin.post(address))
    assert due(world) == 1000
    text = words(admin.post(address, {"confirmed": "1"}, follow_redirects=True))
    assert "999 changes that had not been sent were discarded." in text
    assert due(world) == 1


def test_the_end_names_what_needs_a_person(world: World, admin: Browser) -> None:
    begun(world, 20, synced=18, dead=2)
    html = admin.get(f"/stores/{world.mine}/initial").text
    assert "Finished: 18 synced" in html
    assert f'href="/stores/{world.mine}/dead?entity=customer">2 need you' in html


def test_progress_is_the_same_on_the_command_line(world: World) -> None:
    begun(world, 20, synced=18, dead=2)
    with world.db.read() as session:
        facts = vars(initial_runs.of_entity(session, session.get_one(Store, world.mine), "customer", allowed=True))
    assert {key: facts[key] for key in ("state", "noticed", "done", "failed", "waiting", "paused")} == {
        "state": "finished", "noticed": 20, "done": 18, "failed": 2, "waiting": 0, "paused": False}
