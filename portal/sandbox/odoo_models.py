"""The small ORM of the Odoo sandbox: what every model can do. Models with habits of their own subclass `Model`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .odoo_domain import find, mentions
from .odoo_profiles import Field, OdooError, Schema
from .odoo_values import DEFAULTS, normalise, sort_key

if TYPE_CHECKING:
    from .odoo_store import Database, Row, Table

SUPERUSER = 1
Method = TypeVar("Method", bound=Callable[..., Any])
MODELS: dict[str, type[Model]] = {}


def rpc(method: Method) -> Method:
    """Marks a method that clients may call; its parameters are those of Odoo's signature."""
    method.rpc = "model"  # type: ignore[attr-defined]
    return method


def rpc_ids(method: Method) -> Method:
    """As `rpc`, for a method of records: the first parameter is `ids`."""
    method.rpc = "records"  # type: ignore[attr-defined]
    return method


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


class Model:
    """A model. Methods named `field_x(number, row)` compute field x; `rpc` methods can be called by clients."""

    order = "id"
    name_field = "name"
    key_fields: ClassVar[tuple[str, ...]] = ()  # the first of these that is set names a new record in the call log
    own_fields: ClassVar[frozenset[str] | None] = None  # of a model that inherits the others from `parent`
    parent: ClassVar[tuple[str, str]] = ("", "")  # (many2one, model) of that parent

    def __init__(self, env: Env, name: str) -> None:
        self.env = env
        self.name = name
        self._readers: dict[str, Callable[[int, Row], Any]] = {}

    def __init_subclass__(cls, models: tuple[str, ...] = (), **options: Any) -> None:
        super().__init_subclass__(**options)
        MODELS.update(dict.fromkeys(models, cls))

    @property
    def schema(self) -> Schema:
        return self.env.db.schemas[self.name]

    @property
    def table(self) -> Table:
        return self.env.db.tables[self.name]

    # -- hooks of subclasses ------------------------------------------------------------------------------------

    def defaults(self, values: Row) -> Row:
        """Values of a new record for what was not given."""
        return {"active": True} if "active" in self.schema.fields else {}

    def prepare(self, values: Row, row: Row | None) -> Row:
        """Changes the values before they are stored; `row` is the present record, None for a new one."""
        return values

    def stored(self, number: int, values: Row, old: Row | None) -> None:
        """After the record and its sub-records are stored: totals, variants, constraints."""

    def search_as(self, name: str) -> str:
        """The path under which a field is searched, when it is kept elsewhere."""
        return f"{self.parent[0]}.{name}" if self.inherits(name) else name

    # -- reading ------------------------------------------------------------------------------------------------

    def inherits(self, name: str) -> bool:
        return self.own_fields is not None and name not in self.own_fields and name != "id" and "." not in name

    def stores(self, name: str) -> bool:
        """Whether the field lies in the row itself, so that an index can find it."""
        return not hasattr(self, f"field_{name}") and not self.inherits(name) and name != "id"

    def reader(self, name: str) -> Callable[[int, Row], Any]:
        if name not in self._readers:
            self._readers[name] = self._make_reader(name)
        return self._readers[name]

    def _make_reader(self, name: str) -> Callable[[int, Row], Any]:
        field = self.field(name)
        if name == "id":
            return lambda number, row: number
        computed: Callable[[int, Row], Any] | None = getattr(self, f"field_{name}", None)
        if computed is not None:
            return computed
        if self.inherits(name):
            link, model = self.parent
            rows, inner = self.env.db.tables[model].rows, self.env[model].reader(name)
            return lambda number, row: inner(row[link], rows[row[link]])
        if field.type == "one2many" and field.inverse:
            return lambda number, row: self._children(field, number)
        default = DEFAULTS.get(field.type, False)
        language = self.env.context.get("lang")
        if field.translate and language and language != "en_US":
            translated = f"{name}:{language}"
            return lambda number, row: row.get(translated, row.get(name, default))
        return lambda number, row: row.get(name, default)

    def _children(self, field: Field, number: int) -> list[int]:
        child = self.env[field.relation]
        ids = child.table.by(field.inverse, number)
        if "active" in child.schema.fields and self.env.context.get("active_test", True):
            ids = [i for i in ids if child.table.rows[i].get("active", True)]
        return child.sort(ids, child.order) if child.order != "id" else ids

    def field(self, name: str, where: str = "read") -> Field:
        found = self.schema.fields.get(name)
        if found is None:
            raise self.env.db.profile.unknown_field(self.schema, name, where)
        return found

    def field_display_name(self, number: int, row: Row) -> Any:
        name = self.reader(self.name_field)(number, row) if self.name_field in self.schema.fields else False
        return name or f"{self.name},{number}"

    def label(self, number: int) -> str:
        row = self.table.rows.get(number)
        return str(self.reader("display_name")(number, row)) if row is not None else f"{self.name},{number}"

    def visible(self, domain: Iterable[Any], *, sub: bool = False) -> list[Any]:
        """The domain with what Odoo adds by itself: not archived, and only the user's companies."""
        domain = list(domain)
        archivable = "active" in self.schema.fields and not sub and self.env.context.get("active_test", True)
        if archivable and not mentions(domain, "active"):
            domain.append(["active", "=", True])
        if self.env.uid != SUPERUSER and "company_id" in self.schema.fields and self.stores("company_id"):
            domain.append(["company_id", "in", [False, self.env.company]])
        return domain

    def sort(self, ids: list[int], order: str | None) -> list[int]:
        terms = [term.split() for term in (order or self.order).split(",")]
        rows = self.table.rows
        for name, *direction in reversed(terms):
            field, read = self.field(name), self.reader(name)
            down = bool(direction) and direction[0].lower() == "desc"
            if name == "id":
                ids = sorted(ids, reverse=down)
            else:
                ids = sorted(ids, key=lambda n: sort_key(self.env, field, read(n, rows[n])), reverse=down)
        return ids

    # -- what clients call ----------------------------------------------------------------------------------------

    @rpc
    def search(self, domain: list[Any], offset: int = 0, limit: int | None = None, order: str | None = None) -> list[int]:
        ids = self.sort(find(self.env, self.name, self.visible(domain)), order)
        if limit is not None and not isinstance(limit, int):
            raise self.env.db.profile.bad_limit(limit)
        return ids[offset or 0 : (offset or 0) + limit if limit else None]

    @rpc
    def search_count(self, domain: list[Any], limit: int | None = None) -> int:
        return len(find(self.env, self.name, self.visible(domain)))

    @rpc
    def search_read(
        self, domain: list[Any] | None = None, fields: list[str] | None = None, offset: int = 0,
        limit: int | None = None, order: str | None = None,
    ) -> list[Row]:  # fmt: skip
        return self.read(self.search(domain or [], offset, limit, order), fields)

    @rpc_ids
    def read(self, ids: list[int], fields: list[str] | None = None, load: str | None = "_classic_read") -> list[Row]:
        names = [name for name in fields or self.schema.fields if name != "id"]
        columns = [(name, self.field(name), self.reader(name)) for name in names]
        rows, answer = self.table.rows, []
        for number in ids:
            if number in rows:
                self._check_company(rows[number])
                values = {name: self._show(field, read(number, rows[number])) for name, field, read in columns}
                answer.append({"id": number, **values})
        return answer

    def _show(self, field: Field, value: Any) -> Any:
        if field.type == "many2one":
            return [value, self.env[field.relation].label(value)] if value else False
        if field.type == "datetime":
            return value[:19] if value else False
        return value

    def _check_company(self, row: Row) -> None:
        company = row.get("company_id")
        if not company or self.env.uid == SUPERUSER or company == self.env.company:
            return
        if self.env.major <= 16:
            text = "Due to security restrictions, you are not allowed to access"
            text += f" '{self.schema.label}' ({self.name}) records.\n\n"
            text += "Contact your administrator to request access if necessary."
        else:
            text = "Uh-oh! Looks like you have stumbled upon some top-secret records.\n\n"
            text += f"Sorry, the user (id={self.env.uid}) doesn't have 'read' access to:\n- {self.schema.label} ({self.name})"
        raise OdooError("AccessError", text)

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
    def fields_get(self, allfields: list[str] | None = None, attributes: list[str] | None = None) -> Row:
        answer = {}
        for name, field in self.schema.fields.items():
            if not allfields or name in allfields:
                found = field.describe()
                answer[name] = {key: found[key] for key in found if attributes is None or key in attributes}
        return answer

    @rpc
    def default_get(self, fields: list[str] | None = None, fields_list: list[str] | None = None) -> Row:
        found = self.defaults({})
        return {name: found[name] for name in fields or fields_list or [] if name in found}

    @rpc
    def name_search(
        self, name: str = "", args: list[Any] | None = None, operator: str = "ilike", limit: int = 100,
        domain: list[Any] | None = None,
    ) -> list[list[Any]]:  # fmt: skip
        ids = self.search([[self.name_field, operator, name], *(args or []), *(domain or [])], 0, limit)
        return [[number, self.label(number)] for number in ids]

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

    @rpc
    def check_access_rights(self, operation: str, raise_exception: bool = True) -> bool:
        from .odoo_users import check_right, may

        if raise_exception:
            check_right(self.env, self.name, operation)
        return may(self.env, self.name, operation)

    check_access_rights.until = 18  # type: ignore[attr-defined]

    @rpc_ids
    def has_access(self, ids: list[int], operation: str) -> bool:
        from .odoo_users import may

        return may(self.env, self.name, operation)

    has_access.since = 18  # type: ignore[attr-defined]

    @rpc_ids
    def message_post(self, ids: list[int], body: str = "", **options: Any) -> Any:
        notes = self.env.sudo()["mail.message"]
        found = [notes.create_one({"body": body, "model": self.name, "res_id": number}) for number in ids]
        return found if self.env.major >= 19 else found[0]

    @rpc_ids
    def get_external_id(self, ids: list[int]) -> dict[str, str]:
        wanted = dict.fromkeys(ids, "")
        for (module, name), (model, number) in self.env.db.external.items():
            if model == self.name and number in wanted:
                wanted[number] = f"{module}.{name}"
        return {str(number): name for number, name in wanted.items()}


# Fields a client must give; the other required ones have defaults which the sandbox does not need.
REQUIRED_FROM_CLIENT = frozenset({"name", "partner_id", "product_id", "model_id", "attribute_id", "login", "product_tmpl_id"})
