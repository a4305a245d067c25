from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from portal.config import Config
from tests.ui.house import House, open_house
from tests.ui.person import PATIENCE

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[
            "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        yield browser
        browser.close()


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
