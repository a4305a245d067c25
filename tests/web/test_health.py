from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.models import Circuit
from portal.web.health import Pulse, judge

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NONE = {"pending": 0, "synced": 0, "error": 0, "dead": 0}


def pulse(counts: dict[str, int] | None = None, **changes: Any) -> Pulse:
    values: dict[str, Any] = {"enabled": True, "dry_run": False, "tick_at": NOW, "worker_at": NOW, "last_synced": NOW}
    return Pulse(counts=NONE | (counts or {}), **(values | changes))


def circuit(side: str, state: str) -> Circuit:
    return Circuit(store_id=1, side=side, state=state, reason="The key is wrong.", remedy="Enter a new one.", since=NOW)


OLD = NOW - timedelta(minutes=30)


@pytest.mark.parametrize(("given", "level", "sentence"), [
    (pulse({"synced": 5}), "good", "All good. Last change synchronised"),
    (pulse(), "off", "Ready. Nothing was synchronised yet."),
    (pulse({"pending": 1}), "busy", "Working: 1 change is on the way."),
    (pulse({"pending": 1200}), "busy", "Working: 1,200 changes are on the way."),
    (pulse({"error": 2, "synced": 9}), "busy", "2 changes have failed and will be tried again by themselves."),
    (pulse({"error": 1}), "busy", "1 change has failed and will be tried again by itself."),
    (pulse({"dead": 1, "error": 3}), "warn", "1 change needs you."),
    (pulse({"dead": 3}), "warn", "3 changes need you."),
    (pulse({"pending": 4}, dry_run=True), "busy", "Dry run: what would be done is written to the log, and nothing is sent."),
    (pulse({"pending": 4}, enabled=False), "off", "Synchronization is off. 4 changes wait."),
    (pulse(enabled=False), "off", "Synchronization is off. Changes are noticed and wait."),
    (pulse({"pending": 10, "error": 4}, trouble=[circuit("odoo", "open")]), "warn",
     "Odoo cannot be reached. 14 changes are waiting; nothing is lost."),
    (pulse(trouble=[circuit("odoo", "open")]), "warn", "Odoo cannot be reached. Nothing is waiting, and nothing is lost."),
    (pulse({"pending": 1}, trouble=[circuit("odoo", "open"), circuit("shop", "paused")]), "bad",
     "The shop refuses the connection. 1 change is waiting; nothing is lost."),
    (pulse(tick_at=OLD), "bad", "Nobody looks for due work."),
    (pulse({"synced": 1}, tick_at=None, cron_at=NOW), "good", "All good. Last change synchronised"),
    (pulse({"pending": 2}, worker_at=OLD, due_since=OLD), "bad",
     "No worker takes the changes. 2 changes are waiting; nothing is lost."),
    (pulse({"pending": 2}, worker_at=OLD, due_since=NOW), "warn",
     "No worker is running. Changes are noticed and wait; nothing is lost."),
    (pulse({"synced": 2}, worker_at=None), "warn", "No worker is running. Changes are noticed and wait; nothing is lost."),
])
def test_the_worst_that_is_true_is_said_in_words(given: Pulse, level: str, sentence: str) -> None:
    health = judge(given, NOW)
    assert (health.level, health.sentence) == (level, sentence)


def test_trouble_says_what_to_do() -> None:
    refused = circuit("odoo", "paused")
    assert judge(pulse(trouble=[refused]), NOW).more == (
        "The key is wrong. Enter a new one. When you have mended it, press Process the queue now.")
    refused.probe_at = NOW
    assert "It is tried again every minute" in judge(pulse(trouble=[refused]), NOW).more
