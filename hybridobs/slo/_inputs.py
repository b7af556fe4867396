"""What a verdict was made of and by, as plain JSON: enough to make it again from the file alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from typing import Any
from zlib import crc32

from hybridobs.contract import CONTRACT_VERSION
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.summary import Summary


def made_by(digest: str) -> dict[str, Any]:
    """Which program, catalogue and file stand behind a verdict; ``digest`` is the SHA-256 of the file, if any."""
    return {
        "hybridobs": version("hybridobs"),
        "contract": CONTRACT_VERSION,
        "catalogue": catalogue(),
        "file_sha256": digest or None,
    }


def catalogue() -> str:
    """A fingerprint of how every measure is kept: 8 hexadecimal digits."""
    return f"{crc32(repr(sorted((name, measure.layout) for name, measure in MEASURES.items())).encode()):08x}"


def packed(summary: Summary) -> dict[str, Any]:
    """As the store keeps it; ``hist`` is ``Summary.pack`` in hexadecimal, and ``layout`` says how to read it."""
    return {
        "n": summary.n,
        "sum": summary.sum,
        "min": summary.min,
        "max": summary.max,
        "layout": summary.measure.layout,
        "hist": summary.pack().hex(),
    }


def unpacked(name: str, found: Mapping[str, Any]) -> Summary:
    """The inverse of ``packed``; KeyError, TypeError, ValueError or LayoutError for one that is damaged."""
    measure = MEASURES[name]
    if found["layout"] != measure.layout:
        raise ValueError(f"{name} was kept in another layout")
    n, total, least, most = (int(found[key]) for key in ("n", "sum", "min", "max"))
    return Summary.unpack(measure, n, total, least, most, bytes.fromhex(found["hist"]))


def plain(value: Any) -> dict[str, Any]:
    """The numbers of a dataclass, those that are not finite as null."""
    found = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: finite(number) for name, number in found.items() if isinstance(number, int | float | None)}


def finite(number: float | None) -> float | None:
    """A number that JSON has; null for one that is not finite."""
    return number if number is not None and math.isfinite(number) else None
