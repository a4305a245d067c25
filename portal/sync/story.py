"""The story of one record: its link, its changes in both directions, and every step of each, newest first. SQL only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.entities.base import Ref
from portal.models import Dependency, JobEvent, Mapping, Store, SyncJob

CHANGES = 50
STEPS = 200


@dataclass(frozen=True)
class Story:
    """What is known of a record: its link, its newest changes and their steps, and what it waits for."""

    mapping: Mapping | None
    changes: list[SyncJob]
    steps: list[tuple[JobEvent, SyncJob]]
    waits_for: list[Ref]

    def by_change(self) -> list[tuple[SyncJob, list[JobEvent]]]:
        """The changes with their steps, newest first."""
        steps: dict[int, list[JobEvent]] = {job.id: [] for job in self.changes}
        for event, job in self.steps:
            steps[job.id].append(event)
        return [(job, steps[job.id]) for job in self.changes]

    @property
    def known(self) -> bool:
        return self.mapping is not None or bool(self.changes)


def of_record(session: Session, store: Store, entity: str, record: str) -> Story:
    """The story of a shop record, by its shop id."""
    mapping = linked(session, store, entity, record)
    there = counterparts(session, store, entity, record)
    theirs = (SyncJob.direction == "odoo_to_ps") & SyncJob.record.in_(there)
    changes = list(session.scalars(
        select(SyncJob).where(SyncJob.store_id == store.id, SyncJob.entity == entity, SyncJob.record.in_([record, *there]),
                              or_((SyncJob.direction == "ps_to_odoo") & (SyncJob.record == record), theirs))
        .order_by(SyncJob.id.desc()).limit(CHANGES)))
    by_id = {job.id: job for job in changes}
    events = session.scalars(select(JobEvent).where(JobEvent.job_id.in_(by_id)).order_by(JobEvent.id.desc()).limit(STEPS))
    waits = session.execute(select(Dependency.entity, Dependency.record).where(Dependency.job_id.in_(by_id)).distinct())
    return Story(mapping, changes, [(event, by_id[event.job_id]) for event in events], [Ref(*row) for row in waits])


def linked(session: Session, store: Store, entity: str, record: str) -> Mapping | None:
    """The link of a shop record in the Odoo database of now."""
    return session.scalars(select(Mapping).where(Mapping.store_id == store.id, Mapping.target == store.target,
                                                 Mapping.entity == entity, Mapping.shop_id == record)).first()


def counterparts(session: Session, store: Store, entity: str, record: str) -> list[str]:
    """By which ids changes that come from Odoo name this record: templates, orders, and for stock the variant."""
    names = (entity, "combination", "product") if entity == "stock" else (entity,)
    found: list[str] = []
    for row in session.scalars(select(Mapping).where(Mapping.store_id == store.id, Mapping.target == store.target,
                                                     Mapping.entity.in_(names), Mapping.shop_id == record)):
        number = row.data.get("variant_id") if entity == "stock" and row.entity == "product" else row.odoo_id
        if number:
            found.append(str(number))
    return sorted(set(found))


def shop_record(session: Session, store: Store, job: SyncJob) -> str | None:
    """The shop id of the record a change is about; None where a change from Odoo is about one that is not linked."""
    if job.direction == "ps_to_odoo":
        return job.record
    if not job.record.isdecimal():
        return None
    entities = ("stock", "combination") if job.entity == "stock" else (job.entity,)
    return session.scalars(select(Mapping.shop_id).where(
        Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity.in_(entities),
        Mapping.odoo_id == int(job.record)).order_by(Mapping.id)).first()
