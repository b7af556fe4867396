"""Read the two sides of a gate: by what must be told apart, hour by hour, and by groups that keep a device together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.kpi import Kpi
from hybridobs.kpi.reading import NO_GROUP, WINDOW, Question, Source, gathered
from hybridobs.kpi.summary import Summary
from hybridobs.slo._gate._comparison import NOTHING, Comparison, Side, Summaries
from hybridobs.slo.objective import Trigger
from hybridobs.slo.outcome import Severity
from hybridobs.slo.window import HOUR

Labels = tuple[str, ...]
# What happened in each hour: by cluster, and as a whole under None.
Hours = dict[int, dict[str | None, list[Summaries]]]


class Sides(NamedTuple):
    """Both sides of one group over the hours that count; ``missing`` says why there is nothing to compare."""

    group: Mapping[str, str]
    candidate: Side
    baseline: Side
    hours: int
    left_out: int
    missing: str


def sides(source: Source, trigger: Trigger, comparison: Comparison) -> Iterator[Sides]:
    """The sides for each value of the labels that must be told apart; a trigger of one side has no baseline."""
    kpi, alone = trigger.kpi, trigger.alone
    candidate = _hours(source, kpi, {**comparison.where, **comparison.candidate}, comparison)
    baseline = {} if alone else _hours(source, kpi, {**comparison.where, **comparison.baseline}, comparison)
    for group in sorted({*candidate, *baseline}) or [()]:
        ours, theirs = candidate.get(group, {}), baseline.get(group, {})
        common = set(ours) if alone else set(ours) & set(theirs)
        yield Sides(
            dict(zip(kpi.apart, group, strict=False)),
            _side(ours, common),
            NOTHING if alone else _side(theirs, common),
            len(common),
            0 if alone else len(set(ours) ^ set(theirs)),
            _missing(ours, None if alone else theirs),
        )


def calls_of_candidate(source: Source, comparison: Comparison, *, alone: bool) -> int:
    """How many there are: in hours that the baseline has too, or in all where the candidate is judged ``alone``."""
    kpi = KPIS["calls"]
    every = Trigger("", kpi, 0.0, False, Severity.INFO, hard=alone)
    return sum(kpi.value(one.candidate.whole).n for one in sides(source, every, replace(comparison, independent=True)))


def _missing(ours: Hours, theirs: Hours | None) -> str:
    named = [("candidate", ours), *([("baseline", theirs)] if theirs is not None else [])]
    absent = [name for name, hours in named if not hours]
    return f"no data of the {' and the '.join(absent)}" if absent else "the two sides have no hour in common"


def _hours(source: Source, kpi: Kpi, where: Mapping[str, str], comparison: Comparison) -> dict[Labels, Hours]:
    """Summaries by what must be told apart, then by hour, then by cluster."""
    found: dict[Labels, Hours] = defaultdict(dict)
    for clusters in [()] if comparison.independent else [(), (comparison.clusters,)]:
        answer = next(gathered(source, [kpi], Question(*comparison.span, (WINDOW, *clusters), where)))
        for group, summaries in answer.rows.items():
            values = dict(zip(answer.labels, group, strict=True))
            if values[WINDOW] == NO_GROUP or not kpi.value(summaries).n:
                continue
            apart = tuple(values[label] for label in kpi.apart)
            hour = found[apart].setdefault(int(values[WINDOW]) // HOUR, {})
            cluster = values[comparison.clusters] if clusters else None
            hour.setdefault(cluster, []).append(summaries)
    return found


def _side(hours: Hours, common: set[int]) -> Side:
    whole: list[Summaries] = []
    clusters: dict[str, list[Summaries]] = defaultdict(list)
    for hour in common & hours.keys():
        for cluster, found in hours[hour].items():
            (whole if cluster is None else clusters[cluster]).extend(found)
    return Side(_merged(whole), {cluster: _merged(found) for cluster, found in sorted(clusters.items())})


def _merged(found: Sequence[Summaries]) -> dict[str, Summary]:
    names = dict.fromkeys(name for summaries in found for name in summaries)
    return {name: Summary.merged(MEASURES[name], [s[name] for s in found if name in s]) for name in names}
