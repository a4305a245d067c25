from __future__ import annotations

import pytest
from sqlalchemy import select

from portal import crypto
from portal.db import Database
from portal.models import Store, Token
from portal.report_tables import AlertChannel
from portal.secret_commands import reencrypt
from tests.sync.factory import make_store


@pytest.fixture(autouse=True)
def own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "_cipher", [])


def secrets(db: Database) -> list[str]:
    with db.read() as session:
        stores = [text for store in session.scalars(select(Store)) for text in (store.ps_key, store.odoo_key)]
        return [*stores, *session.scalars(select(Token.value).order_by(Token.id)), *session.scalars(select(AlertChannel.target))]


def filled(db: Database) -> list[str]:
    crypto.use_keys(["former"])
    store = make_store(db)
    with db.begin() as session:
        session.add(AlertChannel(store_id=store.id, kind="webhook", target="https://example.com/hook?key=1", waiting=[]))
    return secrets(db)


def test_every_stored_secret_is_written_anew_and_the_former_key_is_no_longer_needed(db: Database) -> None:
    before = filled(db)
    crypto.use_keys(["new", "former"])
    with db.begin() as session:
        assert reencrypt(session) == len(before) >= 6
    crypto.use_keys(["new"])
    assert secrets(db) == before


def test_where_no_key_fits_nothing_is_changed(db: Database) -> None:
    before = filled(db)
    crypto.use_keys(["new"])
    with pytest.raises(crypto.UndecryptableError), db.begin() as session:
        reencrypt(session)
    crypto.use_keys(["former"])
    assert secrets(db) == before
