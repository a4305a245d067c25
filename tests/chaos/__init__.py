"""Faults F1 to F35 with real processes, and a seeded random run: `python -m tests.chaos --seeds=N`."""
