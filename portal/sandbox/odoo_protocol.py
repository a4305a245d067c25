"""Odoo's two remote protocols on the sandbox database: JSON-RPC (all versions) and JSON-2 (19)."""

from __future__ import annotations

import inspect
import json
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .odoo_models import SUPERUSER, Env, Model
from .odoo_profiles import OdooError
from .odoo_users import check_right, needed_right

if TYPE_CHECKING:
    from .odoo_store import Database

TRACEBACK = "Traceback (most recent call last):\n  [...]\n{0}: {1}\n"
FAILURES_BEFORE_COOLDOWN = 10
COOLDOWN_SECONDS = 60.0
HTTP_STATUS = {  # JSON-2; 401, 404 and 500 are recorded, the others are Odoo's documented ones
    "odoo.exceptions.AccessDenied": 403,
    "odoo.exceptions.AccessError": 403,
    "odoo.exceptions.MissingError": 404,
    "odoo.exceptions.UserError": 422,
    "odoo.exceptions.ValidationError": 422,
    "werkzeug.exceptions.Unauthorized": 401,
    "werkzeug.exceptions.NotFound": 404,
    "werkzeug.exceptions.UnprocessableEntity": 422,
}


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    type: str = "application/json; charset=utf-8"


class Api:
    """Answers calls on one database; `database` is the only name it knows."""

    def __init__(self, db: Database, database: str) -> None:
        self.db = db
        self.database = database
        self._failures: deque[float] = deque(maxlen=FAILURES_BEFORE_COOLDOWN)

    # -- envelopes ------------------------------------------------------------------------------------------------

    def json_rpc(self, message: dict[str, Any]) -> Reply:
        """A whole JSON-RPC call to its whole answer. A result of None gives neither `result` nor `error`."""
        envelope: dict[str, Any] = {"jsonrpc": "2.0", "id": message.get("id")}
        try:
            result = self._serve(message.get("params") or {})
        except OdooError as error:
            return self.refusal(error, message)
        if result is not None:
            envelope["result"] = result
        return Reply(200, json.dumps(envelope).encode())

    def refusal(self, error: OdooError, message: dict[str, Any]) -> Reply:
        """The error envelope of JSON-RPC: HTTP 200, code 200 up to 18 and 0 from 19."""
        body = {
            "jsonrpc": "2.0",
            "id": message.get("id"),
            "error": {
                "code": 0 if self.db.profile.major >= 19 else 200,
                "message": "Odoo Server Error",
                "data": _error_data(error),
            },
        }
        return Reply(200, json.dumps(body).encode())

    def json_2(self, model: str, method: str, key: str, body: dict[str, Any]) -> Reply:
        """A JSON-2 call: named parameters in, the bare result out, errors with real statuses."""
        try:
            uid = self._uid_of_key(key)
            with self.db.transaction():
                result = self._call_named(uid, model, method, body)
        except OdooError as error:
            return self.refusal_2(error)
        return Reply(200, json.dumps(result).encode())

    def refusal_2(self, error: OdooError) -> Reply:
        status = HTTP_STATUS.get(error.name, 500)
        return Reply(status, json.dumps(_error_data(error)).encode())

    # -- JSON-RPC -------------------------------------------------------------------------------------------------

    def _serve(self, params: dict[str, Any]) -> Any:
        if not {"service", "method", "args"} <= set(params):
            who = {19: "JSONRPC.", 14: "", 15: ""}.get(self.db.profile.major, "RPC.")
            text = f"{who}jsonrpc() missing 3 required positional arguments: 'service', 'method', and 'args'"
            raise OdooError("builtins.TypeError", text)
        service, method, args = params["service"], params["method"], params["args"]
        if service == "common":
            return self._common(method, args)
        if service == "object":
            return self._object(method, args)
        if service == "db":
            return self._db(method, args)
        if self.db.profile.major <= 15:
            raise OdooError("builtins.UnboundLocalError", "local variable 'dispatch' referenced before assignment")
        raise OdooError("builtins.KeyError", service)

    def version(self) -> dict[str, Any]:
        profile = self.db.profile
        info = [profile.major, 0, 0, "final", 0, ""]
        return {
            "server_version": profile.server_version, "server_version_info": info,
            "server_serie": profile.serie, "protocol_version": 1,
        }  # fmt: skip

    def _db(self, method: str, args: list[Any]) -> Any:
        if method == "list":
            return [self.database]
        if method == "db_exist":
            return args[0] == self.database
        if method == "server_version":
            return self.db.profile.server_version
        raise OdooError("builtins.Exception", f"Method not found: {method}")

    def _common(self, method: str, args: list[Any]) -> Any:
        if method == "version":
            return self.version()
        if method not in ("authenticate", "login"):
            raise OdooError("builtins.Exception", f"Method not found: {method}")
        if method == "authenticate" and len(args) < 4:
            text = "exp_authenticate() missing 1 required positional argument: 'user_agent_env'"
            raise OdooError("builtins.TypeError", text)
        self._check_database(args[0])
        return self._authenticate(args[1], args[2])

    def _check_database(self, name: Any) -> None:
        major = self.db.profile.major
        if name == self.database:
            return
        if not name and major >= 18:
            raise OdooError("builtins.AssertionError", "Missing database name")
        text = f'FATAL:  database "{name or "odoo"}" does not exist\n'
        if major >= 16:
            text = f'connection to server at "127.0.0.1", port 5432 failed: {text}'
        raise OdooError("psycopg2.OperationalError", text)

    def _authenticate(self, login: Any, key: Any) -> int | bool:
        """The uid, or False: wrong key, unknown or archived user, or (14, 15) too many failures before."""
        if not key and self.db.profile.major == 18:
            raise OdooError("builtins.AssertionError", "scope and key required")
        if self._cooling_down():
            return False
        with self.db.transaction():
            table = self.db.tables["res.users"]
            for number in table.by("login", login):
                if table.rows[number]["login"] == login and self._key_fits(number, key):
                    self._failures.clear()
                    return number
        self._failures.append(time.monotonic())
        return False

    def _key_fits(self, uid: int, key: Any) -> bool:
        row = self.db.tables["res.users"].rows[uid]
        return bool(row.get("active", True)) and bool(key) and key in (row.get("_key"), row.get("_password"))

    def _cooling_down(self) -> bool:
        full = len(self._failures) == FAILURES_BEFORE_COOLDOWN
        return self.db.profile.major <= 15 and full and time.monotonic() - self._failures[-1] < COOLDOWN_SECONDS

    def _object(self, method: str, args: list[Any]) -> Any:
        if method not in ("execute_kw", "execute"):
            if self.db.profile.major >= 19 and len(args) < 5:
                text = f"not enough values to unpack (expected at least 5, got {len(args)})"
                raise OdooError("builtins.ValueError", text)
            raise OdooError("builtins.NameError", f"Method not available {method}")
        if len(args) < 5:
            if self.db.profile.major >= 19:
                text = f"not enough values to unpack (expected at least 5, got {len(args)})"
                raise OdooError("builtins.ValueError", text)
            text = "execute_kw() missing 2 required positional arguments: 'method' and 'args'"
            raise OdooError("builtins.TypeError", text)
        database, uid, key, model, name, *rest = args
        self._check_database(database)
        uid = self._check_key(uid, key)
        positional = rest[0] if rest and method == "execute_kw" else rest
        named = dict(rest[1]) if len(rest) > 1 and method == "execute_kw" else {}
        with self.db.transaction():
            return self._call(uid, str(model), str(name), list(positional), named)

    def _check_key(self, uid: Any, key: Any) -> int:
        if self._cooling_down():
            text = "Too many login failures, please wait a bit before trying again."
            raise OdooError("AccessDenied", text)
        number = int(uid) if str(uid).isdigit() and uid is not False else 0
        if number and number not in self.db.tables["res.users"].rows:
            raise self.db.profile.missing("res.users", [number], number)
        if not number or not self._key_fits(number, key):
            self._failures.append(time.monotonic())
            raise OdooError("AccessDenied", "Access Denied")
        return number

    def _call(self, uid: int, model: str, name: str, args: list[Any], named: dict[str, Any]) -> Any:
        env = self._env(uid, named.pop("context", None))
        target = env[model]
        method = self._method(target, name)
        if method is None:
            raise self.db.profile.unknown_method(model, name)
        if method.rpc == "records" and args:
            args[0] = [args[0]] if isinstance(args[0], int) else list(args[0])
        return self._invoke(target, name, method, args, named)

    # -- JSON-2 ---------------------------------------------------------------------------------------------------

    def _uid_of_key(self, key: str) -> int:
        if not key:
            text = "User not authenticated, use an API Key with a Bearer Authorization header."
            raise OdooError("werkzeug.exceptions.Unauthorized", text)
        for number in self.db.tables["res.users"].rows:
            if self.db.tables["res.users"].rows[number].get("_key") == key and self._key_fits(number, key):
                return number
        raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey")

    def _call_named(self, uid: int, model: str, name: str, body: dict[str, Any]) -> Any:
        named = dict(body)
        env = self._env(uid, named.pop("context", None))
        if model not in self.db.schemas:
            raise OdooError("werkzeug.exceptions.NotFound", f"the model '{model}' does not exist")
        method = self._method(env[model], name)
        if method is None:
            raise OdooError("werkzeug.exceptions.NotFound", f"The method '{model}.{name}' does not exist")
        ids = named.pop("ids", [])
        args = [list(ids)] if method.rpc == "records" else []
        try:
            inspect.signature(method).bind(*args, **named)
        except TypeError as error:
            raise OdooError("werkzeug.exceptions.UnprocessableEntity", str(error)) from None
        return self._invoke(env[model], name, method, args, named)

    # -- both -----------------------------------------------------------------------------------------------------

    def _env(self, uid: int, context: Any) -> Env:
        env = Env(self.db, uid, dict(context or {}))
        companies = env.context.get("allowed_company_ids")
        if companies and uid != SUPERUSER and not set(companies) <= set(env.value("res.users", uid, "company_ids")):
            raise OdooError("AccessError", "Access to unauthorized or invalid companies.")
        return env

    def _method(self, model: Model, name: str) -> Any:
        if name.startswith("_"):
            raise self.db.profile.private_method(model.name, name)
        method = getattr(model, name, None)
        known = hasattr(method, "rpc") and getattr(method, "since", 14) <= self.db.profile.major
        return method if known and self.db.profile.major <= getattr(method, "until", 99) else None

    def _invoke(self, model: Model, name: str, method: Any, args: list[Any], named: dict[str, Any]) -> Any:
        right = needed_right(name)
        if right is not None:
            check_right(model.env, model.name, right)
        try:
            inspect.signature(method).bind(*args, **named)
        except TypeError as error:
            raise OdooError("builtins.TypeError", f"BaseModel.{name}() {error}") from None
        try:
            return method(*args, **named)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise OdooError(f"builtins.{type(error).__name__}", str(error.args[0] if error.args else error)) from error


def _error_data(error: OdooError) -> dict[str, Any]:
    arguments: list[Any] = [error.message]
    if error.name.startswith("werkzeug."):
        arguments.append(HTTP_STATUS[error.name])
    return {
        "name": error.name, "debug": TRACEBACK.format(error.name, error.message), "message": error.message,
        "arguments": arguments, "context": {},
    }  # fmt: skip
