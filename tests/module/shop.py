"""A stub shop with the real module in it: each call is one request in a PHP process of its own, on one SQLite file."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

STUB = Path(__file__).parent / "stub"
MODULE = Path(__file__).parents[2] / "portal" / "prestashop_module"


class StubShop:
    """The shop between requests: its database and its configuration."""

    def __init__(self, folder: Path, *, module: Path = MODULE, version: str = "8.1.2") -> None:
        self.db = folder / "shop.sqlite3"
        self.module = module
        self.version = version
        self.configuration: dict[str, Any] = {}
        self.output: list[str] = []

    def connect(self, url: str, store: str, secret: str) -> None:
        """As if the merchant had typed it into the page."""
        self.configuration |= {"ODOOCONNECTOR_URL": url, "ODOOCONNECTOR_STORE": store, "ODOOCONNECTOR_SECRET": secret}

    def start(self, *steps: list[Any], fastcgi: bool = False, form: dict[str, str] | None = None,
              language: str = "en") -> subprocess.Popen[str]:
        """Begin a request; `finish` waits for it."""
        process = subprocess.Popen(
            ["php", "-d", "display_errors=stderr", "-d", "log_errors=0", str(STUB / "run.php")], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "STUB_DB": str(self.db), "STUB_MODULE": str(self.module),
                 "STUB_PS_VERSION": self.version})
        assert process.stdin
        process.stdin.write(json.dumps({"steps": steps, "fastcgi": fastcgi, "configuration": self.configuration,
                                        "form": form or {}, "language": language}))
        process.stdin.close()
        process.stdin = None
        return process

    def finish(self, process: subprocess.Popen[str]) -> list[Any]:
        """What the steps answered. Fails on any warning, notice or error of PHP."""
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err or out
        self.errors = err
        self.output = out.splitlines()
        facts = json.loads(self.output[0])
        # An empty PHP array is a JSON list.
        self.configuration = dict(facts["configuration"])
        return list(facts["answers"])

    def request(self, *steps: list[Any], **options: Any) -> list[Any]:
        """One whole request."""
        return self.finish(self.start(*steps, **options))

    def rows(self) -> list[str]:
        """The outbox, as "entity record[:combination]"."""
        found = self.request(["sql", "SELECT entity, record, combination FROM ps_odooconnector_outbox "
                                     "ORDER BY entity, record, combination"])[0]
        return [f"{row['entity']} {row['record']}" + (f":{row['combination']}" if row["combination"] else "") for row in found]

    def state(self, name: str) -> str:
        """A value of the module's state table."""
        found = self.request(["sql", f"SELECT value FROM ps_odooconnector_state WHERE name = '{name}'"])[0]
        return found[0]["value"] if found else ""

    def fill(self, entity: str, records: range) -> None:
        """Changes of these records, noted in an earlier request."""
        rows = ", ".join(f"('{entity}', {n}, 0, 1, {n})" for n in records)
        self.request(["sql", f"INSERT INTO ps_odooconnector_outbox (entity, record, combination, shop, version) VALUES {rows}"])


def saved(class_: str, record: int, **fields: int) -> dict[str, Any]:
    """The hook that PrestaShop fires after it saved an object."""
    return {"hook": f"actionObject{class_}UpdateAfter", "params": {"object": {"class": class_, "id": record, **fields}}}


Make = Callable[..., StubShop]
