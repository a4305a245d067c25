"""What people changed in Odoo since shop and Odoo last agreed: for entities whose records stay theirs (`keeps_edits`)."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence

from portal.entities.base import OdooFacts, RecordEntity, Row, Values
from portal.entities.compare import held, same
from portal.entities.vat import same_vat
from portal.models import Mapping
from portal.sync.work import Work


def current_rows(work: Work, entity: RecordEntity, odoo: OdooFacts, ids: Sequence[int]) -> dict[int, Row]:
    """The records as Odoo has them, archived ones included. One call."""
    rows = work.odoo.read(entity.odoo_model, sorted(ids), list(entity.odoo_fields(odoo)), context={"active_test": False})
    return {int(row["id"]): row for row in rows}


def edited(entity: RecordEntity, odoo: OdooFacts, mapping: Mapping, change: Values, row: Row) -> set[str]:
    """Of the values the shop changed, those that people changed in Odoo, too: they are left alone.

    Compared with the base as this Odoo can hold it; a value the base does not know was never agreed on and is no edit.
    """
    agreed, now = held(entity, dict(mapping.base), odoo), entity.from_odoo(row, odoo)
    known = [name for name in change if name in mapping.base and name in now]
    return {name for name in known if not _same(name, now, agreed) and not _same(name, now, change)}


def _same(name: str, now: Map[str, object], other: Map[str, object]) -> bool:
    return same_vat(now[name], other[name]) if name == "vat" else same(now[name], other[name])
