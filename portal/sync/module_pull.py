"""Fetching what the module noted, for portals that the shop cannot reach, and for shops whose cron is asleep.

The portal calls the module's pull address, signed as the module signs its own messages. A page is stored, and confirmed with
the next call; the module deletes only what was confirmed in that very version. Whatever breaks off is simply pulled again.
"""

from __future__ import annotations

import json
from typing import Any

from portal.clients.errors import Rejected, RemoteError
from portal.clients.http import Http
from portal.db import now
from portal.models import Store
from portal.sync import hooks, log
from portal.sync.hook_message import MAX_CHANGES, SIGNATURE_HEADER, TIME_HEADER, Refused, check_signature, parse, sign
from portal.sync.services import Services

PATH = "index.php?fc=module&module=odooconnector&controller=pull"
"""The form that works with and without friendly addresses, and is not redirected to a language."""
MAX_ROUNDS = 100


def pull(services: Services, store: Store, *, limit: int = MAX_CHANGES) -> int:
    """Take over every change that waits in the module; how many were taken. Raises `RemoteError`, `Rejected` if the answer is
    not the module's (it is not installed, or has another secret)."""
    http = Http(store.ps_url, side="shop", call_seconds=services.config.call_seconds,
                allow_private=services.allow_private(store))
    taken = 0
    confirm: list[dict[str, Any]] = []
    rescan = ""
    try:
        for _ in range(MAX_ROUNDS):
            with services.db.read() as session:
                secrets = hooks.signing_secrets(session, store.key)
            body = json.dumps({"confirm": confirm, "rescan": rescan, "limit": limit}).encode()
            answer = http.send("POST", PATH, write=False, body=body,
                               headers={"Content-Type": "application/json", **sign(secrets, int(now().timestamp()), body)})
            try:
                check_signature(secrets, answer.headers.get(TIME_HEADER, ""), answer.headers.get(SIGNATURE_HEADER, ""),
                                answer.body, at=now().timestamp())
                message = parse(answer.body)
            except Refused as error:
                raise Rejected("shop", "The shop's module does not answer as it should.", cause="shop:module",
                               remedy="Download the module again and upload it to the shop.",
                               detail=f"HTTP {answer.status}; {error.message}") from error
            with services.db.begin() as session:
                facts = hooks.accept(session, session.get_one(Store, store.id), message)
            taken += facts["taken"]
            if not message.rows and not message.rescan:
                break
            confirm, rescan = list(message.rows), message.rescan
    finally:
        http.close()
    return taken


def trouble(store: Store) -> str:
    """Why the last pull of a module that was heard before was refused, and what to do; "" where it was not."""
    return str(store.notes.get("poll", {}).get("module", {}).get("trouble") or "")


def look(services: Services, store: Store, state: dict[str, Any]) -> dict[str, Any]:
    """Pull as a part of polling; what to remember: `absent` while no module was ever heard, `trouble` when one stopped answering.

    Never counts against the shop: a shop without the module is a good shop, and whether it works at all is asked elsewhere.
    """
    try:
        pull(services, store)
    except RemoteError as error:
        with services.db.begin() as session:
            heard = hooks.module_facts(session, store.id) is not None
            words = f"{error.message} {error.remedy}".strip() if heard and isinstance(error, Rejected) else ""
            if words and not state.get("trouble"):
                log.write(session, store.id, words, level="warning")
        return {"absent": not heard, "trouble": words}
    return {"absent": False, "trouble": ""}
