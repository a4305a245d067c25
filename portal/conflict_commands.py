"""`portal conflicts list|apply|dismiss NAME`: edits of both sides to one field, and the choice between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from portal.models import Store
from portal.sync import conflicts
from portal.sync.services import Services

Open = Callable[[str], tuple[Services, Store]]
Show = Callable[[Any, bool, Callable[[], str]], None]


def group(open_store: Open, show: Show) -> click.Group:
    """The commands; `open_store` gives services and store by name, `show` prints facts as words or JSON."""

    @click.group("conflicts")
    def commands() -> None:
        """Fields that shop and Odoo changed at the same time."""

    @commands.command("list")
    @click.argument("name")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def listed(name: str, as_json: bool) -> None:
        """The open conflicts of a store."""
        services, store = open_store(name)
        with services.db.read() as session:
            facts = [{"id": row.id, "entity": row.entity, "record": row.shop_id, "field": row.field, "base": row.base,
                      "prestashop": row.shop_value, "odoo": row.odoo_value, "winner": row.winner}
                     for row in conflicts.listed(session, store)]
        show(facts, as_json, lambda: "\n".join(
            f"{f['id']}  {f['entity']} {f['record']}, {f['field']}: shop {f['prestashop']!r}, Odoo {f['odoo']!r} "
            f"(was {f['base']!r}); stands: {f['winner'] or 'nothing yet'}" for f in facts) or "No conflicts.")

    @commands.command("apply")
    @click.argument("name")
    @click.argument("number", type=int)
    @click.argument("side", type=click.Choice(["prestashop", "odoo"]))
    def apply(name: str, number: int, side: str) -> None:
        """Choose a side's value after all."""
        services, store = open_store(name)
        with services.db.begin() as session:
            row = session.get_one(Store, store.id)
            done = conflicts.apply(session, row, number, "prestashop" if side == "prestashop" else "odoo", "command line")
        services.kick()
        _end(done, number, "The value is on its way to both sides.")

    @commands.command("dismiss")
    @click.argument("name")
    @click.argument("number", type=int)
    def dismiss(name: str, number: int) -> None:
        """Leave both sides as they are."""
        services, store = open_store(name)
        with services.db.begin() as session:
            done = conflicts.dismiss(session, session.get_one(Store, store.id), number, "command line")
        _end(done, number, "It stays as it is.")

    return commands


def _end(done: bool, number: int, text: str) -> None:
    if not done:
        raise click.ClickException(f"There is no open conflict {number}.")
    click.echo(text)
