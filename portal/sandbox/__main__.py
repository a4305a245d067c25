"""Both sandboxes in one process: `python -m portal.sandbox --odoo-port 8069 --shop-port 8080 --odoo-version 17`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from .faults import Faults
from .odoo_server import DEMO_DATABASE, DEMO_KEY, DEMO_LOGIN, make_odoo_server
from .prestashop import make_shop_server


def main() -> None:
    """Starts both servers, prints one ready line for each, and ends on SIGINT or SIGTERM, saving the data."""
    parser = argparse.ArgumentParser(prog="portal.sandbox", description="A PrestaShop and an Odoo to try things on.")
    parser.add_argument("--odoo-port", type=int, default=0, help="0: any free port")
    parser.add_argument("--shop-port", type=int, default=0, help="0: any free port")
    parser.add_argument("--odoo-version", default="17", choices=["14", "15", "16", "17", "18", "19"])
    parser.add_argument("--shop-version", default="9.1.4", choices=["8.1.2", "9.1.4"])
    parser.add_argument("--data-dir", type=Path, help="keeps the data of both between starts")
    options = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    faults = Faults()
    with (
        make_odoo_server(
            options.odoo_port, version=options.odoo_version, data_dir=options.data_dir, faults=faults
        ) as odoo,
        make_shop_server(
            options.shop_port, version=options.shop_version, data_dir=options.data_dir, faults=faults
        ) as shop,
    ):
        say = sys.stdout.write
        say(f"odoo ready url={odoo.url} database={DEMO_DATABASE} login={DEMO_LOGIN} key={DEMO_KEY}\n")
        say(f"shop ready url={shop.url} key={DEMO_KEY}\n")
        sys.stdout.flush()
        over.wait()


if __name__ == "__main__":
    main()
