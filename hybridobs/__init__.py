"""Observability and KPIs for hybrid AI: one trace from device to cloud, nothing lost offline, an exit code in CI.

Everything that instrumented code needs is here, and nothing is loaded before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.sdk import device, events, health, link, ota, outbox
    from hybridobs.sdk._version import VERSION
    from hybridobs.sdk.current import Call, current
    from hybridobs.sdk.events import feedback
    from hybridobs.sdk.observe import observe
    from hybridobs.sdk.setup import Status, configure, flush, hash_id, set_cohort, shutdown, status

    __version__ = VERSION

_HOME = {
    "Call": "hybridobs.sdk.current:Call",
    "Status": "hybridobs.sdk.setup:Status",
    "__version__": "hybridobs.sdk._version:VERSION",
    "configure": "hybridobs.sdk.setup:configure",
    "current": "hybridobs.sdk.current:current",
    "device": "hybridobs.sdk.device:",
    "events": "hybridobs.sdk.events:",
    "feedback": "hybridobs.sdk.events:feedback",
    "flush": "hybridobs.sdk.setup:flush",
    "hash_id": "hybridobs.sdk.setup:hash_id",
    "health": "hybridobs.sdk.health:",
    "link": "hybridobs.sdk.link:",
    "observe": "hybridobs.sdk.observe:observe",
    "ota": "hybridobs.sdk.ota:",
    "outbox": "hybridobs.sdk.outbox:",
    "set_cohort": "hybridobs.sdk.setup:set_cohort",
    "shutdown": "hybridobs.sdk.setup:shutdown",
    "status": "hybridobs.sdk.setup:status",
}

__all__ = [
    "Call",
    "Status",
    "__version__",
    "configure",
    "current",
    "device",
    "events",
    "feedback",
    "flush",
    "hash_id",
    "health",
    "link",
    "observe",
    "ota",
    "outbox",
    "set_cohort",
    "shutdown",
    "status",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = home.partition(":")
    value: object = import_module(module)
    if attribute:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
