"""The log page: filters in the address, looking back a bounded stretch at a time, CSV, and who changed what."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from portal.models import LogEntry, Store
from portal.sync import log, logbook, stores
from portal.sync.logbook import Wanted
from tests.web.conftest import ADMIN, Browser, World, words

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def write(world: World, number: int, *, first: datetime = MARCH, store: int | None = None) -> None:
    """One entry an hour; every hundredth a warning, every 250th of a person."""
    with world.db.begin() as session:
        session.execute(insert(LogEntry), [
            {"store_id": store or world.mine, "at": first + timedelta(hours=n), "level": "warning" if n % 100 == 99 else "info",
             "entity": "order" if n % 2 else "customer", "record": str(n), "dry_run": False,
             "actor": ADMIN if n % 250 == 249 else "", "message": f"entry {n}."} for n in range(number)])


def page(world: World, browser: Browser, query: str = "") -> str:
    return browser.get(f"/stores/{world.mine}/log{query}").text


def found(html: str) -> list[str]:
    return re.findall(r'class="message">\s*(.*?)(?: <small|</td>)', html)


def test_the_log_is_filtered(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        log.write(session, world.mine, "100% sure", level="error", entity="order")
        log.write(session, world.mine, "would create", dry_run=True, entity="product", direction="odoo_to_ps")
    assert "would create" in page(world, admin, "?dry_run=1")
    assert "100% sure" not in page(world, admin, "?dry_run=1")
    assert "would create" in page(world, admin, "?direction=odoo_to_ps")
    assert "Nothing matches" in page(world, admin, "?direction=ps_to_odoo")
    assert "100% sure" in page(world, admin, "?level=error&entity=order&q=100%25")
    assert "Nothing matches" in page(world, admin, "?q=%25%25")
    assert admin.get(f"/stores/{world.mine}/log?since=nonsense&until=2026-99-99&level=loud&before=x").status_code == 200


def test_all_entries_are_reached_page_by_page_with_the_filter_in_the_address(world: World, admin: Browser) -> None:
    write(world, 450)
    write(world, 30, store=world.other)
    seen: list[str] = []
    query = "?entity=order"
    for _ in range(9):
        html = page(world, admin, query)
        seen += found(html)
        link = re.search(r'href="[^"]*(\?[^"]*before=[^"]*)"[^>]*>(?:Older entries|Search further back)', html)
        if link is None:
            break
        query = unescape(link[1])
        assert "entity=order" in query
    assert seen == [f"entry {n}." for n in range(449, 0, -2)]


def test_a_period_is_found_by_its_days(world: World, admin: Browser) -> None:
    write(world, 24 * 10)
    entries = found(page(world, admin, "?since=2026-03-03&until=2026-03-04"))
    assert entries == [f"entry {n}." for n in range(95, 47, -1)]
    assert "Nothing matches" in page(world, admin, "?since=2096-05-01")
    assert "Nothing matches" in page(world, admin, "?until=2025-05-01")


def test_the_page_says_how_many_entries_came_since_it_was_opened(
        world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    write(world, 3)

    def news(html: str) -> str:
        link = re.search(r'hx-get="([^"]+)"', html)
        assert link is not None
        answer = admin.get(unescape(link[1]))
        return answer.text if answer.status_code == 200 else str(answer.status_code)

    opened = page(world, admin, "?level=error")
    assert "new entr" not in opened
    assert news(opened) == "204"
    with world.db.begin() as session:
        log.write(session, world.mine, "of no interest")
        log.write(session, world.mine, "refused", level="error")
    one = news(opened)
    assert "1 new entry" in one
    assert 'href="/stores/1/log?level=error"' in one
    assert news(one) == "204", "the reader has seen that number"
    for after in (10**30, -(10**30)):
        assert admin.get(f"/stores/{world.mine}/log/live?after={after}").status_code == 204
    monkeypatch.setattr("portal.web.logbook.MOST_NEWS", 2)
    with world.db.begin() as session:
        for _ in range(5):
            log.write(session, world.mine, "refused", level="error")
    assert "More than 2 new entries" in news(one)
    write(world, 300)
    assert "hx-get" not in page(world, admin, f"?before={10**6}"), "who looks back is not asked"


def test_a_page_looks_back_only_so_far_and_offers_to_go_on(world: World, monkeypatch: pytest.MonkeyPatch, admin: Browser) -> None:
    monkeypatch.setattr(logbook, "STRETCH", 100)
    monkeypatch.setattr(logbook, "BUDGET", 0)
    monkeypatch.setattr(logbook.find, "__kwdefaults__", {**(logbook.find.__kwdefaults__ or {}), "seconds": 0})
    write(world, 1000)
    html = page(world, admin, "?q=entry+5.")
    presses = 0
    while not found(html):
        assert "Everything was looked through back to" in html
        link = re.search(r'href="([^"]+)"[^>]*>Search further back', html)
        assert link is not None
        html = admin.get(unescape(link[1])).text
        presses += 1
    assert found(html) == ["entry 5."]
    assert presses == 9


def test_trouble_and_people_are_found_among_many(world: World, admin: Browser) -> None:
    write(world, 1000)
    assert found(page(world, admin, "?level=warning")) == [f"entry {n}." for n in range(999, 0, -100)]
    assert found(page(world, admin, "?who=people")) == [f"entry {n}." for n in range(999, 0, -250)]
    assert found(page(world, admin, f"?q={ADMIN}")) == [f"entry {n}." for n in range(999, 0, -250)]


def test_the_table_holds_what_matches_and_no_formula(world: World, admin: Browser) -> None:
    write(world, 2500)
    with world.db.begin() as session:
        log.write(session, world.mine, '=HYPERLINK("http://evil.example")', entity="order", actor="+admin@example.com")
    answer = admin.get(f"/stores/{world.mine}/log.csv?entity=order")
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["Time (UTC)", *logbook.HEADER]
    assert len(rows) == 1 + 1251
    assert rows[1][-2:] == ["'+admin@example.com", "'=HYPERLINK(\"http://evil.example\")"]
    assert rows[-1][0] == "2026-03-01T01:00:00+00:00"


def test_the_table_is_made_part_by_part(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "_EXPORTED", 50)
    write(world, 500)
    lines = logbook.table(world.db, world.mine, Wanted(), ZoneInfo("UTC"))
    next(lines)
    for _ in range(60):
        next(lines)
    with world.db.begin() as session:
        session.query(LogEntry).delete()
    assert len(list(lines)) < 50, "what was not read yet is not in memory"


def test_the_log_says_who_changed_which_setting_from_what_to_what(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        stores.change_store(session, store, {"max_attempts": 9, "odoo_db": "live", "odoo_key": "NEW-SECRET"}, ADMIN)
    text = words(admin.get(f"/stores/{world.mine}/log?who=people"))
    assert "Odoo database: live (was odoo)" in text
    assert "Attempts: 9 (was 5)" in text
    assert "Odoo API key" in text
    assert "NEW-SECRET" not in text
    assert ADMIN in text
    assert "What people did and changed" in text


def test_strangers_get_no_table(world: World, member: Browser) -> None:
    assert member.get(f"/stores/{world.other}/log.csv").status_code == 404


def test_an_empty_log_says_what_comes_next(world: World, admin: Browser) -> None:
    with world.db.begin() as session:
        session.query(LogEntry).delete()
    assert "See the first steps" in page(world, admin)
