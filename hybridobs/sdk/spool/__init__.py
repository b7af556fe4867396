"""Telemetry on disk until the collector has it: the durable queue behind the SDK, and tools for its files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.sdk.spool._clock import Clock, system_clock
    from hybridobs.sdk.spool._deliver import Delivered, deliver
    from hybridobs.sdk.spool._drain import Drained, drain
    from hybridobs.sdk.spool._export import export
    from hybridobs.sdk.spool._inspect import SlotInfo, SpoolInfo, StreamInfo, inspect
    from hybridobs.sdk.spool._limits import Limits
    from hybridobs.sdk.spool._place import default_directory, private_directory
    from hybridobs.sdk.spool._schema import identity, is_damage, make_private, refuse_newer, set_aside, version
    from hybridobs.sdk.spool._spool import Spool

_HOME = {
    "Clock": "_clock",
    "Delivered": "_deliver",
    "Drained": "_drain",
    "Limits": "_limits",
    "SlotInfo": "_inspect",
    "Spool": "_spool",
    "SpoolInfo": "_inspect",
    "StreamInfo": "_inspect",
    "default_directory": "_place",
    "deliver": "_deliver",
    "drain": "_drain",
    "export": "_export",
    "identity": "_schema",
    "inspect": "_inspect",
    "is_damage": "_schema",
    "make_private": "_schema",
    "private_directory": "_place",
    "refuse_newer": "_schema",
    "set_aside": "_schema",
    "system_clock": "_clock",
    "version": "_schema",
}

__all__ = [
    "Clock",
    "Delivered",
    "Drained",
    "Limits",
    "SlotInfo",
    "Spool",
    "SpoolInfo",
    "StreamInfo",
    "default_directory",
    "deliver",
    "drain",
    "export",
    "identity",
    "inspect",
    "is_damage",
    "make_private",
    "private_directory",
    "refuse_newer",
    "set_aside",
    "system_clock",
    "version",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
