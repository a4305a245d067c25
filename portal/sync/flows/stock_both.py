"""Stock both ways: what people did on each side since the last agreement reaches the other; sales are in neither.

`portal.entities.stock.both_ways` has the arithmetic. An agreement is the shop's quantity (`base["shop"]`) and the *mark* up to
which sales are in it (`data["mark"]`, see `shop_sales`). Both sides take absolute quantities, so what is about to be written is
kept first (`data["intent"]`): after a crash or a lost answer the next try sees which of the two writes happened, and goes on
from there instead of adding the same pieces again. `data["old"]` is what of old orders (see `in_flight`) the agreement has counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from portal.entities import stock
from portal.entities.stock import Agreement
from portal.entities.text import number
from portal.sync import bounces, echoes, in_flight, shop_sales
from portal.sync.flows import stock as counting
from portal.sync.flows.patching import patch
from portal.sync.flows.stock_lines import Item, Line, location, read_lines, without_line
from portal.sync.foreseen import Change, Foreseen
from portal.sync.in_flight import Arrived, Sales
from portal.sync.links import Link
from portal.sync.shop_sales import Sold
from portal.sync.work import Later, Work

Side = Literal["shop", "odoo"]
TRIES = 4
WAIT_SECONDS = 60.0
Mark = tuple[int, Decimal]
Old = tuple[Side, Decimal]
"""Which side told the first quantity, and the pieces of old orders that Odoo's count was raised by since."""
_NONE = Decimal(0)


@dataclass(frozen=True)
class Levels:
    """What Odoo has of one variant: on the quant that is counted, free in all, and whether it ever had any."""

    held: Decimal = _NONE
    free: Decimal = _NONE
    counted: bool = False


@dataclass(frozen=True)
class Seen:
    """What is known of the shop's sales, read in the order of the fields."""

    sales: Sales
    arrived: Arrived
    sold: Sold
    behind: bool
    """Whether the shop has taken an order since."""

    def in_flight(self, key: str, first: Side) -> Decimal:
        """Where the shop told the first quantity, old orders count from when they are in Odoo: before, it is without them."""
        return self.sales.pieces.get(key, _NONE) - (self.sales.coming.get(key, _NONE) if first == "shop" else _NONE)

    def old(self, key: str, first: Side) -> Old:
        """Where Odoo told it, its quantity held what old orders that were open still needed."""
        found = self.arrived.sent.get(key, _NONE) + (self.arrived.open.get(key, _NONE) if first == "shop" else _NONE)
        return first, found

    def late(self, key: str, first: Side) -> int:
        """An order that is late for this record; 0: none."""
        order = self.sales.late.get(key, 0)
        return (0 if first == "shop" and order <= self.sales.start else order) or (self.sales.newest if self.behind else 0)


@dataclass
class Step:
    """One record, what both sides have and what was agreed on."""

    item: Item
    line: Line
    levels: Levels
    agreement: Agreement
    base: Decimal | None
    """Before; None on first contact."""
    mark: Mark
    """Up to which sales are in the new base."""
    sold: Decimal
    old: Old
    """What of old orders is in the new base."""
    arrived: Decimal = _NONE
    """What of it is new."""
    late: int = 0
    """An order that is late; 0: none."""
    rest: bool = False
    """Whether there is more to do once no order is late."""
    shown: int = 0
    """The shop's quantity after all."""

    def __post_init__(self) -> None:
        self.shown = self.line.quantity

    @property
    def writes(self) -> bool:
        return bool(self.agreement.on_hand or self.agreement.shop != self.line.quantity)

    def link(self, *, intent: dict[str, Any] | None = None, base: Decimal | None = None) -> Link:
        """The mapping: with the new base, or, where an intent is given, with the old one."""
        value = base if base is not None else self.agreement.base
        data: dict[str, Any] = {"mark": [self.mark[0], str(self.mark[1])], "old": _kept(self.old)}
        if intent:
            data["intent"] = intent
        kept = {"shop": str(value)} if intent is None or self.base is not None else {}
        return Link("stock", self.item.key, self.item.variant, kept, data)


def settle(work: Work, items: Sequence[Item], *, first: Side = "odoo") -> None:
    """Bring these stock records in step, whichever side reported them. `first` tells the quantity where both have some."""
    if not items:
        return
    steps, sales = _look(work, items, first)
    if work.dry_run:
        for step in steps:
            _would(work, step)
        return
    steps = _not_to_and_fro(work, steps)
    acting = [step for step in steps if step.writes]
    if acting:
        work.keep([step.link(intent=_intent(step), base=step.base) for step in acting])
    _count(work, [step for step in acting if step.agreement.on_hand])
    open_ids = {job.id for job in work.open}
    _show(work, [step for step in acting if step.item.job.id in open_ids and step.agreement.shop != step.line.quantity], sales)
    open_ids = {job.id for job in work.open}
    waiting = [step for step in steps if step.item.job.id in open_ids and step.rest]
    if waiting:
        work.keep([step.link() for step in waiting])
    dropped = 0
    for step in steps:
        if step.item.job.id not in open_ids:
            continue
        if step.rest:
            message = f"Stock of product {step.item.key}: {step.shown} in the shop. The rest waits for order {step.late}."
            work.failed(step.item.job, Later(message, seconds=WAIT_SECONDS, cause="stock:late"))
            continue
        link = step.link()
        echo = not step.writes and link.base == step.item.base and link.data == step.item.data
        dropped += echo
        work.done(step.item.job, _words(step), changed=step.writes, links=[] if echo else [link])
    echoes.note(work.services, work.store, dropped)


# --- reading ----------------------------------------------------------------------------------------------------------


def _look(work: Work, items: Sequence[Item], first: Side) -> tuple[list[Step], Sales]:
    """Read both sides such that no sale falls between, and agree. What has no line is settled."""
    keys = {item.key for item in items}
    marks = [int(mark[0]) for item in items if (mark := _mark_of(item))]
    for left in range(TRIES, 0, -1):
        arrived = in_flight.arrived(work.services, work.store)
        sales = in_flight.look(work.services, work.store)
        levels = _levels(work, sorted({item.variant for item in items}))
        sold = shop_sales.count(work.services, work.store, keys, min(marks, default=None))
        lines, combined = read_lines(work, keys)
        behind = in_flight.is_behind(work.services, work.store, sales)
        if not behind or left == 1:
            break
    seen = Seen(sales, arrived, sold, behind)
    steps = []
    for item in items:
        why = without_line(item, lines, combined)
        if why:
            work.done(item.job, why, changed=False)
        else:
            steps.append(_agree(work, item, lines[item.key], levels.get(item.variant, Levels()), seen, first))
    return steps, sales


def _agree(work: Work, item: Item, line: Line, levels: Levels, seen: Seen, first: Side) -> Step:
    now: Mark = (seen.sold.final, seen.sold.pieces(item.key, seen.sold.final))
    base, mark, old = _base_of(item, line, levels, seen.sold)
    if base is None or mark is None:
        base, mark, old = None, now, None
    first = first if levels.counted else "shop"
    new_old = seen.old(item.key, old[0] if old else first)
    arrived = new_old[1] - old[1] if old else _NONE
    grown = seen.sold.pieces(item.key, mark[0]) - mark[1]
    late = seen.late(item.key, new_old[0])
    agreed = partial(stock.both_ways, base, Decimal(line.quantity), levels.free, seen.in_flight(item.key, new_old[0]), grown,
                     Decimal(int(work.store.settings["stock_buffer"])), arrived=arrived, backorders=line.backorders, first=first)
    whole = Step(item, line, levels, agreed(), base, now, grown, new_old, arrived)
    if not late:
        return whole
    return Step(item, line, levels, agreed(late=True), base, mark, grown, old or new_old, late=late, rest=whole.writes)


def _mark_of(item: Item) -> list[Any] | None:
    mark = item.data.get("intent", item.data).get("mark")
    return mark if isinstance(mark, list) else None


def _kept(old: Old) -> list[str]:
    return [old[0], str(old[1])]


def _base_of(item: Item, line: Line, levels: Levels, sold: Sold) -> tuple[Decimal | None, Mark | None, Old | None]:
    """What was agreed last; where a try was cut short, what of it came about."""
    kept = _mark_of(item)
    mark = (int(kept[0]), Decimal(kept[1])) if kept else None
    side, pieces = item.data.get("old", ["", "0"])
    old: Old | None = (side, Decimal(pieces)) if side else None
    intent = item.data.get("intent")
    if intent is None or mark is None:
        return (Decimal(item.base["shop"]) if "shop" in item.base and mark else None), mark, old
    before, target = Decimal(intent["shop"][0]), Decimal(intent["shop"][1])
    held, wanted = Decimal(intent["odoo"][0]), Decimal(intent["odoo"][1])
    shown = Decimal(line.quantity) + sold.pieces(item.key, mark[0]) - mark[1] - Decimal(intent["sold"])
    base, arrived = Decimal(intent["base"]), Decimal(intent["arrived"])
    if abs(levels.held - wanted) < abs(levels.held - held):
        base += wanted - held - arrived
    elif old:
        old = old[0], old[1] - arrived
    return base + (target - before if abs(shown - target) < abs(shown - before) else _NONE), mark, old


def _intent(step: Step) -> dict[str, Any]:
    """What is about to be written. `base` is what both sides would be in step with if nothing of it came about."""
    agreed, shop = step.agreement, Decimal(step.line.quantity)
    by_people = agreed.on_hand - step.arrived
    return {"shop": [str(shop), str(agreed.shop)], "odoo": [str(step.levels.held), str(step.levels.held + agreed.on_hand)],
            "base": str(agreed.base - by_people - (agreed.shop - shop)), "mark": [step.mark[0], str(step.mark[1])],
            "sold": str(step.sold if step.late else _NONE), "arrived": str(step.arrived)}


def _levels(work: Work, variants: Sequence[int]) -> dict[int, Levels]:
    place = location(work)
    owed = in_flight.unreserved(work.odoo, variants)
    found: dict[int, Levels] = {}
    rows = work.odoo.search_read(
        "stock.quant", [("product_id", "in", list(variants)), ("location_id", "child_of", place)],
        ["product_id", "location_id", "lot_id", "package_id", "owner_id", "quantity", "reserved_quantity"])
    for row in rows:
        number = row["product_id"][0]
        old = found.get(number, Levels(free=-owed.get(number, _NONE)))
        quantity = Decimal(str(row["quantity"]))
        main = row["location_id"][0] == place and not (row["lot_id"] or row["package_id"] or row["owner_id"])
        free = old.free + quantity - Decimal(str(row["reserved_quantity"]))
        found[number] = Levels(old.held + (quantity if main else _NONE), free, True)
    return found


# --- writing ----------------------------------------------------------------------------------------------------------


def _not_to_and_fro(work: Work, steps: Sequence[Step]) -> list[Step]:
    """Those that may be written; the jobs of quantities that bounce are reported."""
    planned = []
    for step in steps:
        shop, hand = step.agreement.shop, step.agreement.on_hand
        planned.append(bounces.Planned(step.item.job, step.item.key, step.item.variant,
                                       {"quantity": str(shop)} if shop != step.line.quantity else {},
                                       {"quantity": str(step.levels.held + hand)} if hand else {}))
    bounces.begin(work, "stock", planned)
    open_ids = {job.id for job in work.open}
    return [step for step in steps if step.item.job.id in open_ids]


def _count(work: Work, steps: Sequence[Step]) -> None:
    """Add to what Odoo has on hand. Whoever could not be counted has failed."""
    counts = [counting.Count(step.item.job, step.item.variant, Decimal(step.line.quantity), step.levels.held,
                             step.levels.held + step.agreement.on_hand, settles=False) for step in steps]
    counting.write(work, counts)


def _show(work: Work, steps: Sequence[Step], sales: Sales) -> None:
    """Change the shop's quantities by what was agreed, from where they stand right before the write.

    A sale in the instant of the write would be undone by it. Newer orders tell, and then the quantity is put where it belongs.
    """
    wanted = {step.item.job.id: step for step in steps}
    if not wanted:
        return
    lines, _ = read_lines(work, {step.item.key for step in steps})
    for step in steps:
        line = lines.get(step.item.key, step.line)
        exact = line.quantity + step.agreement.shop - step.line.quantity
        step.shown = exact if line.backorders else max(0, exact)
        step.agreement = _moved(step.agreement, step.shown - exact)
    left = patch(work, "stock_availables", [(step.item.job, {"id": step.line.id, "quantity": step.shown}) for step in steps])
    for _ in range(TRIES):
        if not left or not in_flight.is_behind(work.services, work.store, sales):
            return
        sales = in_flight.look(work.services, work.store)
        some = [wanted[job.id] for job in left]
        sold = shop_sales.count(work.services, work.store, {step.item.key for step in some}, min(step.mark[0] for step in some))
        lines, _ = read_lines(work, {step.item.key for step in some})
        rows = []
        for step in some:
            exact = int(step.agreement.base - sold.pieces(step.item.key, step.mark[0]) + step.mark[1])
            line = lines.get(step.item.key, step.line)
            step.shown = exact if line.backorders else max(0, exact)
            step.agreement = _moved(step.agreement, step.shown - exact)
            if line.quantity > step.shown:
                rows.append((step.item.job, {"id": step.line.id, "quantity": step.shown}))
        left = patch(work, "stock_availables", rows)


def _moved(agreement: Agreement, by: int) -> Agreement:
    """The same agreement where the shop cannot show less than nothing."""
    return Agreement(agreement.shop, agreement.on_hand, agreement.base + by, agreement.conflict) if by else agreement


def _would(work: Work, step: Step) -> None:
    if not step.writes:
        work.done(step.item.job, _words(step), changed=False)
        return
    parts = []
    rows = []
    if step.agreement.shop != step.line.quantity:
        rows.append(Change("shop", "quantity", str(step.line.quantity), str(step.agreement.shop)))
        parts.append(f"show {step.agreement.shop} in the shop (now {step.line.quantity})")
    if step.agreement.on_hand:
        rows.append(Change("odoo", "quantity", number(step.levels.held), number(step.levels.held + step.agreement.on_hand)))
        parts.append(f"count {step.levels.held + step.agreement.on_hand} in Odoo (now {step.levels.held})")
    work.would(step.item.job, f"stock of product {step.item.key}: would {' and '.join(parts)}",
               Foreseen("change", f"Product {step.item.key}", step.item.variant, tuple(rows)))


def _words(step: Step) -> str:
    if not step.writes:
        return f"Stock of product {step.item.key}: {step.line.quantity} in the shop, in step with Odoo."
    shop = f"{step.line.quantity} → {step.shown}" if step.line.quantity != step.shown else f"{step.shown}"
    more = f", {step.agreement.on_hand:+f} in Odoo" if step.agreement.on_hand else ""
    both = " Both sides had changed it; both changes count." if step.agreement.conflict else ""
    return f"Stock of product {step.item.key}: {shop} in the shop{more}.{both}"
