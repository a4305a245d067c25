"""A process tree of stand-ins: `python -m tests.platform.standin tree '{…}'` runs `portal.processes.Tree` over children that say
on standard output what happens to them. The end of that stream means that not one process of the tree is left."""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 90.0
"""Seconds without any event, after which a test gives up; generous, since a busy machine is no fault."""


class Running:
    """A started tree, and the lines its processes print."""

    def __init__(self, *children: dict[str, Any], **options: Any) -> None:
        plan = json.dumps({"children": children, **options})
        self.watch(subprocess.Popen([sys.executable, "-m", "tests.platform.standin", "tree", plan], cwd=ROOT,
                                    stdout=subprocess.PIPE, start_new_session=True))

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """Take what the process and its children print from now on."""
        self.process = process
        assert self.process.stdout is not None
        self._out = self.process.stdout
        os.set_blocking(self._out.fileno(), False)
        self._text = b""
        self.lines: list[str] = []

    def expect(self, start: str) -> str:
        """The rest of the next line that begins so; fails when the stream ends or nothing comes."""
        while (line := self._line()) is not None:
            if line.startswith(start):
                return line.removeprefix(start).strip()
        raise AssertionError(f"ended without {start!r}: {self.lines}")

    def expect_all(self, *starts: str) -> None:
        """Wait until a line begins with each of these, in any order."""
        missing = set(starts)
        while missing:
            line = self.expect("")
            missing -= {start for start in missing if line.startswith(start)}

    def gone(self) -> list[str]:
        """Wait until no process of the tree is left; the lines until then."""
        seen: list[str] = []
        while (line := self._line()) is not None:
            seen.append(line)
        return seen

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        self._out.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)

    def _line(self) -> str | None:
        deadline = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            while b"\n" not in self._text:
                assert selector.select(deadline - time.monotonic()), f"nothing happens after {self.lines}"
                piece = os.read(self._out.fileno(), 65536)
                if not piece:
                    return None
                self._text += piece
        raw, _, self._text = self._text.partition(b"\n")
        self.lines.append(raw.decode())
        return self.lines[-1]


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def child(name: str, mode: str) -> None:
    """What a stand-in does: `wait` for SIGTERM, be `stubborn`, `fail` at once, or be a `parent` of a stubborn one."""
    if mode == "parent":
        subprocess.Popen([sys.executable, "-m", "tests.platform.standin", "child", f"{name}-offspring", "stubborn"])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    say(f"{name} started {os.getpid()}")
    if mode == "fail":
        sys.exit(3)
    if mode == "stubborn":
        while True:
            signal.sigwait({signal.SIGTERM})
    signal.sigwait({signal.SIGTERM})
    say(f"{name} ended")


def tree(plan: dict[str, Any]) -> None:
    from portal.processes import Child, Tree

    logging.basicConfig(stream=sys.stdout, format="log %(message)s", level=logging.INFO)
    options = {key: plan[key] for key in ("leash", "stop_seconds") if key in plan}
    with Tree(**options) as running:
        for entry in plan["children"]:
            command = [sys.executable, "-m", "tests.platform.standin", "child", entry["name"], entry["mode"]]
            running.add(Child(entry["name"], command, os.environ, needed_by_others=entry.get("needed", False),
                              repair=lambda: say("repaired")))
        say("running")
        running.run()
    say("stopped")


if __name__ == "__main__":
    if sys.argv[1] == "tree":
        tree(json.loads(sys.argv[2]))
    else:
        child(sys.argv[2], sys.argv[3])
