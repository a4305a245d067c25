"""Tables of the shop's module: what it last said of itself, and the messages seen, against replay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, UtcDateTime, now


class ShopModule(Base):
    """The module of a store: when it was last heard, its version, and how many changes wait in the shop."""

    __tablename__ = "shop_module"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    version: Mapped[str] = mapped_column(String(32), default="")
    shop_version: Mapped[str] = mapped_column(String(32), default="")
    backlog: Mapped[int] = mapped_column(BigInteger, default=0)
    rescan: Mapped[str] = mapped_column(String(16), default="")
    """The last occasion on which the module had dropped changes and everything was looked at again."""


class HookSeen(Base):
    """A message that was taken. Kept as long as its time would still be accepted."""

    __tablename__ = "hook_seen"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
