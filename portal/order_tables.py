"""Tables about orders: the penny ledger of each, and the taxes of a store with what the merchant chose."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, UtcDateTime, now


class OrderLedger(Base):
    """How each cent of a shop order landed in one Odoo database, as it was when the order was last looked at.

    `verdict`: equal, held (stays a quotation), settled (unequal, but a person confirmed it in Odoo), changed (the shop changed it
    after it was confirmed), cancelled, or foreseen (a dry run; Odoo has nothing yet).
    """

    __tablename__ = "order_ledger"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(String(511))
    record: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(12))
    cause: Mapped[str] = mapped_column(String(128), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The ledger, amounts as text."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_order_ledger", "store_id", "target", "record", unique=True),
        Index("ix_order_ledger_verdict", "store_id", "target", "verdict", "id"),
    )


class TaxTable(Base):
    """The taxes of a store's shop and Odoo, as they were when both were last asked: see `portal.entities.tax_table`."""

    __tablename__ = "tax_table"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    target: Mapped[str] = mapped_column(String(511))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class TaxChoice(Base):
    """The Odoo taxes that the merchant chose for a rate in a place; see `portal.entities.tax.TaxMap`."""

    __tablename__ = "tax_choice"

    id: Mapped[int] = mapped_column(primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(String(511))
    place: Mapped[str] = mapped_column(String(16))
    rate: Mapped[str] = mapped_column(String(64))
    tax_group: Mapped[int] = mapped_column(default=0)
    """The shop's tax rules group; 0 for every group without a choice of its own."""
    taxes: Mapped[list[int]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (Index("uq_tax_choice", "store_id", "target", "place", "rate", "tax_group", unique=True),)
