"""The command line. Every command that prints facts takes `--json`; exit code 0 means success."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from portal import (
    alert_commands,
    backup_commands,
    conflict_commands,
    drift_commands,
    frozen_commands,
    mapping_commands,
    order_commands,
    privacy_commands,
    queue_commands,
    rehearsal_commands,
    secret_commands,
    store_commands,
    webhook_commands,
)
from portal.config import Config, ConfigError
from portal.console import fail, json_option, open_services, open_store, show
from portal.runtime import prepare
from portal.sync import alert_post, stores
from portal.sync import tick as heartbeat


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Odoo Connector: keeps a PrestaShop shop and an Odoo database equal."""


@main.command()
def up() -> None:
    """Start everything in one process tree: embedded Redis, web, workers, ticker, demo."""
    from portal import supervisor

    try:
        sys.exit(supervisor.up(Config.from_env()))
    except ConfigError as error:
        fail(str(error))


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
@json_option
def tick(every: float, as_json: bool) -> None:
    """One heartbeat: due changes are queued, lost leases given up, what was down is probed, what is due to be asked is asked."""
    services = open_services()
    if every:
        alert_post.Postman(services).start()
    while True:
        done = heartbeat.tick(services, services.queue())
        if not every:
            done["polls"] = heartbeat.poll_here(services)
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

    services = open_services()
    try:
        add_user(services.config, email, sys.stdin.readline().rstrip("\n"), admin=admin)
    except AccountError as error:
        fail(str(error))
    click.echo(f"{email} may log in.")


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
        services, found = open_store(name)
        with services.db.read() as session:
            facts = module_zip.StoreFacts(services.config.public_url, found.key, stores.token_value(session, found, "hooks"))
    module_zip.build(facts, output)
    click.echo(f"Written: {output}")


main.add_command(store_commands.store)
for _command in (queue_commands.sync_command, queue_commands.status, queue_commands.drain_command, queue_commands.dead,
                 queue_commands.log_command):
    main.add_command(_command)
main.add_command(webhook_commands.group(open_store, show))
main.add_command(conflict_commands.group(open_store, show))
main.add_command(frozen_commands.group(open_store, show))
main.add_command(rehearsal_commands.command(open_store))
for _command in order_commands.commands(open_store, show):
    main.add_command(_command)
main.add_command(mapping_commands.group(open_store, show))
main.add_command(drift_commands.command(open_store, show))
main.add_command(alert_commands.group(open_store, show))
main.add_command(secret_commands.command(open_services))
for _command in backup_commands.commands(open_services, show):
    main.add_command(_command)
main.add_command(privacy_commands.group(open_store))
