"""How complete delivery is, as measures: read from the streams' sequence numbers instead of from cells.

A stream is of all time, so these know no window. It says who it is once, when it begins: its series has the tier, site,
device class, cohort and channel of its resource, and no model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from hybridobs.contract import LABELS, UNKNOWN
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.measure import Source
from hybridobs.kpi.ranges import RangeSet
from hybridobs.kpi.summary import Summary
from hybridobs.store._schema import LOSSES, STREAMS

if TYPE_CHECKING:
    from sqlalchemy import Connection

Groups = dict[tuple[str, ...], dict[str, Summary]]

COUNTED, LOST, OUTSTANDING = "telemetry.counted", "telemetry.lost", "telemetry.outstanding"
_REASON = "reason"


def from_streams(measure: str) -> bool:
    """Whether a measure is answered here."""
    return MEASURES[measure].source is Source.STREAMS


def delivery(connection: Connection, measures: Sequence[str], by: Sequence[str], where: Mapping[str, str]) -> Groups:
    """The measures of all streams that ``where`` matches, for each group of ``by``; see ``Store.read``."""
    losses: dict[str, dict[str, RangeSet]] = defaultdict(dict)
    for stream, reason, ranges in connection.execute(select(LOSSES)):
        losses[stream][reason] = RangeSet.unpack(ranges)
    groups: Groups = defaultdict(dict)
    for row in connection.execute(select(STREAMS)):
        named = {label: getattr(row, label, UNKNOWN) for label in LABELS}
        for measure, reason, number in _parts(RangeSet.unpack(row.counted), losses.get(row.id, {})):
            labels = named | ({_REASON: reason} if reason else {})
            if measure in measures and number and all(labels.get(name) == value for name, value in where.items()):
                found = groups[tuple(labels.get(name, "") for name in by)]
                more = Summary.of(MEASURES[measure], [number])
                found[measure] = found[measure] + more if measure in found else more
    return dict(groups)


def _parts(counted: RangeSet, losses: Mapping[str, RangeSet]) -> list[tuple[str, str, int]]:
    """Measure, reason, how many: every number up to the highest in one part, one given up twice in its first."""
    known, parts = counted, [(COUNTED, "", len(counted))]
    for reason, ranges in sorted(losses.items()):
        parts.append((LOST, reason, len(ranges - known)))
        known = known | ranges
    return [*parts, (OUTSTANDING, "", known.highest - len(known))]
