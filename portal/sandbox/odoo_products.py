"""Products: templates, their variants and the attributes that make them."""

from __future__ import annotations

import itertools
from typing import Any

from .odoo_models import Env, Model, rpc_ids
from .odoo_profiles import OdooError
from .odoo_stock import level

Row = dict[str, Any]
ON_VARIANT = ("default_code", "barcode", "standard_price", "weight", "volume")
QUANTITIES = ("qty_available", "free_qty", "virtual_available", "incoming_qty", "outgoing_qty")


class Levels(Model):
    """Quantities of a product, computed for the locations of the context."""

    def field_qty_available(self, number: int, row: Row) -> float:
        return self._sum("qty_available", number)

    def field_free_qty(self, number: int, row: Row) -> float:
        return self._sum("free_qty", number)

    def field_virtual_available(self, number: int, row: Row) -> float:
        return self._sum("virtual_available", number)

    def field_incoming_qty(self, number: int, row: Row) -> float:
        return self._sum("incoming_qty", number)

    def field_outgoing_qty(self, number: int, row: Row) -> float:
        return self._sum("outgoing_qty", number)

    def field_currency_id(self, number: int, row: Row) -> Any:
        return self.env.value("res.company", self.env.company, "currency_id")

    def _sum(self, quantity: str, number: int) -> float:
        return level(self.env, number, quantity)


class Templates(Levels, models=("product.template",)):
    """Product templates. With one variant, its reference, barcode, cost and weight show on the template."""

    order = "name, id"
    key_fields = ("default_code", "name")

    def defaults(self, values: Row) -> Row:
        found: Row = {
            "active": True, "list_price": 1.0, "type": "consu", "uom_id": 1, "sale_ok": True,
            "purchase_ok": True, "invoice_policy": "order", "tracking": "none", "sequence": 1,
        }  # fmt: skip
        if self.env.major <= 18:
            found["categ_id"] = 1
        tax = self.env.value("res.company", self.env.company, "account_sale_tax_id")
        if tax:
            found["taxes_id"] = [[6, 0, [tax]]]
        if "detailed_type" in self.schema.fields:
            found["detailed_type"] = values.get("detailed_type") or values.get("type") or "consu"
            found["type"] = found["detailed_type"]
        return found

    def prepare(self, values: Row, row: Row | None) -> Row:
        values.pop("currency_id", None)
        if "detailed_type" in self.schema.fields and {"type", "detailed_type"} & set(values):
            detailed = values.setdefault("detailed_type", values.get("type"))
            if values.setdefault("type", detailed) != detailed:
                raise OdooError("ValidationError", "The Type of this product doesn't match the Detailed Type")
        if values.get("type") == "combo" and self.env.major >= 18:
            raise OdooError("ValidationError", "A combo product must contain at least 1 combo choice.")
        return values

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        if old is None or "attribute_line_ids" in values:
            self.sync_variants(number)
        variants = self.env["product.product"]
        single = self.single(number)
        mine = {name: values[name] for name in ON_VARIANT if name in values}
        if single and mine:
            variants.write_one(single, mine)
        if old is not None and "active" in values:
            for variant in variants.table.by("product_tmpl_id", number):
                variants.put(variant, active=bool(values["active"]))
        elif old is not None and self.env.major >= 15:
            for variant in variants.table.by("product_tmpl_id", number):
                variants.put(variant)

    def write_one(self, number: int, values: Row) -> None:
        single = self.single(number)
        if single and set(values) == {"standard_price"}:  # kept on the variant alone: the template's date stays
            self.env["product.product"].write_one(single, values)
        else:
            super().write_one(number, values)

    def single(self, number: int) -> int | None:
        """The only variant. Archived ones count where they are asked for, and from 17 on also when none is active."""
        table = self.env.db.tables["product.product"]
        ids = table.by("product_tmpl_id", number)
        seen = [i for i in ids if table.rows[i].get("active", True) or not self.env.context.get("active_test", True)]
        if not seen and self.env.major >= 17:
            seen = ids
        return seen[0] if len(seen) == 1 else None

    def _of_single(self, name: str, number: int, row: Row) -> Any:
        single = self.single(number)
        found = self.env.db.tables["product.product"].rows[single].get(name) if single else None
        return found if found is not None else {"barcode": False}.get(name, 0.0)

    def search_as(self, name: str) -> str:
        return f"product_variant_ids.{name}" if name in ("barcode", "standard_price") else name

    def field_barcode(self, number: int, row: Row) -> Any:
        return self._of_single("barcode", number, row)

    def field_standard_price(self, number: int, row: Row) -> Any:
        return self._of_single("standard_price", number, row)

    def field_weight(self, number: int, row: Row) -> Any:
        return self._of_single("weight", number, row)

    def field_volume(self, number: int, row: Row) -> Any:
        return self._of_single("volume", number, row)

    def field_product_variant_id(self, number: int, row: Row) -> Any:
        ids = self.reader("product_variant_ids")(number, row)
        return ids[0] if ids else False

    def field_product_variant_count(self, number: int, row: Row) -> int:
        return len(self.reader("product_variant_ids")(number, row))

    def field_valid_product_template_attribute_line_ids(self, number: int, row: Row) -> Any:
        return self.reader("attribute_line_ids")(number, row)

    def field_display_name(self, number: int, row: Row) -> str:
        code = row.get("default_code")
        name = self.reader("name")(number, row)
        return f"[{code}] {name}" if code else str(name)

    def _sum(self, quantity: str, number: int) -> float:
        ids = self.env.db.tables["product.product"].by("product_tmpl_id", number)
        return sum(level(self.env, variant, quantity) for variant in ids)

    def sync_variants(self, number: int) -> None:
        """Creates the variants the attribute lines ask for; those no longer asked for go, or are archived."""
        variants, values = self.env["product.product"], self.env.db.tables["product.template.attribute.value"]
        lines = []
        for line in self.env.db.tables["product.template.attribute.line"].by("product_tmpl_id", number):
            attribute = self.env.db.tables["product.template.attribute.line"].rows[line]["attribute_id"]
            mode = self.env.value("product.attribute", attribute, "create_variant")
            if mode != "no_variant":
                ids = [i for i in values.by("attribute_line_id", line) if values.rows[i].get("ptav_active", True)]
                lines.append((mode, ids))
        present: dict[frozenset[int], int] = {}
        for variant in variants.table.by("product_tmpl_id", number):
            before = set(variants.table.rows[variant].get("product_template_attribute_value_ids", []))
            after = before.union(*(ids for _, ids in lines if len(ids) == 1))  # a lone value joins the variants there are
            if after != before:
                variants.put(variant, product_template_attribute_value_ids=sorted(after))
            present[frozenset(after)] = variant
        wanted = [frozenset(combination) for combination in itertools.product(*(ids for _, ids in lines))]
        if any(mode == "dynamic" for mode, _ in lines):
            wanted = [combination for combination in wanted if combination in present]
        active = bool(self.table.rows[number].get("active", True))
        for combination in wanted:
            if combination in present:
                if active and not variants.table.rows[present[combination]].get("active", True):
                    variants.put(present[combination], active=True)
            else:
                more = {"product_template_attribute_value_ids": [[6, 0, sorted(combination)]], "active": active}
                variants.create_one({"product_tmpl_id": number, **more})
        for combination, variant in present.items():
            if combination not in wanted:
                variants.put(variant, active=False) if _used(self.env, variant) else variants.unlink([variant])


def _used(env: Env, variant: int) -> bool:
    return any(env.db.tables[model].by("product_id", variant) for model in ("sale.order.line", "stock.quant", "stock.move"))


class Variants(Levels, models=("product.product",)):
    """Variants; what is not theirs they inherit from the template."""

    order = "default_code, name, id"
    key_fields = ("default_code",)
    parent = ("product_tmpl_id", "product.template")
    own_fields = frozenset(
        {"product_tmpl_id", "product_template_attribute_value_ids", "product_template_variant_value_ids", "active"}
        | {"combination_indices", "lst_price", "price_extra", "image_1920", "create_date", "write_date", "create_uid"}
        | {"write_uid", "display_name", *ON_VARIANT, *QUANTITIES}
    )

    def defaults(self, values: Row) -> Row:
        return {"active": True}

    def create_one(self, values: Row) -> int:
        if values.get("product_tmpl_id"):
            return super().create_one(values)
        template = self.env["product.template"].create_one(values)
        return self.table.by("product_tmpl_id", template)[0]

    def prepare(self, values: Row, row: Row | None) -> Row:
        if "lst_price" in values:
            values["list_price"] = values.pop("lst_price")
        theirs = {name: values.pop(name) for name in list(values) if self.inherits(name)}
        if theirs and row is not None:
            self.env["product.template"].write_one(row["product_tmpl_id"], theirs)
        return values

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        row = self.table.rows[number]
        if row.get("barcode") and "barcode" in values:
            self._check_barcode(number, str(row["barcode"]))
        templates = self.env["product.template"]
        template = templates.table.rows[row["product_tmpl_id"]]
        code = row.get("default_code", False)
        if "default_code" in values and template.get("default_code", False) != code and self._alone(number, row):
            templates.put(row["product_tmpl_id"], default_code=code)

    def _alone(self, number: int, row: Row) -> bool:
        templates = self.env["product.template"]
        return isinstance(templates, Templates) and templates.single(row["product_tmpl_id"]) == number

    def _check_barcode(self, number: int, barcode: str) -> None:
        others = [i for i in self.table.by("barcode", barcode) if i != number and self.table.rows[i]["barcode"] == barcode]
        if not others:
            return
        major = self.env.major
        if major <= 15:
            raise OdooError("ValidationError", "product_product_barcode_uniq")
        names = [self.label(i) for i in (*others, number)]
        shown = ", ".join(names) if major <= 17 else " and ".join(names)
        text = f'Barcode(s) already assigned:\n\n- Barcode "{barcode}" already assigned to product(s): {shown}'
        if major >= 17:
            text += "\n\nNote: products that you don't have access to will not be shown above."
        raise OdooError("ValidationError", text)

    @rpc_ids
    def unlink(self, ids: list[int]) -> bool:
        templates = {self.table.rows[i]["product_tmpl_id"] for i in ids if i in self.table.rows}
        done = super().unlink(ids)
        tables = self.env.db.tables
        for template in templates & set(tables["product.template"].rows):
            lines = tables["product.template.attribute.line"].by("product_tmpl_id", template)
            if not lines and not self.table.by("product_tmpl_id", template):
                self.env.db.put("product.template", template, None)
        return done

    def field_product_template_variant_value_ids(self, number: int, row: Row) -> Any:
        return row.get("product_template_attribute_value_ids", [])

    def field_combination_indices(self, number: int, row: Row) -> str:
        return ",".join(map(str, sorted(row.get("product_template_attribute_value_ids", []))))

    def field_price_extra(self, number: int, row: Row) -> float:
        values = self.env.db.tables["product.template.attribute.value"].rows
        return sum(float(values[i].get("price_extra", 0.0)) for i in row.get("product_template_attribute_value_ids", []))

    def field_lst_price(self, number: int, row: Row) -> float:
        return float(self.reader("list_price")(number, row)) + self.field_price_extra(number, row)

    def field_display_name(self, number: int, row: Row) -> str:
        values = self.env["product.template.attribute.value"]
        name = str(self.reader("name")(number, row))
        options = [values.label(i).rpartition(": ")[2] for i in row.get("product_template_attribute_value_ids", [])]
        name += f" ({', '.join(options)})" if options else ""
        return f"[{row['default_code']}] {name}" if row.get("default_code") else name


class Attributes(Model, models=("product.attribute",)):
    """Attributes, e.g. Size."""

    order = "sequence, id"

    def defaults(self, values: Row) -> Row:
        return {**super().defaults(values), "create_variant": "always", "display_type": "radio"}


class AttributeValues(Model, models=("product.attribute.value",)):
    """Values of an attribute, e.g. XL; a name exists once per attribute."""

    order = "sequence, id"

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        row = self.table.rows[number]
        for other in self.table.by("attribute_id", row["attribute_id"]):
            if other != number and self.table.rows[other]["name"] == row["name"]:
                text = "You cannot create two values with the same name for the same attribute."
                raise self.env.db.profile.constraint("product_attribute_value_value_company_uniq", text)

    def field_display_name(self, number: int, row: Row) -> str:
        return f"{self.env['product.attribute'].label(row['attribute_id'])}: {row['name']}"


class TemplateLines(Model, models=("product.template.attribute.line",)):
    """An attribute of a template with the values it offers."""

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        row = self.table.rows[number]
        offers = self.env["product.template.attribute.value"]
        present = {offers.table.rows[i]["product_attribute_value_id"]: i for i in offers.table.by("attribute_line_id", number)}
        link = {"attribute_line_id": number, "product_tmpl_id": row["product_tmpl_id"], "attribute_id": row["attribute_id"]}
        for value in row.get("value_ids", []):
            if value not in present:
                offers.create_one({**link, "product_attribute_value_id": value, "ptav_active": True})
            elif not offers.table.rows[present[value]].get("ptav_active", True):
                offers.put(present[value], ptav_active=True)
        for value, offer in present.items():
            if value not in row.get("value_ids", []):
                offers.put(offer, ptav_active=False)
        self._sync(row["product_tmpl_id"])

    @rpc_ids
    def unlink(self, ids: list[int]) -> bool:
        templates = {self.table.rows[i]["product_tmpl_id"] for i in ids if i in self.table.rows}
        offers = self.env["product.template.attribute.value"]
        for number in ids:
            offers.unlink(offers.table.by("attribute_line_id", number))
        done = super().unlink(ids)
        for template in templates:
            self._sync(template)
        return done

    def _sync(self, template: int) -> None:
        templates = self.env["product.template"]
        assert isinstance(templates, Templates)
        if template in templates.table.rows and (templates.name, template) not in self.env.busy:
            templates.sync_variants(template)


class TemplateValues(Model, models=("product.template.attribute.value",)):
    """A value offered by a template, with its extra price."""

    def field_name(self, number: int, row: Row) -> Any:
        return self.env.value("product.attribute.value", row["product_attribute_value_id"], "name")

    def field_display_name(self, number: int, row: Row) -> str:
        return self.env["product.attribute.value"].label(row["product_attribute_value_id"])
