"""Telemetry never hurts the host: what goes wrong in here is counted, said once, and goes no further."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import ParamSpec

from hybridobs.contract import ValueFault

P = ParamSpec("P")
log = logging.getLogger("hybridobs")

_lock = threading.RLock()  # a signal handler may be observed, and may come in the middle of this
_failures: dict[str, int] = {}
_ignored: dict[tuple[str, ValueFault], int] = {}
_MAX_KINDS = 1000  # distinct things remembered; further ones are counted together
_REST = "other"
_MOST_SHOWN = 80  # characters of a value in a log


def failed(where: str) -> None:
    """Count a fault of our own, from an ``except`` block; the first at each place is logged with its traceback."""
    try:
        with _lock:
            _failures[where] = seen = _failures.get(where, 0) + 1
        if seen == 1:
            log.warning(
                "hybridobs failed in %s; the application is not affected, this is said once", where, exc_info=True
            )
    except Exception:  # noqa: S110 - the last line of defence has nowhere left to report to
        pass


def quiet(method: Callable[P, None]) -> Callable[P, None]:
    """Wrap a method that returns nothing so that it raises nothing either; too slow for what every call does."""

    @functools.wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(*args, **kwargs)
        except Exception:
            failed(method.__name__)

    return guarded


def ignored(key: str, fault: ValueFault, value: object, way_out: str = "") -> None:
    """Count a value that cannot be recorded; the first one of each key and fault is logged, with the way out."""
    try:
        with _lock:
            what = (key if len(_ignored) < _MAX_KINDS or (key, fault) in _ignored else _REST, fault)
            _ignored[what] = seen = _ignored.get(what, 0) + 1
        if seen == 1:
            why = f"{fault.value}, {way_out}" if way_out else fault.value
            log.warning("hybridobs ignored %s=%s: %s; this is said once for each key", *_shown(key, value), why)
    except Exception:
        failed("ignored")


def _shown(key: str, value: object) -> tuple[str, str]:
    """A key and a value as a log may have them: short, and without personal data; a key may be made of data."""
    from hybridobs.privacy import Scanner  # rarely needed, and not free to load

    scan = Scanner(lambda _: None).text
    told = scan(value if isinstance(value, str) else repr(value), _MOST_SHOWN)
    shown = type(value).__name__ if told is None else repr(told) if isinstance(value, str) else told
    return scan(key, _MOST_SHOWN) or "a value", shown


def failures() -> dict[str, int]:
    """Return how often something failed, by place."""
    with _lock:
        return dict(_failures)


def ignored_values() -> dict[str, int]:
    """Return how many values were ignored, by ``key: fault``."""
    with _lock:
        return {f"{key}: {fault.value}": count for (key, fault), count in _ignored.items()}


def forget() -> None:
    """Start counting and saying again from nothing: after a fork, and in tests."""
    global _lock
    _lock = threading.RLock()
    _failures.clear()
    _ignored.clear()
