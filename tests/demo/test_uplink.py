"""The wire that the demo cuts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from hybridobs.demo.uplink import Uplink


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back what it receives, for one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        while data := connection.recv(1024):
                            connection.sendall(data)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def uplink(echo: tuple[str, int]) -> Iterator[Uplink]:
    """A wire to the echo server."""
    wire = Uplink(echo)
    yield wire
    wire.close()


def ask(wire: Uplink, text: bytes) -> bytes:
    """One connection, one question, one answer."""
    with socket.create_connection(("127.0.0.1", wire.port), timeout=5) as connection:
        connection.sendall(text)
        return connection.recv(1024)


def ended(connection: socket.socket) -> bool:
    """Whether the other side has closed or reset the connection."""
    try:
        return not connection.recv(1024)
    except ConnectionResetError:
        return True


def test_forwards(uplink: Uplink) -> None:
    """What goes in comes out at the other end, and back."""
    assert ask(uplink, b"hello") == b"hello"


def test_cut_breaks_what_is_connected(uplink: Uplink) -> None:
    """A connection that is open when the wire is cut ends."""
    with socket.create_connection(("127.0.0.1", uplink.port), timeout=5) as connection:
        connection.sendall(b"hello")
        assert connection.recv(1024) == b"hello"
        uplink.cut()
        assert ended(connection)


def test_cut_refuses_what_comes(uplink: Uplink) -> None:
    """While it is cut nobody gets through."""
    uplink.cut()
    with pytest.raises(ConnectionRefusedError):
        ask(uplink, b"hello")


def test_restore(uplink: Uplink) -> None:
    """It works again on the same port, and cutting or restoring twice changes nothing."""
    port = uplink.port
    for change in (uplink.cut, uplink.cut, uplink.restore, uplink.restore):
        change()
    assert uplink.port == port and ask(uplink, b"again") == b"again"


def test_close_twice(echo: tuple[str, int]) -> None:
    """Closing is safe twice."""
    wire = Uplink(echo)
    wire.close()
    wire.close()
