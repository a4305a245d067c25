"""The page of alerts, and the commands for the same."""

from __future__ import annotations

import dataclasses
import json

import pytest
from click.testing import CliRunner

from portal.cli import main
from portal.clients.errors import AccessRefused
from portal.models import AlertChannel, Store
from portal.sync import alert_post, alerts, circuit
from portal.sync.services import Services
from tests.listeners import Mailbox, Receiver, listening
from tests.web.conftest import Browser, World, words

MARKUP = "<img src=x onerror=alert(1)>"


def config_of(world: World, **changes: object) -> None:
    found: Services = world.app.extensions["portal"]
    found.config = dataclasses.replace(found.config, **changes)  # type: ignore[arg-type]


def targets(world: World) -> dict[str, str]:
    with world.db.read() as session:
        return {row.kind: row.target for row in alerts.channels(session, world.mine)}


def test_addresses_are_entered_tested_and_removed(world: World, member: Browser) -> None:
    here = f"/stores/{world.mine}/alerts"
    assert "no mail server yet" in words(member.get(here))
    box, receiver = Mailbox(), Receiver()
    with listening(box), listening(receiver):
        config_of(world, smtp_url=box.url, smtp_from="portal@example.com", allow_private_networks=True)
        answer = member.post(here, {"email": "a@example.com b@example.com", "webhook": receiver.url}, follow_redirects=True)
        assert "Send a test to see that it arrives." in words(answer)
        assert "a-secret-of-the-hook" not in answer.text
        assert 'value="a@example.com, b@example.com"' in answer.text
        answer = member.post(f"{here}/test", follow_redirects=True)
        assert "The test was sent by: E-mail, Webhook." in words(answer)
        assert "This is a test" in box.mails[0][2]
        assert receiver.got[0][1]["state"] == "test"
        box.refuse = "rcpt"
        assert "takes mail for none of the recipients" in words(member.post(f"{here}/test", follow_redirects=True))
    assert "cannot be reached" in words(member.post(f"{here}/test", follow_redirects=True))
    member.post(here, {"email": "", "webhook": ""})
    assert targets(world) == {"webhook": receiver.url}
    member.post(here, {"email": "", "webhook": "", "webhook_remove": "1"})
    assert targets(world) == {}
    assert "Enter an e-mail address or a webhook first." in words(member.post(f"{here}/test", follow_redirects=True))


def test_what_is_wrong_stands_beside_its_field_and_stays_typed(world: World, member: Browser) -> None:
    config_of(world, allow_private_networks=False)
    answer = member.post(f"/stores/{world.mine}/alerts", {"email": "nobody", "webhook": "https://127.0.0.1/hook"})
    assert answer.status_code == 422
    assert 'id="email-problem"' in answer.text
    assert 'id="webhook-problem"' in answer.text
    assert 'value="nobody"' in answer.text
    assert targets(world) == {}


def test_what_is_wrong_now_is_shown_and_stays_text(world: World, member: Browser) -> None:
    with world.db.begin() as session:
        store = session.get_one(Store, world.mine)
        store.choices = {**store.choices, "enabled": True}
        circuit.record_failure(session, store, AccessRefused("odoo", MARKUP))
        session.add(AlertChannel(store_id=store.id, kind="email", target="a@example.com", failures=1, problem=MARKUP, waiting=[]))
    alerts.watch(world.db, "http://portal.example.com")
    page = member.get(f"/stores/{world.mine}/alerts")
    assert "Odoo refuses the connection" in words(page)
    assert "<img" not in page.text


def test_the_commands_show_set_and_test(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    found: Services = world.app.extensions["portal"]
    receiver, box = Receiver(), Mailbox()
    with listening(receiver), listening(box):
        config_of(world, allow_private_networks=True, smtp_url=box.url, smtp_from="p@example.com")
        monkeypatch.setattr("portal.console.open_services", lambda: found)
        (secret := tmp_path / "hook").write_text(receiver.url + "\n")  # type: ignore[operator]
        run = CliRunner().invoke
        assert "go nowhere yet" in run(main, ["alerts", "test", "Mine"]).output
        assert run(main, ["alerts", "set", "Mine", "--email", "bad"]).exit_code == 1
        assert run(main, ["alerts", "set", "Mine", "--email", "a@example.com", "--webhook-file", str(secret)]).exit_code == 0
        shown = run(main, ["alerts", "show", "Mine", "--json"])
        assert "a-secret-of-the-hook" not in shown.output
        assert [row["kind"] for row in json.loads(shown.output)["channels"]] == ["email", "webhook"]
        answer = run(main, ["alerts", "test", "Mine", "--json"])
        assert (answer.exit_code, json.loads(answer.output)) == (0, {"email": "", "webhook": ""})
        receiver.status = 404
        answer = run(main, ["alerts", "test", "Mine"])
        assert answer.exit_code == 1
        assert "Webhook: The address answers HTTP 404." in answer.output
        assert run(main, ["alerts", "set", "Mine", "--webhook", ""]).exit_code == 0
    assert targets(world) == {"email": "a@example.com"}


def test_a_member_of_another_store_cannot_have_its_alerts_sent(world: World, member: Browser) -> None:
    for path in ("alerts", "alerts/test"):
        assert member.post(f"/stores/{world.other}/{path}", {"email": "x@example.com"}).status_code == 404
    assert alert_post.KINDS.keys() == {"email", "webhook"}
