"""Process logs: one line an entry, without secrets."""

from __future__ import annotations

import logging
import re

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"
HIDDEN = "[hidden]"

_PATTERNS = (
    # user and password, or the webservice key, in an address
    (re.compile(r"(://)[^/\s@\"']+@"), rf"\1{HIDDEN}@"),
    # the query string of an address, full or path alone
    (re.compile(r"((?:://|/)[^\s?\"'<>]*\?)[^\s\"'<>]+"), rf"\1{HIDDEN}"),
    # Authorization: Bearer …, Cookie: …, token=…, 'odoo_key': '…'
    (re.compile(r"(?i)((?:authorization|cookie)[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\r\n]+)"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)((?:token|key|passw(?:or)?d|secret)[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s&,;)}\]]+)"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), HIDDEN),
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_known: set[str] = set()


def hide(*secrets: str) -> None:
    """Never print these values, wherever they stand. Values under eight characters would hide ordinary words and are left."""
    _known.update(secret for secret in secrets if len(secret) >= 8)


def without_secrets(text: str) -> str:
    """The text without the values that `hide` was told of: for what a remote server says, which may repeat what it was sent."""
    for secret in tuple(_known):
        text = text.replace(secret, HIDDEN)
    return text


def redact(text: str) -> str:
    """The text without values that are, or look like, secrets; on one line, with control characters escaped."""
    text = without_secrets(text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return _CONTROL.sub(lambda found: repr(found.group())[1:-1], text)


class Redacting(logging.Formatter):
    """Formats an entry, traceback included, and takes the secrets out."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def set_up(level: str) -> None:
    """Log to standard error. Request lines of the HTTP client are left out: addresses may hold keys."""
    stream = logging.StreamHandler()
    stream.setFormatter(Redacting(FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(level)
    for name in ("httpx", "httpcore", "alembic", "rq.worker"):
        logging.getLogger(name).setLevel(logging.WARNING)
