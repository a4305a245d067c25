"""The sandbox database in memory: tables with indexes, one transaction at a time, undo on error, a file."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .odoo_profiles import Profile, Schema, schemas

Row = dict[str, Any]


class Table:
    """The rows of one model by id, with an index for each field that was ever looked up by value."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.rows: dict[int, Row] = {}
        self.next_id = 1
        self._indexes: dict[str, dict[Any, dict[int, None]]] = {}

    def put(self, number: int, row: Row | None) -> None:
        """Sets or, with None, removes a row; rows are replaced, never changed in place."""
        old = self.rows.get(number)
        for name, index in self._indexes.items():
            before, after = _key(old, name), _key(row, name)
            if old is not None and (row is None or before != after):
                index.get(before, {}).pop(number, None)
            if row is not None and (old is None or before != after):
                index.setdefault(after, {})[number] = None
        if row is None:
            self.rows.pop(number, None)
        else:
            self.rows[number] = row

    def by(self, name: str, value: Any) -> list[int]:
        """The ids whose stored field equals the value, ascending."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for number, row in self.rows.items():
                index.setdefault(_key(row, name), {})[number] = None
        return sorted(index.get(value.casefold() if isinstance(value, str) else value, ()))

    def indexed(self, name: str) -> bool:
        return name in self._indexes


def _key(row: Row | None, name: str) -> Any:
    value = row.get(name, False) if row is not None else None
    if isinstance(value, str):
        return value.casefold()
    return tuple(value) if isinstance(value, list) else value


class Database:
    """Everything an Odoo holds. Use it inside `transaction()`; a test may do so too.

    `creates` lists the committed new records of interest: {model, id, key}, where key is the external id, the
    customer reference, the internal reference or the e-mail address. `listeners` get the database's events
    (model, id, changed fields, is new) inside the transaction.
    """

    def __init__(self, version: str | int = "17", *, clock: Callable[[], datetime] | None = None) -> None:
        self.profile = Profile(int(str(version).split(".")[0]))
        self.schemas = schemas(self.profile.major)
        self.tables = {model: Table(schema) for model, schema in self.schemas.items()}
        self.external: dict[tuple[str, str], tuple[str, int]] = {}  # (module, name) -> (model, id)
        self.clock = clock or (lambda: datetime.now(UTC))
        self.creates: deque[Row] = deque(maxlen=100_000)
        self.dirty = threading.Event()
        self.listeners: list[Callable[[str, int, set[str], bool], None]] = []
        self.after: list[Callable[[bool], None]] = []  # called once after this transaction, with "committed"
        self._lock = threading.RLock()
        self._depth = 0
        self._undo: list[Callable[[], object]] = []
        self._new: list[Row] = []
        self._now: str | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Alone in the database; an exception takes back every change since the outermost entry."""
        with self._lock:
            self._depth += 1
            committed = False
            try:
                yield
                committed = True
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._end(committed)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """An exception takes back the changes made inside, and goes on."""
        mark, new = len(self._undo), len(self._new)
        try:
            yield
        except BaseException:
            while len(self._undo) > mark:
                self._undo.pop()()
            del self._new[new:]
            raise

    def _end(self, committed: bool) -> None:
        if not committed:
            while self._undo:
                self._undo.pop()()
        if self._undo:
            self.dirty.set()
            self.creates.extend(self._new)
        self._undo, self._new, self._now = [], [], None
        after, self.after = self.after, []
        for work in after:
            work(committed)

    def now(self) -> str:
        """The transaction's time (UTC, with microseconds), as Odoo writes it into write_date."""
        if self._now is None:
            self._now = self.clock().strftime("%Y-%m-%d %H:%M:%S.%f")
        return self._now

    def next_id(self, model: str) -> int:
        """Ids are not given back by a roll back, as in PostgreSQL."""
        table = self.tables[model]
        table.next_id += 1
        return table.next_id - 1

    def put(self, model: str, number: int, row: Row | None) -> None:
        table = self.tables[model]
        old = table.rows.get(number)
        self._undo.append(lambda: table.put(number, old))
        table.put(number, row)
        if row is not None:
            table.next_id = max(table.next_id, number + 1)

    def name_record(self, module: str, name: str, model: str, number: int) -> None:
        """Gives a record an external id, or moves it to another record."""
        key = (module, name)
        old = self.external.get(key)
        self._undo.append(lambda: self.external.pop(key, None) if old is None else self.external.update({key: old}))
        self.external[key] = (model, number)
        for entry in self._new:
            if (entry["model"], entry["id"]) == (model, number):
                entry["key"] = f"{module}.{name}"

    def note_new(self, model: str, number: int, key: str) -> None:
        self._new.append({"model": model, "id": number, "key": key})

    def save(self, path: Path) -> None:
        """Writes everything to a file, replacing it at once."""
        with self._lock:
            self.dirty.clear()
            content = {
                "version": self.profile.major,
                "tables": {model: [table.next_id, list(table.rows.items())] for model, table in self.tables.items()},
                "external": [[*key, *value] for key, value in self.external.items()],
            }
            text = json.dumps(content)
        scratch = path.with_suffix(".new")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)

    def restore(self, path: Path) -> None:
        """Takes over what `save` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        with self._lock:
            for model, (next_id, rows) in content["tables"].items():
                self.tables[model] = table = Table(self.schemas[model])
                for number, row in rows:
                    table.rows[number] = row
                table.next_id = next_id
            self.external = {(module, name): (model, number) for module, name, model, number in content["external"]}
