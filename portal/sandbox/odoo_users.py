"""Who may do what: logins, keys, groups and access rights, as measured for the smallest service user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .odoo_models import SUPERUSER, Env, Model, rpc
from .odoo_profiles import OdooError

if TYPE_CHECKING:
    from .odoo_store import Database

SALE, SALE_ADMIN = "sales_team.group_sale_salesman_all_leads", "sales_team.group_sale_manager"
STOCK, STOCK_ADMIN = "stock.group_stock_user", "stock.group_stock_manager"
BILLING, PARTNERS = "account.group_account_invoice", "base.group_partner_manager"
PRODUCTS, SYSTEM, USER = "product.group_product_manager", "base.group_system", "base.group_user"

GROUP_LABELS = {
    SALE: "Sales/User: All Documents", SALE_ADMIN: "Sales/Administrator", STOCK: "Inventory/User",
    STOCK_ADMIN: "Inventory/Administrator", BILLING: "Invoicing/Billing", PARTNERS: "Extra Rights/Contact Creation",
    PRODUCTS: "Products/Create", SYSTEM: "Administration/Settings",
}  # fmt: skip
IMPLIED = {STOCK_ADMIN: {STOCK}, SALE_ADMIN: {SALE}}
PRODUCT_MODELS = (
    "product.template", "product.product", "product.attribute", "product.attribute.value", "product.category",
    "product.template.attribute.line", "product.template.attribute.value",
)  # fmt: skip
SALES_MODELS = ("sale.order", "sale.order.line", "sale.advance.payment.inv")
INVOICE_MODELS = ("account.move", "account.move.line", "account.payment", "account.payment.register", "account.move.reversal")
STOCK_MODELS = ("stock.move", "stock.picking", "stock.immediate.transfer", "stock.lot", "stock.production.lot")
SETTINGS_MODELS = (
    "base.automation", "ir.actions.server", "ir.config_parameter", "ir.model", "ir.model.fields", "ir.model.data",
)  # fmt: skip
READ_METHODS = {
    "search", "read", "search_read", "search_count", "name_search", "copy_data", "export_data", "read_group",
    "get_external_id", "default_get",
}  # fmt: skip
FREE_METHODS = {
    "fields_get", "check_access_rights", "has_access", "context_get", "has_group", "check_object_reference", "load",
    "get_external_id",
}  # fmt: skip


def needed_right(method: str) -> str | None:
    """The access right a public method asks for; None: none (load reports its refusals by itself)."""
    if method in FREE_METHODS:
        return None
    if method in READ_METHODS:
        return "read"
    return {"create": "create", "name_create": "create", "copy": "create", "unlink": "unlink"}.get(method, "write")


def service_groups(major: int) -> list[str]:
    """The smallest groups of a service user, as measured."""
    if major <= 17:
        return [USER, SALE, STOCK_ADMIN, BILLING]
    return [USER, SALE, STOCK, PARTNERS, PRODUCTS, BILLING]


def groups_of(env: Env) -> set[str]:
    direct = set(env.db.tables["res.users"].rows.get(env.uid, {}).get("_groups", []))
    return direct.union(*(IMPLIED.get(group, set()) for group in direct))


def allowing(env: Env, model: str, operation: str) -> set[str] | None:
    """The groups that have a right; None: every internal user."""
    major, read = env.major, operation == "read"
    if model in SETTINGS_MODELS:
        open_in_14 = read and major == 14 and model in ("ir.model", "ir.model.data")
        return None if open_in_14 else {SYSTEM}
    if model == "ir.module.module":
        return None if read and major >= 16 else {SYSTEM}
    if model in PRODUCT_MODELS:
        if read:
            return {SALE, STOCK, BILLING, PRODUCTS, SYSTEM}
        return {PRODUCTS} if major >= 19 else {STOCK_ADMIN, PRODUCTS, SALE_ADMIN, SYSTEM}
    if model in SALES_MODELS:
        if operation == "unlink" and major >= 15:
            return {SALE_ADMIN}
        return {SALE, STOCK, BILLING} if read else {SALE}
    if model in INVOICE_MODELS:
        return {BILLING, SALE} if read else {BILLING}
    if model in STOCK_MODELS or model == "delivery.carrier":
        return {SALE, STOCK} if read else {STOCK}
    if read:
        return None
    if model == "res.partner":
        return {PARTNERS} if operation == "unlink" else {PARTNERS, STOCK_ADMIN, SALE_ADMIN}
    if model == "res.partner.category":
        return {PARTNERS}
    if model == "stock.quant":
        applies_at_once = major == 14 and not env.context.get("inventory_mode")
        return set() if applies_at_once or operation == "unlink" else {STOCK_ADMIN} if major <= 17 else {STOCK}
    return {STOCK_ADMIN, SYSTEM} if model.startswith("stock.") else {SYSTEM}


def check_right(env: Env, model: str, operation: str) -> None:
    """AccessError when the user lacks the right. An administrator has every right, the superuser too."""
    if env.uid == SUPERUSER:
        return
    user = env.db.tables["res.users"].rows.get(env.uid, {})
    denied = [model, operation] in user.get("_denied", []) or [model, "*"] in user.get("_denied", [])
    groups, wanted = groups_of(env), allowing(env, model, operation)
    if not denied and (SYSTEM in groups or wanted is None or groups & wanted):
        return
    labels = sorted(GROUP_LABELS[group] for group in wanted or {SYSTEM}) if wanted != set() else []
    raise env.db.profile.no_access(env.db.schemas[model], operation, labels)


def may(env: Env, model: str, operation: str) -> bool:
    try:
        check_right(env, model, operation)
    except OdooError:
        return False
    return True


def deny(db: Database, login: str, model: str, operation: str = "*") -> None:
    """Takes a right from a user: for tests of missing rights."""
    users = Env(db)["res.users"]
    number = users.table.by("login", login)[0]
    users.put(number, _denied=[*users.table.rows[number].get("_denied", []), [model, operation]])


class Users(Model, models=("res.users",)):
    """Users; `_key`, `_password` and `_groups` are never shown."""

    own_fields = frozenset(
        {"login", "active", "company_id", "company_ids", "partner_id", "groups_id", "group_ids", "share", "lang", "tz"}
        | {"create_date", "write_date", "create_uid", "write_uid", "display_name"}
    )
    parent = ("partner_id", "res.partner")

    @rpc
    def context_get(self) -> dict[str, Any]:
        row = self.table.rows[self.env.uid]
        found = {"lang": row.get("lang", "en_US"), "tz": row.get("tz", False)}
        return found if self.env.major <= 15 else {**found, "uid": self.env.uid}

    @rpc
    def has_group(self, *args: Any, group_ext_id: str = "") -> bool:
        """Up to 17 has_group(group); from 18 a method of records, has_group(ids, group)."""
        name = group_ext_id or args[-1]
        return name in groups_of(self.env)


class ApiKeys(Model, models=("res.users.apikeys",)):
    """Keys without their values; a user sees their own."""

    def visible(self, domain: Any, *, sub: bool = False) -> list[Any]:
        return [*domain, ["user_id", "=", self.env.uid]]


class Companies(Model, models=("res.company",)):
    """A user sees only the companies they belong to."""

    own_fields = frozenset(
        {"name", "currency_id", "partner_id", "tax_calculation_rounding_method", "account_sale_tax_id", "display_name"}
        | {"create_date", "write_date", "create_uid", "write_uid"}
    )
    parent = ("partner_id", "res.partner")

    def visible(self, domain: Any, *, sub: bool = False) -> list[Any]:
        if self.env.uid == SUPERUSER:
            return list(domain)
        return [*domain, ["id", "in", self.env.value("res.users", self.env.uid, "company_ids")]]


class ExternalIds(Model, models=("ir.model.data",)):
    """External ids: the table itself is for administrators, this question is for everybody."""

    @rpc
    def check_object_reference(self, module: str, xml_id: str, raise_on_access_error: bool = False) -> list[Any]:
        found = self.env.db.external.get((module, xml_id))
        if found is None or found[1] not in self.env.db.tables[found[0]].rows:
            raise OdooError("builtins.ValueError", f"External ID not found in the system: {module}.{xml_id}")
        return [found[0], found[1]]

    @rpc
    def search_read(self, domain: Any = None, fields: Any = None, offset: int = 0, limit: int | None = None,
                    order: str | None = None) -> list[dict[str, Any]]:  # fmt: skip
        wanted = {item[0]: item[2] for item in domain or [] if len(item) == 3}
        rows = [
            {"id": number, "module": module, "name": name, "model": model, "res_id": record}
            for number, ((module, name), (model, record)) in enumerate(self.env.db.external.items(), start=1)
        ]
        rows = [row for row in rows if all(_is(row.get(name), value) for name, value in wanted.items())]
        rows = rows[offset : offset + limit if limit else None]
        return [{"id": row["id"], **{name: row.get(name, False) for name in fields or row}} for row in rows]


def _is(found: Any, wanted: Any) -> bool:
    return found in wanted if isinstance(wanted, list) else found == wanted
