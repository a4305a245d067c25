"""F10 to F12: the database locked, gone, or its disk full. A hook is answered 2xx only when it is in SQL."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import func, make_url, select, text

from portal.models import SyncJob
from portal.sandbox.prestashop_actions import add_customer
from portal.sync import tick
from tests.chaos.installation import Installation
from tests.world import eventually


def customers(world: Installation, number: int) -> list[int]:
    shop = world.shop.shop
    return [int(add_customer(shop, firstname="Ada", lastname=f"No{n}", email=f"c{n}@example.com")) for n in range(number)]


def rows(world: Installation) -> int:
    with world.db.read() as session:
        return session.scalar(select(func.count()).select_from(SyncJob)) or 0


def test_a_locked_database_makes_the_module_come_again(world: Installation) -> None:
    """F10: another process holds the write lock; the caller waits a few seconds and is told to come again; nothing is lost."""
    world.start_web()
    [number] = customers(world, 1)
    with world.db.begin() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("LOCK TABLE sync_job IN ACCESS EXCLUSIVE MODE"))
        status, _ = world.hook([("customer", number)])
    assert status == 503
    assert rows(world) == 0
    status, facts = world.hook([("customer", number)])
    assert status == 202
    world.fork_worker()
    world.until("synced", *facts["jobs"])


def test_a_worker_whose_database_is_locked_uses_no_attempt(world: Installation) -> None:
    """F10: what Odoo has taken and could not be saved is found there and adopted."""
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", name="slow", commit=True)
    [number] = customers(world, 1)
    job_id = world.notice("customer", number)
    world.fork_worker()
    assert world.odoo.faults.wait_held()
    with world.db.begin() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("LOCK TABLE sync_job IN ACCESS EXCLUSIVE MODE"))
        world.odoo.faults.release("slow")
        threading.Event().wait(1.0)
    eventually(lambda: world.job(job_id).state == "synced", "it is saved when the lock is gone")
    assert world.job(job_id).attempts == 0
    assert len(world.odoo_rows("res.partner", email="c0@example.com")) == 1


class Wire:
    """A connection to PostgreSQL that can be cut and mended."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._sockets: set[socket.socket] = set()
        self.whole = True
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def cut(self) -> None:
        self.whole = False
        for one in list(self._sockets):
            _hang_up(one)
        self._sockets.clear()

    def close(self) -> None:
        self.cut()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._server.accept()
            except OSError:
                return
            if not self.whole:
                here.close()
                continue
            there = socket.create_connection(self._target)
            self._sockets |= {here, there}
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=_pump, args=(a, b), daemon=True).start()


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _pump(a: socket.socket, b: socket.socket) -> None:
    with suppress(OSError):
        while piece := a.recv(65536):
            b.sendall(piece)
    _hang_up(a)
    _hang_up(b)


@pytest.fixture
def wire(world: Installation) -> Iterator[Wire]:
    if world.db.engine.dialect.name != "postgresql":
        pytest.skip("a file cannot be unplugged; see the test of a missing file")
    url = make_url(world.services.config.database_url)
    wire = Wire(url.host or "127.0.0.1", url.port or 5432)
    yield wire
    wire.close()


@pytest.mark.parametrize("world", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_postgresql_goes_away_and_comes_back(world: Installation, wire: Wire) -> None:
    """F11: hooks get 503, never 2xx; the worker acknowledges nothing it could not save; all goes on without anybody's help."""
    url = make_url(world.services.config.database_url).set(host="127.0.0.1", port=wire.port)
    env = {"DATABASE_URL": url.render_as_string(hide_password=False)}
    world.start_web(**env)
    numbers = customers(world, 3)
    first = world.hook([("customer", numbers[0])])[1]["jobs"][0]
    world.odoo.faults.arm("hold", side="odoo", model="res.partner", method="load", name="slow", commit=True)
    world.fork_worker(**env)
    assert world.odoo.faults.wait_held()
    wire.cut()
    assert world.hook([("customer", numbers[1])])[0] == 503
    assert world.call("GET", "/healthz")[0] == 503
    world.odoo.faults.release("slow")
    wire.whole = True
    status, facts = world.hook([("customer", numbers[2])])
    assert status == 202
    world.recover()
    world.until("synced", first, *facts["jobs"])
    assert len(world.odoo_rows("res.partner", email="c0@example.com")) == 1
    assert rows(world) == 2


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
def test_the_database_file_goes_away_and_comes_back(world: Installation) -> None:
    """F11: what was answered 2xx is in the file when it is back."""
    world.start_web()
    numbers = customers(world, 6)
    assert world.hook([("customer", numbers[0])])[0] == 202
    world.kill_web()
    world.db.engine.dispose()
    aside = world.folder / "aside"
    aside.mkdir()
    for path in world.folder.glob("portal.sqlite3*"):
        path.rename(aside / path.name)
    world.start_web()
    refused = [world.hook([("customer", number)])[0] for number in numbers[1:]]
    world.kill_web()
    assert set(refused) <= {403, 503}, "taken into a database that is not this installation's"
    for path in world.folder.glob("portal.sqlite3*"):
        path.unlink()
    for path in aside.iterdir():
        path.rename(world.folder / path.name)
    world.start_web()
    assert world.hook([("customer", number) for number in numbers])[0] == 202
    world.fork_worker()
    eventually(lambda: world.counts()["synced"] == 6, "all are synchronised")


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
def test_a_full_disk_refuses_and_recovers(world: Installation) -> None:
    """F12: 503, no half row, and no manual step afterwards."""
    world.start_web()
    assert world.web is not None
    numbers = customers(world, 400)
    assert world.hook([("customer", numbers[0])])[0] == 202
    size = sum(path.stat().st_size for path in world.folder.glob("portal.sqlite3*"))
    resource.prlimit(world.web.pid, resource.RLIMIT_FSIZE, (size // 4096 * 4096 // 2, resource.RLIM_INFINITY))
    statuses = [world.hook([("customer", number) for number in numbers[start:start + 40]])[0] for start in range(0, 400, 40)]
    assert 503 in statuses
    assert set(statuses) <= {202, 503}
    taken = rows(world)
    resource.prlimit(world.web.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert world.hook([("customer", number) for number in numbers])[0] == 202
    assert rows(world) == 400 >= taken
    world.fork_worker()
    tick.tick(world.services, world.services.queue())
    eventually(lambda: world.counts()["synced"] == 400, "all are synchronised")
