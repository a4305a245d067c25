"""Whoever can write to Redis cannot run code through a worker."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis, RedisError
from rq import Callback, Queue
from rq.exceptions import StopRequested
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.webhook import Webhook
from rq.worker import WorkerStatus

from portal import rq_setup
from portal.config import Config
from portal.sync import tasks
from tests.platform.standin import ROOT

TRACE = "PORTAL_TEST_TRACE"


def leave_trace(*_: object) -> None:
    Path(os.environ[TRACE]).touch()


class Touching:
    """Pickled, it leaves a trace where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return leave_trace, ()


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(TRACE, str(tmp_path / "trace"))
    return tmp_path / "trace"


def work(redis: Redis) -> None:
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    rq_setup.make_worker(redis, "test").work(burst=True)
    for number, handler in former.items():
        signal.signal(number, handler)


def foreign_queue(redis: Redis) -> Queue:
    """What somebody else may use to put a job into our Redis."""
    return Queue(rq_setup.QUEUE, connection=redis, serializer=JSONSerializer)


def test_every_allowed_function_exists() -> None:
    assert rq_setup.FUNCTIONS
    for name in rq_setup.FUNCTIONS:
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function)), name


@pytest.mark.parametrize("name", ["os.getpid", "tests.platform.test_rq_setup.leave_trace", "portal.sync.tasks.use"])
def test_a_function_that_is_not_allowed_does_not_run(redis: Redis, trace: Path, name: str) -> None:
    job = foreign_queue(redis).enqueue(name)
    work(redis)
    assert Job.fetch(job.id, redis, serializer=JSONSerializer).is_failed
    assert not trace.exists()


def test_that_test_would_see_the_trace(redis: Redis, trace: Path) -> None:
    Queue("other", connection=redis, is_async=False, serializer=JSONSerializer).enqueue("tests.platform.test_rq_setup.leave_trace")
    assert trace.exists()


def test_callbacks_and_webhooks_that_stand_in_redis_are_not_called(
    redis: Redis, trace: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[list[int]] = []
    monkeypatch.setattr(tasks, "run", ran.append)
    calls = {name: Callback(leave_trace) for name in ("on_success", "on_failure", "on_stopped")}
    webhook = Webhook("http://127.0.0.1:9/", JobStatus.FINISHED)
    job = foreign_queue(redis).enqueue("portal.sync.tasks.run", [1], webhooks=[webhook], **calls)
    ours = rq_setup.SafeJob.fetch(job.id, redis, serializer=JSONSerializer)
    assert (ours.webhooks, ours.success_callback, ours.failure_callback, ours.stopped_callback) == ([], None, None, None)
    work(redis)
    assert ran == [[1]]
    assert not trace.exists()


def test_a_pickled_payload_is_not_unpickled(redis: Redis, trace: Path) -> None:
    Queue(rq_setup.QUEUE, connection=redis).enqueue("portal.sync.tasks.run", Touching())
    work(redis)
    assert not trace.exists()


def test_what_stands_in_redis_is_json(redis: Redis) -> None:
    job = rq_setup.make_queue(redis).enqueue("portal.sync.tasks.run", [1, 2])
    assert json.loads(zlib.decompress(redis.hget(job.key, "data"))) == ["portal.sync.tasks.run", None, [[1, 2]], {}]


def test_the_web_does_not_wait_for_a_redis_that_does_not_answer(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = replace(config, redis_url=f"redis://127.0.0.1:{silent.getsockname()[1]}")
        client = rq_setup.connect_redis(address, web=True)
        started = time.monotonic()
        with pytest.raises(RedisError):
            client.ping()
        assert time.monotonic() - started < 1.0
        client.close()


@pytest.mark.processes
def test_a_worker_without_redis_ends_with_one_sentence(config: Config, tmp_path: Path) -> None:
    lonely = replace(config, redis_url=f"unix://{tmp_path}/nothing.sock")
    env = {**os.environ, **lonely.to_env(), "PORTAL_SECRET_KEY": config.secret_keys[0]}
    command = [sys.executable, str(ROOT / "worker.py")]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "Redis does not answer" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_worker_that_is_asked_to_end_while_it_gives_a_sign_of_life_ends(redis: Redis) -> None:
    """RQ raises its word for it in the middle of a query, and what the database then raises takes its place."""
    worker = rq_setup.make_worker(redis, "asked")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def sign_of_life() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except StopRequested:
            return
        raise AssertionError("the signal did not come")

    worker.on_idle = sign_of_life
    worker.register_birth()
    worker._install_signal_handlers()
    worker.set_state(WorkerStatus.IDLE)
    try:
        with pytest.raises(StopRequested):
            worker.heartbeat()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
