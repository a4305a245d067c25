"""What every command needs: services, a store by its name, facts as words or as JSON, and a clear end when something is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click
from sqlalchemy import select

from portal import runtime
from portal.config import ConfigError
from portal.models import Store
from portal.sync.services import Services


def fail(message: str) -> NoReturn:
    """End with exit code 1 and this message."""
    click.echo(message, err=True)
    sys.exit(1)


def open_services() -> Services:
    """Everything a command works with; fails where the configuration is wrong."""
    try:
        return runtime.open_services(runtime.prepare())
    except ConfigError as error:
        fail(str(error))


def find_store(among: Services, name: str) -> Store:
    """The store of that name; fails where there is none."""
    with among.db.read() as session:
        store = session.scalars(select(Store).where(Store.name == name)).first()
        if store is None:
            known = ", ".join(session.scalars(select(Store.name).order_by(Store.name))) or "none yet"
            fail(f"There is no store called {name!r}. Known: {known}.")
    return store


def open_store(name: str) -> tuple[Services, Store]:
    """Services and a store of them."""
    found = open_services()
    return found, find_store(found, name)


def show(facts: Any, as_json: bool, words: Callable[[], str]) -> None:
    """Print facts as JSON or in words."""
    click.echo(json.dumps(facts, indent=1, ensure_ascii=False, default=str) if as_json else words())


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--json` of a command that prints facts."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
