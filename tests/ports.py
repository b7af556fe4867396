"""A port for a program that a test starts, which nobody else takes before it listens."""

from __future__ import annotations

import contextlib
import socket
from random import Random

_ports = Random()  # not seeded: several runs on one machine must not meet


def free_port() -> int:
    """A port of loopback that nobody uses now, out of those that the kernel gives to nobody's outgoing connection."""
    while True:
        with socket.socket() as made, contextlib.suppress(OSError):
            made.bind(("127.0.0.1", _ports.randrange(10_000, 32_000)))
            return int(made.getsockname()[1])
