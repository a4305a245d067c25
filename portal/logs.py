"""Process logs: one line an entry, without secrets."""

from __future__ import annotations

import logging
import re

_SECRETS = (
    re.compile(r"(?i)((?:token|key|ws_key|password|secret|authorization)[\"']?\s*[=:]\s*[\"']?)(?:Bearer |Basic )?[^\s\"'&,}]+"),
    re.compile(r"(?i)()\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(://[^/\s:@]*:)[^@\s/]+(?=@)"),
)


def redact(text: str) -> str:
    """The text without values that look like secrets, and on one line."""
    for pattern in _SECRETS:
        text = pattern.sub(r"\1[hidden]", text)
    return text.replace("\r", "\\r").replace("\n", "\\n")


class Redacting(logging.Formatter):
    """Formats an entry, traceback included, and takes the secrets out."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def set_up(level: str) -> None:
    """Log to standard error. Request lines of the HTTP client are left out: addresses may hold keys."""
    stream = logging.StreamHandler()
    stream.setFormatter(Redacting("%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(level)
    for name in ("httpx", "httpcore", "alembic", "rq.worker"):
        logging.getLogger(name).setLevel(logging.WARNING)
