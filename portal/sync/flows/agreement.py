"""Products linked on both sides: what each side has to take over, written and read back.

Each side is compared with what *it* had when both were last in step (`base` for the shop; `data["odoo"]` where Odoo had something
else, because it cannot hold the shop's value or a person left the two different). So a value that a side changes while storing it
is no edit, and nothing bounces; nor is a write of ours that was cut off (see `cut_off`). In one direction only what the source
changed is written; both ways each field is a three-way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from portal.clients.errors import Rejected
from portal.entities import combination
from portal.entities.base import Invalid, OdooFacts, Row, ShopFacts, Values
from portal.entities.compare import Conflict, Owner, difference, fill_only, held, in_step, same, was_agreed
from portal.entities.product import PRODUCT, field_of
from portal.models import SyncJob
from portal.sync import bounces, conflicts, facts
from portal.sync.flows import cut_off, texts
from portal.sync.flows.patching import patch
from portal.sync.flows.templates import write_template
from portal.sync.foreseen import Change, Foreseen, Kind, changes, title
from portal.sync.links import Link
from portal.sync.work import Work

OWNERS: Mapping[str, Owner] = {"prestashop": "left", "odoo": "right", "manual": "manual"}


@dataclass
class Pair:
    """One product of the shop and its template in Odoo, both as they are now."""

    job: SyncJob
    shop_id: str
    odoo_id: int
    shop: Values
    odoo: Values
    base: Values = field(default_factory=dict)
    """Without values on first contact."""
    data: dict[str, Any] = field(default_factory=dict)
    current: Row | None = None
    """The shop's record with the texts in all languages; read when it is needed."""
    to_shop: Values = field(default_factory=dict)
    to_odoo: Values = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    chosen: list[int] = field(default_factory=list)
    """Conflicts that a person settled and that are written now."""

    @property
    def fresh(self) -> bool:
        """Whether both sides meet for the first time."""
        return not was_agreed(self.base)

    @property
    def fields(self) -> list[str]:
        """What is compared; a product with combinations has its reference, barcode, cost and weight on its variants."""
        own = combination.COLUMNS if self.shop.get("kind") == "combinations" else ()
        return [name for name in self.odoo if name in self.shop and name not in own and name != "kind"]


@dataclass(frozen=True)
class Agreed:
    """The outcome for one product."""

    link: Link
    message: str
    changed: bool
    echo: bool
    """Neither side had anything new."""


def agree(work: Work, odoo: OdooFacts, pairs: Sequence[Pair], *, both: bool) -> dict[int, Agreed]:
    """Bring these products in step and return the outcome by job id; the jobs that failed or rehearse are reported."""
    with work.services.db.read() as session:
        chosen = conflicts.chosen(session, work.store, PRODUCT.name, {pair.shop_id for pair in pairs}) if both else {}
    left = []
    for pair in pairs:
        pair.base, pair.data = cut_off.take_up(pair.base, pair.data, _held(pair.shop, odoo), pair.odoo,
                                               partial(_with_values, pair, odoo))
        (_both_ways if both else _one_way)(work, pair, odoo)
        for row in chosen.get(pair.shop_id, []):
            _choose(pair, odoo, row.id, row.field, conflicts.value_of(row))
        if work.dry_run and (pair.to_shop or pair.to_odoo or pair.conflicts or pair.fresh):
            work.would(pair.job, f"product {pair.shop_id} and Odoo id {pair.odoo_id}: would "
                       + ("link them and " if pair.fresh else "") + f"have {_words(pair)}", _foreseen(pair, odoo))
        else:
            left.append(pair)
    if not work.dry_run:
        left = _not_to_and_fro(work, left) if both else left
        with work.services.db.begin() as session:
            for pair in left:
                conflicts.keep(session, work.store, PRODUCT.name, pair.shop_id, pair.conflicts)
        _note(work, left)
        left = _write_odoo(work, odoo, _write_shop(work, left))
    found = {pair.job.id: _agreed(pair, odoo) for pair in left}
    done = [number for pair in left for number in pair.chosen]
    if done:
        with work.services.db.begin() as session:
            conflicts.written(session, done)
    return found


def _foreseen(pair: Pair, odoo: OdooFacts) -> Foreseen:
    """What a dry run says: both values of a conflict, and what each side would take over."""
    kind: Kind = "conflict" if pair.conflicts else "link" if pair.fresh else "change"
    undecided = tuple(change for c in pair.conflicts if c.owner == "manual"
                      for change in (Change("shop", c.field, c.left, None), Change("odoo", c.field, c.right, None)))
    return Foreseen(kind, title(pair.shop), pair.odoo_id, (
        *changes("shop", _held(pair.shop, odoo), pair.to_shop), *changes("odoo", pair.odoo, pair.to_odoo), *undecided))


def _one_way(work: Work, pair: Pair, odoo: OdooFacts) -> None:
    shop, now = _held(pair.shop, odoo), {name: pair.odoo[name] for name in pair.fields}
    if not pair.fresh:
        now = difference(now, {**_held(pair.base, odoo), **pair.data.get("odoo", {})})
        pair.to_shop = difference(now, shop)
    else:
        pair.to_shop = fill_only(now, shop)


def _both_ways(work: Work, pair: Pair, odoo: OdooFacts) -> None:
    shop, base = _held(pair.shop, odoo), _held(pair.base, odoo)
    odoo_base = {**base, **pair.data.get("odoo", {})}
    settings = work.store.settings
    owners = {name: OWNERS[settings[f"product_owner_{field_of(name)}"]] for name in pair.fields}
    merge = in_step(base, odoo_base, {name: shop[name] for name in pair.fields}, pair.odoo, owners)
    pair.to_shop, pair.conflicts = merge.to_left, merge.conflicts
    pair.to_odoo = {name: pair.shop[name] for name in merge.to_right}


def _choose(pair: Pair, odoo: OdooFacts, number: int, name: str, value: Any) -> None:
    """A person's choice stands above the three-way."""
    pair.conflicts = tuple(c for c in pair.conflicts if c.field != name)
    for values, current in ((pair.to_shop, _held(pair.shop, odoo)), (pair.to_odoo, pair.odoo)):
        values.pop(name, None)
        if name in current and not same(current[name], value):
            values[name] = value
    pair.chosen.append(number)


def _held(values: Values, odoo: OdooFacts) -> Values:
    """The values as Odoo can hold them, over the same fields."""
    full = held(PRODUCT, values, odoo)
    return {name: full[name] for name in values}


def _with_values(pair: Pair, odoo: OdooFacts, values: Values) -> Values:
    return _held({**pair.shop, **values}, odoo)


# --- writing ----------------------------------------------------------------------------------------------------------


def _not_to_and_fro(work: Work, pairs: Sequence[Pair]) -> list[Pair]:
    """Those that may be written; the jobs of the others are reported."""
    bounces.begin(work, PRODUCT.name, [bounces.Planned(pair.job, pair.shop_id, pair.odoo_id, pair.to_shop, pair.to_odoo)
                                       for pair in pairs if not pair.fresh])
    open_ids = {job.id for job in work.open}
    return [pair for pair in pairs if pair.job.id in open_ids]


def _note(work: Work, pairs: Sequence[Pair]) -> None:
    """Note what is about to be written to linked products."""
    acting = [pair for pair in pairs if not pair.fresh and (pair.to_shop or pair.to_odoo)]
    if acting:
        work.keep([Link(PRODUCT.name, pair.shop_id, pair.odoo_id, pair.base,
                        cut_off.noted(pair.data, to_shop=pair.to_shop, to_odoo=pair.to_odoo)) for pair in acting])


def _write_shop(work: Work, pairs: Sequence[Pair]) -> list[Pair]:
    """PATCH what the shop takes over and read it back; the pairs that go on."""
    wanted = {pair.job.id: pair for pair in pairs if pair.to_shop}
    if not wanted:
        return list(pairs)
    unread = [pair.shop_id for pair in wanted.values() if pair.current is None]
    rows = {str(row["id"]): row for row in work.shop.read(PRODUCT.resource, unread, PRODUCT.fields)} if unread else {}
    shop = facts.shop(work.services, work.store)
    patches = []
    for pair in wanted.values():
        current = pair.current or rows.get(pair.shop_id)
        try:
            row = PRODUCT.to_shop({**pair.shop, **pair.to_shop}, shop, set(pair.to_shop), current)
            patches.append((pair.job, {"id": int(pair.shop_id), **row}))
        except Invalid as error:
            work.failed(pair.job, error)
    written = {job.id for job in patch(work, PRODUCT.resource, patches)}
    back = read_shop(work, [wanted[number].shop_id for number in written], shop)
    for number in written:
        pair = wanted[number]
        now = back.get(pair.shop_id, (None, pair.shop | pair.to_shop))[1]
        pair.shop = {**pair.shop, **{name: now[name] for name in pair.to_shop}}
    return [pair for pair in pairs if not pair.to_shop or pair.job.id in written]


def read_shop(work: Work, ids: Sequence[str], shop: ShopFacts) -> dict[str, tuple[Row, Values]]:
    """The shop's records and their values by id; absent ones, and those that cannot be mapped, are left out."""
    found = {}
    for row in work.shop.read(PRODUCT.resource, ids, PRODUCT.fields) if ids else ():
        try:
            found[str(row["id"])] = (row, PRODUCT.values(row, {}, shop))
        except Invalid:
            continue
    return found


def _write_odoo(work: Work, odoo: OdooFacts, pairs: Sequence[Pair]) -> list[Pair]:
    """Write what Odoo takes over and read it back; the pairs that go on."""
    written: dict[int, Pair] = {}
    failed: set[int] = set()
    for pair in pairs:
        if not pair.to_odoo:
            continue
        values = {**pair.shop, **pair.to_odoo}
        try:
            work.before_write([pair.job])
            write_template(work.odoo, pair.odoo_id, PRODUCT.to_odoo(values, odoo, pair.to_odoo), pair.data.get("variant_id"))
            texts.write(work, [pair.job], PRODUCT, pair.odoo_id, values, pair.to_odoo, repeated=texts.untranslated(pair.odoo))
            written[pair.odoo_id] = pair
        except Rejected as error:
            failed.add(pair.job.id)
            work.failed(pair.job, error)
    for row in texts.read(work, odoo, sorted(written)):
        pair = written[row["id"]]
        back = PRODUCT.from_odoo(row, odoo)
        pair.odoo = {**pair.odoo, **{name: back[name] for name in pair.to_odoo}}
    return [pair for pair in pairs if pair.job.id not in failed]


def _agreed(pair: Pair, odoo: OdooFacts) -> Agreed:
    base, apart = dict(pair.base), dict(pair.data.get("odoo", {}))
    undecided = {conflict.field for conflict in pair.conflicts if conflict.owner == "manual"}
    shop = _held(pair.shop, odoo)
    moved = {*pair.to_shop, *pair.to_odoo}
    for name in pair.fields:
        equal = same(shop[name], pair.odoo[name])
        if name in undecided or not (equal or name in moved or name not in base):
            continue
        base[name] = pair.shop[name]
        apart.pop(name, None)
        if not equal:
            apart[name] = pair.odoo[name]
    base["kind"] = pair.shop.get("kind", "simple")
    data = {name: value for name, value in cut_off.without_notes(pair.data).items() if name != "odoo"} \
        | ({"odoo": apart} if apart else {})
    link = Link(PRODUCT.name, pair.shop_id, pair.odoo_id, base, data)
    words = f"{_words(pair)}." if moved else "linked; nothing to change." if pair.fresh else "nothing to change."
    notes = " ".join(f"Both sides changed the {c.field}; " + ("choose one in the conflict list." if c.owner == "manual" else
                                                              "the other value is in the conflict list.") for c in pair.conflicts)
    message = f"Product {pair.shop_id} (Odoo id {pair.odoo_id}): {words} {notes}".strip()
    echo = not moved and not pair.fresh and not pair.conflicts and base == pair.base and cut_off.SENDING not in pair.data
    return Agreed(link, message, changed=bool(moved or pair.fresh or pair.conflicts), echo=echo)


def _words(pair: Pair) -> str:
    parts = [f"{', '.join(values)} in {side}" for values, side in ((pair.to_shop, "the shop"), (pair.to_odoo, "Odoo")) if values]
    return f"{' and '.join(parts)} changed" if parts else "nothing"
