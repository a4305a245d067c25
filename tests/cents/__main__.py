"""`python -m tests.cents [ORDERS]`: the whole run, on every core; the last line is `orders=N unequal_confirmed=N equal=P`."""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.cents.run import PROFILES, Count, generated, recorded, together

PARTS = 12


def main(count: int) -> int:
    """Exit status 0 only when no unequal order would be confirmed and at least 99.5 % are equal."""
    with ProcessPoolExecutor() as pool:
        truth = together(pool.map(recorded, [PROFILES[part::PARTS] for part in range(PARTS)]))
        _say("Recorded orders, every profile:")
        _tell(truth)
        _say(f"  {truth.orders} tried, {truth.equal} equal, {len(truth.held)} held, {truth.unequal_confirmed} confirmed unequal")
        found = together(pool.map(generated, [count // PARTS + (part < count % PARTS) for part in range(PARTS)], range(PARTS)))
    _say("Generated orders:")
    _tell(found)
    _say(found.line)
    return 0 if not found.unequal_confirmed and not truth.unequal_confirmed and found.equal >= found.orders * 0.995 else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _tell(count: Count) -> None:
    for cause, number in sorted(count.rounding.items()):
        _say(f"  rounding line because of {cause}: {number}")
    _say(f"  lines parted to reach the cent: {count.parted} orders")
    for cause, number in sorted(Counter(cause for _, cause, _ in count.held).items()):
        _say(f"  held, {cause}: {number}")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 24_000))
