"""Shows measures to programs that ask: a Prometheus that scrapes or reads, and commands that are elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridobs.errors import MissingExtra

if TYPE_CHECKING:
    from hybridobs.serve.exposition import LiveMeasures
    from hybridobs.serve.kpis import LiveKpis
    from hybridobs.serve.remote import RemoteRead
    from hybridobs.serve.summaries import Summaries

__all__ = ["LiveKpis", "LiveMeasures", "RemoteRead", "Summaries"]

_LATE = {"LiveKpis": "kpis", "LiveMeasures": "exposition", "RemoteRead": "remote", "Summaries": "summaries"}


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
