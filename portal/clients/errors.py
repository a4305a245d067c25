"""What can go wrong on the other side. The error carries the decision; callers stay flat.

    RemoteError
    ├── Outage          not sent, or the side is down: no attempt is used, the circuit opens
    ├── Throttled       the side asked us to wait: no attempt is used
    ├── Ambiguous       a write was sent and its fate is unknown: look up before trying again
    ├── AccessRefused   wrong key or missing right: the side is paused, since a person must act
    └── Rejected        the data was refused: an attempt is used, dead at the limit
        └── Missing     the record does not exist (any more)
"""

from __future__ import annotations

from typing import Literal

Side = Literal["odoo", "shop"]


class RemoteError(Exception):
    """A failed call.

    `message`: one sentence for a merchant. `remedy`: what to do, may be empty. `detail`: the raw answer, shortened and without
    secrets, for the expert. `cause`: a short stable key by which equal causes are grouped, such as `odoo:validation:vat`.
    """

    def __init__(self, side: Side, message: str, *, remedy: str = "", detail: str = "", cause: str = "") -> None:
        super().__init__(message)
        self.side = side
        self.message = message
        self.remedy = remedy
        self.detail = detail[:2000]
        self.cause = cause or f"{side}:{type(self).__name__.lower()}"


class Outage(RemoteError):
    """The call was not sent or the side is not working: DNS, TCP, TLS, connect time-out, 502-504 on a read, maintenance page."""


class Throttled(RemoteError):
    """Too many calls; `retry_after` in seconds."""

    def __init__(self, side: Side, message: str, *, retry_after: float, remedy: str = "", detail: str = "",
                 cause: str = "") -> None:
        super().__init__(side, message, remedy=remedy, detail=detail, cause=cause)
        self.retry_after = retry_after


class Ambiguous(RemoteError):
    """A write was sent and the answer did not arrive whole: it may have happened."""


class AccessRefused(RemoteError):
    """Wrong key, unknown user, missing right."""


class Rejected(RemoteError):
    """The side understood and refused the data."""


class Missing(Rejected):
    """The record addressed does not exist."""
