"""`portal rehearse NAME [ENTITIES…]`: what a sync of the whole shop would do, without writing anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import click

from portal.entities import registry
from portal.models import Rehearsal, Store
from portal.settings import SettingError
from portal.sync import circuit, duplicates, rehearsal, rehearsed
from portal.sync.foreseen import KINDS
from portal.sync.rehearsed import Wanted
from portal.sync.services import Services

Open = Callable[[str], tuple[Services, Store]]

NAMES = {entity.settings_key: entity.name for entity in registry.ENTITIES}
PAGE = 500


def command(open_store: Open) -> click.Command:
    """The command; `open_store` gives services and store by name."""

    @click.command("rehearse")
    @click.argument("name")
    @click.argument("entities", nargs=-1, type=click.Choice(list(NAMES)))
    @click.option("--json", "form", flag_value="json", default=None, help="Print counts, records and duplicates as JSON.")
    @click.option("--csv", "form", flag_value="csv", help="Print the records as CSV, one line for each value that would change.")
    def rehearse(name: str, entities: tuple[str, ...], form: str | None) -> None:
        """Say what a sync of the whole shop would do. Nothing is written anywhere; the store may be disabled."""
        services, store = open_store(name)
        wanted = [NAMES[word] for word in entities] or list(NAMES.values())
        try:
            with services.db.begin() as session:
                run = rehearsal.start(session, session.get_one(Store, store.id), wanted, actor="command line").id
        except SettingError as error:
            raise click.ClickException(str(error)) from None
        stopped = finish(services, store, run)
        if form == "csv":
            for text in rehearsed.table(services.db, store.id, Wanted()):
                sys.stdout.write(text)
        elif form == "json":
            _print_json(services, store, stopped)
        else:
            _print_words(services, store, stopped)
        sys.exit(1 if stopped else 0)

    return rehearse


def finish(services: Services, store: Store, run_id: int) -> str:
    """Work in the foreground until the run ends; why it did not, or ""."""
    while True:
        rehearsal.walk(services, run_id)
        with services.db.read() as session:
            run = session.get(Rehearsal, run_id)
            trouble = circuit.trouble(session, store.id)
        if run is None or run.state == "cancelled":
            return "It was stopped by somebody else."
        if run.state == "finished":
            return ""
        if trouble:
            return f"{circuit.SIDES[trouble[0].side]}: {trouble[0].reason} {trouble[0].remedy}".strip()


def _print_json(services: Services, store: Store, stopped: str) -> None:
    """Written piece by piece, so that a large shop needs no memory."""
    with services.db.read() as session:
        head = {"stopped": stopped, "counts": rehearsed.counts(session, store.id),
                "duplicates": [vars(one) for one in duplicates.listed(session, store.id)]}
    sys.stdout.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "records": [')
    after, comma = 0, ""
    while True:
        with services.db.read() as session:
            rows = rehearsed.listed(session, store.id, Wanted(), after=after, limit=PAGE)
        for row in rows:
            sys.stdout.write(comma + "\n" + json.dumps(rehearsed.facts(row), ensure_ascii=False, default=str))
            comma = ","
        if len(rows) < PAGE:
            break
        after = rows[-1].id
    sys.stdout.write("\n]}\n")


def _print_words(services: Services, store: Store, stopped: str) -> None:
    with services.db.read() as session:
        counts = rehearsed.counts(session, store.id)
        shared = duplicates.listed(session, store.id, limit=50)
        refused = rehearsed.listed(session, store.id, Wanted(kind="refused"), limit=20)
    for entity in registry.ENTITIES:
        found = counts.get(entity.name)
        if found:
            click.echo(f"{entity.label}: " + ", ".join(f"{found[kind]} {kind}" for kind in KINDS if found.get(kind)))
    for one in shared:
        click.echo(f"{duplicates.SOURCES[one.source].label}: {one.what} {one.value} belongs to {', '.join(one.records)}")
    for row in refused:
        click.echo(f"{row.entity} {row.record} would be refused: {row.message} {row.remedy}".rstrip())
    click.echo(f"Stopped: {stopped}" if stopped else "Nothing was written. Details: --json or --csv, or the page Rehearsal.")
