"""The sandbox answers recorded requests as PrestaShop 8.1.2 and 9.1.4 did: status, type, codes, shape and values.

The exchanges of one group run in order on one shop, so a read after a write is compared as well. The fixtures are
recordings with passwords taken out and long texts cut.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from portal.sandbox.prestashop_service import serve
from portal.sandbox.prestashop_store import Key, Shop

FIXTURES = Path(__file__).parent.parent / "fixtures" / "prestashop"
RECORDED = {v: json.loads((FIXTURES / f"exchanges-{v}.json").read_text()) for v in ("8.1.2", "9.1.4")}
KEYS = {"API_KEY": "A" * 32, "LIMITED_API_KEY": "L" * 32, "DISABLED_API_KEY": "D" * 32}
# Values that differ from one run to the next; only their type is compared.
OWN = {"date_add", "date_upd", "last_passwd_gen", "secure_key", "passwd", "payment_method", "invoice_date"}
# What the shop's classes add to the answer of a write and no client of ours reads.
EXTRA = {"position_in_category", "id_default_image", "images", "newsletter_date_add", "product_features"}


def recorded_shop(version: str) -> Shop:
    """A shop with the recorded rows and the three recorded keys."""
    shop = Shop(version)
    for resource, rows in RECORDED[version]["rows"].items():
        if shop.tables[resource].resource.fields:
            shop.load_records(resource, rows)
    shop.tables["stock_availables"].next_id = 59  # the demo catalogue had more than was read
    shop.tables["combinations"].next_id = 40
    limited = {"customers": {"GET", "HEAD"}, "addresses": {"GET", "PUT"}}
    keys = {"API_KEY": Key(), "LIMITED_API_KEY": Key(rights=limited), "DISABLED_API_KEY": Key(active=False)}
    shop.keys = {KEYS[name]: key for name, key in keys.items()}
    return shop


def replay(shop: Shop, exchange: dict[str, Any]) -> Any:
    headers = {name.lower(): value for name, value in exchange.get("headers", {}).items()}
    key = exchange.get("key", "API_KEY")
    if key is not None:
        text = KEYS.get(key.removesuffix(":"), key.removesuffix(":"))
        headers["authorization"] = "Basic " + base64.b64encode(f"{text}:".encode()).decode()
    url = urlsplit(exchange["url"].replace("ws_key=API_KEY", "ws_key=" + KEYS["API_KEY"]))
    body = exchange.get("body", "").encode()
    return serve(shop, exchange["method"], url.path, url.query, headers, body)


def codes(body: bytes) -> list[int]:
    if body.startswith(b"{"):
        return [error["code"] for error in json.loads(body).get("errors", [])]
    return [int(code) for code in re.findall(rb"<code><!\[CDATA\[(\d+)", body)]


def once(numbers: list[int]) -> list[int]:
    """PHP repeats a warning as often as it stumbles; how often says nothing."""
    return list(dict.fromkeys(numbers))


def plain(value: Any, name: str = "") -> Any:
    """An answer to a read, its rows in the order of their ids."""
    if isinstance(value, dict):
        return {key: plain(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted((plain(entry, name) for entry in value), key=lambda row: str(row.get("id", row)))
    return type(value).__name__ if name in OWN else value


def sizes(value: Any) -> Any:
    return {name: len(rows) for name, rows in value.items()} if isinstance(value, dict) else value


def written(value: Any, body: str) -> Any:
    """An answer to a write: which fields it names, and the values that were sent."""
    if not isinstance(value, dict):
        return value
    found = {}
    for node, record in value.items():
        if isinstance(record, dict):
            names = set(record) - EXTRA | set(record.get("associations", {})) - EXTRA
            sent = {n: str(record[n]) for n in names & set(record) if f"<{n}>" in body and n not in OWN | {"associations"}}
            found[node] = (sorted(names), sent)
    return found


def comparable(exchange: dict[str, Any], status: int, kind: str | None, body: bytes, parsed: Any) -> list[Any]:
    """What must be equal between the recorded answer and the sandbox's."""
    facts: list[Any] = [status, kind, once(codes(body)) if status >= 400 else []]
    if "json" in exchange:
        if "body" in exchange:
            facts.append(written(parsed, exchange["body"]))
        elif "limit=" in exchange["url"] and "sort=" not in exchange["url"]:  # any rows may come
            facts.append(sizes(parsed))
        else:
            facts.append(plain(parsed))
    return facts


GROUPS = [
    pytest.param(version, group["group"], id=f"{version}-{group['group']}")
    for version, recorded in RECORDED.items()
    for group in recorded["groups"]
]


@pytest.mark.parametrize(("version", "name"), GROUPS)
def test_recorded_requests_get_the_recorded_answers(version: str, name: str) -> None:
    group = next(g for g in RECORDED[version]["groups"] if g["group"] == name)
    assert group["exchanges"]
    shop = recorded_shop(version)
    shop.deprecations = name.startswith("16")
    wrong = []
    for exchange in group["exchanges"]:
        answer = replay(shop, exchange)
        errors = json.dumps({"errors": [{"code": code} for code in exchange.get("codes", [])]}).encode()
        recorded = exchange.get("json")
        expected = comparable(exchange, exchange["status"], exchange.get("type"), errors, recorded)
        parsed = json.loads(answer.body) if recorded is not None and answer.body.startswith((b"{", b"[")) else None
        found = comparable(exchange, answer.status, answer.type, answer.body, parsed)
        if "tags" in exchange:
            expected.append(exchange["tags"])
            found.append(re.findall(r"<(\w+)[ >/]", answer.body.decode()))
        if expected != found:
            request = f"{exchange['method']} {exchange['url'][:90]}"
            wrong.append(f"{exchange['note']}: {request}\n  recorded {expected}\n  sandbox  {found}")
    assert not wrong, f"{len(wrong)} of {len(group['exchanges'])} differ\n" + "\n".join(wrong)
