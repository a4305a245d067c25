"""The entities, in the order of their initial sync. Settings, buttons, counters and filters follow from here."""

from __future__ import annotations

from dataclasses import dataclass

from portal.entities.base import RecordEntity
from portal.entities.customer import CUSTOMER
from portal.entities.product import PRODUCT


@dataclass(frozen=True)
class Entity:
    """One kind of record: its name in the tables, its label, the setting that switches it, the shop's resource."""

    name: str
    label: str
    settings_key: str
    resource: str
    record: RecordEntity | None = None


ENTITIES: tuple[Entity, ...] = (
    Entity("customer", "Customers", "customers", "customers", CUSTOMER),
    Entity("product", "Products", "products", "products", PRODUCT),
    Entity("stock", "Stock", "stock", "stock_availables"),
    Entity("order", "Orders", "orders", "orders"),
)

_BY_NAME = {entity.name: entity for entity in ENTITIES}


def by_name(name: str) -> Entity:
    """The entity of this name; raises KeyError."""
    return _BY_NAME[name]


def record_entity(name: str) -> RecordEntity:
    """The mapping of an entity whose records are written one to one; raises LookupError for the others."""
    record = _BY_NAME[name].record
    if record is None:
        raise LookupError(f"{name} is not a record entity")
    return record
