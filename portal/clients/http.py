"""One HTTP connection to one remote server, with limits on everything and errors that carry the decision."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import NoReturn

import httpx

from portal.clients import guard, network
from portal.clients.errors import AccessRefused, Ambiguous, Outage, Rejected, RemoteError, Side, Throttled

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
CALL_SECONDS = 45.0
MAX_BODY = 5 * 1024 * 1024
KEEP_ALIVE_SECONDS = 4.0
"""Shorter than the 5 s after which an Apache hangs up, so that we never write into a connection that is just being closed:
for a write that would be an outcome nobody knows."""
MAX_WAIT_SECONDS = 3600.0
DEFAULT_WAIT_SECONDS = 60.0

_NAMES: dict[Side, str] = {"odoo": "Odoo", "shop": "The shop"}
_GATEWAY = frozenset({502, 503, 504, *range(520, 528), 530})
"""Answers of a proxy in front of a server that is down; 52x and 530 are Cloudflare's."""


@dataclass(frozen=True)
class Response:
    """A whole answer. `headers` ignore upper and lower case; `body` is unpacked already."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """A kept-alive connection to one server. Not for use by several threads at once.

    `base_url` may hold a folder; paths are appended to it. Raises `AccessRefused` for an address that is not allowed.
    `call_seconds` bounds a whole call from connecting to the last byte (only the system's name look-up cannot be cut short);
    `max_body` is in bytes, after unpacking. Redirects are errors, proxies from the environment are not used, cookies not kept.
    """

    def __init__(self, base_url: str, *, side: Side, call_seconds: float = CALL_SECONDS, max_body: int = MAX_BODY,
                 allow_private: bool = False, headers: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None,
                 backend: network.GuardedBackend | None = None) -> None:
        self.side: Side = side
        self._call_seconds = call_seconds
        self._max_body = max_body
        try:
            self._base = str(guard.check_url(base_url, allow_private=allow_private)).rstrip("/")
        except guard.BadAddress as error:
            raise self._bad_address(error) from error
        backend = backend or network.GuardedBackend(allow_private=allow_private)
        self._client = httpx.Client(
            transport=network.GuardedTransport(backend, keep_alive_seconds=KEEP_ALIVE_SECONDS),
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS), auth=auth, trust_env=False, follow_redirects=False,
            headers={"User-Agent": "odoo-connector", **(headers or {})},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])))

    def send(self, method: str, path: str, *, write: bool, body: bytes | str | None = None,
             headers: Mapping[str, str] | None = None) -> Response:
        """One call. `path` may carry a query, percent-encoded. `write` says whether it may change something over there.

        Returned as they are: all answers but redirects, 429, 503 with Retry-After and the pages of a gateway (502-504 that hold
        neither JSON nor XML); what they mean is the protocol's business. Raises `Outage` when surely nothing was sent, or when
        a read was not answered whole; `Ambiguous` when a write was sent and not answered whole; `Throttled`; `AccessRefused`
        for a forbidden address or one that has moved; `Rejected` for a read whose answer is larger than `max_body`.
        """
        end = time.monotonic() + self._call_seconds
        token = network.deadline.set(end)
        try:
            request = self._client.build_request(method, f"{self._base}/{path.lstrip('/')}", content=body, headers=headers)
            answer = self._client.send(request, stream=True)
            try:
                self._check_status(answer, write=write)
                return Response(answer.status_code, answer.headers, b"".join(self._parts(answer, end, write=write)))
            finally:
                answer.close()
        except guard.BadAddress as error:
            raise self._bad_address(error) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._explain(error, write=write)
        finally:
            network.deadline.reset(token)

    def broken(self, message: str, *, write: bool, remedy: str = "", detail: str = "", cause: str = "") -> Outage | Ambiguous:
        """The error for an answer that cannot be understood: a write may have happened, a read can simply be repeated."""
        kind = Ambiguous if write else Outage
        return kind(self.side, message, remedy=remedy, detail=detail, cause=cause)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _check_status(self, answer: httpx.Response, *, write: bool) -> None:
        name, status = _NAMES[self.side], answer.status_code
        if answer.has_redirect_location:
            # A page of maintenance is a passing redirect; an address that moved for good needs a person.
            kind = AccessRefused if status in (301, 308) else Outage
            if self.side == "shop" and _target(answer).endswith("/index.php"):
                raise kind("shop", "This is the address of a page, such as the back office, not of the shop itself.",
                           remedy="Enter the address of the shop's front page, without the folder of the back office.",
                           cause="shop:redirect")
            raise kind(self.side, f"The address answers with a redirect to {_target(answer)}; enter that one.",
                       remedy="Change the address in the store's settings, if that is the right place.",
                       cause=f"{self.side}:redirect")
        if status == 429 or (status == 503 and "retry-after" in answer.headers):
            raise Throttled(self.side, f"{name} asks to be called less often (HTTP {status}).",
                            retry_after=retry_seconds(answer.headers.get("retry-after", "")), cause=f"{self.side}:throttled")
        media = answer.headers.get("content-type", "").lower()
        if status in _GATEWAY and "json" not in media and "xml" not in media.replace("xhtml", ""):
            raise self.broken(f"{name} is not working at the moment (HTTP {status}).", write=write,
                              remedy="Nothing to do here if it is being restarted or maintained; otherwise ask its host.",
                              cause=f"{self.side}:http-{status}")

    def _parts(self, answer: httpx.Response, end: float, *, write: bool) -> Iterator[bytes]:
        size = 0
        for part in answer.iter_bytes():
            size += len(part)
            if size > self._max_body:
                # A read would be as large the next time: that is no outage, and only what asked for it may fail.
                kind = Ambiguous if write else Rejected
                raise kind(self.side, f"The answer is larger than {self._max_body // 1024} kB and was not read.",
                           cause=f"{self.side}:too-large")
            if time.monotonic() > end:
                raise httpx.ReadTimeout("the call took too long")
            yield part

    def _explain(self, error: httpx.HTTPError | httpx.InvalidURL, *, write: bool) -> NoReturn:
        """Turn a transport's error into one of ours, with a sentence for each cause."""
        name, detail = _NAMES[self.side], f"{type(error).__name__}: {error}"
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL,
                              httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
            message, remedy, cause = why_not_connected(error, name)
            raise Outage(self.side, message, remedy=remedy, detail=detail, cause=f"{self.side}:{cause}") from error
        if isinstance(error, httpx.TimeoutException):
            raise self.broken(f"{name} did not answer in time.", write=write, detail=detail, cause=f"{self.side}:timeout",
                              remedy="If this lasts, ask its host why it is slow.") from error
        raise self.broken(f"{name} broke off the connection before its answer was complete.", write=write, detail=detail,
                          remedy="If this lasts, ask its host.", cause=f"{self.side}:cut") from error

    def _bad_address(self, error: guard.BadAddress) -> RemoteError:
        return AccessRefused(self.side, str(error), remedy=error.remedy, cause=f"{self.side}:address")


def retry_seconds(text: str) -> float:
    """The `Retry-After` header in seconds, between 1 and 3600; 60 where it says nothing usable."""
    text = text.strip()
    try:
        seconds = float(text) if text.isdigit() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        seconds = DEFAULT_WAIT_SECONDS
    return min(max(seconds, 1.0), MAX_WAIT_SECONDS)


def _target(answer: httpx.Response) -> str:
    """Where a redirect leads, as a merchant would enter it: without query, and without a path that is our own."""
    try:
        url = answer.url.join(answer.headers["location"])
    except (httpx.InvalidURL, ValueError):
        return "another address"
    path = "/" if url.path == answer.url.path else url.path
    return str(url.copy_with(path=path, query=None, fragment=None, userinfo=b""))[:200].rstrip("/")


def why_not_connected(error: Exception, name: str) -> tuple[str, str, str]:
    """Message, remedy and cause, found in the chain of exceptions below httpx's."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for link in chain:
        if isinstance(link, network.NameUnknown):
            return ("The host name is not known (DNS).", "Check the spelling of the address.", "dns")
        if isinstance(link, ssl.SSLCertVerificationError):
            return (f"The server's certificate is not valid for this address: {link.verify_message}.",
                    "Have the certificate renewed, or enter the name it was made for.", "certificate")
        if isinstance(link, ssl.SSLError):
            return ("No secure connection could be made (TLS).",
                    "Check the address and port. If the server has no https, write http:// in front of the address.", "tls")
        if isinstance(link, ConnectionRefusedError):
            return ("Nothing answers at this address and port (connection refused).",
                    "Check that the server runs and that the port is right.", "refused")
    if any(isinstance(link, (httpx.ConnectTimeout, TimeoutError)) for link in chain):
        return ("The server cannot be reached (no connection within the time limit).",
                "Check the address, and that a firewall lets the portal's machine in.", "unreachable")
    return (f"{name} cannot be reached.", "Check the address and the network.", "unreachable")
