"""Single keys of a terminal, where there is one that can give them."""

from __future__ import annotations

import os
import select
import sys
import time
from types import TracebackType
from typing import Any


class Keys:
    """While it is open the terminal gives each key at once and does not echo it; without a terminal there are none."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def __enter__(self) -> Keys:
        if sys.stdin.isatty() and sys.platform != "win32":
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._before is not None and sys.platform != "win32":
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float | None) -> str:
        """The key that was pressed within so many seconds (None: however long it takes), or the empty text."""
        if self._before is None:
            time.sleep(min(seconds or 1.0, 1.0))
            return ""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return os.read(sys.stdin.fileno(), 1).decode(errors="replace") if ready else ""
