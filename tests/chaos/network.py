"""A small TCP proxy that spreads connections over collectors and resets them at the worst moments."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Sequence
from random import Random

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER 0: the other side sees a reset, and what was under way is gone


class Proxy:
    """Forwards to one of ``ports``; with ``cuts`` a share of connections is reset in a request or in an answer."""

    def __init__(self, ports: Sequence[int], random: Random, cuts: float = 0.0) -> None:
        self._ports = ports
        self._random = random
        self.cuts = cuts
        self.made_cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="chaos-proxy", daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        ports = list(self._ports)
        self._random.shuffle(ports)
        for port in ports:
            with contextlib.suppress(OSError):
                far = socket.create_connection(("127.0.0.1", port), timeout=5)
                far.settimeout(None)
                break
        else:
            _reset(near)
            return
        cut = self._random.random() < self.cuts
        in_request = cut and self._random.random() < 0.4
        # An answer has about 200 bytes and a request some thousand: the cut falls into the first or a later one.
        up = self._random.randrange(1, 4_000) if in_request else None
        down = self._random.randrange(0, 600) if cut and not in_request else None
        threading.Thread(target=self._pump, args=(near, far, up), daemon=True).start()
        self._pump(far, near, down)

    def _pump(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        """Copy until the end, or until ``most`` bytes have passed and both sides are reset."""
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if most is not None and passed + len(data) > most:
                    target.sendall(data[: most - passed])
                    self.made_cuts += 1
                    _reset(source)
                    break
                target.sendall(data)
                passed += len(data)
        _reset(target)


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
