"""Measures that are somewhere else: behind a running collector, or in a Prometheus that scrapes one.

:func:`connect` gives what ``hybridobs.kpi.reading`` and ``hybridobs.slo`` ask, by URL.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridobs.remote._connect import Remote, connect
    from hybridobs.remote._urls import is_remote

__all__ = ["Remote", "connect", "is_remote"]

_HOMES = {"Remote": "_connect", "connect": "_connect", "is_remote": "_urls"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
