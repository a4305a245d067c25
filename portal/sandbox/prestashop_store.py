"""The sandbox shop in memory: tables of sparse rows, a clock, keys, notices of change, a file."""

from __future__ import annotations

import bisect
import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .prestashop_schema import Resource, resources

Row = dict[str, Any]
DEMO_KEY = "demo-key"  # the webservice key of every sandbox shop
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


@dataclass
class Key:
    """A webservice key: `rights` maps a resource to its methods; None allows everything."""

    active: bool = True
    rights: dict[str, set[str]] | None = None

    def allows(self, resource: str) -> set[str] | frozenset[str]:
        return METHODS if self.rights is None else self.rights.get(resource, set())


class Table:
    """The rows of one resource by id, with an index for each field that was ever looked up."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.rows: dict[int, Row] = {}
        self.next_id = 1
        self._sorted: list[int] = []
        self._indexes: dict[str, dict[str, dict[int, None]]] = {}

    def default(self, name: str) -> Any:
        field = self.resource.fields.get(name)
        return None if field is None else field.default

    def value(self, row: Row, name: str) -> Any:
        """What the row holds in a field, its default when nothing was stored."""
        return row[name] if name in row else self.default(name)

    def put(self, row: Row) -> None:
        """Adds a row, or replaces the one with its id; without an id it gets the next one."""
        number = row.setdefault("id", self.next_id)
        if number in self.rows:
            self._unlink(self.rows[number])
        else:
            if self._sorted and number < self._sorted[-1]:
                bisect.insort(self._sorted, number)
            else:
                self._sorted.append(number)
        self.rows[number] = row
        self.next_id = max(self.next_id, number + 1)
        for name, index in self._indexes.items():
            index.setdefault(fold(self.value(row, name)), {})[number] = None

    def remove(self, number: int) -> None:
        self._unlink(self.rows.pop(number))
        del self._sorted[bisect.bisect_left(self._sorted, number)]

    def _unlink(self, row: Row) -> None:
        for name, index in self._indexes.items():
            index.get(fold(self.value(row, name)), {}).pop(row["id"], None)

    def by(self, name: str, value: Any) -> list[Row]:
        """The rows whose field equals the value, ignoring case, in the order of their arrival."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for number, row in self.rows.items():
                index.setdefault(fold(self.value(row, name)), {})[number] = None
        return [self.rows[number] for number in index.get(fold(value), ())]

    def ids(self, after: int = 0, upto: int | None = None) -> list[int]:
        """The ids greater than `after` and, when given, not greater than `upto`, ascending."""
        start = bisect.bisect_right(self._sorted, after)
        end = len(self._sorted) if upto is None else bisect.bisect_right(self._sorted, upto)
        return self._sorted[start:end]


def fold(value: Any) -> str:
    """How the database compares: as text, without case."""
    return "" if value is None else str(value).casefold()


class Shop:
    """A shop: everything a test, the webservice or the control interface may look at or change.

    `on_change` callables get (resource, id) after each committed change, outside the lock: the place where a
    companion module would post its notice. `mails` lists what customers would have been sent.
    """

    def __init__(
        self,
        version: str = "9.1.4",
        *,
        name: str = "Sandbox Shop",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.version = version
        self.major = int(version.split(".")[0])
        self.name = name
        self.clock = clock or (lambda: datetime.now(UTC))
        self.tables = {title: Table(found) for title, found in resources(self.major).items()}
        self.keys = {DEMO_KEY: Key()}
        self.enabled = True  # False: "The PrestaShop webservice is disabled"
        self.deprecations = False  # True: PHP 8.2 notices turn some writes of version 8 into a 500, though saved
        self.mails: list[Row] = []
        self.on_change: list[Callable[[str, int], None]] = []
        self.dirty = threading.Event()
        self._lock = threading.RLock()
        self._depth = 0
        self._notices: list[tuple[str, int]] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Holds the shop still; when the outermost one ends, tells the listeners what changed."""
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                notices: list[tuple[str, int]] = []
                if not self._depth:
                    notices, self._notices = self._notices, []
        for notice in dict.fromkeys(notices):
            for listener in self.on_change:
                listener(*notice)

    def changed(self, resource: str, number: int) -> None:
        """Notes a change for the listeners and for the file."""
        self.dirty.set()
        if self.on_change:
            self._notices.append((resource, number))

    def now(self) -> str:
        """The shop's local time, as its dates are written: without an offset, to the second."""
        zone = ZoneInfo(self.setting("PS_TIMEZONE") or "Europe/Paris")
        return self.clock().astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

    def setting(self, name: str) -> str:
        """The value of a configuration, empty when there is none."""
        found = self.tables["configurations"].by("name", name)
        return str(found[0].get("value", "")) if found else ""

    def languages(self) -> list[int]:
        return self.tables["languages"].ids() or [1]

    def get(self, resource: str, number: int, field: str) -> Any:
        """One field of one record; KeyError when there is no such record."""
        table = self.tables[resource]
        return table.value(table.rows[number], field)

    def text(self, resource: str, number: int, field: str, language: int) -> str:
        """One field with a text per language, in one of them."""
        values = self.get(resource, number, field) or []
        return next((entry["value"] for entry in values if entry["id"] == language), "")

    def add(self, resource: str, **values: Any) -> int:
        """Adds a record as the shop's own code would, dates included, and returns its id."""
        table = self.tables[resource]
        fields = table.resource.fields
        now = self.now()
        for stamp in ("date_add", "date_upd"):
            if stamp in fields:
                values.setdefault(stamp, now)
        table.put(values)
        self.changed(resource, values["id"])
        return int(values["id"])

    def update(self, resource: str, number: int, **values: Any) -> None:
        """Changes fields of a record and, where it has one, its date_upd."""
        table = self.tables[resource]
        row = {**table.rows[number], **values}
        if "date_upd" in table.resource.fields:
            row["date_upd"] = self.now()
        table.put(row)
        self.changed(resource, number)

    def load_records(self, resource: str, rows: Iterable[Row]) -> None:
        """Takes records as the webservice answers them (JSON, display=full); ids and dates stay."""
        table = self.tables[resource]
        with self.transaction():
            for row in rows:
                table.put({k: v for k, v in row.items() if k == "id" or v != table.default(k)})
                self.changed(resource, row["id"])

    def reference(self, number: int) -> str:
        """Nine capital letters for an order, always the same for one id."""
        digest = hashlib.sha256(f"{self.name}/{number}".encode()).digest()
        return "".join(chr(65 + byte % 26) for byte in digest[:9])

    def save(self, path: Path) -> None:
        """Writes the whole shop into one file, replacing the former one at once."""
        with self._lock:
            self.dirty.clear()
            content = {
                "tables": {name: list(t.rows.values()) for name, t in self.tables.items() if t.rows},
                "next": {name: t.next_id for name, t in self.tables.items()},
                "mails": self.mails,
            }
            text = json.dumps(content, ensure_ascii=False)
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)

    def restore(self, path: Path) -> None:
        """Takes back what `save` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        for name, rows in content["tables"].items():
            for row in rows:
                self.tables[name].put(row)
        for name, number in content["next"].items():
            self.tables[name].next_id = number
        self.mails = content["mails"]
