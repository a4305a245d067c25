"""The tables. States change only in `portal.sync.jobs`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import settings as store_settings
from portal.bounce_tables import Bounce as Bounce
from portal.crypto import Encrypted, new_token
from portal.db import Base, UtcDateTime, now
from portal.module_tables import HookSeen as HookSeen
from portal.module_tables import ShopModule as ShopModule
from portal.order_tables import OrderLedger as OrderLedger
from portal.order_tables import TaxChoice as TaxChoice
from portal.order_tables import TaxTable as TaxTable
from portal.page_tables import Activity as Activity
from portal.page_tables import SearchWord as SearchWord
from portal.report_tables import Alert as Alert
from portal.report_tables import AlertChannel as AlertChannel
from portal.report_tables import Drift as Drift
from portal.report_tables import DriftRun as DriftRun
from portal.report_tables import Rehearsal as Rehearsal
from portal.report_tables import RehearsalKey as RehearsalKey
from portal.report_tables import Rehearsed as Rehearsed

FAILED = "state IN ('error','dead')"
"""The condition of the index by which failed changes are grouped by their cause."""
REHEARSED = "rehearsed > 0"
LOG_OF_TROUBLE = "level <> 'info'"
LOG_OF_PEOPLE = "actor <> ''"
"""The conditions of the indexes by which the few entries are found that tell of trouble, or of what people did."""
BigId = BigInteger().with_variant(Integer, "sqlite")

WAITING = ("pending", "error", "blocked")
STATES = (*WAITING, "running", "synced", "dead", "discarded", "superseded")
UNFINISHED = "state IN ('pending','error','blocked','running','dead')"
"""The condition of the index by which pages count what is not done."""


class Store(Base):
    """One shop joined to one Odoo database."""

    __tablename__ = "store"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    """Random and permanent: part of the external ids in Odoo, so that two stores never touch each other's records."""
    ps_url: Mapped[str] = mapped_column(String(255))
    ps_key: Mapped[str] = mapped_column(Encrypted)
    odoo_url: Mapped[str] = mapped_column(String(255))
    odoo_db: Mapped[str] = mapped_column(String(255))
    odoo_login: Mapped[str] = mapped_column(String(255))
    odoo_key: Mapped[str] = mapped_column(Encrypted)
    choices: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    odoo_profile: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    shop_profile: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    notes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Cursors and watermarks of this store, such as the highest order id seen."""
    is_demo: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    cron_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    members: Mapped[list[User]] = relationship(secondary="store_member", back_populates="stores")

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting with its value, defaults included."""
        return {s.key: self.choices.get(s.key, s.default) for s in store_settings.STORE_SETTINGS}

    @property
    def target(self) -> str:
        """Which Odoo database the mappings belong to; another database has mappings of its own."""
        return f"{self.odoo_url.rstrip('/').lower()}|{self.odoo_db}"


class Token(Base):
    """A secret by which a caller from outside shows itself: cron, webhook or hooks of one store."""

    __tablename__ = "token"

    id: Mapped[int] = mapped_column(primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(Encrypted, default=new_token)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Set when the token was replaced: it stays valid until then."""


class Circuit(Base):
    """Whether one side of one store may be called. `open`: outage, probed now and then. `paused`: a person must act."""

    __tablename__ = "circuit"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    side: Mapped[str] = mapped_column(String(8), primary_key=True)
    state: Mapped[str] = mapped_column(String(8), default="closed")
    reason: Mapped[str] = mapped_column(Text, default="")
    remedy: Mapped[str] = mapped_column(Text, default="")
    failures: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    probe_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SyncJob(Base):
    """One change of one record on its way. See the state diagram in `portal.sync.jobs`."""

    __tablename__ = "sync_job"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    entity: Mapped[str] = mapped_column(String(32))
    direction: Mapped[str] = mapped_column(String(12))
    record: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12), default="pending")
    version: Mapped[int] = mapped_column(default=1)
    """Bumped by every further notice while the row waits."""
    rehearsed: Mapped[int] = mapped_column(default=0)
    """The version a dry run has already shown."""
    bulk: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(16))
    hint: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    attempts: Mapped[int] = mapped_column(default=0)
    deferrals: Mapped[int] = mapped_column(default=0)
    """Consecutive tries that used no attempt; sets the back-off of outages and of dependencies that do not help."""
    lost_leases: Mapped[int] = mapped_column(default=0)
    uncertain: Mapped[bool] = mapped_column(default=False)
    """A write may have happened whose answer was lost: the record is looked up before anything is created."""
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When RQ was last told; SQL is the record, this only keeps the queue from being flooded."""
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(String(128), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    remedy: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    run_id: Mapped[int | None] = mapped_column(ForeignKey("initial_run.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("uq_sync_job_waiting", "store_id", "entity", "direction", "record", unique=True,
              sqlite_where=text("state IN ('pending','error','blocked')"),
              postgresql_where=text("state IN ('pending','error','blocked')")),
        Index("uq_sync_job_running", "store_id", "entity", "direction", "record", unique=True,
              sqlite_where=text("state = 'running'"), postgresql_where=text("state = 'running'")),
        Index("ix_sync_job_due", "due_at", "bulk", "id",
              sqlite_where=text("state IN ('pending','error')"), postgresql_where=text("state IN ('pending','error')")),
        Index("ix_sync_job_state", "store_id", "state", "id"),
        Index("ix_sync_job_record", "store_id", "entity", "record", "id"),
        Index("ix_sync_job_run", "run_id", "state", "finished_at"),
        Index("ix_sync_job_unfinished", "store_id", "state", "entity",
              sqlite_where=text(UNFINISHED), postgresql_where=text(UNFINISHED)),
        Index("ix_sync_job_rehearsed", "store_id", sqlite_where=text(REHEARSED), postgresql_where=text(REHEARSED)),
        Index("ix_sync_job_cause", "store_id", "state", "cause", "id", sqlite_where=text(FAILED), postgresql_where=text(FAILED)),
    )


class Dependency(Base):
    """A job waits for a shop record to reach Odoo."""

    __tablename__ = "dependency"

    job_id: Mapped[int] = mapped_column(ForeignKey("sync_job.id", ondelete="CASCADE"), primary_key=True)
    entity: Mapped[str] = mapped_column(String(32), primary_key=True)
    record: Mapped[str] = mapped_column(String(64), primary_key=True)

    __table_args__ = (Index("ix_dependency_record", "entity", "record"),)


class JobEvent(Base):
    """One step in the life of a job."""

    __tablename__ = "job_event"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("sync_job.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    kind: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Mapping(Base):
    """A shop record and its counterpart in one Odoo database."""

    __tablename__ = "mapping"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(String(511))
    entity: Mapped[str] = mapped_column(String(32))
    shop_id: Mapped[str] = mapped_column(String(64))
    odoo_id: Mapped[int] = mapped_column(BigInteger)
    base: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The last agreed values, normalised."""
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the entity keeps beside it, such as the variant of a product."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_mapping_shop", "store_id", "target", "entity", "shop_id", unique=True),
        Index("ix_mapping_newest", "store_id", "target", "id"),
        Index("ix_mapping_newest_of", "store_id", "target", "entity", "id"),
        Index("ix_mapping_odoo", "store_id", "target", "entity", "odoo_id"),
    )


class Conflict(Base):
    """Both sides changed one field of a record differently. The value that lost is kept here, so that a person may choose it.

    `open`: nobody has looked at it. `kept`: a person is content with how it ended. `applied`: a person chose a side.
    """

    __tablename__ = "conflict"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(String(511))
    entity: Mapped[str] = mapped_column(String(32))
    shop_id: Mapped[str] = mapped_column(String(64))
    field: Mapped[str] = mapped_column(String(32))
    base: Mapped[Any] = mapped_column(JSON)
    shop_value: Mapped[Any] = mapped_column(JSON)
    odoo_value: Mapped[Any] = mapped_column(JSON)
    winner: Mapped[str] = mapped_column(String(12))
    """`prestashop`, `odoo`, or `manual` while nothing was written."""
    state: Mapped[str] = mapped_column(String(8), default="open")
    written: Mapped[bool] = mapped_column(default=True)
    """False from a person's choice until both sides have the chosen value."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("ix_conflict_record", "store_id", "entity", "shop_id", "state"),
        Index("ix_conflict_state", "store_id", "state", "id"),
    )


class InitialRun(Base):
    """One press on an initial-sync button: walks the ids of the shop, page by page, and can be resumed."""

    __tablename__ = "initial_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), index=True)
    entity: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(12), default="reading")
    """`reading` (walking the shop), `queued` (every record has its job), `cancelled`."""
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Set while a person holds it: nothing more is read, and what it noticed waits."""
    cursor: Mapped[str] = mapped_column(String(64), default="0")
    noticed: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class LogEntry(Base):
    """The log a merchant reads."""

    __tablename__ = "log_entry"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    level: Mapped[str] = mapped_column(String(8), default="info")
    entity: Mapped[str] = mapped_column(String(32), default="")
    record: Mapped[str] = mapped_column(String(64), default="")
    direction: Mapped[str] = mapped_column(String(12), default="", server_default="")
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    dry_run: Mapped[bool] = mapped_column(default=False)
    actor: Mapped[str] = mapped_column(String(255), default="")
    message: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("ix_log_entry_store", "store_id", "id"),
        Index("ix_log_entry_trouble", "store_id", "level", "id", sqlite_where=text(LOG_OF_TROUBLE),
              postgresql_where=text(LOG_OF_TROUBLE)),
        Index("ix_log_entry_people", "store_id", "id", sqlite_where=text(LOG_OF_PEOPLE), postgresql_where=text(LOG_OF_PEOPLE)),
    )


class Heartbeat(Base):
    """When a process of the installation was last alive."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ScanPage(Base):
    """What the last full comparison saw of a thousand ids of a shop resource that has no dates."""

    __tablename__ = "scan_page"

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id", ondelete="CASCADE"), primary_key=True)
    resource: Mapped[str] = mapped_column(String(32), primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rows: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """{id: [digest, record key]} of the rows whose product or customer is linked."""


class OneTimeLink(Base):
    """A link that works once: for the first administrator (no user), or for a user to choose a password. Stored as a digest."""

    __tablename__ = "one_time_link"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Throttle(Base):
    """A token bucket, such as the log-in attempts of one address."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    tokens: Mapped[float] = mapped_column(default=0.0)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


store_member = Table(
    "store_member",
    Base.metadata,
    Column("store_id", ForeignKey("store.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
)

user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Base, RoleMixin):
    """`admin` sees and changes everything; other users only the stores they are members of."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)


class User(Base, UserMixin):
    """Someone who may log in. Column names are those Flask-Security expects."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """Of the pages; empty: what the browser asks for."""
    zone: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """Time zone of the pages; empty: the browser's; "shop": that of each shop."""
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    roles: Mapped[list[Role]] = relationship(secondary=user_role)  # type: ignore[assignment]
    stores: Mapped[list[Store]] = relationship(secondary=store_member, back_populates="members")

    @property
    def is_admin(self) -> bool:
        return any(role.name == "admin" for role in self.roles)
