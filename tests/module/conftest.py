"""The stub shop as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.module.shop import StubShop


@pytest.fixture
def shop(tmp_path: Path) -> StubShop:
    """A shop in which the module was just installed, connected to nothing."""
    made = StubShop(tmp_path)
    assert made.request(["install"])[0][0] is True
    return made
