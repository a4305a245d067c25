"""Stock: quants, counts and what is free; moves and deliveries are in `odoo_deliveries`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .odoo_domain import relatives
from .odoo_models import Env, Model, rpc, rpc_ids
from .odoo_profiles import OdooError

Row = dict[str, Any]
COUNT_FIELDS = ("inventory_quantity", "inventory_quantity_auto_apply", "quantity")


def stock_locations(env: Env) -> set[int]:
    """The internal locations that quantities are computed for: of the context, else of the company."""
    locations = env.db.tables["stock.location"]
    wanted = env.context.get("location")
    warehouse = env.context.get("warehouse_id" if env.major >= 18 else "warehouse")
    if wanted:
        roots: Iterable[int] = wanted if isinstance(wanted, list) else [wanted]
    elif warehouse:
        numbers = warehouse if isinstance(warehouse, list) else [warehouse]
        roots = [env.value("stock.warehouse", number, "view_location_id") for number in numbers]
    else:
        roots = [i for i, row in locations.rows.items() if row.get("company_id") in (False, None, env.company)]
    return {i for i in relatives(env, "stock.location", roots) if locations.rows[i]["usage"] in ("internal", "transit")}


def level(env: Env, product: int, quantity: str) -> float:
    """One of qty_available, free_qty, incoming_qty, outgoing_qty, virtual_available of a variant."""
    inside = stock_locations(env)
    if quantity in ("qty_available", "free_qty"):
        return float(sum(_on_hand(row, quantity) for row in quants_of(env, product) if row["location_id"] in inside))
    incoming = outgoing = 0.0
    moves = env.db.tables["stock.move"]
    for number in moves.by("product_id", product):
        row = moves.rows[number]
        if row["state"] not in ("done", "cancel", "draft"):
            leaves, comes = row["location_id"] in inside, row["location_dest_id"] in inside
            outgoing += row["product_uom_qty"] if leaves and not comes else 0.0
            incoming += row["product_uom_qty"] if comes and not leaves else 0.0
    if quantity == "virtual_available":
        return level(env, product, "qty_available") + incoming - outgoing
    return incoming if quantity == "incoming_qty" else outgoing


def _on_hand(row: Row, quantity: str) -> float:
    reserved = row.get("reserved_quantity", 0.0) if quantity == "free_qty" else 0.0
    return float(row.get("quantity", 0.0)) - float(reserved)


def quants_of(env: Env, product: int) -> list[Row]:
    """The quants of a variant, each with its id."""
    table = env.db.tables["stock.quant"]
    return [{"id": number, **table.rows[number]} for number in table.by("product_id", product)]


def is_storable(env: Env, product: int) -> bool:
    if env.major >= 18:
        return bool(env.value("product.product", product, "is_storable"))
    return bool(env.value("product.product", product, "type") == "product")


def change_quantity(env: Env, product: int, location: int, delta: float, lot: Any = False) -> int:
    """Adds to the quant of a place, making it when there is none; returns its id."""
    for quant in quants_of(env, product):
        if quant["location_id"] == location and quant.get("lot_id", False) == lot:
            outdated = bool(quant.get("inventory_quantity_set"))  # a count waits that knew another quantity
            env["stock.quant"].put(quant["id"], quantity=quant.get("quantity", 0.0) + delta, _outdated=outdated)
            return int(quant["id"])
    return quants(env).add(product, location, delta, lot)


def quants(env: Env) -> Quants:
    model = env.sudo()["stock.quant"]
    assert isinstance(model, Quants)
    return model


class Quants(Model, models=("stock.quant",)):
    """Quantities per product, place and lot. In 14 a count applies at once; from 15 it waits to be applied."""

    name_field = "id"

    def add(self, product: int, location: int, quantity: float, lot: Any = False) -> int:
        company = self.env.value("stock.location", location, "company_id")
        number = self.env.db.next_id(self.name)
        now = self.env.db.now()
        row = {
            "product_id": product, "location_id": location, "lot_id": lot, "quantity": quantity,
            "reserved_quantity": 0.0, "company_id": company, "in_date": now[:19], "create_date": now, "write_date": now,
            "create_uid": self.env.uid, "write_uid": self.env.uid,
        }  # fmt: skip
        self.env.db.put(self.name, number, row)
        self._tell(number, set(row), True)
        return number

    def create_one(self, values: Row) -> int:
        for name in values:
            self.field(name, "create")
        product, location, lot = values["product_id"], values["location_id"], values.get("lot_id") or False
        if product not in self.env.db.tables["product.product"].rows:
            raise self.env.db.profile.missing("product.product", [product], self.env.uid)
        self._check_place(product, location)
        if not self.env.context.get("inventory_mode"):  # 15+: an extra quant, on top of those there are
            number = self.add(product, location, float(values.get("quantity") or 0.0), lot)
            if "inventory_quantity" in values:
                self.put(number, inventory_quantity=float(values["inventory_quantity"]), inventory_quantity_set=True)
            return number
        found = [q for q in quants_of(self.env, product) if q["location_id"] == location and q.get("lot_id", False) == lot]
        number = found[0]["id"] if found else self.add(product, location, 0.0, lot)
        self._count(number, {**values, "inventory_quantity_auto_apply": None} if self.env.major == 15 else values)
        return int(number)

    def _check_place(self, product: int, location: int) -> None:
        if self.env.major <= 16:  # 17+ notices another company's location only when the count is applied
            self._check_company(self.env.db.tables["stock.location"].rows[location])
        if self.env.value("stock.location", location, "usage") == "view":
            name = self.env.value("stock.location", location, "name")
            text = f'You cannot take products from or deliver products to a location of type "view" ({name}).'
            raise OdooError("ValidationError", text)
        if not is_storable(self.env, product):
            raise OdooError("ValidationError", "Quants cannot be created for consumables or services.")

    def write_one(self, number: int, values: Row) -> None:
        for name in values:
            self.field(name, "write")
        if self.env.major == 14 and "quantity" in values and self.env.uid != 1:
            raise self.env.db.profile.no_access(self.schema, "write", [])
        if "inventory_quantity_auto_apply" in values and self.env.major >= 18:
            self._check_administrator()
        self._count(number, values)

    def _administrator(self) -> bool:
        from .odoo_users import STOCK_ADMIN, SYSTEM, groups_of

        return bool(groups_of(self.env) & {STOCK_ADMIN, SYSTEM})

    def _check_administrator(self) -> None:
        if not self._administrator():
            text = 'You do not have enough rights to access the fields "inventory_quantity_auto_apply" on Quants (stock.quant).'
            raise OdooError("AccessError", f"{text} Please contact your system administrator.")

    def _count(self, number: int, values: Row) -> None:
        if "inventory_quantity" in values and self.env.major == 14:
            row = self.table.rows[number]
            if not row.get("lot_id") and self.env.value("product.product", row["product_id"], "tracking") != "none":
                name = self.env.value("product.product", row["product_id"], "name")
                raise OdooError("UserError", f"You need to supply a Lot/Serial Number for product: \n - {name}")
            self._move_to(number, float(values["inventory_quantity"]))
        elif "inventory_quantity" in values:
            counted = float(values["inventory_quantity"])
            self.put(number, inventory_quantity=counted, inventory_quantity_set=True, _outdated=False)
        if values.get("inventory_quantity_auto_apply") is not None:  # 15 ignores it on create
            self._move_to(number, float(values["inventory_quantity_auto_apply"]))
        elif "quantity" in values:
            self.put(number, quantity=float(values["quantity"]))
        others = {name: value for name, value in values.items() if name not in (*COUNT_FIELDS, "product_id", "location_id")}
        if others:
            self.put(number, **others)

    def _move_to(self, number: int, quantity: float) -> None:
        """A move from or to the inventory adjustment location: its mirror goes negative."""
        row = self.table.rows[number]
        delta = quantity - row.get("quantity", 0.0)
        if delta:
            loss = next(
                i for i, place in self.env.db.tables["stock.location"].rows.items() if place["usage"] == "inventory"
            )
            self.put(number, quantity=quantity)
            change_quantity(self.env, row["product_id"], loss, -delta, row.get("lot_id", False))
        self.put(number, inventory_quantity=0.0, inventory_quantity_set=False, _outdated=False)

    @rpc
    def fields_get(self, allfields: list[str] | None = None, attributes: list[str] | None = None) -> Row:
        """From 18 a field for inventory administrators is hidden from others."""
        found = super().fields_get(allfields, attributes)
        if self.env.major >= 18 and not self._administrator():
            found.pop("inventory_quantity_auto_apply", None)
        return found

    @rpc_ids
    def action_apply_inventory(self, ids: list[int], date: Any = None) -> Any:
        """Applies the counts. Lots missing: a wizard (15-18) and nothing applied. 19 applies a missing count as 0."""
        self.exist(ids)
        untraced = [
            i for i in ids
            if not self.table.rows[i].get("lot_id")
            and self.env.value("product.product", self.table.rows[i]["product_id"], "tracking") != "none"
        ]  # fmt: skip
        if untraced and self.env.major <= 18:
            products = [self.table.rows[i]["product_id"] for i in untraced]
            return {
                "name": "Tracked Products in Inventory Adjustment", "type": "ir.actions.act_window", "view_mode": "form",
                "views": [[False, "form"]], "res_model": "stock.track.confirmation", "target": "new",
                "context": {"default_quant_ids": ids, "default_product_ids": products},
            }  # fmt: skip
        outdated = [i for i in ids if self.table.rows[i].get("_outdated")]
        if outdated and self.env.major <= 18:
            return {
                "name": "Conflict in Inventory Adjustment", "type": "ir.actions.act_window", "view_mode": "form",
                "views": [[False, "form"]], "res_model": "stock.inventory.conflict", "target": "new",
                "context": {"default_quant_ids": ids, "default_quant_to_fix_ids": outdated},
            }  # fmt: skip
        for number in ids:
            row = self.table.rows[number]
            place = self.env.db.tables["stock.location"].rows[row["location_id"]]
            if place.get("company_id") and self.env.uid != 1 and place["company_id"] != self.env.company:
                raise OdooError("UserError", "Incompatible companies on records: the location belongs to another company.")
            if row.get("inventory_quantity_set") or self.env.major >= 19:
                self._move_to(number, float(row.get("inventory_quantity", 0.0)))
        return None

    action_apply_inventory.since = 15  # type: ignore[attr-defined]

    def field_display_name(self, number: int, row: Row) -> str:
        return self.env["stock.location"].label(row["location_id"])

    def field_product_tmpl_id(self, number: int, row: Row) -> Any:
        return self.env.value("product.product", row["product_id"], "product_tmpl_id")

    def search_as(self, name: str) -> str:
        return "product_id.product_tmpl_id" if name == "product_tmpl_id" else name

    def field_available_quantity(self, number: int, row: Row) -> float:
        return float(row.get("quantity", 0.0)) - float(row.get("reserved_quantity", 0.0))

    def field_inventory_diff_quantity(self, number: int, row: Row) -> float:
        if "inventory_quantity_set" not in row:  # never counted
            return 0.0 if self.env.major >= 19 else -float(row["quantity"])
        return row.get("inventory_quantity", 0.0) - row["quantity"] if row["inventory_quantity_set"] else 0.0

    def field_inventory_quantity_auto_apply(self, number: int, row: Row) -> float:
        return float(row.get("quantity", 0.0))


class Locations(Model, models=("stock.location",)):
    """Places; the complete name is the path from the warehouse."""

    order = "complete_name, id"

    def field_complete_name(self, number: int, row: Row) -> str:
        above = row.get("location_id")
        if not above or row["usage"] == "view":
            return str(row["name"])
        if self.env.major >= 18 and row["usage"] in ("inventory", "customer", "supplier"):
            return str(row["name"])
        return f"{self.field_complete_name(above, self.table.rows[above])}/{row['name']}"

    field_display_name = field_complete_name

    def field_warehouse_id(self, number: int, row: Row) -> Any:
        above = relatives(self.env, self.name, [number], up=True)
        warehouses = self.env.db.tables["stock.warehouse"]
        return next((i for i, house in warehouses.rows.items() if house["view_location_id"] in above), False)
