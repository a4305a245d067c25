"""Many records in one PATCH to the shop; if the shop refuses it, only the guilty record fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.clients.errors import Rejected
from portal.models import SyncJob
from portal.sync.work import Work

Row = dict[str, Any]


def patch(work: Work, resource: str, rows: Sequence[tuple[SyncJob, Row]]) -> list[SyncJob]:
    """Write these rows and return the jobs whose row was written; the others have failed.

    The shop has no transaction: of a refused request the records before the guilty one may be written. Writing them again does
    no harm, so the list is halved until the guilty ones stand alone.
    """
    if not rows:
        return []
    work.before_write([job for job, _ in rows])
    try:
        work.shop.patch(resource, [row for _, row in rows])
    except Rejected as error:
        if len(rows) == 1:
            work.failed(rows[0][0], error)
            return []
        half = len(rows) // 2
        return patch(work, resource, rows[:half]) + patch(work, resource, rows[half:])
    return [job for job, _ in rows]
