"""From objectives to OpenSLO documents: what it can say, and by name what it cannot."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import chain, count
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

    documents = [_document("Service", _label(service), service, {"description": "What hybridobs measures."})]
    left_out = []
    taken: set[str] = set()
    for objective in objectives:
        said = _said(objective)
        if said is None:
            left_out.append(objective.name)
            continue
        label = _free(_label(objective.name), taken)
        taken.add(label)
        documents.append(_document("SLO", label, objective.name, _spec(objective, said, label, service)))
    text = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, explicit_start=True)
    return Written(text, tuple(left_out))


def _document(kind: str, label: str, name: str, spec: Document) -> Document:
    return {
        "apiVersion": VERSION,
        "kind": kind,
        "metadata": {"name": label, "displayName": name},
        "spec": spec,
    }


def _label(name: str) -> str:
    """``name`` as a DNS label, which names in OpenSLO are."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_NAME].rstrip("-") or "unnamed"


def _free(label: str, taken: Container[str]) -> str:
    """The label, or the first of label-2, label-3 that is not taken: whoever reads the file tells SLOs apart by it."""
    tries = chain([label], (_ending(label, f"-{number}") for number in count(2)))
    return next(one for one in tries if one not in taken)


def _ending(label: str, end: str) -> str:
    return label[: _NAME - len(end)].rstrip("-") + end


class _Said(NamedTuple):
    """What is measured, and what is promised of it."""

    metric: Document
    promise: Document


def _spec(objective: Objective, said: _Said, label: str, service: str) -> Document:
    return {
        "service": _label(service),
        "description": f"{objective.kpi.title}: {objective.target}.",
        "indicator": {"metadata": {"name": _ending(label, "-sli")}, "spec": said.metric},
        "objectives": [{"displayName": objective.target, **said.promise}],
        "budgetingMethod": "Occurrences",
        "timeWindow": [_window(objective.window)],
    }


def _said(objective: Objective) -> _Said | None:
    """None for what is neither a share nor a percentile."""
    source = {"metricSource": {"type": SOURCE, "spec": _source(objective)}}
    formula = objective.kpi.formula
    if isinstance(formula, Quantile) and objective.worse is Worse.HIGHER:
        return _threshold(source, objective.limit, formula.q)
    if isinstance(formula, Share) and not formula.above and objective.worse is Worse.LOWER:
        return _threshold(source, formula.edge, objective.limit)
    if not is_counted(objective.kpi):
        return None
    failure = objective.worse is Worse.HIGHER
    target = round(1 - objective.limit, 12) if failure else objective.limit
    metric = {"ratioMetric": {"counter": True, "rawType": "failure" if failure else "success", "raw": source}}
    return _Said(metric, {"target": target})


def _threshold(source: Document, value: float, target: float) -> _Said:
    return _Said({"thresholdMetric": source}, {"op": "lte", "value": value, "target": target})


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
