"""One worker process: `python worker.py`, as many as you like, on any machine that reaches the database and Redis."""

from __future__ import annotations

import sys

from portal.worker import work

if __name__ == "__main__":
    sys.exit(work())
