"""`portal alerts show|set|test NAME`: where a store's alerts go."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from portal.models import Store
from portal.settings import SettingError
from portal.sync import alert_post, alerts
from portal.sync.services import Services

Open = Callable[[str], tuple[Services, Store]]
Show = Callable[[Any, bool, Callable[[], str]], None]


def group(open_store: Open, show: Show) -> click.Group:
    """The commands; `open_store` gives services and store by name, `show` prints facts as words or JSON."""

    @click.group("alerts")
    def commands() -> None:
        """Who is told when a store is in trouble."""

    @commands.command("show")
    @click.argument("name")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def shown(name: str, as_json: bool) -> None:
        """Where alerts go, and what is wrong now."""
        services, store = open_store(name)
        with services.db.read() as session:
            document = {
                "channels": [{"kind": row.kind, "target": alert_post.shown(row.kind, row.target), "waiting": len(row.waiting),
                              "sent_at": _moment(row.sent_at), "problem": row.problem}
                             for row in alerts.channels(session, store.id)],
                "active": [{"cause": row.cause, "title": row.title, "text": row.text, "since": _moment(row.since),
                            "told": row.told is not None} for row in alerts.active(session, store.id)]}
        show(document, as_json, lambda: _words(document))

    @commands.command("set")
    @click.argument("name")
    @click.option("--email", help='Addresses separated by commas; "" for none.')
    @click.option("--webhook", help='An https address; "" for none.')
    @click.option("--webhook-file", type=click.File(), help="Read the webhook address from a file.")
    def change(name: str, email: str | None, webhook: str | None, webhook_file: Any) -> None:
        """Choose where alerts go."""
        services, store = open_store(name)
        targets = {"email": email, "webhook": webhook_file.read() if webhook_file else webhook}
        try:
            with services.db.begin() as session:
                row = session.get_one(Store, store.id)
                for kind, target in targets.items():
                    if target is not None:
                        alert_post.set_channel(session, row, kind, target, services.config, "command line")
        except SettingError as error:
            raise click.ClickException(str(error)) from None

    @commands.command("test")
    @click.argument("name")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def test(name: str, as_json: bool) -> None:
        """Send a test message over every channel now."""
        services, store = open_store(name)
        results = alert_post.test(services, store)
        if not results:
            raise click.ClickException("Alerts of this store go nowhere yet. Use: portal alerts set NAME --email … or --webhook …")
        show(results, as_json, lambda: "\n".join(f"{alert_post.KINDS[kind]}: {problem or 'arrived.'}" for kind, problem in
                                                 results.items()))
        sys.exit(1 if any(results.values()) else 0)

    return commands


def _moment(at: Any) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _words(document: dict[str, Any]) -> str:
    lines = [f"{row['kind']}: {row['target']}. {row['problem']}".strip() for row in document["channels"]]
    lines += [f"{row['title']} (since {row['since']}). {row['text']}" for row in document["active"]]
    return "\n".join(lines or ["Alerts go nowhere yet, and nothing is wrong."])
