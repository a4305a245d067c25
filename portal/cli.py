"""The command line. Every command that prints facts takes `--json`; exit code 0 means success."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
from sqlalchemy import select

from portal import (
    alert_commands,
    conflict_commands,
    drift_commands,
    mapping_commands,
    order_commands,
    rehearsal_commands,
    secret_commands,
    webhook_commands,
)
from portal.config import Config, ConfigError
from portal.models import Store, SyncJob
from portal.runtime import open_services, prepare
from portal.settings import SettingError
from portal.sync import alert_post, drain, initial, jobs, stores, view
from portal.sync import tick as heartbeat
from portal.sync.services import Services

ENTITIES = {"customers": "customer", "products": "product", "stock": "stock", "orders": "order"}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Odoo Connector: keeps a PrestaShop shop and an Odoo database equal."""


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)


def _services() -> Services:
    try:
        return open_services(prepare())
    except ConfigError as error:
        _fail(str(error))


def _store(services: Services, name: str) -> Store:
    with services.db.read() as session:
        store = session.scalars(select(Store).where(Store.name == name)).first()
        if store is None:
            known = ", ".join(session.scalars(select(Store.name).order_by(Store.name))) or "none yet"
            _fail(f"There is no store called {name!r}. Known: {known}.")
    return store


def _show(facts: Any, as_json: bool, words: Callable[[], str]) -> None:
    click.echo(json.dumps(facts, indent=1, ensure_ascii=False, default=str) if as_json else words())


def _json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


# --- processes --------------------------------------------------------------------------------------------------------


@main.command()
def up() -> None:
    """Start everything in one process tree: embedded Redis, web, workers, ticker, demo."""
    from portal import supervisor

    try:
        sys.exit(supervisor.up(Config.from_env()))
    except ConfigError as error:
        _fail(str(error))


@main.command()
def web() -> None:
    """Start the web pages and endpoints."""
    from portal import supervisor

    prepare()
    supervisor.exec_web(Config.from_env())


@main.command()
def worker() -> None:
    """Start one worker."""
    from portal.worker import work

    sys.exit(work())


@main.command()
@click.option("--every", type=float, default=0.0, help="Repeat after so many seconds until stopped.")
@_json_option
def tick(every: float, as_json: bool) -> None:
    """One heartbeat: due changes are queued, lost leases given up, what was down is probed."""
    services = _services()
    if every:
        alert_post.Postman(services).start()
    while True:
        done = heartbeat.tick(services, services.queue())
        if not every:
            click.echo(json.dumps(done) if as_json else ", ".join(f"{name} {n}" for name, n in done.items()))
            alert_post.go_round(services)
            return
        time.sleep(every)


@main.command()
def init() -> None:
    """Create or upgrade the database schema and the secret; ready for `portal web` and `portal worker`."""
    config = prepare()
    click.echo(f"Ready. Data folder: {config.data_dir}")


@main.group()
def user() -> None:
    """People who may log in."""


@user.command("add")
@click.argument("email")
@click.option("--admin", is_flag=True, help="May see and change everything.")
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input.")
def user_add(email: str, admin: bool, password_stdin: bool) -> None:
    """Add a user."""
    from portal.web.accounts import AccountError, add_user

    services = _services()
    try:
        add_user(services.config, email, sys.stdin.readline().rstrip("\n"), admin=admin)
    except AccountError as error:
        _fail(str(error))
    click.echo(f"{email} may log in.")


# --- stores -----------------------------------------------------------------------------------------------------------


@main.group()
def store() -> None:
    """Shops joined to Odoo databases."""


def _secret(value: str | None, file: Path | None, name: str) -> str:
    if value:
        return value
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    _fail(f"{name} is missing. Give --{name}, --{name}-file or the environment variable "
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
@_json_option
def store_add(name: str, prestashop_url: str, prestashop_key: str | None, prestashop_key_file: Path | None, odoo_url: str,
              odoo_db: str, odoo_user: str, odoo_key: str | None, odoo_key_file: Path | None, as_json: bool) -> None:
    """Add a store. It stays disabled until `portal store set NAME enabled=1`."""
    services = _services()
    try:
        with services.db.begin() as session:
            added = stores.add_store(
                session, name, ps_url=prestashop_url, ps_key=_secret(prestashop_key, prestashop_key_file, "prestashop-key"),
                odoo_url=odoo_url, odoo_db=odoo_db, odoo_login=odoo_user,
                odoo_key=_secret(odoo_key, odoo_key_file, "odoo-key"))
            facts = view.store_facts(session, added, services.config)
    except SettingError as error:
        _fail(str(error))
    _show(facts, as_json, lambda: f"Store {name} was added. Next: portal store check {name}")


@store.command("list")
@_json_option
def store_list(as_json: bool) -> None:
    """Every store."""
    services = _services()
    with services.db.read() as session:
        facts = [view.store_facts(session, row, services.config) for row in session.scalars(select(Store).order_by(Store.name))]
    _show(facts, as_json, lambda: "\n".join(
        f"{f['name']}: {f['prestashop_url']} and {f['odoo_url']} ({'enabled' if f['settings']['enabled'] else 'disabled'})"
        for f in facts) or "No store yet.")


@store.command("show")
@click.argument("name")
@click.option("--secrets", is_flag=True, help="With tokens and the addresses that contain them.")
@_json_option
def store_show(name: str, secrets: bool, as_json: bool) -> None:
    """Settings and endpoints of a store."""
    services = _services()
    found = _store(services, name)
    with services.db.read() as session:
        facts = view.store_facts(session, found, services.config, secrets=secrets)
    _show(facts, as_json, lambda: "\n".join(
        f"{key}: {value}" for key, value in (facts | facts["settings"] | facts["endpoints"]).items()
        if not isinstance(value, dict)))


@store.command("check")
@click.argument("name")
@_json_option
def store_check(name: str, as_json: bool) -> None:
    """Test both connections; what is paused because of a wrong key goes on when they work."""
    services = _services()
    found = _store(services, name)
    private = services.allow_private(found)
    checks = {"prestashop": stores.check_shop(found.ps_url, found.ps_key, services.config, allow_private=private),
              "odoo": stores.check_odoo(found.odoo_url, found.odoo_db, found.odoo_login, found.odoo_key, services.config,
                                        allow_private=private)}
    with services.db.begin() as session:
        stores.save_checks(session, session.get_one(Store, found.id), checks["prestashop"], checks["odoo"])
    facts = {side: {"ok": c.ok, "title": c.title,
                    "steps": [{"ok": ok, "text": text, "remedy": remedy} for ok, text, remedy in c.steps]}
             for side, c in checks.items()}
    _show(facts, as_json, lambda: "\n".join(
        f"{side}: {'ok' if c.ok else 'FAILED'}: {c.title}" + "".join(
            f"\n  - {text} {remedy}".rstrip() for ok, text, remedy in c.steps if not ok or text != c.title)
        for side, c in checks.items()))
    sys.exit(0 if all(c.ok for c in checks.values()) else 1)


@store.command("set")
@click.argument("name")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE…")
@_json_option
def store_set(name: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Change settings."""
    services = _services()
    wrong = [c for c in changes if "=" not in c]
    if wrong:
        _fail(f"{wrong[0]!r} is not KEY=VALUE.")
    found = _store(services, name)
    try:
        with services.db.begin() as session:
            row = session.get_one(Store, found.id)
            changed = stores.change_store(session, row, dict(c.split("=", 1) for c in changes), actor="command line")
            facts = view.store_facts(session, row, services.config)
    except SettingError as error:
        _fail(str(error))
    services.kick()
    _show(facts, as_json, lambda: f"Changed: {', '.join(changed)}." if changed else "Nothing to change.")


@store.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
def store_remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a store with its mappings, queue and log. Odoo and the shop are not touched."""
    services = _services()
    found = _store(services, name)
    with services.db.read() as session:
        numbers = stores.removal_numbers(session, found)
    text = ", ".join(f"{n} {what}" for what, n in numbers.items())
    if not yes:
        click.confirm(f"Remove {name} with {text}? Odoo and the shop stay as they are.", abort=True)
    with services.db.begin() as session:
        removed = stores.remove_store(session, session.get_one(Store, found.id))
    _show(removed, as_json, lambda: f"{name} was removed with {text}.")


@main.group()
def module() -> None:
    """The PrestaShop module that reports changes at once."""


@module.command("build")
@click.argument("name", required=False)
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The zip to write.")
def module_build(name: str | None, output: Path) -> None:
    """Build the installable zip; with a store's NAME it is ready-configured and holds that store's signing secret."""
    from portal import module_zip

    facts = None
    if name:
        services = _services()
        found = _store(services, name)
        with services.db.read() as session:
            facts = module_zip.StoreFacts(services.config.public_url, found.key, stores.token_value(session, found, "hooks"))
    module_zip.build(facts, output)
    click.echo(f"Written: {output}")


# --- synchronising ----------------------------------------------------------------------------------------------------


@main.command("sync")
@click.argument("name")
@click.argument("entity", type=click.Choice(list(ENTITIES)))
@click.option("--wait", is_flag=True, help="Work in the foreground and return when it is finished.")
@_json_option
def sync_command(name: str, entity: str, wait: bool, as_json: bool) -> None:
    """Initial sync of an entity."""
    services = _services()
    found = _store(services, name)
    if wait and not found.settings["enabled"]:
        _fail(f"enabled: synchronization is switched off for {name}, so nothing would be sent. "
              f"First: portal store set {name} enabled=1")
    try:
        with services.db.begin() as session:
            initial.start(session, session.get_one(Store, found.id), ENTITIES[entity], actor="command line")
    except SettingError as error:
        _fail(str(error))
    stopped = ""
    if wait:
        stopped = drain.drain(services, found, hurry=False).stopped
    else:
        services.kick()
    with services.db.read() as session:
        row = next(r for r in initial.progress(session, found) if r["entity"] == ENTITIES[entity])
    _show(row, as_json, lambda: f"{row['label']}: {row['noticed']} noticed, {row['done']} synced, {row['waiting']} waiting, "
                                f"{row['failed']} in quarantine. {stopped}".strip())
    sys.exit(1 if wait and (stopped or row["failed"] or (row["waiting"] and not found.settings["dry_run"])) else 0)


@main.command()
@click.argument("name", required=False)
@_json_option
def status(name: str | None, as_json: bool) -> None:
    """Counters of every store, or of one."""
    services = _services()
    with services.db.read() as session:
        rows = [_store(services, name)] if name else list(session.scalars(select(Store).order_by(Store.name)))
        facts = {"stores": [view.status(session, row) for row in rows]}
    _show(facts, as_json, lambda: "\n".join(
        f"{s['name']}: " + ", ".join(f"{n} {what}" for what, n in s["queue"].items()) + "; linked: "
        + (", ".join(f"{n} {what}" for what, n in s["mappings"].items()) or "nothing yet")
        + "".join(f"\n  {t['side']} {t['state']}: {t['reason']}" for t in s["trouble"]) for s in facts["stores"])
        or "No store yet.")


@main.command("drain")
@click.argument("name")
@_json_option
def drain_command(name: str, as_json: bool) -> None:
    """Process the queue now, in the foreground, until nothing is due."""
    services = _services()
    found = _store(services, name)
    result = drain.drain(services, found)
    with services.db.read() as session:
        counts = jobs.counts(session, found.id)
    _show({"ran": result.ran, "stopped": result.stopped, "queue": counts}, as_json,
          lambda: f"{result.ran} changes processed; " + ", ".join(f"{n} {what}" for what, n in counts.items())
          + (f". {result.stopped}" if result.stopped else "."))
    sys.exit(1 if result.stopped else 0)


@main.group()
def dead() -> None:
    """Dead letters: changes in quarantine."""


@dead.command("list")
@click.argument("name")
@_json_option
def dead_list(name: str, as_json: bool) -> None:
    """Every dead letter with its cause."""
    services = _services()
    found = _store(services, name)
    with services.db.read() as session:
        rows = select(SyncJob).where(SyncJob.store_id == found.id, SyncJob.state == "dead").order_by(SyncJob.id)
        facts = [view.job_facts(row) for row in session.scalars(rows)]
    _show(facts, as_json, lambda: "\n".join(
        f"{f['id']}  {f['entity']} {f['record']}: {f['message']} {f['remedy']}".rstrip() for f in facts) or "No dead letters.")


def _chosen(ids: tuple[int, ...], every: bool) -> list[int] | None:
    if bool(ids) == every:
        _fail("Give the ids of dead letters, or --all.")
    return None if every else list(ids)


@dead.command("retry")
@click.argument("name")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True)
@_json_option
def dead_retry(name: str, ids: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Try dead letters again."""
    services = _services()
    found = _store(services, name)
    with services.db.begin() as session:
        result = jobs.retry(session, found.id, _chosen(ids, every), "command line")
    services.kick()
    _show(vars(result), as_json, lambda: f"{result.retried} will be tried again, {result.merged} joined a newer change, "
                                         f"{result.missing} are not in quarantine.")
    sys.exit(1 if result.missing else 0)


@dead.command("discard")
@click.argument("name")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True)
@_json_option
def dead_discard(name: str, ids: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Give dead letters up for good."""
    services = _services()
    found = _store(services, name)
    chosen = _chosen(ids, every)
    with services.db.begin() as session:
        done = jobs.discard(session, found.id, chosen, "command line")
    services.kick()
    _show({"discarded": done}, as_json, lambda: f"{done} discarded.")
    sys.exit(0 if chosen is None or done == len(set(chosen)) else 1)


@main.command("log")
@click.argument("name")
@click.option("-n", "--lines", default=50, show_default=True)
@_json_option
def log_command(name: str, lines: int, as_json: bool) -> None:
    """The newest entries of a store's log, newest last."""
    services = _services()
    found = _store(services, name)
    with services.db.read() as session:
        facts = view.log_facts(session, found.id, lines)
    _show(facts, as_json, lambda: "\n".join(f"{f['at']}  {f['level']:7}  {f['message']}" for f in facts) or "Nothing yet.")


def _open(name: str) -> tuple[Services, Store]:
    services = _services()
    return services, _store(services, name)


main.add_command(webhook_commands.group(_open, _show))
main.add_command(conflict_commands.group(_open, _show))
main.add_command(rehearsal_commands.command(_open))
for _command in order_commands.commands(_open, _show):
    main.add_command(_command)
main.add_command(mapping_commands.group(_open, _show))
main.add_command(drift_commands.command(_open, _show))
main.add_command(alert_commands.group(_open, _show))
main.add_command(secret_commands.command(_services))
