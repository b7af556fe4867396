"""What each KPI has to be: computed from the facts with sorting and adding, and how far off a reading may be.

A count, a sum, a mean and a share are exact. A quantile may be off by one bucket of the histogram, 2.19 %. ``error`` is
the standard error of the value as an estimate of the number in the scenario's table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import fmean, pstdev
from typing import NamedTuple

from hybridobs.simulate.facts import Business, Facts, at_rank

BUCKET = 2 ** (1 / 32) - 1
"""Width of a histogram bucket, relative to its lower end."""
_EDGES = {
    **{f"{edge * 1000:g}ms": edge for edge in (0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.45, 0.8)},
    "2s": 2.0,
}
_FRAME = 0.00833
_CEILING = 0.005  # USD, what a call should cost at most
USD, COUNTER = "USD", "counter"


class Truth(NamedTuple):
    """One KPI: ``group`` is its currency, method or business, "" for most; ``bound`` is relative, 0 for exact."""

    kpi: str
    value: float
    n: int
    group: str = ""
    bound: float = 0.0
    error: float = 0.0


def truths(facts: Facts) -> list[Truth]:
    """Every KPI of which the facts hold anything."""
    found = [*_times(facts), *_stated(facts), *_rates(facts), *_counts(facts), *_devices(facts)]
    for name, business in facts.businesses.items():
        found += _business(name, business)
    return found


def _rate(kpi: str, part: float, whole: int, group: str = "") -> Iterator[Truth]:
    if whole:
        share = part / whole
        yield Truth(kpi, share, whole, group, error=sqrt(max(share * (1 - share), 0.0) / whole))


def _mean(kpi: str, values: Sequence[float], group: str = "") -> Iterator[Truth]:
    if values:
        yield Truth(kpi, fmean(values), len(values), group, error=pstdev(values) / sqrt(len(values)))


def _quantiles(stem: str, values: Sequence[float], percents: tuple[int, ...], group: str = "") -> Iterator[Truth]:
    ordered = sorted(values)
    if ordered:
        for percent in percents:
            yield Truth(f"{stem}_p{percent}", at_rank(ordered, percent / 100), len(ordered), group, BUCKET)


def _within(kpi: str, values: Sequence[float], edge: float) -> Iterator[Truth]:
    # Whole nanoseconds, as the edge itself is one of them.
    limit = round(edge * 1e9)
    return _rate(kpi, sum(round(value * 1e9) <= limit for value in values), len(values))


def _times(facts: Facts) -> Iterator[Truth]:
    calls, waits = facts.values["duration"], facts.values["interaction"]
    yield from _quantiles("latency", calls, (50, 95, 99))
    yield from _mean("latency_mean", calls)
    yield from _within("within_frame", calls, _FRAME)
    yield from _quantiles("first_output", waits, (50, 95, 99))
    for name, edge in _EDGES.items():
        yield from _within(f"within_{name}", calls, edge)
        yield from _within(f"first_output_within_{name}", waits, edge)


def _stated(facts: Facts) -> Iterator[Truth]:
    values, calls = facts.values, len(facts.values["duration"])
    yield from _quantiles("confidence", values["confidence"], (5, 50))
    unsure = sum(round(value * 1e9) <= round(0.5e9) for value in values["confidence"])
    yield from _rate("low_confidence_share", unsure, len(values["confidence"]))
    yield from _quantiles("energy", values["energy"], (50, 95), COUNTER)
    yield from _mean("input_tokens_per_call", values["input_tokens"])
    yield from _mean("output_tokens_per_call", values["output_tokens"])
    yield from _rate("retry_rate", sum(number > 1 for number in values["attempt"]), len(values["attempt"]))
    if costs := values["cost"]:
        total, error = sum(costs), pstdev(costs) * sqrt(len(costs))
        yield Truth("cost_total", total, len(costs), USD, error=error)
        yield Truth("cost_per_call", total / calls, calls, USD, error=error / calls)
        yield from _quantiles("call_cost", costs, (50, 95), USD)
        yield from _rate("over_ceiling_share", sum(cost > _CEILING for cost in costs), len(costs), USD)


def _rates(facts: Facts) -> Iterator[Truth]:
    of, calls = facts.counts, len(facts.values["duration"])
    right, wrong = of["true_accept"] + of["true_reject"], of["false_accept"] + of["false_reject"]
    yield from _rate("error_rate", of["errors"], calls)
    yield from _rate("edge_share", of["at_edge"], calls)
    yield from _rate("offload_share", of["to_cloud"], of["decisions"])
    yield from _rate("offline_success_rate", of["offline"] - of["offline_failed"], of["offline"])
    yield from _rate("accuracy", right, right + wrong)
    yield from _rate("false_accept_rate", of["false_accept"], of["false_accept"] + of["true_reject"])
    yield from _rate("false_reject_rate", of["false_reject"], of["false_reject"] + of["true_accept"])
    yield from _rate("precision", of["true_accept"], of["true_accept"] + of["false_accept"])
    if right + wrong:
        yield from _rate("label_coverage", right + wrong, calls)
    yield from _rate("posture_share", of["posture_passed"], of["posture_checks"])
    yield from _rate("ota_failure_rate", 0, of["updates"])
    yield from _rate("ota_verified_share", of["updates"], of["updates"])


def _counts(facts: Facts) -> Iterator[Truth]:
    told = {
        "calls": len(facts.values["duration"]),
        "ota_attempts": facts.counts["updates"],
        "ota_bytes": facts.counts["update_bytes"],
        "retrainings": facts.counts["trainings"],
        "device_reports": facts.counts["reports"],
    }
    for kpi, n in told.items():
        if n:
            yield Truth(kpi, n, n, error=sqrt(n))


def _devices(facts: Facts) -> Iterator[Truth]:
    of = facts.counts
    if of["frames"]:
        yield Truth("frames_per_second", of["frames"] / of["frame_seconds"], of["reports"])
        yield from _rate("dropped_frame_share", of["frames_dropped"], of["frames"])


def _business(name: str, business: Business) -> Iterator[Truth]:
    yield Truth("business_outcomes", business.n, business.n, name, error=sqrt(business.n))
    yield from _rate("conversion_rate", business.succeeded, business.judged, name)
    yield from _mean("business_value_mean", business.values, name)
    yield from _quantiles("business_value", business.values, (50, 95), name)
