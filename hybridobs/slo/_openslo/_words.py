"""The words of OpenSLO v1 that reading and writing share."""

from __future__ import annotations

VERSION = "openslo/v1"
SOURCE = "hybridobs"
KINDS = (
    "SLO",
    "SLI",
    "Service",
    "DataSource",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
)
SOURCE_FIELDS = ("kpi", "measure", "where", "by", "minimum_sample", "severity")
CALENDAR_START = "2024-01-01 00:00:00"  # a day and a month begin here; the zone is UTC
CALENDAR = {"day": "1d", "month": "1M"}
EXAMPLE = "metricSource: {type: hybridobs, spec: {kpi: latency_p95}}"
RATIO_EXAMPLE = "metricSource: {type: hybridobs, spec: {kpi: error_rate}}"
