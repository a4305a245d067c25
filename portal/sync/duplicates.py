"""References, barcodes and e-mail addresses that several records share, on both sides: found page by page, counted by SQL.

Such records cannot be told apart when they are linked, so a merchant wants to know of them before the first sync.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from portal.entities.product import barcode
from portal.entities.text import address_of_mail, one_line, yes
from portal.models import RehearsalKey, Store
from portal.sync.services import Services

PAGE = 1000
Row = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Where keys are read: a resource of the shop or a model of Odoo. `keys`: a row's values by what they are."""

    entity: str
    label: str
    place: str
    fields: tuple[str, ...]
    keys: Callable[[Row], Mapping[str, str]]
    record: Callable[[Row], str] = lambda row: str(row["id"])
    domain: tuple[Any, ...] | None = None
    """For Odoo; None: the shop."""


def _codes(row: Row) -> Mapping[str, str]:
    return {"reference": one_line(row.get("reference")), "barcode": barcode(row)}


SOURCES: Mapping[str, Source] = {
    "shop customers": Source("customer", "Customers in the shop", "customers", ("id", "email", "deleted"),
                             lambda row: {} if yes(row.get("deleted")) else {"e-mail": address_of_mail(row.get("email"))}),
    "shop products": Source("product", "Products in the shop", "products", ("id", "reference", "ean13", "upc"), _codes),
    "shop combinations": Source("product", "Combinations in the shop", "combinations",
                                ("id", "id_product", "reference", "ean13", "upc"), _codes,
                                lambda row: f"{row['id_product']}:{row['id']}"),
    "odoo contacts": Source("customer", "Contacts in Odoo", "res.partner", ("email",),
                            lambda row: {"e-mail": address_of_mail(row.get("email"))},
                            domain=(("email", "!=", False), ("parent_id", "=", False))),
    "odoo products": Source("product", "Products in Odoo", "product.product", ("default_code", "barcode"),
                            lambda row: {"reference": one_line(row.get("default_code")), "barcode": one_line(row.get("barcode"))},
                            domain=("|", ("default_code", "!=", False), ("barcode", "!=", False))),
}


@dataclass(frozen=True)
class Duplicate:
    """A value that several records have."""

    source: str
    what: str
    value: str
    records: list[str]


def page(services: Services, store: Store, name: str, after: int) -> tuple[list[Row], int, bool]:
    """The keys of the next records behind the id `after`, the last id, and whether that was the end. One call."""
    source = SOURCES[name]
    if source.domain is None:
        rows = services.shop(store).find(source.place, {"id": f">[{after}]"}, source.fields, limit=PAGE)
    else:
        rows = services.odoo(store).search_read(source.place, [("id", ">", after), *source.domain], source.fields, order="id",
                                                limit=PAGE, context={"active_test": False})
    keys = [{"store_id": store.id, "source": name, "what": what, "value": value[:255], "record": source.record(row)}
            for row in rows for what, value in source.keys(row).items() if value]
    return keys, int(rows[-1]["id"]) if rows else after, len(rows) < PAGE


def keep(session: Session, keys: list[Row]) -> None:
    """Remember these keys."""
    if keys:
        session.execute(insert(RehearsalKey), keys)


def forget(session: Session, store_id: int, names: list[str]) -> None:
    """Drop what was remembered of these sources."""
    session.execute(delete(RehearsalKey).where(RehearsalKey.store_id == store_id, RehearsalKey.source.in_(names)))


def only_duplicates(session: Session, store_id: int, name: str) -> None:
    """A source was read to its end: drop the values that only one record has."""
    mine = (RehearsalKey.store_id == store_id, RehearsalKey.source == name)
    for what in ("reference", "barcode", "e-mail"):
        several = select(RehearsalKey.value).where(*mine, RehearsalKey.what == what).group_by(RehearsalKey.value).having(
            func.count() > 1)
        session.execute(delete(RehearsalKey).where(*mine, RehearsalKey.what == what, RehearsalKey.value.not_in(several))
                        .execution_options(synchronize_session=False))


def listed(session: Session, store_id: int, limit: int = 500) -> list[Duplicate]:
    """The values that several records share, source by source."""
    rows = session.execute(
        select(RehearsalKey.source, RehearsalKey.what, RehearsalKey.value).where(RehearsalKey.store_id == store_id)
        .group_by(RehearsalKey.source, RehearsalKey.what, RehearsalKey.value).having(func.count() > 1)
        .order_by(RehearsalKey.source.desc(), RehearsalKey.what, RehearsalKey.value).limit(limit)).all()
    records: dict[tuple[str, str, str], list[str]] = {(source, what, value): [] for source, what, value in rows}
    for source, what, value, record in session.execute(
            select(RehearsalKey.source, RehearsalKey.what, RehearsalKey.value, RehearsalKey.record)
            .where(RehearsalKey.store_id == store_id, RehearsalKey.value.in_([value for _, _, value in rows]))
            .order_by(RehearsalKey.id)):
        records.get((source, what, value), []).append(record)
    return [Duplicate(*key, found[:20]) for key, found in records.items()]


def count(session: Session, store_id: int) -> int:
    """How many values are shared."""
    several = (select(RehearsalKey.value).where(RehearsalKey.store_id == store_id)
               .group_by(RehearsalKey.source, RehearsalKey.what, RehearsalKey.value).having(func.count() > 1).subquery())
    return session.scalar(select(func.count()).select_from(several)) or 0
