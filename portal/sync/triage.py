"""Failed changes, grouped by cause: counting, listing, and acting on all that match a filter, however many. No state changes here.

Acting goes through the filter in parts, each a short transaction, so that thousands hold up neither a hook nor a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, TextClause, func, literal, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from portal.models import FAILED, Store, SyncJob
from portal.sync import jobs, log
from portal.sync.services import Services

State = Literal["dead", "error"]
T = TypeVar("T")
PART = 400
_TRIES = 3


@dataclass(frozen=True)
class Wanted:
    """Which failed changes: empty means all, for the cause None. `until`: only what had failed by then, so that nobody acts on
    what they have not seen."""

    state: State = "dead"
    entity: str = ""
    direction: str = ""
    record: str = ""
    cause: str | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Group:
    """Failed changes with one cause, and the newest of them."""

    cause: str
    number: int
    newest: SyncJob
    rows: Sequence[SyncJob]


def count(session: Session, store_id: int, wanted: Wanted) -> int:
    """How many match."""
    return session.scalar(select(func.count()).select_from(SyncJob).where(*_matching(store_id, wanted))) or 0


def groups(session: Session, store_id: int, wanted: Wanted, *, after: tuple[int, str] | None, limit: int,
           shown: int) -> list[Group]:
    """The causes, the largest group first, behind the (number, cause) of the last one seen; each with its newest rows."""
    number = func.count().label("number")
    query = (select(SyncJob.cause, number).where(*_matching(store_id, wanted))
             .group_by(SyncJob.cause).order_by(number.desc(), SyncJob.cause).limit(limit))
    if after is not None:
        query = query.having((number < after[0]) | ((number == literal(after[0])) & (SyncJob.cause > after[1])))
    found = [(cause, n, listed(session, store_id, replace(wanted, cause=cause), limit=shown))
             for cause, n in session.execute(query)]
    return [Group(cause, n, rows[0], rows) for cause, n, rows in found if rows]


def listed(session: Session, store_id: int, wanted: Wanted, *, before: int = 0, limit: int = 50) -> list[SyncJob]:
    """A page of them, newest first, beginning behind the id `before`."""
    query = select(SyncJob).where(*_matching(store_id, wanted))
    if before:
        query = query.where(SyncJob.id < before)
    return list(session.scalars(query.order_by(SyncJob.id.desc()).limit(limit)))


def retry(services: Services, store: Store, wanted: Wanted | Sequence[int], actor: str,
          state: State = "dead") -> jobs.RetryResult:
    """Try again what matches the filter, or the given ones that are still in that state."""
    act = jobs.retry if _state(wanted, state) == "dead" else jobs.retry_failed
    found = _in_parts(services, store, wanted, lambda session, ids: act(session, store.id, ids, actor))
    result = jobs.RetryResult(*(sum(getattr(part, name) for part in found) for name in ("retried", "merged", "missing")))
    _note(services, store, f"Failed changes: {result.retried + result.merged:,} retried by hand.", actor)
    return result


def discard(services: Services, store: Store, wanted: Wanted | Sequence[int], actor: str, state: State = "dead") -> int:
    """Give up for good what matches the filter, or the given ones that are still in that state; how many."""
    states = (_state(wanted, state),)
    number = sum(_in_parts(services, store, wanted,
                           lambda session, ids: jobs.discard(session, store.id, ids, actor, states)))
    _note(services, store, f"Failed changes: {number:,} discarded.", actor)
    return number


def _state(wanted: Wanted | Sequence[int], state: State) -> State:
    return wanted.state if isinstance(wanted, Wanted) else state


def _note(services: Services, store: Store, words: str, actor: str) -> None:
    with services.db.begin() as session:
        log.write(session, store.id, words, actor=actor)


def _in_parts(services: Services, store: Store, wanted: Wanted | Sequence[int],
              act: Callable[[Session, list[int]], T]) -> list[T]:
    """The results of the parts. Where the database is too busy to go on, what was done counts and the rest is left as it is."""
    done: list[T] = []
    last = tries = 0
    while True:
        try:
            with services.db.begin() as session:
                ids = _next(session, store.id, wanted, last)
                result = act(session, ids) if ids else None
        except (IntegrityError, OperationalError):  # a newer change of a record was noticed at this moment, or a lock: look again
            tries += 1
            if tries < _TRIES:
                continue
            if done:
                return done
            raise
        if result is None:
            return done
        done.append(result)
        last, tries = ids[-1], 0


def _next(session: Session, store_id: int, wanted: Wanted | Sequence[int], last: int) -> list[int]:
    if not isinstance(wanted, Wanted):
        return sorted({number for number in wanted if number > last})[:PART]
    return list(session.scalars(select(SyncJob.id).where(*_matching(store_id, wanted), SyncJob.id > last)
                                .order_by(SyncJob.id).limit(PART)))


def _matching(store_id: int, wanted: Wanted) -> list[ColumnElement[bool] | TextClause]:
    same: dict[Any, str] = {SyncJob.entity: wanted.entity, SyncJob.direction: wanted.direction, SyncJob.record: wanted.record}
    found: list[ColumnElement[bool] | TextClause] = [
        SyncJob.store_id == store_id, SyncJob.state == wanted.state, text(FAILED),
        *(column == value for column, value in same.items() if value)]
    if wanted.cause is not None:
        found.append(SyncJob.cause == wanted.cause)
    if wanted.until is not None:
        found.append(SyncJob.updated_at <= wanted.until)
    return found
