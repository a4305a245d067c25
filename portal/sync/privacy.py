"""What is kept of people: for how long, and one person's share of it, to hand out or to erase. SQL only.

Odoo and the shop are not touched: what they hold is exported and erased there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, or_, select
from sqlalchemy.orm import Session

from portal import crypto
from portal.db import Base, now
from portal.entities.text import address_of_mail
from portal.models import JobEvent, LogEntry, Mapping, RehearsalKey, SearchWord, Store, SyncJob
from portal.sync import log

PRUNED_AT_ONCE = 500
DONE = ("synced", "discarded", "superseded")
Record = tuple[str, str]


class OnItsWay(Exception):
    """Changes of the person have not ended; `number` of them."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def prune(session: Session) -> int:
    """Forget ended changes with their timelines, and log entries, that are older than their store keeps them; their number.

    A bounded number a round, oldest first. Quarantine is never touched.
    """
    forgotten = 0
    for store in session.scalars(select(Store)):
        days = int(store.settings["keep_days"])
        if not days:
            continue
        before = now() - timedelta(days=days)
        for state in DONE:
            oldest = session.execute(select(SyncJob.id, SyncJob.finished_at).where(
                SyncJob.store_id == store.id, SyncJob.state == state).order_by(SyncJob.id).limit(PRUNED_AT_ONCE))
            forgotten += _delete(session, SyncJob, [number for number, at in oldest if at is not None and at < before])
        entries = session.execute(select(LogEntry.id, LogEntry.at).where(LogEntry.store_id == store.id).order_by(LogEntry.id)
                                  .limit(PRUNED_AT_ONCE))
        forgotten += _delete(session, LogEntry, [number for number, at in entries if at < before])
    return forgotten


def find(session: Session, store: Store, who: str) -> set[Record]:
    """The records of a person: the customer of this shop id or e-mail address, and the customer's orders. Empty: nobody."""
    if who.strip().isdecimal():
        people = {who.strip()}
    else:
        address = address_of_mail(who)
        if not address:
            return set()
        digests = [f"@{digest}" for digest in crypto.keyed_digests(address)]
        people = set(session.scalars(select(SearchWord.record).where(
            SearchWord.store_id == store.id, SearchWord.entity == "customer", SearchWord.word.in_(digests))))
        people |= {row.shop_id for row in _links(session, store, "customer")
                   if address_of_mail(str(row.base.get("email") or "")) == address}
    needed = {f"customer {number}" for number in people}
    orders = {row.shop_id for row in _links(session, store, "order") if needed & set(row.data.get("needs", ()))}
    records = {("customer", number) for number in people} | {("order", number) for number in orders}
    return records if any(_rows(session, store, records, who)) else set()


def export(session: Session, store: Store, who: str) -> dict[str, list[dict[str, Any]]]:
    """Every row about the person, by table; secrets are in none of them."""
    found: dict[str, list[dict[str, Any]]] = {}
    records = find(session, store, who)
    for table, row in _rows(session, store, records, who) if records else ():
        found.setdefault(table.name, []).append(row)
    return found


def erase(session: Session, store: Store, who: str, actor: str) -> int:
    """Delete everything that is kept about the person but the bare links of their orders, which keep an order from being made
    twice; the number of rows. Raises `OnItsWay` while changes of theirs have not ended."""
    records = find(session, store, who)
    if not records:
        return 0
    mine = _about(Base.metadata.tables["sync_job"], store, records)
    waiting = len(session.execute(select(SyncJob.id).where(mine, SyncJob.state.not_in(DONE))).all())
    if waiting:
        raise OnItsWay(waiting)
    erased = 0
    for table in _tables():
        here = _condition(table, store, records, who)
        if table.name == "mapping":
            here = and_(here, Mapping.entity != "order")
        erased += session.execute(delete(table).where(here)).rowcount  # type: ignore[attr-defined]
    log.write(session, store.id, "What was kept about a person was erased.", actor=actor)
    return erased


def _rows(session: Session, store: Store, records: set[Record], who: str) -> Iterator[tuple[Table, dict[str, Any]]]:
    for table in _tables():
        for row in session.execute(select(table).where(_condition(table, store, records, who))).mappings():
            yield table, dict(row)


def _tables() -> list[Table]:
    """Every table that says of which record a row is, found by its columns so that a new one is not forgotten."""
    others = (JobEvent.__tablename__, RehearsalKey.__tablename__, "order_ledger")
    return [table for table in reversed(Base.metadata.sorted_tables) if table.name in others or (
        {"store_id", "entity"} <= set(table.columns.keys()) and {"record", "shop_id"} & set(table.columns.keys()))]


def _condition(table: Table, store: Store, records: set[Record], who: str) -> ColumnElement[bool]:
    if table.name == JobEvent.__tablename__:
        return JobEvent.job_id.in_(select(SyncJob.id).where(_about(Base.metadata.tables["sync_job"], store, records)))
    if table.name == RehearsalKey.__tablename__:
        people = [record for entity, record in records if entity == "customer"]
        return and_(RehearsalKey.store_id == store.id, or_(
            RehearsalKey.value == address_of_mail(who), and_(RehearsalKey.what == "email", RehearsalKey.record.in_(people))))
    return _about(table, store, records)


def _about(table: Table, store: Store, records: set[Record]) -> ColumnElement[bool]:
    record = table.columns["record"] if "record" in table.columns else table.columns["shop_id"]
    kinds = [(entity, sorted(number for kind, number in records if kind == entity)) for entity in ("customer", "order")]
    if "entity" not in table.columns:
        return and_(table.columns["store_id"] == store.id, record.in_(kinds[1][1]))
    return and_(table.columns["store_id"] == store.id,
                or_(*(and_(table.columns["entity"] == entity, record.in_(numbers)) for entity, numbers in kinds)))


def _links(session: Session, store: Store, entity: str) -> Iterator[Mapping]:
    yield from session.scalars(select(Mapping).where(Mapping.store_id == store.id, Mapping.entity == entity)
                               .execution_options(yield_per=1000))


def _delete(session: Session, model: type[SyncJob] | type[LogEntry], numbers: list[int]) -> int:
    if numbers:
        session.execute(delete(model).where(model.id.in_(numbers)).execution_options(synchronize_session=False))
    return len(numbers)
