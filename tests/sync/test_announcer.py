from __future__ import annotations

import threading

import pytest
from sqlalchemy.exc import OperationalError

from portal.sync import announcer
from portal.sync.announcer import Announcer


@pytest.fixture(autouse=True)
def no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcer, "GAP_SECONDS", 0)


def test_who_asks_does_not_wait_and_many_at_once_are_told_together() -> None:
    begun, go_on, told = threading.Event(), threading.Event(), []

    def tell() -> None:
        begun.set()
        assert go_on.wait(10)
        told.append(1)

    one = Announcer(tell)
    one.ask()
    assert begun.wait(10)
    begun.clear()
    for _ in range(50):
        one.ask()
    go_on.set()
    assert begun.wait(10), "what was asked meanwhile is told afterwards"
    one.end()
    assert len(told) == 2


def test_a_database_that_is_away_does_not_end_it() -> None:
    came = threading.Event()
    answers = [OperationalError("", {}, Exception()), None]

    def tell() -> None:
        error = answers.pop(0)
        if error:
            one.ask()
            raise error
        came.set()

    one = Announcer(tell)
    one.ask()
    assert came.wait(10)
    one.end()


def test_after_the_end_nothing_is_told() -> None:
    told: list[int] = []
    one = Announcer(lambda: told.append(1))
    one.end()
    one.ask()
    one.end()
    assert not told
