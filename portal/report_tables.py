"""Tables of what was found out without writing anything: the rehearsal, the drift report, and alerts about either."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.crypto import Encrypted
from portal.db import Base, UtcDateTime, now

BigId = BigInteger().with_variant(Integer, "sqlite")


class Rehearsal(Base):
    """One run over the whole shop that writes nothing. It goes on from its cursor after an interruption."""

    __tablename__ = "rehearsal"

    id: Mapped[int] = mapped_column(primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="reading")
    """`reading`, `finished` or `cancelled`."""
    steps: Mapped[list[list[str]]] = mapped_column(JSON)
    """What is looked at, in order: [entity, direction], or ["keys", source] for the lists of duplicates."""
    cursor: Mapped[list[int]] = mapped_column(JSON)
    """Step, and the last id seen in it."""
    looked: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Rehearsed(Base):
    """What would happen to one record, as it was seen last."""

    __tablename__ = "rehearsed"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    entity: Mapped[str] = mapped_column(String(32))
    direction: Mapped[str] = mapped_column(String(12))
    record: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(255), default="")
    odoo_id: Mapped[int | None] = mapped_column(BigInteger)
    message: Mapped[str] = mapped_column(Text, default="")
    remedy: Mapped[str] = mapped_column(Text, default="")
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """[{"side", "field", "before", "after"}]"""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_rehearsed_record", "store_id", "entity", "direction", "record", unique=True),
        Index("ix_rehearsed_kind", "store_id", "entity", "kind", "id"),
    )


class RehearsalKey(Base):
    """A reference, barcode or e-mail address that a record has. At the end of a rehearsal only those that occur twice are left."""

    __tablename__ = "rehearsal_key"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(32))
    what: Mapped[str] = mapped_column(String(12))
    value: Mapped[str] = mapped_column(String(255))
    record: Mapped[str] = mapped_column(String(64))

    __table_args__ = (Index("ix_rehearsal_key_value", "store_id", "source", "what", "value"),)


class DriftRun(Base):
    """One comparison of both sides. It goes on from its cursor after an interruption."""

    __tablename__ = "drift_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="reading")
    """`reading`, `finished` or `cancelled`."""
    steps: Mapped[list[str]] = mapped_column(JSON)
    cursor: Mapped[list[int]] = mapped_column(JSON)
    looked: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Drift(Base):
    """Something in which both sides differ though they should not."""

    __tablename__ = "drift"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    entity: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(12))
    """`missing`, `total`, `state`, `stock`, `price` or `active`."""
    record: Mapped[str] = mapped_column(String(64))
    odoo_id: Mapped[int | None] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(String(255), default="")
    shop_says: Mapped[str] = mapped_column(Text, default="")
    odoo_says: Mapped[str] = mapped_column(Text, default="")
    repair: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What brings both in step: {"direction", "record", "base": {field: value}}; None where the settings allow nothing."""
    why_not: Mapped[str] = mapped_column(Text, default="")
    """Where nothing can be repaired from here: who is the master, or what a person has to do."""
    state: Mapped[str] = mapped_column(String(8), default="open")
    """`open`, `asked` (a repair is on its way) or `closed`."""
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    run_id: Mapped[int] = mapped_column(default=0)
    """The run that saw it last."""
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_drift_record", "store_id", "entity", "kind", "record", unique=True),
        Index("ix_drift_state", "store_id", "state", "id"),
    )


class Alert(Base):
    """A trouble of a store that people are told of, once, and again when it is over."""

    __tablename__ = "alert"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    cause: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), default="active")
    """`active` or `resolved`."""
    title: Mapped[str] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text, default="")
    number: Mapped[int] = mapped_column(default=0)
    """How many it concerns, where it can grow."""
    told: Mapped[int | None] = mapped_column()
    """The number that was told last; None: nothing was told since it is active."""
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class AlertChannel(Base):
    """Where a store's alerts go: `email` (addresses separated by commas) or `webhook` (an address, which may hold a secret)."""

    __tablename__ = "alert_channel"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    target: Mapped[str] = mapped_column(Encrypted)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(Text, default="")
    waiting: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """Messages that were not delivered yet."""
    busy_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when a process has this channel for itself, or when the next try is due after a failure."""
