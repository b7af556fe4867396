"""The register of attributes: one entry for each key on the wire."""

from __future__ import annotations

from typing import NamedTuple

CONTRACT_VERSION = "0.1.0"


class Attribute(NamedTuple):
    """One key on the wire: ``type`` is an OTLP value type, ``unit`` is UCUM, ``where`` says which part carries it."""

    key: str
    type: str
    brief: str
    example: str
    unit: str
    where: str
    stability: str


ATTRIBUTES: dict[str, Attribute] = {}


def attribute(
    key: str,
    type: str,
    brief: str,
    example: str,
    *,
    unit: str = "",
    where: str = "span",
    stability: str = "development",
) -> str:
    """Register an attribute; returns its key. A number without a unit is a plain one: 1."""
    unit = unit or ("1" if type in ("int", "double") else "")
    ATTRIBUTES[key] = Attribute(key, type, brief, example, unit, where, stability)
    return key
