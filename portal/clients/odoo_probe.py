"""The capability probe: what an Odoo is, what its user may do, and what is missing, in few calls and as plain sentences."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from portal.clients.errors import AccessRefused, Outage, Rejected
from portal.clients.odoo_json2 import Json2
from portal.clients.odoo_profile import PROBED, Profile
from portal.clients.odoo_rpc import JsonRpc

T = TypeVar("T")

FIRST_SUPPORTED, LAST_TESTED = 14, 19
FIRST_JSON2 = 19
SLOW_KEY_SECONDS = 0.25
"""Checking a key takes some 15 ms, and 370 ms more if the user also has a password (measured, 16 and later)."""
MOST_LOCATIONS = 1000

_APPS = {"sale.order": "Sales (sale_management)", "stock.quant": "Inventory (stock)", "account.move": "Invoicing (account)"}


class Wire(Protocol):
    """What both protocols offer."""

    @property
    def name(self) -> str: ...

    def login(self) -> int: ...

    def call(self, model: str, method: str, ids: Sequence[int] | None, named: Mapping[str, Any], *, write: bool) -> Any: ...


def probe(version: Callable[[], str], rpc: JsonRpc, json2: Json2, login: str) -> Profile:
    """Log in and look around. `login` is only compared: in JSON-2 the key alone says who one is.

    Raises what the calls raise if the server, the database, the user or the key is wrong.
    """
    started = time.monotonic()
    serie = version()
    answered = time.monotonic() - started
    found = re.search(r"\d+", serie)
    major = int(found[0]) if found else 0
    if major < FIRST_SUPPORTED:
        raise AccessRefused("odoo", f"This is Odoo {serie}; the connector needs Odoo {FIRST_SUPPORTED} or later.",
                            remedy="Upgrade Odoo.", cause="odoo:version")
    started = time.monotonic()
    wire, warnings = _choose(major, rpc, json2)
    slow = time.monotonic() - started - answered
    if wire.name == JsonRpc.name and major >= 16 and slow > SLOW_KEY_SECONDS:
        started = time.monotonic()
        rpc.check_key()  # once more: the first call of all may also have made Odoo load the database
        slow = time.monotonic() - started - answered
    if wire.name == JsonRpc.name and major >= 16 and slow > SLOW_KEY_SECONDS:
        warnings.append(f"Odoo needed {slow:.1f} s to check the key. If this user also has a password, have an administrator "
                        "remove it: with the API key alone the check is about twenty times faster.")
    if major > LAST_TESTED:
        warnings.append(f"Odoo {serie} is newer than the versions this connector was tested with (up to {LAST_TESTED}).")
    return _Look(wire, major).profile(serie, login, warnings)


def _choose(major: int, rpc: JsonRpc, json2: Json2) -> tuple[Wire, list[str]]:
    """JSON-2 where Odoo has it and takes the key; JSON-RPC otherwise, which works with a password, too, and behind proxies
    that do not know the new path."""
    if major < FIRST_JSON2:
        rpc.login()
        return rpc, []
    try:
        json2.login()
        return json2, []
    except (AccessRefused, Rejected, Outage) as refused:
        try:
            rpc.login()
        except AccessRefused as error:
            raise (refused if error.cause == "odoo:address" else error) from None
        return rpc, [f"The faster protocol JSON-2 cannot be used ({refused.message}) The older JSON-RPC works."]


class _Look:
    """One walk through a server; what the user may not see stays unknown."""

    def __init__(self, wire: Wire, major: int) -> None:
        self._wire = wire
        self._major = major
        self._uid = wire.login()

    def profile(self, serie: str, login: str, warnings: list[str]) -> Profile:
        user = self._ask("res.users", "read", {"fields": ["name", "login", "lang", "company_id"]}, ids=[self._uid])[0]
        company_id, company_name = user["company_id"]
        described = {model: self._try(self._fields, model) for model in PROBED}
        fields = {model: tuple(sorted(names)) for model, names in described.items() if names is not None}
        apps = [f"The app {app} is not installed in Odoo." for model, app in _APPS.items() if model not in fields]
        if not apps and "sale_line_id" not in fields["stock.move"]:
            apps.append("The Odoo module sale_stock is not installed: confirmed orders would make no deliveries.")
        rounding = [name for name in ("tax_calculation_rounding_method",) if name in fields.get("res.company", ())]
        company = self._ask("res.company", "read", {"fields": ["currency_id", *rounding]}, ids=[company_id])[0]
        locations, default = self._locations(company_id) if "stock.quant" in fields else ((), 0)
        rights, invoicing = self._rights(fields)
        expires, expiry = self._key_expiry()
        if login and user["login"] != login and self._wire.name == Json2.name:
            warnings.append(f"The key belongs to the user {user['login']}, not to {login}: Odoo acts as {user['login']}.")
        return Profile(
            version=serie, major=self._major, uid=self._uid, transport=self._wire.name, user_name=user["name"] or user["login"],
            lang=user["lang"] or "", langs=self._languages(), company_id=company_id, company_name=company_name,
            company_currency=company["currency_id"][1],
            tax_rounding=company.get("tax_calculation_rounding_method") or "round_per_line",
            price_digits=self._digits(described, "Product Price", ("sale.order.line", "price_unit"),
                                      ("product.template", "list_price")),
            weight_digits=self._digits(described, "Stock Weight", ("product.template", "weight")),
            locations=locations, default_location=default, key_expires=expires, modules_missing=tuple(apps),
            rights_missing=tuple(rights), warnings=(*warnings, *invoicing, *expiry), fields=fields)

    def _fields(self, model: str) -> dict[str, Any]:
        found: dict[str, Any] = self._ask(model, "fields_get",
                                          {"allfields": list(PROBED[model]), "attributes": ["type", "digits"]})
        return {name: found[name] for name in PROBED[model] if name in found}

    def _locations(self, company_id: int) -> tuple[tuple[tuple[int, str], ...], int]:
        """Internal locations of the company by name; the default is the stock of the first warehouse, else the first one."""
        mine = ["company_id", "=", company_id]
        rows = self._try(self._ask, "stock.location", "search_read",
                         {"domain": [["usage", "=", "internal"], mine], "fields": ["complete_name"], "order": "id",
                          "limit": MOST_LOCATIONS}) or []
        houses = self._try(self._ask, "stock.warehouse", "search_read",
                           {"domain": [mine], "fields": ["lot_stock_id"], "limit": 1}) or []
        known = [int(row["id"]) for row in rows]
        main = [house["lot_stock_id"][0] for house in houses if house["lot_stock_id"]]
        default = next((number for number in (*main, *known) if number in known), 0)
        return tuple(sorted(((int(row["id"]), str(row["complete_name"])) for row in rows), key=lambda pair: pair[1])), default

    def _rights(self, fields: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """What the user lacks, each with the group that gives it; and what is needed only for invoices."""
        new, newest = self._major >= 18, self._major >= 19
        stock_group = "stock.group_stock_user" if new else "stock.group_stock_manager"
        inventory = "Inventory / User" if new else "Inventory / Administrator"
        contacts = "Contact / Creation" if newest else "Extra Rights / Contact Creation" if new else inventory
        products = "Products / Create" if newest else "Extra Rights / Product Creation" if new else inventory
        missing = []
        if not self._may_create("res.partner"):
            missing.append(f"The user may not create contacts: give it the group {contacts}.")
        if not self._may_create("product.template"):
            missing.append(f"The user may not create products: give it the group {products}.")
        if "stock.quant" in fields and not self._in_group(stock_group):
            missing.append(f"The user may not count stock: give it the group {inventory}.")
        if "sale.order" in fields and not self._may_create("sale.order"):
            missing.append("The user may not create orders: give it the group Sales / User: All Documents.")
        elif "sale.order" in fields and not self._in_group("sales_team.group_sale_salesman_all_leads"):
            missing.append("The user sees only its own orders: give it the group Sales / User: All Documents.")
        invoices = []
        if "account.move" in fields and not self._in_group("account.group_account_invoice"):
            invoices.append("The user may not post invoices. If it shall, give it the group Invoicing / Billing.")
        return missing, invoices

    def _may_create(self, model: str) -> bool:
        """Whether the user may create records of a model; True also where Odoo does not tell."""
        if self._major >= 18:
            answer = self._try(self._ask, model, "has_access", {"operation": "create"}, ids=[])
        else:
            answer = self._try(self._ask, model, "check_access_rights", {"operation": "create", "raise_exception": False})
        return answer is not False

    def _in_group(self, group: str) -> bool:
        """Whether the user has a group, directly or through another; True also where Odoo does not tell."""
        ids = [self._uid] if self._major >= 18 else None
        return self._try(self._ask, "res.users", "has_group", {"group_ext_id": group}, ids=ids) is not False

    def _key_expiry(self) -> tuple[str | None, list[str]]:
        """The first day on which an API key of the user ends (18 and later). Which of them is ours cannot be known."""
        if self._major < 18:
            return None, []
        keys = self._try(self._ask, "res.users.apikeys", "search_read",
                         {"domain": [["user_id", "=", self._uid]], "fields": ["name", "expiration_date"]}) or []
        ends = sorted((str(key["expiration_date"])[:10], str(key["name"])) for key in keys if key.get("expiration_date"))
        if not ends:
            return None, []
        day, name = ends[0]
        return day, [f"The API key “{name}” of this user expires on {day}; have a new one ready before, or everything stops."]

    def _languages(self) -> tuple[str, ...]:
        rows = self._try(self._ask, "res.lang", "search_read", {"domain": [["active", "=", True]], "fields": ["code"]}) or []
        return tuple(sorted(str(row["code"]) for row in rows))

    def _digits(self, described: Mapping[str, Mapping[str, Any] | None], setting: str, *places: tuple[str, str]) -> int:
        """Decimals of a setting: fields that use it tell them to everybody, the setting itself not; 2 where neither does."""
        for model, name in places:
            digits = ((described.get(model) or {}).get(name) or {}).get("digits")
            if digits:
                return int(digits[1])
        rows = self._try(self._ask, "decimal.precision", "search_read",
                         {"domain": [["name", "=", setting]], "fields": ["digits"]})
        return int(rows[0]["digits"]) if rows else 2

    def _ask(self, model: str, method: str, named: Mapping[str, Any], *, ids: Sequence[int] | None = None) -> Any:
        return self._wire.call(model, method, ids, named, write=False)

    def _try(self, question: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
        """The answer, or None where Odoo does not know the thing or keeps it from this user."""
        try:
            return question(*args, **kwargs)
        except (AccessRefused, Rejected):
            return None
