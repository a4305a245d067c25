"""JSON-RPC, the protocol of Odoo 14 to 21: `POST /jsonrpc`, errors in answers with status 200."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from portal.clients import odoo_errors
from portal.clients.errors import AccessRefused
from portal.clients.http import Http, Response

JSON = {"Content-Type": "application/json"}

BY_POSITION: Mapping[str, tuple[str, ...]] = {
    "search_read": ("domain",), "search_count": ("domain",), "read": ("fields",), "create": ("vals_list",), "write": ("vals",),
    "load": ("fields", "data"), "has_group": ("group_ext_id",), "has_access": ("operation",),
    "check_access_rights": ("operation", "raise_exception"),
}
"""The parameters that JSON-RPC takes by position, because versions and modules name them differently. JSON-2 takes all by these
names, which are those of 19. Everything else goes by name in both."""


class JsonRpc:
    """Calls with a user's id and key. The id is asked for once."""

    name = "json-rpc"

    def __init__(self, http: Http, db: str, login: str, key: str, uid: int | None = None) -> None:
        self._http = http
        self._db = db
        self._login = login
        self._key = key
        self._uid = uid
        self._numbers = itertools.count(1)

    def login(self) -> int:
        """The user's id; asks for it if it is not known yet. Raises `AccessRefused` for a wrong user, key or database."""
        if self._uid is None:
            found = self._post("common", "authenticate", [self._db, self._login, self._key, {}], write=False)
            if not isinstance(found, int) or isinstance(found, bool):
                # `false`: a wrong key, an unknown or archived user, or the cool-down. Never tried again by itself.
                raise AccessRefused("odoo", "Odoo does not accept this user and key.", remedy=odoo_errors.KEY_REMEDY,
                                    cause="odoo:key")
            self._uid = found
        return self._uid

    def check_key(self) -> None:
        """Ask for the user's id again, although it is known."""
        self._uid = None
        self.login()

    def version(self) -> str:
        """The series, such as "17.0" or "saas~17.4"; needs no credentials."""
        found = self._post("common", "version", [], write=False)
        serie = found.get("server_serie") if isinstance(found, dict) else None
        if not isinstance(serie, str):
            raise odoo_errors.no_odoo(f"version: {found!r}"[:200])
        return serie

    def call(self, model: str, method: str, ids: Sequence[int] | None, named: Mapping[str, Any], *, write: bool) -> Any:
        """Call a method on records (`ids`) or on the model (None). A method that returns nothing gives None."""
        rest = dict(named)
        args = [] if ids is None else [list(ids)]
        args += [rest.pop(name) for name in BY_POSITION.get(method, ()) if name in rest]
        return self._post("object", "execute_kw", [self._db, self.login(), self._key, model, method, args, rest], write=write)

    def _post(self, service: str, method: str, args: list[Any], *, write: bool) -> Any:
        body = encode({"jsonrpc": "2.0", "method": "call", "id": next(self._numbers),
                       "params": {"service": service, "method": method, "args": args}})
        answer = self._http.send("POST", "jsonrpc", write=write, body=body, headers=JSON)
        document = decode(self._http, answer, write=write)
        if not isinstance(document, dict) or "jsonrpc" not in document:
            raise odoo_errors.unreadable(self._http, answer, write=write)
        error = document.get("error")
        if error is not None:
            data = error.get("data") if isinstance(error, dict) else None
            raise odoo_errors.from_data(data if isinstance(data, dict) else {"message": str(error)}, write=write, uid=self._uid)
        return document.get("result")  # neither result nor error: the method returned None, which is a success


def encode(document: Any) -> bytes:
    """JSON for Odoo; exact decimals become numbers. Raises `TypeError` for anything else it does not know."""
    return json.dumps(document, default=_number, allow_nan=False, ensure_ascii=False).encode()


def decode(http: Http, answer: Response, *, write: bool) -> Any:
    """The JSON document of an answer. Raises the error of `odoo_errors.unreadable` if it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise odoo_errors.unreadable(http, answer, write=write) from error


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)  # Odoo's own numbers are floats; the shortest text of a float is the decimal again
    raise TypeError(f"{type(value).__name__} cannot be sent to Odoo")
