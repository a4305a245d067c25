"""Mail over TLS: the password travels only where the server's certificate is good for its name."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.clients import network
from portal.clients.mail import MailServer, Undelivered
from tests.clients.test_http import local_names, own_certificate
from tests.listeners import Mailbox, listening


@pytest.fixture(params=["smtp", "smtps"])
def box(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A server for odoo.test that wants a log-in, by STARTTLS or by TLS from the first byte; its certificate is trusted."""
    context = own_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    monkeypatch.setattr(socket, "getaddrinfo", local_names(socket.getaddrinfo))
    network.tls_context.cache_clear()
    box = Mailbox(context, at_once=request.param == "smtps")
    box.auth = True
    with listening(box):
        yield box
    network.tls_context.cache_clear()


def send(box: Mailbox, host: str) -> None:
    scheme = "smtps" if box.at_once else "smtp"
    server = MailServer.from_url(f"{scheme}://ops%40example.com:pass%2Fword@{host}:{box.server_address[1]}")
    server.send("ops@example.com", ["a@example.com"], "Ünïcode\r\nBcc: x@example.com", "Straße", "1")


def test_mail_is_handed_in_over_tls_with_the_password(box: Mailbox) -> None:
    send(box, "odoo.test")
    assert (box.encrypted, box.logins) == (1, 1)
    [(sender, recipients, text)] = box.mails
    assert (sender, recipients) == ("ops@example.com", ["a@example.com"])
    assert "\nBcc:" not in text


def test_a_server_whose_certificate_is_for_another_name_learns_no_password(box: Mailbox) -> None:
    with pytest.raises(Undelivered, match="TLS"):
        send(box, "other.test")
    assert (box.logins, box.mails) == (0, [])
