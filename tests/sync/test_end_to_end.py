"""A whole shop reaches every Odoo, through the real clients and the sandbox's real HTTP servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.config import Config
from portal.db import Database
from portal.sync.services import Services
from tests.world import World, make_world

VERSIONS = ["14", "15", "16", "17", "18", "19"]


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, db: Database, config: Config) -> Iterator[World]:
    with make_world(db, Services(config, db), version=request.param) as world:
        yield world


def test_the_demo_shop_arrives_whole_and_a_second_run_changes_nothing(world: World) -> None:
    counts = world.sync("customer", "product", "stock", "order")
    trouble = {job.message for job in world.jobs("dead", "error")}
    assert (counts["dead"], counts["error"], counts["pending"]) == (0, 0, 0), trouble
    before = world.written()
    world.sync("customer", "product", "stock", "order")
    assert world.written() == before


def test_an_order_that_comes_first_brings_its_customer_and_products_along(world: World) -> None:
    job_id = world.notice("order", min(world.shop.shop.tables["orders"].ids()))
    world.drain()
    job = world.job(job_id)
    assert (job.state, job.attempts) == ("synced", 0), job.message
    assert world.counts()["dead"] == world.counts()["error"] == 0
