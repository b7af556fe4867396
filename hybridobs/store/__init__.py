"""The only room that knows SQL: measures, streams and kept spans in SQLite or PostgreSQL.

Importing it costs nothing; SQLAlchemy and numpy are loaded with the first ``Store``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridobs.errors import MissingExtra
from hybridobs.store._remarks import BAD_UPDATES, remarks
from hybridobs.store._rows import (
    AttemptRow,
    Device,
    DeviceRow,
    Done,
    Due,
    Held,
    KeptSpan,
    Memory,
    Overflow,
    PointState,
    Quarantined,
    Registered,
    Size,
    StoreInfo,
    StreamInfo,
    StreamState,
    TraceHead,
    Update,
)

if TYPE_CHECKING:
    from hybridobs.store._export import Exported
    from hybridobs.store._lines import Detail, Lines
    from hybridobs.store._retention import Retention
    from hybridobs.store._store import Store
    from hybridobs.store._write import FOREIGN_MEMORY_S, Transaction

__all__ = [
    "BAD_UPDATES",
    "FOREIGN_MEMORY_S",
    "AttemptRow",
    "Detail",
    "Device",
    "DeviceRow",
    "Done",
    "Due",
    "Exported",
    "Held",
    "KeptSpan",
    "Lines",
    "Memory",
    "Overflow",
    "PointState",
    "Quarantined",
    "Registered",
    "Retention",
    "Size",
    "Store",
    "StoreInfo",
    "StreamInfo",
    "StreamState",
    "TraceHead",
    "Transaction",
    "Update",
    "remarks",
]

_LATE = {
    "Detail": "_lines",
    "FOREIGN_MEMORY_S": "_write",
    "Exported": "_export",
    "Lines": "_lines",
    "Retention": "_retention",
    "Store": "_store",
    "Transaction": "_write",
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
        raise MissingExtra(fault.name or "sqlalchemy", "collector") from fault
