"""A sandbox in a process of its own, so that its work is not counted as the connector's."""

from __future__ import annotations

import json
import multiprocessing
import os
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import create_engine, text


@dataclass(frozen=True)
class World:
    """Addresses of the sandbox's two servers."""

    shop: str
    odoo: str
    process: Connection

    def age(self) -> None:
        """As if everything on both sides had been changed long ago."""
        self.process.send("age")
        self.process.recv()

    def calls(self, side: str) -> int:
        """Requests that a side has answered so far."""
        with urllib.request.urlopen(f"{getattr(self, side)}/_sandbox/calls", timeout=30) as answer:
            found = json.load(answer)
        return sum(found.values()) if isinstance(found, dict) else sum(row[-1] for row in found)


    def slow(self, model: str, method: str, seconds: float) -> None:
        """Let every call of a method take so long."""
        fault = {"kind": "slow", "side": "odoo", "model": model, "method": method, "seconds": seconds, "times": 0}
        request = urllib.request.Request(f"{self.odoo}/_sandbox/faults", data=json.dumps(fault).encode(), method="POST")
        urllib.request.urlopen(request, timeout=30).close()


@contextmanager
def world(version: str, *, customers: int, products: int, orders: int) -> Iterator[World]:
    """A shop with so many records and an empty Odoo of this version."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, version, customers, products, orders))
    process.start()
    try:
        yield World(*ours.recv(), ours)
    finally:
        ours.send("stop")
        process.join(20)


def _serve(pipe: Connection, version: str, customers: int, products: int, orders: int) -> None:
    from portal.sandbox.odoo_server import make_odoo_server
    from portal.sandbox.prestashop import make_shop_server
    from portal.sandbox.shop_demo import seed_bulk

    with make_shop_server(0) as shop, make_odoo_server(0, version=version) as odoo:
        seed_bulk(shop.shop, customers=customers, products=products, orders=orders)
        pipe.send((shop.url, odoo.url))
        while pipe.recv() == "age":
            _age(shop.shop, ("date_add", "date_upd"))
            _age(odoo.db, ("create_date", "write_date"))
            pipe.send("done")


def _age(side: Any, stamps: tuple[str, ...]) -> None:
    with side.transaction():
        for table in side.tables.values():
            for number, row in enumerate(table.rows.values()):
                at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
                row.update(dict.fromkeys(set(stamps) & row.keys(), f"{at:%Y-%m-%d %H:%M:%S}"))


def databases() -> Iterator[tuple[str, str]]:
    """Names and addresses of the databases to measure on; SQLite is the default one, without an address."""
    yield "SQLite", ""
    server = os.environ.get("PORTAL_TEST_POSTGRES_URL", "")
    if not server:
        print("PostgreSQL: left out; set PORTAL_TEST_POSTGRES_URL")
        return
    name = f"bench_{secrets.token_hex(4)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield "PostgreSQL", server.rpartition("/")[0] + f"/{name}"
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
