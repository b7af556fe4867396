"""Stability: how much is asked, how often it breaks, and whether updates arrive."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Group, Ratio, Sum

_ = Board(Group.STABILITY)

# With no failure seen in so many attempts the rate is below 0.1 % at 95 %; with fewer nobody can say.
OTA_SAMPLE = 2995

KPIS = (
    _.told(
        "calls",
        "Calls",
        Count(m.DURATION, each="{call}"),
        "C2",
        "Inference calls, each counted once.",
        default=True,
    ),
    _.lower(
        "error_rate",
        "Error rate",
        Ratio(Count(m.ERRORS), Count(m.DURATION)),
        "R3",
        "Share of inference calls that failed.",
        default=True,
    ),
    _.lower(
        "ota_failure_rate",
        "OTA failure rate",
        rate(h.FAILED, h.CONCLUDED),
        "S1",
        "Failed, rolled back or timed out, among attempts that succeeded or failed; refused ones are not in it.",
        objective=0.001,
        minimum_sample=OTA_SAMPLE,
    ),
    _.lower(
        "rollbacks",
        "Rollbacks",
        Count(h.ROLLBACKS),
        "S2",
        "Returns to the version before, by devices themselves, by an operator or by a gate.",
    ),
    _.lower(
        "crash_rate",
        "Model crash rate",
        Ratio(Count(h.CRASHES), Count(m.DURATION)),
        "S3",
        "Crashes of the inference process or runtime for each call.",
    ),
    _.lower(
        "crashes_per_hour",
        "Crashes per operating hour",
        Ratio(Count(h.CRASHES), Sum(h.OPERATIONAL), scale=3600, each="{crash}/h"),
        "S3",
        "Crashes for each hour in which a device was in operation.",
    ),
    _.higher(
        "crash_free_share",
        "Crash-free time",
        Ratio(Sum(h.CRASHFREE), Sum(h.OPERATIONAL)),
        "S3",
        "Share of operating time in hours without a crash.",
    ),
)
