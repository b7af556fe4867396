"""A KPI as PromQL over the live exposition.

The live histograms have the exact threshold edges as their buckets: a share within an edge is exact, a quantile is
interpolated between two edges (the store keeps finer buckets, and knows when things happened).
"""

from __future__ import annotations

from collections.abc import Sequence

from hybridobs.errors import ConfigError
from hybridobs.kpi.kpi import Count, Formula, Kpi, Mean, Quantile, Ratio, Share, Sum
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.prometheus import metric_name

VARIABLES = ("tier", "model", "version", "cohort", "device_class")
SELECTOR = ",".join(f'{label}=~"${label}"' for label in VARIABLES)
_WINDOW = "$__rate_interval"


def query(kpi: Kpi, by: Sequence[str] = ()) -> str:
    """One expression for the KPI, a series for each value of the labels in ``by``; a count becomes a rate a second.

    Raises ConfigError for a KPI that counters which only grow cannot tell.
    """
    if not kpi.live:
        raise ConfigError("kpi", kpi.id, "only the store knows it, a live board cannot show it; see: hybridobs kpi")
    return _expression(kpi.formula, tuple(by))


def _expression(formula: Formula, by: tuple[str, ...]) -> str:
    match formula:
        case Quantile(measure, q):
            labels = ("le", *by, *measure.apart)
            return f"histogram_quantile({q:g}, {_rate(metric_name(measure) + '_bucket', labels)})"
        case Share(measure, edge, above):
            within = _rate(metric_name(measure) + "_bucket", (*by, *measure.apart), f',le="{float(edge)}"')
            share = f"{within} / {_occurrences(measure, by)}"
            return f"1 - {share}" if above else share
        case Mean(measure):
            return f"{_amount(measure, by)} / {_occurrences(measure, by)}"
        case Count(measure):
            return _occurrences(measure, by)
        case Sum(measure):
            return _amount(measure, by)
        case Ratio(part, Count() | Sum() as whole, complement, scale):
            ratio = _ratio(part, whole, by)
            share = f"1 - {ratio}" if complement else ratio
            return share if scale == 1 else f"{scale:g} * ({share})"
        case _:
            raise TypeError(f"no PromQL for {type(formula).__name__}: say it in hybridobs/grafana/promql.py")


def _ratio(part: Count | Sum, whole: Count | Sum, by: tuple[str, ...]) -> str:
    """A part that counts is zero where it never happened: its series does not exist yet, while the whole's does."""
    above, below = _expression(part, by), _expression(whole, by)
    if part.measure.apart != whole.measure.apart:
        return f"{above} / on ({', '.join(by)}) group_left () {below}"
    return f"{above} / {below}" if isinstance(part, Sum) else f"({above} or 0 * {below}) / {below}"


def _occurrences(measure: Measure, by: tuple[str, ...]) -> str:
    suffix = "_count" if measure.shape is Shape.DISTRIBUTION else ""
    return _rate(metric_name(measure) + suffix, (*by, *measure.apart))


def _amount(measure: Measure, by: tuple[str, ...]) -> str:
    suffix = "_sum" if measure.shape is Shape.DISTRIBUTION else ""
    return _rate(metric_name(measure) + suffix, (*by, *measure.apart))


def _rate(metric: str, by: tuple[str, ...], matcher: str = "") -> str:
    grouped = f"sum by ({', '.join(by)})" if by else "sum"
    return f"{grouped} (rate({metric}{{{SELECTOR}{matcher}}}[{_WINDOW}]))"
