"""Every page over a full database: 100,000 changes and 1,000,000 log entries. Prints p50 and p95 of the server's time per page.

    .venv/bin/python -m bench.pages [changes] [log entries] [rounds]

On SQLite, and on PostgreSQL too where PORTAL_TEST_POSTGRES_URL names a server. Every page should stay below 150 ms at p95. Also
prints what the first page of a visitor weighs. The time in brackets is the processor's own, which other work on the machine does
not lengthen; how busy the machine was is printed too.
"""

from __future__ import annotations

import os
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from bench import crowd
from bench.world import databases
from portal import create_app
from portal.config import Config
from portal.db import now
from portal.extensions import services
from portal.runtime import prepare
from portal.sync import stores
from portal.web.accounts import create_user

LIMIT_MS = 150
FIRST_LOAD = 80_000
RECORD = {"store_id": 1, "job_id": 100, "mapping_id": 100, "entity": "customer", "record": "100", "conflict_id": 100}
"""What stands for each part of an address."""
MORE = ("jobs?state=all", "jobs?state=synced", "jobs?state=synced&before=2000", "jobs?state=dead&entity=order", "jobs?q=77",
        "dead?state=error", "dead?cause=odoo:validation:100", "dead?entity=order", "dead?after=10&after_cause=odoo:validation:2",
        "log?level=error", "log?q=changed", "log?q=nowhere", "log?entity=order&q=created", "log?before=1000", "log?who=people",
        "log?since=2020-01-01&until=2020-02-01", "log?q=Record+49999", "search?q=ref77", "search?q=nothing", "search?q=100",
        "mappings?q=REF77", "mappings?entity=order", "mappings?q=nothing", "rehearsal?entity=order&kind=create",
        "rehearsal?q=4900", "drift?entity=order", "records/order/103", "conflicts?settled=1")
"""Pages of a store as people reach them by filters."""
WITHOUT = {"store.settings.module_zip_file", "store.rehearsal.export", "store.log.export", "static", "inbound.cron",
           "inbound.webhook", "inbound.shop_hook"}
"""No pages: files that are streamed, and what machines call."""


def main(jobs: str = "100000", log: str = "1000000", rounds: str = "60") -> None:
    """Print the figures; exit 1 where a page is slower or heavier than it may be."""
    slow = []
    for name, url in databases():
        with _portal(url, int(jobs), int(log)) as app:
            client = logged_in(app)
            print(f"{name}: {int(jobs):,} changes, {int(log):,} log entries; {_load()} before")
            for path in _addresses(app):
                slow += [f"{name} {path}"] if _measure(client, path, int(rounds)) > LIMIT_MS else []
            weight = first_load(client, "/stores/1/")
        print(f"{name}: {_load()} after")
    print(f"first load: {weight:,} bytes compressed")
    if slow or weight > FIRST_LOAD:
        sys.exit(f"slower than {LIMIT_MS} ms: {', '.join(slow) or 'none'}; first load {weight:,} of {FIRST_LOAD:,} bytes")


def first_load(client: FlaskClient, path: str) -> int:
    """Bytes of a page with everything it draws on, as the server sends them to a browser that takes gzip."""
    html = client.get(path).data
    parts = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', html.decode()))
    return len(html) + sum(len(client.get(part, headers={"Accept-Encoding": "gzip"}, buffered=True).data) for part in parts)


def _measure(client: FlaskClient, path: str, rounds: int) -> float:
    answer = client.get(path)
    taken, own = [], []
    for _ in range(rounds):
        start, busy = time.perf_counter(), time.process_time()
        answer = client.get(path)
        taken.append((time.perf_counter() - start) * 1000)
        own.append((time.process_time() - busy) * 1000)
    p95 = statistics.quantiles(taken, n=20)[18]
    print(f"  {'SLOW' if p95 > LIMIT_MS else '    '} {answer.status_code} p50 {statistics.median(taken):6.1f} ms  p95 {p95:6.1f} "
          f"({statistics.median(own):6.1f})  {path}")
    return p95


def _load() -> str:
    return f"load of the last minute {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _addresses(app: Flask) -> Iterator[str]:
    """Every GET route of the application, and the filtered ones."""
    adapter = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=str):
        if "GET" in (rule.methods or ()) and rule.endpoint not in WITHOUT:
            yield adapter.build(rule.endpoint, {name: RECORD[name] for name in rule.arguments})
    for path in MORE:
        yield f"/stores/1/{path}"


def logged_in(app: Flask) -> FlaskClient:
    """A browser in which an administrator has logged in."""
    client = app.test_client()
    with app.app_context(), services().db.begin() as session:
        user = create_user(session, "admin@example.com", secrets.token_hex(16), admin=True)
        session.flush()
        name = user.fs_uniquifier
    with client.session_transaction() as session_:
        session_.update(_user_id=name, _fresh=True, started=int(now().timestamp()), seen=int(now().timestamp()))
    return client


@contextmanager
def _portal(url: str, jobs: int, log: int) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory() as folder:
        env = {"PORTAL_DATA_DIR": folder, "PORTAL_DEMO": "0", "REDIS_URL": "redis://127.0.0.1:1/0"}
        config = prepare(Config.from_env(env | ({"DATABASE_URL": url} if url else {})))
        app = create_app(config)
        with app.app_context():
            with services().db.begin() as session:
                store = stores.add_store(session, "Crowded", ps_url="https://shop.example.com", odoo_url="https://odoo.example.com",
                                         odoo_db="odoo", odoo_login="sync", ps_key="k", odoo_key="k")
                store.choices = {"enabled": True, "products": "both", "stock": "both"}
                crowd.fill(session, store, jobs=jobs, log=log)
            if services().db.engine.dialect.name == "postgresql":
                with services().db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    for what in ("VACUUM ANALYZE", "CHECKPOINT"):  # else it does so while the pages are timed
                        connection.execute(text(what))
        yield app
        with app.app_context():
            services().close()
            services().db.engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
