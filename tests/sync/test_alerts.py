"""Alerts: when people are told, how it is delivered, and that nothing else suffers from it."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from portal.clients.errors import AccessRefused, Outage
from portal.config import Config, ConfigError
from portal.db import Database, now
from portal.models import AlertChannel, Drift, DriftRun, LogEntry, Store, SyncJob
from portal.settings import SettingError
from portal.sync import alert_post, alerts, circuit
from portal.sync import tick as heartbeat
from portal.sync.services import Services
from tests.listeners import Mailbox, Receiver, listening
from tests.sync.factory import make_store, notice
from tests.world import eventually

LINK = "http://portal.example.com"


class Clock:
    """The time alerts and what they look at go by."""

    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at

    def later(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (alerts, alert_post, circuit, heartbeat):
        monkeypatch.setattr(module, "now", clock)
    return clock


@pytest.fixture
def store(db: Database) -> Store:
    return make_store(db)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    with listening(box):
        yield box


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    with listening(server):
        yield server


@pytest.fixture
def services(db: Database, config: Config, mailbox: Mailbox) -> Services:
    return Services(dataclasses.replace(config, smtp_url=mailbox.url, smtp_from="portal@example.com", public_url=LINK), db)


def listen(services: Services, store: Store, **targets: str) -> None:
    with services.db.begin() as session:
        for kind, target in targets.items():
            alert_post.set_channel(session, session.get_one(Store, store.id), kind, target, services.config)


def alive(db: Database) -> None:
    """A tick and a worker that have just given a sign of life."""
    with db.begin() as session:
        heartbeat.beat(session, "tick", "tick")
        heartbeat.beat(session, "w1", "worker")


def fail(db: Database, store: Store, error: Outage | AccessRefused) -> None:
    with db.begin() as session:
        circuit.record_failure(session, session.get_one(Store, store.id), error)


def heal(db: Database, store: Store, side: str = "odoo") -> None:
    with db.begin() as session:
        circuit.record_success(session, store.id, side)


def dead(db: Database, store: Store, records: range) -> None:
    for record in records:
        job = notice(db, store, str(record))
        with db.begin() as session:
            session.get_one(SyncJob, job).state = "dead"


def subjects(mailbox: Mailbox) -> list[str]:
    return [line.removeprefix("Subject: ") for _, _, text in mailbox.mails for line in text.splitlines()
            if line.startswith("Subject: ")]


REFUSED = AccessRefused("odoo", "Odoo refuses the key.", remedy="Enter a new key.")
AWAY = Outage("odoo", "Nothing answers.", remedy="Check that the server runs.")


def test_a_refused_key_is_told_at_once_by_mail_and_webhook_and_when_it_is_over(
        services: Services, store: Store, clock: Clock, mailbox: Mailbox, receiver: Receiver) -> None:
    db = services.db
    alive(db)
    listen(services, store, email="a@example.com, b@example.com", webhook=receiver.url)
    alert_post.go_round(services)
    assert not mailbox.mails
    fail(db, store, REFUSED)
    alert_post.go_round(services)
    sender, recipients, text = mailbox.mails[0]
    assert (sender, recipients) == ("portal@example.com", ["a@example.com", "b@example.com"])
    assert "Odoo refuses the connection" in text
    assert "Enter a new key." in text
    assert f"{LINK}/stores/{store.id}/" in text
    path, document, key = receiver.got[0]
    assert path == "/in?key=a-secret-of-the-hook"
    assert (document["state"], document["cause"], document["store"]) == ("active", "refused_odoo", store.name)
    assert key == document["id"]
    alert_post.go_round(services)
    assert len(mailbox.mails) == len(receiver.got) == 1
    heal(db, store)
    alert_post.go_round(services)
    assert subjects(mailbox)[1] == f"[{store.name}] Solved: Odoo refuses the connection"
    assert receiver.got[1][1]["state"] == "resolved"


def test_an_outage_is_told_when_it_lasts_and_a_short_one_is_not(services: Services, store: Store, clock: Clock,
                                                                mailbox: Mailbox) -> None:
    listen(services, store, email="a@example.com")
    alive(services.db)
    fail(services.db, store, AWAY)
    clock.later(minutes=14)
    alive(services.db)
    alert_post.go_round(services)
    heal(services.db, store)
    alert_post.go_round(services)
    assert not mailbox.mails
    fail(services.db, store, AWAY)
    began = clock.at
    clock.later(minutes=15)
    alive(services.db)
    alert_post.go_round(services)
    assert subjects(mailbox) == [f"[{store.name}] Odoo cannot be reached"]
    heal(services.db, store)
    alert_post.go_round(services)
    assert f"It began {began:%Y-%m-%d %H:%M} UTC" in mailbox.mails[1][2]


def test_a_side_that_comes_and_goes_is_told_once_an_hour(services: Services, store: Store, clock: Clock, mailbox: Mailbox) -> None:
    listen(services, store, email="a@example.com")
    for _ in range(12):
        alive(services.db)
        fail(services.db, store, REFUSED)
        alert_post.go_round(services)
        heal(services.db, store)
        alert_post.go_round(services)
        clock.later(minutes=10)
    assert len([text for text in subjects(mailbox) if "Solved" not in text]) == 2
    assert len(mailbox.mails) == 4


def test_a_trouble_that_came_back_within_the_quiet_hour_is_told_when_the_hour_is_over(
        services: Services, store: Store, clock: Clock, mailbox: Mailbox) -> None:
    listen(services, store, email="a@example.com")
    alive(services.db)
    fail(services.db, store, REFUSED)
    alert_post.go_round(services)
    heal(services.db, store)
    alert_post.go_round(services)
    fail(services.db, store, REFUSED)
    alert_post.go_round(services)
    assert len(mailbox.mails) == 2
    clock.later(minutes=61)
    alive(services.db)
    alert_post.go_round(services)
    assert len(mailbox.mails) == 3


def test_it_is_told_when_nobody_looks_for_work_and_when_nobody_does_it(services: Services, store: Store, clock: Clock,
                                                                        mailbox: Mailbox) -> None:
    listen(services, store, email="a@example.com")
    alive(services.db)
    notice(services.db, store)
    clock.later(minutes=16)
    alert_post.go_round(services)
    assert subjects(mailbox) == [f"[{store.name}] Nobody looks for due work"]
    with services.db.begin() as session:
        heartbeat.beat(session, "tick", "tick")
    alert_post.go_round(services)
    assert subjects(mailbox)[1:] == [f"[{store.name}] Solved: Nobody looks for due work",
                                     f"[{store.name}] No worker takes the changes"]
    alive(services.db)
    alert_post.go_round(services)
    assert subjects(mailbox)[3:] == [f"[{store.name}] Solved: No worker takes the changes"]


def test_an_idle_worker_with_nothing_to_do_is_no_trouble(services: Services, store: Store, clock: Clock) -> None:
    clock.later(days=1)
    with services.db.begin() as session:
        heartbeat.beat(session, "tick", "tick")
    with services.db.read() as session:
        assert alerts.troubles(session, session.get_one(Store, store.id)) == {}


def test_growing_dead_letters_are_told_again_after_six_hours_and_shrinking_ones_are_not(
        services: Services, store: Store, clock: Clock, mailbox: Mailbox) -> None:
    listen(services, store, email="a@example.com")
    alive(services.db)
    dead(services.db, store, range(1, 3))
    alert_post.go_round(services)
    dead(services.db, store, range(3, 6))
    alert_post.go_round(services)
    assert len(mailbox.mails) == 1
    clock.later(hours=7)
    alive(services.db)
    alert_post.go_round(services)
    assert subjects(mailbox) == [f"[{store.name}] 2 changes need you", f"[{store.name}] More: 5 changes need you"]
    with services.db.begin() as session:
        for job in session.query(SyncJob).limit(4):
            job.state = "discarded"
    clock.later(hours=7)
    alive(services.db)
    alert_post.go_round(services)
    assert len(mailbox.mails) == 2
    dead(services.db, store, range(6, 8))
    alert_post.go_round(services)
    assert subjects(mailbox)[2] == f"[{store.name}] More: 3 changes need you"


def test_differences_are_told_when_the_comparison_is_whole(services: Services, store: Store, clock: Clock,
                                                           mailbox: Mailbox) -> None:
    listen(services, store, email="a@example.com")
    alive(services.db)
    with services.db.begin() as session:
        run = DriftRun(store_id=store.id, state="reading", steps=["order"], cursor=[0, 0])
        session.add_all([run, Drift(store_id=store.id, entity="order", kind="missing", record="1")])
    alert_post.go_round(services)
    assert not mailbox.mails
    with services.db.begin() as session:
        session.get_one(DriftRun, run.id).state = "finished"
    alert_post.go_round(services)
    assert subjects(mailbox) == [f"[{store.name}] 1 difference between shop and Odoo"]


def test_switching_the_store_off_ends_its_alerts(services: Services, store: Store, clock: Clock, mailbox: Mailbox) -> None:
    listen(services, store, email="a@example.com")
    alive(services.db)
    fail(services.db, store, REFUSED)
    alert_post.go_round(services)
    with services.db.begin() as session:
        row = session.get_one(Store, store.id)
        row.choices = {**row.choices, "enabled": False}
    alert_post.go_round(services)
    assert "Synchronization was switched off." in mailbox.mails[1][2]


def test_who_is_entered_later_hears_of_what_is_wrong_already(services: Services, store: Store, clock: Clock,
                                                             mailbox: Mailbox) -> None:
    alive(services.db)
    fail(services.db, store, REFUSED)
    alert_post.go_round(services)
    listen(services, store, email="a@example.com")
    alert_post.go_round(services)
    assert len(mailbox.mails) == 1


def test_what_was_not_delivered_waits_is_tried_less_and_less_often_and_keeps_its_id(
        services: Services, store: Store, clock: Clock, receiver: Receiver) -> None:
    listen(services, store, webhook=receiver.url)
    alive(services.db)
    receiver.status = 500
    fail(services.db, store, REFUSED)
    for _ in range(3):
        alert_post.go_round(services)
    assert len(receiver.got) == 1
    clock.later(minutes=1)
    alert_post.go_round(services)
    clock.later(minutes=1)
    alert_post.go_round(services)
    assert len(receiver.got) == 2
    with services.db.read() as session:
        row = session.get_one(AlertChannel, (store.id, "webhook"))
        assert (row.failures, len(row.waiting)) == (2, 1)
        assert "HTTP 500" in row.problem
        logged = session.query(LogEntry).filter(LogEntry.message.contains("was not delivered")).all()
    assert len(logged) == 1
    assert "a-secret-of-the-hook" not in logged[0].message
    receiver.status = 200
    clock.later(minutes=2)
    alert_post.go_round(services)
    assert len({key for _, _, key in receiver.got}) == 1
    with services.db.read() as session:
        row = session.get_one(AlertChannel, (store.id, "webhook"))
        assert (row.failures, row.waiting, row.problem) == (0, [], "")


def test_several_processes_deliver_a_message_once(services: Services, store: Store, clock: Clock, receiver: Receiver) -> None:
    listen(services, store, webhook=receiver.url)
    alive(services.db)
    fail(services.db, store, REFUSED)
    threads = [threading.Thread(target=alert_post.go_round, args=(services,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.got) == 1


def test_a_mail_server_that_hangs_delays_no_tick_and_no_other_channel_for_long(
        services: Services, store: Store, clock: Clock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.clients.mail.SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        services.config = dataclasses.replace(services.config, smtp_url=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        listen(services, store, email="a@example.com", webhook=receiver.url)
        alive(services.db)
        fail(services.db, store, REFUSED)
        postman = alert_post.Postman(services, first=0, every=0.05)
        postman.start()
        for _ in range(5):
            heartbeat.tick(services, None)
        eventually(lambda: bool(receiver.got), "the webhook is called")
        postman.stop()
        postman.join(10)
    with services.db.read() as session:
        assert session.get_one(AlertChannel, (store.id, "email")).problem.startswith("The mail server")


def test_a_defect_in_alerts_ends_neither_the_thread_nor_a_tick(services: Services, store: Store, monkeypatch: pytest.MonkeyPatch,
                                                             caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def broken(*_: object) -> None:
        seen.append(1)
        raise RuntimeError("alerts are broken")

    monkeypatch.setattr(alerts, "watch", broken)
    postman = alert_post.Postman(services, first=0, every=0.01)
    postman.start()
    eventually(lambda: len(seen) > 2, "the thread goes on")
    postman.stop()
    postman.join(10)
    assert "expired" in heartbeat.tick(services, None)


@pytest.mark.parametrize(("refuse", "words"), [("login", "user or the password"), ("rcpt", "none of the recipients"),
                                               ("data", "did not take the message")])
def test_what_the_mail_server_refuses_is_said_in_words(services: Services, store: Store, mailbox: Mailbox, refuse: str,
                                                       words: str) -> None:
    if refuse == "login":
        mailbox.auth = True
        services.config = dataclasses.replace(services.config, smtp_url=mailbox.url.replace("//", "//user:@"))
    mailbox.refuse = refuse
    listen(services, store, email="a@example.com")
    assert words in alert_post.test(services, store)["email"]


def test_a_password_is_never_sent_unprotected(services: Services, store: Store, mailbox: Mailbox) -> None:
    mailbox.auth = True
    services.config = dataclasses.replace(services.config, smtp_url=mailbox.url.replace("//", "//user:a-long-password@"))
    listen(services, store, email="a@example.com")
    assert "the password was not sent" in alert_post.test(services, store)["email"]
    assert mailbox.logins == 0


def test_a_webhook_cannot_reach_into_a_private_network(services: Services, store: Store, receiver: Receiver) -> None:
    listen(services, store, webhook=receiver.url)
    services.config = dataclasses.replace(services.config, allow_private_networks=False)
    assert "PORTAL_ALLOW_PRIVATE_NETWORKS" in alert_post.test(services, store)["webhook"]
    assert not receiver.got
    for address in (receiver.url, "https://127.0.0.1/x", "https://10.1.2.3/x?y=1", "https://localhost/x", "https://user:pw@example.com/",
                    "https://example.com/a b", "file:///etc/passwd", "https://example.com/?a\r\nb"):
        with pytest.raises(SettingError, match=r"^webhook: "):
            listen(services, store, webhook=address)


def test_a_webhook_is_not_followed_to_where_it_redirects(services: Services, store: Store, receiver: Receiver) -> None:
    receiver.status, receiver.location = 307, receiver.url
    listen(services, store, webhook=receiver.url)
    assert "HTTP 307" in alert_post.test(services, store)["webhook"]
    assert len(receiver.got) == 1


@pytest.mark.parametrize("text", ["nobody", "a@", "a@example.com\r\nBcc: x@example.com, <y>", "a b@", '"a"@example.com',
                                  ", ".join(f"a{n}@example.com" for n in range(11))])
def test_what_is_no_list_of_addresses_is_refused(services: Services, store: Store, text: str) -> None:
    with pytest.raises(SettingError, match=r"^email: "):
        listen(services, store, email=text)


def test_the_webhook_address_is_encrypted_and_never_in_the_log(services: Services, store: Store, receiver: Receiver) -> None:
    listen(services, store, webhook=receiver.url)
    with services.db.read() as session:
        raw = session.connection().exec_driver_sql("SELECT target FROM alert_channel").scalar()
        entries = [entry.message for entry in session.query(LogEntry)]
    assert "a-secret-of-the-hook" not in json.dumps([raw, entries])


def test_a_mail_server_that_cannot_be_one_is_refused_when_the_portal_starts(tmp_path: object) -> None:
    env = {"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_SECRET_KEY": "x" * 32}
    for url in ("mail.example.com", "http://mail.example.com", "smtp://", "smtp://host:port", "smtp://h:99999"):
        with pytest.raises(ConfigError, match=r"^PORTAL_SMTP_URL"):
            Config.from_env({**env, "PORTAL_SMTP_URL": url})
    with pytest.raises(ConfigError, match=r"^PORTAL_SMTP_FROM"):
        Config.from_env({**env, "PORTAL_SMTP_URL": "smtp://mail.example.com"})
    config = Config.from_env({**env, "PORTAL_SMTP_URL": "smtps://me%40example.com:p%2Fw@mail.example.com"})
    assert config.smtp_from == "me@example.com"
    assert "p%2Fw" not in repr(config)
