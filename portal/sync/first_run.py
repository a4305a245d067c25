"""The way from an empty store to a running one, as a list of steps of which each knows whether it is done. SQL only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import exists, or_, select, text
from sqlalchemy.orm import Session

from portal.entities import registry
from portal.models import REHEARSED, WAITING, InitialRun, Rehearsal, Store, SyncJob
from portal.settings import allowed

Key = Literal["connect", "choose", "rehearse", "initial", "enable"]
ORDER: tuple[Key, ...] = ("connect", "choose", "rehearse", "initial", "enable")


@dataclass(frozen=True)
class Step:
    """One step and where it stands: `done`, `next` (the first that is not), or `later`."""

    key: Key
    state: Literal["done", "next", "later"]


def steps(session: Session, store: Store) -> list[Step]:
    """The steps in their order."""
    done = {
        "connect": store.shop_profile is not None and store.odoo_profile is not None,
        "choose": any(_travels(store, entity.name) for entity in registry.ENTITIES),
        "rehearse": False,
        "initial": initial_done(session, store),
        "enable": bool(store.settings["enabled"]),
    }
    done["rehearse"] = done["initial"] or _rehearsed(session, store)
    first = next((key for key in ORDER if not done[key]), None)
    return [Step(key, "done" if done[key] else "next" if key == first else "later") for key in ORDER]


def initial_done(session: Session, store: Store) -> bool:
    """Whether everything that is to travel from the shop was brought over once."""
    wanted = [entity.name for entity in registry.ENTITIES if allowed(store.settings, entity.name, "ps_to_odoo")]
    return all(_finished(session, store.id, name) for name in wanted)


def next_step(found: Sequence[Step]) -> Key | None:
    """The step to take now; None where all are done."""
    return next((step.key for step in found if step.state == "next"), None)


def _finished(session: Session, store_id: int, entity: str) -> bool:
    run = session.scalars(select(InitialRun.id).where(
        InitialRun.store_id == store_id, InitialRun.entity == entity, InitialRun.state == "queued").order_by(
            InitialRun.id.desc()).limit(1)).first()
    return run is not None and not session.scalar(
        select(exists().where(SyncJob.run_id == run, SyncJob.state.in_((*WAITING, "running")))))


def _travels(store: Store, entity: str) -> bool:
    return allowed(store.settings, entity, "ps_to_odoo") or allowed(store.settings, entity, "odoo_to_ps")


def _rehearsed(session: Session, store: Store) -> bool:
    """Whether a rehearsal came to its end, or changes went through a dry run."""
    return bool(session.scalar(select(or_(
        exists().where(Rehearsal.store_id == store.id, Rehearsal.state == "finished"),
        exists().where(SyncJob.store_id == store.id, text(REHEARSED))))))
