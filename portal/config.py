"""Every setting of the installation, typed, in one place. `docs/settings.md` is tested against this module."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class ConfigError(Exception):
    """A setting that cannot be used; the message names the variable and the remedy."""


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, default and what it is for (shown in the documentation)."""

    env: str
    default: str
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("PORTAL_DATA_DIR", "./var", "Folder for the database, the embedded server's file and the generated secret."),
    Setting("DATABASE_URL", "", "Database address. Default: SQLite in the data folder. PostgreSQL: postgresql+psycopg://…"),
    Setting("REDIS_URL", "", "Redis or Valkey address. Default: the embedded server that `portal up` starts."),
    Setting("PORTAL_SECRET_KEY", "", "Secret for sessions and encryption; several separated by commas: the first is used, the "
            "others still read. Default: generated into the data folder."),
    Setting("PORTAL_BIND", "127.0.0.1:8000", "Address and port of the web pages."),
    Setting("PORTAL_PUBLIC_URL", "", "Address under which browsers, the shop and Odoo reach the portal. Default: http://BIND."),
    Setting("PORTAL_ALLOW_PRIVATE_NETWORKS", "0", "1 lets stores use private and loopback addresses."),
    Setting("PORTAL_DEMO", "1", "1 gives an empty installation a demo store on the bundled sandbox."),
    Setting("PORTAL_WORKERS", "2", "Worker processes that `portal up` starts."),
    Setting("PORTAL_TICK_SECONDS", "10", "How often `portal up` looks for due work."),
    Setting("PORTAL_LEASE_SECONDS", "300", "How long a worker may hold a change before it is thought dead."),
    Setting("PORTAL_AMBIGUOUS_SECONDS", "150", "Wait before a write with unknown outcome is looked up again."),
    Setting("PORTAL_CALL_SECONDS", "45", "Longest duration of one call to the shop or Odoo."),
    Setting("PORTAL_SMTP_URL", "", "Mail server for alerts: smtp://user:password@host:587 (STARTTLS) or "
            "smtps://user:password@host:465. Special signs in the password are percent-encoded. Default: no mail is sent."),
    Setting("PORTAL_SMTP_FROM", "", "Sender of alerts. Default: the user of PORTAL_SMTP_URL, if that is an address."),
    Setting("PORTAL_LOG_LEVEL", "INFO", "Level of the process logs. DEBUG adds a line for each request."),
)


@dataclass(frozen=True)
class Config:
    """The settings as values. Build it with `Config.from_env`; nothing else reads the environment."""

    data_dir: Path
    database_url: str
    redis_url: str
    secret_keys: tuple[str, ...]
    bind: str
    public_url: str
    allow_private_networks: bool
    demo: bool
    workers: int
    tick_seconds: float
    lease_seconds: float
    ambiguous_seconds: float
    call_seconds: float
    log_level: str
    smtp_url: str = field(default="", repr=False)
    smtp_from: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Config:
        """Read the environment. Creates the data folder and, where none is given, the secret (mode 0600)."""
        env = os.environ if env is None else env
        text = {s.env: (env.get(s.env) or s.default).strip() for s in SETTINGS}
        data_dir = Path(text["PORTAL_DATA_DIR"]).expanduser().resolve()
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(f"PORTAL_DATA_DIR: cannot create {data_dir} ({error.strerror}). "
                              "Choose a folder this user may write to.") from error
        bind = text["PORTAL_BIND"]
        return cls(
            data_dir=data_dir,
            database_url=_database_url(text["DATABASE_URL"]) or f"sqlite:///{data_dir / 'portal.sqlite3'}",
            redis_url=text["REDIS_URL"],
            secret_keys=_secret_keys(text["PORTAL_SECRET_KEY"], data_dir),
            bind=bind,
            public_url=(text["PORTAL_PUBLIC_URL"] or f"http://{bind}").rstrip("/"),
            allow_private_networks=_switch(text, "PORTAL_ALLOW_PRIVATE_NETWORKS"),
            demo=_switch(text, "PORTAL_DEMO"),
            workers=int(_number(text, "PORTAL_WORKERS", lowest=1)),
            tick_seconds=_number(text, "PORTAL_TICK_SECONDS", lowest=0.1),
            lease_seconds=_number(text, "PORTAL_LEASE_SECONDS", lowest=1),
            ambiguous_seconds=_number(text, "PORTAL_AMBIGUOUS_SECONDS", lowest=0),
            call_seconds=_number(text, "PORTAL_CALL_SECONDS", lowest=1),
            log_level=text["PORTAL_LOG_LEVEL"].upper(),
            smtp_url=text["PORTAL_SMTP_URL"],
            smtp_from=_sender(text["PORTAL_SMTP_URL"], text["PORTAL_SMTP_FROM"]),
        )

    def to_env(self) -> dict[str, str]:
        """The variables a child process needs to come to the same configuration (secrets stay in the data folder)."""
        return {
            "PORTAL_DATA_DIR": str(self.data_dir),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PORTAL_BIND": self.bind,
            "PORTAL_PUBLIC_URL": self.public_url,
        }


def _database_url(given: str) -> str:
    """The address with the driver this project has, whichever usual form it was given in."""
    scheme, mark, rest = given.partition("://")
    return f"postgresql+psycopg://{rest}" if mark and scheme in ("postgres", "postgresql") else given


def _sender(url: str, given: str) -> str:
    """The sender of alerts; refuses a mail server that cannot be used when the portal starts, not when the first alert is due."""
    if not url:
        return given
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("smtp", "smtps") and parts.hostname and (parts.port or 1) and not parts.path.strip("/")
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError("PORTAL_SMTP_URL: use smtp://user:password@host:587 or smtps://user:password@host:465, with special "
                          "signs of the password percent-encoded.")
    sender = given or unquote(parts.username or "")
    if "@" not in sender or any(sign in sender for sign in "\r\n,"):
        raise ConfigError("PORTAL_SMTP_FROM: enter the address alerts are sent from, such as portal@example.com.")
    return sender


def _secret_keys(given: str, data_dir: Path) -> tuple[str, ...]:
    keys = tuple(k.strip() for k in given.split(",") if k.strip())
    if any(len(k) < 16 for k in keys):
        raise ConfigError("PORTAL_SECRET_KEY: use at least 16 characters, better 43 random ones.")
    if keys:
        return keys
    path = data_dir / "secret.key"
    if not path.exists():
        _create_secret(path)
    key = path.read_text().strip()
    if len(key) < 16:
        raise ConfigError(f"{path}: this is not a secret key. Restore the file from a backup; without it the stored keys of "
                          "shops and Odoo cannot be read.")
    return (key,)


def _create_secret(path: Path) -> None:
    """Write a new secret and link it into place when it is complete: several processes may start at once, one secret wins."""
    fd, name = tempfile.mkstemp(prefix=".secret-", dir=path.parent)
    try:
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(fd)
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


def _switch(text: Mapping[str, Any], name: str) -> bool:
    value = text[name].lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ConfigError(f"{name}: {text[name]!r} is neither 1 nor 0.")


def _number(text: Mapping[str, Any], name: str, *, lowest: float) -> float:
    try:
        value = float(text[name])
    except ValueError:
        raise ConfigError(f"{name}: {text[name]!r} is not a number.") from None
    if value < lowest:
        raise ConfigError(f"{name}: must be at least {lowest:g}.")
    return value
