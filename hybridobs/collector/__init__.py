"""Receives OTLP and commits it, each event once: the only room that speaks the wire's server side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridobs.errors import MissingExtra

if TYPE_CHECKING:
    from hybridobs.collector.app import Collector
    from hybridobs.collector.limits import Limits

__all__ = ["Collector", "Limits"]

_LATE = {"Collector": "app", "Limits": "limits"}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    except ModuleNotFoundError as fault:
        if (fault.name or "").startswith("hybridobs"):
            raise
        raise MissingExtra(fault.name or "aiohttp", "collector") from fault
