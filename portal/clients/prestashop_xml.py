"""The webservice's XML: request bodies (JSON is not accepted), the list of rights, and error documents. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from html import escape, unescape
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from portal.clients.prestashop_json import Fault, Unreadable
from portal.clients.prestashop_query import SECRET

VERBS = ("get", "post", "put", "patch", "delete", "head")

_IRREGULAR = {"addresses": "address", "taxes": "tax", "order_slip": "order_slip", "stock_movements": "stock_mvt"}

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot carry in any spelling; they are left out."""


def singular(resource: str) -> str:
    """The element of one record: `stock_availables` → `stock_available` (recorded in the blank schemas)."""
    if resource in _IRREGULAR:
        return _IRREGULAR[resource]
    return resource[:-3] + "y" if resource.endswith("ies") else resource.removesuffix("s")


def write(resource: str, records: Iterable[Mapping[str, Any]]) -> bytes:
    """The body of a POST or PATCH: records as siblings under `<prestashop>`.

    Values: str, int, bool (1/0), Decimal (written in full), None (empty), {language id: text}; `associations` is
    {name: [{"id": 2}, …]}. Raises TypeError for float, because money is Decimal here, and ValueError for secrets.
    """
    name = singular(resource)
    rows = "".join(f"<{name}>{_fields(record)}</{name}>\n" for record in records)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<prestashop>\n{rows}</prestashop>\n'.encode()


def _fields(record: Mapping[str, Any]) -> str:
    return "".join(_element(name, value) for name, value in record.items())


def _element(name: str, value: Any) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or SECRET.search(name):
        raise ValueError(f"{name!r} cannot be written")
    if name == "associations":
        return f"<associations>{''.join(_association(*item) for item in value.items())}</associations>"
    if isinstance(value, Mapping):
        texts = "".join(f'<language id="{int(number)}">{_text(text)}</language>' for number, text in value.items())
        return f"<{name}>{texts}</{name}>"
    return f"<{name}>{_text(value)}</{name}>"


def _association(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    row_name = singular(name)
    return f"<{name}>{''.join(f'<{row_name}>{_fields(row)}</{row_name}>' for row in rows)}</{name}>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int):
        return str(int(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("an amount must be a finite number")
        return f"{value:f}"
    if isinstance(value, str):
        return escape(_NO_XML.sub("", value), quote=False).replace("\r", "&#13;")
    raise TypeError(f"{type(value).__name__} cannot be written")


def rights(body: bytes) -> tuple[str, dict[str, frozenset[str]]]:
    """The root document: the shop's name and, per resource, the verbs (`get`, `patch`, …) this key may use.

    Its JSON form is an empty 500 on 8 and 9, so it is read in XML. Raises Unreadable when it is something else.
    """
    root = _parse(body)
    api = root.find("api")
    if root.tag != "prestashop" or api is None:
        raise Unreadable("The answer is not the webservice's list of resources.")
    return api.get("shopName", ""), {resource.tag: frozenset(verb for verb in VERBS if resource.get(verb) == "true")
                                     for resource in api}


def faults(body: bytes) -> list[Fault]:
    """The errors of an XML error document. Raises Unreadable when it is none."""
    root = _parse(body)
    found = [Fault(int(code) if (code := entry.findtext("code", "").strip()).isdigit() else 0,
                   unescape(entry.findtext("message", "").strip())) for entry in root.iterfind("errors/error")]
    if not found:
        raise Unreadable("The answer is XML where JSON was asked.")
    return found


def _parse(body: bytes) -> Element:
    """The document, without what PHP may have printed before or after it."""
    start, end = body.find(b"<?xml"), body.rfind(b"</prestashop>")
    if start < 0 or end < 0:
        raise Unreadable("The answer is not XML, or cut.")
    try:
        root: Element = fromstring(body[start:end + len(b"</prestashop>")], forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Unreadable("The answer is not well-formed XML.") from error
    return root
