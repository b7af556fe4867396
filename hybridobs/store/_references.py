"""What features looked like when their models were made: kept as documents, and read as a measure of all time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.drift import Key, NumericReference, Reference, dumps, loads, summarised
from hybridobs.kpi.measure import Source
from hybridobs.kpi.summary import Summary
from hybridobs.store._rows import Registered
from hybridobs.store._schema import REFERENCES

if TYPE_CHECKING:
    from sqlalchemy import Connection


def from_references(measure: str) -> bool:
    """Whether a measure is answered here."""
    return MEASURES[measure].source is Source.REFERENCE


def row_of(reference: Reference, now_s: int) -> dict[str, object]:
    """One row: the document of this reference alone."""
    return {**reference.key._asdict(), "created": now_s, "text": dumps([reference])}


def references(connection: Connection, where: Mapping[str, str] | None = None) -> list[Registered]:
    """Every reference whose key equals ``where``, in the order of their keys."""
    statement = select(REFERENCES).order_by(*(REFERENCES.c[name] for name in Key._fields))
    for name, value in (where or {}).items():
        statement = statement.where(REFERENCES.c[name] == value)
    return [Registered(loads(row.text)[0], row.created) for row in connection.execute(statement)]


def referred(
    connection: Connection, measures: Sequence[str], by: Sequence[str], where: Mapping[str, str]
) -> dict[tuple[str, ...], dict[str, Summary]]:
    """The measures of all references for each group of ``by``; see ``Store.read``.

    Numbers of all year round only: a season is no label. A label that a reference lacks is the empty text.
    """
    groups: dict[tuple[str, ...], dict[str, Summary]] = {}
    for one, _ in references(connection, {"season": ""}):
        labels = one.key._asdict()
        if isinstance(one, NumericReference) and all(labels.get(name, "") == value for name, value in where.items()):
            found = groups.setdefault(tuple(labels.get(name, "") for name in by), {})
            for name in measures:
                more = summarised(one, MEASURES[name])
                found[name] = found[name] + more if name in found else more
    return groups
