"""The activity of a day as bars: the numbers a template needs to draw them, and the sentence for who cannot see them. No Flask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.sync.activity import Hour

HEIGHT = 80
STEP = 10
GAP = 2
LEAST = 2
"""The height of a bar that is not nothing."""
PARTS = ("synced", "failed", "dead")


@dataclass(frozen=True)
class Bar:
    """One coloured part of an hour's bar."""

    kind: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Chart:
    """The bars and what they say in total."""

    hours: Sequence[Hour]
    bars: list[Bar]
    width: int
    height: int
    synced: int
    failed: int
    dead: int
    busiest: Hour | None


def draw(hours: Sequence[Hour]) -> Chart:
    """Bars from the oldest hour on the left to the present one; parts are stacked and scaled to the busiest hour."""
    top = max((hour.synced + hour.failed + hour.dead for hour in hours), default=0)
    bars: list[Bar] = []
    for place, hour in enumerate(hours):
        base = HEIGHT
        for kind in PARTS:
            number = getattr(hour, kind)
            if number:
                height = max(round(number / top * (HEIGHT - LEAST * len(PARTS))), LEAST)
                base -= height
                bars.append(Bar(kind, place * STEP + GAP // 2, base, STEP - GAP, height))
    busiest = max(hours, key=lambda hour: hour.synced + hour.failed + hour.dead, default=None)
    return Chart(hours, bars, STEP * len(hours), HEIGHT, sum(h.synced for h in hours), sum(h.failed for h in hours),
                 sum(h.dead for h in hours), busiest if top else None)
