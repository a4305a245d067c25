"""Servers that take alerts: a small SMTP server and a small web server, on real sockets."""

from __future__ import annotations

import http.server
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast


class Mailbox(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP for one message; `refuse` names what it answers with an error: `login`, `rcpt` or `data`.

    With a `tls` context it offers STARTTLS, or speaks TLS from the first byte if `at_once`.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, tls: ssl.SSLContext | None = None, *, at_once: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.tls = tls
        self.at_once = at_once
        self.encrypted = 0
        self.mails: list[tuple[str, list[str], str]] = []
        self.logins = 0
        self.auth = False
        self.refuse = ""

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box = cast(Mailbox, self.server)
        sender, recipients = "", []
        if box.at_once and not self._encrypt(box):
            return
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.upper()
            if verb.startswith("EHLO"):
                self._say("250-here", *["250-STARTTLS"] * bool(box.tls), "250-AUTH PLAIN" if box.auth else "250-8BITMIME", "250 OK")
            elif verb == "STARTTLS":
                self._say("220 go on")
                if not self._encrypt(box):
                    return
            elif verb.startswith("AUTH"):
                box.logins += 1
                self._say("535 no" if box.refuse == "login" else "235 ok")
            elif verb.startswith("MAIL"):
                sender = line[10:].strip("<>").partition(">")[0]
                self._say("250 ok")
            elif verb.startswith("RCPT"):
                recipients.append(line[8:].strip("<>"))
                self._say("550 no" if box.refuse == "rcpt" else "250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                lines = []
                while (part := self.rfile.readline().decode()) not in (".\r\n", ""):
                    lines.append(part)
                if box.refuse == "data":
                    self._say("451 later")
                else:
                    box.mails.append((sender, recipients, "".join(lines)))
                    self._say("250 ok")
            else:
                self._say("221 bye" if verb == "QUIT" else "250 ok")

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def _encrypt(self, box: Mailbox) -> bool:
        assert box.tls is not None
        self.rfile.close()
        try:
            self.request = box.tls.wrap_socket(self.request, server_side=True)
        except OSError:  # the other side does not trust us
            return False
        box.encrypted += 1
        self.setup()
        return True

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


class Receiver(http.server.ThreadingHTTPServer):
    """Takes JSON by POST and answers `status`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.got: list[tuple[str, dict[str, Any], str]] = []
        self.status = 204
        self.location = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/in?key=a-secret-of-the-hook"


class _Taking(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        taken = cast(Receiver, self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        taken.got.append((self.path, json.loads(body), self.headers["Idempotency-Key"]))
        self.send_response(taken.status)
        if taken.location:
            self.send_header("Location", taken.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening(server: Mailbox | Receiver) -> Iterator[None]:
    """Serve in a thread until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
