"""What every entity is made of. Pure: dictionaries in, dictionaries out; no I/O, no SQL, nothing else of ours."""

from __future__ import annotations

from dataclasses import dataclass


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
