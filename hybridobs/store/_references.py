"""What features looked like when their models were made: kept as documents, and read as a measure of all time.

The room of drift is loaded with the first reference: most questions need none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.measure import Source
from hybridobs.kpi.summary import Summary
from hybridobs.store._rows import Registered
from hybridobs.store._schema import REFERENCES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hybridobs.kpi.drift import Reference

_KEY = tuple(column.name for column in REFERENCES.primary_key)  # the fields of kpi.drift.Key


def from_references(measure: str) -> bool:
    """Whether a measure is answered here."""
    return MEASURES[measure].source is Source.REFERENCE


def row_of(reference: Reference, now_s: int) -> dict[str, object]:
    """One row: the document of this reference alone."""
    from hybridobs.kpi.drift import dumps

    return {**reference.key._asdict(), "created": now_s, "text": dumps([reference])}


def references(connection: Connection, where: Mapping[str, str] | None = None) -> list[Registered]:
    """Every reference whose key equals ``where``, in the order of their keys."""
    from hybridobs.kpi.drift import loads

    statement = select(REFERENCES).order_by(*(REFERENCES.c[name] for name in _KEY))
    for name, value in (where or {}).items():
        statement = statement.where(REFERENCES.c[name] == value)
    return [Registered(loads(row.text)[0], row.created) for row in connection.execute(statement)]


def referred(
    connection: Connection, measures: Sequence[str], by: Sequence[str], where: Mapping[str, str]
) -> dict[tuple[str, ...], dict[str, Summary]]:
    """The measures of all references for each group of ``by``; see ``Store.read``.

    Numbers of all year round only: a season is no label. A label that a reference lacks is the empty text.
    """
    from hybridobs.kpi.drift import NumericReference, summarised

    groups: dict[tuple[str, ...], dict[str, Summary]] = {}
    for one, _ in references(connection, {"season": ""}):
        labels = one.key._asdict()
        if isinstance(one, NumericReference) and all(labels.get(name, "") == value for name, value in where.items()):
            found = groups.setdefault(tuple(labels.get(name, "") for name in by), {})
            for name in measures:
                more = summarised(one, MEASURES[name])
                found[name] = found[name] + more if name in found else more
    return groups
