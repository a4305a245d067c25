"""How the webservice answers: a record as JSON or XML, errors, and the shapes that depend on `display`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .prestashop_schema import Resource
from .prestashop_store import Row, Shop

XLINK = "http://www.w3.org/1999/xlink"
Languages = list[int | str] | None
Errors = list[tuple[int, str]]


class Refused(Exception):
    """The webservice says no: a status and (code, message) pairs; `bare` is the empty page a crash leaves."""

    def __init__(self, status: int, *errors: tuple[int, str], bare: bool = False) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors: Errors = list(errors)
        self.bare = bare


@dataclass(slots=True)
class Column:
    """One thing to display: a field, or an association with the chosen sub-fields."""

    name: str
    inner: tuple[str, ...] | None = None


def columns(resource: Resource) -> list[Column]:
    """Everything a record has, in the shop's order."""
    linked = [Column(name, inner) for name, (_, inner) in resource.associations.items()]
    return [Column("id"), *(Column(name) for name in resource.fields), *linked]


def view(
    shop: Shop,
    resource: Resource,
    row: Row,
    wanted: list[Column],
    languages: Languages = None,
    flat: bool = True,
) -> dict[str, Any]:
    """A stored row as the answer shows it: with defaults, texts in the wanted languages, associations.

    `flat` makes a text plain when one language is asked for, as in JSON; XML keeps its language element.
    """
    shown: dict[str, Any] = {}
    linked: dict[str, list[Row]] = {}
    for column in wanted:
        name = column.name
        if column.inner is not None:
            rows = [{key: entry.get(key, 0) for key in column.inner} for entry in related(shop, resource, row, name)]
            if rows:
                linked[name] = rows
            continue
        field = resource.fields.get(name)
        if field is not None and field.kind == "l":
            shown[name] = texts(shop, row.get(name, ""), languages, flat)
        else:
            shown[name] = row.get(name, field.default if field else None)
    if linked:
        shown["associations"] = linked
    return shown


def texts(shop: Shop, value: Any, languages: Languages, flat: bool) -> Any:
    """A text in all languages as [{"id","value"}], or the plain text when one language was asked for."""
    by_language = {int(entry["id"]): entry["value"] for entry in value} if isinstance(value, list) else {}
    plain = value if isinstance(value, str) else ""
    if flat and languages is not None and len(languages) == 1:
        return by_language.get(int(languages[0]), plain)
    chosen: Iterable[int | str] = shop.languages() if languages is None else languages
    return [{"id": number, "value": by_language.get(int(number), plain)} for number in chosen]


def related(shop: Shop, resource: Resource, row: Row, name: str) -> list[Row]:
    """The rows of an association: found by their foreign key where the shop has one, otherwise as stored."""
    match resource.name, name:
        case "products", "stock_availables" | "combinations":
            found = shop.tables[name].by("id_product", row["id"])
        case "products", "product_option_values":
            combinations = shop.tables["combinations"].by("id_product", row["id"])
            ids = [v["id"] for c in combinations for v in c.get("associations", {}).get(name, ())]
            found = [{"id": number} for number in dict.fromkeys(ids)]
        case "orders", "order_rows":
            found = shop.tables["order_details"].by("id_order", row["id"])
        case "product_options", "product_option_values":
            found = shop.tables[name].by("id_attribute_group", row["id"])
        case _:
            found = []
    table = shop.tables.get({"order_rows": "order_details"}.get(name, name))
    if found and table and table.resource.fields:
        inner = resource.associations[name][1]
        return [{key: table.value(entry, key) for key in inner} for entry in found]
    return found or row.get("associations", {}).get(name, [])


def dump(content: Any) -> bytes:
    """JSON as PHP writes it: no spaces, accents as they are, slashes escaped."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/").encode()


def json_record(resource: Resource, shown: Row, errors: Errors | None = None) -> bytes:
    """One record without `display`, and every answer to a write: falsy fields are left out."""
    full = {key: value for key, value in shown.items() if value not in (None, False, 0, "", "0", [])}
    content: dict[str, Any] = {resource.node: full or []}
    if errors:
        content["errors"] = [{"code": code, "message": text} for code, text in errors]
    return dump(content)


def json_list(resource: Resource, shown: list[Row]) -> bytes:
    return dump({resource.plural: shown} if shown else [])


def error_body(errors: Errors, as_json: bool) -> bytes:
    if as_json:
        return dump({"errors": [{"code": code, "message": text} for code, text in errors]})
    lines = [f"<error>\n<code>{cdata(c)}</code>\n<message>{cdata(m)}</message>\n</error>" for c, m in errors]
    return document("<errors>", *lines, "</errors>")


def document(*lines: str) -> bytes:
    inner = "".join(line + "\n" for line in lines)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<prestashop xmlns:xlink="{XLINK}">\n{inner}</prestashop>\n'.encode()


def cdata(value: Any) -> str:
    text = "" if value is None or value is False else str(value)
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def xml_record(resource: Resource, shown: Row, full: bool = True) -> str:
    """One record as XML; `full` shows empty associations too, as the shop does for whole records."""
    lines = [f"<{resource.node}>"]
    for name, value in shown.items():
        if name == "associations":
            continue
        field = resource.fields.get(name)
        if field is not None and field.kind == "l" and isinstance(value, list):
            inner = "".join(f'<language id="{v["id"]}">{cdata(v["value"])}</language>' for v in value)
        else:
            inner = cdata(value)
        lines.append(f"\t<{name}>{inner}</{name}>")
    linked = shown.get("associations", {})
    names = resource.associations if full else linked
    if names:
        lines.append("<associations>")
        for name in names:
            node = resource.associations[name][0]
            entries = linked.get(name)
            if not entries:
                lines.append(f'<{name} nodeType="{node}" api="{name}"/>')
                continue
            lines.append(f'<{name} nodeType="{node}" api="{name}">')
            for entry in entries:
                fields = "".join(f"\t<{key}>{cdata(value)}</{key}>\n" for key, value in entry.items())
                lines.append(f"\t<{node}>\n{fields}\t</{node}>")
            lines.append(f"</{name}>")
        lines.append("</associations>")
    return "\n".join([*lines, f"</{resource.node}>"])


def xml_list(resource: Resource, shown: list[Row], full: bool) -> bytes:
    return document(f"<{resource.plural}>", *(xml_record(resource, row, full) for row in shown), f"</{resource.plural}>")
