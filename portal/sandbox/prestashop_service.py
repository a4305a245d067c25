"""The webservice under /api: who may do what, which resource, read or write, and the answer to it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from . import prestashop_answer as answer
from . import prestashop_query as query_
from .prestashop_answer import Refused
from .prestashop_query import Query, bad, single
from .prestashop_schema import Resource
from .prestashop_store import METHODS, Key, Row, Shop
from .prestashop_write import write

UNKNOWN_KEY = ((20, "Authentification key is not active"), (21, "No permission for this authentication key"))


@dataclass(slots=True)
class Answer:
    """What goes out; without a type there is no body."""

    status: int
    body: bytes = b""
    type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def serve(shop: Shop, method: str, path: str, raw_query: str, headers: dict[str, str], body: bytes) -> Answer:
    """Answers one request under /api; `path` is decoded, header names are in small letters."""
    query = parse_qsl(raw_query, keep_blank_values=True)
    wanted = headers.get("output-format") or headers.get("io-format") or single(query, "output_format")
    as_json = wanted == "JSON"
    parts = [part for part in path.removeprefix("/api").split("/") if part]
    if method == "POST":
        method = single(query, "ps_method") or method
    try:
        key = _authenticate(shop, headers, query)
        with shop.transaction():
            return _answer(shop, key, method, parts, query, body, as_json)
    except Refused as refusal:
        return _refuse(shop, refusal, as_json)
    except query_.BrokenSql:
        if shop.major == 8:
            return Answer(500, type="text/html; charset=utf-8")
        return _ok(b"[]" if as_json else answer.document(), as_json)


def _type(as_json: bool) -> str:
    return "application/json" if as_json else "text/xml;charset=utf-8"


def _ok(body: bytes, as_json: bool, status: int = 200) -> Answer:
    return Answer(status, body, _type(as_json))


def _refuse(shop: Shop, refusal: Refused, as_json: bool) -> Answer:
    if refusal.bare:
        return Answer(refusal.status, b"", "text/html; charset=utf-8")
    if not refusal.errors:  # without a key a plain text, for a missing record nothing at all
        plain = refusal.status == 401
        return Answer(401, b"401 Unauthorized", "text/html; charset=utf-8") if plain else Answer(refusal.status)
    errors = refusal.errors
    if shop.major == 8:  # 8 escapes HTML in its messages, 9 does not
        errors = [(code, text.replace("->", "-&gt;")) for code, text in errors]
    return Answer(refusal.status, answer.error_body(errors, as_json), _type(as_json))


def _authenticate(shop: Shop, headers: dict[str, str], query: Query) -> Key:
    """The key of the request: HTTP Basic with the key as user, or ws_key."""
    text = single(query, "ws_key")
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(encoded).decode().partition(":")[0]
        except ValueError:
            text = ""
    if not shop.enabled:
        text_ = "The PrestaShop webservice is disabled. Please activate it in the PrestaShop Back Office"
        raise Refused(503, (22, text_))
    if text is None:
        raise Refused(401)
    if not text:
        raise Refused(401, (17, "Authentication key is empty"))
    key = shop.keys.get(text)
    if key is None and len(text) != 32:
        raise Refused(401, (18, "Invalid authentication key format"))
    if key is None or not key.active:
        raise Refused(401, *UNKNOWN_KEY)
    return key


def _answer(shop: Shop, key: Key, method: str, parts: list[str], query: Query, body: bytes, as_json: bool) -> Answer:
    if method not in METHODS:
        raise Refused(405, (23, f"Method {method} is not valid"))
    if not parts:
        if as_json:
            raise Refused(500, bare=True)  # the shop crashes here
        return _ok(_root(shop, key), as_json)
    name = parts[0]
    table = shop.tables.get(name)
    if table is None:
        known = '", "'.join(shop.tables)
        raise Refused(400, (27, f'Resource of type "{name}" does not exists. The full list is: "{known}"'))
    rights = key.allows(name)
    if not rights:
        text = f'Resource of type "{name}" is not allowed with this authentication key'
        raise Refused(401, (26, text))
    if method not in rights:
        text = f"Method {method} is not allowed for the resource {name} with this authentication key"
        raise Refused(405, (25, text))
    if method in ("GET", "HEAD"):
        return _read(shop, table.resource, parts[1] if len(parts) > 1 else None, query, as_json)
    number = parts[1] if len(parts) > 1 else None
    written, status = write(shop, table, method, number, query, body, as_json)
    return Answer(status) if written is None else _ok(written, as_json, status)


def _read(shop: Shop, resource: Resource, number: str | None, query: Query, as_json: bool) -> Answer:
    table = shop.tables[resource.name]
    schema = single(query, "schema")
    if schema is not None:
        return _ok(_schema(shop, resource, schema, as_json), as_json)
    languages = query_.languages(shop, query)
    wanted = query_.displayed(resource, query)
    whole = single(query, "display") == "full" or (number is not None and single(query, "display") is None)
    if number is not None:
        row = table.rows.get(int(number)) if number.isdigit() else None
        if row is None:
            raise Refused(404)
        if wanted is None:
            shown = answer.view(shop, resource, row, answer.columns(resource), languages, as_json)
            body = answer.json_record(resource, shown) if as_json else None
            return _ok(body or answer.document(answer.xml_record(resource, shown)), as_json)
        shown = answer.view(shop, resource, row, wanted, languages, as_json)
        if as_json:
            return _ok(answer.json_list(resource, [shown]), as_json)
        return _ok(answer.document(answer.xml_record(resource, shown, whole)), as_json)
    rows = query_.select(table, query)
    if wanted is None and not as_json:
        lines = (f'<{resource.node} id="{row["id"]}"/>' for row in rows)
        return _ok(answer.document(f"<{resource.plural}>", *lines, f"</{resource.plural}>"), as_json)
    shown_rows: list[Row]
    if wanted is None:
        shown_rows = [{"id": row["id"]} for row in rows]
    else:
        shown_rows = [answer.view(shop, resource, row, wanted, languages, as_json) for row in rows]
    as_list = answer.json_list(resource, shown_rows) if as_json else None
    return _ok(as_list or answer.xml_list(resource, shown_rows, whole), as_json)


def _schema(shop: Shop, resource: Resource, kind: str, as_json: bool) -> bytes:
    """The blank document of a resource, or the one with what is required and read-only."""
    if kind not in ("blank", "synopsis"):
        raise bad(28, "Please select a schema of type 'synopsis' or 'blank'")
    empty: dict[str, Any] = {}
    if resource.associations:
        empty["associations"] = {name: [dict.fromkeys(inner)] for name, (_, inner) in resource.associations.items()}
    if as_json:
        return answer.dump({resource.node: empty or []})
    names = list(resource.fields)
    if kind == "blank":
        names = ["id", *(n for n, f in resource.fields.items() if not f.read_only)]
    shown = {
        name: [{"id": n, "value": ""} for n in shop.languages()] if name != "id" and resource.fields[name].kind == "l" else ""
        for name in names
    }
    text = answer.xml_record(resource, {**shown, **empty})
    if kind == "synopsis":
        for name in names:
            marks = ' required="true"' * resource.fields[name].required
            marks += ' read_only="true"' * resource.fields[name].read_only
            marks += ' notFilterable="true"' * resource.fields[name].computed
            text = re.sub(rf"\t<{name}>", f"\t<{name}{marks}>", text, count=1)
    return answer.document(text)


def _root(shop: Shop, key: Key) -> bytes:
    """The resources this key may touch, with true or false per method: a client's self-test of its rights."""
    lines = [f'<api shopName="{shop.name}">']
    for name, table in shop.tables.items():
        rights = key.allows(name)
        if not rights:
            continue
        methods = ("get", "put", "post", "patch", "delete", "head")
        marks = " ".join(f'{method}="{str(method.upper() in rights).lower()}"' for method in methods)
        link = f'xlink:href="/api/{name}" {marks}'
        lines += [f"<{name} {link}>", f"<description {link}>\n{name}</description>"]
        if table.resource.fields:
            lines += [f'<schema xlink:href="/api/{name}?schema={kind}" type="{kind}"/>' for kind in ("blank", "synopsis")]
        lines.append(f"</{name}>")
    return answer.document(*lines, "</api>")
