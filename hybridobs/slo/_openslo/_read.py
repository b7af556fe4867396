"""From OpenSLO documents to objectives; an error points at file, line and key like those of our own files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.kpi import Kpi, Quantile, Share
from hybridobs.kpi.measure import Measure
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo import _fields, _file
from hybridobs.slo._openslo._words import CALENDAR, EXAMPLE, KINDS, RATIO_EXAMPLE, SOURCE, SOURCE_FIELDS, VERSION
from hybridobs.slo._tree import Branch
from hybridobs.slo.objective import Objective, is_counted, is_mean_time, worse_side
from hybridobs.slo.window import Window

_HEAD = ("apiVersion", "kind", "metadata", "spec")
_META = ("name", "displayName", "labels", "annotations")
_SPEC = (
    "description",
    "service",
    "indicator",
    "indicatorRef",
    "timeWindow",
    "budgetingMethod",
    "objectives",
    "alertPolicies",
)
_OBJECTIVE = ("displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow")
_RATIO = ("counter", "good", "bad", "total", "raw", "rawType")
_RAW = {"success": Worse.LOWER, "failure": Worse.HIGHER}
_WINDOWS = {duration: name for name, duration in CALENDAR.items()}

Fields = Mapping[str, Branch]


class _Indicator(NamedTuple):
    """What an SLI measures: the source's own fields, and for a precomputed ratio which side it counts."""

    place: Branch
    source: Fields
    raw: Worse | None


class _Promise(NamedTuple):
    kpi: Kpi
    worse: Worse
    limit: float


def is_openslo(documents: Sequence[Branch]) -> bool:
    """Whether the first document says that it is OpenSLO, of whatever version."""
    return documents[0].is_mapping and "apiVersion" in documents[0].pairs()


def objectives(documents: Sequence[Branch]) -> Iterator[Objective]:
    """Every objective of every SLO, in the order of the file; kinds that measure nothing are passed over."""
    heads = [_head(document) for document in documents]
    shared = {_name(head): head["spec"] for head in heads if head["kind"].text() == "SLI"}
    slos = [head for head in heads if head["kind"].text() == "SLO"]
    if not slos:
        documents[0].fail("holds no document of kind SLO, so it promises nothing", "")
    for head in slos:
        yield from _slo(head, shared)


def _head(document: Branch) -> Fields:
    head = document.fields(_HEAD)
    for key in _HEAD:
        if key not in head:
            document.fail(f"every OpenSLO document has {', '.join(_HEAD)}; {key!r} is missing", "")
    if head["apiVersion"].text() != VERSION:
        head["apiVersion"].fail(f"this hybridobs reads {VERSION}")
    head["kind"].one_of(KINDS)
    return head


def _name(head: Fields) -> str:
    meta = head["metadata"].fields(_META)
    return meta["name"].text() if "name" in meta else head["metadata"].fail("give the document a name", "")


def _slo(head: Fields, shared: Fields) -> Iterator[Objective]:
    spec = head["spec"].fields(_SPEC)
    if "budgetingMethod" in spec and spec["budgetingMethod"].text() != "Occurrences":
        spec["budgetingMethod"].fail("only Occurrences are counted; time slices are not")
    if "objectives" not in spec:
        head["spec"].fail("give it 'objectives'", "")
    indicator = _indicator(spec, head["spec"], shared)
    entries = spec["objectives"].entries()
    for number, entry in enumerate(entries, 1):
        name = _name(head) if len(entries) == 1 else f"{_name(head)}-{number}"
        yield _objective(entry, name, indicator, spec)


def _indicator(spec: Fields, place: Branch, shared: Fields) -> _Indicator:
    if ("indicator" in spec) == ("indicatorRef" in spec):
        place.fail("give it 'indicator' or 'indicatorRef', one of the two", "")
    if "indicatorRef" in spec:
        own = shared[spec["indicatorRef"].one_of(shared)]
    else:
        within = spec["indicator"].fields(("metadata", "spec"))
        own = within.get("spec") or spec["indicator"].fail("give it a 'spec'", "")
    metrics = own.fields(("description", "thresholdMetric", "ratioMetric"))
    if "thresholdMetric" in metrics:
        return _Indicator(own, _source(metrics["thresholdMetric"]), None)
    if "ratioMetric" not in metrics:
        own.fail("give it a 'thresholdMetric' or a 'ratioMetric'", "")
    ratio = metrics["ratioMetric"].fields(_RATIO)
    if "raw" not in ratio or "rawType" not in ratio:
        way_out = f"write rawType: failure and raw: {{{RATIO_EXAMPLE}}}"
        metrics["ratioMetric"].fail(f"a KPI is a ratio already: {way_out}", "")
    return _Indicator(own, _source(ratio["raw"]), _RAW[ratio["rawType"].one_of(_RAW)])


def _source(branch: Branch) -> Fields:
    fields = branch.fields(("metricSource",))
    if "metricSource" not in fields:
        branch.fail(f"give it {EXAMPLE}", "")
    source = fields["metricSource"].fields(("metricSourceRef", "type", "spec"))
    if "type" not in source or source["type"].text() != SOURCE or "spec" not in source:
        place = source.get("type", fields["metricSource"])
        place.fail(f"only that system can answer its query; say what it measures as {EXAMPLE}")
    own = source["spec"].fields(SOURCE_FIELDS)
    if ("kpi" in own) == ("measure" in own):
        source["spec"].fail("give it 'kpi' or 'measure', one of the two", "")
    return own


def _objective(entry: Branch, name: str, indicator: _Indicator, spec: Fields) -> Objective:
    own = entry.fields(_OBJECTIVE)
    target = _target(entry, own)
    promise = _of_ratio(indicator, target) if indicator.raw else _of_threshold(entry, own, indicator.source, target)
    window = _window(spec["timeWindow"]) if "timeWindow" in spec else _file.DEFAULT_WINDOW
    return _file.promised(name, *promise, window, indicator.source, entry.place)


def _target(entry: Branch, own: Fields) -> float:
    if ("target" in own) == ("targetPercent" in own):
        entry.fail("give it 'target' (0.99) or 'targetPercent' (99), one of the two", "")
    branch, whole = (own["target"], 1) if "target" in own else (own["targetPercent"], 100)
    value = _number(branch) / whole
    if not 0 <= value <= 1:
        branch.fail(f"is no share; write one from 0 to {whole}")
    return value


def _number(branch: Branch) -> float:
    try:
        number = float(branch.text())
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else branch.fail("give a number")


def _of_ratio(indicator: _Indicator, target: float) -> _Promise:
    """A share of good ones, at least ``target``; or a share of bad ones, at most what is left."""
    kpi = _kpi(indicator.source)
    if not is_counted(kpi):
        indicator.place.fail(f"{kpi.id} is no share, so it is no ratio; write a thresholdMetric")
    if indicator.raw is not worse_side(kpi):
        good = "success" if worse_side(kpi) is Worse.LOWER else "failure"
        indicator.place.fail(f"{kpi.id} is a share of the other side; write rawType: {good}")
    limit = target if indicator.raw is Worse.LOWER else round(1 - target, 12)
    return _Promise(kpi, worse_side(kpi), limit)


def _of_threshold(entry: Branch, own: Fields, source: Fields, target: float) -> _Promise:
    """So many values at or below a threshold: a share within it, or a percentile."""
    if "op" not in own or "value" not in own:
        entry.fail("a thresholdMetric needs 'op: lte' and a 'value'", "")
    if own["op"].one_of(("lte", "gte", "lt", "gt")) != "lte":
        own["op"].fail("values are counted at or below an edge; write op: lte")
    value = _number(own["value"])
    kpi = _kpi(source) if "kpi" in source else _measuring(entry, source["measure"], value, target)
    match kpi.formula:
        case Quantile(q=q) if abs(q - target) < 1e-9:
            return _Promise(kpi, worse_side(kpi), value)
        case Quantile(q=q):
            return entry.fail(
                f"{kpi.id} is about the share {q:g} of the calls; write target: {q:g}, or name the measure", target
            )
        case Share(edge=edge, above=False) if abs(edge - value) < 1e-9:
            return _Promise(kpi, worse_side(kpi), target)
        case Share(edge=edge, above=False):
            return own["value"].fail(
                f"{kpi.id} counts what is within {edge:g}; write value: {edge:g}, or name the measure"
            )
        case _:
            return entry.fail(
                f"{kpi.id} is no distribution with a threshold; write its objective in a file of hybridobs", ""
            )


def _kpi(source: Fields) -> Kpi:
    if "kpi" not in source:
        source["measure"].fail("a ratio needs a 'kpi' that is a share")
    kpi = KPIS[source["kpi"].one_of(KPIS)]
    if is_mean_time(kpi):
        source["kpi"].fail(_fields.MEAN_REFUSED)
    return kpi


def _measuring(entry: Branch, branch: Branch, value: float, target: float) -> Kpi:
    """The KPI that says which share of a measure is within ``value``; else its percentile ``target``."""
    measure = MEASURES[branch.one_of(MEASURES)]
    found = [kpi for kpi in KPIS.values() if kpi.formula.measures[0] is measure]
    for kpi in found:
        if _is_share_within(kpi, measure, value):
            return kpi
    for kpi in found:
        if isinstance(kpi.formula, Quantile) and abs(kpi.formula.q - target) < 1e-9:
            return kpi
    edges = ", ".join(f"{kpi.formula.edge:g}" for kpi in found if isinstance(kpi.formula, Share)) or "none"
    return entry.fail(
        f"no KPI counts what is within {value:g} of {measure.name}; values that are counted: {edges}", value
    )


def _is_share_within(kpi: Kpi, measure: Measure, value: float) -> bool:
    formula = kpi.formula
    return isinstance(formula, Share) and not formula.above and formula.measure is measure and formula.edge == value


def _window(branch: Branch) -> Window:
    entries = branch.entries()
    if len(entries) != 1:
        branch.fail("give one time window", len(entries))
    own = entries[0].fields(("duration", "isRolling", "calendar"))
    if "duration" not in own:
        entries[0].fail("give it a 'duration'", "")
    text = own["duration"].text()
    if "calendar" in own or ("isRolling" in own and own["isRolling"].text() == "false"):
        return Window(_WINDOWS[own["duration"].one_of(_WINDOWS)])
    try:
        return Window.named(text)
    except ValueError as error:
        own["duration"].fail(str(error))
