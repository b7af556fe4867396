"""Releases: what becomes of updates, and how they are taken back."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Group, Sum

_ = Board(Group.RELEASE)

KPIS = (
    _.told("ota_attempts", "Update attempts", Count(h.ATTEMPTS), "R16", "Update attempts that ended, by how."),
    _.lower(
        "ota_unconfirmed_rate",
        "Unconfirmed successes",
        rate(h.UNCONFIRMED, h.SUCCEEDED),
        "S1",
        "Share of reported successes whose version was not seen running: a claim until then.",
    ),
    *_.percentiles(
        "ota_confirm",
        "Time to confirm",
        h.TIME_TO_CONFIRM,
        (0.5, 0.95),
        "S1",
        "From success to the version seen running.",
    ),
    _.lower(
        "ota_stuck", "Stuck updates", Count(h.STUCK), "S1", "Attempts without progress though the device is in contact."
    ),
    _.lower(
        "ota_unreachable",
        "Unreachable updates",
        Count(h.UNREACHABLE),
        "R14",
        "Attempts whose device is not in contact.",
    ),
    _.told(
        "ota_refused_share",
        "Refused updates",
        rate(h.REFUSED, h.ATTEMPTS),
        "S1",
        "Rejected, canceled, skipped or removed, among all attempts that ended.",
    ),
    *_.percentiles("ota_duration", "Update duration", h.OTA_DURATION, (0.5, 0.95), "R10", "First to last state."),
    _.lower("ota_bytes", "Update bytes", Sum(h.OTA_IO), "F10", "Bytes that updates transferred."),
    _.higher(
        "ota_delta_share",
        "Differential updates",
        rate(h.DELTAS, h.ATTEMPTS),
        "R6",
        "Share that sent the difference only.",
    ),
    _.higher(
        "ota_verified_share",
        "Verified signatures",
        rate(h.VERIFIED, h.SIGNATURES),
        "R7",
        "Share of updates whose signature was verified.",
        objective=1.0,
        minimum_sample=1,
    ),
    _.lower(
        "device_rollback_rate",
        "Updates rolled back",
        rate(h.DEVICE_ROLLBACKS, h.CONCLUDED),
        "S2",
        "Share of concluded attempts that ended on the version before.",
    ),
    *_.percentiles(
        "time_to_rollback",
        "Time to roll back",
        h.TIME_TO_ROLLBACK,
        (0.5, 0.95),
        "R5",
        "From the decision to the version before running again.",
    ),
    _.told("promotions", "Promotions", Count(h.PROMOTIONS), "R4", "Promotions to the next release channel."),
)
