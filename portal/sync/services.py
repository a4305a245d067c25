"""What a process needs to work: configuration, database, queue, and clients that keep their connections."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from redis import Redis
from rq import Queue
from sqlalchemy.exc import SQLAlchemyError

from portal.clients import odoo as odoo_client
from portal.clients import prestashop as shop_client
from portal.clients.odoo import Odoo, Profile
from portal.clients.prestashop import Shop, ShopProfile
from portal.config import Config
from portal.db import Database
from portal.models import Store
from portal.rq_setup import make_queue
from portal.sync.announcer import Announcer
from portal.sync.queue import dispatch

logger = logging.getLogger(__name__)

T = TypeVar("T")

PROFILE_SECONDS = 24 * 3600
"""How long a process trusts what it knows of a server's abilities."""


@dataclass
class Services:
    """One per process. Clients are kept per store and made anew when an address or key changes."""

    config: Config
    db: Database
    redis: Redis | None = None
    name: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}")
    """Of this process, for its sign of life."""
    _announcer: Announcer = field(init=False)
    _facts: dict[tuple[Any, ...], tuple[float, Any]] = field(default_factory=dict)
    _clients: dict[tuple[str, int], tuple[tuple[Any, ...], Any, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._announcer = Announcer(self.kick)

    def odoo(self, store: Store) -> Odoo:
        """The store's Odoo, probed."""
        credentials = (store.odoo_url, store.odoo_db, store.odoo_login, store.odoo_key)
        return cast(Odoo, self._client("odoo", store, credentials, self._connect_odoo))

    def shop(self, store: Store) -> Shop:
        """The store's shop, probed."""
        return cast(Shop, self._client("shop", store, (store.ps_url, store.ps_key), self._connect_shop))

    def allow_private(self, store: Store) -> bool:
        """The bundled sandbox is the only private address that needs no permission."""
        return self.config.allow_private_networks or store.is_demo

    def _client(self, side: str, store: Store, credentials: tuple[Any, ...], connect: Any) -> Any:
        known = self._clients.get((side, store.id))
        if known is not None and known[0] == credentials and time.monotonic() - known[2] < PROFILE_SECONDS:
            return known[1]
        if known is not None:
            known[1].close()
            del self._clients[(side, store.id)]
        client = connect(store)
        self._clients[(side, store.id)] = (credentials, client, time.monotonic())
        return client

    def _connect_odoo(self, store: Store) -> Odoo:
        client = odoo_client.connect(store.odoo_url, store.odoo_db, store.odoo_login, store.odoo_key,
                                     call_seconds=self.config.call_seconds, allow_private=self.allow_private(store))
        profile: Profile = _probed(client)
        with self.db.begin() as session:
            row = session.get(Store, store.id)
            if row is not None:
                row.odoo_profile = profile.to_json()
        return client

    def _connect_shop(self, store: Store) -> Shop:
        client = shop_client.connect(store.ps_url, store.ps_key, call_seconds=self.config.call_seconds,
                                     allow_private=self.allow_private(store))
        profile: ShopProfile = _probed(client)
        with self.db.begin() as session:
            row = session.get(Store, store.id)
            if row is not None:
                row.shop_profile = profile.to_json()
        return client

    def remember(self, what: str, store: Store, seconds: float, read: Callable[[], T]) -> T:
        """What `read` returned for this store within the last `seconds`."""
        key = (what, store.id, store.ps_url, store.target)
        known = self._facts.get(key)
        if known is None or time.monotonic() - known[0] > seconds:
            known = self._facts[key] = (time.monotonic(), read())
        return cast(T, known[1])

    def queue(self) -> Queue | None:
        """The RQ queue, or None where this process has no Redis."""
        return make_queue(self.redis) if self.redis is not None else None

    def kick(self) -> None:
        """Tell RQ what is due, after a commit. Never raises: what is not told now, `tick` tells later."""
        queue = self.queue()
        if queue is None:
            return
        try:
            dispatch(self.db, queue)
        except SQLAlchemyError as error:
            logger.warning("the database does not answer: %s; the next round tells of what is due", type(error).__name__)

    def kick_soon(self) -> None:
        """The same beside the caller, who does not wait; many calls at once are one."""
        self._announcer.ask()

    def forget(self, store: Store) -> None:
        """Drop the store's clients, so that the next use probes again."""
        for side in ("odoo", "shop"):
            known = self._clients.pop((side, store.id), None)
            if known is not None:
                known[1].close()

    def close(self) -> None:
        """Close every connection."""
        self._announcer.end()
        for _, client, _ in self._clients.values():
            client.close()
        self._clients.clear()
        if self.redis is not None:
            self.redis.close()
        self.db.engine.dispose()


def _probed(client: Any) -> Any:
    """The profile of a new client, which is closed if it cannot tell."""
    try:
        return client.probe()
    except BaseException:
        client.close()
        raise
