"""Setting up Odoo's own webhooks (17 and later): automation rules that call the portal when something changes.

Only an administrator of Odoo may make such rules; for everybody else there are instructions, click by click. 14 to 16 cannot call
anybody: there the poll does the job. The rules carry the token in the address, the only place Odoo has for a secret (measured).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal import settings as store_settings
from portal.clients.errors import AccessRefused
from portal.clients.odoo import Odoo
from portal.config import Config
from portal.models import Heartbeat, Store
from portal.sync import log, stores
from portal.sync.services import Services
from portal.sync.webhook import hit_name

ACTION = "Send webhook"


@dataclass(frozen=True)
class Rule:
    """An automation rule: the model watched, the fields that trigger it (none: any), those sent along, and which records count.

    Group-restricted fields such as the cost must not be sent (17 and 18 refuse them).
    """

    entity: str
    model: str
    label: str
    triggers: tuple[str, ...]
    sent: tuple[str, ...]
    domain: str = "[]"


RULES: tuple[Rule, ...] = (
    Rule("product", "product.template", "Product", (), ("write_date",)),
    Rule("product", "product.product", "Product Variant", ("default_code", "barcode", "weight", "standard_price", "active"),
         ("product_tmpl_id", "write_date")),
    Rule("product", "product.template.attribute.value", "Product Template Attribute Value", ("price_extra",),
         ("product_tmpl_id", "write_date")),
    Rule("stock", "stock.quant", "Quants", ("quantity", "reserved_quantity"), ("product_id", "location_id", "quantity"),
         "[('location_id.usage', '=', 'internal')]"),
    Rule("order", "sale.order", "Sales Order", ("state",), ("state", "name"), "[('origin', '=like', 'PS/%')]"),
    Rule("order", "stock.picking", "Transfer", ("date_done", "carrier_tracking_ref"), ("sale_id",), "[('sale_id', '!=', False)]"),
)


@dataclass(frozen=True)
class Setup:
    """`installed`: the models watched now. `instructions`: what a person has to do, one step a line; empty when nothing is.
    `last_hit`: when Odoo (or anybody with the token) last called."""

    version: str
    installed: tuple[str, ...]
    url: str
    message: str
    instructions: tuple[str, ...] = ()
    last_hit: datetime | None = None


def install(services: Services, store: Store, actor: str = "") -> Setup:
    """Make the rules that the directions ask for, in place of those made before (also after a new token). Raises `RemoteError`."""
    odoo = services.odoo(store)
    if not odoo.profile.has_webhook_action:
        return show(services, store)
    url, wanted = address(services, store), _wanted(store)
    try:
        old = _ours(odoo, store)
        ids = _create(odoo, store, wanted, url) if wanted else []
        _remove(odoo, [number for number in old if number not in ids])
    except AccessRefused:
        return _by_hand(services, store, odoo, url)
    _log(services, store, f"Odoo calls the portal now when these change: {_names(wanted)}.", actor)
    return show(services, store)


def remove(services: Services, store: Store, actor: str = "") -> int:
    """Remove the rules made by `install`; how many. Raises `RemoteError`, `AccessRefused` where the key may not."""
    odoo = services.odoo(store)
    if not odoo.profile.has_webhook_action:
        return 0
    old = _ours(odoo, store)
    _remove(odoo, list(old))
    _log(services, store, f"{len(old)} automation rules were removed from Odoo.", actor)
    return len(old)


def show(services: Services, store: Store) -> Setup:
    """What is set up, and what a person has to do where the key may not. Raises `RemoteError`."""
    odoo, url = services.odoo(store), address(services, store)
    if not odoo.profile.has_webhook_action:
        minutes = store.settings["poll_minutes"]
        how = f"the portal asks Odoo every {minutes} minutes" if minutes else "set poll_minutes, so that the portal asks Odoo"
        return Setup(odoo.profile.version, (), url, f"Odoo {odoo.profile.version} cannot call the portal; {how}.",
                     last_hit=last_hit(services, store))
    try:
        models = sorted(_ours(odoo, store).values())
    except AccessRefused:
        return _by_hand(services, store, odoo, url)
    words = f"Odoo calls the portal when these change: {', '.join(models)}." if models else "Odoo has no automation rules yet."
    return Setup(odoo.profile.version, tuple(models), url, words, last_hit=last_hit(services, store))


def last_hit(services: Services, store: Store) -> datetime | None:
    """When the webhook was last called with a valid token and body."""
    with services.db.read() as session:
        row = session.get(Heartbeat, hit_name(store))
        return row.at if row else None


def address(services: Services, store: Store) -> str:
    """What Odoo has to call, with the token."""
    config: Config = services.config
    with services.db.read() as session:
        return f"{config.public_url}/webhook?token={stores.token_value(session, store, 'webhook')}"


def instructions(store: Store, major: int, url: str) -> tuple[str, ...]:
    """The clicks that make the rules by hand in Odoo 17 and later."""
    menu = "Settings > Technical > Automation Rules (activate the developer mode first: Settings, at the bottom)"
    action = "Add an action > Send Webhook Notification" if major <= 18 else "Add an action > Send Webhook"
    save = "On save" if major <= 18 else "On create and edit"
    steps = [f"As an administrator open {menu}. If it is not there, install the app Automation Rules (base_automation)."]
    for rule in _wanted(store):
        fields = ", ".join(rule.triggers)
        steps.append(
            f"New: name “{_name(store, rule)}”, model {rule.label} ({rule.model}), trigger “{save}”"
            + (f", When updating: {fields}" if fields else "")
            + (f", Apply on: {rule.domain}" if rule.domain != "[]" else "")
            + f". {action}: URL {url}, Fields: {', '.join(rule.sent)}. Save.")
    return (*steps, "Change one product in Odoo and look here again: the last call is shown.")


# --- in Odoo ----------------------------------------------------------------------------------------------------------


def _wanted(store: Store) -> list[Rule]:
    return [rule for rule in RULES if store_settings.allowed(store.settings, rule.entity, "odoo_to_ps")]


def _name(store: Store, rule: Rule) -> str:
    return f"PrestaShop connector {store.key}: {rule.model}"


def _ours(odoo: Odoo, store: Store) -> dict[int, str]:
    """Rule id → model, of the rules of this store."""
    prefix = f"PrestaShop connector {store.key}: "
    rows = odoo.search_read("base.automation", [("name", "=like", f"{prefix}%")], ["name"], order="id",
                            context={"active_test": False})
    return {row["id"]: str(row["name"]).removeprefix(prefix) for row in rows}


def _create(odoo: Odoo, store: Store, rules: list[Rule], url: str) -> list[int]:
    """Rules and their actions in one call."""
    models = {row["model"]: row["id"] for row in odoo.search_read(
        "ir.model", [("model", "in", [rule.model for rule in rules])], ["model"])}
    fields = {(row["model"], row["name"]): row["id"] for row in odoo.search_read(
        "ir.model.fields", [("model", "in", list(models)),
                            ("name", "in", sorted({name for rule in rules for name in (*rule.triggers, *rule.sent)}))],
        ["model", "name"])}

    def ids(rule: Rule, names: tuple[str, ...]) -> list[Any]:
        return [(6, 0, [fields[rule.model, name] for name in names if (rule.model, name) in fields])]

    return odoo.create("base.automation", [{
        "name": _name(store, rule), "model_id": models[rule.model], "trigger": "on_create_or_write",
        "filter_domain": rule.domain, "trigger_field_ids": ids(rule, rule.triggers),
        "action_server_ids": [(0, 0, {"name": ACTION, "model_id": models[rule.model], "state": "webhook", "webhook_url": url,
                                      "webhook_field_ids": ids(rule, rule.sent)})],
    } for rule in rules])


def _remove(odoo: Odoo, ids: list[int]) -> None:
    if ids:
        odoo.call("base.automation", "unlink", ids)


def _by_hand(services: Services, store: Store, odoo: Odoo, url: str) -> Setup:
    return Setup(odoo.profile.version, (), url, "The connector's Odoo user may not make automation rules (that is good: it needs "
                 "no administrator's rights). An administrator makes them by hand, once:",
                 instructions(store, odoo.profile.major, url), last_hit(services, store))


def _names(rules: list[Rule]) -> str:
    return ", ".join(rule.model for rule in rules) or "nothing (no direction leads to the shop)"


def _log(services: Services, store: Store, message: str, actor: str) -> None:
    with services.db.begin() as session:
        log.write(session, store.id, message, actor=actor)
