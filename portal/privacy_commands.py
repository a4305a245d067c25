"""`portal person export|erase NAME WHO`: what is kept here about one person."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from portal.console import fail
from portal.models import Store
from portal.sync import privacy
from portal.sync.services import Services


def group(open_store: Callable[[str], tuple[Services, Store]]) -> click.Group:
    """The commands; `open_store` gives services and store by name."""

    @click.group("person")
    def commands() -> None:
        """What is kept here about one person. WHO is an e-mail address or the customer's id in the shop."""

    @commands.command("export")
    @click.argument("name")
    @click.argument("who")
    def export(name: str, who: str) -> None:
        """Print everything that is kept here about a person, as JSON."""
        services, store = open_store(name)
        with services.db.read() as session:
            facts = privacy.export(session, store, who)
        if not facts:
            fail("Nothing is kept here about this person.")
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False, default=str))

    @commands.command("erase")
    @click.argument("name")
    @click.argument("who")
    def erase(name: str, who: str) -> None:
        """Erase what is kept here about a person. Erase them in the shop and in Odoo first; these are not touched."""
        services, store = open_store(name)
        try:
            with services.db.begin() as session:
                erased = privacy.erase(session, session.get_one(Store, store.id), who, "command line")
        except privacy.OnItsWay as error:
            fail(f"{error.number} changes of this person have not ended. Wait for them, or discard them, and try again.")
        if not erased:
            fail("Nothing is kept here about this person.")
        click.echo(f"{erased} entries were erased. Backups from before still hold them.")

    return commands
