"""Starting a process: configuration, keys, schema, services."""

from __future__ import annotations

from portal import crypto, logs, migrate
from portal.clients.mail import MailServer
from portal.config import Config
from portal.db import Database, make_engine
from portal.rq_setup import connect_redis
from portal.sync.services import Services


def prepare(config: Config | None = None) -> Config:
    """Read the configuration, install the encryption keys and the log filter, bring the schema up to date."""
    config = config or Config.from_env()
    crypto.use_keys(config.secret_keys)
    if config.smtp_url:
        logs.hide(MailServer.from_url(config.smtp_url).password)
    logs.set_up(config.log_level)
    migrate.upgrade(config)
    return config


def open_services(config: Config, *, web: bool = False) -> Services:
    """Database, queue and clients of this process. Redis is connected to lazily; it may be away."""
    return Services(config, Database(make_engine(config.database_url)), connect_redis(config, web=web))
