"""What a measure is called where Prometheus reads it: one rule for the exposition and for every board and rule.

The rule is OpenTelemetry's own: dots become underscores, the unit is spelled out at the end (units in braces and the
unit ``1`` are not), and what only ever grows ends in ``_total``. A distribution is a histogram with ``_bucket``,
``_sum`` and ``_count``.
"""

from __future__ import annotations

from hybridobs.kpi.measure import Measure, Shape

KPI_METRIC = "hybridobs_kpi"  # a KPI read from the store, as a collector shows it; which one is a label

_UNITS = {"s": "seconds", "J": "joules", "By": "bytes"}


def metric_name(measure: Measure) -> str:
    """``hybridobs_inference_duration_seconds``, ``hybridobs_inference_errors_total``: a family, less ``_bucket``."""
    name = measure.metric.replace(".", "_")
    if unit := metric_unit(measure):
        name = f"{name}_{unit}"
    return name if measure.shape is Shape.DISTRIBUTION else f"{name}_total"


def metric_unit(measure: Measure) -> str:
    """``seconds``, ``bytes``, ``joules``, or nothing: what OpenMetrics calls the unit, which the name ends in."""
    return _UNITS.get(measure.unit, "")


def stored_name(measure: Measure) -> str:
    """The same measure read from the store in event time: a name that no scrape has, ``hybridobs_stored_...``."""
    return metric_name(measure).replace("hybridobs_", "hybridobs_stored_", 1)
