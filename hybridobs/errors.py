"""Every exception that hybridobs raises on purpose.

HybridobsError
├── ConfigError        a setting, file or argument is wrong: names the key, the value and the way out
│   └── MissingExtra   an optional dependency is not installed: names the install command
├── LayoutError        two histograms or ranges that must not be merged
├── StoreError         the store cannot do what was asked
│   ├── StoreUnreachable   try again later; nothing was written
│   ├── StoreTooNew        the store was written by a newer hybridobs
│   └── StoreTooOld        the store was written by an older hybridobs: names the command that brings it up
└── Rejected           a request that must not be sent again (malformed, too large)

Instrumented code never sees any of these: ``observe`` raises only what the observed function raised.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "HybridobsError",
    "LayoutError",
    "MissingExtra",
    "Rejected",
    "StoreError",
    "StoreTooNew",
    "StoreTooOld",
    "StoreUnreachable",
]


class HybridobsError(Exception):
    """The root of everything raised on purpose; catching it catches nothing else."""


class ConfigError(HybridobsError):
    """A setting is wrong; the message names the key, the value and the way out."""

    def __init__(self, key: str, value: object, way_out: str) -> None:
        self.key = key
        self.value = value
        self.way_out = way_out
        super().__init__(f"{key}={value!r}: {way_out}")


class MissingExtra(ConfigError):
    """An optional dependency is absent; the message is the command that installs it."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__("extra", extra, f"needs {module}; install it with: pip install 'hybridobs[{extra}]'")


class LayoutError(HybridobsError):
    """Two summaries have different layouts (scale, edges, unit) and adding them would be a lie."""


class StoreError(HybridobsError):
    """The store refused an operation for a reason that trying again will not change."""


class StoreUnreachable(StoreError):
    """The database did not answer; nothing was written, the sender may try again."""


class StoreTooNew(StoreError):
    """The store was written by a newer hybridobs; the message says which version opens it."""


class StoreTooOld(StoreError):
    """The store was written by an older hybridobs; the message is the command that brings it up."""


class Rejected(HybridobsError):
    """A request that can never succeed: ``reason`` is a :class:`hybridobs.contract.DropReason`."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


def from_ctrl_c(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: an extension module that it interrupts while it is imported says ImportError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
