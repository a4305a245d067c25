"""Invoices made from orders, posting, payments and credit notes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .odoo_models import Env, Model, rpc_ids
from .odoo_profiles import OdooError
from .odoo_tax import cents, document_amounts, line_amounts

Row = dict[str, Any]
NOTHING = (
    "Cannot create an invoice. No items are available to invoice.\n\nTo resolve this issue, please ensure that:\n"
    "   • The products have been delivered before attempting to invoice them.\n"
    "   • The invoicing policy of the product is configured correctly."
)
NOTHING_BEFORE_17 = "There is nothing to invoice!\n\nReason(s) of this behavior could be:\n- You should deliver your products"


def invoice_orders(env: Env, orders: list[int]) -> Row:
    """Draft invoices for what is to be invoiced, one per invoice address and currency; the action that shows them."""
    env["sale.order"].exist(orders)
    inner = env.sudo()
    lines = inner["sale.order.line"]
    groups: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for order in orders:
        row = inner.db.tables["sale.order"].rows[order]
        for line in lines.table.by("order_id", order):
            quantity = lines.reader("qty_to_invoice")(line, lines.table.rows[line])
            if quantity:
                groups.setdefault((row["partner_invoice_id"], row["currency_id"]), []).append((order, line, quantity))
    if not groups:
        raise OdooError("UserError", NOTHING if env.major >= 17 else f"{NOTHING_BEFORE_17} before invoicing them.")
    moves = [_invoice(env, partner, currency, chosen) for (partner, currency), chosen in groups.items()]
    if env.major <= 16:
        return {"type": "ir.actions.act_window_close"}
    return {
        "name": "Invoices", "type": "ir.actions.act_window", "xml_id": "account.action_move_out_invoice_type",
        "res_model": "account.move", "res_id": moves[0], "view_mode": "tree,kanban,form,activity", "target": "current",
        "context": {"default_move_type": "out_invoice"}, "domain": "[('move_type', '=', 'out_invoice')]",
    }  # fmt: skip


def _invoice(env: Env, partner: int, currency: int, chosen: list[tuple[int, int, float]]) -> int:
    inner = env.sudo()
    orders = [inner.db.tables["sale.order"].rows[order] for order in dict.fromkeys(order for order, _, _ in chosen)]
    rows = []
    for _, line, quantity in chosen:
        row = inner.db.tables["sale.order.line"].rows[line]
        taxes = row.get(env.db.profile.tax_field, [])
        rows.append([0, 0, {
            "name": row.get("name"), "product_id": row.get("product_id"), "quantity": quantity, "_sale_line": line,
            "price_unit": row.get("price_unit", 0.0), "discount": row.get("discount", 0.0), "tax_ids": [[6, 0, taxes]],
        }])  # fmt: skip
    return inner["account.move"].create_one({
        "move_type": "out_invoice", "partner_id": partner, "currency_id": currency, "invoice_line_ids": rows,
        "partner_shipping_id": orders[0].get("partner_shipping_id"), "invoice_user_id": env.uid,
        "ref": ", ".join(str(row["client_order_ref"]) for row in orders if row.get("client_order_ref")) or False,
        "invoice_origin": ", ".join(str(row["name"]) for row in orders),
    })  # fmt: skip


class Moves(Model, models=("account.move",)):
    """Invoices and credit notes."""

    order = "date desc, name desc, id desc"
    key_fields = ("invoice_origin", "ref")

    def defaults(self, values: Row) -> Row:
        return {
            "move_type": "entry", "state": "draft", "payment_state": "not_paid", "journal_id": 1,
            "name": "/" if self.env.major <= 17 else False, "payment_reference": "" if self.env.major <= 15 else False,
            "company_id": self.env.company, "date": self.env.db.now()[:10],
            "currency_id": self.env.value("res.company", self.env.company, "currency_id"),
        }  # fmt: skip

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        if old is None or "invoice_line_ids" in values:
            lines = self.env.db.tables["account.move.line"]
            rows = [lines.rows[i] for i in lines.by("move_id", number)]
            net, tax = document_amounts(self.env, [_amounts(self.env, row) for row in rows if not _is_note(row)])
            total = float(net + tax)
            self.put(number, amount_untaxed=float(net), amount_tax=float(tax), amount_total=total, amount_residual=total)

    @rpc_ids
    def action_post(self, ids: list[int]) -> bool:
        """Posts drafts; answers False. Twice is a UserError."""
        self.exist(ids)
        for number in ids:
            row = self.table.rows[number]
            if row["state"] != "draft":
                end = "must be in draft." if self.env.major >= 17 else "is already posted."
                raise OdooError("UserError", f"The entry {row['name']} (id {number}) {end}")
            date = row.get("invoice_date") or self.env.db.now()[:10]
            kind = "RINV" if row["move_type"] == "out_refund" else "INV"
            name = f"{kind}/{date[:4]}/{date[5:7]}/{number:04d}" if self.env.major == 14 else f"{kind}/{date[:4]}/{number:05d}"
            self.put(number, state="posted", name=name, payment_reference=name, invoice_date=date, date=date)
        return False

    @rpc_ids
    def button_draft(self, ids: list[int]) -> None:
        self.exist(ids)
        for number in ids:
            self.put(number, state="draft", payment_state="not_paid", amount_residual=self.table.rows[number]["amount_total"])

    @rpc_ids
    def button_cancel(self, ids: list[int]) -> None:
        self.exist(ids)
        for number in ids:
            self.put(number, state="cancel")

    def pay(self, number: int, amount: float) -> None:
        """Takes a payment off what is open."""
        open_amount = Decimal(repr(float(self.table.rows[number]["amount_residual"])))
        left = max(Decimal(0), cents(open_amount - Decimal(repr(amount))))
        self.put(number, amount_residual=float(left), payment_state="partial" if left else "paid")


class MoveLines(Model, models=("account.move.line",)):
    """Invoice lines."""

    order = "id"

    def create_one(self, values: Row) -> int:
        origin = values.pop("_sale_line", False)
        number = super().create_one(values)
        self.env.db.put(self.name, number, {**self.table.rows[number], "_sale_line": origin})
        return number

    def defaults(self, values: Row) -> Row:
        found: Row = {"quantity": 1.0, "discount": 0.0}
        product = values.get("product_id")
        if product:
            found["name"] = self.env["product.product"].label(product)
            found["tax_ids"] = [[6, 0, self.env.value("product.product", product, "taxes_id")]]
        if self.env.major >= 16:
            found["display_type"] = "product"
        return found

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        row = self.table.rows[number]
        found = _amounts(self.env, row)
        net = cents(found.net)
        more = {"price_subtotal": float(net), "price_total": float(cents(net + found.tax))}
        self.env.db.put(self.name, number, {**row, **more})

    def field_sale_line_ids(self, number: int, row: Row) -> list[int]:
        return [row["_sale_line"]] if row.get("_sale_line") else []


def _is_note(row: Row) -> bool:
    return row.get("display_type") in ("line_note", "line_section")


def _amounts(env: Env, row: Row) -> Any:
    price, quantity = row.get("price_unit", 0.0), row.get("quantity", 0.0)
    return line_amounts(env, row.get("tax_ids", []), price, quantity, row.get("discount", 0.0))


class PaymentRegister(Model, models=("account.payment.register",)):
    """The payment wizard: pays the posted invoices of the context."""

    name_field = "id"

    def create_one(self, values: Row) -> int:
        moves = self.env.db.tables["account.move"].rows
        ids = self.env.context.get("active_ids") or []
        if not ids or any(moves[i]["state"] != "posted" for i in ids if i in moves):
            raise OdooError("UserError", "You can only register payment for posted journal entries.")
        open_amount = sum((Decimal(repr(float(moves[i]["amount_residual"]))) for i in ids), Decimal(0))
        if not open_amount:
            text = "You can't register a payment because there is nothing left to pay on the selected journal items."
            raise OdooError("UserError", text)
        given = {"payment_date": self.env.db.now()[:10], "journal_id": 3, "amount": float(open_amount), **values}
        number = super().create_one({**given, "currency_id": given.get("currency_id") or moves[ids[0]]["currency_id"]})
        self.put(number, _moves=ids)
        return number

    @rpc_ids
    def action_create_payments(self, ids: list[int]) -> Row:
        self.exist(ids)
        row = self.table.rows[ids[0]]
        invoices = self.env.sudo()["account.move"]
        assert isinstance(invoices, Moves)
        refund = invoices.table.rows[row["_moves"][0]]["move_type"] == "out_refund"
        text = "memo" if self.env.major >= 18 else "ref"
        payment = self.env.sudo()["account.payment"].create_one({
            "amount": row["amount"], "journal_id": row["journal_id"], "date": row["payment_date"],
            "partner_id": invoices.table.rows[row["_moves"][0]]["partner_id"], "partner_type": "customer",
            "payment_type": "outbound" if refund else "inbound", text: row.get("communication", False),
            "state": "paid" if self.env.major >= 18 else "posted", "currency_id": row["currency_id"],
        })  # fmt: skip
        left = float(row["amount"])
        for move in row["_moves"]:
            part = min(left, float(invoices.table.rows[move]["amount_residual"]))
            invoices.pay(move, part)
            left -= part
        return {
            "name": "Payments", "type": "ir.actions.act_window", "res_model": "account.payment",
            "context": {"create": False}, "view_mode": "form", "res_id": payment,
        }  # fmt: skip


class Payments(Model, models=("account.payment",)):
    """Payments made by the wizard."""

    key_fields = ("memo", "ref")


class Reversals(Model, models=("account.move.reversal",)):
    """The credit note wizard."""

    name_field = "id"

    def create_one(self, values: Row) -> int:
        ids = self.env.context.get("active_ids") or (values.get("move_ids") or [[6, 0, []]])[0][2]
        if any(self.env.value("account.move", i, "state") != "posted" for i in ids):
            text = "You can only reverse posted moves."
            raise OdooError("UserError", text if self.env.major <= 18 else "To reverse a journal entry, it has to be posted first.")
        return super().create_one({**values, "move_ids": [[6, 0, ids]]})

    @rpc_ids
    def reverse_moves(self, ids: list[int], is_modify: bool = False) -> Row:
        """Makes a draft credit note for each invoice, with the same lines."""
        self.exist(ids)
        inner, new = self.env.sudo(), []
        lines = inner.db.tables["account.move.line"]
        for move in self.table.rows[ids[0]]["move_ids"]:
            row = inner.db.tables["account.move"].rows[move]
            copies = []
            for i in lines.by("move_id", move):
                line = lines.rows[i]
                kept = {name: line.get(name) for name in ("name", "product_id", "quantity", "price_unit", "discount")}
                kept["_sale_line"] = line.get("_sale_line", False)
                copies.append([0, 0, {**kept, "tax_ids": [[6, 0, line.get("tax_ids", [])]]}])
            reason = self.table.rows[ids[0]].get("reason")
            new.append(inner["account.move"].create_one({
                "move_type": "out_refund", "partner_id": row["partner_id"], "currency_id": row["currency_id"],
                "invoice_line_ids": copies, "reversed_entry_id": move, "invoice_origin": row.get("invoice_origin"),
                "ref": f"Reversal of: {row['name']}" + (f", {reason}" if reason else ""),
            }))  # fmt: skip
        self.put(ids[0], new_move_ids=new)
        return {
            "name": "Reverse Moves", "type": "ir.actions.act_window", "res_model": "account.move", "res_id": new[0],
            "view_mode": "form", "context": {"default_move_type": "out_refund"},
        }  # fmt: skip

    @rpc_ids
    def refund_moves(self, ids: list[int]) -> Row:
        return self.reverse_moves(ids)

    refund_moves.since = 17  # type: ignore[attr-defined]
