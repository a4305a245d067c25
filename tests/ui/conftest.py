from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.config import Config
from tests.ui.house import House, open_house

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, redis_server: Config) -> Iterator[House]:
    """A portal with an administrator, without stores."""
    with open_house(tmp_path_factory.mktemp("house"), redis_server, admin=True) as house:
        yield house


@pytest.fixture
def empty_house(tmp_path: Path, redis_server: Config) -> Iterator[House]:
    """A portal as it is after it was installed: nobody may log in yet."""
    with open_house(tmp_path, redis_server, admin=False) as house:
        yield house


@pytest.fixture(params=["mouse", "keyboard"])
def hand(request: pytest.FixtureRequest) -> str:
    return str(request.param)
