"""Sales orders and their lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .odoo_deliveries import cancel_order_moves, follow_order
from .odoo_models import Model, rpc_ids
from .odoo_profiles import OdooError
from .odoo_tax import Amounts, cents, document_amounts, line_amounts

Row = dict[str, Any]
CONFIRMED = ("sale", "done")


class Orders(Model, models=("sale.order",)):
    """Quotations and orders."""

    order = "date_order desc, id desc"
    key_fields = ("origin", "client_order_ref")

    def defaults(self, values: Row) -> Row:
        found: Row = {
            "state": "draft", "date_order": self.env.db.now()[:19], "user_id": self.env.uid, "team_id": 1,
            "company_id": self.env.company, "warehouse_id": self.env.company, "client_order_ref": False, "origin": False,
        }  # fmt: skip
        partner = values.get("partner_id")
        if partner:
            if partner not in self.env.db.tables["res.partner"].rows:
                raise self.env.db.profile.missing("res.partner", [partner], self.env.uid)
            found["partner_invoice_id"] = self._address(partner, "invoice")
            found["partner_shipping_id"] = self._address(partner, "delivery")
        if self.env.major <= 16:
            found["pricelist_id"] = 1
        return found

    def _address(self, partner: int, kind: str) -> int:
        partners = self.env.db.tables["res.partner"]
        found = [i for i in partners.by("parent_id", partner) if partners.rows[i].get("type") == kind]
        return found[0] if found else partner

    def prepare(self, values: Row, row: Row | None) -> Row:
        if values.get("pricelist_id"):
            values["currency_id"] = self.env.value("product.pricelist", values["pricelist_id"], "currency_id")
        elif row is None:
            values["currency_id"] = self.env.value("res.company", self.env.company, "currency_id")
        if row is None:
            values.setdefault("name", f"S{self.table.next_id - 1:05d}")
        return values

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        if old is None or "order_line" in values:
            self.total(number)

    def total(self, number: int) -> None:
        """Sums the lines up, and lets the delivery of a confirmed order follow them."""
        lines = self.env.db.tables["sale.order.line"]
        amounts = [
            _amounts(self.env["sale.order.line"], lines.rows[i])
            for i in lines.by("order_id", number)
            if not lines.rows[i].get("display_type")
        ]
        net, tax = document_amounts(self.env, amounts)
        self.put(number, amount_untaxed=float(net), amount_tax=float(tax), amount_total=float(net + tax))
        if self.table.rows[number]["state"] in CONFIRMED:
            follow_order(self.env, number)

    @rpc_ids
    def action_confirm(self, ids: list[int]) -> bool:
        self.exist(ids)
        late = [i for i in ids if self.table.rows[i]["state"] not in ("draft", "sent")]
        if late and self.env.major >= 17:
            names = ", ".join(str(self.table.rows[i]["name"]) for i in late)
            text = f"The following orders are not in a state requiring confirmation: {names}"
            if self.env.major >= 18:
                text = "Some orders are not in a state requiring confirmation."
            raise OdooError("UserError", text)
        for number in ids:
            if number not in late:
                self.put(number, state="sale", date_order=self.env.db.now()[:19])
                follow_order(self.env, number)
        return True

    @rpc_ids
    def action_cancel(self, ids: list[int]) -> Any:
        """Cancels; in 16 to 18 a confirmed order gives a wizard instead, unless disable_cancel_warning is set."""
        self.exist(ids)
        asks = 16 <= self.env.major <= 18 and not self.env.context.get("disable_cancel_warning")
        if asks and any(self.table.rows[i]["state"] != "draft" for i in ids):
            return {
                "name": "Cancel Sales Order", "view_mode": "form", "res_model": "sale.order.cancel", "view_id": 1072,
                "type": "ir.actions.act_window", "target": "new", "context": {"default_order_id": ids[0]},
            }  # fmt: skip
        for number in ids:
            if self.table.rows[number].get("locked"):
                raise OdooError("UserError", "You cannot cancel a locked order. Please unlock it first.")
            cancel_order_moves(self.env, number)
            self.put(number, state="cancel")
        return True

    @rpc_ids
    def action_draft(self, ids: list[int]) -> bool:
        self.exist(ids)
        for number in ids:
            if self.table.rows[number]["state"] in ("cancel", "sent"):
                self.put(number, state="draft")
        return True

    @rpc_ids
    def action_quotation_sent(self, ids: list[int]) -> None:
        for number in ids:
            self.put(number, state="sent")

    @rpc_ids
    def action_done(self, ids: list[int]) -> bool:
        """Locks: the state becomes done."""
        for number in ids:
            self.put(number, state="done")
        return True

    action_done.until = 16  # type: ignore[attr-defined]

    @rpc_ids
    def action_lock(self, ids: list[int]) -> None:
        for number in ids:
            self.put(number, locked=True)

    action_lock.since = 17  # type: ignore[attr-defined]

    @rpc_ids
    def action_unlock(self, ids: list[int]) -> None:
        for number in ids:
            self.put(number, **({"locked": False} if self.env.major >= 17 else {"state": "sale"}))

    @rpc_ids
    def unlink(self, ids: list[int]) -> bool:
        self.exist(ids)
        if any(self.table.rows[i]["state"] not in ("draft", "cancel") for i in ids):
            text = "You can not delete a sent quotation or a confirmed sales order. You must first cancel it."
            raise OdooError("UserError", text)
        return super().unlink(ids)

    def field_picking_ids(self, number: int, row: Row) -> list[int]:
        return self.env.db.tables["stock.picking"].by("sale_id", number)

    def field_delivery_count(self, number: int, row: Row) -> int:
        return len(self.field_picking_ids(number, row))

    def field_delivery_status(self, number: int, row: Row) -> Any:
        """pending, partial, full; False without deliveries or when all are cancelled."""
        pickings = self.env["stock.picking"]
        states = [pickings.reader("state")(i, {}) for i in self.field_picking_ids(number, row)]
        if not states or set(states) == {"cancel"}:
            return False
        if set(states) <= {"done", "cancel"}:
            return "full"
        return "partial" if "done" in states else "pending"

    def field_invoice_ids(self, number: int, row: Row) -> list[int]:
        lines, found = self.env.db.tables["account.move.line"], set()
        for line in self.env.db.tables["sale.order.line"].by("order_id", number):
            found |= {lines.rows[i]["move_id"] for i in lines.by("_sale_line", line)}
        return sorted(found)

    def field_invoice_count(self, number: int, row: Row) -> int:
        return len(self.field_invoice_ids(number, row))

    def field_invoice_status(self, number: int, row: Row) -> str:
        if row["state"] not in CONFIRMED:
            return "no"
        lines = self.env["sale.order.line"]
        rows = [(i, lines.table.rows[i]) for i in lines.table.by("order_id", number)]
        rows = [(i, line) for i, line in rows if not line.get("display_type")]
        if any(lines.reader("qty_to_invoice")(i, line) for i, line in rows):
            return "to invoice"
        done = rows and all(lines.reader("qty_invoiced")(i, line) >= line["product_uom_qty"] for i, line in rows)
        return "invoiced" if done else "no"


class Lines(Model, models=("sale.order.line",)):
    """Order lines. What is not given comes from the product: text, price, unit, taxes."""

    order = "order_id, sequence, id"

    def defaults(self, values: Row) -> Row:
        if values.get("display_type"):
            return {"sequence": 10, "product_uom_qty": 0.0}
        found: Row = {"sequence": 10, "product_uom_qty": 1.0, "discount": 0.0}
        product = values.get("product_id")
        if not product:
            return found
        if product not in self.env.db.tables["product.product"].rows:
            raise self.env.db.profile.missing("product.product", [product], self.env.uid)
        products = self.env["product.product"]
        row = products.table.rows[product]
        text = products.reader("description_sale")(product, row)
        found["name"] = products.label(product) + (f"\n{text}" if text else "")
        found["price_unit"] = products.reader("lst_price")(product, row)
        found["product_uom_id" if self.env.major >= 19 else "product_uom"] = products.reader("uom_id")(product, row)
        taxes = self.env.db.tables["account.tax"].rows
        mine = [t for t in products.reader("taxes_id")(product, row) if taxes[t].get("company_id") == self.env.company]
        found[self.env.db.profile.tax_field] = [[6, 0, mine]]
        return found

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        row = self.table.rows[number]
        accountable = not row.get("display_type") and not row.get("is_downpayment")
        if accountable and not row.get("product_id") and self.env.major <= 17:
            text = "Missing required fields on accountable sale order line."
            raise self.env.db.profile.constraint("sale_order_line_accountable_required_fields", text)
        found = _amounts(self, row) if not row.get("display_type") else Amounts(Decimal(0))
        net, tax = cents(found.net), found.tax
        row = {**row, "price_subtotal": float(net), "price_tax": float(tax), "price_total": float(cents(net + tax))}
        self.env.db.put(self.name, number, row)
        if ("sale.order", row["order_id"]) not in self.env.busy:
            self._orders().total(row["order_id"])

    def _orders(self) -> Orders:
        orders = self.env["sale.order"]
        assert isinstance(orders, Orders)
        return orders

    @rpc_ids
    def unlink(self, ids: list[int]) -> bool:
        self.exist(ids)
        orders = {self.table.rows[i]["order_id"] for i in ids}
        if any(self._orders().table.rows[order]["state"] in CONFIRMED for order in orders):
            text = (
                "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something gets "
                "invoiced or delivered).\n                Set the quantity to 0 instead."
            )
            if self.env.major <= 16:
                text = "You can not remove an order line once the sales order is confirmed.\n"
                text += "You should rather set the quantity to 0."
            raise OdooError("UserError", text)
        done = super().unlink(ids)
        for order in orders:
            if ("sale.order", order) not in self.env.busy:
                self._orders().total(order)
        return done

    def field_state(self, number: int, row: Row) -> Any:
        return self.env.value("sale.order", row["order_id"], "state")

    def field_currency_id(self, number: int, row: Row) -> Any:
        return self.env.value("sale.order", row["order_id"], "currency_id")

    def field_company_id(self, number: int, row: Row) -> Any:
        return self.env.value("sale.order", row["order_id"], "company_id")

    def field_order_partner_id(self, number: int, row: Row) -> Any:
        return self.env.value("sale.order", row["order_id"], "partner_id")

    def field_product_template_id(self, number: int, row: Row) -> Any:
        product = row.get("product_id")
        return self.env.value("product.product", product, "product_tmpl_id") if product else False

    def field_qty_delivered(self, number: int, row: Row) -> float:
        moves = self.env.db.tables["stock.move"]
        done = (moves.rows[i] for i in moves.by("sale_line_id", number))
        return float(sum(move["product_uom_qty"] for move in done if move["state"] == "done"))

    def field_qty_invoiced(self, number: int, row: Row) -> float:
        lines, moves = self.env.db.tables["account.move.line"], self.env.db.tables["account.move"].rows
        total = 0.0
        for i in lines.by("_sale_line", number):
            move = moves[lines.rows[i]["move_id"]]
            if move["state"] != "cancel":
                total += (-1 if move["move_type"] == "out_refund" else 1) * float(lines.rows[i]["quantity"])
        return total

    def field_qty_to_invoice(self, number: int, row: Row) -> float:
        if row.get("display_type") or self.field_state(number, row) not in CONFIRMED:
            return 0.0
        product = row.get("product_id")
        policy = self.env.value("product.product", product, "invoice_policy") if product else "order"
        basis = self.field_qty_delivered(number, row) if policy == "delivery" else float(row["product_uom_qty"])
        return basis - self.field_qty_invoiced(number, row)


def _amounts(lines: Model, row: Row) -> Amounts:
    taxes = row.get(lines.env.db.profile.tax_field, [])
    price, quantity = row.get("price_unit", 0.0), row.get("product_uom_qty", 0.0)
    return line_amounts(lines.env, taxes, price, quantity, row.get("discount", 0.0))


class Taxes(Model, models=("account.tax",)):
    """Taxes; from 18 "included in price" is computed from an override."""

    order = "sequence, id"

    def defaults(self, values: Row) -> Row:
        return {"active": True, "amount_type": "percent", "type_tax_use": "sale", "company_id": self.env.company, "sequence": 1}

    def prepare(self, values: Row, row: Row | None) -> Row:
        if self.env.major >= 18 and "price_include_override" in values:
            values["price_include"] = values["price_include_override"] == "tax_included"
        return values


class Wizards(Model, models=("sale.advance.payment.inv",)):
    """The invoice wizard; its work is in `odoo_invoices`."""

    name_field = "id"

    def create_one(self, values: Row) -> int:
        number = super().create_one({"advance_payment_method": "delivered", **values})
        chosen = self.table.rows[number].get("sale_order_ids")
        self.put(number, _orders=chosen or self.env.context.get("active_ids") or [])
        return number

    @rpc_ids
    def create_invoices(self, ids: list[int]) -> Any:
        from .odoo_invoices import invoice_orders

        self.exist(ids)
        orders = self.table.rows[ids[0]].get("_orders") or self.env.context.get("active_ids") or []
        return invoice_orders(self.env, orders)
