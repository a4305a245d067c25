"""JSON-2, the protocol of Odoo 19 and later: `POST /json/2/<model>/<method>`, named parameters, real statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.clients import odoo_errors
from portal.clients.http import Http
from portal.clients.odoo_rpc import JSON, decode, encode


class Json2:
    """Calls with an API key alone; the key says which user it is."""

    name = "json-2"

    def __init__(self, http: Http, db: str, key: str, uid: int | None = None) -> None:
        self._http = http
        self._headers = {**JSON, "Authorization": f"bearer {key}", "X-Odoo-Database": db}
        self._uid = uid

    def login(self) -> int:
        """The id of the key's user. Raises `AccessRefused` for a key that is not valid here."""
        if self._uid is None:
            found = self.call("res.users", "context_get", None, {}, write=False)
            uid = found.get("uid") if isinstance(found, dict) else None
            if not isinstance(uid, int):
                raise odoo_errors.no_odoo(f"context_get: {found!r}"[:200])
            self._uid = uid
        return self._uid

    def version(self) -> str:
        """The series, such as "19.0", from a page that needs no credentials."""
        answer = self._http.send("GET", "web/version", write=False)
        document = decode(self._http, answer, write=False)
        if not isinstance(document, dict) or not isinstance(document.get("version_info"), list):
            raise odoo_errors.unreadable(self._http, answer, write=False)
        return ".".join(map(str, document["version_info"][:2]))

    def call(self, model: str, method: str, ids: Sequence[int] | None, named: Mapping[str, Any], *, write: bool) -> Any:
        """Call a method on records (`ids`) or on the model (None). A method that returns nothing gives None."""
        body = dict(named) if ids is None else {"ids": list(ids), **named}
        answer = self._http.send("POST", f"json/2/{model}/{method}", write=write, body=encode(body), headers=self._headers)
        document = decode(self._http, answer, write=write)
        if 200 <= answer.status < 300:
            return document
        if isinstance(document, dict) and "name" in document and "message" in document:
            raise odoo_errors.from_data(document, write=write, uid=self._uid)
        raise odoo_errors.unreadable(self._http, answer, write=write)
