"""Receives OTLP and commits it, each event once: the only room that speaks the wire's server side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridobs.errors import MissingExtra

if TYPE_CHECKING:
    from hybridobs.collector._pages import Asked, Page, Said
    from hybridobs.collector.access._file import token_line
    from hybridobs.collector.access._tls import Tls
    from hybridobs.collector.app import Collector
    from hybridobs.collector.fleet import Fleet, Rules
    from hybridobs.collector.forward._limits import RelayLimits
    from hybridobs.collector.forward._redact import cap, deny, detect
    from hybridobs.collector.forward._relay import Relay
    from hybridobs.collector.limits import Limits

__all__ = [
    "Asked",
    "Collector",
    "Fleet",
    "Limits",
    "Page",
    "Relay",
    "RelayLimits",
    "Rules",
    "Said",
    "Tls",
    "cap",
    "deny",
    "detect",
    "token_line",
]

_LATE = {
    "Asked": "_pages",
    "Page": "_pages",
    "Said": "_pages",
    "Tls": "access._tls",
    "Collector": "app",
    "Fleet": "fleet",
    "Rules": "fleet",
    "Limits": "limits",
    "Relay": "forward._relay",
    "RelayLimits": "forward._limits",
    "cap": "forward._redact",
    "deny": "forward._redact",
    "detect": "forward._redact",
    "token_line": "access._file",
}


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
