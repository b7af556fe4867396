"""One finding: how bad, about what, what was seen, and how to mend it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """``mend`` is what to do; empty where nothing is to be done."""

    level: Level
    check: str
    seen: str
    mend: str = ""


def ok(check: str, seen: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, check, seen)


def warn(check: str, seen: str, mend: str) -> Finding:
    """Works, but somebody may be sorry."""
    return Finding(Level.WARN, check, seen, mend)


def fail(check: str, seen: str, mend: str) -> Finding:
    """Does not work."""
    return Finding(Level.FAIL, check, seen, mend)
