"""The delivery and invoice addresses of orders in Odoo: reused where Odoo has them, created where not, archived when done with.

One look at Odoo for a batch of orders, and one `load` if something is new. The external id carries the content, so that a load
whose answer was lost finds its own contacts, and changed content never touches the contact an older order was sent to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import or_, select

from portal.clients.errors import Rejected, Throttled
from portal.entities import address
from portal.entities.base import DependencyMissing, Invalid, OdooFacts, Ref, Row, Values
from portal.entities.text import yes
from portal.models import Mapping, SyncJob
from portal.sync import facts
from portal.sync.flows.loading import cell
from portal.sync.links import Link, external_id
from portal.sync.work import Work

ENTITY = "address"
CONTEXT = {"no_vat_validation": True, "active_test": False}


@dataclass(frozen=True)
class Asked:
    """The addresses of one order: the customer's contact in Odoo, and the shop's rows by use."""

    job: SyncJob
    customer: str
    partner: int
    delivery: Row | None
    invoice: Row | None


@dataclass
class Places:
    """What was found for one order: ids of contacts, and sentences a merchant should read."""

    delivery: int
    invoice: int
    warnings: list[str] = field(default_factory=list)


@dataclass
class _New:
    """An address to be created, and the orders that wait for it."""

    key: str
    row: Row
    jobs: list[SyncJob]


def resolve(work: Work, asked: Sequence[Asked]) -> dict[int, Places]:
    """The contacts of each order, by job id. An order whose contact cannot be had is reported as failed and left out."""
    odoo, shop = facts.odoo(work.services, work.store), facts.shop(work.services, work.store)
    wanted: dict[tuple[int, str], tuple[str, Values]] = {}
    for item in asked:
        for use in ("delivery", "invoice"):
            row = getattr(item, use)
            found = address.values(row, shop) if row else {}
            if found and not address.is_empty(found):
                wanted[(item.job.id, use)] = (address.key(str(row["id"]), found), found)
    known = work.mappings(ENTITY, {key for key, _ in wanted.values()})
    partners = {item.partner for item in asked}
    rows = _look_up(work, odoo, partners | {mapping.odoo_id for mapping in known.values()}, partners)
    places: dict[int, Places] = {}
    new: dict[tuple[int, str], _New] = {}
    links: dict[str, Link] = {}
    waiting: list[tuple[int, str, str, tuple[int, str]]] = []
    awake: set[int] = set()
    for item in asked:
        if item.partner not in rows:
            work.forget([Ref("customer", item.customer)])
            work.failed(item.job, DependencyMissing(frozenset({Ref("customer", item.customer)})))
            continue
        mine = places[item.job.id] = Places(item.partner, item.partner)
        for use in ("delivery", "invoice"):
            if (item.job.id, use) not in wanted:
                continue
            key, found = wanted[(item.job.id, use)]
            number, made = _existing(item, key, found, _kind(item, use), known, rows, odoo)
            mine.warnings += [text for text in address.doubts(found, odoo) if text not in mine.warnings]
            if number:
                setattr(mine, use, number)
                if key not in known or known[key].odoo_id != number or known[key].data.get("archived"):
                    links[key] = _link(key, number, item.partner)
                awake |= {number} if not rows[number]["active"] else set()
                continue
            same = (item.partner, key.partition(":")[2])
            new.setdefault(same, _New(key, made.row, [])).jobs.append(item.job)
            waiting.append((item.job.id, use, key, same))
    if awake:
        work.before_write([])
        work.odoo.write("res.partner", sorted(awake), {"active": True})
    ids = _create(work, odoo, list(new.values()))
    for job_id, use, key, same in waiting:
        number = ids.get(new[same].key, 0)
        if not number:
            places.pop(job_id, None)
        elif job_id in places:
            setattr(places[job_id], use, number)
            links[key] = _link(key, number, same[0])
    work.keep(links.values())
    return places


def _kind(item: Asked, use: str) -> address.Kind:
    if item.delivery and item.invoice and item.delivery["id"] == item.invoice["id"]:
        return "other"
    return "delivery" if use == "delivery" else "invoice"


def _look_up(work: Work, odoo: OdooFacts, ids: set[int], parents: set[int]) -> dict[int, Row]:
    """These contacts and everything below the parents, archived ones included."""
    fields = [*address.ODOO_FIELDS, *(["mobile"] if odoo.has_mobile else [])]
    domain = ["|", ("id", "in", sorted(ids)), ("parent_id", "in", sorted(parents))]
    return {row["id"]: row for row in work.odoo.search_read("res.partner", domain, fields, order="id",
                                                            context={"active_test": False})}


def _existing(item: Asked, key: str, found: Values, kind: address.Kind, known: dict[str, Mapping], rows: dict[int, Row],
              odoo: OdooFacts) -> tuple[int, address.Contact]:
    """The contact that is linked already, whatever people made of it since; else one that shows the same; else 0."""
    parent = rows[item.partner]
    made = address.contact(found, parent, kind, odoo)
    mapping = known.get(key)
    if mapping and mapping.odoo_id in rows and (mapping.odoo_id == item.partner or _under(rows[mapping.odoo_id], item.partner)):
        return mapping.odoo_id, made
    if made.fits(parent, main=True):
        return item.partner, made
    below = [row for row in rows.values() if _under(row, item.partner) and made.fits(row, main=False)]
    below.sort(key=lambda row: (not row["active"], row["type"] != kind, row["id"]))
    return (int(below[0]["id"]) if below else 0), made


def _under(row: Row, parent: int) -> bool:
    return bool(row["parent_id"]) and row["parent_id"][0] == parent


def _link(key: str, number: int, partner: int) -> Link:
    return Link(ENTITY, key, number, data={"partner": partner})


def _create(work: Work, odoo: OdooFacts, new: Sequence[_New]) -> dict[str, int]:
    """Odoo ids by key. A refused batch is parted until the guilty one stands alone; a VAT number never stops an order."""
    if not new:
        return {}
    columns = sorted({column for one in new for column in one.row})
    header = ["id", *(f"{c}/.id" if c.endswith("_id") else c for c in columns)]
    table = [[external_id(work.store, Ref(ENTITY, one.key)),
              *(cell(one.row.get(column), boolean=column == "is_company") for column in columns)] for one in new]
    work.before_write([job for one in new for job in one.jobs])
    error: Rejected | None = None
    try:
        result = work.odoo.load("res.partner", header, table, context=CONTEXT)
    except Rejected as refused:
        error = refused
    work.writing = []
    if error is None and result.ids is not None:
        return {one.key: number for one, number in zip(new, result.ids, strict=True)}
    if error is None and any(message.transient for message in result.messages):
        raise Throttled("odoo", "Odoo was busy with the same contacts.", retry_after=5)
    if len(new) > 1:
        half = len(new) // 2
        return _create(work, odoo, new[:half]) | _create(work, odoo, new[half:])
    if new[0].row.get("vat"):
        return _create(work, odoo, [_New(new[0].key, address.without_vat(new[0].row), new[0].jobs)])
    text = error.message if error else result.messages[0].text if result.messages else "It does not say why."
    for job in new[0].jobs:
        if job in work.open:
            work.failed(job, Invalid(f"Odoo refused the address {new[0].row['name']}, {new[0].row['city']}: {text}",
                                     cause="address:refused"))
    return {}


def archive(work: Work, deleted: Sequence[Row]) -> None:
    """Archive the contacts of addresses that the shop deleted, unless a living address or an order that is not done with uses
    them. The customer's own contact is never archived."""
    gone = {str(row["id"]) for row in deleted if yes(row.get("deleted"))}
    mine = _of_addresses(work, gone)
    shared = _keys_of(work, {mapping.odoo_id for mapping in mine})
    candidates = {mapping.odoo_id for mapping in mine if mapping.odoo_id != mapping.data.get("partner")
                  and not mapping.data.get("archived")
                  and all(key.partition(":")[0] in gone for key in shared[mapping.odoo_id])}
    if not candidates or work.dry_run:
        return
    ids = sorted(candidates)
    orders = work.odoo.search_read(
        "sale.order", ["|", ("partner_shipping_id", "in", ids), ("partner_invoice_id", "in", ids), ("state", "!=", "cancel")],
        ["partner_shipping_id", "partner_invoice_id", "state", "invoice_status"])
    moving = {row["sale_id"][0] for row in work.odoo.search_read(
        "stock.picking", [("sale_id", "in", [row["id"] for row in orders]), ("state", "not in", ["done", "cancel"])], ["sale_id"])
    } if orders else set()
    for row in orders:
        if row["state"] in ("draft", "sent") or row["invoice_status"] == "to invoice" or row["id"] in moving:
            candidates -= {pair[0] for pair in (row["partner_shipping_id"], row["partner_invoice_id"]) if pair}
    if not candidates:
        return
    work.before_write([])
    work.odoo.write("res.partner", sorted(candidates), {"active": False})
    work.keep(Link(ENTITY, m.shop_id, m.odoo_id, m.base, {**m.data, "archived": True}) for m in mine if m.odoo_id in candidates)


def _of_addresses(work: Work, ids: set[str]) -> list[Mapping]:
    """Every link of these shop addresses, whatever content each had."""
    wanted = sorted(ids)
    found: list[Mapping] = []
    with work.services.db.read() as session:
        for start in range(0, len(wanted), 200):
            like = or_(*(Mapping.shop_id.like(f"{number}:%") for number in wanted[start:start + 200]))
            found += session.scalars(select(Mapping).where(
                Mapping.store_id == work.store.id, Mapping.target == work.store.target, Mapping.entity == ENTITY, like))
    return found


def _keys_of(work: Work, numbers: set[int]) -> dict[int, list[str]]:
    """The addresses that share each of these contacts."""
    found: dict[int, list[str]] = {number: [] for number in numbers}
    with work.services.db.read() as session:
        for mapping in session.scalars(select(Mapping).where(
                Mapping.store_id == work.store.id, Mapping.target == work.store.target, Mapping.entity == ENTITY,
                Mapping.odoo_id.in_(numbers))):
            found[mapping.odoo_id].append(mapping.shop_id)
    return found
