"""Beside the model, on a device or in the cloud: observe calls, keep what happened, send it.

The door of the room, lazy: a name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.sdk.current import Call, current
    from hybridobs.sdk.observe import observe
    from hybridobs.sdk.setup import Status, configure, flush, hash_id, set_cohort, shutdown, status

_HOME = {
    "Call": "current",
    "Status": "setup",
    "configure": "setup",
    "current": "current",
    "flush": "setup",
    "hash_id": "setup",
    "observe": "observe",
    "set_cohort": "setup",
    "shutdown": "setup",
    "status": "setup",
}

__all__ = ["Call", "Status", "configure", "current", "flush", "hash_id", "observe", "set_cohort", "shutdown", "status"]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
