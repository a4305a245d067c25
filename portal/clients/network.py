"""Sockets for `http.py`: opened only to addresses that were checked, and never older than the call's time limit."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import certifi
import httpcore
import httpx

from portal.clients.guard import check_ip

Resolve = Callable[[str, int], list[str]]

deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))
"""`time.monotonic()` at which the call that runs now must be over, whatever it is doing."""

_SLICE = 65536


class NameUnknown(httpcore.ConnectError):
    """The host name could not be resolved."""


def resolve(host: str, port: int) -> list[str]:
    """The IP numbers of a host, in the order the system prefers. Raises `NameUnknown`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameUnknown(f"{host}: {error}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves once, checks every number, connects to a checked number. TLS is still verified against the name,
    because httpcore takes the server name from the URL and not from here.

    Raises `guard.BadAddress` (no socket was opened), `NameUnknown`, `httpcore.ConnectError` or `ConnectTimeout`.
    """

    def __init__(self, *, allow_private: bool, resolver: Resolve = resolve,
                 sockets: httpcore.NetworkBackend | None = None) -> None:
        self._allow_private = allow_private
        self._resolve = resolver
        self._sockets = sockets or httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[Any] | None = None) -> httpcore.NetworkStream:
        numbers = self._resolve(host, port)
        for number in numbers:
            check_ip(ipaddress.ip_address(number), host, allow_private=self._allow_private)
        failure: Exception = NameUnknown(f"{host}: no address")
        for number in numbers:
            try:
                stream = self._sockets.connect_tcp(number, port, _left(timeout, httpcore.ConnectTimeout), local_address,
                                                   socket_options)
                return TimedStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class TimedStream(httpcore.NetworkStream):
    """A stream each of whose operations ends with the call: a peer that sends a byte now and then gains no time."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _SLICE):
            self._stream.write(buffer[start:start + _SLICE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedTransport(httpx.HTTPTransport):
    """httpx's own transport on a connection pool whose sockets are guarded."""

    def __init__(self, backend: GuardedBackend, *, keep_alive_seconds: float) -> None:
        super().__init__(verify=tls_context(), trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(ssl_context=tls_context(), network_backend=backend,
                                             keepalive_expiry=keep_alive_seconds)


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Certificates are always verified: against the system's authorities (`SSL_CERT_FILE` adds your own) and certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _left(timeout: float | None, over: type[Exception]) -> float:
    """Seconds this operation may take; raises `over` when the call's time is up."""
    left = deadline.get() - time.monotonic()
    if left <= 0:
        raise over("the call took too long")
    return left if timeout is None else min(timeout, left)
