"""No key, token or password stands in clear in the database, in Redis or in the logs of a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from portal.models import Token
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop_actions import add_customer
from portal.sync import drain, tick
from tests.conftest import SECRET
from tests.world import ROOT, World, environment, eventually

pytestmark = pytest.mark.processes


def test_secrets_are_nowhere_in_clear(world: World, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with world.db.read() as session:
        tokens = [token.value for token in session.scalars(select(Token))]
    with log.open("wb") as file:
        world.workers.append(subprocess.Popen(
            [sys.executable, str(ROOT / "worker.py")], cwd=ROOT, stdout=file, stderr=file,
            env=environment(world.services.config) | {"PORTAL_LOG_LEVEL": "DEBUG"}))
        good = world.notice("customer", add_customer(world.shop.shop, firstname="A", lastname="B", email="a@example.com"))
        eventually(lambda: world.job(good).state == "synced", "a worker works")
        world.odoo.faults.arm("error", side="odoo", model="res.partner", method="load", error="ValidationError", times=0,
                              message=f"Traceback with {ODOO_KEY}")
        world.set(max_attempts=1)
        bad = world.notice("customer", add_customer(world.shop.shop, firstname="C", lastname="D", email="c@example.com"))
        eventually(lambda: world.job(bad).state == "dead", "a change dies")
        world.kill_workers()
    world.set(odoo_key="another-wrong-key-123")
    world.notice("customer", 1)
    drain.drain(world.services, world.store)
    tick.tick(world.services, world.services.queue())
    held = _everything(world) + log.read_bytes()
    assert b"example.com" in held, "the search itself works"
    for secret in (ODOO_KEY, "another-wrong-key-123", SECRET, *tokens):
        at = held.find(secret.encode())
        assert at < 0, f"found in clear: …{held[max(at - 200, 0):at]!r}"


def _everything(world: World) -> bytes:
    """Every value of every table, and everything in Redis."""
    parts: list[bytes] = []
    with world.db.engine.connect() as connection:
        for table in inspect(world.db.engine).get_table_names():
            parts += [repr(tuple(row)).encode() for row in connection.execute(text(f'SELECT * FROM "{table}"'))]
    redis = world.services.redis
    assert redis is not None
    for key in redis.scan_iter():
        parts += [key, redis.dump(key) or b""]
        if redis.type(key) == b"hash":
            parts += [value for pair in redis.hgetall(key).items() for value in pair]
    return b"\n".join(parts)
