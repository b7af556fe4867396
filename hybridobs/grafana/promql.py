"""A KPI as PromQL: over the store in event time, or over what a collector counted since its start.

Whatever a panel shows, it is what grew within a window (``increase``): over the whole selected time for one number,
over the last ``$window`` for each point of a line. In event time the answer is that of ``hybridobs kpi`` for the same
span, but for quantiles, which are interpolated inside a bucket of 2.2 %. In event time they are read from native
histograms, a tenth of the bytes of one series a bucket; a Prometheus before 2.45 cannot, see ``classic``.

A KPI whose sample is too small has no value: ``and on (...) (observations >= minimum)``. So *too little* never looks
like *good*.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum

from hybridobs.kpi.kpi import Count, Direction, Formula, Kpi, Mean, Net, Quantile, Ratio, Share, Sum
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.prometheus import KPI_METRIC, metric_name, stored_name

VARIABLES = ("tier", "model", "version", "cohort", "device_class", "site")
SELECTOR = ",".join(f'{label}=~"${label}"' for label in VARIABLES)
RANGE, WINDOW, LIVE_WINDOW = "$__range", "$window", "$__rate_interval"
GAUGE_WINDOW = "24h|all"  # of the windows that a collector shows: a day; for what is of all time, that
# What a reader may ask of the smallest sample: all of it (1), a tenth (0.1), nothing (0).
STRICTNESS = "$sample"


_CLASSIC: ContextVar[bool] = ContextVar("classic", default=False)


@contextmanager
def classic(wanted: bool = True) -> Iterator[None]:
    """Boards made in this block read quantiles from one series a bucket, for a Prometheus before 2.45."""
    token = _CLASSIC.set(wanted)
    try:
        yield
    finally:
        _CLASSIC.reset(token)


class Reads(StrEnum):
    """Where a panel's numbers come from."""

    EVENTS = "event time"  # the store over remote read: everything in its own minute, however late it arrived
    LIVE = "live"  # what a collector counted since its start, at the time of arrival
    GAUGE = "gauge"  # the KPI that the collector reads from the store at each scrape


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query is about: which series, over which window, apart by which labels, read from where."""

    by: tuple[str, ...] = ()
    window: str = WINDOW
    selector: str = SELECTOR
    live: bool = False
    guarded: bool = True

    def where(self, labels: Mapping[str, str]) -> Asked:
        """The same, of series that have these labels besides."""
        more = [f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels.items()]
        return replace(self, selector=",".join((*more, self.selector)))

    def version(self, variable: str) -> Asked:
        """The same, of the one version that a variable names."""
        return replace(self, selector=self.selector.replace('version=~"$version"', f'version=~"${variable}"'))

    def name(self, measure: Measure) -> str:
        """What the measure is called there."""
        return metric_name(measure) if self.live else stored_name(measure)

    def grew(self, metric: str, by: Sequence[str], matcher: str = "") -> str:
        """What counters grew by within the window, summed."""
        grouped = f"sum by ({', '.join(by)})" if by else "sum"
        return f"{grouped} (increase({metric}{{{self.selector}{matcher}}}[{self.window}]))"


def reads(kpi: Kpi, *, live: bool = False) -> Reads:
    """Where the KPI can be read: what is distinct, or of all time, only from the gauge."""
    if not kpi.live:
        return Reads.GAUGE
    return Reads.LIVE if live else Reads.EVENTS


def query(kpi: Kpi, asked: Asked | None = None) -> str:
    """One expression for the KPI in its own unit, a series for each value of the labels asked for."""
    asked = asked or Asked()
    if not kpi.live:
        return _gauge(kpi, asked)
    value = _expression(kpi.formula, asked)
    enough = _enough(kpi, asked) if asked.guarded else ""
    return f"({value}) and {enough}" if enough else value


def observations(kpi: Kpi, asked: Asked | None = None) -> str | None:
    """How many observations are behind it; None if no counter says so."""
    asked = asked or Asked()
    if not kpi.live:
        grouped = f"sum by ({', '.join(asked.by)})" if asked.by else "sum"
        return f"{grouped} ({_told(f'{KPI_METRIC}_observations', kpi, asked)})"
    whole = _whole(kpi.formula)
    return None if whole is None else _occurrences(whole, asked)


def buckets(measure: Measure, asked: Asked) -> str:
    """How many values lie at or below each exact edge: what a heat map is drawn from."""
    edges = "|".join((*(str(edge / measure.resolution).replace(".", "[.]") for edge in measure.edges), "[+]Inf"))
    return asked.grew(f"{asked.name(measure)}_bucket", ("le", *measure.apart), f',le=~"{edges}"')


def _gauge(kpi: Kpi, asked: Asked) -> str:
    """The worst of the series that have enough observations: such a KPI does not add up."""
    best = "min" if kpi.direction is Direction.HIGHER else "max"
    labels = tuple(dict.fromkeys((*asked.by, *kpi.apart)))
    grouped = f"{best} by ({', '.join(labels)})" if labels else best
    value, number = _told(KPI_METRIC, kpi, asked), _told(f"{KPI_METRIC}_observations", kpi, asked)
    enough = f" and ignoring (quantile) {number} >= {STRICTNESS} * {kpi.minimum_sample}" if asked.guarded else ""
    return f"{grouped} ({value}{enough})"


def _told(metric: str, kpi: Kpi, asked: Asked) -> str:
    return f'{metric}{{kpi="{kpi.id}",window=~"{GAUGE_WINDOW}",{asked.selector}}}'


def _enough(kpi: Kpi, asked: Asked) -> str:
    if isinstance(kpi.formula, Ratio) and isinstance(kpi.formula.whole, Sum):
        return f"on ({', '.join(asked.by)}) ({_amount(kpi.formula.whole.measure, asked)} > 0)"
    whole = _whole(kpi.formula)
    if whole is None or isinstance(kpi.formula, Count):
        return ""
    shared = ", ".join((*asked.by, *(label for label in whole.apart if label in kpi.apart)))
    return f"on ({shared}) ({_occurrences(whole, asked)} >= {STRICTNESS} * {kpi.minimum_sample})"


def _whole(formula: Formula) -> Measure | None:
    """The measure whose occurrences are the observations; a sum keeps no count of them."""
    match formula:
        case Quantile(measure) | Share(measure) | Mean(measure) | Count(measure):
            return measure if measure.shape is not Shape.SUM else None
        case Ratio(_, Count(measure)) | Net(_, _, measure):
            return measure
        case _:
            return None


def _expression(formula: Formula, asked: Asked) -> str:
    match formula:
        case Quantile(measure, q):
            return f"histogram_quantile({q:g}, {_distribution(measure, asked)})"
        case Share(measure, edge, above):
            within = asked.grew(f"{asked.name(measure)}_bucket", _labels(measure, asked), f',le="{float(edge)}"')
            share = f"{within} / {_occurrences(measure, asked)}"
            return f"1 - {share}" if above else share
        case Mean(measure):
            return f"{_amount(measure, asked)} / {_occurrences(measure, asked)}"
        case Count(measure):
            return _occurrences(measure, asked)
        case Sum(measure):
            return _amount(measure, asked)
        case Net(more, less, whole):
            return f"{_ratio(Count(more), Count(whole), asked)} - {_ratio(Count(less), Count(whole), asked)}"
        case Ratio(part, Count() | Sum() as whole, complement, scale):
            ratio = _ratio(part, whole, asked)
            share = f"1 - {ratio}" if complement else ratio
            return share if scale == 1 else f"{scale:g} * ({share})"
        case _:
            raise TypeError(f"no PromQL for {type(formula).__name__}: say it in hybridobs/grafana/promql.py")


def _distribution(measure: Measure, asked: Asked) -> str:
    if asked.live or _CLASSIC.get():
        return asked.grew(f"{asked.name(measure)}_bucket", _labels(measure, asked, "le"))
    return asked.grew(asked.name(measure), _labels(measure, asked))


def _ratio(part: Count | Sum, whole: Count | Sum, asked: Asked) -> str:
    """A part that counts is zero where it never happened: its series does not exist yet, while the whole's does."""
    above, below = _expression(part, asked), _expression(whole, asked)
    if part.measure.apart != whole.measure.apart:
        return f"{above} / on ({', '.join(asked.by)}) group_left () {below}"
    return f"{above} / {below}" if isinstance(part, Sum) else f"({above} or 0 * {below}) / {below}"


def _labels(measure: Measure, asked: Asked, *first: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *asked.by, *measure.apart)))


def _occurrences(measure: Measure, asked: Asked) -> str:
    suffix = "_count" if measure.shape is Shape.DISTRIBUTION else ""
    return asked.grew(asked.name(measure) + suffix, _labels(measure, asked))


def _amount(measure: Measure, asked: Asked) -> str:
    suffix = "_sum" if measure.shape is Shape.DISTRIBUTION else ""
    return asked.grew(asked.name(measure) + suffix, _labels(measure, asked))
