"""Mappings: which Odoo record belongs to a shop record, and what both last agreed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from portal.db import now
from portal.entities.base import Ref
from portal.models import Mapping, Store

NAMESPACE = "odoo_connector"
"""Module part of the external ids in Odoo."""


@dataclass(frozen=True)
class Link:
    """A mapping to be saved: the shop's record key, the Odoo id, the agreed values, what the entity keeps beside them."""

    entity: str
    shop_id: str
    odoo_id: int
    base: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


def save_links(session: Session, store: Store, links: Sequence[Link]) -> None:
    """Insert or renew mappings."""
    by_entity: dict[str, dict[str, Link]] = {}
    for link in links:
        by_entity.setdefault(link.entity, {})[link.shop_id] = link
    for entity, wanted in by_entity.items():
        ids = list(wanted)
        for start in range(0, len(ids), 500):
            rows = session.scalars(select(Mapping).where(
                Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == entity,
                Mapping.shop_id.in_(ids[start:start + 500])))
            for row in rows:
                link = wanted.pop(row.shop_id)
                row.odoo_id, row.base, row.data, row.updated_at = link.odoo_id, link.base, link.data, now()
        if wanted:
            at = now()
            session.execute(insert(Mapping), [
                {"store_id": store.id, "target": store.target, "entity": entity, "shop_id": link.shop_id, "odoo_id": link.odoo_id,
                 "base": link.base, "data": link.data, "created_at": at, "updated_at": at} for link in wanted.values()])


def remove_links(session: Session, store: Store, refs: Sequence[Ref]) -> None:
    """Forget mappings."""
    for ref in refs:
        session.execute(delete(Mapping).where(Mapping.store_id == store.id, Mapping.target == store.target,
                                              Mapping.entity == ref.entity, Mapping.shop_id == ref.record))


def external_id(store: Store, ref: Ref) -> str:
    """The external id of a shop record in Odoo: the same for ever, different for every store."""
    return f"{NAMESPACE}.{store.key}_{ref.entity}_{ref.record.replace(':', '_')}"
