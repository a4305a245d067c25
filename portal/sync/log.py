"""The log a merchant reads: one sentence an entry, personal details left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal.db import now
from portal.logs import without_secrets
from portal.models import LogEntry

_EMAIL = re.compile(r"([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)+)")


def mask(text: str) -> str:
    """The text without secrets, and with e-mail addresses shortened to their first letter and domain."""
    return _EMAIL.sub(r"\1…@\2", without_secrets(text))


@dataclass(frozen=True)
class Entry:
    """One entry of `write_many`."""

    message: str
    entity: str
    record: str
    direction: str
    job_id: int
    dry_run: bool
    level: str = "info"


def write_many(session: Session, store_id: int, entries: Sequence[Entry]) -> None:
    """Add what a batch did, in one statement."""
    if entries:
        session.execute(insert(LogEntry), [
            {"store_id": store_id, "at": now(), "level": entry.level, "entity": entry.entity, "record": entry.record,
             "direction": entry.direction, "job_id": entry.job_id,
             "dry_run": entry.dry_run, "actor": "", "message": _marked(entry.message, entry.dry_run)}
            for entry in entries])


def _marked(message: str, dry_run: bool) -> str:
    return f"DRY-RUN {mask(message)}" if dry_run else mask(message)


def write(session: Session, store_id: int | None, message: str, *, level: str = "info", entity: str = "", record: str = "",
          direction: str = "", job_id: int | None = None, dry_run: bool = False, actor: str = "") -> None:
    """Add an entry; it is saved with the caller's transaction. `level`: info, warning or error."""
    session.add(LogEntry(store_id=store_id, level=level, entity=entity, record=record, direction=direction, job_id=job_id,
                         dry_run=dry_run, actor=actor, message=_marked(message, dry_run)))
