"""Keeps outgoing calls away from private networks, and within their time.

A store's address is typed by a user, so the portal could be made to call its own network. The check sits where the socket is
opened: the name is resolved once, every address must be public, and the connection goes to a checked address. Odd spellings of
addresses (decimal, octal, mapped, tunnelled) are resolved like any other name and therefore caught; redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from typing import Any

import httpcore

_TUNNELS = tuple(ipaddress.ip_network(n) for n in ("2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32"))
"""6to4, NAT64 and Teredo: IPv6 addresses with an IPv4 address inside, which could be a private one."""


class ForbiddenAddress(OSError):
    """The name leads to a private, loopback or otherwise special address."""


class OutOfTime(OSError):
    """The whole call took longer than allowed, however busy the connection looked."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _TUNNELS):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class Backend(httpcore.SyncBackend):
    """Opens TCP connections to checked addresses only and keeps to `deadline` (of `time.monotonic`)."""

    def __init__(self, *, allow_private: bool) -> None:
        self.allow_private = allow_private
        self.deadline = float("inf")

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[Any] | None = None) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"name:{error}") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not self.allow_private:
            forbidden = [a for a in addresses if not is_public(a)]
            if forbidden:
                raise ForbiddenAddress(host)
        error: Exception = httpcore.ConnectError("name: no address")
        for address in addresses[:4]:
            try:
                stream = super().connect_tcp(address, port, _within(timeout, self.deadline), local_address, socket_options)
                return _Stream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as refused:
                error = refused
        raise error


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline, even if the other side sends a byte a second."""

    def __init__(self, stream: httpcore.NetworkStream, backend: Backend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _within(timeout, self._backend.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _within(timeout, self._backend.deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _within(timeout, self._backend.deadline))
        return _Stream(stream, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _within(timeout: float | None, deadline: float) -> float | None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise OutOfTime
    return left if timeout is None else min(timeout, left)
