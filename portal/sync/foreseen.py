"""What a dry run says of a record: facts, not only a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from portal.entities.base import Ref

Kind = Literal["create", "link", "change", "conflict", "nothing", "refused"]
KINDS: tuple[Kind, ...] = ("create", "link", "change", "conflict", "refused", "nothing")
Place = Literal["odoo", "shop"]


@dataclass(frozen=True)
class Change:
    """One value that would be written, and what stands there now (None: nothing)."""

    side: Place
    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Foreseen:
    """What would happen to a record. `needs`: shop records that would have to reach Odoo first."""

    kind: Kind
    title: str = ""
    odoo_id: int | None = None
    changes: tuple[Change, ...] = ()
    needs: frozenset[Ref] = frozenset()


NOTHING = Foreseen("nothing")


def changes(side: Place, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The values of `after` with what stood there before."""
    return tuple(Change(side, name, before.get(name), value) for name, value in after.items())


def new(side: Place, values: Mapping[str, Any], *, leave: Iterable[str] = ()) -> tuple[Change, ...]:
    """The values of a record to be created, as far as they say something."""
    return tuple(Change(side, name, None, value) for name, value in values.items()
                 if value not in ("", None, "0") and name not in leave)


def title(values: Mapping[str, Any]) -> str:
    """What a person calls the record."""
    return str(values.get("name") or values.get("reference") or "")[:255]
