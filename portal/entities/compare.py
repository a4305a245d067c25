"""Comparing records in normal form: what changed, what a first link may fill, and who wins when both sides changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from portal.entities.base import OdooFacts, RecordEntity, Values

Owner = Literal["left", "right", "manual"]


def difference(values: Values, base: Mapping[str, Any]) -> Values:
    """The values that are not as in the base; nothing (None or "") equals nothing."""
    return {key: value for key, value in values.items() if not same(value, base.get(key))}


def same(one: Any, other: Any) -> bool:
    """Whether two normal values are equal. A value the base does not know (None) equals an empty text, but not a no."""
    return bool(one == other or (one in ("", None) and other in ("", None)))


def was_agreed(base: Mapping[str, Any]) -> bool:
    """Whether both sides were ever in step. A record that was only linked has its kind in the base, and nothing else."""
    return bool(base.keys() - {"kind"})


def to_tell(values: Values, base: Mapping[str, Any]) -> Values:
    """What a side has to tell the other: what is not as agreed. Where nothing ever was, a blank says nothing."""
    found = difference(values, base)
    return found if was_agreed(base) else {key: value for key, value in found.items() if not is_blank(value)}


def is_blank(value: Any) -> bool:
    """Whether a value says nothing: no text, or the number zero (a shop has 0 where nobody entered a cost or weight).

    False is an answer, not a blank.
    """
    return value is None or value in ("", "0")


def fill_only(values: Values, current: Mapping[str, Any]) -> Values:
    """What a first link may write over the record it found: values that say something and differ. A blank erases nothing.

    Values that the found record cannot tell, such as a product's kind, are not compared.
    """
    return {key: value for key, value in difference(values, current).items() if key in current and not is_blank(value)}


def held(entity: RecordEntity, values: Values, odoo: OdooFacts) -> Values:
    """The values as this Odoo can hold them: prices in its precision, one telephone where it has one, known countries only.

    Compare Odoo's record with this, not with the shop's values, or what Odoo cannot express looks like a change for ever.
    """
    row = entity.to_odoo(values, odoo, set(values))
    read = {name: [value, ""] if value and name.endswith("_id") else value for name, value in row.items()}
    return values | entity.from_odoo(read, odoo)


@dataclass(frozen=True)
class Conflict:
    """Both sides changed one field differently. `winner` is what stands now; with owner `manual` it is the base, unwritten."""

    field: str
    base: Any
    left: Any
    right: Any
    owner: Owner

    @property
    def winner(self) -> Any:
        return {"left": self.left, "right": self.right, "manual": self.base}[self.owner]


@dataclass(frozen=True)
class Merge:
    """What to write to each side, the base once that is done, and the fields on which they disagreed."""

    to_left: Values
    to_right: Values
    base: Values
    conflicts: tuple[Conflict, ...]


def in_step(base: Mapping[str, Any], odoo_base: Mapping[str, Any], shop: Values, odoo: Values,
            owners: Mapping[str, Owner]) -> Merge:
    """The three-way of a shop record (left) and Odoo's (right), where each side is compared with what *it* had.

    `odoo_base` differs from `base` where Odoo had something else when both were last in step. A field that moved on no side is
    left alone, although both sides differ in it.
    """
    before: Values = {}
    left: Values = {}
    for name, ours in shop.items():
        theirs = odoo[name]
        if name in base:
            shop_moved, odoo_moved = not same(ours, base[name]), not same(theirs, odoo_base[name])
            if not shop_moved and not odoo_moved:
                continue
            before[name] = base[name] if shop_moved and odoo_moved else theirs if shop_moved else ours
        left[name] = ours
    return three_way(before, left, {name: odoo[name] for name in left}, owners)


def three_way(base: Mapping[str, Any], left: Values, right: Values, owners: Mapping[str, Owner], *,
              default: Owner = "left") -> Merge:
    """Bring two records together, field by field, over the fields both have.

    One side changed: copy. Both changed alike: agreed. Both changed differently: the field's owner wins and the loser is kept
    as a conflict; with `manual` nothing is written and the base stays, until a person decides. A field the base does not know
    (first contact) is filled from the side that says something; if both do, the owner wins, and only `manual` is a conflict.
    """
    to_left: Values = {}
    to_right: Values = {}
    agreed: Values = dict(base)
    conflicts: list[Conflict] = []
    for key in [key for key in left if key in right]:
        ours, theirs, before = left[key], right[key], base.get(key)
        owner = owners.get(key, default)
        source: Owner = owner
        if same(ours, theirs):
            source = "left"
        elif key not in base and (is_blank(ours) or is_blank(theirs)):
            source = "right" if is_blank(ours) else "left"
        elif same(theirs, before):
            source = "left"
        elif same(ours, before):
            source = "right"
        elif key in base or owner == "manual":
            conflicts.append(Conflict(key, before, ours, theirs, owner))
        if source == "manual":
            continue
        value = ours if source == "left" else theirs
        agreed[key] = value
        if not same(value, ours):
            to_left[key] = value
        if not same(value, theirs):
            to_right[key] = value
    return Merge(to_left, to_right, agreed, tuple(conflicts))
