"""Many records in one call of Odoo's `load`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.clients.errors import Rejected, Throttled
from portal.models import SyncJob
from portal.sync.work import Work


def cell(value: Any, *, boolean: bool) -> str:
    """A value as `load` wants it: text. JSON booleans crash there, and False stands for "empty" in all but boolean columns."""
    if value is None or (value is False and not boolean):
        return ""
    return str(value)


def load(work: Work, jobs: Sequence[SyncJob], model: str, header: Sequence[str], table: Sequence[Sequence[str]], *,
         language: str = "") -> list[int]:
    """Odoo ids in the order of the rows; archived records are found too. No rows, no call. `language`: that of the texts,
    if it is not the user's own.

    Raises `Rejected` if a row is refused, and then nothing was written.
    """
    if not table:
        return []
    work.before_write(jobs)
    result = work.odoo.load(model, header, table, context={"active_test": False, **({"lang": language} if language else {})})
    if result.ids is not None:
        return result.ids
    text = result.messages[0].text if result.messages else "It does not say why."
    if any(message.transient for message in result.messages):
        raise Throttled("odoo", f"Odoo was busy with the same records: {text}", retry_after=5)
    raise Rejected("odoo", f"Odoo refused the product or its combinations: {text}", cause=f"odoo:load:{model}",
                   remedy="Correct the product in the shop, then retry.")
