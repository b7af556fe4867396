"""The objectives that the catalogue starts from, judged like those of a file: for those who wrote no file yet."""

from __future__ import annotations

from collections.abc import Mapping

from hybridobs.kpi.kpi import Kpi
from hybridobs.kpi.summary import Summary
from hybridobs.slo._check import Result, judged
from hybridobs.slo._tree import Place
from hybridobs.slo.objective import Objective, worse_side
from hybridobs.slo.outcome import Severity
from hybridobs.slo.window import Window

_WHENEVER = Window("day")  # of a judgement whose summaries are chosen already


def objective_of(kpi: Kpi) -> Objective | None:
    """What the catalogue promises of a KPI; None where it promises nothing."""
    if kpi.objective is None:
        return None
    place = Place("the catalogue", 0)
    worse, least = worse_side(kpi), kpi.minimum_sample
    return Objective(kpi.id, kpi, worse, kpi.objective, _WHENEVER, {}, (), least, Severity.TICKET, place)


def judged_by_catalogue(kpi: Kpi, summaries: Mapping[str, Summary]) -> Result | None:
    """The verdict of one KPI on summaries of any time; None where the catalogue promises nothing."""
    objective = objective_of(kpi)
    return judged(objective, summaries) if objective else None
