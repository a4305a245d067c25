"""Numbers for Prometheus, read from SQL at every scrape; nothing is counted in the process."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db import now
from portal.models import Circuit, Heartbeat, Mapping, Store, SyncJob


def text(session: Session) -> bytes:
    """All metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(session))
    return bytes(generate_latest(registry))


class _Collector:
    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[GaugeMetricFamily]:
        names = dict(self._session.execute(select(Store.id, Store.name)).all())
        jobs = GaugeMetricFamily("portal_jobs", "Changes by store and state.", labels=["store", "state"])
        for store, state, n in self._session.execute(
                select(SyncJob.store_id, SyncJob.state, func.count()).group_by(SyncJob.store_id, SyncJob.state)):
            jobs.add_metric([names.get(store, str(store)), state], n)
        yield jobs
        linked = GaugeMetricFamily("portal_mappings", "Linked records by store and entity.", labels=["store", "entity"])
        for store, entity, n in self._session.execute(
                select(Mapping.store_id, Mapping.entity, func.count()).group_by(Mapping.store_id, Mapping.entity)):
            linked.add_metric([names.get(store, str(store)), entity], n)
        yield linked
        stopped = GaugeMetricFamily("portal_circuit_stopped", "1 while a side of a store may not be called.",
                                    labels=["store", "side", "state"])
        for row in self._session.scalars(select(Circuit).where(Circuit.state != "closed")):
            stopped.add_metric([names.get(row.store_id, str(row.store_id)), row.side, row.state], 1)
        yield stopped
        beats = GaugeMetricFamily("portal_heartbeat_age_seconds", "Seconds since a kind of process was last heard.",
                                  labels=["kind"])
        for kind, at in self._session.execute(select(Heartbeat.kind, func.max(Heartbeat.at)).group_by(Heartbeat.kind)):
            beats.add_metric([kind], max((now() - at).total_seconds(), 0))
        yield beats
