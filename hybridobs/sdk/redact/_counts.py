"""How many values were changed or left out, by rule, since the process began; and which keys were logged."""

from __future__ import annotations

import threading
from collections import Counter

_MOST_SAID = 100

_lock = threading.RLock()  # a signal handler may be observed, and may come in the middle of this
_counts: Counter[str] = Counter()
_told: Counter[str] = Counter()
_said: set[str] = set()


def count(rule: str) -> None:
    """Count one value."""
    with _lock:
        _counts[rule] += 1


def counts() -> dict[str, int]:
    """Return the counts so far, by rule."""
    with _lock:
        return {str(rule): number for rule, number in _counts.items()}


def untold() -> dict[str, int]:
    """Return by rule what was counted since this was last asked."""
    with _lock:
        new = _counts - _told
        _told.update(new)
        return {str(rule): number for rule, number in new.items()}


def first_time(key: str) -> bool:
    """Whether nobody asked about this key before; False for all once there are many."""
    if key in _said or len(_said) >= _MOST_SAID:
        return False
    _said.add(key)
    return True


def forget() -> None:
    """Start from nothing: after a fork, and in tests."""
    global _lock
    _lock = threading.RLock()
    _counts.clear()
    _told.clear()
    _said.clear()
