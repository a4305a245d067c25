"""Fields that both sides changed differently: the value that lost is kept, and a person may choose it after all. SQL only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from portal.db import now
from portal.entities import compare
from portal.models import Conflict, Store
from portal.models import Mapping as Link
from portal.sync import jobs, log

Side = Literal["prestashop", "odoo"]
WINNERS: Mapping[compare.Owner, str] = {"left": "prestashop", "right": "odoo", "manual": "manual"}


SETTLED = ("kept", "applied")


def listed(session: Session, store: Store, *, settled: bool = False, before: int = 0, limit: int = 200) -> list[Conflict]:
    """The open conflicts of a store, or those that a person settled; newest first. `before`: older than this one."""
    query = select(Conflict).where(*_of(store), Conflict.state.in_(SETTLED if settled else ("open",)))
    if before:
        query = query.where(Conflict.id < before)
    return list(session.scalars(query.order_by(Conflict.id.desc()).limit(limit)))


def of_record(session: Session, store: Store, entity: str, record: str) -> list[Conflict]:
    """The open conflicts of one record; for a product also those of its combinations."""
    mine = (Conflict.entity == entity) & (Conflict.shop_id == record)
    if entity == "product":
        mine |= (Conflict.entity == "combination") & Conflict.shop_id.startswith(f"{record}:", autoescape=True)
    return list(session.scalars(select(Conflict).where(*_of(store), Conflict.state == "open", mine).order_by(Conflict.id)))


def counts(session: Session, store: Store) -> dict[str, int]:
    """How many conflicts are open, kept and applied."""
    found = {row.state: row.n for row in session.execute(
        select(Conflict.state, func.count().label("n")).where(*_of(store)).group_by(Conflict.state))}
    return {state: found.get(state, 0) for state in ("open", *SETTLED)}


def apply(session: Session, store: Store, conflict_id: int, side: Side, actor: str = "") -> bool:
    """Choose a side's value; a job brings it to both. False if there is no such open conflict."""
    row = _open(session, store, conflict_id)
    if row is None:
        return False
    row.state, row.winner, row.written, row.at = "applied", side, False, now()
    value = row.shop_value if side == "prestashop" else row.odoo_value
    log.write(session, store.id, f"Conflict: {row.field} of {row.entity} {row.shop_id} is to be {value!r}, as in "
              f"{'the shop' if side == 'prestashop' else 'Odoo'}.", entity=row.entity, record=row.shop_id, actor=actor)
    entity, record = ("product", row.shop_id.partition(":")[0]) if row.entity == "combination" else (row.entity, row.shop_id)
    jobs.notice(session, store, entity, "ps_to_odoo", record, source="conflict")
    return True


def dismiss(session: Session, store: Store, conflict_id: int, actor: str = "") -> bool:
    """Leave everything as it is, also where both sides differ (`manual`). False if there is no such open conflict."""
    row = _open(session, store, conflict_id)
    if row is None:
        return False
    row.state, row.at = "kept", now()
    log.write(session, store.id, f"Conflict: {row.field} of {row.entity} {row.shop_id} stays as it is.", entity=row.entity,
              record=row.shop_id, actor=actor)
    link = session.scalars(select(Link).where(Link.store_id == store.id, Link.target == row.target, Link.entity == row.entity,
                                              Link.shop_id == row.shop_id).with_for_update()).first()
    if row.winner == "manual" and link is not None:
        link.base = {**link.base, row.field: row.shop_value}
        link.data = {**link.data, "odoo": {**link.data.get("odoo", {}), row.field: row.odoo_value}}
    return True


def keep(session: Session, store: Store, entity: str, shop_id: str, found: Sequence[compare.Conflict]) -> None:
    """Remember conflicts before the winner is written, so that the loser outlives a crash. Left is the shop, right is Odoo.

    The same conflict met again stays one row, and one that a person settled is not opened anew.
    """
    for conflict in found:
        mine = select(Conflict).where(Conflict.store_id == store.id, Conflict.target == store.target, Conflict.entity == entity,
                                      Conflict.shop_id == shop_id, Conflict.field == conflict.field)
        last = session.scalars(mine.order_by(Conflict.id.desc()).limit(1)).first()
        values = {"base": conflict.base, "shop_value": conflict.left, "odoo_value": conflict.right}
        known = last is not None and (last.state == "open" or last.winner == "manual")
        if known and all(getattr(last, name) == value for name, value in values.items()):
            continue
        if last is not None and last.state == "open" and last.winner == "manual":
            last.shop_value, last.odoo_value, last.winner, last.at = \
                conflict.left, conflict.right, WINNERS[conflict.owner], now()
            continue
        session.add(Conflict(store_id=store.id, target=store.target, entity=entity, shop_id=shop_id, field=conflict.field,
                             winner=WINNERS[conflict.owner], **values))
        what = "Choose one in the conflict list." if conflict.owner == "manual" else \
            f"{conflict.winner!r} stands; the other is in the conflict list."
        log.write(session, store.id, f"{entity.capitalize()} {shop_id}: shop and Odoo both changed the {conflict.field} "
                  f"({conflict.left!r} and {conflict.right!r}). {what}", level="warning", entity=entity, record=shop_id)


def chosen(session: Session, store: Store, entity: str, shop_ids: Collection[str]) -> dict[str, list[Conflict]]:
    """By record: what a person chose and is not written yet."""
    found: dict[str, list[Conflict]] = {}
    rows = session.scalars(select(Conflict).where(
        Conflict.store_id == store.id, Conflict.target == store.target, Conflict.entity == entity, Conflict.written.is_(False),
        Conflict.state == "applied").order_by(Conflict.id))
    for row in rows:
        if row.shop_id in shop_ids:
            found.setdefault(row.shop_id, []).append(row)
    return found


def written(session: Session, ids: Collection[int]) -> None:
    """These choices stand on both sides now."""
    for row in session.scalars(select(Conflict).where(Conflict.id.in_(list(ids)))):
        row.written = True


def value_of(row: Conflict) -> Any:
    """What a person chose."""
    return row.shop_value if row.winner == "prestashop" else row.odoo_value


def _of(store: Store) -> tuple[ColumnElement[bool], ...]:
    """Those of the Odoo database of now; another database has conflicts of its own."""
    return Conflict.store_id == store.id, Conflict.target == store.target


def _open(session: Session, store: Store, conflict_id: int) -> Conflict | None:
    row = session.get(Conflict, conflict_id, with_for_update=True)
    return row if row is not None and row.store_id == store.id and row.state == "open" else None
