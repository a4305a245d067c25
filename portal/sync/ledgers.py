"""The penny ledgers of a store's orders: kept when an order is looked at, shown without asking shop or Odoo."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from portal.db import now
from portal.entities.ledger import Ledger, LedgerRow, ledger
from portal.entities.order import OrderPlan
from portal.models import Store
from portal.order_tables import OrderLedger
from portal.sync import jobs, log, sales
from portal.sync.work import Work

HELD: Mapping[str, tuple[str, str]] = {
    "order:shop_total": ("The shop's total is not what its lines add up to",
                         "Once the order is corrected in the shop, look again. If you correct the quotation in Odoo instead, "
                         "confirm it there."),
    "order:rounding": ("Rounding leaves more than a rounding line may have",
                       "After a larger “Rounding line, cents at most” in the store's settings, look again."),
    "order:exemption": ("The total contains tax, the product lines do not",
                        "Once the order is corrected in the shop, look again. If the quotation in Odoo is right, confirm it "
                        "there."),
    "order:tax_unknown": ("An amount fits no tax of the shop", "If the tax of the quotation is right, confirm it in Odoo."),
    "order:tax": ("The total is right, the tax in it is not", "After another choice on the tax page, look again."),
    "order:odoo": ("Odoo cannot express the lines closely enough", "Once Odoo has the taxes or the decimals, look again."),
    "order:decimals": ("Odoo keeps too few decimals of a price for this currency", "Once Odoo keeps the decimals, look again."),
    "order:total": ("Odoo computes another total",
                    "Compare the lines of the ledger, correct the quotation in Odoo and look again; or confirm it there as it is."),
    "order:changed": ("Changed in the shop after it was confirmed in Odoo",
                      "Compare the two on the ledger and change the order in Odoo by hand."),
}
"""By cause: what keeps an order from being confirmed, and what to do about it."""
WAITING = ("held", "changed")
"""The verdicts that a person has to look at."""
LINE_FIELDS = ("order_id", "sequence", "name", "display_type", "product_uom_qty", "price_unit", "price_subtotal", "price_total")
UNKNOWN = "Look at the reason, then look again."


@dataclass(frozen=True)
class Judged:
    """One order as it stands: the plan, the order in Odoo (None in a dry run), and what was decided about it."""

    record: str
    plan: OrderPlan
    row: Mapping[str, Any] | None
    verdict: str
    reason: str = ""
    cause: str = ""


def keep(work: Work, judged: Sequence[Judged]) -> None:
    """Save the ledgers of a batch, with the lines as Odoo has them now: one call for all."""
    odoo = sales.odoo_sales(work.services, work.store)
    numbers = [item.row["id"] for item in judged if item.row is not None]
    lines: dict[int, list[dict[str, Any]]] = {number: [] for number in numbers}
    if numbers:
        for line in work.odoo.search_read("sale.order.line", [("order_id", "in", numbers)], [*LINE_FIELDS, odoo.tax_field]):
            lines[line["order_id"][0]].append(line)
    made = {item.record: (item, ledger(item.plan, odoo, lines[item.row["id"]] if item.row else None, item.row))
            for item in judged}
    with work.services.db.begin() as session:
        known = {row.record: row for row in session.scalars(
            select(OrderLedger).where(*_mine(work.store), OrderLedger.record.in_(made)))}
        for record, (item, found) in made.items():
            row = known.get(record) or OrderLedger(store_id=work.store.id, target=work.store.target, record=record)
            row.verdict, row.reason, row.cause, row.at = item.verdict, item.reason, item.cause[:128], now()
            row.content = content(item, found)
            session.add(row)


def find(session: Session, store: Store, record: str) -> OrderLedger | None:
    """The ledger of a shop order, if it was ever compared with this Odoo database."""
    return session.scalars(select(OrderLedger).where(*_mine(store), OrderLedger.record == record)).first()


def kept(session: Session, store: Store, records: Collection[str]) -> set[str]:
    """Those of these shop orders that have a ledger."""
    return set(session.scalars(select(OrderLedger.record).where(*_mine(store), OrderLedger.record.in_(records))))


def held(session: Session, store: Store, cause: str | None = None, *, limit: int | None = None) -> list[OrderLedger]:
    """The orders that a person has to look at, newest first; of one cause or of all."""
    query = select(OrderLedger).where(*_mine(store), OrderLedger.verdict.in_(WAITING)).order_by(OrderLedger.id.desc())
    if cause is not None:
        query = query.where(OrderLedger.cause == cause)
    return list(session.scalars(query.limit(limit)))


def held_counts(session: Session, store: Store) -> dict[str, int]:
    """How many orders a person has to look at, by cause, the most frequent first."""
    number = func.count().label("number")
    return {row.cause: row.number for row in session.execute(
        select(OrderLedger.cause, number).where(*_mine(store), OrderLedger.verdict.in_(WAITING))
        .group_by(OrderLedger.cause).order_by(number.desc(), OrderLedger.cause))}


def look_again(session: Session, store: Store, records: Collection[str], actor: str) -> int:
    """Read these orders anew from the shop and compare them; the number of those that have a ledger."""
    mine = sorted(kept(session, store, records), key=lambda record: (len(record), record))
    for record in mine:
        jobs.notice(session, store, "order", "ps_to_odoo", record, source="person")
    if mine:
        names = ", ".join(mine[:20]) + (" …" if len(mine) > 20 else "")
        log.write(session, store.id, f"Look again at {'order' if len(mine) == 1 else 'orders'} {names}.", entity="order",
                  record=mine[0] if len(mine) == 1 else "", actor=actor)
    return len(mine)


def facts(row: OrderLedger) -> dict[str, Any]:
    """A ledger as plain facts."""
    return {"order": row.record, "verdict": row.verdict, "reason": row.reason, "cause": row.cause, "remedy": remedy(row),
            "computed_at": row.at.isoformat(timespec="seconds"), **row.content}


def remedy(row: OrderLedger) -> str:
    """What to do about an order that is held."""
    return HELD.get(row.cause, ("", UNKNOWN))[1] if row.verdict in WAITING else ""


def content(item: Judged, found: Ledger) -> dict[str, Any]:
    """A ledger in the form in which it is kept: amounts as text."""
    order, row = item.plan.source.order, item.row or {}
    return {
        "reference": str(order.get("reference") or ""), "odoo_name": str(row.get("name") or ""), "odoo_id": row.get("id"),
        "currency": found.currency, "rows": [_row(line) for line in found.rows],
        "sum": _sides(sum((line.shop_excl for line in found.rows), Decimal(0)),
                      sum((line.shop_incl for line in found.rows), Decimal(0)),
                      sum((line.odoo_excl for line in found.rows), Decimal(0)),
                      sum((line.odoo_incl for line in found.rows), Decimal(0))),
        "total": _sides(found.shop_excl, found.shop_incl, found.odoo_excl, found.odoo_incl),
        "foreseen": found.foreseen, "tolerance": str(item.plan.tolerance), "notes": list(found.notes)}


def _row(row: LedgerRow) -> dict[str, Any]:
    return {"kind": row.kind, "label": row.label, "text": row.text, "quantity": row.quantity,
            "unit_excl": _price(row.unit_excl), "unit_incl": _price(row.unit_incl), "shop_tax": row.shop_tax, "why": row.why,
            **_sides(row.shop_excl, row.shop_incl, row.odoo_excl, row.odoo_incl),
            "lines": [{"quantity": _plain(line.quantity), "price": _price(line.price), "tax": line.tax, "included": line.included,
                       "excl": str(line.excl), "tax_amount": str(line.incl - line.excl), "incl": str(line.incl)}
                      for line in row.lines]}


def _sides(shop_excl: Decimal, shop_incl: Decimal, odoo_excl: Decimal, odoo_incl: Decimal) -> dict[str, str]:
    return {"shop_excl": str(shop_excl), "shop_tax_amount": str(shop_incl - shop_excl), "shop_incl": str(shop_incl),
            "odoo_excl": str(odoo_excl), "odoo_tax_amount": str(odoo_incl - odoo_excl), "odoo_incl": str(odoo_incl),
            "off": str(odoo_incl - shop_incl)}


def _plain(value: Decimal) -> str:
    """A quantity without the zeros that say nothing."""
    return format(value.normalize(), "f")


def _price(value: Decimal) -> str:
    """A unit price with the decimals it has, two at least unless it is whole in its currency."""
    short = value.normalize()
    return format(short if short.as_tuple().exponent < -1 else value.quantize(Decimal("0.01")), "f")  # type: ignore[operator]


def _mine(store: Store) -> tuple[ColumnElement[bool], ...]:
    return OrderLedger.store_id == store.id, OrderLedger.target == store.target
