"""The process tree, with real processes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portal.processes import LONGEST_PAUSE, pause_after
from tests.platform.standin import Running

pytestmark = pytest.mark.processes
WAITING = {"name": "worker", "mode": "wait"}
SERVER = {"name": "redis", "mode": "wait", "needed": True}
Start = Callable[..., Running]
LEASHES = [pytest.param("kernel", marks=pytest.mark.skipif(sys.platform != "linux", reason="a feature of Linux")), "warden"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def _start(*children: dict[str, Any], **options: Any) -> Running:
        started.append(Running(*children, **options))
        return started[-1]

    yield _start
    for running in started:
        running.close()


def test_a_killed_child_is_started_again(start: Start) -> None:
    running = start(WAITING)
    first = int(running.expect("worker started"))
    os.kill(first, signal.SIGKILL)
    assert running.expect("log worker ended") == "(-9); starting it again in 0.2 s"
    assert int(running.expect("worker started")) != first


def test_a_child_that_keeps_failing_waits_twice_as_long_each_time_and_is_repaired_after_three(start: Start) -> None:
    running = start({"name": "broken", "mode": "fail"}, WAITING)
    for pause in ("0.2", "0.4", "0.8"):
        assert running.expect("log broken ended") == f"(3); starting it again in {pause} s"
    running.expect("repaired")
    assert running.expect("broken started")


def test_the_pause_never_grows_beyond_its_limit() -> None:
    assert [pause_after(n) for n in (1, 2, 3, 8)] == [0.2, 0.4, 0.8, 25.6]
    assert pause_after(9) == pause_after(10_000) == LONGEST_PAUSE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_the_needed_ones_last_and_leaves_nothing(start: Start, number: int) -> None:
    running = start(SERVER, WAITING, {"name": "web", "mode": "wait"})
    running.expect_all("redis started", "worker started", "web started")
    running.signal(number)
    ends = [line for line in running.gone() if line.endswith(("ended", "stopped"))]
    assert sorted(ends[:2]) == ["web ended", "worker ended"]
    assert ends[2:] == ["redis ended", "stopped"]
    assert running.process.wait(5) == 0


def test_a_child_that_does_not_listen_is_killed_when_the_time_is_over(start: Start) -> None:
    running = start({"name": "deaf", "mode": "stubborn"}, stop_seconds=0.3)
    running.expect("deaf started")
    running.signal(signal.SIGTERM)
    running.gone()
    assert running.process.wait(5) == 0


def test_a_second_signal_does_not_wait_for_the_children(start: Start) -> None:
    running = start({"name": "deaf", "mode": "stubborn"}, WAITING, stop_seconds=3600)
    running.expect_all("deaf started", "worker started")
    running.signal(signal.SIGTERM)
    running.expect("worker ended")
    running.signal(signal.SIGTERM)
    running.gone()
    assert running.process.wait(5) == 0


@pytest.mark.parametrize("leash", LEASHES)
def test_when_the_tree_itself_is_killed_no_child_survives(start: Start, leash: str) -> None:
    running = start(SERVER, WAITING, {"name": "deaf", "mode": "stubborn"}, leash=leash)
    running.expect_all("redis started", "worker started", "deaf started")
    running.signal(signal.SIGKILL)
    running.gone()


@pytest.mark.parametrize("leash", LEASHES)
def test_what_a_child_started_goes_with_the_child(start: Start, leash: str) -> None:
    running = start({"name": "web", "mode": "parent"}, leash=leash)
    running.expect_all("web started", "web-offspring started")
    os.kill(next(int(line.split()[2]) for line in running.lines if line.startswith("web started")), signal.SIGKILL)
    running.expect_all("web started", "web-offspring started")
    running.signal(signal.SIGTERM)
    running.gone()
    assert running.process.wait(5) == 0
