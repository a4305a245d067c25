"""POST, PUT, PATCH and DELETE: XML in, the checks, the shop's own rules, and the answer to a write.

Siblings under <prestashop> are written one after the other without a transaction: what stands before an error
stays, and the answer shows only the last one. PUT resets what is left out, PATCH does not. The id in the body
decides, not the one in the address.
"""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

from . import prestashop_answer as answer
from .prestashop_actions import amount, delete_product, set_stock, slug, stock_line, used_by_order
from .prestashop_answer import Refused
from .prestashop_orders import set_state
from .prestashop_query import Query, single
from .prestashop_schema import Field, Resource
from .prestashop_store import Row, Shop, Table

PHP = "(/var/www/html/classes/webservice/WebserviceRequest.php, line 1510)"
HIDDEN_KEY = "[PHP Warning #2] Trying to access array offset on value of type bool " + PHP
DEPRECATED = "[PHP Unknown error #8192] Creation of dynamic property is deprecated " + PHP
# Texts that are refused with code 85; decimals, integers and booleans are checked by their type.
PATTERNS = {
    ("customers", "email"): r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+",
    ("customers", "firstname"): r"[^0-9!<>,;?=+()@#\"°{}_$%:¤|]*",
    ("customers", "lastname"): r"[^0-9!<>,;?=+()@#\"°{}_$%:¤|]*",
    ("customers", "company"): r"[^<>={}]*",
    ("addresses", "company"): r"[^<>={}]*",
    ("addresses", "vat_number"): r"[^<>={}]*",
    ("addresses", "city"): r"[^!<>;?=+@#\"°{}_$%]*",
    ("products", "reference"): r"[^<>;={}]*",
    ("combinations", "reference"): r"[^<>;={}]*",
    ("products", "ean13"): r"\d{0,14}",
    ("combinations", "ean13"): r"\d{0,14}",
    ("products", "name"): r"[^<>;=#{}]*",
}
LENGTHS = {("products", "reference"): 64, ("combinations", "reference"): 64, ("products", "name"): 128,
           ("addresses", "address1"): 128, ("addresses", "postcode"): 12, ("addresses", "city"): 64,
           ("order_carriers", "tracking_number"): 64}  # fmt: skip


def write(
    shop: Shop, table: Table, method: str, number: str | None, query: Query, body: bytes, as_json: bool
) -> tuple[bytes | None, int]:
    """Carries out one write request; returns the body (None: none at all) and the status."""
    resource = table.resource
    if not resource.fields:
        raise Refused(500, bare=True)  # a resource the sandbox only lists
    if resource.name == "stock_availables" and method in ("POST", "DELETE"):
        raise Refused(405, (101, f"Method {method} is not allowed for the resource stock_availables"))
    if method == "DELETE":
        _delete(shop, table, number, query)
        return None, 200
    shown: Row | None = None
    errors: answer.Errors = []
    for element in _parse(body):
        shown, errors = _write_one(shop, table, method, element, query)
    if shop.deprecations and shop.major == 8 and resource.name in ("products", "order_histories"):
        raise Refused(500, *[(15, DEPRECATED)] * 6)
    status = 500 if errors else 201 if method == "POST" else 200
    if shown is None:
        return b"[]" if as_json else answer.document(), status
    if as_json:
        return answer.json_record(resource, shown, errors), status
    return answer.document(answer.xml_record(resource, shown)), status


def _parse(body: bytes) -> ET.Element:
    try:
        return ET.fromstring(body)  # noqa: S314 - a sandbox on the loopback address, fed by its own user
    except ET.ParseError as error:
        text = body.decode(errors="replace")
        message = f"XML error : String could not be parsed as XML\nXML length : {len(body)}\nOriginal XML : {text}"
        warning = f"[PHP Warning #2] SimpleXMLElement::__construct(): {error} {PHP}"
        raise Refused(500, *[(3, warning)] * (3 if body else 0), (127, message)) from None


def _delete(shop: Shop, table: Table, number: str | None, query: Query) -> None:
    warnings = []
    if number is None:
        number = (single(query, "id") or "").strip("[]")
        if not number:
            warnings, number = [(3, f"[PHP Warning #2] Undefined array key 1 {PHP}")], "0"
    ids = [int(part) if part.strip().isdigit() else 0 for part in number.split(",")]
    missing = [str(n) for n in ids if n not in table.rows]
    if missing:
        raise Refused(404, *warnings, (87, f"Id(s) not exists: {', '.join(missing)}"))
    for n in ids:
        if table.resource.name == "addresses" and used_by_order(shop, n):
            shop.update("addresses", n, deleted="1")
        elif table.resource.name == "products":
            delete_product(shop, n)
        else:
            if table.resource.name == "combinations":
                line = stock_line(shop, table.rows[n]["id_product"], n)
                set_stock(shop, table.rows[n]["id_product"], 0, n)
                shop.tables["stock_availables"].remove(line["id"])
            table.remove(n)
            shop.changed(table.resource.name, n)


def _write_one(shop: Shop, table: Table, method: str, element: ET.Element, query: Query) -> tuple[Row, answer.Errors]:
    """One record: check, store, apply the shop's rules. Returns what the answer shows and the notices beside it."""
    resource = table.resource
    number = _identity(table, method, element)
    old = table.rows[number] if number else {}
    notices: answer.Errors = []
    if shop.major == 8 and resource.name == "products" and element.find("position_in_category") is not None:
        notices.append((3, HIDDEN_KEY))
    try:
        given, sent = _given(shop, resource, method, element)
        linked = _associations(resource, element)
    except Refused as refusal:
        raise Refused(refusal.status, *notices, *refusal.errors) from None
    blanked = [name for name, value in sent.items() if isinstance(value, list) and len(value) < len(shop.languages())]
    if method == "PATCH":
        row = {**old, **given}
    else:
        row = {**_defaults(shop, resource), **given}
        row |= {"associations": old["associations"]} if "associations" in old else {}
    if linked:
        row["associations"] = {**row.get("associations", {}), **linked}
    row = {name: value for name, value in row.items() if name != "id"}
    number = _store(shop, table, method, number, row, given, query)
    row = table.rows[number]
    wanted = answer.columns(resource)
    if method != "PATCH":  # only what was written has a value in the answer
        wanted = [column for column in wanted if column.inner is not None or column.name in row]
    shown = answer.view(shop, resource, row, wanted)
    if method != "PATCH":
        shown = {"id": "", **dict.fromkeys(resource.fields, ""), **shown}
    by_setter = {name: int(sent[name]) for name in ("current_state", "id_order_state") if name in sent}
    own = {"passwd", "date_upd"}  # the shop makes these itself
    shown |= {name: value for name, value in sent.items() if name not in own} | by_setter | {"id": str(number)}
    if blanked:
        notices.append((3, f"[PHP Warning #2] Undefined array key {shop.languages()[-1]} {PHP}"))
    elif notices:
        raise Refused(500, *notices)
    return shown, notices


def _defaults(shop: Shop, resource: Resource) -> Row:
    """What the shop sets by itself on a record written whole without these."""
    if resource.name != "products":
        return {}
    kind = {"product_type": "standard"} if shop.major >= 9 else {}
    return {"type": "simple", "id_shop_default": 1, "condition": "new", "visibility": "both", **kind}


def _identity(table: Table, method: str, element: ET.Element) -> int:
    """The id of the record to change, 0 for a new one."""
    ids = [(child.text or "").strip() for child in element.findall("id")]
    if method == "POST":
        if ids and ids[0]:
            raise Refused(400, (91, "id is forbidden when adding a new resource"))
        return 0
    if not ids or not ids[0]:
        raise Refused(400, (90, "id is required when modifying a resource"))
    if len(ids) > 1:
        raise Refused(400, (89, f'id is duplicate in request "{ids[0]}"'))
    number = int(ids[0]) if ids[0].isdigit() else 0
    if number not in table.rows:
        raise Refused(404, (92, "Invalid ID"))
    return number


def _given(shop: Shop, resource: Resource, method: str, element: ET.Element) -> tuple[Row, Row]:
    """The fields of the request as they will be stored, and as they were sent (the answer repeats them)."""
    given: Row = {}
    sent: Row = {}
    for name, field in resource.fields.items():
        child = element.find(name)
        if child is None:
            if field.required and field.kind != "l" and method != "PATCH":
                raise Refused(400, (41, f'parameter "{name}" required'))
            continue
        if field.read_only:
            text = f'parameter "{name}" not writable. Please remove this attribute of this XML'
            raise Refused(400, (93, text))
        spoken = child.findall("language")
        if field.kind == "l" and spoken:
            sent[name] = [{"id": int(t.get("id", 0)), "value": t.text or ""} for t in spoken]
            by_language = {entry["id"]: entry["value"] for entry in sent[name]}
            given[name] = [{"id": n, "value": by_language.get(n, "")} for n in shop.languages()]
        else:
            sent[name] = text = child.text or ""
            everywhere = [{"id": n, "value": text} for n in shop.languages()]
            given[name] = everywhere if field.kind == "l" else text
    for name, value in given.items():
        given[name] = _checked(resource, resource.fields[name], value)
    if method == "POST" and resource.name == "products" and "name" not in given:
        raise Refused(500, (3, f"[PHP Warning #2] foreach() argument must be of type array|object {PHP}"))
    return given, sent


def _checked(resource: Resource, field: Field, value: Any) -> Any:
    """A value as it is stored; code 84 or 85 when the shop would refuse it."""
    owner = "".join(part.capitalize() for part in resource.node.split("_")) + "->" + field.name
    kind, key = field.kind, (resource.name, field.name)
    wrong = Refused(400, (85, f'Validation error: "Property {owner} is not valid"'))
    pattern, longest = PATTERNS.get(key, r"[\s\S]*"), LENGTHS.get(key, 1 << 22)
    if isinstance(value, list):
        for entry in value:
            if len(entry["value"]) > longest or not re.fullmatch(pattern, entry["value"]):
                raise Refused(400, (84, f'Validation error: "Property {owner} is not valid"'))
        return value
    text = value.strip() if kind else value
    if kind == "i":
        if re.fullmatch(r"-?\d+", text or "0"):
            if -(2**31) <= int(text or 0) < 2**31:
                return int(text or 0)
        elif "." in text:
            raise wrong
        shown = text if text.isdigit() else 0
        limits = "It must be between -2147483648 and 2147483647."
        raise Refused(400, (85, f'Validation error: "The range of property {owner} is currently {shown}. {limits}"'))
    if kind.startswith("d"):
        sign = "-?" if resource.name == "combinations" else ""  # impacts
        if not re.fullmatch(sign + r"\d+(\.\d+)?|", text):
            raise wrong
        return f"{Decimal(text or 0):.{kind[1]}f}" if kind != "d6" else amount(text or "0")
    if kind == "b" and text not in ("", "0", "1"):
        raise wrong
    if len(text) > longest:
        limits = f"is currently {len(text)} chars. It must be between 0 and {longest} chars."
        raise Refused(400, (85, f'Validation error: "The length of property {owner} {limits}"'))
    if not re.fullmatch(pattern, text):
        raise wrong
    return text


def _associations(resource: Resource, element: ET.Element) -> dict[str, list[Row]]:
    """The associations of the request: each one given replaces the whole list."""
    linked: dict[str, list[Row]] = {}
    for group in element.findall("associations/*"):
        if group.tag not in resource.associations:
            raise Refused(400, (86, f'The association "{group.tag}" does not exists'))
        inner = resource.associations[group.tag][1]
        rows = [{child.tag: child.text or "" for child in entry if child.tag in inner} for entry in group]
        linked[group.tag] = [{name: int(value) if value.isdigit() else value for name, value in row.items()} for row in rows]
    return linked


def _store(shop: Shop, table: Table, method: str, number: int, row: Row, given: Row, query: Query) -> int:
    """Saves a checked record the way the shop's classes do, side effects included; returns its id."""
    name = table.resource.name
    if name == "order_histories" and method == "POST":
        return set_state(
            shop, row["id_order"], row["id_order_state"], mail=single(query, "sendemail") == "1",
            employee=row.get("id_employee", 0),
        )  # fmt: skip
    if method == "POST":
        return _add(shop, table, row)
    state = row.pop("current_state", None) if name == "orders" else None
    if state is not None:  # set by its own rules below
        before = int(table.value(table.rows[number], "current_state"))
        row["current_state"] = before
    if method == "PUT":
        table.put({"id": number, "date_add": shop.now(), **row} if "date_add" in table.resource.fields
                  else {"id": number, **row})  # fmt: skip
    row.pop("date_upd", None)
    shop.update(name, number, **row)
    if state is not None and state != before:
        set_state(shop, number, int(state), mail=True)
    if name == "orders" and "shipping_number" in given:
        for carrier in shop.tables["order_carriers"].by("id_order", number):
            shop.update("order_carriers", carrier["id"], tracking_number=given["shipping_number"])
    if name == "stock_availables":
        line = table.rows[number]
        if line.get("id_product_attribute"):
            set_stock(shop, line["id_product"], line.get("quantity", 0), line["id_product_attribute"])
    if name == "customers" and "passwd" in given:
        shop.update(name, number, passwd=_hash(given["passwd"]))
    return number


def _add(shop: Shop, table: Table, row: Row) -> int:
    name = table.resource.name
    if name == "customers":
        if any(other.get("is_guest", "0") == "0" for other in table.by("email", row["email"])):
            text = "The email is already used, please choose another one"
            raise Refused(500, (140, text), (46, "Unable to save resource"))
        row |= {"passwd": _hash(row["passwd"]), "secure_key": _hash(row["email"])[7:39], "last_passwd_gen": shop.now()}
        row = {"id_lang": 1, "id_shop": 1, "id_shop_group": 1, **row}
    if name == "products":
        row.setdefault("link_rewrite", [{"id": n["id"], "value": slug(n["value"])} for n in row["name"]])
    number = shop.add(name, **row)
    if name == "products":
        shop.add("stock_availables", id_product=number, id_shop=1, out_of_stock=2)
    if name == "combinations":
        shop.add("stock_availables", id_product=row["id_product"], id_product_attribute=number, id_shop=1, out_of_stock=2)
    return number


def _hash(text: str) -> str:
    """Looks like a password hash and is none."""
    return "$2y$10$" + hashlib.sha256(text.encode()).hexdigest()[:53]
