"""`portal backup` and `portal restore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from portal import backup
from portal.console import fail, json_option
from portal.sync.services import Services

Show = Callable[[Any, bool, Callable[[], str]], None]
FILE = click.Path(dir_okay=False, path_type=Path)
NOT_IN_IT = ("The secret is not in it: keep {where} apart from the backup. Without it the keys of shops and Odoo in the backup "
             "cannot be read and have to be entered again.")


def commands(open_services: Callable[[], Services], show: Show) -> tuple[click.Command, ...]:
    """Both commands; `open_services` starts what they need, `show` prints."""

    @click.command("backup")
    @click.argument("file", type=FILE)
    @json_option
    def backup_command(file: Path, as_json: bool) -> None:
        """Save the whole database to a new FILE, while everything runs."""
        config = open_services().config
        try:
            rows = backup.save(config, file)
        except backup.BackupError as error:
            fail(str(error))
        key = config.data_dir / "secret.key"
        where = str(key) if config.secret_keys[0] in _text(key) else "PORTAL_SECRET_KEY"
        show({"file": str(file), "rows": rows, "secret": where}, as_json,
             lambda: f"{rows:,} rows were saved to {file}.\n{NOT_IN_IT.format(where=where)}")

    @click.command("restore")
    @click.argument("file", type=FILE)
    @json_option
    def restore_command(file: Path, as_json: bool) -> None:
        """Make the database what it was when FILE was saved, while everything runs. What is there now is saved first."""
        services = open_services()
        try:
            rows, before = backup.restore(services.config, file)
        except backup.BackupError as error:
            fail(str(error))
        services.kick()
        show({"file": str(file), "rows": rows, "before": str(before)}, as_json,
             lambda: f"{rows:,} rows were restored. What was there before is in {before}.\nWhat was made since the backup is found "
                     "again by looking for changes; to have it at once, start an initial sync of each entity.")

    return backup_command, restore_command


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
