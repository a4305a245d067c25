"""`portal reencrypt`: the second half of changing `PORTAL_SECRET_KEY`."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.crypto import Encrypted, UndecryptableError
from portal.db import Base
from portal.sync.services import Services


def reencrypt(session: Session) -> int:
    """Write every stored secret anew with the first key; their number. Raises UndecryptableError where no key fits."""
    written = 0
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if not isinstance(column.type, Encrypted):
                continue
            keys = list(table.primary_key.columns)
            for *identity, secret in session.execute(select(*keys, column).where(column.is_not(None)).with_for_update()).all():
                row = [key == value for key, value in zip(keys, identity, strict=True)]
                session.execute(update(table).where(*row).values({column.name: secret}))
                written += 1
    return written


def command(open_services: Callable[[], Services]) -> click.Command:
    """The command; `open_services` starts what it needs."""

    @click.command("reencrypt")
    def reencrypt_command() -> None:
        """Write every stored key and token anew with the first secret of PORTAL_SECRET_KEY."""
        services = open_services()
        try:
            with services.db.begin() as session:
                written = reencrypt(session)
        except UndecryptableError as error:
            click.echo(str(error), err=True)
            sys.exit(1)
        click.echo(f"{written} stored keys and tokens are encrypted with the first secret. "
                   "When every process has been restarted with it, the former one may go.")

    return reencrypt_command
