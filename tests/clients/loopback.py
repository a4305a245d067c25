"""A server on 127.0.0.1 that does with a connection exactly what a test says, for what no mock can play."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Talk = Callable[[socket.socket, threading.Event], None]


class Loopback:
    """`talk(connection, over)` runs for each connection after its first request; `over` is set when the test ends."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        self._talk = talk
        self._tls = tls
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.requests: list[bytes] = []
        self.port = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def close(self) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in (self._accepting, *self._threads):
            thread.join(10)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            try:
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                self.requests.append(receive(connection))
                self._talk(connection, self._over)
            except OSError:
                pass
            finally:
                connection.close()


@contextmanager
def loopback(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    server = Loopback(talk, tls)
    try:
        yield server
    finally:
        server.close()


def says(*parts: bytes) -> Talk:
    """Send these bytes and hang up."""
    def talk(connection: socket.socket, over: threading.Event) -> None:
        for part in parts:
            connection.sendall(part)
    return talk


def dribbles(start: bytes, drop: bytes) -> Talk:
    """Send `start`, then `drop` again and again, a hundred times a second, until the other side has enough."""
    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(0.01):
            connection.sendall(drop)
    return talk


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Take the request and say nothing until the test ends."""
    over.wait(10)


def receive(connection: socket.socket) -> bytes:
    """One whole request, or what came of it; of a TLS greeting only the beginning."""
    taken = b""
    while b"\r\n\r\n" not in taken and not taken.startswith(b"\x16"):
        taken += (part := connection.recv(65536))
        if not part:
            return taken
    head, _, body = taken.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]) and (part := connection.recv(65536)):
        body += part
    return head + b"\r\n\r\n" + body
