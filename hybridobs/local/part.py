"""One process of a stack: how it is started, whether it is well, and what its last words were."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hybridobs.errors import HybridobsError

_ANSWER_S = 2.0
_LOG_BYTES = 10 * 1024 * 1024
_PR_SET_PDEATHSIG = 1


class PartFailed(HybridobsError):
    """A part of the stack could not be started; the message has its last words and its log."""


class Part(NamedTuple):
    """``command`` runs it, ``ready`` is a URL that answers 200 when it is at work, ``log`` holds what it prints."""

    name: str
    command: tuple[str, ...]
    ready: str
    log: Path
    environment: Mapping[str, str] = {}


def answers(url: str) -> bool:
    """Whether a part says there that it is well."""
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_S) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException, ValueError):
        return False


class Process:
    """A part while it runs, in a session of its own: Ctrl-C reaches the supervisor only, which stops in order."""

    def __init__(self, part: Part) -> None:
        self.part = part
        _turned(part.log)
        environment = {**os.environ, **part.environment}
        with part.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    part.command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd=part.log.parent,
                    start_new_session=True,
                    preexec_fn=_end_with_parent if sys.platform == "linux" else None,
                )
            except OSError as error:
                raise PartFailed(f"{part.name} cannot be started: {error}") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        with contextlib.suppress(OSError):
            self._process.terminate()

    def stop(self, within_s: float) -> bool:
        """SIGTERM, and SIGKILL if that did not help in time; whether it went by itself."""
        self.ask_to_stop()
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return True

    def obituary(self) -> str:
        """How it ended and what it said last."""
        code = self._process.poll() or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"{self.part.name} {how}: {self._last_words()} (log: {self.part.log})"

    def _last_words(self) -> str:
        with self.part.log.open("rb") as log:
            log.seek(max(0, self.part.log.stat().st_size - 4096))
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _turned(log: Path) -> None:
    """A log that has grown large makes way for a new one; one old one is kept."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def _end_with_parent() -> None:
    """In the child, before it becomes another program: a supervisor that is killed takes its parts along."""
    with contextlib.suppress(OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
