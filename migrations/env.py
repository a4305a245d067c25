"""Alembic's entry point; called by `portal.migrate`, and by `make migration` to write a new one."""

from __future__ import annotations

from alembic import context

import portal.models
from portal.config import Config
from portal.crypto import Encrypted
from portal.db import Base, UtcDateTime, make_engine


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our column types as what they are in the database, so that a migration never depends on today's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(item, Encrypted):
        return "sa.String()"
    return False


url = context.config.attributes.get("url") or Config.from_env().database_url
engine = make_engine(url)
assert portal.models
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=False,
                      render_item=render_item)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
