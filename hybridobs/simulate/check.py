"""Hold a store against what was generated, and what was generated against the numbers of the scenario.

A KPI must equal the truth: to the last quantum where it is a count, a sum, a mean or a share, within one bucket of the
histogram where it is a quantile. A number of the scenario must be met within ``Z`` standard errors, because the devices
draw by chance; where there are fewer samples than the KPI needs, one that is not met says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import sqrt
from typing import NamedTuple

from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.reading import Question, Source, answers
from hybridobs.simulate.facts import Facts
from hybridobs.simulate.fleet import Played
from hybridobs.simulate.scenario import Claim, Scenario, Way
from hybridobs.simulate.truth import Truth, truths

Z = 3.3
"""Standard errors; one number in a thousand is further off by chance."""

_ROUNDING = 1e-9
Key = tuple[str, str]


class Line(NamedTuple):
    """One comparison: ``expected`` up to ``off``, in the unit of the KPI; ``group`` is its business or currency.

    ``too_little``: it is not met, and there are too few samples to make anything of that.
    """

    kind: str
    cohort: str
    kpi: str
    group: str
    measured: float | None
    expected: float
    off: float
    ok: bool
    too_little: bool = False


def fresh(source: Source, scenario: Scenario) -> None:
    """Raise ConfigError if the store knows a cohort of the scenario already: nothing could be compared then."""
    for arm in scenario.arms:
        if _read(source, ("calls",), arm.cohort):
            raise ConfigError("store", arm.cohort, "is in this store already; to check a run give it a fresh store")


def compare(source: Source, scenario: Scenario, played: Played) -> Iterator[Line]:
    """Every KPI of every cohort, how complete the telemetry is, and every number of the scenario."""
    known: dict[str, dict[Key, Truth]] = {}
    measured: dict[str, dict[Key, float]] = {}
    for cohort, facts in played.facts.items():
        found = {(truth.kpi, truth.group): truth for truth in truths(facts)}
        known[cohort] = found
        measured[cohort] = _read(source, {kpi for kpi, _ in found}, cohort)
        yield from _equal(cohort, found, measured[cohort])
    yield _delivered(source, scenario, played)
    for claim in scenario.claims:
        yield _claimed(claim, known, measured, scenario.arms[0].cohort)


def document(facts: Mapping[str, Facts]) -> dict[str, object]:
    """The truth as JSON has it: cohort, KPI, and its group if it has one."""
    return {
        cohort: [truth._asdict() for truth in sorted(truths(known), key=lambda truth: (truth.kpi, truth.group))]
        for cohort, known in facts.items()
    }


def _read(source: Source, kpis: Collection[str], cohort: str) -> dict[Key, float]:
    """KPI and group to value; without data there is none."""
    found: dict[Key, float] = {}
    question = Question(by=("business",), where={"cohort": cohort})
    for answer in answers(source, [KPIS[kpi] for kpi in sorted(kpis)], question):
        for group, readings in answer.rows.items():
            for kpi, reading in zip(answer.kpis, readings, strict=True):
                if reading.value is not None:
                    found[kpi.id, group[0] if group else ""] = reading.value
    return found


def _equal(cohort: str, known: Mapping[Key, Truth], measured: Mapping[Key, float]) -> Iterator[Line]:
    for key, truth in known.items():
        value = measured.get(key)
        off = max(abs(truth.value) * max(truth.bound, _ROUNDING), _quantum(truth.kpi))
        ok = value is not None and abs(value - truth.value) <= off
        yield Line("truth", cohort, *key, value, truth.value, off, ok)


def _quantum(kpi: str) -> float:
    """What storing whole quanta may cost: nothing where things are counted."""
    return max((measure.quantum for measure in KPIS[kpi].formula.measures if measure.quantum < 1), default=0.0)


def _delivered(source: Source, scenario: Scenario, played: Played) -> Line:
    """Counted, or lost and known: nothing is outstanding."""
    kpi = KPIS["delivery_completeness"]
    question = Question(where={"device_class": scenario.device_class})
    [answer] = answers(source, [kpi], question)
    value = answer.rows[()][0].value
    expected = 1 - played.lost / played.records
    ok = value is not None and abs(value - expected) <= _ROUNDING
    return Line("truth", "", kpi.id, "", value, expected, _ROUNDING, ok)


def _claimed(
    claim: Claim, known: Mapping[str, Mapping[Key, Truth]], measured: Mapping[str, Mapping[Key, float]], first: str
) -> Line:
    key = _key(claim, known[claim.cohort])
    sides = [claim.cohort, first] if claim.way in (Way.RATIO, Way.SPARED) else [claim.cohort]
    there = [truth for side in sides if (truth := known[side].get(key)) is not None]
    values = [value for side in sides if (value := measured[side].get(key)) is not None]
    if len(there) < len(sides) or len(values) < len(sides) or not all(_part(claim.way, value) for value in values[1:]):
        # What was generated and is not in the store is a difference; a share of nothing is no number.
        few = len(there) < len(sides) or len(values) == len(sides)
        return Line(claim.way, claim.cohort, *key, None, claim.value, 0.0, False, few)
    value, off = values[0], Z * max(there[0].error, _error_at(claim.value, there[0]))
    if len(sides) > 1:
        value, off = _ratio(claim.way, (there[0], values[0]), (there[1], values[1]))
    beyond = {Way.AT_MOST: value - claim.value, Way.AT_LEAST: claim.value - value}
    ok = beyond.get(claim.way, abs(value - claim.value)) <= off
    few = not ok and min(truth.n for truth in there) < KPIS[claim.kpi].minimum_sample
    return Line(claim.way, claim.cohort, *key, value, claim.value, off, ok, few)


def _key(claim: Claim, known: Mapping[Key, Truth]) -> Key:
    """The one that the claim is about: its business, or the only group there is."""
    groups = [group for kpi, group in known if kpi == claim.kpi]
    return claim.kpi, claim.business or (groups[0] if groups else "")


def _error_at(value: float, truth: Truth) -> float:
    """The standard error of a share if the number in the table is right: none seen of a few does not mean never."""
    is_share = KPIS[truth.kpi].unit == "1" and 0 <= value <= 1 and not truth.bound
    return sqrt(value * (1 - value) / truth.n) if is_share else 0.0


def _part(way: Way, value: float) -> float:
    return 1 - value if way is Way.SPARED else value


def _ratio(way: Way, after: tuple[Truth, float], before: tuple[Truth, float]) -> tuple[float, float]:
    """What a KPI is of what it was, and how far that may be off: relative errors add in squares."""
    parts = [(_part(way, value), truth.error) for truth, value in (after, before)]
    ratio = parts[0][0] / parts[1][0]
    return ratio, Z * ratio * sqrt(sum((error / value) ** 2 for value, error in parts if value))
