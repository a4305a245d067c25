"""Replays recorded calls on the Odoo sandbox: translates the recorded ids, learns new ones from the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from portal.sandbox.odoo_profiles import Field, schemas
from portal.sandbox.odoo_server import DEMO_DATABASE, OdooServer

RECORDED = Path(__file__).parent.parent / "fixtures" / "odoo"
LOGINS = {"prestashop-sync": "demo", "nothing-user": "nobody", "PrestaShop-Sync": "Demo"}
KEYS = {"API_KEY": "demo-key", "API_KEY_NOTHING": "nobody-key", "ADMIN_PASSWORD": "admin-key", "PASSWORD": "demo-key"}
RECORD_METHODS = {"read", "write", "unlink", "copy", "get_external_id", "message_post"}
FREE_TEXT = {"name", "display_name", "invoice_origin", "payment_reference", "reference", "ref", "login"}  # numbered by the server
CONFIGURED = {"invoice_policy", "res_id"}  # differs from database to database
Step = dict[str, Any]


def recorded(version: str, file: str) -> list[Step]:
    """The steps of one recorded file."""
    steps: list[Step] = json.loads((RECORDED / f"{version}.json").read_text(encoding="utf-8"))[file]
    return steps


class Replay:
    """One run against one server. `ids` maps (model, recorded id) to the sandbox's id."""

    def __init__(self, server: OdooServer) -> None:
        self.server = server
        self.major = server.db.profile.major
        self.http = httpx.Client(base_url=server.url, trust_env=False)
        self.schemas = schemas(self.major)
        self.ids: dict[tuple[str, int], int] = {}

    def close(self) -> None:
        self.http.close()

    def call(self, model: str, method: str, *args: Any, key: str = "demo-key", uid: int = 8, **named: Any) -> Any:
        """A call of our own over JSON-RPC; the result, or an AssertionError with the error's text."""
        answer = self._rpc("object", "execute_kw", [DEMO_DATABASE, uid, key, model, method, list(args), named])
        assert "error" not in answer, answer["error"]["data"]["message"]
        return answer.get("result")

    def _rpc(self, service: str, method: str, args: list[Any]) -> Any:
        params = {"service": service, "method": method, "args": args}
        message = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        return self.http.post("/jsonrpc", json=message).json()

    def play(self, step: Step) -> list[str]:
        """Sends a recorded request; the differences between the recorded answer and the sandbox's."""
        if "http" in step:
            return self._play_http(step)
        service, method, args = step["service"], step["method"], step["args"]
        answer = self._rpc(service, method, self._envelope(service, method, args))
        if "error" in step:
            return _compare_errors(step["error"], answer)
        if "error" in answer:
            data = answer["error"]["data"]
            return [f"refused with {data['name']}: {data['message'][:300]}"]
        if step.get("none"):
            return [] if "result" not in answer else [f"recorded nothing, got {answer['result']!r}"]
        if "result" not in answer:
            return ["neither result nor error"]
        model, name = (args[3], args[4]) if service == "object" and len(args) > 4 else ("", method)
        self._learn(model, name, args, step["result"], answer["result"])
        return self._compare(model, name, step["result"], answer["result"])

    def _play_http(self, step: Step) -> list[str]:
        method, path = step["http"].split(" ")
        headers = {**step["headers"]}
        for name, value in headers.items():
            for old, new in (*KEYS.items(), (f"odoo{self.major}", DEMO_DATABASE)):
                value = new if value == old else value.replace(f"bearer {old}", f"bearer {new}")
            headers[name] = value
        content = json.dumps(step["json"]) if "json" in step else step["body"]
        answer = self.http.request(method, path, headers=headers, content=content)
        found = [] if answer.status_code == step["status"] else [f"status {answer.status_code}, recorded {step['status']}"]
        if "error" in step and step["status"] == 200:
            found += _compare_errors(step["error"], answer.json())
        elif "bare" in step:
            body = answer.json()
            bare = {key: body[key] for key in body if key != "debug"} if isinstance(body, dict) else body
            found += _shape(step["bare"], bare, "body")
            if isinstance(bare, dict) and bare.get("name") != step["bare"].get("name"):
                found.append(f"{bare.get('name')} instead of {step['bare'].get('name')}")
        elif "result" in step:
            found += _shape(step["result"], answer.json().get("result"), "result")
        return found

    # -- translating ------------------------------------------------------------------------------------------------

    def _envelope(self, service: str, method: str, args: list[Any]) -> list[Any]:
        args = [DEMO_DATABASE if arg == f"odoo{self.major}" else arg for arg in args]
        if service == "common" and method in ("authenticate", "login"):
            args[1:3] = [LOGINS.get(args[1], args[1]), KEYS.get(args[2], args[2]) if args[2] else args[2]]
        elif service == "object" and len(args) > 2:
            uid = args[1]
            self.ids["res.users", 7 if self.major >= 19 else 8] = 8
            if isinstance(uid, int) and uid is not False and uid < 1000:
                service = 7 if self.major >= 19 else 8  # the recorded service user; the next is the one without rights
                args[1] = {service: 8, service + 1: 9}.get(uid, uid)
            elif isinstance(uid, str):
                args[1] = "8"
            args[2] = KEYS.get(args[2], args[2])
            if len(args) > 5:
                context = dict(args[6]) if len(args) > 6 else {}
                args[5:] = [self.arguments(args[3], args[4], args[5])] + ([self._named(context)] if context else [])
        return args

    def _named(self, named: dict[str, Any]) -> dict[str, Any]:
        context = dict(named.get("context", {}))
        for key in ("active_ids", "active_id"):
            if key in context:
                context[key] = self.translate(context["active_model"], context[key])
        if isinstance(context.get("location"), int):
            context["location"] = self.translate("stock.location", context["location"])
        return {**named, "context": context} if "context" in named else named

    def arguments(self, model: str, method: str, args: Any) -> Any:
        """Positional arguments with the recorded ids replaced."""
        if not isinstance(args, list) or not args or model not in self.schemas:
            return args
        args = list(args)
        if method in ("search", "search_read", "search_count"):
            args[0] = self._domain(model, args[0])
        elif method == "create" and args:
            many = isinstance(args[0], list)
            rows = [self.values(model, row) for row in (args[0] if many else [args[0]])]
            args[0] = rows if many else rows[0]
        elif method == "load":
            args[1] = [[self._cell(model, column, cell) for column, cell in zip(args[0], row, strict=True)] for row in args[1]]
        elif method in RECORD_METHODS or method.startswith(("action_", "button_", "create_", "toggle_")):
            args[0] = self.translate(model, args[0])
            if method == "write":
                args[1] = self.values(model, args[1])
        return args

    def translate(self, model: str, ids: Any) -> Any:
        if isinstance(ids, list):
            return [self.translate(model, one) for one in ids]
        return self.ids.get((model, ids), ids) if isinstance(ids, int) and ids is not True else ids

    def values(self, model: str, row: dict[str, Any]) -> dict[str, Any]:
        fields = self.schemas[model].fields
        return {name: self._value(fields[name], value) if name in fields else value for name, value in row.items()}

    def _value(self, field: Field, value: Any) -> Any:
        if field.type == "many2one":
            return self.translate(field.relation, value)
        if field.type in ("one2many", "many2many") and isinstance(value, list):
            return [self._command(field.relation, command) for command in value]
        return value

    def _command(self, model: str, command: Any) -> Any:
        code, *rest = command
        if code == 0:
            return [0, 0, self.values(model, rest[1])]
        if code == 6:
            return [6, 0, self.translate(model, rest[1])]
        return [code, self.translate(model, rest[0]), *rest[1:]]

    def _domain(self, model: str, domain: Any) -> Any:
        return [self._condition(model, item) for item in domain] if isinstance(domain, list) else domain

    def _condition(self, model: str, item: Any) -> Any:
        if not isinstance(item, list) or len(item) != 3:
            return item
        field = self.schemas[model].fields.get(item[0])
        target = model if item[0] == "id" else field.relation if field else ""
        return [item[0], item[1], self.translate(target, item[2])] if target else item

    def _cell(self, model: str, column: str, cell: Any) -> Any:
        parts = column.split("/")
        if parts[-1] != ".id" or not cell:
            return cell
        for name in parts[:-1]:
            model = self.schemas[model].fields[name].relation
        return type(cell)(self.translate(model, int(cell)))

    # -- learning -----------------------------------------------------------------------------------------------------

    def _learn(self, model: str, method: str, args: list[Any], old: Any, new: Any) -> None:
        if method in ("create", "copy"):
            pairs = zip(old, new, strict=True) if isinstance(old, list) else [(old, new)]
            self.ids.update({(model, was): now for was, now in pairs})
        elif method == "load" and old["ids"] and new["ids"]:
            self.ids.update({(model, was): now for was, now in zip(old["ids"], new["ids"], strict=True)})
        elif method in ("search_read", "read") and len(old) == len(new):
            for was, now in zip(old, new, strict=True):
                self._learn_row(model, was, now)

    def _learn_row(self, model: str, was: dict[str, Any], now: dict[str, Any]) -> None:
        self.ids.setdefault((model, was["id"]), now["id"])
        for name in was:
            field = self.schemas[model].fields.get(name)
            before, after = was[name], now.get(name)
            if field and field.type == "many2one" and before and after:
                self.ids.setdefault((field.relation, before[0]), after[0])
            elif field and field.type in ("one2many", "many2many") and len(before) == len(after):
                self.ids.update({(field.relation, a): b for a, b in zip(before, after, strict=True)})

    # -- comparing ------------------------------------------------------------------------------------------------------

    def _compare(self, model: str, method: str, old: Any, new: Any) -> list[str]:
        if method in ("search_read", "read"):
            if len(old) != len(new):
                return [f"{len(new)} rows, recorded {len(old)}"]
            return [text for was, now in zip(old, new, strict=True) for text in self._compare_row(model, was, now)]
        if method == "load":
            if bool(old["ids"]) != bool(new["ids"]):
                return [f"ids {new['ids']}, messages {new['messages']}"]
            was, now = ([(m["record"], m["type"], set(m)) for m in side["messages"]] for side in (old, new))
            return [] if was == now else [f"messages {new['messages']}, recorded {old['messages']}"]
        if isinstance(old, dict) and old.get("type", "").startswith("ir.actions"):
            same = isinstance(new, dict) and all(new.get(key) == old.get(key) for key in ("type", "res_model"))
            return [] if same else [f"{new!r}, recorded {old!r}"]
        if isinstance(old, bool) or isinstance(new, bool):
            return [] if old == new else [f"{new!r}, recorded {old!r}"]
        if method == "search_count" and isinstance(old, int):
            return [] if isinstance(new, int) else [f"{new!r} is not a number"]
        return _shape(old, new, "result")

    def _compare_row(self, model: str, was: dict[str, Any], now: dict[str, Any]) -> list[str]:
        if set(was) != set(now):
            return [f"fields {sorted(set(was) ^ set(now))}"]
        found = []
        for name, value in was.items():
            field = self.schemas[model].fields[name]
            other = now[name]
            if field.type in ("many2one", "one2many", "many2many", "datetime", "date") or name in FREE_TEXT or name == "id":
                same = not _shape(value, other, name)
            elif name in CONFIGURED:
                same = type(value) is type(other)
            elif field.type in ("float", "monetary"):
                same = abs(value - other) < 1e-9
            else:
                same = value == other and type(value) is type(other)
            if not same:
                found.append(f"{name} is {other!r}, recorded {value!r}")
        return found


def _compare_errors(old: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    if "error" not in answer:
        return [f"answered {str(answer.get('result'))[:200]}, recorded {old['name']}: {old['message'][:200]}"]
    new = answer["error"]
    found = []
    if new["code"] != old["code"]:
        found.append(f"code {new['code']}, recorded {old['code']}")
    if new["data"]["name"] != old["name"]:
        found.append(f"{new['data']['name']}: {new['data']['message'][:200]}, recorded {old['name']}: {old['message'][:200]}")
    keys = {"name", "debug", "message", "arguments", "context"}
    return found if set(new["data"]) >= keys else [*found, "an error without its keys"]


def _shape(old: Any, new: Any, where: str) -> list[str]:
    """Differences in kind: types, keys, and emptiness of lists."""
    if isinstance(old, dict) and isinstance(new, dict):
        wrong = [] if set(old) == set(new) or all(str(k).isdigit() for k in (*old, *new)) else [f"{where}: keys {sorted(new)}"]
        return wrong + [text for key in set(old) & set(new) for text in _shape(old[key], new[key], f"{where}.{key}")]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{where}: {len(new)} items, recorded {len(old)}"]
        return [text for one, two in zip(old, new, strict=True) for text in _shape(one, two, where)]
    same = type(old) is type(new) and (not isinstance(old, bool) or old == new)
    return [] if same else [f"{where}: {new!r}, recorded {old!r}"]
