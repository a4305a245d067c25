"""The small ORM of the Odoo sandbox: what every model can do. Models with habits of their own subclass `Model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .odoo_profiles import Field, OdooError
from .odoo_reading import SUPERUSER, Reading, rpc, rpc_ids
from .odoo_values import normalise

if TYPE_CHECKING:
    from .odoo_store import Database, Row

__all__ = ["MODELS", "SUPERUSER", "Env", "Model", "rpc", "rpc_ids"]

MODELS: dict[str, type[Model]] = {}


class Env:
    """Who calls, with which context, on which database. `env["res.partner"]` gives the model."""

    def __init__(self, db: Database, uid: int = SUPERUSER, context: dict[str, Any] | None = None) -> None:
        self.db = db
        self.uid = uid
        self.context = context or {}
        self.busy: set[tuple[str, int]] = set()  # records whose sub-records are being stored: totals wait until then
        self._models: dict[str, Model] = {}

    def __getitem__(self, name: str) -> Model:
        if name not in self._models:
            if name not in self.db.schemas:
                raise OdooError("UserError", f"Object {name} doesn't exist")
            self._models[name] = MODELS.get(name, Model)(self, name)
        return self._models[name]

    def sudo(self, **context: Any) -> Env:
        """The same as superuser, with additions to the context."""
        return Env(self.db, SUPERUSER, {**self.context, **context})

    @property
    def major(self) -> int:
        return self.db.profile.major

    @property
    def company(self) -> int:
        return int(self.db.tables["res.users"].rows.get(self.uid, {}).get("company_id") or 1)

    def value(self, model: str, number: int, field: str) -> Any:
        """One raw value: an id for a many2one, a list of ids for x2many."""
        return self[model].reader(field)(number, self.db.tables[model].rows[number])


class Model(Reading):
    """A model. Subclass it with `models=("res.partner",)` to give those models habits of their own."""

    def __init_subclass__(cls, models: tuple[str, ...] = (), **options: Any) -> None:
        super().__init_subclass__(**options)
        MODELS.update(dict.fromkeys(models, cls))

    # -- hooks of subclasses ------------------------------------------------------------------------------------

    def defaults(self, values: Row) -> Row:
        """Values of a new record for what was not given."""
        return {"active": True} if "active" in self.schema.fields else {}

    def prepare(self, values: Row, row: Row | None) -> Row:
        """Changes the values before they are stored; `row` is the present record, None for a new one."""
        return values

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        """After the record and its sub-records are stored: totals, variants, constraints."""

    # -- what clients call ----------------------------------------------------------------------------------------

    @rpc
    def create(self, vals_list: Any) -> Any:
        rows = vals_list if isinstance(vals_list, list) else [vals_list]
        ids = [self.create_one(row) for row in rows]
        return ids if isinstance(vals_list, list) else ids[0]

    def create_one(self, values: Row) -> int:
        """Creates one record with its sub-records; returns its id."""
        values = {**self.defaults(values), **values}
        for name in values:
            self.field(name.partition(":")[0], "create")
        number = self.env.db.next_id(self.name)
        values = self.prepare(values, None)
        now, uid = self.env.db.now(), self.env.uid
        stamps = {"create_date": now, "write_date": now, "create_uid": uid, "write_uid": uid}
        row = {**normalise(self, values, None), **stamps}
        for field in self.schema.fields.values():
            if field.required and self.stores(field.name) and self._lacks(field, row):
                raise self.env.db.profile.required_field(self.schema, field)
        self.env.db.put(self.name, number, row)
        key = next((str(values[name]) for name in self.key_fields if values.get(name)), "")
        self.env.db.note_new(self.name, number, key)
        self._store_children(number, values)
        self.stored(number, values, None)
        self._tell(number, set(values), True)
        return number

    def _lacks(self, field: Field, row: Row) -> bool:
        return field.type in ("char", "many2one", "selection") and row.get(field.name, False) is False and (
            field.type != "selection" and field.name in REQUIRED_FROM_CLIENT
        )  # fmt: skip

    @rpc_ids
    def write(self, ids: list[int], vals: Row) -> bool:
        for name in vals:
            self.field(name.partition(":")[0], "write")
        self.exist(ids)
        for number in ids:
            self.write_one(number, vals)
        return True

    def write_one(self, number: int, values: Row) -> None:
        old = self.table.rows[number]
        self._check_company(old)
        values = self.prepare(dict(values), old)
        row = {**old, **normalise(self, values, old)}
        row.update(write_date=self.env.db.now(), write_uid=self.env.uid)
        self.env.db.put(self.name, number, row)
        self._store_children(number, values)
        self.stored(number, values, old)
        self._tell(number, set(values), False)

    def put(self, number: int, **values: Any) -> None:
        """Stores values as they are, as the server's own code would; listeners hear of it."""
        row = {**self.table.rows[number], **values, "write_date": self.env.db.now()}
        self.env.db.put(self.name, number, row)
        self._tell(number, set(values), False)

    def _tell(self, number: int, names: set[str], new: bool) -> None:
        for listener in self.env.db.listeners:
            listener(self.name, number, names, new)

    def _store_children(self, number: int, values: Row) -> None:
        self.env.busy.add((self.name, number))
        self._apply_commands(number, values)
        self.env.busy.discard((self.name, number))

    def _apply_commands(self, number: int, values: Row) -> None:
        for name, commands in values.items():
            field = self.schema.fields.get(name)
            if field is None or field.type != "one2many" or not field.inverse or not commands:
                continue
            child = self.env[field.relation]
            for command in commands:
                code, target = command[0], command[1] if len(command) > 1 else 0
                if code == 0:
                    child.create_one({**command[2], field.inverse: number})
                elif code == 1:
                    child.write([target], command[2])
                elif code in (2, 3):
                    child.unlink([target])
                elif code == 4:
                    child.put(target, **{field.inverse: number})
                elif code in (5, 6):
                    keep = command[2] if code == 6 else []
                    child.unlink([i for i in child.table.by(field.inverse, number) if i not in keep])

    @rpc_ids
    def unlink(self, ids: list[int]) -> bool:
        self.exist(ids)
        for number in ids:
            for field in self.schema.fields.values():
                if field.type == "one2many" and field.inverse:
                    child = self.env.sudo()[field.relation]
                    children = child.table.by(field.inverse, number)
                    if field.relation != self.name:
                        child.unlink(children)
                    else:
                        child.write(children, {field.inverse: False})
            if number in self.table.rows:
                self.env.db.put(self.name, number, None)
        return True

    def exist(self, ids: list[int]) -> None:
        """MissingError when one of the records is not there."""
        gone = [number for number in ids if number not in self.table.rows]
        if gone:
            raise self.env.db.profile.missing(self.name, gone, self.env.uid)

    @rpc
    def load(self, fields: list[str], data: list[list[Any]]) -> Row:
        from .odoo_load import load

        return load(self, fields, data)

    @rpc
    def default_get(self, fields: list[str] | None = None, fields_list: list[str] | None = None) -> Row:
        found = self.defaults({})
        return {name: found[name] for name in fields or fields_list or [] if name in found}

    @rpc_ids
    def copy(self, ids: list[int], default: Row | None = None) -> Any:
        self.exist(ids)
        kept = ("create_date", "write_date", "create_uid", "write_uid", "barcode")
        copies = []
        for number in ids:
            row = {k: v for k, v in self.table.rows[number].items() if k not in kept}
            copies.append(self.create_one({**row, **(default or {})}))
        return copies if self.env.major >= 18 else copies[0]

    @rpc_ids
    def action_archive(self, ids: list[int]) -> None:
        self.write(ids, {"active": False})

    @rpc_ids
    def action_unarchive(self, ids: list[int]) -> None:
        self.write(ids, {"active": True})

    @rpc_ids
    def toggle_active(self, ids: list[int]) -> None:
        for number in ids:
            self.write([number], {"active": not self.table.rows[number].get("active", True)})

    @rpc_ids
    def message_post(self, ids: list[int], body: str = "", **options: Any) -> Any:
        notes = self.env.sudo()["mail.message"]
        found = [notes.create_one({"body": body, "model": self.name, "res_id": number}) for number in ids]
        return found if self.env.major >= 19 else found[0]


# Fields a client must give; the other required ones have defaults which the sandbox does not need.
REQUIRED_FROM_CLIENT = frozenset({"name", "partner_id", "product_id", "model_id", "attribute_id", "login", "product_tmpl_id"})
