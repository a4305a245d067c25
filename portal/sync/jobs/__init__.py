"""The only package that changes a job's state.

    pending → running → synced            error → running           dead → pending (retry)
                 └────→ error | dead      pending|error|dead → discarded
    pending ⇄ blocked (waits for a dependency, or is frozen)      running|dead → superseded (merged into a newer waiting row)

At most one *waiting* row (pending, error, blocked) and one *running* row exist per (store, entity, direction, record); two
partial unique indexes keep it so. A notice while one waits bumps its version; a notice while one runs makes the next waiting
row. Work is claimed a *lane* at a time: only one worker holds rows of one (store, entity), so that two shop customers with one
e-mail address or two counts of one product can never be written side by side.

Every function takes the caller's session and leaves the commit to it.
"""

from __future__ import annotations

from portal.sync.jobs.counters import counts, dead_count, mapping_counts, unfinished
from portal.sync.jobs.leases import LOST_LEASES_LIMIT, claim, extend, held, is_due, reap
from portal.sync.jobs.notices import lock_waiting, notice, notice_many
from portal.sync.jobs.outcomes import BLOCKS_LIMIT, block, fail, freeze, postpone, rehearse, succeed, thaw, unblock_stale, wake
from portal.sync.jobs.people import RetryResult, discard, hurry, replay, retry, retry_failed
from portal.sync.jobs.steps import Failure, in_order

__all__ = ["BLOCKS_LIMIT", "LOST_LEASES_LIMIT", "Failure", "RetryResult", "block", "claim", "counts", "dead_count", "discard",
           "extend", "fail", "freeze", "held", "hurry", "in_order", "is_due", "lock_waiting", "mapping_counts", "notice",
           "notice_many", "postpone", "reap", "rehearse", "replay", "retry", "retry_failed", "succeed", "thaw",
           "unblock_stale", "unfinished", "wake"]
