"""What every entity is made of. Pure: dictionaries in, dictionaries out; no I/O, no SQL, nothing else of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Row = dict[str, Any]
Values = dict[str, Any]
"""A record in normal form: text trimmed, "" for nothing, numbers as decimal text, yes and no as booleans."""


class Invalid(Exception):
    """A record that cannot be mapped. The message names the field and the remedy in a merchant's words.

    `cause` is a short stable key by which equal causes are grouped, such as `tax:20%`.
    """

    def __init__(self, message: str, *, cause: str = "invalid") -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause


@dataclass(frozen=True, order=True)
class Ref:
    """A shop record that another one needs: entity name and the shop's record key."""

    entity: str
    record: str


class DependencyMissing(Exception):
    """The record needs others that are not in Odoo yet; they are to be synchronised first."""

    def __init__(self, refs: frozenset[Ref]) -> None:
        super().__init__(", ".join(f"{r.entity} {r.record}" for r in sorted(refs)))
        self.refs = refs


@dataclass(frozen=True)
class Related:
    """Shop records that belong to another one, such as the addresses of a customer."""

    resource: str
    key_field: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class ShopFacts:
    """What mapping needs to know of the shop beside the record."""

    languages: Mapping[int, str] = field(default_factory=dict)
    default_language: int = 1
    """The language of names and descriptions as such: that of Odoo's user where the shop has it, else the shop's own."""
    countries: Mapping[int, str] = field(default_factory=dict)
    """Country id → ISO code."""
    states: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """State id → code and name."""
    home_category: int = 2
    """The category of products that came from Odoo (PS_HOME_CATEGORY)."""
    tax_rules_group: int = 0
    """The tax rules of products that came from Odoo; 0: none."""
    shared: Mapping[int, str] = field(default_factory=dict)
    """Shop language id → Odoo's code, for the other languages that both sides have."""


@dataclass(frozen=True)
class OdooFacts:
    """What mapping needs to know of the Odoo database."""

    storable: Mapping[str, Any]
    """Fields that make a product one with inventory, such as {"type": "product"}."""
    service: Mapping[str, Any]
    """Fields that make a product a service."""
    has_mobile: bool = True
    countries: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(country ISO code, state code or name in lower case) → id."""
    languages: Sequence[str] = ("en_US",)
    price_digits: int = 6
    """Decimals of prices and costs ("Product Price"); 14-18 round to it when they store."""
    weight_digits: int = 6
    """Decimals of weights ("Stock Weight")."""


class RecordEntity(Protocol):
    """An entity whose records are read, compared and written one to one, such as customers and products."""

    name: str
    label: str
    resource: str
    fields: tuple[str, ...]
    related: tuple[Related, ...]
    odoo_model: str
    chunk: int
    """Records per `load`."""
    context: Mapping[str, Any]
    """Sent along with every creation, and with every write that is not divided among models."""
    booleans: frozenset[str]
    """Odoo columns in which False is a value and not "empty"."""
    match_model: str
    """Where existing records are looked up."""
    match_columns: Mapping[str, tuple[str, ...]]
    """Odoo columns searched for each match field."""
    match_extra: tuple[str, ...]
    unique_match: bool
    """Whether an Odoo record may be linked to one shop record only."""
    keeps_edits: bool
    """Whether what people changed in Odoo since the last agreement is left alone."""
    on_the_fly: bool
    """Whether an order may create it though its own switch is off."""
    words: Mapping[str, str]
    """The match fields as a merchant calls them."""
    refusable: frozenset[str]
    """Values that Odoo may refuse though the record is good; it is written without them then."""
    created_fields: tuple[str, ...]
    """Fields to read after a creation, for `extra`."""

    def values(self, record: Row, related: Mapping[str, list[Row]], shop: ShopFacts) -> Values:
        """The record in normal form. Raises `Invalid`."""

    def deleted(self, record: Row) -> bool:
        """Whether the shop keeps it only because old records need it."""

    def remains(self, record: int, related: Mapping[str, list[Row]]) -> Row | None:
        """What related records still tell of one that the shop has not even as a deleted one, for what needs it; None: nothing."""

    def match(self, values: Values) -> list[tuple[str, str]]:
        """(match field, value) by priority, to find the record in Odoo."""

    def normal_key(self, name: str, value: Any) -> str:
        """An Odoo value in the form `match` uses; "" for none."""

    def narrow(self, rows: Sequence[Row]) -> list[Row]:
        """Of several Odoo records with one key those that may be meant."""

    def record_id(self, row: Row) -> int:
        """The id to link, from a row of `match_model`."""

    def yields(self, values: Values) -> bool:
        """Whether the record only fills what is empty in an Odoo record that others share."""

    def doubts(self, values: Values, odoo: OdooFacts) -> list[str]:
        """What a merchant should look at though nothing is wrong enough to stop: sentences."""

    def extra(self, row: Row) -> dict[str, Any]:
        """What a mapping keeps beside the id, from a row of `match_model` or of `created_fields`."""

    def odoo_fields(self, odoo: OdooFacts) -> list[str]:
        """Fields to read for `from_odoo`."""

    def to_odoo(self, values: Values, odoo: OdooFacts, only: Collection[str] | None = None) -> Row:
        """Odoo values for a creation, or for writing the values named in `only`."""

    def without_refusable(self, row: Row) -> Row:
        """Values for a creation without the refusable ones, which are left as a note for the people in Odoo."""

    def from_odoo(self, row: Row, odoo: OdooFacts) -> Values:
        """An Odoo record in the same normal form."""

    def texts(self, values: Values, only: Collection[str] | None, repeated: Collection[str] = ()) -> dict[str, Row]:
        """Odoo values by language, for what `to_odoo` cannot say: texts in the other shared languages. `repeated`: texts in which
        Odoo has no translation now, and which go along with the main text."""
