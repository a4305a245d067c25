from __future__ import annotations

from portal.sync import backoff


def seconds(wait: object) -> float:
    return wait.total_seconds()  # type: ignore[attr-defined, no-any-return]


def test_failed_attempts_wait_longer_each_time_up_to_an_hour() -> None:
    assert [seconds(backoff.after_attempt(n, jitter=0)) for n in range(7)] == [15, 15, 60, 240, 960, 3600, 3600]


def test_a_side_that_is_down_is_probed_soon_at_first_and_then_every_minute() -> None:
    assert [seconds(backoff.before_probe(n, jitter=0)) for n in range(7)] == [5, 5, 10, 20, 40, 60, 60]


def test_a_change_that_waits_for_another_looks_by_itself_within_the_hour() -> None:
    assert [seconds(backoff.after_block(n)) / 60 for n in (0, 1, 2, 11, 12, 13)] == [5, 5, 10, 55, 60, 60]


def test_waits_are_spread_by_a_tenth_so_that_not_everything_comes_back_at_once() -> None:
    assert seconds(backoff.after_attempt(1, jitter=0.1)) == 16.5
    assert seconds(backoff.before_probe(1, jitter=-0.1)) == 4.5
    for wait, middle in ((backoff.after_attempt, 15), (backoff.before_probe, 5)):
        waits = {seconds(wait(1)) for _ in range(200)}
        assert middle * 0.9 <= min(waits) < middle < max(waits) <= middle * 1.1
        assert max(waits) - min(waits) > middle * 0.1
