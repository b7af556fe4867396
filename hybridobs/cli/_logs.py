"""What a long-running command writes to stderr: our own lines only, for people or for a log store."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_QUIET_SECONDS = 10.0
_MOST_KINDS = 256


@contextmanager
def logged_to_stderr(form: str = "text") -> Iterator[None]:
    """Where it listens, what it could not do, that it stopped; ``form`` is ``text`` or ``json``."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(Repeats())
    logger = logging.getLogger("hybridobs")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@contextmanager
def unheard() -> Iterator[None]:
    """Keep the SDK from warning of what the command itself tells, or asked for."""
    logger = logging.getLogger("hybridobs")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


class JsonLines(logging.Formatter):
    """One object a line: ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, ``exception`` where one was."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


class Repeats(logging.Filter):
    """Lets one line of a kind (its words without their values) through in ten seconds, and counts the others.

    A store that is away for an hour would otherwise say so with every group that it does not take.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, object], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it; the next one of its kind says how many were not."""
        kind, now = (record.name, record.msg), self._clock()
        due, held = self._said.get(kind, (0.0, 0))
        if kind in self._said and now < due:
            self._said[kind] = (due, held + 1)
            return False
        if len(self._said) >= _MOST_KINDS:
            self._said.clear()
        self._said[kind] = (now + _QUIET_SECONDS, 0)
        if held:
            record.msg, record.args = f"{record.getMessage()} (and {held} more like it before)", None
        return True
