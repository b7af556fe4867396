"""Telemetry on disk until the collector has it: the durable queue behind the SDK, and tools for its files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.sdk.spool._drain import Drained, drain
    from hybridobs.sdk.spool._export import export
    from hybridobs.sdk.spool._inspect import SlotInfo, SpoolInfo, StreamInfo, inspect
    from hybridobs.sdk.spool._limits import Limits
    from hybridobs.sdk.spool._place import default_directory
    from hybridobs.sdk.spool._spool import Spool

_HOME = {
    "Drained": "_drain",
    "Limits": "_limits",
    "SlotInfo": "_inspect",
    "Spool": "_spool",
    "SpoolInfo": "_inspect",
    "StreamInfo": "_inspect",
    "default_directory": "_place",
    "drain": "_drain",
    "export": "_export",
    "inspect": "_inspect",
}

__all__ = [
    "Drained",
    "Limits",
    "SlotInfo",
    "Spool",
    "SpoolInfo",
    "StreamInfo",
    "default_directory",
    "drain",
    "export",
    "inspect",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
