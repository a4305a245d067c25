"""The log a merchant reads: one sentence an entry, personal details left out."""

from __future__ import annotations

import re

from sqlalchemy.orm import Session

from portal.models import LogEntry

_EMAIL = re.compile(r"([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)+)")


def mask(text: str) -> str:
    """The text with e-mail addresses shortened to their first letter and domain."""
    return _EMAIL.sub(r"\1…@\2", text)


def write(session: Session, store_id: int | None, message: str, *, level: str = "info", entity: str = "", record: str = "",
          job_id: int | None = None, dry_run: bool = False, actor: str = "") -> None:
    """Add an entry; it is saved with the caller's transaction. `level`: info, warning or error."""
    text = mask(message)
    if dry_run:
        text = f"DRY-RUN {text}"
    session.add(LogEntry(store_id=store_id, level=level, entity=entity, record=record, job_id=job_id, dry_run=dry_run,
                         actor=actor, message=text))
