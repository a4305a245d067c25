"""`portal …` in a process of its own that is forked from one with everything imported, since starting Python anew takes longer than
most commands."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
SECONDS = 120.0
IMPORTED = ["portal.cli", "portal.web.accounts", "portal.migrate", "tests.command"]


def run(words: Sequence[str], env: dict[str, str], given: str, folder: Path) -> tuple[int | None, str, str]:
    """Exit code (None: it did not end in time), standard output and standard error of a command."""
    FORKS.set_forkserver_preload(IMPORTED)
    paths = [folder / name for name in ("stdin", "stdout", "stderr")]
    paths[0].write_text(given)
    process = FORKS.Process(target=_become, args=(list(words), env, [str(path) for path in paths]), daemon=True)
    process.start()
    process.join(SECONDS)
    code = process.exitcode
    process.kill()
    process.join()
    process.close()
    return code, paths[1].read_text(), paths[2].read_text()


def _become(words: list[str], env: dict[str, str], paths: list[str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    for number, (path, flags) in enumerate(zip(paths, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT | os.O_TRUNC] * 2), strict=True)):
        os.dup2(os.open(path, flags, 0o600), number)
    sys.stdin = os.fdopen(0)
    from portal.cli import main

    main(words, prog_name="portal")
