"""What was sent for a change, as its page shows it: field by field, without secrets and with personal data masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.logs import without_secrets
from portal.sync.log import mask

Row = Mapping[str, Any]
PERSONAL = frozenset({"res.partner", "customers", "addresses"})
"""Odoo models and shop resources about people: every text is masked."""
PLAIN = frozenset({"id", "lang", "ref", "id_lang", "id_country", "id_customer", "country_id", "state_id", "customer_rank",
                   "active"})
"""Fields of a person that tell nothing about them."""
WORDS_OF_PEOPLE = frozenset({"note", "comment", "message"})
LONGEST_TEXT = 200
LONGEST_LIST = 40
DEEPEST = 6


def of_jobs(job_ids: Sequence[int], kind: str, method: str, rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
    """The entry for each job of a call. Rows and jobs that do not pair off are told by their number only."""
    call = f"{kind} {method}"
    if len(job_ids) == 1:
        values = [masked(kind, row) for row in rows[:LONGEST_LIST]]
        return {job_ids[0]: {"call": call, "values": values[0] if len(values) == 1 else values}}
    if len(job_ids) == len(rows):
        return {job_id: {"call": call, "values": masked(kind, row)} for job_id, row in zip(job_ids, rows, strict=True)}
    return {job_id: {"call": call, "records": len(rows)} for job_id in job_ids}


def masked(kind: str, row: Row) -> dict[str, Any]:
    """The values of one record fit to be kept."""
    return {str(name): _value(value, hidden=_is_personal(kind, str(name)), depth=0) for name, value in row.items()}


def _is_personal(kind: str, name: str) -> bool:
    return name in WORDS_OF_PEOPLE or (kind in PERSONAL and name.partition("/")[0] not in PLAIN)


def _value(value: Any, *, hidden: bool, depth: int) -> Any:
    if isinstance(value, str):
        if hidden and value:
            return f"{value[0]}…"
        text = mask(value)
        return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth == DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {str(name): _value(item, hidden=hidden or str(name) in WORDS_OF_PEOPLE, depth=depth + 1)
                for name, item in value.items()}
    if isinstance(value, Sequence):
        return [_value(item, hidden=hidden, depth=depth + 1) for item in value[:LONGEST_LIST]]
    return without_secrets(str(value))[:LONGEST_TEXT]
