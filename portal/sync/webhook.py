"""What `/webhook` is told: the body read and checked (`parse`, pure), and turned into jobs (`accept`, SQL only).

Bodies: the guide's `{"token", "entity": "stock", "odoo_id", "qty"}` and `{"token", "entity": "order_state", "odoo_id", "state"}`,
and what Odoo's own webhook action sends since 17: `{"_model", "_id", "_action", …chosen fields}`, many2one as a bare id. Values
are hints: Odoo 17 and 18 send before they commit, also what is rolled back, and a dozen times for one new product. So a body
only says where to look, two seconds later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import settings as store_settings
from portal.models import LogEntry, Store
from portal.sync import jobs, known, log
from portal.sync.flows.lookups import LOOKUP, wanted
from portal.sync.tick import beat

COMMITTED_AFTER = 2.0
"""Seconds after which what 17 and 18 sent within their transaction can be read."""
LARGEST_ID = 2**31 - 1
"""Odoo's ids are 32-bit integers."""
LARGEST_QUANTITY = Decimal(10) ** 9
STATES = ("cancel", "sale", "done")
MODELS = ("product.template", "product.product", "product.template.attribute.value", "stock.quant", "stock.move", "stock.picking",
          "sale.order")
_RECENT = 500
"""Log entries looked through before an unknown id is noted again."""


class BodyError(Exception):
    """A body that cannot be taken: HTTP status (400 not JSON, 422 wrong content), the field, and a sentence."""

    def __init__(self, status: int, field: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Note:
    """Something to look at in Odoo. `record`: id of the variant (stock), template (product), order (order), or "model:id" of a
    record whose product or order has to be looked up in Odoo first (lookup)."""

    entity: str
    record: str
    hint: dict[str, Any] = field(default_factory=dict)


def parse(body: Mapping[str, Any]) -> list[Note]:
    """What a body tells us to look at; empty where it is about something that has no counterpart. Raises `BodyError`."""
    return _native(body) if "_model" in body else [_guide(body)]


def accept(session: Session, store: Store, notes: Sequence[Note]) -> dict[str, Any]:
    """Store the notes as jobs, as far as the directions allow and the ids are known; the facts of the answer 202."""
    wanted: list[tuple[Note, str]] = []
    reasons: list[str] = []
    for note in notes:
        if not _may_travel(store, note):
            reasons.append(f"{note.entity} does not travel from Odoo to the shop in this store.")
            continue
        record = _known_record(session, store, note)
        if record is None:
            _note_unknown(session, store, note)
            reasons.append(f"{note.entity} {note.record} of Odoo is not linked to the shop.")
            continue
        wanted.append((note, record))
    jobs.lock_waiting(session, store, [(note.entity, "odoo_to_ps", record) for note, record in wanted])
    ids = [jobs.notice(session, store, note.entity, "odoo_to_ps", record, source="webhook", hint=note.hint or None,
                       delay=COMMITTED_AFTER) for note, record in wanted]
    beat(session, hit_name(store), "webhook")  # last, since calls of one store wait for each other from here on
    detail = " ".join(reasons) if reasons or ids else "This concerns nothing that travels to the shop."
    return {"job": ids[0] if ids else None, "jobs": ids, "accepted": bool(ids), **({"detail": detail} if detail else {})}


def hit_name(store: Store) -> str:
    """Name of the heartbeat that says when the store's webhook was last called with a valid token and body."""
    return f"webhook:{store.id}"


# --- reading ----------------------------------------------------------------------------------------------------------


def _guide(body: Mapping[str, Any]) -> Note:
    entity = _required(body, "entity")
    if entity not in ("stock", "order_state"):
        raise BodyError(422, "entity", "entity: must be stock or order_state.")
    number = _record_id(body, "odoo_id")
    if entity == "stock":
        return Note("stock", str(number), {"qty": str(_quantity(body))})
    state = _required(body, "state")
    if state not in STATES:
        raise BodyError(422, "state", f"state: must be one of {', '.join(STATES)}.")
    return Note("order", str(number), {"state": state})


def _native(body: Mapping[str, Any]) -> list[Note]:
    model = body["_model"]
    if not isinstance(model, str) or model not in MODELS:
        raise BodyError(422, "_model", f"_model: must be one of {', '.join(MODELS)}.")
    number = _record_id(body, "_id")
    lookup = Note(LOOKUP, f"{model}:{number}")
    if model == "product.template":
        return [Note("product", str(number))]
    if model == "sale.order":
        state = body.get("state")
        return [Note("order", str(number), {"state": state} if state in STATES else {})]
    if model == "stock.picking":
        order = _linked_id(body, "sale_id")
        return [lookup] if order is None else [Note("order", str(order))] if order else []
    of_template = model in ("product.product", "product.template.attribute.value")
    product = _linked_id(body, "product_tmpl_id" if of_template else "product_id")
    if not product:
        return [lookup]
    if of_template:
        return [Note("product", str(product))]
    notes = [Note("stock", str(product))]
    picking = _linked_id(body, "picking_id") if model == "stock.move" else None
    return [*notes, Note(LOOKUP, f"stock.picking:{picking}")] if picking else notes


def _required(body: Mapping[str, Any], name: str) -> Any:
    if body.get(name) in (None, ""):
        raise BodyError(422, name, f"{name}: is missing.")
    return body[name]


def _record_id(body: Mapping[str, Any], name: str) -> int:
    value = _required(body, name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST_ID:
        raise BodyError(422, name, f"{name}: must be a whole number above 0.")
    return value


def _linked_id(body: Mapping[str, Any], name: str) -> int | None:
    """The id of a many2one; None if the rule does not send the field, 0 if it is empty."""
    if name not in body:
        return None
    return 0 if body[name] in (None, False) else _record_id(body, name)


def _quantity(body: Mapping[str, Any]) -> Decimal:
    value = _required(body, "qty")
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value <= LARGEST_QUANTITY:
        raise BodyError(422, "qty", f"qty: must be a number from 0 to {LARGEST_QUANTITY:,}.")
    return Decimal(str(value))


# --- accepting --------------------------------------------------------------------------------------------------------


def _may_travel(store: Store, note: Note) -> bool:
    entities = wanted(note.record.partition(":")[0]) if note.entity == LOOKUP else (note.entity,)
    return any(store_settings.allowed(store.settings, entity, "odoo_to_ps") for entity in entities)


def _known_record(session: Session, store: Store, note: Note) -> str | None:
    """The job's record; None for stock and orders that no shop record belongs to. A product may be new to the shop."""
    number = 0 if note.entity == LOOKUP else int(note.record)
    if note.entity == "stock":
        if known.variants(session, store, [number]):
            return note.record
        variant = known.templates(session, store, [number]).get(number)  # a sender that means the template by odoo_id
        return str(variant) if variant else None
    if note.entity == "order":
        return note.record if known.orders(session, store, [number]) else None
    return note.record


def _note_unknown(session: Session, store: Store, note: Note) -> None:
    """One entry per id; a burst about the same record is one line."""
    last = session.scalar(select(func.max(LogEntry.id)).where(LogEntry.store_id == store.id)) or 0
    there = session.scalar(select(LogEntry.id).where(
        LogEntry.store_id == store.id, LogEntry.id > last - _RECENT, LogEntry.entity == note.entity,
        LogEntry.record == note.record, LogEntry.message.startswith("Webhook:")).limit(1))
    if there is None:
        log.write(session, store.id, f"Webhook: {note.entity} {note.record} of Odoo is not linked to the shop; ignored.",
                  entity=note.entity, record=note.record)
