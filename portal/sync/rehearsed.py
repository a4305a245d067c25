"""What a dry run found, by record: kept in SQL, counted, listed, and written out as a table. Nothing here calls anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.clients.errors import AccessRefused, Ambiguous, Outage, Throttled
from portal.db import Database, now
from portal.entities.base import DependencyMissing
from portal.models import Rehearsed, Store
from portal.spreadsheet import line
from portal.sync.foreseen import Foreseen
from portal.sync.work import Later, Outcome

_UNKNOWN = (Outage, Throttled, Ambiguous, AccessRefused, Later)
"""Errors that say nothing about the record."""
_CHUNK = 400
_EXPORTED = 500
HEADER = ("Entity", "Direction", "Record", "Name", "Odoo id", "What", "Side", "Field", "Before", "After", "In words", "What to do")


@dataclass(frozen=True)
class Wanted:
    """Which findings to list: empty means all."""

    entity: str = ""
    kind: str = ""
    text: str = ""


def keep(session: Session, store: Store, outcomes: Sequence[Outcome], words: Mapping[int, tuple[str, str]]) -> None:
    """Save what was foreseen for these records, over what was there before. `words`: message and remedy of errors, by job id."""
    rows = [_row(store, outcome, words) for outcome in outcomes if not isinstance(outcome.error, _UNKNOWN)]
    _refuse_dependents(session, store, outcomes, rows)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for start in range(0, len(rows), _CHUNK):
        some = insert(Rehearsed).values(rows[start:start + _CHUNK])
        session.execute(some.on_conflict_do_update(
            index_elements=["store_id", "entity", "direction", "record"],
            set_={name: some.excluded[name] for name in ("kind", "title", "odoo_id", "message", "remedy", "changes", "at")}))


def counts(session: Session, store_id: int) -> dict[str, dict[str, int]]:
    """How many records by entity and kind."""
    found: dict[str, dict[str, int]] = {}
    for entity, kind, n in session.execute(select(Rehearsed.entity, Rehearsed.kind, func.count())
                                           .where(Rehearsed.store_id == store_id).group_by(Rehearsed.entity, Rehearsed.kind)):
        found.setdefault(entity, {})[kind] = n
    return found


def listed(session: Session, store_id: int, wanted: Wanted, *, after: int = 0, limit: int = 50) -> list[Rehearsed]:
    """A page of findings by id, beginning behind `after`."""
    return list(session.scalars(_query(store_id, wanted).where(Rehearsed.id > after).limit(limit)))


def table(db: Database, store_id: int, wanted: Wanted) -> Iterator[str]:
    """The findings as CSV, a page at a time: one line for each value that would change, or one for the record."""
    yield line(HEADER)
    after = 0
    while True:
        with db.read() as session:
            rows = listed(session, store_id, wanted, after=after, limit=_EXPORTED)
        for row in rows:
            record = (row.entity, row.direction, row.record, row.title, row.odoo_id or "", row.kind)
            for change in row.changes or [{"side": "", "field": "", "before": "", "after": ""}]:
                yield line((*record, change["side"], change["field"], change["before"], change["after"], row.message, row.remedy))
        if len(rows) < _EXPORTED:
            return
        after = rows[-1].id


def facts(row: Rehearsed) -> dict[str, Any]:
    """One finding as plain facts."""
    return {"entity": row.entity, "direction": row.direction, "record": row.record, "kind": row.kind, "name": row.title,
            "odoo_id": row.odoo_id, "message": row.message, "remedy": row.remedy, "changes": row.changes}


def _query(store_id: int, wanted: Wanted) -> Select[Rehearsed]:
    query = select(Rehearsed).where(Rehearsed.store_id == store_id).order_by(Rehearsed.id)
    if wanted.entity:
        query = query.where(Rehearsed.entity == wanted.entity)
    if wanted.kind:
        query = query.where(Rehearsed.kind == wanted.kind)
    if wanted.text:
        query = query.where(or_(Rehearsed.record == wanted.text, Rehearsed.title.icontains(wanted.text, autoescape=True)))
    return query


def _row(store: Store, outcome: Outcome, words: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    found = outcome.foreseen or Foreseen("refused")
    message, remedy = words.get(outcome.job.id, (outcome.message, ""))
    if isinstance(outcome.error, DependencyMissing):
        found = Foreseen("create", needs=outcome.error.refs)
        message, remedy = f"would first synchronise {', '.join(f'{r.entity} {r.record}' for r in sorted(found.needs))}", ""
    return {"store_id": store.id, "entity": outcome.job.entity, "direction": outcome.job.direction, "record": outcome.job.record,
            "kind": found.kind, "title": found.title, "odoo_id": found.odoo_id, "message": message, "remedy": remedy,
            "changes": [asdict(change) for change in found.changes], "at": now()}


def _refuse_dependents(session: Session, store: Store, outcomes: Sequence[Outcome], rows: Sequence[dict[str, Any]]) -> None:
    """What needs a record that would be refused would not come about either."""
    by_record = {(row["entity"], row["record"]): row for row in rows}
    needs = {(outcome.job.entity, outcome.job.record): outcome.foreseen.needs for outcome in outcomes
             if outcome.foreseen and outcome.foreseen.needs}
    wanted = {ref for refs in needs.values() for ref in refs}
    refused: dict[tuple[str, str], str] = {}
    for entity in {ref.entity for ref in wanted}:
        records = [ref.record for ref in wanted if ref.entity == entity]
        for start in range(0, len(records), _CHUNK):
            refused.update({(entity, row.record): row.message for row in session.scalars(select(Rehearsed).where(
                Rehearsed.store_id == store.id, Rehearsed.entity == entity, Rehearsed.direction == "ps_to_odoo",
                Rehearsed.kind == "refused", Rehearsed.record.in_(records[start:start + _CHUNK])))})
    for key, refs in needs.items():
        for ref in sorted(refs):
            if (ref.entity, ref.record) in refused:
                by_record[key] |= {"kind": "refused", "remedy": f"Solve {ref.entity} {ref.record} first.",
                                   "message": f"Needs {ref.entity} {ref.record}, which would be refused: "
                                              f"{refused[(ref.entity, ref.record)]}"}
