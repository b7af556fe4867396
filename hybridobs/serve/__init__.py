"""Shows measures to programs that ask: the live exposition for a scrape, event time for Prometheus remote read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridobs.errors import MissingExtra

if TYPE_CHECKING:
    from hybridobs.serve.exposition import LiveMeasures
    from hybridobs.serve.remote import RemoteRead

__all__ = ["LiveMeasures", "RemoteRead"]

_LATE = {"LiveMeasures": "exposition", "RemoteRead": "remote"}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    except ModuleNotFoundError as fault:
        if (fault.name or "").startswith("hybridobs"):
            raise
        raise MissingExtra(fault.name or "prometheus_client", "collector") from fault
