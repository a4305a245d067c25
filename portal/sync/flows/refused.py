"""Values that Odoo may refuse though the record is good, such as a VAT number that is none: the record goes without them.

Odoo 15 and later, and late builds of 14, take any VAT number with the context that is sent along; older builds check it. Which
value was the bad one is found by leaving it out, since the sentences of a refusal come in the language of the user. What was
refused is noted in the mapping, so that it is offered again only when the shop has something else.
"""

from __future__ import annotations

from collections.abc import Callable

from portal.clients.errors import Rejected
from portal.entities.base import OdooFacts, RecordEntity, Row, Values
from portal.models import Mapping

REFUSED = "refused"
"""Key in a mapping's data: the values Odoo did not take."""


def known(mapping: Mapping, wanted: Values) -> set[str]:
    """The values that Odoo refused before and that are still the same in the shop."""
    before: Values = mapping.data.get(REFUSED, {})
    return {name for name, value in before.items() if wanted.get(name) == value}


def present(entity: RecordEntity, values: Values) -> Values:
    """The values that could be left out, should the record be refused."""
    return {name: values[name] for name in sorted(entity.refusable & values.keys()) if values[name]}


def write(entity: RecordEntity, odoo: OdooFacts, wanted: Values, change: Values, send: Callable[[Row], None]) -> Values:
    """Send what changed, and if that is refused once more without what may be left out; the values left out.

    Raises `Rejected` where that does not help.
    """
    try:
        send(entity.to_odoo(wanted, odoo, change))
    except Rejected:
        out = present(entity, change)
        rest = entity.to_odoo(wanted, odoo, change.keys() - out.keys())
        if not out:
            raise
        if rest:
            send(rest)
        return out
    return {}


def base(wanted: Values, out: Values) -> Values:
    """What both sides agree on when these values were left out."""
    return {**wanted, **dict.fromkeys(out, "")}


def noted(data: Values, out: Values) -> Values:
    """A mapping's data with the values that were left out, instead of those of before."""
    rest = {key: value for key, value in data.items() if key != REFUSED}
    return {**rest, REFUSED: out} if out else rest


def warnings(out: Values) -> list[str]:
    """A sentence for each value that was left out."""
    return [f"Odoo refuses the {_WORDS.get(name, name)} {value}; it was left out. Correct it in the shop."
            for name, value in out.items()]


_WORDS = {"vat": "VAT number"}
