"""What a merchant chooses per store. One table serves the form, `portal store set` and the documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from portal.entities import payment

Kind = Literal["switch", "choice", "number", "text"]
Direction = Literal["ps_to_odoo", "odoo_to_ps"]

DIRECTIONS = ("off", "ps_to_odoo", "odoo_to_ps", "both")


class SettingError(ValueError):
    """A value that a setting cannot take; the message names the setting and the remedy."""


@dataclass(frozen=True)
class StoreSetting:
    """One choice: key (as on the command line), kind, default, label and help as shown in the form."""

    key: str
    kind: Kind
    default: Any
    label: str
    help: str
    group: str
    choices: tuple[str, ...] = ()
    lowest: int = 0
    highest: int = 1_000_000
    pattern: str = ""
    """What a text has to look like; the help tells."""

    def parse(self, text: Any) -> Any:
        """The value for what was typed; raises `SettingError`."""
        raw = "" if text is None else str(text).strip()
        if self.kind == "switch":
            if raw.lower() in {"1", "true", "yes", "on", "y"}:
                return True
            if raw.lower() in {"0", "false", "no", "off", ""}:
                return False
            raise SettingError(f"{self.key}: {raw!r} is neither on nor off. Use 1 or 0.")
        if self.kind == "choice":
            if raw in self.choices:
                return raw
            raise SettingError(f"{self.key}: {raw!r} is unknown. Choose one of {', '.join(self.choices)}.")
        if self.kind == "number":
            try:
                value = int(raw)
            except ValueError:
                raise SettingError(f"{self.key}: {raw!r} is not a whole number.") from None
            if not self.lowest <= value <= self.highest:
                raise SettingError(f"{self.key}: must lie between {self.lowest} and {self.highest}.")
            return value
        if len(raw) > 255:
            raise SettingError(f"{self.key}: at most 255 characters.")
        if self.pattern and not re.fullmatch(self.pattern, raw):
            raise SettingError(f"{self.key}: {raw!r} cannot be understood. {self.help}")
        return raw


OWNERS = ("odoo", "prestashop", "manual")


def _owner(field: str, label: str, owner: str) -> StoreSetting:
    return StoreSetting(f"product_owner_{field}", "choice", owner, f"{label} when both sides changed it",
                        f"With both ways: whose {label.lower()} wins when shop and Odoo changed it differently. The other value is "
                        "kept in the conflict list. manual: nothing is written until someone chooses.", "owners", OWNERS)


PRODUCT_OWNERS: tuple[StoreSetting, ...] = (
    _owner("name", "Name", "prestashop"),
    _owner("description", "Description", "prestashop"),
    _owner("active", "Active", "prestashop"),
    _owner("price", "Price", "odoo"),
    _owner("cost", "Cost", "odoo"),
    _owner("reference", "Reference", "odoo"),
    _owner("barcode", "Barcode", "odoo"),
    _owner("weight", "Weight", "odoo"),
)

STORE_SETTINGS: tuple[StoreSetting, ...] = (
    StoreSetting("enabled", "switch", False, "Enable synchronization",
                 "While this is off, changes are noticed and wait; nothing is written anywhere.", "sync"),
    StoreSetting("dry_run", "switch", False, "Dry run",
                 "Record in the log what would be done, without writing to Odoo or the shop.", "sync"),
    StoreSetting("customers", "switch", True, "Customers", "Shop customers become contacts in Odoo.", "entities"),
    StoreSetting("products", "choice", "ps_to_odoo", "Products", "Which way products travel.", "entities", DIRECTIONS),
    StoreSetting("stock", "choice", "off", "Stock", "Which way quantities travel.", "entities", DIRECTIONS),
    StoreSetting("orders", "switch", True, "Orders", "Shop orders become sales orders in Odoo.", "entities"),
    StoreSetting("order_confirm", "switch", False, "Automatically confirm orders",
                 "Confirm the order in Odoo once its total equals the shop's.", "orders"),
    StoreSetting("order_invoice", "switch", False, "Generate the Odoo invoice",
                 "Create and post the invoice of a confirmed order.", "orders"),
    StoreSetting("rounding_per_line", "number", 1, "Rounding line, cents per line",
                 "Largest rounding line of an order, in cents for each of its lines. A larger difference holds the order.",
                 "orders", highest=100),
    StoreSetting("rounding_most", "number", 5, "Rounding line, cents at most",
                 "Largest rounding line of an order, in cents, however many lines it has. 0: no rounding line.", "orders",
                 highest=1000),
    StoreSetting("order_refunds", "switch", True, "Credit notes for refunds",
                 "Where the connector makes the invoice: a refund of the shop becomes a credit note of it in Odoo.", "orders"),
    StoreSetting("order_payment", "switch", False, "Record payments",
                 "Once the shop has received the money, record the payment on the posted invoice in Odoo.", "orders"),
    StoreSetting("payment_journals", "text", "", "Journals of payments",
                 "Journal for each payment module of the shop, such as ps_wirepayment=BNK1, ps_cashondelivery=CSH1. Modules "
                 "that are not named use the first bank journal.", "orders", pattern=payment.JOURNALS),
    StoreSetting("order_states", "switch", True, "Order states",
                 "Confirming, delivering or cancelling an order in Odoo changes its state in the shop.", "orders"),
    StoreSetting("state_sale", "number", 0, "State of a confirmed order",
                 "Id of the shop's state for an order that is confirmed in Odoo. 0: the shop's Processing in progress.", "orders"),
    StoreSetting("state_done", "number", 0, "State of a delivered order",
                 "Id of the shop's state for an order that Odoo has delivered in full. 0: the shop's Delivered.", "orders"),
    StoreSetting("state_cancel", "number", 0, "State of a cancelled order",
                 "Id of the shop's state for an order that is cancelled in Odoo. 0: the shop's Canceled.", "orders"),
    StoreSetting("state_emails", "switch", False, "E-mails about order states",
                 "Let the shop send its customer e-mail when Odoo changes the state.", "orders"),
    StoreSetting("odoo_location", "number", 0, "Odoo stock location",
                 "Location whose stock is counted. 0: the first internal location.", "stock"),
    StoreSetting("stock_buffer", "number", 0, "Safety buffer",
                 "Pieces kept back when Odoo's stock is shown in the shop.", "stock"),
    StoreSetting("poll_minutes", "number", 5, "Look for changes every (minutes)",
                 "How often shop and Odoo are asked what changed, for changes that no hook or webhook reported. 0: never.", "queue",
                 highest=1440),
    StoreSetting("drift_nightly", "switch", True, "Compare every night",
                 "Compare orders, prices and stock of both sides once a day and report what differs. Nothing is written.",
                 "reports"),
    StoreSetting("drift_hour", "number", 3, "Hour of the comparison",
                 "Full hour in the shop's time zone, 0 to 23.", "reports", highest=23),
    StoreSetting("alert_minutes", "number", 15, "Report an outage after (minutes)",
                 "How long a side must be away, or work must lie, before people are told. A refused key is told at once.",
                 "reports", lowest=1, highest=1440),
    StoreSetting("shop_admin", "text", "", "Folder of the back office",
                 "The part of its address after the shop's own, such as admin123abc. With it, pages link to records in the shop.",
                 "links"),
    StoreSetting("max_attempts", "number", 5, "Attempts",
                 "Tries before a change is put into quarantine.", "queue", lowest=1, highest=50),
    StoreSetting("bounce_limit", "number", 8, "Freeze what goes to and fro after (writes)",
                 "A value that had to be written to shop and Odoo in turn so often within an hour is changed by something else "
                 "each time: the record is frozen until someone thaws it. 0: never.", "queue", highest=100),
    StoreSetting("keep_days", "number", 180, "Keep what is done for (days)",
                 "Finished changes with their timeline and what was sent, and log entries, are deleted after this. Quarantine and "
                 "links stay. 0: never.", "queue", highest=3650),
    *PRODUCT_OWNERS,
)

BY_KEY: Mapping[str, StoreSetting] = {s.key: s for s in STORE_SETTINGS}


def parse(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the given keys; raises `SettingError` for the first that is unknown or wrong."""
    unknown = [key for key in changes if key not in BY_KEY]
    if unknown:
        raise SettingError(f"{unknown[0]}: no such setting. Known: {', '.join(BY_KEY)}.")
    return {key: BY_KEY[key].parse(value) for key, value in changes.items()}


def allowed(settings: Mapping[str, Any], entity: str, direction: Direction) -> bool:
    """Whether the merchant lets this entity travel in this direction."""
    if entity == "order" and direction == "odoo_to_ps":
        return bool(settings["orders"] and settings["order_states"])
    value = settings[{"customer": "customers", "product": "products", "stock": "stock", "order": "orders"}[entity]]
    if isinstance(value, bool):
        return value and direction == "ps_to_odoo"
    return value in (direction, "both")
