"""Records that several tests of this folder need."""

from __future__ import annotations

from typing import Any

from portal.db import Database
from portal.models import Store
from portal.sync import jobs, stores


def make_store(db: Database, name: str = "shop", **choices: Any) -> Store:
    """An enabled store with its tokens."""
    with db.begin() as session:
        store = stores.add_store(session, name, ps_url="https://shop.example.com", ps_key="shop-key-secret",
                                 odoo_url="https://odoo.example.com", odoo_db="db", odoo_login="sync", odoo_key="odoo-key-secret")
        store.choices = {"enabled": True, **choices}
    return store


def notice(db: Database, store: Store, record: str = "1", entity: str = "customer", **options: Any) -> int:
    """Notice a change, as a hook would."""
    with db.begin() as session:
        return jobs.notice(session, store, entity, "ps_to_odoo", record, source="test", **options)
