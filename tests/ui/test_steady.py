"""Pages that refresh themselves do not jump while somebody reads them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser as Chromium

from portal.db import now
from portal.models import DriftRun, InitialRun, Rehearsal, SyncJob
from portal.sync import log
from tests.web.conftest import World, app, world  # noqa: F401
from tests.web.test_browser import address, full, open_page  # noqa: F401

ROUNDS = 12
"""A minute of refreshing."""
SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) window.shifted += one.value; })
    .observe({type: "layout-shift", buffered: true});
}"""
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(window.shifted))))"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_minute_of_refreshing_shifts_nothing(chromium: Chromium, world: World, address: str, full: int, width: int) -> None:  # noqa: F811
    with world.db.begin() as session:
        session.query(DriftRun).update({"state": "reading"})
        session.query(Rehearsal).update({"state": "reading"})
    page = open_page(chromium, address, viewport={"width": width, "height": 900})
    page.clock.install()
    for path in ("/", "/initial", "/rehearsal", "/drift", "/records/customer/2", "/log"):
        page.goto(f"{address}/stores/{world.mine}{path}")
        page.evaluate(SHIFTS)
        answers = []
        for number in range(ROUNDS if path == "/" else 4):
            go_on(world, full, number)
            with page.expect_response(re.compile("/live")) as answer:
                page.clock.run_for(5000)
            answers.append(answer.value.status)
        assert 200 in answers, path
        shifted = page.evaluate(SETTLED)
        assert shifted < 0.05, (path, shifted)
    page.context.close()


def go_on(world: World, dead: int, number: int) -> None:  # noqa: F811
    """What happens in five seconds of a busy shop: changes come, go through, fail; walks go on."""
    for count in range(3):
        world.job(world.mine, f"7{number}{count}", ("synced", "error", "dead")[count], attempts=1, finished_at=now())
    with world.db.begin() as session:
        log.write(session, world.mine, "Something happened.")
        session.query(InitialRun).update({"noticed": InitialRun.noticed + 100})
        session.query(DriftRun).update({"looked": DriftRun.looked + 1000})
        session.query(Rehearsal).update({"looked": Rehearsal.looked + 1000})
        session.get_one(SyncJob, dead).due_at = now() + timedelta(seconds=number)
        session.get_one(SyncJob, dead).state = "error" if number % 2 else "dead"
