"""Child processes of the demo: start, listen to, stop in order, and never leave one behind."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hybridobs.errors import HybridobsError

Message = dict[str, Any]


class ChildError(HybridobsError):
    """A process of the demo ended before its time; the message says which and shows its last words."""


class Child:
    """A running process that speaks JSON lines; ``on_message`` is called on a reader thread.

    It runs in a session of its own: Ctrl-C reaches the parent only, which then stops the children in order.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        on_message: Callable[[Message], None] | None = None,
    ) -> None:
        self.name = name
        self._log = log
        self._on_message = on_message
        self._asked = False
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environment) if environment is not None else None,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name=f"demo-{name}", daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def check(self) -> None:
        """ChildError when the process is gone with an error; ending by the signal that we sent is none."""
        code = self._process.poll()
        if code not in (None, 0) and not (self._asked and code == -signal.SIGTERM):
            raise ChildError(f"the demo's {self.name} ended with exit code {code}: {self._last_words()}")

    def ask_to_stop(self) -> None:
        """SIGTERM; the process finishes what it has in hand."""
        self._asked = True
        with contextlib.suppress(OSError):
            self._process.terminate()

    def wait(self, timeout: float) -> bool:
        """Whether the process ended, and everything it said was read, within ``timeout`` seconds."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        self._reader.join(timeout)
        return True

    def close(self) -> None:
        """End it now if it still runs, and let go of its pipes; safe twice."""
        if self.running:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if self._on_message is not None and isinstance(message, dict):
                    self._on_message(message)

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it said nothing (see {self._log})"
