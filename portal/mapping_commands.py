"""`portal mappings list|link|forget NAME`: which shop record is which Odoo record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from portal.clients.errors import RemoteError
from portal.entities.base import Invalid
from portal.models import Mapping, Store
from portal.sync import hand_links
from portal.sync.services import Services

Open = Callable[[str], tuple[Services, Store]]
Show = Callable[[Any, bool, Callable[[], str]], None]


def group(open_store: Open, show: Show) -> click.Group:
    """The commands; `open_store` gives services and store by name, `show` prints facts as words or JSON."""

    @click.group("mappings")
    def commands() -> None:
        """Links between shop and Odoo records."""

    @commands.command("list")
    @click.argument("name")
    @click.option("--entity", default="", help="customer, product, stock, order, …")
    @click.option("--find", "text", default="", help="Shop id, Odoo id, reference or e-mail address.")
    @click.option("-n", "--lines", default=50, show_default=True)
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def listed(name: str, entity: str, text: str, lines: int, as_json: bool) -> None:
        """The newest links."""
        services, store = open_store(name)
        with services.db.read() as session:
            facts = [_facts(row) for row in hand_links.find(session, store, entity=entity, text=text, limit=lines)]
        show(facts, as_json, lambda: "\n".join(
            f"{f['entity']} {f['shop_id']} = Odoo id {f['odoo_id']}  {f['name']}".rstrip() for f in facts) or "No such link.")

    @commands.command("link")
    @click.argument("name")
    @click.argument("entity", type=click.Choice(hand_links.LINKABLE))
    @click.argument("shop_id")
    @click.argument("odoo_id", type=int)
    @click.option("--yes", is_flag=True, help="Do not ask.")
    def link(name: str, entity: str, shop_id: str, odoo_id: int, yes: bool) -> None:
        """Link a shop record to an Odoo record, after reading both."""
        services, store = open_store(name)
        try:
            found = hand_links.look(services, store, entity, shop_id, odoo_id)
            for text in found.warnings:
                click.echo(text)
            words = f"{entity} {found.link.shop_id} ({found.shop_name}) to Odoo id {odoo_id} ({found.odoo_name})"
            if not yes:
                click.confirm(f"Link {words}?", abort=True)
            with services.db.begin() as session:
                hand_links.link(session, session.get_one(Store, store.id), found, "command line")
        except Invalid as error:
            raise click.ClickException(error.message) from None
        except RemoteError as error:
            raise click.ClickException(f"{error.message} {error.remedy}".strip()) from None
        services.kick()
        click.echo(f"Linked {words}.")

    @commands.command("forget")
    @click.argument("name")
    @click.argument("entity")
    @click.argument("shop_id")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    def forget(name: str, entity: str, shop_id: str, yes: bool) -> None:
        """Forget a link. Nothing changes on either side."""
        services, store = open_store(name)
        with services.db.read() as session:
            rows = [row for row in hand_links.find(session, store, entity=entity, text=shop_id, limit=500)
                    if row.shop_id == shop_id]
        if not rows:
            raise click.ClickException(f"{entity} {shop_id} is not linked.")
        if not yes:
            click.echo("\n".join(hand_links.consequences(rows[0])))
            click.confirm("Forget this link?", abort=True)
        try:
            with services.db.begin() as session:
                words = hand_links.forget(session, session.get_one(Store, store.id), rows[0].id, "command line")
        except Invalid as error:
            raise click.ClickException(error.message) from None
        click.echo(words)

    return commands


def _facts(row: Mapping) -> dict[str, Any]:
    return {"entity": row.entity, "shop_id": row.shop_id, "odoo_id": row.odoo_id, "name": hand_links.name(row),
            "linked": row.created_at.isoformat(), "agreed": row.updated_at.isoformat()}
