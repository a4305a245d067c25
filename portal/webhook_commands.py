"""`portal webhooks install|remove|show NAME`: Odoo's automation rules that call the portal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import click

from portal.clients.errors import RemoteError
from portal.models import Store
from portal.sync import webhooks
from portal.sync.services import Services
from portal.sync.webhooks import Setup

Open = Callable[[str], tuple[Services, Store]]
Show = Callable[[Any, bool, Callable[[], str]], None]


def group(open_store: Open, show: Show) -> click.Group:
    """The commands; `open_store` gives services and store by name, `show` prints facts as words or JSON."""

    @click.group("webhooks")
    def commands() -> None:
        """Odoo's own webhooks (17 and later)."""

    def command(name: str, text: str, action: Callable[[Services, Store], Any], words: Callable[[Any], str]) -> None:
        @commands.command(name, help=text)
        @click.argument("store")
        @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
        def run(store: str, as_json: bool) -> None:
            services, found = open_store(store)
            try:
                facts = action(services, found)
            except RemoteError as error:
                raise click.ClickException(f"{error.message} {error.remedy}".strip()) from None
            document = dataclasses.asdict(facts) if isinstance(facts, Setup) else {"removed": facts}
            show(document, as_json, lambda: words(facts))

    command("install", "Make or renew the automation rules in Odoo, or say how to make them by hand.", webhooks.install, _words)
    command("show", "What is set up, and when Odoo last called.", webhooks.show, _words)
    command("remove", "Remove the automation rules from Odoo.", webhooks.remove, lambda n: f"{n} automation rules removed.")
    return commands


def _words(setup: Setup) -> str:
    steps = [f"{number}. {step}" for number, step in enumerate(setup.instructions, 1)]
    hit = f"Last call: {setup.last_hit:%Y-%m-%d %H:%M:%S} UTC." if setup.last_hit else "Odoo has not called yet."
    return "\n".join([setup.message, *steps, hit])
