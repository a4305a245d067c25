"""What differs between Odoo 14 and 19, as recorded: fields, texts of errors, habits. Decided here only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

VERSIONS = {
    14: "14.0-20220727",
    15: "15.0-20220616",
    16: "16.0-20240621",
    17: "17.0-20240709",
    18: "18.0-20250702",
    19: "19.0",
}
SELECTIONS_FROM_RECORDS = ("langs", "any")  # "selection" is a list of languages, or unchecked


class OdooError(Exception):
    """An exception as a client sees it: `name` is the Python class, e.g. odoo.exceptions.UserError."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name if "." in name else f"odoo.exceptions.{name}"
        self.message = message


@dataclass(frozen=True)
class Field:
    """One field of a model, as fields_get describes it; `inverse` is the many2one behind a one2many."""

    name: str
    type: str
    string: str
    relation: str = ""
    inverse: str = ""
    required: bool = False
    readonly: bool = False
    store: bool = True
    translate: bool = False
    company_dependent: bool = False
    selection: Any = None

    def describe(self) -> dict[str, Any]:
        """The answer of fields_get for this field, all known attributes."""
        answer: dict[str, Any] = {
            "type": self.type, "string": self.string, "required": self.required, "readonly": self.readonly,
            "store": self.store, "company_dependent": self.company_dependent, "name": self.name,
        }  # fmt: skip
        if self.type in ("char", "text", "html"):
            answer["translate"] = self.translate
        if self.relation:
            answer["relation"] = self.relation
        if self.inverse:
            answer["relation_field"] = self.inverse
        if self.type == "selection":
            answer["selection"] = self.selection if isinstance(self.selection, list) else []
        return answer


@dataclass(frozen=True)
class Schema:
    """A model's label and its fields in one version."""

    model: str
    label: str
    fields: dict[str, Field]


@cache
def schemas(major: int) -> dict[str, Schema]:
    """Every model of a version."""
    text = (Path(__file__).parent / "odoo_fields.json").read_text(encoding="utf-8")
    found = {}
    for model, entry in json.loads(text).items():
        if _covers(entry.get("versions"), major):
            found[model] = Schema(model, entry["label"], _fields(entry["fields"], major))
    return found


def _fields(entries: dict[str, Any], major: int) -> dict[str, Field]:
    fields = {"id": Field("id", "integer", "ID", readonly=True)}
    for name, entry in entries.items():
        for kind, string, *rest in entry if isinstance(entry[0], list) else [entry]:
            more = rest[0] if rest else {}
            if _covers(more.get("v"), major):
                fields[name] = Field(
                    name, kind, string, more.get("rel", ""), more.get("inv", ""), bool(more.get("req")),
                    bool(more.get("ro")), bool(more.get("st", 1)), bool(more.get("tr")), bool(more.get("cd")),
                    more.get("sel"),
                )  # fmt: skip
    fields.setdefault("display_name", Field("display_name", "char", "Display Name", readonly=True, store=False))
    return fields


def _covers(span: str | None, major: int) -> bool:
    if span is None:
        return True
    first, last = span.split("-")
    return int(first) <= major <= int(last)


@dataclass(frozen=True)
class Profile:
    """One major version and the wording of its refusals."""

    major: int

    @property
    def server_version(self) -> str:
        return VERSIONS[self.major]

    @property
    def serie(self) -> str:
        return f"{self.major}.0"

    @property
    def tax_field(self) -> str:
        return "tax_ids" if self.major >= 19 else "tax_id"

    @property
    def unit_precision(self) -> str:
        return "Product Unit" if self.major >= 19 else "Product Unit of Measure"

    @property
    def lot_model(self) -> str:
        return "stock.lot" if self.major >= 16 else "stock.production.lot"

    @property
    def picking_moves(self) -> str:
        return "move_ids" if self.major >= 16 else "move_lines"

    def unknown_field(self, schema: Schema, name: str, where: str) -> OdooError:
        """`where` is create, write, read or domain."""
        if self.major >= 19 and where == "write":
            return OdooError("builtins.KeyError", name)
        place = {"create": "in", "read": "on"}.get(where) if self.major >= 19 else "on model"
        return OdooError("builtins.ValueError", f"Invalid field '{name}' {place} '{schema.model}'")

    def missing(self, model: str, ids: list[int], uid: int) -> OdooError:
        number = ", ".join(map(str, ids)) + ("," if len(ids) == 1 else "")
        text = f"Record does not exist or has been deleted.\n(Record: {model}({number}), User: {uid})"
        return OdooError("MissingError", text)

    def bad_reference(self, schema: Schema, field: Field, value: int, uid: int) -> OdooError:
        """A foreign key that leads nowhere; some are noticed by the database, some by the code before it."""
        through_code = field.relation in ("product.product", "product.template") or schema.model.startswith("sale.order")
        if through_code or (field.name == "categ_id" and self.major >= 17):
            return self.missing(field.relation, [value], uid)
        constraint = f"{schema.model.replace('.', '_')}_{field.name}_fkey"
        if self.major >= 19:
            text = (
                "The operation cannot be completed: Another model is using the record you are trying to delete.\n\n"
                f"The troublemaker is: '{schema.label}' ({schema.model})\n"
                f"Thanks to the following constraint: '{field.string}' ({field.name})\n"
                "How about archiving the record instead?"
            )
        else:
            text = (
                "The operation cannot be completed: another model requires the record being deleted. "
                f"If possible, archive it instead.\n\nModel: {schema.label} ({schema.model})"
            )
            text += f", Constraint: {constraint}" if self.major <= 15 else f"\nConstraint: {constraint}\n"
        return OdooError("ValidationError", text)

    def required_field(self, schema: Schema, field: Field) -> OdooError:
        if self.major >= 19:
            text = (
                f"The operation cannot be completed: Missing required value for the field '{field.string}' "
                f"({field.name}).\nModel: '{schema.label}' ({schema.model})\n- create/update: a mandatory field is not "
                "set\n- delete: another model requires the record being deleted, you can archive it instead\n"
            )
        else:
            text = (
                "The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n- Delete: another "
                f"model requires the record being deleted. If possible, archive it instead.\n\nModel: {schema.label} "
                f"({schema.model})"
            )
            end = f"Field: {field.string} ({field.name})"
            text += f", {end}" if self.major <= 15 else f"\n{end}\n"
        return OdooError("ValidationError", text)

    def constraint(self, name: str, text: str) -> OdooError:
        """A database constraint: 14 and 15 show its raw name."""
        shown = name if self.major <= 15 else f"The operation cannot be completed: {text}"
        return OdooError("ValidationError", shown)

    def no_access(self, schema: Schema, operation: str, groups: list[str]) -> OdooError:
        verb = {"read": "access", "write": "modify", "create": "create", "unlink": "delete"}[operation]
        allowed = "".join(f"\t- {group}\n" for group in groups)
        reason = "No group currently allows this operation.\n"
        if groups:
            reason = f"This operation is allowed for the following groups:\n{allowed}"
        label = "Automated Action" if schema.model == "base.automation" and self.major <= 16 else schema.label
        return OdooError(
            "AccessError",
            f"You are not allowed to {verb} '{label}' ({schema.model}) records.\n\n{reason}\n"
            "Contact your administrator to request access if necessary.",
        )

    def bad_limit(self, limit: object) -> OdooError:
        if self.major <= 16:
            return OdooError("builtins.TypeError", "%d format: a real number is required, not str")
        text = f'invalid input syntax for type bigint: "{limit}"\n'
        return OdooError("psycopg2.errors.InvalidTextRepresentation", text)

    def private_method(self, model: str, method: str) -> OdooError:
        shown = f"'{model}.{method}'" if self.major >= 18 else method
        return OdooError("AccessError", f"Private methods (such as {shown}) cannot be called remotely.")

    def unknown_method(self, model: str, method: str) -> OdooError:
        if self.major <= 15:
            text = f"type object '{model}' has no attribute '{method}'"
        elif self.major <= 17:
            text = f"The method '{method}' does not exist on the model '{model}'"
        else:
            text = f"The method '{model}.{method}' does not exist"
        return OdooError("builtins.AttributeError", text)
