"""What a shop is and what its key may do: the result of the connection test. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from portal.clients.prestashop_errors import right
from portal.clients.prestashop_json import Record
from portal.clients.prestashop_query import SETTINGS

READS = (
    "customers", "addresses", "countries", "states", "products", "combinations", "product_options",
    "product_option_values", "categories", "stock_availables", "orders", "order_details", "order_states",
    "order_histories", "order_carriers", "order_cart_rules", "order_slip", "order_payments", "carriers", "taxes",
    "tax_rules", "tax_rule_groups", "currencies", "languages", "configurations")
"""Resources the connector reads whatever the directions are."""

OPTIONAL = (
    ("shops", "GET", "the shop is a multistore"),
    ("shop_groups", "GET", "the shop is a multistore"),
    ("products", "PATCH", "products go from Odoo to the shop"),
    ("products", "POST", "products go from Odoo to the shop"),
    ("combinations", "PATCH", "products with combinations go from Odoo to the shop"),
    ("stock_availables", "PATCH", "stock goes from Odoo to the shop"),
    ("order_histories", "POST", "order states go back to the shop"),
    ("order_carriers", "PATCH", "tracking numbers go back to the shop"),
)
"""Rights needed only in some directions: resource, method, when."""

ORDER_STATES = ("CANCELED", "CHEQUE", "BANKWIRE", "DELIVERED", "ERROR", "OUTOFSTOCK_PAID", "OUTOFSTOCK_UNPAID", "PAYMENT",
                "PREPARATION", "REFUND", "SHIPPING", "WS_PAYMENT", "COD_VALIDATION")

ASKED_SETTINGS = (*SETTINGS, *(f"PS_OS_{name}" for name in ORDER_STATES))


@dataclass(frozen=True)
class ShopProfile:
    """One shop as probed. Ids are 0, texts "" and tables empty where the key may not read them."""

    version: str
    """Such as "8.1.2"."""
    name: str = ""
    languages: dict[int, str] = field(default_factory=dict)
    """Language id → ISO code, switched-off languages included, because every write needs them all."""
    default_language: int = 0
    timezone: str = ""
    currency: str = ""
    """ISO code of the default currency."""
    currency_id: int = 0
    order_states: dict[str, int] = field(default_factory=dict)
    """PS_OS_… in lower case without the prefix → state id: {"canceled": 6, "preparation": 3, "delivered": 5, …}."""
    states: dict[int, str] = field(default_factory=dict)
    """Id → name in the default language of every state an order can be given, the merchant's own included."""
    round_type: int = 2
    """PS_ROUND_TYPE: 1 item, 2 line (PrestaShop's default), 3 total."""
    round_mode: int = 2
    """PS_PRICE_ROUND_MODE: 0 up, 1 down, 2 half up, 3 half down, 4 half even, 5 half odd."""
    taxes_by_invoice: bool = False
    """PS_TAX_ADDRESS_TYPE: taxes are those of the invoice address, not of the delivery address."""
    home_category: int = 2
    stock_managed: bool = True
    sells_without_stock: bool = False
    """PS_ORDER_OUT_OF_STOCK: the default where a stock line says 2."""
    shops: dict[int, str] = field(default_factory=dict)
    clock_ahead: int = 0
    """Seconds by which the shop's clock is ahead of ours."""
    missing_rights: tuple[str, ...] = ()
    """Sentences: rights without which the connector cannot work."""
    optional_rights: tuple[str, ...] = ()
    """Sentences: rights that are missing and needed only in some directions."""
    warnings: tuple[str, ...] = ()

    def state_name(self, number: int) -> str:
        """An order state as people know it; its id where the shop did not tell the name."""
        return f"“{self.states[number]}”" if number in self.states else str(number)

    @property
    def major(self) -> int:
        """8 or 9; 0 when the shop hides its version."""
        head = self.version.split(".")[0]
        return int(head) if head.isdigit() else 0

    @property
    def multistore(self) -> bool:
        """More than one shop in this PrestaShop."""
        return len(self.shops) > 1

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON column."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ShopProfile:
        """What `to_json` gave, after JSON made text of the numeric keys; unknown entries are ignored."""
        values = {name: value for name, value in stored.items() if name in cls.__dataclass_fields__}
        for name in ("languages", "shops", "states"):
            values[name] = {int(key): str(text) for key, text in values.get(name, {}).items()}
        for name in ("missing_rights", "optional_rights", "warnings"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


def lacking(optional: Iterable[str], reasons: Iterable[str]) -> tuple[str, ...]:
    """Of the sentences of `ShopProfile.optional_rights` those that say one of these reasons of `OPTIONAL`."""
    return tuple(text for text in optional if text.removesuffix(".").endswith(tuple(reasons)))


def missing_rights(granted: Mapping[str, frozenset[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sentences for rights that are needed, and for those needed only in some directions."""
    def may(resource: str, method: str) -> bool:
        return method.lower() in granted.get(resource, frozenset())

    needed = tuple(f"The key lacks the right {right(resource, 'GET')}." for resource in READS if not may(resource, "GET"))
    optional = tuple(f"The key lacks the right {right(resource, method)}, needed only when {when}."
                     for resource, method, when in OPTIONAL if not may(resource, method))
    return needed, optional


def settings(rows: Iterable[Record]) -> dict[str, str]:
    """Name → value of `configurations` rows; in a multistore the value for all shops wins over one shop's own."""
    found: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: bool(row["id_shop"] or row["id_shop_group"])):
        found.setdefault(row["name"], row["value"])
    return found


def number(values: Mapping[str, str], name: str, default: int = 0) -> int:
    """A setting as a number; `default` when absent or text."""
    text = values.get(name, "").strip()
    return int(text) if text.isdigit() else default


def order_states(values: Mapping[str, str]) -> dict[str, int]:
    """The shop's own state ids by their role; roles it does not have are absent."""
    found = {name.lower(): number(values, f"PS_OS_{name}") for name in ORDER_STATES}
    return {role: state for role, state in found.items() if state}


def warnings(profile: ShopProfile, *, shares_stock: bool) -> tuple[str, ...]:
    """Sentences on what a merchant should know before switching on."""
    texts = []
    if profile.major not in (8, 9):
        texts.append(f"This connector is made for PrestaShop 8 and 9; this shop says {profile.version or 'nothing'}.")
    if profile.multistore:
        names = ", ".join(profile.shops.values())
        texts.append(f"This PrestaShop holds {len(profile.shops)} shops ({names}); the key reads the default one. "
                     "Use a key restricted to one shop, and one store here for each shop.")
    if shares_stock:
        texts.append("A group of shops shares its stock: connect only one shop of that group for stock.")
    if not profile.stock_managed:
        texts.append("Stock management is switched off in the shop (Shop Parameters > Product Settings): "
                     "quantities do not follow sales.")
    if not profile.timezone:
        texts.append("The shop's time zone could not be read; changes are found by full comparison only.")
    if abs(profile.clock_ahead) > 120:
        direction = "ahead" if profile.clock_ahead > 0 else "behind"
        texts.append(f"The shop's clock is {abs(profile.clock_ahead)} seconds {direction}. Ask the hosting provider to set it.")
    return tuple(texts)
