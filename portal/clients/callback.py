"""One POST of JSON to an address that a merchant entered: guarded against private networks as a shop's address is."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from portal.clients import guard, network
from portal.clients.http import why_not_connected
from portal.clients.mail import Undelivered

SECONDS = 10.0
LONGEST = 2000


def check(url: str, *, allow_private: bool) -> str:
    """The trimmed address, which may have a query. Raises `guard.BadAddress`."""
    url = url.strip()
    guard.check_url(url.partition("?")[0], allow_private=allow_private)
    if len(url) > LONGEST or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url) or "#" in url:
        raise guard.BadAddress("The address holds a blank or the sign #, or is too long.", "Copy it again from where it was made.")
    return url


def shown(url: str) -> str:
    """The address without what may be its secret."""
    parts = httpx.URL(url)
    return f"{parts.scheme}://{parts.netloc.decode()}/…"


def post(url: str, document: dict[str, Any], *, allow_private: bool, key: str) -> None:
    """Send the document; `key` goes into `Idempotency-Key`. Only a 2xx answer counts. Raises `Undelivered`."""
    token = network.deadline.set(time.monotonic() + SECONDS)
    try:
        address = check(url, allow_private=allow_private)
        transport = network.GuardedTransport(network.GuardedBackend(allow_private=allow_private), keep_alive_seconds=0)
        with httpx.Client(transport=transport, timeout=SECONDS, trust_env=False, follow_redirects=False) as client:
            headers = {"Content-Type": "application/json", "User-Agent": "odoo-connector", "Idempotency-Key": key}
            with client.stream("POST", address, content=json.dumps(document), headers=headers) as answer:
                status = answer.status_code
    except guard.BadAddress as error:
        raise Undelivered(str(error), error.remedy) from error
    except httpx.TimeoutException as error:
        raise Undelivered("The address did not answer in time.", "Ask whoever runs it.") from error
    except (httpx.ConnectError, httpx.InvalidURL) as error:
        message, remedy, _ = why_not_connected(error, "The address")
        raise Undelivered(message, remedy) from error
    except httpx.HTTPError as error:
        raise Undelivered("The address broke off the connection.", "Ask whoever runs it.") from error
    finally:
        network.deadline.reset(token)
    if not 200 <= status < 300:
        raise Undelivered(f"The address answers HTTP {status}.", "Copy it again from where it was made.")
