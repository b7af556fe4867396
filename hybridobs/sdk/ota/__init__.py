"""Updates over the air: an attempt that outlives the process, and the reports of other update systems.

The door of the room, lazy: a name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.sdk.ota._attempt import Attempt, attempt
    from hybridobs.sdk.ota._native import Report, parse
    from hybridobs.sdk.ota._reports import report
    from hybridobs.sdk.ota._resume import Resumed, resume

_HOME = {
    "Attempt": "_attempt",
    "Report": "_native",
    "Resumed": "_resume",
    "attempt": "_attempt",
    "parse": "_native",
    "report": "_reports",
    "resume": "_resume",
}

__all__ = ["Attempt", "Report", "Resumed", "attempt", "parse", "report", "resume"]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
