"""Odoo 14 to 19 behind one small set of calls. What differs between versions is in `Profile`; what between protocols, below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.clients import odoo_errors, odoo_probe
from portal.clients.errors import AccessRefused
from portal.clients.http import CALL_SECONDS, Http
from portal.clients.odoo_json2 import Json2
from portal.clients.odoo_profile import Profile
from portal.clients.odoo_rpc import JsonRpc

__all__ = ["WRITE_CONTEXT", "LoadMessage", "LoadResult", "Odoo", "Profile", "connect", "is_wizard"]

WRITE_CONTEXT: Mapping[str, bool] = {
    "tracking_disable": True, "mail_notrack": True, "mail_create_nosubscribe": True, "mail_create_nolog": True}
"""Added to every write: no mails to shoppers, no followers, no tracking notes."""

Row = dict[str, Any]
Context = Mapping[str, Any]


OnWrite = Callable[[str, str, Sequence[Mapping[str, Any]]], None]
"""(model or resource, method, the records that are written)"""


@dataclass(frozen=True)
class LoadMessage:
    """What `load` says of one row (counted from 0). `transient`: a collision with others, the row itself may be fine."""

    row: int
    text: str
    transient: bool


@dataclass(frozen=True)
class LoadResult:
    """`ids` in the order of the rows; None if any row was refused, and then nothing was written."""

    ids: list[int] | None
    messages: tuple[LoadMessage, ...]


def connect(url: str, db: str, login: str, key: str, *, profile: Profile | None = None, call_seconds: float = CALL_SECONDS,
            allow_private: bool = False) -> Odoo:
    """A client; opens nothing yet. With a `profile` from before nothing is probed. Raises `AccessRefused` for a bad address."""
    http = Http(url, side="odoo", call_seconds=call_seconds, allow_private=allow_private)
    return Odoo(http, db, login, key, profile)


class Odoo:
    """Calls on behalf of one user. Each call is one transaction in Odoo. Raises the classes of `errors`."""

    def __init__(self, http: Http, db: str, login: str, key: str, profile: Profile | None = None) -> None:
        self._http = http
        self._login = login
        self._rpc = JsonRpc(http, db, login, key, uid=profile.uid if profile else None)
        self._json2 = Json2(http, db, key, uid=profile.uid if profile else None)
        self._profile = profile
        self.on_write: OnWrite | None = None
        """Told of every write before it is sent."""

    @property
    def profile(self) -> Profile:
        """What this Odoo can do; probed at the first use unless it was given."""
        return self._profile or self.probe()

    def version(self) -> str:
        """The series, such as "17.0": a cheap call without credentials, to see whether Odoo is back."""
        try:
            return self._rpc.version()
        except AccessRefused as error:
            if error.cause != "odoo:address":
                raise
            return self._json2.version()  # Odoo 22 and later have no JSON-RPC

    def probe(self) -> Profile:
        """Log in and find out all that differs, in some 25 small calls. A missing right or app is a finding, not an error."""
        self._profile = odoo_probe.probe(self.version, self._rpc, self._json2, self._login)
        return self._profile

    def search_read(self, model: str, domain: Sequence[Any], fields: Sequence[str], *, order: str | None = None,
                    limit: int | None = None, offset: int = 0, context: Context | None = None) -> list[Row]:
        """Records that match. Without `limit` all of them; archived ones only with the context `active_test: False`."""
        options = {name: value for name, value in (("order", order), ("limit", limit), ("offset", offset or None))
                   if value is not None}
        rows: list[Row] = self._call(model, "search_read", None, {"domain": list(domain), "fields": list(fields), **options},
                                     write=False, context=context)
        return rows

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str], *, context: Context | None = None) -> list[Row]:
        """Records by id; those that do not exist are absent."""
        if not ids:
            return []
        rows: list[Row] = self._call(model, "read", ids, {"fields": list(fields)}, write=False, context=context)
        return rows

    def search_count(self, model: str, domain: Sequence[Any], *, context: Context | None = None) -> int:
        """How many records match."""
        return int(self._call(model, "search_count", None, {"domain": list(domain)}, write=False, context=context))

    def create(self, model: str, rows: Sequence[Mapping[str, Any]], *, context: Context | None = None) -> list[int]:
        """Create records in one transaction, all or none; their ids in order."""
        if not rows:
            return []
        ids = self._call(model, "create", None, {"vals_list": [dict(row) for row in rows]}, write=True, context=context)
        return [ids] if isinstance(ids, int) else list(ids)

    def write(self, model: str, ids: Sequence[int], values: Mapping[str, Any], *, context: Context | None = None) -> None:
        """Set the same values on all these records. Raises `Missing` if one does not exist."""
        if ids:
            self._call(model, "write", ids, {"vals": dict(values)}, write=True, context=context)

    def load(self, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]], *,
             context: Context | None = None) -> LoadResult:
        """Create or update records by external id (column "id") in one transaction. Cells are text: other JSON crashes Odoo.

        Not for orders: loading one twice doubles its lines. Raises `AccessRefused` if the right to do it is missing.
        """
        for row in rows:
            for cell in row:
                if not isinstance(cell, str):
                    raise TypeError(f"load takes text only, not {cell!r}")
        if not rows:
            return LoadResult([], ())
        result = self._call(model, "load", None, {"fields": list(fields), "data": [list(row) for row in rows]}, write=True,
                            context=context)
        texts = [(_row(message), str(message.get("message", ""))) for message in result.get("messages", ())]
        if result.get("ids") is not False:
            return LoadResult(list(result["ids"]), _messages(texts))
        for _, text in texts:
            if odoo_errors.needed_groups(text):
                # A missing right comes as a message of a row, but it concerns all rows and needs a person.
                raise odoo_errors.from_data({"name": "odoo.exceptions.AccessError", "message": text}, write=True)
        return LoadResult(None, _messages(texts))

    def call(self, model: str, method: str, ids: Sequence[int] | None, *, write: bool = True, context: Context | None = None,
             **kwargs: Any) -> Any:
        """Any other method, such as a button, on records or (`ids` None) on the model; parameters by name.

        None is a success. A dictionary may be a wizard that Odoo wants a person to answer: see `is_wizard`.
        """
        return self._call(model, method, ids, kwargs, write=write, context=context)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _call(self, model: str, method: str, ids: Sequence[int] | None, named: Mapping[str, Any], *, write: bool,
              context: Context | None) -> Any:
        profile = self.profile
        if write and self.on_write is not None:
            self.on_write(model, method, _records(method, ids, named))
        wire = self._json2 if profile.transport == Json2.name else self._rpc
        # The user's own language: what we write is then what people see, as if the user had typed it.
        full = {**({"lang": profile.lang} if profile.lang else {}), **(WRITE_CONTEXT if write else {}), **(context or {})}
        return wire.call(model, method, ids, {**named, "context": full} if full else named, write=write)


def _records(method: str, ids: Sequence[int] | None, named: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a write says, record by record."""
    if method == "create":
        return list(named["vals_list"])
    if method == "load":
        return [dict(zip(named["fields"], row, strict=True)) for row in named["data"]]
    where = {"id": ids[0] if len(ids) == 1 else list(ids)} if ids else {}
    return [{**where, **(named["vals"] if method == "write" else named)}]


def is_wizard(result: object) -> bool:
    """Whether a button returned an action for a person instead of doing its work: nothing has happened then.

    Not to be asked about methods whose purpose is to open something, such as `create_invoices`.
    """
    if not isinstance(result, dict):
        return False
    kind = str(result.get("type", ""))
    return kind.startswith("ir.actions.") and kind != "ir.actions.act_window_close"


def _row(message: Mapping[str, Any]) -> int:
    return int(message.get("record", (message.get("rows") or {}).get("from", 0)))


def _messages(texts: Sequence[tuple[int, str]]) -> tuple[LoadMessage, ...]:
    return tuple(LoadMessage(row, odoo_errors.in_words(text), odoo_errors.is_busy(text)) for row, text in texts)
