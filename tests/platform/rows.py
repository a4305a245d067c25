"""A plausible row for every table of a database, whichever version its schema has."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, DateTime, Engine, Float, Integer, MetaData, Table, insert, select
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION

from portal import crypto
from portal.crypto import Encrypted
from portal.db import Base

WORDS = {"state": "synced", "entity": "customer", "direction": "ps_to_odoo", "kind": "queued", "side": "odoo", "winner": "odoo",
         "email": "ada@example.com", "name": "shop", "record": "7", "shop_id": "7"}
CHOSEN = {"state", "entity", "direction", "kind", "side", "winner"}
"""Columns that hold one of a few words."""


def fill(engine: Engine, *, tables: set[str] | None = None, number: int = 1) -> None:
    """Add row `number` to each table that the database has, or to these."""
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name != "alembic_version" and (tables is None or table.name in tables):
                connection.execute(insert(table), {column.name: _value(connection, table, column, number)
                                                   for column in table.columns if column is not table.autoincrement_column})


def _value(connection: Connection, table: Table, column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return connection.scalar(select(key.column).order_by(key.column.desc()).limit(1))
    kind = column.type
    model = Base.metadata.tables.get(table.name)
    if model is not None and column.name in model.columns and isinstance(model.columns[column.name].type, Encrypted):
        return crypto._cipher[0].encrypt(f"secret {number}")
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, JSON):
        return {}
    if isinstance(kind, DateTime):
        return datetime(2026, 1, number)
    if isinstance(kind, (Integer, Float, DOUBLE_PRECISION)):
        return number
    text = WORDS.get(column.name, column.name) + ("" if number == 1 or column.name in CHOSEN else str(number))
    return text[:getattr(kind, "length", None)]
