"""Alerts that need no promise: what must not happen at all, and the collector's own troubles."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from hybridobs.kpi.prometheus import KPI_METRIC
from hybridobs.slo._rules._burn import notes
from hybridobs.slo._rules._counting import SHOWN, seen
from hybridobs.slo.outcome import Severity

_MODEL = ("tier", "model", "version")
_OWN = "hybridobs_collector_"
GONE = "HybridobsCollectorGone"
ALIVE = "HybridobsAlive"


class Fault(NamedTuple):
    """One alert: ``trial`` holds series (and their values, one a minute) that must set it off, ``well`` must not.

    ``counted``: the trial is one counter, of which only what is new may set it off.
    """

    alert: str
    expr: str
    severity: Severity
    summary: str
    page: str
    trial: Mapping[str, str]
    well: Mapping[str, str] = MappingProxyType({})
    lasting: str = ""
    counted: bool = False


def _happened(metric: str, by: tuple[str, ...] = _MODEL, matchers: str = "") -> str:
    return seen(f"{metric}{{{matchers}}}" if matchers else metric, by, "15m")


_APPEARS = "_x5 1+0x60"  # the series begins with its first fault, as ours do

FAULTS = (
    Fault(
        "HybridobsSchemaMismatch",
        _happened("hybridobs_schema_mismatched_total"),
        Severity.PAGE,
        "inputs have another schema than the model was made for",
        "schema-mismatch",
        {"hybridobs_schema_mismatched_total": _APPEARS},
        counted=True,
    ),
    Fault(
        "HybridobsSafetyViolation",
        _happened("hybridobs_safety_violations_total"),
        Severity.PAGE,
        "an answer broke a safety rule",
        "safety",
        {"hybridobs_safety_violations_total": _APPEARS},
        counted=True,
    ),
    Fault(
        "HybridobsAutomaticRollback",
        _happened(
            "hybridobs_release_rollbacks_total", ("tier", "version", "kind", "trigger"), 'trigger=~"gate|device"'
        ),
        Severity.TICKET,
        "a release was taken back without a person asking for it",
        "rollback",
        {'hybridobs_release_rollbacks_total{trigger="gate"}': _APPEARS},
        counted=True,
    ),
    Fault(
        "HybridobsUpdateStuck",
        _happened("hybridobs_ota_stuck_total", ("device_class", "to_version")),
        Severity.TICKET,
        "devices began an update and have not come to its end",
        "update-stuck",
        {"hybridobs_ota_stuck_total": _APPEARS},
        counted=True,
    ),
    Fault(
        "HybridobsClockWrong",
        _happened("hybridobs_clock_offset_seconds_count", ("tier", "site", "device_class")),
        Severity.TICKET,
        "devices have a wrong clock, and their telemetry is being corrected",
        "clock",
        {"hybridobs_clock_offset_seconds_count": _APPEARS},
        counted=True,
    ),
    Fault(
        "HybridobsTelemetryLost",
        f'sum by (cohort, device_class) (delta({KPI_METRIC}{{kpi="telemetry_lost"}}[15m])) > 0',
        Severity.TICKET,
        "devices gave up telemetry that they could not keep",
        "telemetry-lost",
        {f'{KPI_METRIC}{{kpi="telemetry_lost",window="all",cohort="beta"}}': "0x5 3x60"},
        {f'{KPI_METRIC}{{kpi="telemetry_lost",window="all",cohort="beta"}}': "3x60"},
    ),
    Fault(
        "HybridobsDrift",
        f'max by (model, version, feature) ({KPI_METRIC}{{kpi="drift_score",window="24h"}}) > 0.25',
        Severity.TICKET,
        "a model sees other data than it was made for",
        "drift",
        {f'{KPI_METRIC}{{kpi="drift_score",window="24h",model="digits"}}': "0.4x90"},
        {f'{KPI_METRIC}{{kpi="drift_score",window="24h",model="digits"}}': "0.1x90"},
        lasting="10m",
    ),
    Fault(
        "HybridobsSeriesOverflow",
        f"increase({_OWN}series_overflow_total[15m]) > 0",
        Severity.TICKET,
        "there are more label values than the collector keeps apart",
        "series-overflow",
        {f"{_OWN}series_overflow_total": "0+1x60"},
    ),
    Fault(
        "HybridobsTelemetryRefused",
        _happened(f"{_OWN}events_total", ("signal", "reason"), 'outcome="dropped"'),
        Severity.TICKET,
        "the collector refuses telemetry for good",
        "telemetry-refused",
        {f'{_OWN}events_total{{outcome="dropped",reason="malformed",signal="traces"}}': "0+1x60"},
        counted=True,
    ),
    Fault(
        "HybridobsStoreFailing",
        f"increase({_OWN}commits_failed_total[5m]) > 0",
        Severity.PAGE,
        "the store does not take what the collector commits; senders keep it and try again",
        "store-failing",
        {f"{_OWN}commits_failed_total": "0+1x60"},
    ),
    Fault(
        "HybridobsCollectorBehind",
        f"{_OWN}queue_bytes / {_OWN}queue_limit_bytes > 0.5",
        Severity.TICKET,
        "half of the collector's queue is full, it is slower than what arrives",
        "collector-behind",
        {f"{_OWN}queue_bytes": "60x60", f"{_OWN}queue_limit_bytes": "100x60"},
        {f"{_OWN}queue_bytes": "40x60", f"{_OWN}queue_limit_bytes": "100x60"},
        lasting="5m",
    ),
    Fault(
        GONE,
        f"absent({SHOWN})",
        Severity.PAGE,
        "no collector shows its measures; nothing else here can be judged",
        "collector-gone",
        {},
        {SHOWN: "1x60"},
        lasting="5m",
    ),
)


def rule(fault: Fault, runbooks: str) -> dict[str, Any]:
    """The alert of one fault."""
    return {
        "alert": fault.alert,
        "expr": fault.expr,
        **({"for": fault.lasting} if fault.lasting else {}),
        "labels": {"severity": fault.severity.value},
        "annotations": notes(fault.summary, f"{fault.summary[0].upper()}{fault.summary[1:]}.", runbooks, fault.page),
    }


def alive(runbooks: str) -> dict[str, Any]:
    """The alert that always fires: whoever stops hearing it knows that alerts no longer arrive."""
    summary = "alerts arrive; this one always fires"
    description = "No fault. When it stops coming, Prometheus, Alertmanager or the way from them to you is broken."
    return {
        "alert": ALIVE,
        "expr": "vector(1)",
        "labels": {"severity": Severity.INFO.value},
        "annotations": notes(summary, description, runbooks, "alive"),
    }
