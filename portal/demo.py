"""The demo store: an empty installation gets one on the bundled sandbox, so that the main job is seen working."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass

from sqlalchemy import func, select

from portal.config import Config
from portal.db import Database
from portal.models import Store
from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_LOGIN
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sync import initial, stores
from portal.sync.services import Services

NAME = "demo"
CHOICES = {"enabled": True, "stock": "ps_to_odoo", "order_confirm": True}


@dataclass(frozen=True)
class Ports:
    """Where the sandbox listens on this machine."""

    shop: int
    odoo: int


def ports(config: Config, db: Database) -> Ports | None:
    """The sandbox's ports, chosen once and kept; None where neither a demo store exists nor one is to be made."""
    with db.read() as session:
        has_demo = session.scalar(select(func.count()).select_from(Store).where(Store.is_demo))
        has_any = session.scalar(select(func.count()).select_from(Store))
    if has_any and not has_demo:
        return None
    path = config.data_dir / "sandbox.json"
    if path.exists():
        return Ports(**json.loads(path.read_text()))
    chosen = Ports(_free_port(), _free_port())
    path.write_text(json.dumps(vars(chosen)))
    return chosen


def ensure_store(services: Services, where: Ports) -> None:
    """Make the demo store and start its initial sync, unless there is a store already."""
    with services.db.begin() as session:
        if session.scalar(select(func.count()).select_from(Store)):
            return
        store = stores.add_store(
            session, NAME, is_demo=True, ps_url=f"http://127.0.0.1:{where.shop}", ps_key=SHOP_KEY,
            odoo_url=f"http://127.0.0.1:{where.odoo}", odoo_db=DEMO_DATABASE, odoo_login=DEMO_LOGIN, odoo_key=ODOO_KEY)
        stores.change_store(session, store, CHOICES, actor="demo")
        for entity in ("customer", "product", "stock", "order"):
            initial.start(session, store, entity, actor="demo")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
