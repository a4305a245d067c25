"""The module's sender against a portal that stops, dawdles, fails or hangs up: every change arrives, exactly once in effect."""

from __future__ import annotations

import socket
import subprocess
from typing import Any

import pytest

from portal.db import Database
from portal.module_tables import ShopModule
from portal.sync import hooks, stores
from tests.module.portal import ScriptedPortal
from tests.module.shop import StubShop, saved

pytestmark = pytest.mark.php

LONG = ["send", 20.0]
CALM = ["sql", "UPDATE ps_odooconnector_state SET value = '0' WHERE name = 'paused'"]


@pytest.fixture
def portal(db: Database) -> ScriptedPortal:
    return ScriptedPortal(db)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def test_a_thousand_changes_survive_a_portal_that_stops_fails_hangs_up_and_dawdles(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.connect("http://127.0.0.1:1", portal.key, portal.secret)
    changes = [saved("Product", n) for n in range(1, 501)] + [saved("Customer", n) for n in range(1, 501)]
    port = free_port()
    shop.connect(f"http://127.0.0.1:{port}", portal.key, portal.secret)
    shop.request(["hooks", changes], fastcgi=True)
    assert len(shop.rows()) == 1000, "the portal is stopped"

    portal.script = ["500", "cut", "lost", "ok", "page", "other"]
    with portal.listening(port):
        for _ in range(6):
            shop.request(CALM, LONG)
        # Some arrive a second time after a confirmation was lost; a change during the trouble is noted, too.
        shop.request(["hooks", [saved("Product", 3)]])
        sent = shop.request(CALM, LONG)[1]

    assert sent == {"sent": sent["sent"], "left": 0, "error": ""}
    assert portal.queued() == sorted([f"product {n}" for n in range(1, 501)] + [f"customer {n}" for n in range(1, 501)])
    assert portal.script == []


@pytest.mark.parametrize(("trouble", "words"), [
    ("500", "The portal is in trouble."), ("cut", "The portal does not answer."), ("lost", "The portal does not answer."),
    ("page", "Something else than the portal answers"), ("other", "Something else than the portal answers")])
def test_nothing_but_a_whole_confirmation_of_this_very_batch_deletes_a_row(
        trouble: str, words: str, shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("product", range(1, 3))
    portal.script = [trouble]
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        done = shop.request(LONG)[0]
    assert (done["sent"], done["left"]) == (0, 2)
    assert done["error"].startswith(words)


def test_a_row_that_changed_while_it_was_under_way_stays(shop: StubShop, portal: ScriptedPortal) -> None:
    portal.script = ["hold"]
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        process = shop.start(["hooks", [saved("Product", 1), saved("Product", 2)]], fastcgi=True)
        assert portal.arrived.wait(20)
        shop.request(CALM, ["hooks", [saved("Product", 2)]])
        rows_under_way = shop.request(["sql", "SELECT record FROM ps_odooconnector_outbox ORDER BY record"])[0]
        portal.let_go.set()
        shop.finish(process)
    assert [row["record"] for row in rows_under_way] == [1, 2]
    assert [[row["id"] for row in message["changes"]] for message in portal.received] == [[1, 2], [2]], \
        "the sender that held the lock sends what came meanwhile"
    assert shop.rows() == []


def test_the_visitor_is_released_before_the_portal_is_called(shop: StubShop, portal: ScriptedPortal) -> None:
    portal.script = ["hold"]
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        process = shop.start(["hooks", [saved("Order", 1)]], fastcgi=True)
        page, released = first_line(process), first_line(process)
        assert portal.arrived.wait(20)
        assert process.poll() is None, "the process still waits for the portal, the visitor does not"
        portal.let_go.set()
        process.communicate(timeout=20)
    assert page.startswith("{")
    assert released == "visitor released\n"
    assert shop.rows() == []


def test_without_early_release_one_short_post_is_made_and_an_unanswered_one_is_repeated(
        shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("customer", range(1, 301))
    portal.script = ["hold"]
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        shop.request(["hooks", [saved("Order", 1)]])
        assert len(portal.received) == 1, "one post, whatever waits"
        assert len(shop.rows()) == 301, "it was not confirmed in time"
        assert shop.state("failures") in ("", "0"), "a portal that is only slow is not thought down"
        portal.let_go.set()
        assert shop.request(CALM, LONG)[1]["left"] == 0
    assert len(portal.queued()) == 301
    assert max(len(message["changes"]) for message in portal.received) == 50


def test_the_short_post_is_bounded_and_safe(shop: StubShop) -> None:
    assert shop.request(["curl_options", 150])[0] == {
        "CURLOPT_TIMEOUT_MS": 150, "CURLOPT_CONNECTTIMEOUT_MS": 150, "CURLOPT_NOSIGNAL": True, "CURLOPT_FOLLOWLOCATION": False,
        "CURLOPT_PROTOCOLS": 3, "CURLOPT_SSL_VERIFYPEER": "default", "CURLOPT_SSL_VERIFYHOST": "default"}


def test_while_the_portal_is_down_only_one_request_in_a_while_calls_it(shop: StubShop, portal: ScriptedPortal) -> None:
    portal.script = ["500"]
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        for n in range(1, 5):
            shop.request(["hooks", [saved("Product", n)]], fastcgi=True)
    assert len(portal.received) == 1
    assert len(shop.rows()) == 4


def test_the_pause_doubles_up_to_ten_minutes_and_ends_with_success(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("product", range(1, 3))
    pauses = []
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        for _ in range(9):
            portal.script = ["500"]
            shop.request(LONG)
            found = shop.request(["sql", "SELECT (SELECT value FROM ps_odooconnector_state WHERE name = 'paused') - "
                                         "(SELECT value FROM ps_odooconnector_state WHERE name = 'error_at') AS pause"])[0]
            pauses.append(found[0]["pause"])
        assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600]
        assert shop.request(LONG)[0]["error"] == ""
    assert (shop.state("paused"), shop.state("failures"), shop.state("error")) == ("0", "0", "")


def test_only_one_request_sends_at_a_time(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("product", range(1, 3))
    portal.script = ["hold"]
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        process = shop.start(LONG)
        assert portal.arrived.wait(20)
        assert shop.request(LONG)[0] == {"sent": 0, "left": 2, "error": ""}
        portal.let_go.set()
        assert shop.finish(process)[0] == {"sent": 2, "left": 0, "error": ""}
    assert len(portal.received) == 1


def test_a_wrong_secret_is_said_and_loses_nothing(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("product", range(1, 3))
    with portal.listening() as url:
        shop.connect(url, portal.key, "another-secret")
        error = shop.request(LONG)[0]["error"]
    assert error.splitlines()[0].startswith("The portal refuses the signature.")
    assert len(shop.rows()) == 2
    assert portal.queued() == []


def test_one_row_that_the_portal_cannot_take_holds_up_nothing(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("product", range(1, 51))
    shop.fill("Nonsense!", range(1, 2))
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        assert shop.request(LONG)[0]["left"] == 0
    assert len([job for job in portal.queued() if job.startswith("product")]) == 50
    assert "the portal refused Nonsense! 1" in shop.errors
    assert any(message["rescan"] for message in portal.received), "what was left out is looked for by a rescan"
    assert shop.state("rescan") == ""


def test_batches_that_are_too_large_are_halved(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("product", range(1, 51))
    portal.script = ["too large", "too large"]
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        assert shop.request(LONG)[0] == {"sent": 50, "left": 0, "error": ""}
    assert [len(message["changes"]) for message in portal.received] == [50, 25, 12, 24, 14]


def test_a_table_that_grew_to_its_limit_is_emptied_and_a_rescan_asked_for(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.request(["sql", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50001) INSERT INTO "
                         "ps_odooconnector_outbox SELECT 'product', i, 0, 1, i FROM n"])
    portal.script = ["500"]
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        shop.request(LONG)
        assert shop.rows() == []
        shop.request(["hooks", [saved("Order", 5)]])
        assert shop.request(CALM, LONG)[1]["left"] == 0
    assert shop.state("rescan") == ""
    with portal.db.read() as session:
        known: Any = session.get(ShopModule, portal.store_id)
        assert known.rescan == portal.received[-1]["rescan"] != ""


def test_the_secret_can_be_replaced_without_losing_a_message(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("product", range(1, 3))
    with portal.db.begin() as session:
        new = stores.rotate_token(session, portal.store(), "hooks")
    with portal.listening() as url:
        for secret in (portal.secret, new):
            shop.connect(url, portal.key, secret)
            assert shop.request(["test"])[0] == "", "old and new secret are valid for a day"
        assert shop.request(LONG)[0]["left"] == 0


def test_the_cron_address_needs_its_token_and_sends_what_waits(shop: StubShop, portal: ScriptedPortal) -> None:
    shop.fill("product", range(1, 3))
    with portal.listening() as url:
        shop.connect(url, portal.key, portal.secret)
        token = shop.configuration["ODOOCONNECTOR_CRON_TOKEN"]
        assert [shop.request(["cron", wrong])[0][0] for wrong in ("", "wrong", token + "x")] == [403, 403, 403]
        assert shop.request(["cron", token])[0] == [200, {"sent": 2, "left": 0, "error": ""}, []]
        shop.request(["cron", token])
        assert len(portal.received) == 1, "nothing to say and heard a moment ago"
        shop.request(["sql", "UPDATE ps_odooconnector_state SET value = '5' WHERE name = 'heard'"], ["cron", token])
        assert len(portal.received) == 2, "a sign of life now and then"
    with portal.db.read() as session:
        facts = hooks.module_facts(session, portal.store_id)
    assert facts
    assert (facts["version"], facts["shop_version"], facts["backlog"], facts["silent"]) == ("1.0.0", "8.1.2", 0, False)


def test_the_addresses_answer_in_plain_words_when_nothing_listens(shop: StubShop) -> None:
    assert shop.request(["test"])[0].startswith("Not connected yet")
    shop.connect(f"http://127.0.0.1:{free_port()}", "abc", "secret")
    assert shop.request(["test"])[0].startswith("The portal does not answer.")
