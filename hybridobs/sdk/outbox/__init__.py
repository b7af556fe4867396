"""Requests that wait on disk until somebody can answer them, each in the trace in which it was asked.

>>> box = Outbox("/var/lib/till/outbox")
>>> box.put(picture, kind="classify")          # offline: keep it, with the trace of the current call
>>> box.drain(send)                            # online again: send(request) runs inside that trace
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.sdk.outbox._box import Drained, GiveUp, Handler, Later, Outbox
    from hybridobs.sdk.outbox._file import Limits, Request, Waiting

_HOME = {
    "Drained": "_box",
    "GiveUp": "_box",
    "Handler": "_box",
    "Later": "_box",
    "Limits": "_file",
    "Outbox": "_box",
    "Request": "_file",
    "Waiting": "_file",
}

__all__ = ["Drained", "GiveUp", "Handler", "Later", "Limits", "Outbox", "Request", "Waiting"]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
