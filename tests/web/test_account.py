"""The time zone that a user chooses for the pages."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert

from portal.models import LogEntry, Store
from tests.web.conftest import Browser, World
from tests.web.test_logbook import MARCH, found


@pytest.fixture
def entry(world: World) -> World:
    """An entry of the second minute of March in Tokyo, with a shop in Paris."""
    with world.db.begin() as session:
        session.get_one(Store, world.mine).shop_profile = {"timezone": "Europe/Paris"}
        session.execute(insert(LogEntry).values(store_id=world.mine, at=MARCH.replace(month=2, day=28, hour=15, minute=1),
                                                level="info", message="entry 1."))
    return world


def shown(world: World, browser: Browser) -> str:
    """The exact time of the only old entry."""
    return str(re.findall(r'<time datetime="2026-02-28[^"]*" title="([^"]*)"', browser.get(f"/stores/{world.mine}/log").text)[0])


def choose(browser: Browser, zone: str) -> int:
    return browser.post("/account", {"zone": zone}).status_code


def test_times_stand_in_the_zone_that_the_user_chose(entry: World, admin: Browser, member: Browser) -> None:
    assert shown(entry, admin) == "28 Feb 2026, 16:01:00 GMT+01:00", "the browser has told nothing yet: as in the shop"
    admin.client.set_cookie("zone", "America/New_York")
    assert shown(entry, admin) == "28 Feb 2026, 10:01:00 GMT-05:00"
    assert choose(admin, "shop") == 303
    assert shown(entry, admin) == "28 Feb 2026, 16:01:00 GMT+01:00"
    assert choose(admin, "Asia/Tokyo") == 303
    assert shown(entry, admin) == "1 Mar 2026, 00:01:00 GMT+09:00"
    assert 'data-zone="Asia/Tokyo"' in admin.get("/account").text
    assert "<option selected>Asia/Tokyo</option>" in admin.get("/account").text
    assert shown(entry, member) == "28 Feb 2026, 16:01:00 GMT+01:00", "each user chooses for themself"
    admin.post("/language", {"language": "fr"})
    assert shown(entry, admin) == "1 mars 2026, 00:01:00 UTC+09:00"


def test_days_and_downloads_follow_the_zone(entry: World, admin: Browser) -> None:
    day = f"/stores/{entry.mine}/log?since=2026-03-01&until=2026-03-01"
    assert found(admin.get(day).text) == []
    choose(admin, "Asia/Tokyo")
    assert found(admin.get(day).text) == ["entry 1."]
    lines = admin.get(f"/stores/{entry.mine}/log.csv?q=entry").text.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Time (Asia/Tokyo)", "2026-03-01T00:01:00+09:00"]


@pytest.mark.parametrize("wrong", ["Mars/Olympus", "../../etc/passwd", "<img src=x>", "x" * 300])
def test_only_zones_that_exist_are_taken(entry: World, admin: Browser, wrong: str) -> None:
    assert choose(admin, wrong) == 422
    admin.client.set_cookie("zone", wrong)
    assert shown(entry, admin) == "28 Feb 2026, 16:01:00 GMT+01:00"
    assert admin.get("/account").status_code == 200
