"""What people changed in Odoo since shop and Odoo last agreed: for entities whose records stay theirs (`keeps_edits`).

What is about to be written is noted in the mapping first. A write whose answer was lost may stand in Odoo without having been
agreed on; without the note it would look like a person's edit, and a later change of the shop would be left out because of it.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence

from portal.entities.base import OdooFacts, RecordEntity, Row, Values
from portal.entities.compare import held, same
from portal.entities.vat import same_vat
from portal.models import Mapping
from portal.sync.flows import cut_off
from portal.sync.flows.cut_off import SENDING
from portal.sync.links import Link
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
    ours = [agreed, change, *(held(entity, {**mapping.base, **sent["odoo"]}, odoo) for sent in mapping.data.get(SENDING, ()))]
    return {name for name in known if not any(_same(name, now, values) for values in ours)}


def about_to_send(mapping: Mapping, change: Values) -> Link:
    """The mapping with a note of what is about to be written; `cut_off.without_notes` once that is done."""
    return Link(mapping.entity, mapping.shop_id, mapping.odoo_id, dict(mapping.base),
                cut_off.noted(mapping.data, to_shop={}, to_odoo=change))


def unsettled(mapping: Mapping, values: Values) -> Values:
    """Of the shop's values, those that Odoo may have otherwise because of a write that was begun, also where the shop has gone
    back to what was agreed."""
    return {name: values[name] for sent in mapping.data.get(SENDING, ()) for name, value in sent["odoo"].items()
            if name in values and not same(values[name], value)}


def _same(name: str, now: Map[str, object], other: Map[str, object]) -> bool:
    return same_vat(now[name], other[name]) if name == "vat" else same(now[name], other[name])
