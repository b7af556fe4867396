"""Parts that are small programs of their own, and waiting."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridobs.local import Part
from tests.ports import free_port

Make = Callable[..., Part]
_SERVER = "import sys; print('hello', flush=True); from http.server import *; {first}; "
_SERVER += "HTTPServer(('127.0.0.1', int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A part that answers on a port of its own; ``first`` is what it does before."""

    def part(name: str = "part", first: str = "0") -> Part:
        port = free_port()
        command = (sys.executable, "-c", _SERVER.format(first=first), str(port))
        return Part(name, command, f"http://127.0.0.1:{port}/", tmp_path / f"{name}.log")

    return part


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
