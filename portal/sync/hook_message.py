"""What the shop's module sends: signature, age and content. Pure: headers and bytes in, facts out; no SQL.

A message is JSON, signed with HMAC-SHA256 over "time.body". `docs/module.md` has the format. Only ids travel; the portal reads
the record itself, so that doubled, late or disordered messages do no harm.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

WINDOW_SECONDS = 300
"""How far the clocks of shop and portal may differ, and how long a message can be under way."""
LARGEST = 256 * 1024
MAX_CHANGES = 1000
ENTITIES = ("customer", "product", "stock", "order")
STORE_HEADER = "X-OdooConnector-Store"
TIME_HEADER = "X-OdooConnector-Time"
SIGNATURE_HEADER = "X-OdooConnector-Signature"

_LARGEST_ID = 2**32 - 1
_LARGEST_VERSION = 2**63 - 1
_BATCH = re.compile(r"[0-9a-f]{16}")
_RESCAN = re.compile(r"[0-9a-f]{0,16}")
_WORD = re.compile(r"[a-z][a-z_]{0,31}")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,32}")


class Refused(Exception):
    """A message that is not taken: HTTP status (403 not shown to be from the module, 413, 400 or 422), field, sentence."""

    def __init__(self, status: int, field: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Change:
    """A shop record that changed: entity, direction and the record's key in the portal."""

    entity: str
    record: str
    direction: str = "ps_to_odoo"


@dataclass(frozen=True)
class Message:
    """One batch: how the module is (versions, changes still waiting there), and what changed.

    `rescan` is not empty when the module had to drop changes; it names the occasion, and is sent back as confirmation.
    `rows` are the changes as sent; sending them back to the module's pull address confirms them. `unknown` counts changes of
    entities this portal does not know.
    """

    module: str
    prestashop: str
    batch: str
    backlog: int
    rescan: str
    changes: tuple[Change, ...]
    rows: tuple[dict[str, Any], ...]
    unknown: int


def sign(secrets: Sequence[str], at: int, body: bytes) -> dict[str, str]:
    """The headers of a message of our own to the module; one signature per secret while one is being replaced."""
    signatures = ",".join(f"v1={_digest(secret, str(at), body)}" for secret in secrets)
    return {TIME_HEADER: str(at), SIGNATURE_HEADER: signatures}


def check_signature(secrets: Iterable[str], time: str, signatures: str, body: bytes, *, at: float) -> None:
    """Raise `Refused` (403) unless one of the secrets signed this body, and not longer than the window ago.

    `time` and `signatures` as in the headers, `at` the Unix time now. The age is looked at last, so that only the module
    learns that its clock is wrong.
    """
    given = [part.strip().encode("utf-8", "replace") for part in signatures.split(",")[:5]]
    wanted = [f"v1={_digest(secret, time, body)}".encode() for secret in secrets]
    if not any(hmac.compare_digest(a, b) for a in given for b in wanted):
        raise Refused(403, "signature", "The signature is missing or wrong. Download the module again and upload it to the shop.")
    if not re.fullmatch(r"[0-9]{1,12}", time):
        raise Refused(403, "time", "The time of the message is missing or no number.")
    if abs(at - int(time)) > WINDOW_SECONDS:
        raise Refused(403, "time", f"The message is signed {abs(round(at - int(time)))} seconds away from the portal's time; at "
                                   f"most {WINDOW_SECONDS} are allowed. Set the clocks of both servers.")


def parse(body: bytes) -> Message:
    """The content of a message whose signature was checked; raises `Refused` naming the field."""
    if len(body) > LARGEST:
        raise Refused(413, "body", f"The message is too large: at most {LARGEST:,} bytes.")
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused(400, "body", "The body is not valid JSON.") from None
    if not isinstance(document, dict):
        raise Refused(422, "body", "body: must be a JSON object.")
    given = document.get("changes")
    if not isinstance(given, list):
        raise Refused(422, "changes", "changes: must be a list.")
    if len(given) > MAX_CHANGES:
        raise Refused(413, "changes", f"changes: at most {MAX_CHANGES} in one message.")
    rows = tuple(_row(item, f"changes[{n}]") for n, item in enumerate(given))
    known = [row for row in rows if row["entity"] in ENTITIES]
    return Message(
        module=_text(document, "module", _VERSION), prestashop=_text(document, "prestashop", _VERSION),
        batch=_text(document, "batch", _BATCH), backlog=_number(document, "backlog", "backlog", 0, _LARGEST_VERSION),
        rescan=_text(document, "rescan", _RESCAN), changes=tuple(dict.fromkeys(_change(row) for row in known)), rows=rows,
        unknown=len(rows) - len(known))


def _row(item: Any, place: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise Refused(422, place, f"{place}: must be an object.")
    entity = item.get("entity")
    if not isinstance(entity, str) or not _WORD.fullmatch(entity):
        raise Refused(422, f"{place}.entity", f"{place}.entity: must be one of {', '.join(ENTITIES)}.")
    return {"entity": entity, "id": _number(item, "id", place, 1, _LARGEST_ID),
            "combination": _number(item, "combination", place, 0, _LARGEST_ID),
            "shop": _number(item, "shop", place, 0, _LARGEST_ID),
            "version": _number(item, "version", place, 1, _LARGEST_VERSION)}


def _change(row: dict[str, Any]) -> Change:
    combination = row["combination"] if row["entity"] == "stock" else 0
    return Change(row["entity"], f"{row['id']}:{combination}" if combination else str(row["id"]))


def _number(item: dict[str, Any], field: str, place: str, lowest: int, highest: int) -> int:
    value = item.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        name = field if place == field else f"{place}.{field}"
        raise Refused(422, name, f"{name}: must be a whole number from {lowest} to {highest}.")
    return value


def _text(item: dict[str, Any], field: str, form: re.Pattern[str]) -> str:
    value = item.get(field)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Refused(422, field, f"{field}: is missing or malformed.")
    return value


def _digest(secret: str, time: str, body: bytes) -> str:
    return hmac.new(secret.encode(), time.encode("utf-8", "replace") + b"." + body, hashlib.sha256).hexdigest()
