"""`portal store`: shops joined to Odoo databases."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from sqlalchemy import select

from portal.console import fail, json_option, open_services, open_store, show
from portal.models import Store
from portal.settings import SettingError
from portal.sync import stores, view


@click.group()
def store() -> None:
    """Shops joined to Odoo databases."""


def _secret(value: str | None, file: Path | None, name: str) -> str:
    if value:
        return value
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    fail(f"{name} is missing. Give --{name}, --{name}-file or the environment variable "
          f"PORTAL_{name.replace('-', '_').upper()}.")


@store.command("add")
@click.argument("name")
@click.option("--prestashop-url", required=True)
@click.option("--prestashop-key", envvar="PORTAL_PRESTASHOP_KEY")
@click.option("--prestashop-key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--odoo-url", required=True)
@click.option("--odoo-db", required=True)
@click.option("--odoo-user", required=True)
@click.option("--odoo-key", envvar="PORTAL_ODOO_KEY")
@click.option("--odoo-key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def store_add(name: str, prestashop_url: str, prestashop_key: str | None, prestashop_key_file: Path | None, odoo_url: str,
              odoo_db: str, odoo_user: str, odoo_key: str | None, odoo_key_file: Path | None, as_json: bool) -> None:
    """Add a store. It stays disabled until `portal store set NAME enabled=1`."""
    services = open_services()
    try:
        with services.db.begin() as session:
            added = stores.add_store(
                session, name, ps_url=prestashop_url, ps_key=_secret(prestashop_key, prestashop_key_file, "prestashop-key"),
                odoo_url=odoo_url, odoo_db=odoo_db, odoo_login=odoo_user,
                odoo_key=_secret(odoo_key, odoo_key_file, "odoo-key"))
            facts = view.store_facts(session, added, services.config)
    except SettingError as error:
        fail(str(error))
    show(facts, as_json, lambda: f"Store {name} was added. Next: portal store check {name}")


@store.command("list")
@json_option
def store_list(as_json: bool) -> None:
    """Every store."""
    services = open_services()
    with services.db.read() as session:
        facts = [view.store_facts(session, row, services.config) for row in session.scalars(select(Store).order_by(Store.name))]
    show(facts, as_json, lambda: "\n".join(
        f"{f['name']}: {f['prestashop_url']} and {f['odoo_url']} ({'enabled' if f['settings']['enabled'] else 'disabled'})"
        for f in facts) or "No store yet.")


@store.command("show")
@click.argument("name")
@click.option("--secrets", is_flag=True, help="With tokens and the addresses that contain them.")
@json_option
def store_show(name: str, secrets: bool, as_json: bool) -> None:
    """Settings and endpoints of a store."""
    services, found = open_store(name)
    with services.db.read() as session:
        facts = view.store_facts(session, found, services.config, secrets=secrets)
    show(facts, as_json, lambda: "\n".join(
        f"{key}: {value}" for key, value in (facts | facts["settings"] | facts["endpoints"]).items()
        if not isinstance(value, dict)))


@store.command("check")
@click.argument("name")
@json_option
def store_check(name: str, as_json: bool) -> None:
    """Test both connections; what is paused because of a wrong key goes on when they work."""
    services, found = open_store(name)
    private = services.allow_private(found)
    checks = {"prestashop": stores.check_shop(found.ps_url, found.ps_key, services.config, settings=found.settings,
                                                allow_private=private),
              "odoo": stores.check_odoo(found.odoo_url, found.odoo_db, found.odoo_login, found.odoo_key, services.config,
                                        allow_private=private)}
    with services.db.begin() as session:
        stores.save_checks(session, session.get_one(Store, found.id), checks["prestashop"], checks["odoo"])
    facts = {side: {"ok": c.ok, "title": c.title,
                    "steps": [{"ok": ok, "text": text, "remedy": remedy} for ok, text, remedy in c.steps]}
             for side, c in checks.items()}
    show(facts, as_json, lambda: "\n".join(
        f"{side}: {'ok' if c.ok else 'FAILED'}: {c.title}" + "".join(
            f"\n  - {text} {remedy}".rstrip() for ok, text, remedy in c.steps if not ok or text != c.title)
        for side, c in checks.items()))
    sys.exit(0 if all(c.ok for c in checks.values()) else 1)


@store.command("set")
@click.argument("name")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE…")
@json_option
def store_set(name: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Change settings."""
    wrong = [c for c in changes if "=" not in c]
    if wrong:
        fail(f"{wrong[0]!r} is not KEY=VALUE.")
    services, found = open_store(name)
    try:
        with services.db.begin() as session:
            row = session.get_one(Store, found.id)
            changed = stores.change_store(session, row, dict(c.split("=", 1) for c in changes), actor="command line")
            facts = view.store_facts(session, row, services.config)
    except SettingError as error:
        fail(str(error))
    services.kick()
    show(facts, as_json, lambda: f"Changed: {', '.join(changed)}." if changed else "Nothing to change.")


@store.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def store_remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a store with its mappings, queue and log. Odoo and the shop are not touched."""
    services, found = open_store(name)
    with services.db.read() as session:
        numbers = stores.removal_numbers(session, found)
    text = ", ".join(f"{n} {what}" for what, n in numbers.items())
    if not yes:
        click.confirm(f"Remove {name} with {text}? Odoo and the shop stay as they are.", abort=True)
    with services.db.begin() as session:
        removed = stores.remove_store(session, session.get_one(Store, found.id))
    show(removed, as_json, lambda: f"{name} was removed with {text}.")
