"""`portal drift NAME`: compare both sides now and say what differs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from portal.models import Drift, DriftRun, Store
from portal.settings import SettingError
from portal.sync import circuit, drift, findings
from portal.sync.services import Services

Open = Callable[[str], tuple[Services, Store]]
Show = Callable[[Any, bool, Callable[[], str]], None]
PAGE = 500


def command(open_store: Open, show: Show) -> click.Command:
    """The command; `open_store` gives services and store by name, `show` prints facts as words or JSON."""

    @click.command("drift")
    @click.argument("name")
    @click.option("--repair", is_flag=True, help="Have everything repaired that the settings allow.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def compare(name: str, repair: bool, as_json: bool) -> None:
        """Compare orders, products and stock of both sides. Only `--repair` makes changes, by jobs of the queue."""
        services, store = open_store(name)
        try:
            with services.db.begin() as session:
                run = drift.start(session, session.get_one(Store, store.id), "command line").id
        except SettingError as error:
            raise click.ClickException(str(error)) from None
        stopped = finish(services, store, run)
        rows = list(every(services, store))
        asked = 0
        if repair:
            with services.db.begin() as session:
                asked, _ = findings.repair(session, session.get_one(Store, store.id),
                                           [session.get_one(Drift, row.id) for row in rows], "command line")
            services.kick()
        with services.db.read() as session:
            looked = session.get_one(DriftRun, run).looked
        document = {"stopped": stopped, "looked": looked, "findings": [drift.facts(row) for row in rows], "repairing": asked}
        show(document, as_json, lambda: _words(rows, looked, asked, stopped))
        sys.exit(1 if stopped else 0)

    return compare


def finish(services: Services, store: Store, run_id: int) -> str:
    """Work in the foreground until the run ends; why it did not, or ""."""
    while True:
        drift.walk(services, run_id)
        with services.db.read() as session:
            run = session.get(DriftRun, run_id)
            trouble = circuit.trouble(session, store.id)
        if run is None or run.state == "finished":
            return ""
        if trouble:
            return f"{circuit.SIDES[trouble[0].side]}: {trouble[0].reason} {trouble[0].remedy}".strip()


def every(services: Services, store: Store) -> Iterator[Drift]:
    """Every finding that is not closed."""
    after = 0
    while True:
        with services.db.read() as session:
            rows = drift.listed(session, store.id, after=after, limit=PAGE)
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def _words(rows: list[Drift], looked: int, asked: int, stopped: str) -> str:
    lines = [f"{row.entity} {row.record} ({row.title}), {row.kind}: shop {row.shop_says}, Odoo {row.odoo_says}. {row.why_not}"
             for row in rows]
    lines.append(f"{looked} records compared, {len(rows)} differences" + (f", {asked} are being repaired." if asked else "."))
    return "\n".join([*lines, *([f"Stopped: {stopped}"] if stopped else [])])
