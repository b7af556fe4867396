"""``hybridobs collector run``: which collector it runs, and that it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hybridobs.cli.collector import loaded
from hybridobs.collector import Collector
from tests.ports import free_port

Run = Callable[..., Result]

CODE = """
from hybridobs.collector import Collector, Limits
collector = Collector(store="sqlite:///file.db", http="127.0.0.1:5318", grpc=None, limits=Limits(series=77))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A collector as code."""
    path = tmp_path / "edge.py"
    path.write_text(CODE)
    return path


def test_default() -> None:
    """Without a file a collector with the usual addresses and the live exposition runs."""
    chosen = loaded(None, {})
    assert isinstance(chosen, Collector)
    assert (chosen.store, chosen.http, chosen.grpc) == ("sqlite:///hybridobs.db", "127.0.0.1:4318", "127.0.0.1:4317")
    assert [getattr(view, "__name__", view) for view in chosen.views] == ["LiveMeasures", "LiveKpis"]
    assert [page.path for page in chosen.pages] == ["/api/v1/read", "/api/v1/summaries"]


def test_file(file: Path) -> None:
    """A file says everything."""
    chosen = loaded(file, {})
    assert isinstance(chosen, Collector)
    assert (chosen.store, chosen.http, chosen.grpc, chosen.limits.series) == (
        "sqlite:///file.db",
        "127.0.0.1:5318",
        None,
        77,
    )


def test_options_win(file: Path) -> None:
    """An option replaces what the file says, and only that."""
    chosen = loaded(file, {"http": "127.0.0.1:0"})
    assert isinstance(chosen, Collector)
    assert (chosen.store, chosen.http, chosen.limits.series) == ("sqlite:///file.db", "127.0.0.1:0", 77)


@pytest.mark.parametrize("text", ["", "collector = 3"])
def test_file_without_collector(run: Run, file: Path, text: str) -> None:
    """A file without a usable variable ``collector`` is named, and what is missing."""
    file.write_text(text)
    result = run("collector", "run", str(file))
    assert result.exit_code == 2 and "edge.py" in result.stderr and "'collector'" in result.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"\nraise RuntimeError('not today')", "edge.py:2': RuntimeError: not today"),
        (b"def f():\n    return 1 / 0\n\nf()", "edge.py:2': ZeroDivisionError"),
        (b"x = (", "edge.py:1': SyntaxError: '(' was never closed"),
        (b"import nowhere_at_all", "edge.py:1': ModuleNotFoundError: No module named 'nowhere_at_all'"),
        (b"x = '\xff'", "SyntaxError"),
        (b"\0", "null bytes"),
        (b"import sys\nsys.exit(0)", "edge.py:2': SystemExit: 0"),
    ],
)
def test_file_that_fails(run: Run, file: Path, text: bytes, says: str) -> None:
    """It is named with the line and what is wrong there, and it is no mistake of ours."""
    file.write_bytes(text)
    result = run("collector", "run", str(file))
    assert result.exit_code == 2 and says in result.stderr and len(result.stderr.splitlines()) == 1


def test_address_in_use(run: Run, tmp_path: Path) -> None:
    """A port that is taken ends with code 2 and names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("collector", "run", "--store", f"sqlite:///{tmp_path / 'a.db'}", "--http", address)
    assert result.exit_code == 2 and address in result.stderr


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_on_signal(tmp_path: Path, number: int) -> None:
    """The running program answers on its port and ends with code 0 when told to."""
    port = free_port()
    store = f"sqlite:///{tmp_path / 'a.db'}"
    words = ["-m", "hybridobs", "collector", "run", "--store", store]
    words += ["--http", f"127.0.0.1:{port}", "--grpc", "127.0.0.1:0"]
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/readyz")
            process.send_signal(number)
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0 and "collecting on" in errors and "stopped" in errors


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise TimeoutError(url)
