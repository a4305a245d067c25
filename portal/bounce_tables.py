"""The table of what goes to and fro between shop and Odoo."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, UtcDateTime, now

FROZEN = "frozen_at IS NOT NULL"
"""The condition of the index by which the few frozen records are found."""


class Bounce(Base):
    """A record that travels both ways: what the connector wrote of it lately, and whether it is frozen because of that."""

    __tablename__ = "bounce"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(String(511))
    entity: Mapped[str] = mapped_column(String(32))
    record: Mapped[str] = mapped_column(String(64))
    """In the shop."""
    odoo_id: Mapped[int] = mapped_column(BigInteger)
    """By which changes from Odoo name it: a template, or the variant of a stock record."""
    writes: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    """[seconds since 1970, side written to, {field: digest of the value}], oldest first; empty once a person thawed it."""
    frozen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(255), default="")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_bounce_record", "store_id", "target", "entity", "record", unique=True),
        Index("ix_bounce_frozen", "store_id", "entity", sqlite_where=text(FROZEN), postgresql_where=text(FROZEN)),
        Index("ix_bounce_updated", "updated_at"),
    )
