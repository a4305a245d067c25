"""`portal up` as a whole, and the parts that need no process tree."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from portal import processes, supervisor
from portal.config import Config, ConfigError
from portal.db import Database, now
from portal.models import Heartbeat
from portal.supervisor import Watchdog, alone, refuse_taken_address
from tests.platform.standin import PATIENCE, ROOT, Running

HUNG = timedelta(minutes=6)


@pytest.fixture
def worker() -> Iterator[processes.Child]:
    """A child that has been running for an hour."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, process_group=0)
    yield processes.Child("worker 1", [], {}, process=process, since=now() - timedelta(hours=1))
    process.kill()
    process.communicate()


def beat(db: Database, process: subprocess.Popen[bytes] | None, kind: str, ago: timedelta, host: str | None = None) -> None:
    assert process is not None
    with db.begin() as session:
        session.merge(Heartbeat(name=f"{host or socket.gethostname()}-{process.pid}-abc123", kind=kind, at=now() - ago))


def killed(db: Database, worker: processes.Child) -> bool:
    Watchdog(db, HUNG)([worker])
    assert worker.process is not None
    try:
        return worker.process.wait(0.2) == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        return False


@pytest.mark.processes
def test_a_worker_that_hangs_is_killed(db: Database, worker: processes.Child) -> None:
    beat(db, worker.process, "busy", timedelta(minutes=7))
    assert killed(db, worker)


@pytest.mark.processes
def test_a_worker_that_works_or_waits_is_left_alone(db: Database, worker: processes.Child) -> None:
    beat(db, worker.process, "busy", timedelta(minutes=5))
    assert not killed(db, worker)
    beat(db, worker.process, "worker", timedelta(minutes=50))
    assert not killed(db, worker)


@pytest.mark.processes
def test_a_hanging_process_of_the_same_number_on_another_machine_is_none_of_ours(db: Database, worker: processes.Child) -> None:
    beat(db, worker.process, "busy", timedelta(minutes=7), host="elsewhere")
    assert not killed(db, worker)


@pytest.mark.processes
def test_what_a_killed_process_of_the_same_number_left_behind_kills_nobody(db: Database, worker: processes.Child) -> None:
    beat(db, worker.process, "busy", timedelta(hours=2))
    assert not killed(db, worker)


def test_the_watchdog_bears_a_database_that_is_away(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/nowhere/portal.sqlite3")
    Watchdog(Database(engine), HUNG)([])


def test_a_second_start_on_the_same_data_is_refused_and_allowed_again_afterwards(config: Config) -> None:
    with alone(config), pytest.raises(ConfigError, match=r"PORTAL_DATA_DIR: a portal is running on .* already"), alone(config):
        pass
    with alone(config):
        pass


def test_an_address_that_is_taken_is_refused_with_a_free_one_as_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FREE_SECONDS", 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"PORTAL_BIND: 127.0.0.1:{port} is used by another program.*127.0.0.1:{port + 1}"):
            refuse_taken_address(f"127.0.0.1:{port}")
    refuse_taken_address(f"127.0.0.1:{port}")


@pytest.mark.parametrize("bind", ["nonsense", "127.0.0.1", "203.0.113.7:8000", "127.0.0.1:99999"])
def test_an_address_that_cannot_be_used_is_refused(bind: str) -> None:
    with pytest.raises(ConfigError, match=r"^PORTAL_BIND: "):
        refuse_taken_address(bind)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Portal(Running):
    """A running `portal up`."""

    def __init__(self, config: Config) -> None:
        env = {**os.environ, **config.to_env(), "PORTAL_SECRET_KEY": config.secret_keys[0], "PORTAL_DEMO": "0",
               "PORTAL_WORKERS": "1", "PYTHONPATH": str(ROOT)}
        self.watch(subprocess.Popen([sys.executable, "-m", "portal", "up"], cwd=config.data_dir, env=env, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, start_new_session=True))

    def child(self, word: str) -> int:
        """The process number of the child whose command line has this word."""
        for line in subprocess.check_output(["ps", "-A", "-o", "pid=,ppid=,args="], text=True).splitlines():
            number, parent, arguments = line.split(maxsplit=2)
            if int(parent) == self.process.pid and word in arguments:
                return int(number)
        raise AssertionError(f"no child {word!r}: {self.lines}")


def until(ready: Callable[[], bool]) -> None:
    """Ask again until it is so; nothing tells when a port is opened."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline
        threading.Event().wait(0.1)


@pytest.mark.processes
def test_the_whole_portal_mends_itself_leaves_nothing_when_killed_and_starts_again(config: Config) -> None:
    config = replace(config, bind=f"127.0.0.1:{free_port()}")
    with contextlib.closing(Portal(config)) as portal:
        portal.expect("Create the first administrator (once): http")
        portal.expect("Stop with Ctrl-C")
        assert supervisor.web_answers(config.bind)
        with contextlib.closing(Portal(replace(config, bind=f"127.0.0.1:{free_port()}"))) as second:
            second.expect("PORTAL_DATA_DIR: a portal is running")
            assert second.process.wait(PATIENCE) == 1
        for name, word in (("redis", "valkey"), ("worker 1", " worker"), ("ticker", " tick"), ("web", "gunicorn")):
            os.kill(portal.child(word), signal.SIGKILL)
            while f"{name} runs again" not in portal.expect(""):
                pass
        until(lambda: supervisor.web_answers(config.bind))
        portal.signal(signal.SIGKILL)
        portal.gone()
        assert not any("Traceback" in line for line in portal.lines)

    with contextlib.closing(Portal(config)) as again:
        again.expect("Stop with Ctrl-C")
        assert supervisor.web_answers(config.bind)
        again.signal(signal.SIGINT)
        again.gone()
        assert again.process.wait(PATIENCE) == 0
        assert not any("Traceback" in line for line in again.lines)
    assert not supervisor.web_answers(config.bind)
