"""`make bench`: every benchmark, one after the other."""

from __future__ import annotations

from bench import initial_sync

initial_sync.main()
