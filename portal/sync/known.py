"""Which records of Odoo are linked to the shop: for what Odoo reports by its own ids. SQL only."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal.models import Mapping, Store

_CHUNK = 500


def orders(session: Session, store: Store, ids: Collection[int]) -> set[int]:
    """Those of these `sale.order` ids that are orders of the shop."""
    return {row.odoo_id for row in _rows(session, store, "order", ids)}


def templates(session: Session, store: Store, ids: Collection[int]) -> dict[int, int | None]:
    """Those of these `product.template` ids that are linked; with the variant where it has one of its own."""
    return {row.odoo_id: row.data.get("variant_id") for row in _rows(session, store, "product", ids)}


def variants(session: Session, store: Store, ids: Collection[int]) -> set[int]:
    """Those of these `product.product` ids that belong to a shop product or combination."""
    found = {row.odoo_id for entity in ("combination", "stock") for row in _rows(session, store, entity, ids)}
    missing = sorted(set(ids) - found)
    for start in range(0, len(missing), _CHUNK):
        variant = Mapping.data["variant_id"].as_integer()
        found |= set(session.scalars(_mine(store, "product").with_only_columns(variant)
                                     .where(variant.in_(missing[start:start + _CHUNK]))))
    return found


def all_variants(session: Session, store: Store) -> list[int]:
    """Every linked variant."""
    simple = {int(row.data["variant_id"]) for row in session.scalars(_mine(store, "product")) if row.data.get("variant_id")}
    return sorted(simple | {row.odoo_id for row in session.scalars(_mine(store, "combination"))})


def shop_records(session: Session, store: Store, entity: str, shop_ids: Collection[str]) -> set[str]:
    """Those of these shop records that are linked."""
    ids = list(shop_ids)
    return {shop_id for start in range(0, len(ids), _CHUNK) for shop_id in session.scalars(
        _mine(store, entity).with_only_columns(Mapping.shop_id).where(Mapping.shop_id.in_(ids[start:start + _CHUNK])))}


def _rows(session: Session, store: Store, entity: str, ids: Collection[int]) -> list[Mapping]:
    wanted = list(ids)
    return [row for start in range(0, len(wanted), _CHUNK) for row in session.scalars(
        _mine(store, entity).where(Mapping.odoo_id.in_(wanted[start:start + _CHUNK])))]


def _mine(store: Store, entity: str) -> Select[Mapping]:
    return select(Mapping).where(Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == entity)
