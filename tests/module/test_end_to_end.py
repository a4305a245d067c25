"""The module's real code, from a real download, against a real portal process that is stopped, frozen and killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.module.shop import StubShop, saved

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.php, pytest.mark.processes]

CALM = ["sql", "UPDATE ps_odooconnector_state SET value = '0' WHERE name IN ('paused', 'sending')"]
LONG = ["send", 60.0]


class PortalProcess:
    """`portal web` on a port of its own, to be started and ended at will; `portal` commands beside it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{s.getsockname()[1]}"
        self.env = {**{k: v for k, v in os.environ.items() if not k.startswith("PORTAL_")},
                    "PORTAL_DATA_DIR": str(folder / "var"), "PORTAL_BIND": self.address, "PORTAL_DEMO": "0",
                    "PORTAL_ALLOW_PRIVATE_NETWORKS": "1", "PORTAL_PRESTASHOP_KEY": "k", "PORTAL_ODOO_KEY": "k",
                    "DATABASE_URL": "", "REDIS_URL": "", "PYTHONPATH": str(ROOT)}
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "portal", *words], env=self.env, cwd=ROOT, capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "portal", "web"], env=self.env, cwd=ROOT, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 90
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.address}/healthz", timeout=2) as answer:
                    assert answer.status == 200
                    return
            except (urllib.error.URLError, OSError):
                assert self.process.poll() is None, "the portal ended by itself"
                assert time.monotonic() < deadline, "the portal does not answer"
                time.sleep(0.05)

    def send(self, number: int) -> None:
        assert self.process
        os.killpg(self.process.pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.process.wait(20)

    def queue(self) -> dict[str, Any]:
        return dict(json.loads(self.command("status", "Shop", "--json"))["stores"][0]["queue"])


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[PortalProcess]:
    made = PortalProcess(tmp_path)
    made.command("init")
    made.command("store", "add", "Shop", "--prestashop-url", "http://127.0.0.1:9", "--odoo-url", "http://127.0.0.1:9",
                 "--odoo-db", "d", "--odoo-user", "u")
    yield made
    if made.process and made.process.poll() is None:
        made.send(signal.SIGCONT)
        made.send(signal.SIGKILL)


@pytest.fixture
def downloaded(portal: PortalProcess, tmp_path: Path) -> StubShop:
    """A shop with the module as the merchant downloads it."""
    portal.command("module", "build", "Shop", "-o", str(tmp_path / "module.zip"))
    zipfile.ZipFile(tmp_path / "module.zip").extractall(tmp_path / "modules")
    shop = StubShop(tmp_path, module=tmp_path / "modules" / "odooconnector")
    shop.request(["install"])
    return shop


def test_a_thousand_changes_arrive_once_through_stop_freeze_and_kill(portal: PortalProcess, downloaded: StubShop) -> None:
    shop = downloaded
    shop.request(["hooks", [saved("Customer", n) for n in range(1, 501)]], fastcgi=True)
    assert len(shop.rows()) == 500, "the portal is stopped"

    portal.start()
    assert shop.request(["test"])[0] == ""
    portal.send(signal.SIGSTOP)
    shop.request(["hooks", [saved("Product", n) for n in range(1, 501)]])
    assert len(shop.rows()) == 1000, "the portal is frozen: taken at most, not confirmed"
    portal.send(signal.SIGKILL)
    shop.request(CALM, ["send", 0.0])
    assert len(shop.rows()) == 1000, "the portal was killed"

    portal.start()
    assert shop.request(CALM, LONG)[1] == {"sent": 1000, "left": 0, "error": ""}
    assert portal.queue()["pending"] == 1000
    shop.request(["hooks", [saved("Product", 7)]], fastcgi=True)
    assert shop.rows() == []
    assert portal.queue()["pending"] == 1000, "a change of a record that waits already is the same job"


def test_without_the_secret_nothing_is_taken(portal: PortalProcess, downloaded: StubShop) -> None:
    portal.start()
    downloaded.configuration["ODOOCONNECTOR_SECRET"] = "guessed"
    downloaded.fill("order", range(1, 3))

    assert downloaded.request(LONG)[0]["error"].startswith("The portal refuses the signature.")
    assert portal.queue()["pending"] == 0
