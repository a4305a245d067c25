"""Webhooks of 17 and later: automation rules that POST a changed record to a URL.

17 and 18 send inside the transaction, so also what is rolled back; 19 sends after the commit. One request per record,
no signature, one second of patience, no second try. Unlike the real servers, a thread of its own sends, so that a slow
receiver does not hold up the caller.
"""

from __future__ import annotations

import ast
import http.client
import json
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .odoo_domain import find
from .odoo_models import Env, Model
from .odoo_profiles import OdooError

if TYPE_CHECKING:
    from .odoo_store import Database

ON_CREATE = ("on_create", "on_create_or_write")
ON_WRITE = ("on_write", "on_create_or_write")
TIMES_FOR_A_NEW_PRODUCT = 3  # the real servers send 11 to 12 identical requests
PATIENCE = 1.0  # seconds
USER_AGENT = "python-requests/2.31.0"


class Webhooks:
    """Watches a database and sends. `sent` lists (url, body, status or None) of the last requests."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.sent: deque[tuple[str, dict[str, Any], int | None]] = deque(maxlen=10_000)
        self._queue: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._sender: threading.Thread | None = None
        if db.profile.major >= 17:
            db.listeners.append(self._changed)

    def wait(self) -> None:
        """Waits until everything is sent."""
        self._queue.join()

    def _changed(self, model: str, number: int, names: set[str], new: bool) -> None:
        rules = self.db.tables["base.automation"]
        for rule in rules.by("_model", model):
            row = rules.rows[rule]
            if self._applies(row, model, number, names, new):
                for action in self.db.tables["ir.actions.server"].by("base_automation_id", rule):
                    body = self._body(model, number, action)
                    url = str(self.db.tables["ir.actions.server"].rows[action].get("webhook_url") or "")
                    times = TIMES_FOR_A_NEW_PRODUCT if new and model == "product.template" else 1
                    self._plan(url, body, times)

    def _applies(self, rule: dict[str, Any], model: str, number: int, names: set[str], new: bool) -> bool:
        if not rule.get("active", True) or rule["trigger"] not in (ON_CREATE if new else ON_WRITE):
            return False
        fields = self.db.tables["ir.model.fields"].rows
        watched = {fields[i]["name"] for i in rule.get("trigger_field_ids", [])}
        if watched and not new and not watched & names:
            return False
        domain = ast.literal_eval(rule.get("filter_domain") or "[]")
        return not domain or bool(find(Env(self.db), model, [["id", "=", number], *map(_as_list, domain)]))

    def _body(self, model: str, number: int, action: int) -> dict[str, Any]:
        row = self.db.tables["ir.actions.server"].rows[action]
        body: dict[str, Any] = {"_action": f"{row['name']}(#{action})", "_id": number, "_model": model}
        env = Env(self.db)
        for field in row.get("webhook_field_ids", []):
            name = str(self.db.tables["ir.model.fields"].rows[field]["name"])
            body[name] = env.value(model, number, name)
        return dict(sorted(body.items()))

    def _plan(self, url: str, body: dict[str, Any], times: int) -> None:
        if self.db.profile.major <= 18:
            self._send(url, body, times)
        else:
            self.db.after.append(lambda committed: self._send(url, body, times) if committed else None)

    def _send(self, url: str, body: dict[str, Any], times: int) -> None:
        for _ in range(times):
            self._queue.put((url, body))
        if self._sender is None:
            self._sender = threading.Thread(target=self._work, daemon=True)
            self._sender.start()

    def _work(self) -> None:
        while True:
            url, body = self._queue.get()
            self.sent.append((url, body, _post(url, json.dumps(body))))
            self._queue.task_done()


def _as_list(item: Any) -> Any:
    return list(item) if isinstance(item, tuple) else item


def _post(url: str, body: str) -> int | None:
    """The status of the answer; None when there was none. Odoo only logs a failure, and so do we not even that."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Content-Type": "application/json"}
    try:
        connection = kind(parts.netloc, timeout=PATIENCE)
        try:
            connection.request("POST", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", body, headers)
            return connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return None


class Automations(Model, models=("base.automation",)):
    """Automation rules; `_model` is the name of the model they watch."""

    def prepare(self, values: dict[str, Any], row: dict[str, Any] | None) -> dict[str, Any]:
        if self.env.major >= 17 and row is None:
            values.setdefault("trigger", "on_create_or_write")
        return values

    def stored(self, number: int, values: dict[str, Any], old: dict[str, Any] | None) -> None:
        watched = self.env.value("ir.model", self.table.rows[number]["model_id"], "model")
        self.env.db.put(self.name, number, {**self.table.rows[number], "_model": watched})


class Actions(Model, models=("ir.actions.server",)):
    """Server actions; only the webhook ones do something. 17 and 18 name them themselves."""

    def prepare(self, values: dict[str, Any], row: dict[str, Any] | None) -> dict[str, Any]:
        if row is None and values.get("base_automation_id"):
            values.setdefault("usage", "base_automation")
            if values.get("state") == "webhook" and self.env.major == 17:
                values["name"] = "Send Webhook Notification"
        return values

    def stored(self, number: int, values: dict[str, Any], old: dict[str, Any] | None) -> None:
        fields = self.env.db.tables["ir.model.fields"].rows
        chosen = [fields[i] for i in self.table.rows[number].get("webhook_field_ids", [])]
        cost = [str(field["field_description"]) for field in chosen if field["name"] == "standard_price"]
        if cost and self.env.major <= 18:
            text = (
                "Group-restricted fields cannot be included in webhook payloads, as it could allow any user to "
                "accidentally leak sensitive information. You will have to remove the following fields from the webhook "
                f"payload in the following actions:\n {self.table.rows[number]['name']}: {', '.join(cost)}"
            )
            raise OdooError("ValidationError", text)
