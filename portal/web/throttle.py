"""Rate limits as token buckets in SQL, so that they hold across processes and restarts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.db import insert_into, now
from portal.models import Throttle


@dataclass(frozen=True)
class Limit:
    """So many at once, and one more every so many seconds."""

    name: str
    burst: int
    seconds: float


LOGIN_ADDRESS = Limit("login-address", 20, 15)
LOGIN_ACCOUNT = Limit("login-account", 10, 60)
TEST_CONNECTION = Limit("test-connection", 15, 10)


def take(session: Session, limit: Limit, who: str) -> float:
    """Use one token of this caller's bucket. 0 when there was one, otherwise the seconds until there is."""
    key = _key(limit, who)
    at = now()
    session.execute(insert_into(session, Throttle).values(key=key, tokens=limit.burst, updated_at=at).on_conflict_do_nothing())
    row = session.get_one(Throttle, key, with_for_update=True)
    passed = max((at - row.updated_at).total_seconds(), 0)  # a clock that was set back takes nothing away
    tokens = min(limit.burst, row.tokens + passed / limit.seconds)
    row.updated_at = at
    row.tokens = tokens - 1 if tokens >= 1 else tokens
    return 0 if tokens >= 1 else (1 - tokens) * limit.seconds


def give_back(session: Session, limit: Limit, who: str) -> None:
    """Return the token of an attempt that turned out well."""
    row = session.get(Throttle, _key(limit, who), with_for_update=True)
    if row is not None:
        row.tokens = min(limit.burst, row.tokens + 1)


def _key(limit: Limit, who: str) -> str:
    return f"{limit.name}:{hashlib.sha256(who.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"
