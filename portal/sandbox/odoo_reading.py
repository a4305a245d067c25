"""The reading half of a model of the Odoo sandbox: fields, searches, and what else changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .odoo_domain import find, mentions
from .odoo_profiles import Field, OdooError, Schema
from .odoo_values import DEFAULTS, sort_key

if TYPE_CHECKING:
    from .odoo_models import Env
    from .odoo_store import Row, Table

SUPERUSER = 1
Method = TypeVar("Method", bound=Callable[..., Any])


def rpc(method: Method) -> Method:
    """Marks a method that clients may call; its parameters are those of Odoo's signature."""
    method.rpc = "model"  # type: ignore[attr-defined]
    return method


def rpc_ids(method: Method) -> Method:
    """As `rpc`, for a method of records: the first parameter is `ids`."""
    method.rpc = "records"  # type: ignore[attr-defined]
    return method


class Reading:
    """What can be read. Methods named `field_x(number, row)` compute field x; `rpc` methods can be called by clients."""

    order = "id"
    name_field = "name"
    key_fields: ClassVar[tuple[str, ...]] = ()  # the first of these that is set names a new record in the call log
    own_fields: ClassVar[frozenset[str] | None] = None  # of a model that inherits the others from `parent`
    parent: ClassVar[tuple[str, str]] = ("", "")  # (many2one, model) of that parent

    def __init__(self, env: Env, name: str) -> None:
        self.env = env
        self.name = name
        self._readers: dict[str, Callable[[int, Row], Any]] = {}

    @property
    def schema(self) -> Schema:
        return self.env.db.schemas[self.name]

    @property
    def table(self) -> Table:
        return self.env.db.tables[self.name]

    def search_as(self, name: str) -> str:
        """The path under which a field is searched, when it is kept elsewhere."""
        return f"{self.parent[0]}.{name}" if self.inherits(name) else name

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
    def fields_get(self, allfields: list[str] | None = None, attributes: list[str] | None = None) -> Row:
        answer = {}
        for name, field in self.schema.fields.items():
            if not allfields or name in allfields:
                found = field.describe()
                answer[name] = {key: found[key] for key in found if attributes is None or key in attributes}
        return answer

    @rpc
    def name_search(
        self, name: str = "", args: list[Any] | None = None, operator: str = "ilike", limit: int = 100,
        domain: list[Any] | None = None,
    ) -> list[list[Any]]:  # fmt: skip
        ids = self.search([[self.name_field, operator, name], *(args or []), *(domain or [])], 0, limit)
        return [[number, self.label(number)] for number in ids]

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
    def get_external_id(self, ids: list[int]) -> dict[str, str]:
        wanted = dict.fromkeys(ids, "")
        for (module, name), (model, number) in self.env.db.external.items():
            if model == self.name and number in wanted:
                wanted[number] = f"{module}.{name}"
        return {str(number): name for number, name in wanted.items()}
