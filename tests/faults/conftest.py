from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from redis import Redis

from portal import migrate, rq_setup
from portal.config import Config
from portal.db import Database, make_engine
from portal.sync.services import Services
from tests.conftest import POSTGRES
from tests.world import World, make_world


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, config: Config, redis_server: Config, redis: Redis) -> Iterator[World]:
    """A store on the sandbox with a database and a Redis that real worker processes share with the test."""
    url = f"sqlite:///{config.data_dir / 'portal.sqlite3'}"
    if request.param == "postgres":
        request.getfixturevalue("postgres")
        url = POSTGRES
    config = dataclasses.replace(config, database_url=url, redis_url=rq_setup.redis_url(redis_server))
    if request.param == "sqlite":
        migrate.upgrade(config)
    db = Database(make_engine(url))
    services = Services(config, db, rq_setup.connect_redis(config))
    with make_world(db, services) as world:
        yield world
    services.close()
