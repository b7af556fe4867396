"""An embedding as the few numbers that leave the device in its place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, SupportsFloat

from hybridobs import contract
from hybridobs.contract import ValueFault
from hybridobs.kpi import projection
from hybridobs.sdk._guard import ignored


class Array(Protocol):
    """An array of NumPy or of whoever has such a method, of one dimension."""

    def tolist(self) -> Any:
        """Its numbers."""


Vector = Sequence[SupportsFloat] | Array


def numbers_of(name: str, vector: Vector) -> dict[str, float]:
    """The features that stand for a vector; empty if it is none, which is counted as an ignored value."""
    if not isinstance(name, str) or not name:
        ignored(contract.FEATURE_PREFIX, ValueFault.WRONG_TYPE, type(name).__name__)
        return {}
    found = _floats(vector)
    told = found if isinstance(found, ValueFault) else projection.numbers(found) or _fault(found)
    if isinstance(told, ValueFault):
        ignored(contract.FEATURE_PREFIX + name, told, type(vector).__name__)  # the log gets no number of a vector
        return {}
    return dict(zip(projection.features(name), told, strict=True))


def _floats(vector: Any) -> list[float] | ValueFault:
    """Plain numbers; what is nested, unordered or a text is no vector."""
    items = vector.tolist() if hasattr(type(vector), "tolist") else vector
    if not isinstance(items, Sequence) or isinstance(items, (str, bytes, bytearray)):
        return ValueFault.WRONG_TYPE
    if len(items) > projection.MOST_DIMENSIONS:
        return ValueFault.TOO_LONG
    kinds = set(map(type, items))
    if any(issubclass(kind, (bool, str, bytes)) or not hasattr(kind, "__float__") for kind in kinds):
        return ValueFault.WRONG_TYPE
    try:
        return [float(item) for item in items]
    except (TypeError, ValueError, OverflowError):  # another library's scalar may refuse, as an array of many does
        return ValueFault.WRONG_TYPE


def _fault(values: Sequence[float]) -> ValueFault:
    return ValueFault.OUT_OF_RANGE if all(map(math.isfinite, values)) else ValueFault.NOT_A_NUMBER
