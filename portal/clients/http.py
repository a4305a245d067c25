"""One keep-alive HTTP connection to a remote server, with limits, and errors that carry the decision.

What was surely not sent is an `Outage`. A write whose answer is missing, cut or comes from a gateway is `Ambiguous`; the same of a
read is an `Outage`, because reading again is free.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx

from portal.clients.errors import AccessRefused, Ambiguous, Outage, Rejected, RemoteError, Side, Throttled
from portal.clients.guard import Backend, ForbiddenAddress, OutOfTime

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
MAX_BODY = 32 * 1024 * 1024
_GATEWAY = {502, 504, 520, 521, 522, 523, 524}
_NAMES = {"odoo": "Odoo", "shop": "the shop"}


@dataclass(frozen=True)
class Response:
    """An answer that arrived whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """Calls to one server. Raises the classes of `portal.clients.errors`, each with its own plain sentence."""

    def __init__(self, base_url: str, *, side: Side, call_seconds: float = 45.0, max_body: int = MAX_BODY,
                 allow_private: bool = False, headers: Mapping[str, str] | None = None,
                 auth: tuple[str, str] | None = None) -> None:
        self.base_url = base_url.rstrip("/") + "/"
        self.side: Side = side
        self._call_seconds = call_seconds
        self._max_body = max_body
        self._backend = Backend(allow_private=allow_private)
        transport = httpx.HTTPTransport(trust_env=False)
        transport._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), max_connections=4, max_keepalive_connections=2, keepalive_expiry=30,
            network_backend=self._backend)
        self._client = httpx.Client(
            base_url=self.base_url, transport=transport, auth=auth, headers=headers, follow_redirects=False, trust_env=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS))

    def send(self, method: str, path: str, *, write: bool, body: bytes | None = None,
             headers: Mapping[str, str] | None = None) -> Response:
        """One call. `write`: whether the server may have changed something when the answer does not come.

        Answers of a gateway (502, 504, …), 429 and redirects raise; every other status is returned.
        """
        for last in (write, True):
            self._backend.deadline = time.monotonic() + self._call_seconds
            try:
                answer = self._exchange(method, path, body, headers)
            except (httpx.ReadError, httpx.RemoteProtocolError) as error:
                if not last:  # a kept connection may have been closed meanwhile; reading again is free
                    continue
                raise self._lost(write, error) from error
            except (httpx.HTTPError, OSError, httpx.InvalidURL) as error:
                raise self._not_answered(write, error) from error
            return self._judge(answer, write)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None) -> Response:
        with self._client.stream(method, path, content=body, headers=headers) as answer:
            parts, size = [], 0
            for part in answer.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > self._max_body:
                    raise OutOfTime(f"more than {self._max_body} bytes")
            return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, b"".join(parts))

    def _judge(self, answer: Response, write: bool) -> Response:
        who = _NAMES[self.side]
        if answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers):
            raise Throttled(self.side, f"{who.capitalize()} asks to wait: too many calls.",
                            retry_after=_retry_after(answer.headers.get("retry-after")), detail=_excerpt(answer))
        if answer.status in _GATEWAY or (answer.status == 503 and not _is_machine_text(answer)):
            message = f"{who.capitalize()} is not working at the moment (status {answer.status})."
            if write and answer.status != 503:
                raise Ambiguous(self.side, message, detail=_excerpt(answer))
            raise Outage(self.side, message, detail=_excerpt(answer))
        if 300 <= answer.status < 400 and answer.status != 304:
            target = answer.headers.get("location", "another address")
            raise AccessRefused(self.side, f"The address of {who} answers with a redirect to {target}.",
                                remedy="Enter that address in the settings.", cause=f"{self.side}:redirect")
        return answer

    def _not_answered(self, write: bool, error: Exception) -> RemoteError:
        who = _NAMES[self.side]
        root = _root(error)
        if isinstance(root, ForbiddenAddress):
            return AccessRefused(self.side, f"The address of {who} leads to a private network, which is not allowed.",
                                 remedy="Use the public address, or start the portal with PORTAL_ALLOW_PRIVATE_NETWORKS=1.",
                                 cause=f"{self.side}:private-address")
        if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
            return Outage(self.side, f"{who.capitalize()} does not answer: no connection within {CONNECT_SECONDS:.0f} seconds.",
                          remedy="Check that the server runs and that its firewall lets the portal in.",
                          cause=f"{self.side}:connect-timeout")
        if isinstance(error, httpx.ConnectError):
            return self._no_connection(root, str(error))
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return AccessRefused(self.side, f"The address of {who} is not a web address.",
                                 remedy="Enter it as https://shop.example.com.", cause=f"{self.side}:address")
        return self._lost(write, error)

    def _no_connection(self, root: BaseException, text: str) -> RemoteError:
        who = _NAMES[self.side]
        if isinstance(root, ssl.SSLCertVerificationError):
            return Outage(self.side, f"The certificate of {who} is not valid: {root.verify_message}.",
                          remedy="Renew the certificate, or correct the address.", cause=f"{self.side}:certificate")
        if isinstance(root, ssl.SSLError):
            return Outage(self.side, f"{who.capitalize()} does not speak HTTPS at this address.",
                          remedy="Check the address and the port.", cause=f"{self.side}:tls", detail=str(root))
        if "name:" in text:
            return Outage(self.side, f"The name of the server of {who} cannot be found.",
                          remedy="Check the address for typing errors.", cause=f"{self.side}:name")
        return Outage(self.side, f"{who.capitalize()} refuses the connection.",
                      remedy="Check that the server runs and that address and port are right.", cause=f"{self.side}:refused")

    def _lost(self, write: bool, error: Exception) -> RemoteError:
        who = _NAMES[self.side]
        root = _root(error)
        slow = isinstance(root, OutOfTime | TimeoutError) or isinstance(error, httpx.TimeoutException)
        what = "took too long to answer" if slow else "broke off its answer"
        kind = Ambiguous if write else Outage
        return kind(self.side, f"{who.capitalize()} {what}.", detail=type(root).__name__,
                    cause=f"{self.side}:{'slow' if slow else 'cut'}")


def _root(error: BaseException) -> BaseException:
    """The innermost cause: where the socket or TLS said no."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            return error
        error = inner


def _retry_after(value: str | None) -> float:
    """Seconds to wait, between 1 and 3600; 60 where the server does not say."""
    if value is None:
        return 60.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return 60.0
    return min(max(seconds, 1.0), 3600.0)


def _is_machine_text(answer: Response) -> bool:
    """Whether the body is an answer of the program itself, not a page of its web server."""
    kind = answer.headers.get("content-type", "")
    start: Any = answer.body.lstrip()[:5].lower()
    return bool(answer.body) and ("json" in kind or "xml" in kind or start.startswith((b"{", b"<?xml"))) and b"<html" not in \
        answer.body[:500].lower()


def _excerpt(answer: Response) -> str:
    return answer.body[:200].decode("utf-8", "replace")
