"""``hybridobs collector token``, the settings of who may come in, and what is logged."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hybridobs.cli._logs import JsonLines, Repeats
from hybridobs.cli.collector import loaded
from hybridobs.collector.access._file import AccessFile

Run = Callable[..., Result]


def test_a_token_is_made(run: Run, tmp_path: Path) -> None:
    """It is printed once; the file, which nobody else may read, has its hash."""
    file = tmp_path / "access.txt"
    made = run("collector", "token", "acme", "--may", "send,read", "--to", str(file))
    token = made.stdout.strip()
    assert made.exit_code == 0 and token not in file.read_text() and file.stat().st_mode & 0o777 == 0o600
    grant = AccessFile(file).load().of_token(token)
    assert grant is not None and (grant.tenant, sorted(grant.may)) == ("acme", ["read", "send"])


def test_a_second_token_is_added(run: Run, tmp_path: Path) -> None:
    """A file grows by a line; without a file the line is printed."""
    file = tmp_path / "access.txt"
    for tenant in ("acme", "beta"):
        run("collector", "token", tenant, "--to", str(file))
    assert AccessFile(file).load().tenants == ("acme", "beta")
    assert "beta send sha256:" in run("collector", "token", "beta").stderr


@pytest.mark.parametrize("words", [["Acme"], ["acme", "--to", "/nowhere/at/all"]])
def test_a_token_that_cannot_be(run: Run, words: list[str]) -> None:
    """A tenant that is no name and a file that cannot be written are named."""
    result = run("collector", "token", *words)
    assert result.exit_code == 2 and ("Acme" in result.stderr or "/nowhere" in result.stderr)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tls-cert", "cert.pem"], "--tls-key"),
        (["--client-ca", "ca.pem"], "--tls-cert"),
        (["--access", "/nowhere.txt"], "/nowhere.txt"),
        (["--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"], "/nowhere.pem"),
    ],
)
def test_settings_that_cannot_be_used(run: Run, tmp_path: Path, words: list[str], says: str) -> None:
    """Half a certificate and files that are not there end with code 2."""
    addresses = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    result = run("collector", "run", "--store", f"sqlite:///{tmp_path}/a.db", *addresses, *words)
    assert result.exit_code == 2 and says in result.stderr


def test_a_relay_takes_the_same_settings(tmp_path: Path) -> None:
    """Options guard a relay as they guard a collector."""
    file = tmp_path / "relay.py"
    file.write_text("from hybridobs.collector import Relay\ncollector = Relay('http://127.0.0.1:1')\n")
    access = tmp_path / "access.txt"
    chosen = loaded(file, {"access": access, "store": "sqlite:///ignored.db"})
    assert chosen.access == access and chosen.http == "127.0.0.1:4318"


def record(words: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("hybridobs.x", logging.WARNING, "f", 1, words, values, None)


def test_a_log_line_is_json() -> None:
    """One object, with the exception where there was one."""
    made = record("the store %s", "is away")
    made.exc_info = (ValueError, ValueError("why"), None)
    said = json.loads(JsonLines().format(made))
    assert (said["level"], said["logger"], said["message"]) == ("warning", "hybridobs.x", "the store is away")
    assert said["time"].endswith("+00:00") and "ValueError: why" in said["exception"]


def test_repeated_lines_are_counted() -> None:
    """One of a kind in ten seconds is written; the next one says how many were not."""
    now = [0.0]
    quiet = Repeats(lambda: now[0])
    assert [quiet.filter(record("away: %s", n)) for n in range(4)] == [True, False, False, False]
    assert quiet.filter(record("another"))
    now[0] = 10.0
    last = record("away: %s", 5)
    assert quiet.filter(last) and last.getMessage() == "away: 5 (and 3 more like it before)"
