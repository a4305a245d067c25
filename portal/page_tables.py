"""Tables that exist so that pages are quick: what happened by the hour, and the words by which a record is found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, UtcDateTime


class Activity(Base):
    """How many changes of an entity ended in an hour, so that no page has to count jobs."""

    __tablename__ = "activity"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    entity: Mapped[str] = mapped_column(String(32), primary_key=True)
    direction: Mapped[str] = mapped_column(String(12), primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    synced: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    """Attempts that did not succeed and will be made again."""
    dead: Mapped[int] = mapped_column(default=0)
    last_synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SearchWord(Base):
    """A word by which people look for a shop record: reference, name in Odoo, or the digest of an e-mail address."""

    __tablename__ = "search_word"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(String(128).with_variant(String(128, collation="C"), "postgresql"), primary_key=True)
    """In lower case; compared byte by byte, so that a beginning is a range of the index."""
    entity: Mapped[str] = mapped_column(String(32), primary_key=True)
    record: Mapped[str] = mapped_column(String(64), primary_key=True)

    __table_args__ = (Index("ix_search_word_record", "store_id", "entity", "record"),)
