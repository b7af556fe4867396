"""From objectives to OpenSLO documents: what it can say, and by name what it cannot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from hybridobs.kpi.kpi import Quantile, Share
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo._openslo._words import CALENDAR, CALENDAR_START, SOURCE, VERSION
from hybridobs.slo.objective import Objective, is_counted
from hybridobs.slo.window import Window

_NAME = 63  # letters, as of a DNS label
Document = dict[str, Any]


class Written(NamedTuple):
    """The text of a file, and the names of the objectives that OpenSLO cannot say."""

    text: str
    left_out: tuple[str, ...]


def written(objectives: Sequence[Objective], service: str) -> Written:
    """One Service, and one SLO for each objective that has an error budget."""
    import yaml

    documents = [_document("Service", service, {"description": "What hybridobs measures."})]
    left_out = []
    for objective in objectives:
        said = _said(objective)
        if said is None:
            left_out.append(objective.name)
            continue
        spec = {"service": _label(service), **said, "budgetingMethod": "Occurrences"}
        documents.append(_document("SLO", objective.name, spec | {"timeWindow": [_window(objective.window)]}))
    text = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, explicit_start=True)
    return Written(text, tuple(left_out))


def _document(kind: str, name: str, spec: Document) -> Document:
    return {
        "apiVersion": VERSION,
        "kind": kind,
        "metadata": {"name": _label(name), "displayName": name},
        "spec": spec,
    }


def _label(name: str) -> str:
    """``name`` as a DNS label, which names in OpenSLO are."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_NAME].rstrip("-") or "unnamed"


def _said(objective: Objective) -> Document | None:
    """Indicator and objectives; None for what is neither a share nor a percentile."""
    source = {"metricSource": {"type": SOURCE, "spec": _source(objective)}}
    formula = objective.kpi.formula
    if isinstance(formula, Quantile) and objective.worse is Worse.HIGHER:
        return _threshold(objective, source, objective.limit, formula.q)
    if isinstance(formula, Share) and not formula.above and objective.worse is Worse.LOWER:
        return _threshold(objective, source, formula.edge, objective.limit)
    if not is_counted(objective.kpi):
        return None
    failure = objective.worse is Worse.HIGHER
    target = round(1 - objective.limit, 12) if failure else objective.limit
    metric = {"ratioMetric": {"counter": True, "rawType": "failure" if failure else "success", "raw": source}}
    return _indicated(objective, metric, {"target": target})


def _threshold(objective: Objective, source: Document, value: float, target: float) -> Document:
    return _indicated(objective, {"thresholdMetric": source}, {"op": "lte", "value": value, "target": target})


def _indicated(objective: Objective, metric: Document, promise: Document) -> Document:
    indicator = {"metadata": {"name": _label(f"{objective.name}-sli")}, "spec": metric}
    return {
        "description": f"{objective.kpi.title}: {objective.target}.",
        "indicator": indicator,
        "objectives": [{"displayName": objective.target, **promise}],
    }


def _source(objective: Objective) -> Document:
    spec: Document = {"kpi": objective.kpi.id}
    if objective.where:
        spec["where"] = dict(objective.where)
    if objective.by:
        spec["by"] = list(objective.by)
    return spec | {"minimum_sample": objective.minimum_sample, "severity": objective.severity.value}


def _window(window: Window) -> Document:
    if duration := CALENDAR.get(window.name):
        calendar = {"startTime": CALENDAR_START, "timeZone": "UTC"}
        return {"duration": duration, "isRolling": False, "calendar": calendar}
    return {"duration": window.name, "isRolling": True}
