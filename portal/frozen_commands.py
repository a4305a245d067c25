"""`portal frozen list|thaw NAME`: records that would go to and fro between shop and Odoo for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from portal.models import Store
from portal.sync import bounces
from portal.sync.services import Services

Open = Callable[[str], tuple[Services, Store]]
Show = Callable[[Any, bool, Callable[[], str]], None]


def group(open_store: Open, show: Show) -> click.Group:
    """The commands; `open_store` gives services and store by name, `show` prints facts as words or JSON."""

    @click.group("frozen")
    def commands() -> None:
        """Records that something else changes after each write."""

    @commands.command("list")
    @click.argument("name")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def listed(name: str, as_json: bool) -> None:
        """The frozen records of a store, with the reason."""
        services, store = open_store(name)
        with services.db.read() as session:
            facts = [{"entity": row.entity, "record": row.record, "odoo_id": row.odoo_id, "reason": row.reason,
                      "since": row.frozen_at.isoformat(timespec="seconds") if row.frozen_at else None}
                     for row in bounces.listed(session, store)]
        show(facts, as_json, lambda: "\n".join(
            [f"{f['entity']} {f['record']}, since {f['since']}: {f['reason']}" for f in facts] + [bounces.REMEDY])
            if facts else "Nothing is frozen.")

    @commands.command("thaw")
    @click.argument("name")
    @click.argument("entity", type=click.Choice(["product", "stock"]), required=False)
    @click.argument("record", required=False)
    @click.option("--all", "every", is_flag=True, help="Thaw all of them.")
    def thaw(name: str, entity: str | None, record: str | None, every: bool) -> None:
        """Let a record go on, such as: portal frozen thaw shop product 12."""
        if every == bool(entity and record):
            raise click.UsageError("Give an entity and a record, or --all.")
        services, store = open_store(name)
        if every:
            number = bounces.thaw_all(services.db, store, "command line")
        else:
            with services.db.begin() as session:
                number = bounces.thaw(session, session.get_one(Store, store.id), str(entity), str(record), "command line")
            if not number:
                raise click.ClickException(f"{entity} {record} is not frozen.")
        services.kick()
        click.echo(f"{int(number)} thawed.")

    return commands
