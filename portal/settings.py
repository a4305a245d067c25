"""What a merchant chooses per store. One table serves the form, `portal store set` and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

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
        return raw


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
    StoreSetting("odoo_location", "number", 0, "Odoo stock location",
                 "Location whose stock is counted. 0: the first internal location.", "stock"),
    StoreSetting("stock_buffer", "number", 0, "Safety buffer",
                 "Pieces kept back when Odoo's stock is shown in the shop.", "stock"),
    StoreSetting("max_attempts", "number", 5, "Attempts",
                 "Tries before a change is put into quarantine.", "queue", lowest=1, highest=50),
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
    value = settings[{"customer": "customers", "product": "products", "stock": "stock", "order": "orders"}[entity]]
    if isinstance(value, bool):
        return value and direction == "ps_to_odoo"
    return value in (direction, "both")
