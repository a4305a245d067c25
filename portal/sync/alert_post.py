"""Alerts on their way: the channels of a store, and the thread that watches and delivers beside everything else.

Nothing here is called by a tick or a job: a mail server that hangs delays only other alerts. A channel is taken by compare-and-set,
so several processes may deliver; a message is sent at least once and keeps its id.
"""

from __future__ import annotations

import logging
import re
import threading
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.clients import callback, guard
from portal.clients.mail import MailServer, Undelivered
from portal.config import Config
from portal.db import now
from portal.logs import without_secrets
from portal.models import AlertChannel, Store
from portal.settings import SettingError
from portal.sync import alerts, log
from portal.sync.services import Services

logger = logging.getLogger(__name__)

KINDS = {"email": "E-mail", "webhook": "Webhook"}
MOST_RECIPIENTS = 10
MINE = timedelta(minutes=5)
"""How long one process has a channel for itself."""
LONGEST_WAIT = timedelta(hours=1)
FIRST_ROUND = 60.0
"""After a start, what beats needs a moment before its silence means anything."""
EVERY = 15.0
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])")
_HEADLINE = {"active": "", "grown": "More: ", "resolved": "Solved: ", "test": ""}


class Postman(threading.Thread):
    """Watches and delivers for as long as its process lives."""

    def __init__(self, services: Services, *, first: float = FIRST_ROUND, every: float = EVERY) -> None:
        super().__init__(name="alerts", daemon=True)
        self._services, self._first, self._every = services, first, every
        self._over = threading.Event()

    def run(self) -> None:
        wait = self._first
        while not self._over.wait(wait):
            go_round(self._services)
            wait = self._every

    def stop(self) -> None:
        """End after the round that runs now."""
        self._over.set()


def go_round(services: Services) -> None:
    """Watch and deliver once. Never raises: alerts must break nothing."""
    try:
        alerts.watch(services.db, services.config.public_url)
        deliver(services)
    except Exception:
        logger.exception("alerts could not be looked after; the next round tries again")


def set_channel(session: Session, store: Store, kind: str, target: str, config: Config, actor: str = "") -> bool:
    """Set where a store's alerts go, or nowhere with "". Whether that changed anything. Raises `SettingError`."""
    clean = _clean(kind, target, config.allow_private_networks) if target.strip() else ""
    row = session.get(AlertChannel, (store.id, kind))
    if clean == (row.target if row else ""):
        return False
    if not clean:
        session.delete(row)
    elif row is None:
        session.add(AlertChannel(store_id=store.id, kind=kind, target=clean, failures=0, problem="", waiting=[]))
    else:
        row.target, row.failures, row.problem, row.failed_at, row.busy_until, row.waiting = clean, 0, "", None, None, []
    where = f"go to {shown(kind, clean)}" if clean else "go nowhere now"
    log.write(session, store.id, f"Alerts by {KINDS[kind].lower()} {where}.", actor=actor)
    return True


def shown(kind: str, target: str) -> str:
    """Where a channel leads, without what may be a secret."""
    return callback.shown(target) if kind == "webhook" else target


def test(services: Services, store: Store) -> dict[str, str]:
    """Send a test message over every channel now; by kind: "" or what is wrong, with the remedy."""
    with services.db.read() as session:
        found = [(row.kind, row.target) for row in alerts.channels(session, store.id)]
    words = alerts.message(store, "test", "test", "This is a test", "Alerts of this store arrive here.", services.config.public_url)
    return {kind: _attempt(services.config, kind, target, words) for kind, target in found}


def deliver(services: Services) -> int:
    """Send what waits, channel by channel; how many messages arrived."""
    with services.db.read() as session:
        keys = [(row.store_id, row.kind) for row in session.scalars(select(AlertChannel)) if _is_due(row, now())]
    return sum(_empty(services, key) for key in keys)


def _empty(services: Services, key: tuple[int, str]) -> int:
    """Send a channel's messages in order until one fails."""
    sent = 0
    while (found := _claim(services, key)) is not None:
        target, words = found
        problem = _attempt(services.config, key[1], target, words)
        with services.db.begin() as session:
            row = session.get(AlertChannel, key, with_for_update=True)
            if row is None or row.target != target:
                return sent
            _note(session, row, words, problem)
        if problem:
            return sent
        sent += 1
    return sent


def _claim(services: Services, key: tuple[int, str]) -> tuple[str, dict[str, Any]] | None:
    """Take the channel for this process; its target and oldest message."""
    at = now()
    with services.db.begin() as session:
        row = session.get(AlertChannel, key)
        if row is None or not _is_due(row, at):
            return None
        free = AlertChannel.busy_until.is_(None) if row.busy_until is None else AlertChannel.busy_until == row.busy_until
        won: Any = session.execute(update(AlertChannel).where(AlertChannel.store_id == key[0], AlertChannel.kind == key[1], free)
                                   .values(busy_until=at + MINE).execution_options(synchronize_session=False))
        return (row.target, row.waiting[0]) if won.rowcount else None


def _note(session: Session, row: AlertChannel, words: dict[str, Any], problem: str) -> None:
    """Keep how an attempt ended. The first failure in a row is told in the log."""
    if not problem:
        row.waiting = [other for other in row.waiting if other["id"] != words["id"]]
        row.sent_at, row.failures, row.problem, row.busy_until = now(), 0, "", None
        return
    if not row.failures:
        log.write(session, row.store_id, f"An alert by {KINDS[row.kind].lower()} was not delivered: {problem}", level="warning")
    row.failures += 1
    row.failed_at, row.problem = now(), problem
    row.busy_until = now() + min(timedelta(minutes=1) * 2 ** min(row.failures - 1, 10), LONGEST_WAIT)


def _attempt(config: Config, kind: str, target: str, words: dict[str, Any]) -> str:
    """Send one message; "" or why not."""
    try:
        if kind == "webhook":
            callback.post(target, words, allow_private=config.allow_private_networks, key=words["id"])
        else:
            _mail(config, target, words)
    except Undelivered as error:
        return without_secrets(f"{error.message} {error.remedy}".strip())
    return ""


def _mail(config: Config, target: str, words: dict[str, Any]) -> None:
    if not config.smtp_url:
        raise Undelivered("This installation has no mail server.", "Set PORTAL_SMTP_URL and start the portal again.")
    subject = f"[{words['store']}] {_HEADLINE[words['state']]}{words['title']}"
    text = f"{words['title']}\n\n{words['text']}\n\n{words['link']}\n"
    MailServer.from_url(config.smtp_url).send(config.smtp_from, target.split(", "), subject, text, words["id"])


def _is_due(row: AlertChannel, at: datetime) -> bool:
    return bool(row.waiting) and (row.busy_until is None or row.busy_until <= at)


def _clean(kind: str, target: str, allow_private: bool) -> str:
    if kind == "webhook":
        try:
            return callback.check(target, allow_private=allow_private)
        except guard.BadAddress as error:
            raise SettingError(f"webhook: {error} {error.remedy}") from None
    addresses = list(dict.fromkeys(part for part in re.split(r"[,;\s]+", target.strip()) if part))
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise SettingError(f"email: {address[:80]!r} is no e-mail address. Enter addresses separated by commas.")
    if len(addresses) > MOST_RECIPIENTS:
        raise SettingError(f"email: at most {MOST_RECIPIENTS} addresses.")
    return ", ".join(addresses)
