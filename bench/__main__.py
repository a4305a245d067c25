"""`make bench`: every benchmark, one after the other."""

from __future__ import annotations

from bench import initial_sync, load, pages, stock_pull

initial_sync.main()
stock_pull.main()
pages.main()
load.main()
