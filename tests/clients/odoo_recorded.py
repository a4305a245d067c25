"""Exchanges recorded from Odoo 14 to 19, and respx routes that answer with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import respx

from portal.clients.odoo import Odoo, Profile, connect
from portal.clients.odoo_profile import PROBED

FIXTURES = Path(__file__).parents[1] / "fixtures" / "odoo_client"
VERSIONS = (14, 15, 16, 17, 18, 19)
RECORDED: dict[int, dict[str, Any]] = {v: json.loads((FIXTURES / f"{v}.json").read_text()) for v in VERSIONS}
ODOO = "https://odoo.example.com"
KEY = "THE-KEY-NOBODY-MAY-SEE-000000000"


def answer(version: int, name: str) -> httpx.Response:
    """A recorded answer as it came."""
    taken = RECORDED[version][name]
    return httpx.Response(taken["status"], headers={"Content-Type": taken["type"]}, content=taken["body"].encode())


def result(value: Any) -> httpx.Response:
    """A JSON-RPC answer that holds this."""
    return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": value})


def profile(version: int, **changes: Any) -> Profile:
    """What a probe of this version finds, without probing."""
    fields = {model: tuple(RECORDED[version]["fields"][model]) for model in PROBED}
    return Profile(**{"version": f"{version}.0", "major": version, "uid": 8, "lang": "en_US", "company_id": 1, "fields": fields,
                      **changes})


def client(version: int, **changes: Any) -> Odoo:
    """A client that talks JSON-RPC and need not probe."""
    return connect(ODOO, f"odoo{version}", "prestashop-sync", KEY, profile=profile(version, **changes))


def client2(**changes: Any) -> Odoo:
    """A client of 19 that talks JSON-2 and need not probe."""
    return client(19, transport="json-2", **changes)


def sent(route: respx.Route, number: int = -1) -> dict[str, Any]:
    """The JSON body of a request."""
    found: dict[str, Any] = json.loads(route.calls[number].request.content)
    return found


class Server:
    """An Odoo for the probe: recorded answers where there are some, and a person's rights as given.

    `lacks`: what is not there or not allowed, by "model.method", model or group. `seen`: the questions, in order.
    `serie`: the version it calls itself, where its fields are those of the next one.
    """

    def __init__(self, version: int, *lacks: str, json2: bool = True, digits: int | None = 2, serie: str = "") -> None:
        self.version = version
        self.serie = serie or f"{version}.0"
        self.methods = int("".join(c for c in self.serie.split(".")[0] if c.isdigit()))
        self.lacks = lacks
        self.json2 = json2
        self.digits = digits
        self.seen: list[str] = []

    def route(self, router: respx.MockRouter) -> None:
        router.post(f"{ODOO}/jsonrpc").mock(side_effect=self.rpc)
        router.post(url__regex=rf"{ODOO}/json/2/.*").mock(side_effect=self.json_2)

    def rpc(self, request: httpx.Request) -> httpx.Response:
        params = json.loads(request.content)["params"]
        if params["service"] == "common":
            self.seen.append(params["method"])
            if params["method"] == "version":
                return result({**answer(self.version, "version").json()["result"], "server_serie": self.serie})
            return answer(self.version, "login_false" if "login" in self.lacks else "login")
        _, _, key, model, method, args, named = params["args"]
        assert key == KEY
        value = self.value(model, method, args, named)
        return value if isinstance(value, httpx.Response) else result(value)

    def json_2(self, request: httpx.Request) -> httpx.Response:
        if not self.json2:
            return answer(19, "json2_wrong_key")
        assert request.headers["authorization"] == f"bearer {KEY}"
        _, model, method = request.url.path.removeprefix("/json").strip("/").split("/")
        named = json.loads(request.content)
        args = [named[name] for name in ("ids", "operation", "group_ext_id") if name in named]
        value = self.value(model, method, args, named)
        if not isinstance(value, httpx.Response):
            return httpx.Response(200, json=value)
        return httpx.Response(403, json=value.json()["error"]["data"])

    def value(self, model: str, method: str, args: list[Any], named: dict[str, Any]) -> Any:
        self.seen.append(f"{model}.{method}")
        if model in self.lacks:
            return answer(self.version, "unknown_model")
        if f"{model}.{method}" in self.lacks:
            return answer(self.version, "unreadable_model")
        question: Callable[..., Any] = getattr(self, method)
        return question(model, args, named)

    def context_get(self, model: str, args: list[Any], named: dict[str, Any]) -> Any:
        return {"lang": "en_US", "tz": False, "uid": 7}

    def read(self, model: str, args: list[Any], named: dict[str, Any]) -> Any:
        if model == "res.company":
            return [{**self.recorded("companies")[0], "tax_calculation_rounding_method": "round_globally"}]
        return [{**self.recorded("own_user")[0], "name": "Connector"}]

    def fields_get(self, model: str, args: list[Any], named: dict[str, Any]) -> Any:
        assert not args
        found = {name: dict(facts) for name, facts in RECORDED[self.version]["fields"][model].items()
                 if name in named["allfields"] and f"{model}.{name}" not in self.lacks}
        if self.digits and "price_unit" in found:
            found["price_unit"]["digits"] = [16, self.digits]
        if self.digits and "weight" in found:
            found["weight"]["digits"] = [16, self.digits + 1]
        return found

    def search_read(self, model: str, args: list[Any], named: dict[str, Any]) -> Any:
        if model == "res.lang":
            return [{"id": 2, "code": "fr_FR"}, {"id": 1, "code": "en_US"}]
        if model == "decimal.precision":
            return [{"id": 1, "digits": 4}]
        return self.recorded(
            {"stock.location": "locations", "stock.warehouse": "warehouses", "res.users.apikeys": "keys"}[model])

    def check_access_rights(self, model: str, args: list[Any], named: dict[str, Any]) -> Any:
        assert self.methods < 18
        assert args == ["create", False]
        return f"{model}:create" not in self.lacks

    def has_access(self, model: str, args: list[Any], named: dict[str, Any]) -> Any:
        assert self.methods >= 18
        assert args == [[], "create"]
        return f"{model}:create" not in self.lacks

    def has_group(self, model: str, args: list[Any], named: dict[str, Any]) -> Any:
        assert len(args) == (2 if self.methods >= 18 else 1)  # as recorded: a method of a record from 18 on
        return args[-1] not in self.lacks

    def recorded(self, name: str) -> Any:
        return json.loads(RECORDED[self.version][name]["body"])["result"]
