"""Deliveries: what a confirmed order reserves, what leaves, what is left for a back-order."""

from __future__ import annotations

from typing import Any

from .odoo_domain import relatives
from .odoo_models import Env, Model, rpc_ids
from .odoo_profiles import OdooError
from .odoo_stock import change_quantity, is_storable

Row = dict[str, Any]
OPEN = ("draft", "waiting", "confirmed", "partially_available", "assigned")


def follow_order(env: Env, order: int) -> None:
    """Gives a confirmed order the moves it lacks; goods only, in one delivery that is still open."""
    env = env.sudo()
    row = env.db.tables["sale.order"].rows[order]
    moves = env.db.tables["stock.move"]
    missing = []
    for line in env.db.tables["sale.order.line"].by("order_id", order):
        product = env.db.tables["sale.order.line"].rows[line].get("product_id")
        if product and env.value("product.product", product, "type") != "service":
            ordered = float(env.db.tables["sale.order.line"].rows[line].get("product_uom_qty", 0.0))
            planned = [moves.rows[i] for i in moves.by("sale_line_id", line) if moves.rows[i]["state"] != "cancel"]
            lacking = ordered - sum(float(move["product_uom_qty"]) for move in planned)
            if lacking > 0:
                missing.append((line, product, lacking))
    if not missing:
        return
    picking = _open_picking(env, order) or _new_picking(env, row, order, False)
    for line, product, quantity in missing:
        reserve(env, _new_move(env, picking, line, product, quantity))


def _open_picking(env: Env, order: int) -> int:
    pickings = env["stock.picking"]
    found = [i for i in pickings.table.by("sale_id", order) if pickings.reader("state")(i, {}) in OPEN]
    return found[0] if found else 0


def _new_picking(env: Env, order: Row, number: int, backorder: Any) -> int:
    house = order.get("warehouse_id") or 1
    source = env.value("stock.warehouse", house, "lot_stock_id")
    picking = env["stock.picking"].create_one({
        "name": "/", "partner_id": order.get("partner_shipping_id"), "origin": order.get("name"), "location_id": source,
        "location_dest_id": 5, "scheduled_date": env.db.now()[:19], "company_id": order.get("company_id"),
        "picking_type_id": house, "sale_id": number, "carrier_id": order.get("carrier_id"), "backorder_id": backorder,
    })  # fmt: skip
    env["stock.picking"].put(picking, name=f"WH/OUT/{picking:05d}")
    return picking


def _new_move(env: Env, picking: int, line: Any, product: int, quantity: float) -> int:
    row = env.db.tables["stock.picking"].rows[picking]
    values = {
        "product_id": product, "product_uom_qty": quantity, "location_id": row["location_id"], "state": "confirmed",
        "location_dest_id": row["location_dest_id"], "picking_id": picking, "sale_line_id": line,
        "origin": row.get("origin"), "company_id": row.get("company_id"), "date": env.db.now()[:19],
    }  # fmt: skip
    if "name" in env.db.schemas["stock.move"].fields:
        values["name"] = env["product.product"].label(product)
    return env["stock.move"].create_one(values)


def reserve(env: Env, move: int) -> None:
    """Reserves what is free for an open move."""
    moves, quants = env["stock.move"], env["stock.quant"]
    row = moves.table.rows[move]
    if row["state"] not in OPEN:
        return
    wanted = float(row["product_uom_qty"]) - reserved(row)
    taken = [list(pair) for pair in row.get("_reserved", [])]
    if is_storable(env, row["product_id"]):
        for quant in _sources(env, row):
            have = quants.table.rows[quant]
            free = float(have.get("quantity", 0.0)) - float(have.get("reserved_quantity", 0.0))
            if free > 0 and wanted > 0:
                part = min(free, wanted)
                quants.put(quant, reserved_quantity=float(have.get("reserved_quantity", 0.0)) + part)
                taken.append([quant, part])
                wanted -= part
    elif wanted > 0:  # goods that are not counted are always there
        taken.append([0, wanted])
    _set_reserved(env, move, taken)


def _sources(env: Env, row: Row) -> list[int]:
    places = relatives(env, "stock.location", [row["location_id"]])
    quants = env.db.tables["stock.quant"]
    return [i for i in quants.by("product_id", row["product_id"]) if quants.rows[i]["location_id"] in places]


def reserved(row: Row) -> float:
    return sum(float(part) for _, part in row.get("_reserved", []))


def _set_reserved(env: Env, move: int, taken: list[list[Any]]) -> None:
    total = sum(part for _, part in taken)
    wanted = float(env.db.tables["stock.move"].rows[move]["product_uom_qty"])
    state = "assigned" if total >= wanted else "partially_available" if total else "confirmed"
    fields = {"quantity": total, "picked": False} if env.major >= 17 else {"reserved_availability": total}
    env["stock.move"].put(move, _reserved=taken, state=state, **fields)


def release(env: Env, move: int) -> None:
    """Gives back what a move reserved."""
    quants = env["stock.quant"]
    for quant, part in env.db.tables["stock.move"].rows[move].get("_reserved", []):
        if quant in quants.table.rows:
            have = float(quants.table.rows[quant].get("reserved_quantity", 0.0))
            quants.put(quant, reserved_quantity=have - part)
    _set_reserved(env, move, [])


def cancel_order_moves(env: Env, order: int) -> None:
    """Cancels what has not left yet."""
    env = env.sudo()
    for picking in env.db.tables["stock.picking"].by("sale_id", order):
        for move in env.db.tables["stock.move"].by("picking_id", picking):
            if env.db.tables["stock.move"].rows[move]["state"] in OPEN:
                release(env, move)
                env["stock.move"].put(move, state="cancel")


def finish(env: Env, picking: int, quantities: dict[int, float]) -> None:
    """Lets goods leave: `quantities` per move id. What is not sent waits in a back-order."""
    moves = env["stock.move"]
    rest = []
    for move in moves.table.by("picking_id", picking):
        row = moves.table.rows[move]
        if row["state"] not in OPEN:
            continue
        done = quantities.get(move, 0.0)
        if done < row["product_uom_qty"]:
            rest.append((row.get("sale_line_id"), row["product_id"], row["product_uom_qty"] - done))
        taken = row.get("_reserved", [])
        release(env, move)
        if not done:
            moves.put(move, state="cancel")
            continue
        if is_storable(env, row["product_id"]):
            _leave(env, row, taken, done)
        fields = {"quantity": done, "picked": True} if env.major >= 17 else {"quantity_done": done}
        moves.put(move, state="done", product_uom_qty=done, _reserved=[], **fields)
    env["stock.picking"].put(picking, date_done=env.db.now()[:19])
    if rest:
        order = env.db.tables["stock.picking"].rows[picking]["sale_id"]
        backorder = _new_picking(env, env.db.tables["sale.order"].rows[order], order, picking)
        for line, product, quantity in rest:
            reserve(env, _new_move(env, backorder, line, product, quantity))


def _leave(env: Env, row: Row, taken: list[list[Any]], done: float) -> None:
    left = done
    for quant, part in taken:
        place = env.db.tables["stock.quant"].rows[quant]["location_id"]
        change_quantity(env, row["product_id"], place, -min(part, left))
        left -= min(part, left)
    if left > 0:
        change_quantity(env, row["product_id"], row["location_id"], -left)
    change_quantity(env, row["product_id"], row["location_dest_id"], done)


def deliver(env: Env, order: int, quantities: dict[int, float] | None = None) -> None:
    """What a person in the warehouse does: sends everything, or the given quantities per product."""
    env = env.sudo()
    left = dict(quantities) if quantities is not None else None
    for picking in list(env.db.tables["stock.picking"].by("sale_id", order)):
        if env["stock.picking"].reader("state")(picking, {}) in OPEN:
            plan = {}
            for move in env.db.tables["stock.move"].by("picking_id", picking):
                row = env.db.tables["stock.move"].rows[move]
                wanted = float(row["product_uom_qty"])
                plan[move] = wanted if left is None else min(wanted, left.pop(row["product_id"], 0.0))
            finish(env, picking, plan)


class Pickings(Model, models=("stock.picking",)):
    """Deliveries; their state is that of their moves."""

    order = "scheduled_date asc, id desc"

    def field_state(self, number: int, row: Row) -> str:
        moves = self.env.db.tables["stock.move"]
        states = {moves.rows[i]["state"] for i in moves.by("picking_id", number)}
        if not states:
            return "draft"
        if states == {"cancel"}:
            return "cancel"
        if states <= {"done", "cancel"}:
            return "done"
        return "assigned" if states & {"assigned", "partially_available"} else "confirmed"

    def field_picking_type_code(self, number: int, row: Row) -> str:
        return "outgoing"

    @rpc_ids
    def action_assign(self, ids: list[int]) -> bool:
        self.exist(ids)
        for picking in ids:
            for move in self.env.db.tables["stock.move"].by("picking_id", picking):
                reserve(self.env.sudo(), move)
        return True

    @rpc_ids
    def action_cancel(self, ids: list[int]) -> bool:
        self.exist(ids)
        for picking in ids:
            for move in self.env.db.tables["stock.move"].by("picking_id", picking):
                if self.env.db.tables["stock.move"].rows[move]["state"] in OPEN:
                    release(self.env.sudo(), move)
                    self.env.sudo()["stock.move"].put(move, state="cancel")
        return True

    @rpc_ids
    def button_validate(self, ids: list[int]) -> Any:
        """Sends what is encoded. Nothing encoded in 14 to 16: a wizard, unless the context says skip_immediate."""
        self.exist(ids)
        for picking in ids:
            moves = self.env.db.tables["stock.move"]
            rows = {i: moves.rows[i] for i in moves.by("picking_id", picking) if moves.rows[i]["state"] in OPEN}
            done = {i: float(row.get("quantity_done", 0.0)) for i, row in rows.items()}
            if self.env.major >= 17:
                picked = {i: row for i, row in rows.items() if row.get("picked")} or rows
                done = {i: float(row.get("quantity", 0.0)) for i, row in picked.items()}
            if not any(done.values()):
                if not any(row.get("_reserved") for row in rows.values()):
                    raise OdooError("UserError", self._nothing_to_send())
                if not self.env.context.get("skip_immediate"):
                    return self._wizard("stock.immediate.transfer", "Immediate Transfer?", ids)
                done = {i: reserved(row) for i, row in rows.items()}
            partial = any(done.get(i, 0.0) < row["product_uom_qty"] for i, row in rows.items())
            if partial and not self.env.context.get("skip_backorder"):
                return self._wizard("stock.backorder.confirmation", "Create Backorder?", ids)
            finish(self.env.sudo(), picking, done)
        return True

    def _wizard(self, model: str, name: str, ids: list[int]) -> Row:
        return {
            "name": name, "type": "ir.actions.act_window", "view_mode": "form", "res_model": model, "target": "new",
            "context": {"default_pick_ids": [[4, number] for number in ids]},
        }  # fmt: skip

    def _nothing_to_send(self) -> str:
        if self.env.major <= 16:
            return (
                "You cannot validate a transfer if no quantities are reserved nor done. "
                "To force the transfer, switch in edit mode and encode the done quantities."
            )
        if self.env.major <= 18:
            return "You cannot validate a transfer if no quantities are reserved. To force the transfer, encode quantities."
        return (
            "Transfer trouble alert! Validating a zero quantity transfer? You're not moving invisible goods around are "
            "you?\nSet some quantities and let's get moving!"
        )
