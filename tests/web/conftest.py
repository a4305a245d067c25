"""A portal with two stores, an administrator and a member of the first store; a small browser that keeps cookies and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import create_app
from portal.config import Config
from portal.db import Base, Database
from portal.extensions import services
from portal.models import Store, SyncJob, User
from portal.sync import jobs, stores
from portal.web.accounts import create_user

PASSWORD = "correct horse battery"
ADMIN = "admin@example.com"
MEMBER = "member@example.com"
SECRETS = {"ps_key": "SHOPKEY-5f0c2b7d", "odoo_key": "ODOOKEY-91ab44ce"}


@dataclass
class Browser:
    """A client that logs in and answers CSRF like a person's browser."""

    client: FlaskClient

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.csrf(), **(form or {})}, **options)

    def csrf(self) -> str:
        page = self.client.get("/account/password")
        if page.status_code != 200:
            page = self.client.get("/login")
        return re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1)  # type: ignore[union-attr]

    def login(self, email: str, password: str = PASSWORD) -> TestResponse:
        return self.post("/login", {"email": email, "password": password})


@dataclass
class World:
    """The ids of what stands in the database."""

    app: Flask
    db: Database
    mine: int
    other: int
    member: int
    admin: int

    def tokens(self, store_id: int) -> dict[str, str]:
        with self.db.read() as session:
            store = session.get_one(Store, store_id)
            return {kind: stores.token_value(session, store, kind) for kind in stores.TOKEN_KINDS}

    def job(self, store_id: int, record: str, state: str = "pending", *, entity: str = "customer", **values: Any) -> int:
        with self.db.begin() as session:
            job_id = jobs.notice(session, session.get_one(Store, store_id), entity, "ps_to_odoo", record, source="test")
            row = session.get_one(SyncJob, job_id)
            row.state = state
            for key, value in values.items():
                setattr(row, key, value)
            return job_id


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    application = create_app(config)
    with application.app_context():
        database = services().db
        Base.metadata.create_all(database.engine)
    yield application
    with application.app_context():
        services().close()


@pytest.fixture
def world(app: Flask) -> World:
    with app.app_context():
        database = services().db
        with database.begin() as session:
            admin = create_user(session, ADMIN, PASSWORD, admin=True)
            member = create_user(session, MEMBER, PASSWORD, admin=False)
            mine, other = add_store(session, "Mine"), add_store(session, "Other")
            mine.members.append(member)
            session.flush()
            return World(app, database, mine.id, other.id, member.id, admin.id)


def add_store(session: Session, name: str) -> Store:
    return stores.add_store(session, name, ps_url="http://127.0.0.1:1", odoo_url="http://127.0.0.1:2", odoo_db="odoo",
                            odoo_login="sync", **SECRETS)


@pytest.fixture
def anonymous(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def admin(world: World) -> Browser:
    return logged_in(world, ADMIN)


@pytest.fixture
def member(world: World) -> Browser:
    return logged_in(world, MEMBER)


def logged_in(world: World, email: str) -> Browser:
    browser = Browser(world.app.test_client())
    assert browser.login(email).status_code == 302
    return browser


def user(session: Session, email: str) -> User:
    return session.query(User).filter_by(email=email).one()


def words(page: TestResponse) -> str:
    """The text of a page as a reader sees it."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))
