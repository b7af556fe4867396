"""A hybrid product in one command: real models, real HTTP, one trace from device to cloud.

``Demo(directory, seconds=…, devices=…).run(watch)`` returns a ``Result``. What it prints is the command line's.
``Guest`` is the same fleet beside a collector that runs already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridobs.demo.guest import Guest
    from hybridobs.demo.run import Demo, Result, Snapshot

__all__ = ["Demo", "Guest", "Result", "Snapshot"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from hybridobs.demo import guest, run

        return getattr(guest if name == "Guest" else run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
