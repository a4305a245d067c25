from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.installation import Installation, RedisServer, empty_sqlite, install
from tests.conftest import POSTGRES

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These are slow; they run in `make chaos`, not in `make test`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.chaos)


@pytest.fixture(scope="session")
def queue_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("queue"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "portal.sqlite3"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path, queue_server: RedisServer, template: Path) -> Iterator[Installation]:
    """An installation whose processes a test starts and kills; at its end what must always hold is checked."""
    if request.param == "postgres":
        request.getfixturevalue("postgres")
        url = POSTGRES
    else:
        url = empty_sqlite(template, tmp_path / "portal.sqlite3")
    queue_server.kill(empty=True)
    queue_server.start()
    with install(tmp_path, queue_server, url=url, version="17", shop_version="9.1.4", poll_minutes=0, order_confirm=True) as world:
        yield world
        world.check()
