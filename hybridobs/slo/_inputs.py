"""What a verdict was made of and by, as plain JSON: enough to make it again from the file alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from typing import Any
from zlib import crc32

from hybridobs.contract import CONTRACT_VERSION
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.kpi import Kpi
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.stats import Interval, Judgement, Verdict
from hybridobs.kpi.summary import Summary

_MAY_BE_INFINITE = ("z", "candidate_n", "baseline_n")


def made_by(digest: str) -> dict[str, Any]:
    """Which program and file stand behind a verdict; ``digest`` is the SHA-256 of the file, if any."""
    return {"hybridobs": version("hybridobs"), "contract": CONTRACT_VERSION, "file_sha256": digest or None}


def asked_about(kpi: Kpi) -> dict[str, str]:
    """The KPI of a verdict, and a fingerprint of how it is read and its measures are kept: 8 hexadecimal digits.

    Words about it may change, and so may everything else in the catalogue, without another fingerprint.
    """
    return {"kpi": kpi.id, "definition": f"{crc32(repr(_structure(kpi.formula)).encode()):08x}", "unit": kpi.unit}


def _structure(part: object) -> object:
    """A formula as names and numbers, without the words that measures have beside them."""
    if isinstance(part, Measure):
        return part.layout
    if isinstance(part, tuple):
        return list(map(_structure, part))
    if is_dataclass(part):
        return type(part).__name__, [_structure(getattr(part, field.name)) for field in fields(part)]
    return part


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


def all_packed(summaries: Mapping[str, Summary]) -> dict[str, Any]:
    """Each by the name of its measure."""
    return {name: packed(summary) for name, summary in summaries.items()}


def all_unpacked(found: Mapping[str, Any]) -> dict[str, Summary]:
    """The inverse of ``all_packed``; raises as ``unpacked``."""
    return {name: unpacked(name, one) for name, one in found.items()}


def unpacked(name: str, found: Mapping[str, Any]) -> Summary:
    """The inverse of ``packed``; KeyError, TypeError, ValueError or LayoutError for one that is damaged."""
    measure = MEASURES[name]
    if found["layout"] != measure.layout:
        raise ValueError(f"{name} was kept in another layout")
    n, total, least, most = (int(found[key]) for key in ("n", "sum", "min", "max"))
    return Summary.unpack(measure, n, total, least, most, bytes.fromhex(found["hist"]))


def judged(judgement: Judgement | None) -> dict[str, Any] | None:
    """A judgement as plain JSON; a bound that is not finite is null."""
    if judgement is None:
        return None
    return {**plain(judgement), "verdict": judgement.verdict.value, "bounds": [*map(finite, judgement.bounds)]}


def judgement(found: Mapping[str, Any] | None) -> Judgement | None:
    """The inverse of ``judged``; KeyError, TypeError or ValueError for one that is damaged."""
    if found is None:
        return None
    low, high = found["bounds"]
    bounds = Interval(-math.inf if low is None else low, math.inf if high is None else high)
    given: dict[str, Any] = {field.name: found[field.name] for field in fields(Judgement)}
    given |= {name: math.inf for name in _MAY_BE_INFINITE if given[name] is None}
    given |= {"verdict": Verdict(found["verdict"]), "bounds": bounds}
    return Judgement(**given)


def plain(value: Any) -> dict[str, Any]:
    """The numbers of a dataclass, those that are not finite as null."""
    found = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: finite(number) for name, number in found.items() if isinstance(number, int | float | None)}


def finite(number: float | None) -> float | None:
    """A number that JSON has; null for one that is not finite."""
    return number if number is not None and math.isfinite(number) else None
