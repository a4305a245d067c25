"""Mail by SMTP. The server is the installation's own, chosen by whoever runs it, so its address is not guarded as a store's is."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from portal.clients.network import tls_context

SECONDS = 10.0
"""Longest silence of the mail server in any step."""
PORTS = {"smtp": 587, "smtps": 465}


class Undelivered(Exception):
    """A message that could not be handed over; `message` and `remedy` are for people."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in. Without `tls` from the first byte, STARTTLS is used: always with a password, else if offered."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> MailServer:
        """`smtp://user:password@host:587` or `smtps://…:465`; special signs percent-encoded. Raises `ValueError`."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("not of the form smtp://user:password@host:587")
        return cls(parts.hostname, parts.port or PORTS[parts.scheme], parts.scheme == "smtps",
                   unquote(parts.username or ""), unquote(parts.password or ""))

    def send(self, sender: str, recipients: Sequence[str], subject: str, text: str, message_id: str) -> None:
        """Hand in one message for all recipients. Raises `Undelivered`."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(recipients), " ".join(subject.split())
        mail["Message-ID"], mail["Auto-Submitted"] = f"<{message_id}@odoo-connector.invalid>", "auto-generated"
        mail.set_content(text)
        try:
            with self._connect() as server:
                self._log_in(server)
                refused = server.send_message(mail)
        except smtplib.SMTPAuthenticationError as error:
            raise Undelivered("The mail server refuses the user or the password.", "Correct PORTAL_SMTP_URL.") from error
        except smtplib.SMTPRecipientsRefused as error:
            raise Undelivered("The mail server takes mail for none of the recipients.", "Check the addresses.") from error
        except smtplib.SMTPSenderRefused as error:
            raise Undelivered("The mail server refuses the sender.",
                              "Set PORTAL_SMTP_FROM to an address it may send for.") from error
        except ssl.SSLError as error:
            raise Undelivered("No secure connection to the mail server could be made (TLS).",
                              "Check its certificate, and smtp:// or smtps:// in PORTAL_SMTP_URL.") from error
        except smtplib.SMTPException as error:
            raise Undelivered(f"The mail server did not take the message ({type(error).__name__}).",
                              "Look into its log, and check PORTAL_SMTP_URL.") from error
        except OSError as error:
            raise Undelivered("The mail server cannot be reached.", "Check host and port in PORTAL_SMTP_URL.") from error
        if refused:
            raise Undelivered(f"The mail server refused {len(refused)} of {len(recipients)} recipients.", "Check the addresses.")

    def _connect(self) -> smtplib.SMTP:
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=tls_context())
        return smtplib.SMTP(self.host, self.port, timeout=SECONDS)

    def _log_in(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if not self.tls and server.has_extn("starttls"):
            server.starttls(context=tls_context())
        elif not self.tls and self.password:
            raise Undelivered("The mail server offers no secure connection, so the password was not sent.",
                              "Use smtps://, or a server that offers STARTTLS.")
        if self.user:
            server.login(self.user, self.password)
