"""Alembic's entry point, called by `portal.migrate` and `migrations/write.py`, which pass the connection.

A migration is one transaction, on SQLite too: a process killed in the middle leaves the schema as it was.
"""

from __future__ import annotations

from alembic import context

import portal.models
import portal.module_tables  # noqa: F401 -- both fill the metadata
from portal.crypto import Encrypted
from portal.db import Base, UtcDateTime


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our column types as what they are in the database, so that a migration never depends on today's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(item, Encrypted):
        return "sa.String()"
    return False


context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True,
                  render_item=render_item, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
