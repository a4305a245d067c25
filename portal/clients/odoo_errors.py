"""What Odoo's error objects mean: `{name, message, …}` → one of our error classes, in words for a merchant. Pure.

`name`, the Python class on the server, decides; texts are translated into the user's language and only add detail. `debug`, the
traceback, is never read. Protocol facts: exchanges recorded from Odoo 14-19.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from portal.clients.errors import AccessRefused, Ambiguous, Missing, Outage, Rejected, RemoteError, Throttled
from portal.clients.http import Http, Response

BUSY_SECONDS = 10.0
COOLDOWN_SECONDS = 65.0
"""Odoo 14 and 15 refuse every key for 60 s after ten failures from one address."""

KEY_REMEDY = ("Check the user (upper and lower case count) and its API key (in Odoo: Preferences > Account Security). "
              "Test once: after several failures Odoo 14 and 15 refuse even the right key for 60 seconds.")
RIGHTS_REMEDY = "Ask the Odoo administrator to give this user the right."

_BUSY = re.compile(r"could not serialize access|deadlock detected|could not obtain lock|current transaction is aborted|"
                   r"canceling statement due to (?:lock|statement) timeout", re.I)
_BUSY_NAMES = {"SerializationFailure", "DeadlockDetected", "LockNotAvailable", "TransactionRollbackError", "QueryCanceled"}
_DATABASE_DOWN = re.compile(r"refused|starting up|shutting down|too many|remaining connection|timeout|timed out|recovery", re.I)
_CONNECTION_LOST = re.compile(r"server closed|terminating connection|connection (?:has been|already) closed|SSL", re.I)
_DATABASE_NAMES = {"OperationalError", "InterfaceError", "AdminShutdown", "CannotConnectNow", "TooManyConnections", "DiskFull",
                   "ReadOnlySqlTransaction", "PoolError"}

_CONSTRAINTS = {
    "res_partner_check_name": "A contact needs a name.",
    "product_product_barcode_uniq": "The barcode belongs to another product already.",
    "sale_order_line_accountable_required_fields": "An order line lacks its product or its unit.",
    "mail_followers_mail_followers_res_partner_res_model_id_uniq": "The record was changed by someone else at the same moment.",
}
"""Odoo 14 and 15 answer with the bare name of a constraint."""


def from_data(data: Mapping[str, Any], *, write: bool, uid: int | None = None) -> RemoteError:
    """The error for Odoo's `error.data` (JSON-RPC) or for the body of a JSON-2 answer that is no success."""
    name, raw = str(data.get("name") or ""), str(data.get("message") or "")
    kind, detail = name.rsplit(".", 1)[-1], f"{name}: {raw}"
    if kind in _BUSY_NAMES or is_busy(raw):
        # Odoo undid the whole transaction, so even a write may simply be sent again; waiting is what helps.
        return Throttled("odoo", "Others were changing the same records in Odoo.", retry_after=BUSY_SECONDS, detail=detail,
                         cause="odoo:busy")
    if kind in _DATABASE_NAMES:
        return _database(raw, detail, write=write)
    if kind == "AssertionError" and "database name" in raw:
        return no_database(detail)
    if kind in ("AccessDenied", "Unauthorized") or (kind == "AssertionError" and "key required" in raw):
        return _denied(raw, detail)
    if kind == "AccessError":
        return _access(raw, detail)
    if kind == "MissingError":
        return _missing(raw, detail, uid)
    if name == "werkzeug.exceptions.NotFound" and "does not exist" not in raw:
        return no_odoo(detail)
    if kind in ("TooManyRequests", "ServiceUnavailable"):
        return Throttled("odoo", "Odoo asks to be called less often.", retry_after=60.0, detail=detail, cause="odoo:throttled")
    return _rejected(name, kind, raw, detail)


def unreadable(http: Http, answer: Response, *, write: bool) -> RemoteError:
    """The error for an answer that is not Odoo's: a page of a proxy, a login or maintenance page, a cut text."""
    text = answer.body[:300].decode("utf-8", "replace")
    detail = f"HTTP {answer.status}: {clean(text)}"
    if answer.status == 404:
        return no_odoo(detail)
    if answer.status in (401, 403, 407, 451):
        return AccessRefused("odoo", f"Something in front of Odoo refuses the call (HTTP {answer.status}).", detail=detail,
                             remedy="Have the firewall or password in front of Odoo let the portal's machine through.",
                             cause="odoo:firewall")
    if answer.status == 413:
        return Rejected("odoo", "Odoo's web server says that the request is too large.", detail=detail, cause="odoo:too-large",
                        remedy="Ask Odoo's host to allow larger requests.")
    if 400 <= answer.status < 500:
        return Rejected("odoo", f"Odoo's web server refused the request (HTTP {answer.status}).", detail=detail,
                        cause=f"odoo:http-{answer.status}")
    what = "a web page" if text.lstrip().startswith("<") else "something unreadable"
    return http.broken(f"Odoo's address answered with {what} instead of data (HTTP {answer.status}).", write=write,
                       remedy="If this lasts, open the address in a browser: is it Odoo, or a page of maintenance?",
                       detail=detail, cause="odoo:page")


def is_busy(text: str) -> bool:
    """Whether the text reports a collision with others, which a later try will not meet."""
    return bool(_BUSY.search(text))


def needed_groups(text: str) -> list[str]:
    """The groups that Odoo lists when a right is missing; empty if the text is about something else."""
    return list(dict.fromkeys(group.strip() for group in re.findall(r"\n\t- (.+)", text)))


def clean(text: str) -> str:
    """One line without HTML, import prefixes and invitations to click, at most 400 characters."""
    text = re.sub(r"^Unknown error during import: <class '[^']*'>:\s*", "", text)
    text = html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>|<!--.*?-->|<![^<>]*>", " ", text))
    text = " ".join(text.split())
    return text if len(text) <= 400 else text[:399] + "…"


def in_words(text: str) -> str:
    """An error text as a sentence: constraint names are replaced, foreign keys explained, the rest is cleaned."""
    constraint = _constraint(text)
    empty = "mandatory field is not set" in text and re.search(r"[Ff]ield:? '?([^()']+?)'? \((\w+)\)", text)
    if empty:
        return f"The mandatory field {empty[1]} ({empty[2]}) is empty."
    if not constraint:
        return clean(text)
    if constraint in _CONSTRAINTS:
        return _CONSTRAINTS[constraint]
    if constraint.endswith(("_fkey", "_id")):
        return f"A record that is referred to does not exist in Odoo ({constraint})."
    if re.search(r"_(uniq|unique|key)$", constraint):
        return f"Odoo has a record with the same value already ({constraint})."
    return f"A rule of Odoo is not met ({constraint})."


def no_odoo(detail: str) -> AccessRefused:
    """Nothing at this address speaks Odoo's protocol."""
    return AccessRefused("odoo", "There is no Odoo at this address.", detail=detail, cause="odoo:address",
                         remedy="Enter Odoo's address without what follows the host name, such as https://mycompany.odoo.com.")


def no_database(detail: str) -> AccessRefused:
    """The server has no such database."""
    return AccessRefused("odoo", "This Odoo server has no database of that name.", detail=detail, cause="odoo:database",
                         remedy="Check the database name; Odoo shows it at /web/database/selector or in its settings, and on "
                                "Odoo Online it is the first part of the address.")


def _database(raw: str, detail: str, *, write: bool) -> RemoteError:
    if write and _CONNECTION_LOST.search(raw):
        return Ambiguous("odoo", "Odoo lost its database while it was writing.", detail=detail, cause="odoo:database-lost")
    if "FATAL" in raw and not _DATABASE_DOWN.search(raw) and not _CONNECTION_LOST.search(raw):
        return no_database(detail)
    return Outage("odoo", "Odoo cannot reach its database at the moment.", detail=detail, cause="odoo:database-down",
                  remedy="If this lasts, ask Odoo's host.")


def _denied(raw: str, detail: str) -> RemoteError:
    if "Too many login failures" in raw:
        return Throttled("odoo", "Odoo refuses every login from here for a minute: a wrong key was used too often.",
                         retry_after=COOLDOWN_SECONDS, remedy=KEY_REMEDY, detail=detail, cause="odoo:cooldown")
    return AccessRefused("odoo", "Odoo does not accept this user and key.", remedy=KEY_REMEDY, detail=detail, cause="odoo:key")


def _access(raw: str, detail: str) -> RemoteError:
    groups = needed_groups(raw)
    if not groups and ("(id=" in raw or raw.startswith("Due to security restrictions")):
        # A rule about single records (another company's, another salesperson's): it must not stop all the others.
        return Rejected("odoo", f"Odoo keeps this record from the user: {clean(raw)}", detail=detail, cause="odoo:record-rule",
                        remedy="Give the user access to that company or to all documents, or correct the record's company.")
    remedy = f"Give the user one of these groups in Odoo: {', '.join(groups)}." if groups else RIGHTS_REMEDY
    model = re.search(r"\(([a-z_]+(?:\.[a-z_]+)+)\)", raw)
    return AccessRefused("odoo", clean(raw.strip().split("\n\n")[0]), remedy=remedy, detail=detail,
                         cause=f"odoo:right:{model[1]}" if model else "odoo:right")


def _missing(raw: str, detail: str, uid: int | None) -> RemoteError:
    found = re.search(r"([a-z_]+(?:\.[a-z_]+)+)\((\d+)", raw)
    if found is None:
        return Missing("odoo", "The record does not exist in Odoo any more.", detail=detail, cause="odoo:missing")
    model, record = found[1], int(found[2])
    if model == "res.users" and record == uid:
        return AccessRefused("odoo", "The Odoo user of this connection was deleted.", remedy=KEY_REMEDY, detail=detail,
                             cause="odoo:key")
    return Missing("odoo", f"The record {model} {record} does not exist in Odoo any more.", detail=detail,
                   cause=f"odoo:missing:{model}")


def _rejected(name: str, kind: str, raw: str, detail: str) -> Rejected:
    field = re.search(r"Invalid field (?:name )?'?(?:(?:[a-z_]+\.)+)?(\w+)'?", raw)
    if kind == "KeyError":
        field = field or re.fullmatch(r"'?(\w+)'?", raw)
    if kind in ("ValueError", "KeyError") and field:
        return Rejected("odoo", f"This Odoo does not know the field {field[1]}.", detail=detail,
                        remedy="Test the connection again: an Odoo app was perhaps removed or the version changed.",
                        cause=f"odoo:field:{field[1]}")
    text = in_words(raw)
    if name.startswith("odoo.exceptions."):
        label = {"ValidationError": "validation", "UserError": "user"}.get(kind, kind.lower())
        return Rejected("odoo", text or "Odoo refused this without saying why.", detail=detail,
                        cause=f"odoo:{label}:{_constraint(raw) or _slug(text)}")
    return Rejected("odoo", f"Odoo failed on this request: {text or kind}", detail=detail,
                    cause=f"odoo:{kind.lower()}:{_slug(text)}",
                    remedy="If the record looks right, show the detail to your Odoo administrator.")


def _constraint(text: str) -> str:
    found = (re.fullmatch(r"\s*([a-z][a-z0-9]*(?:_[a-z0-9]+){2,})\s*", text) or re.search(r'constraint "(\w+)"', text)
             or re.search(r"\b(\w+_fkey)\b", text) or re.search(r"constraint: '[^']*' \((\w+)\)", text))
    return found[1] if found else ""


def _slug(text: str) -> str:
    """The words of a message without what differs from record to record, so that equal causes have equal keys."""
    bare = re.sub(r"\[[^\]]*\]|\([^)]*\)|\"[^\"]*\"|'[^']*'|\S*\d\S*", " ", text.lower())
    return "-".join(re.findall(r"[^\W\d_]+", bare)[:8])
