"""One example for each KPI: a few events counted by hand, and the exact value that is read from them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from hybridobs.contract import EventKind as Kind
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.summary import Summary
from tests.kpi.by_hand import (
    DAY,
    NOON,
    Case,
    calls,
    came,
    did,
    each,
    ended,
    event,
    labelled,
    ota,
    reports,
    scored,
    waits,
    yes,
)
from tests.kpi.reported_examples import REPORTED

ONLY, BOTH = 0.1, (0.1, 0.4)
FOUR = (0.05, 0.1, 0.3, 0.4)
WITHIN = {"20ms": 0.0, "50ms": 0.25, "80ms": 0.25, "100ms": 0.5, "150ms": 0.5, "200ms": 0.5, "300ms": 0.75}
WITHIN |= {"450ms": 1.0, "800ms": 1.0, "2s": 1.0}
ROUTES = [*calls(0.1, route_to="cloud", route_reason="cost_cap"), *calls(0.1, route_to="device")]
BACK = calls(0.1, 0.1, 0.1, route_from="cloud", route_to="site", route_reason="battery")
MATRIX = labelled(true_accept=6, false_accept=1, true_reject=2, false_reject=4)
NETWORK = "hybridobs.phase.network.duration"

EXPERIENCE: dict[str, Case] = {
    "first_output_p50": (waits(*BOTH), 0.1),
    "first_output_p95": (waits(*BOTH), 0.4),
    "first_output_p99": ([*waits(0.4), *waits(0.5, first_output=0.1)], 0.4),
    **{f"first_output_within_{name}": (waits(*FOUR), share) for name, share in WITHIN.items()},
    "latency_p50": (calls(*BOTH), 0.1),
    "latency_p95": (calls(*BOTH), 0.4),
    "latency_p99": (calls(*BOTH), 0.4),
    "latency_mean": (calls(*BOTH), 0.25),
    **{f"within_{name}": (calls(*FOUR), share) for name, share in WITHIN.items()},
    "within_frame": (calls(0.008, 0.00833, 0.0084, 0.1), 0.5),
    "stream_start_p50": (each("first_output", 0.05, 0.2), 0.05),
    "stream_start_p95": (each("first_output", 0.05, 0.2), 0.2),
    "phase_p95": (each(NETWORK, 0.01, 0.03), 0.03),
    "network_p50": (waits(*BOTH, network_type="cell", connectivity="degraded"), 0.1),
    "network_p95": (waits(*BOTH, network_type="cell"), 0.4),
    "offline_success_rate": (
        [*waits(0.1, 0.1, 0.1, connectivity="offline"), *waits(0.1, connectivity="offline", error="OSError")],
        0.75,
    ),
    "reinforced_p50": (each("reinforced", 0.5, 1.5), 0.5),
    "reinforced_p95": (each("reinforced", 0.5, 1.5), 1.5),
    "reinforced_share": ([*waits(0.1, 0.1, 0.1), *waits(0.1, reinforced=1.0)], 0.25),
    "reinforced_better_share": (each("improved", 1, 1, 1, 0), 0.75),
    "active_installations": (came("a", "b", "a"), 2),
    "retention_d1": ([*came("a", "b"), *came("b", "c", later=1)], 0.5),
    "retention_d7": ([*came("a", "b", "c", "d"), *came("a", later=6), *came("b", later=7)], 0.25),
    "retention_d30": ([*came("a", "b"), *came("a", "b", later=30)], 1),
    "session_completion_rate": (
        did(
            Kind.SESSION_END, *({"session_outcome": how} for how in ("completed", "abandoned", "crashed", "completed"))
        ),
        0.5,
    ),
    "session_duration_p50": (yes(Kind.SESSION_END, "session_duration", 60, 90), 60),
}
QUALITY: dict[str, Case] = {
    "accuracy": (MATRIX, 8 / 13),
    "false_accept_rate": (MATRIX, 1 / 3),
    "false_reject_rate": (MATRIX, 4 / 10),
    "precision": (MATRIX, 6 / 7),
    "rewrite_quality_p50": (scored(0.25, 0.75), 0.25),
    "rewrite_quality_p5": (scored(0.25, 0.75), 0.25),
    "low_score_share": (scored(0.25, 0.5, 0.75, 1), 0.5),
    "rewritten_share": (yes(Kind.FEEDBACK, "feedback_rewritten", 1, 0, 0, 0), 0.25),
    "safety_violation_rate": (did(Kind.SAFETY, *({"safety_verdict": v} for v in ("pass", "violation"))), 0.5),
    "audit_completeness": (yes(Kind.SAFETY, "safety_audited", 1, 1, 1, 0), 0.75),
    "confidence_p50": (each("confidence", 0.5, 0.9), 0.5),
    "confidence_p5": (each("confidence", 0.5, 0.9), 0.5),
    "low_confidence_share": (each("confidence", 0.5, 0.51, 0.9, 0.2), 0.5),
    "cross_validated_share": (
        [
            *each("confidence", 0.9, 0.9, 0.9),
            *calls(0.1, confidence=0.2, route_to="cloud", route_reason="low_confidence"),
        ],
        0.25,
    ),
    "retry_rate": (each("attempt", 1, 1, 1, 2), 0.25),
    "schema_mismatch_rate": (
        [
            *calls(0.1, model_schema_hash="a", data_schema_hash="a"),
            *calls(0.1, model_schema_hash="a", data_schema_hash="b"),
            *calls(0.1, model_schema_hash="a"),
        ],
        0.5,
    ),
    "label_coverage": ([*calls(*[0.1] * 26), *MATRIX], 0.5),
    "label_lag_p50": (yes(Kind.FEEDBACK, "feedback_lag", 60, 120), 60),
    "label_lag_p95": (yes(Kind.FEEDBACK, "feedback_lag", 60, 120), 120),
}
COST: dict[str, Case] = {
    "cost_per_call": ([*calls(0.1, 0.1, 0.1), *calls(0.1, cost=0.002)], 0.0005),
    "cost_total": (each("cost", 0.002, 0.003), 0.005),
    "call_cost_p50": (each("cost", 0.002, 0.003), 0.002),
    "call_cost_p95": (each("cost", 0.002, 0.003), 0.003),
    "over_ceiling_share": (each("cost", 0.005, 0.006), 0.5),
    "cost_capped_share": (ROUTES, 0.5),
    "cost_avoided": ([*yes(Kind.CACHE_RESULT, "cost_avoided", 1, 2), *calls(0.1, cost_avoided=4.0)], 7),
    "energy_p50": (each("energy", 0.25, 0.5), 0.25),
    "energy_p95": (each("energy", 0.25, 0.5), 0.5),
    "energy_aware_share": ([*ROUTES, *BACK], 0.6),
    "battery_per_day": (
        [*reports("battery_discharge", 10, 20, observed_time=3600), *reports("observed_time", 3600)],
        360,
    ),
    "battery_rate_p50": (reports("battery_discharge", 10, 20, observed_time=3600), 240),
    "battery_rate_p95": (reports("battery_discharge", 10, 20, observed_time=3600), 480),
    "energy_per_day": (reports("device_energy", 100, 300, observed_time=43_200), 400),
    "lightweight_share": ([*each("mode", "normal", "lightweight"), *calls(0.1)], 0.5),
    "cpu_share": ([*each("accelerator", "cpu", "npu", "npu", "gpu"), *calls(0.1)], 0.25),
    "edge_share": (
        [*calls(0.1), *(event(Kind.INFERENCE, {}, tier=tier) for tier in ("site", "cloud", "unknown"))],
        0.5,
    ),
    "offload_share": (ROUTES, 0.5),
    "edge_transition_rate": ([*ROUTES, *BACK], 0.6),
    "input_tokens_per_call": (each("input_tokens", 100, 300), 200),
    "output_tokens_per_call": (each("output_tokens", 10, 30), 20),
    "batch_size_mean": (each("batch_size", 1, 8, 3), 4),
    "request_size_p50": (each("request_size", 1000, 3000), 1000),
    "request_size_p95": (each("request_size", 1000, 3000), 3000),
    "network_sent": (reports("network_io", 1000, 3000), 4000),
}
STABILITY: dict[str, Case] = {
    "calls": (calls(0.1, 0.1, error="OSError"), 2),
    "error_rate": ([*calls(0.1, 0.1, 0.1), *calls(0.1, error="OSError")], 0.25),
    "ota_failure_rate": (
        ota(succeeded=6, failed=1, rolled_back=1, rollback_failed=1, timed_out=1, rejected=5, canceled=5, skipped=5),
        0.4,
    ),
    "rollbacks": (
        [
            *ota(rolled_back=1, rollback_failed=1, failed=1),
            *did(Kind.RELEASE_ACTION, {"release_action": "rollback"}, {"release_action": "promote"}),
        ],
        3,
    ),
    "crash_rate": ([*calls(0.1, 0.1, 0.1, 0.1), *did(Kind.CRASH, {"error": "SIGSEGV"})], 0.25),
    "crashes_per_hour": (
        [*reports("operational_time", 3600, 3600), *did(Kind.CRASH, {"error": "SIGSEGV"})],
        0.5,
    ),
    "crash_free_share": (reports("operational_time", 3600, 3600, crashfree_time=2700), 0.75),
}
LEARNING: dict[str, Case] = {
    "data_age_p50": (each("data_age", 3600, 7200), 3600),
    "data_age_p95": (each("data_age", 3600, 7200), 7200),
    "lateness_p95": (each("lateness", 1, 5), 5),
    "telemetry_quarantined": (did(Kind.QUARANTINED, {"clock_doubt": "boot_unknown"}, {}), 2),
    "clock_corrected": ([*calls(0.1), *each("clock_offset", -86_400.0)], 0.5),
    "retrainings": (did(Kind.MODEL_TRAINED, {"training_kind": "baseline"}, {"training_kind": "fine_tune"}), 2),
    "label_agreement": (yes(Kind.MODEL_TRAINED, "training_agreement", 1, 0), 0.5),
    "training_duplicates": (yes(Kind.MODEL_TRAINED, "training_duplicates", 1, 0, 0, 0), 0.25),
    "training_coverage": (yes(Kind.MODEL_TRAINED, "training_coverage", 1, 0), 0.5),
    "model_card_share": ([*yes(Kind.MODEL_TRAINED, "model_card", 1, 0), *did(Kind.MODEL_TRAINED, {}, {})], 0.25),
    "samples_uploaded": (did(Kind.SAMPLE_UPLOADED, {}, {}), 2),
    "sample_bytes": (yes(Kind.SAMPLE_UPLOADED, "sample_io", 1000, 500), 1500),
    "sample_selection_rate": (yes(Kind.SAMPLE_UPLOADED, "sample_candidates", 30, 10), 0.05),
    "pii_removed_share": (
        [*yes(Kind.SAMPLE_UPLOADED, "sample_pii_removed", 1, 0), *did(Kind.SAMPLE_UPLOADED, {})],
        0.5,
    ),
    "redactions": (yes(Kind.REDACTED, "redaction_count", 3, 2), 5),
    "encrypted_share": (yes(Kind.SAMPLE_UPLOADED, "sample_encrypted", 1, 1, 1, 0), 0.75),
    "originals_sent": (yes(Kind.SAMPLE_UPLOADED, "sample_original", 1, 0, 0), 1),
    "federation_rounds": (did(Kind.FEDERATION_ROUND, {}, {}, {}), 3),
    "round_time_p50": (yes(Kind.FEDERATION_ROUND, "federation_duration", 60, 90), 60),
    "round_time_p95": (yes(Kind.FEDERATION_ROUND, "federation_duration", 60, 90), 90),
    "update_norm_p50": (yes(Kind.FEDERATION_ROUND, "federation_update_norm", 1, 2), 1),
}
RELEASE: dict[str, Case] = {
    "ota_attempts": (ota(succeeded=2, failed=1, rejected=1, in_progress=7), 4),
    "ota_unconfirmed_rate": (ended({"ota_confirmed": 1}, {"ota_confirmed": 1}, {"ota_confirmed": 0}, {}), 0.5),
    "ota_confirm_p50": (ended({"ota_time_to_confirm": 60}, {"ota_time_to_confirm": 90}), 60),
    "ota_confirm_p95": (ended({"ota_time_to_confirm": 60}, {"ota_time_to_confirm": 90}), 90),
    "ota_stuck": (did(Kind.OTA_UPDATE, {"ota_stalled": "stuck"}, {"ota_stalled": "unreachable"}), 1),
    "ota_unreachable": (did(Kind.OTA_UPDATE, {"ota_stalled": "stuck"}, {"ota_stalled": "unreachable"}), 1),
    "ota_refused_share": (ota(succeeded=4, rejected=1, canceled=1, skipped=1, removed=1), 0.5),
    "ota_duration_p50": (ended({"ota_duration": 60}, {"ota_duration": 90}), 60),
    "ota_duration_p95": (ended({"ota_duration": 60}, {"ota_duration": 90}), 90),
    "ota_bytes": (ended({"ota_io": 1000}, {"ota_io": 500}), 1500),
    "ota_delta_share": (ended({"ota_delta": 1}, {"ota_delta": 0}, {}, {}), 0.25),
    "ota_verified_share": (ended({"ota_signature": "verified"}, {"ota_signature": "absent"}, {}), 0.5),
    "device_rollback_rate": (ota(succeeded=2, rolled_back=1, rollback_failed=1, skipped=9), 0.5),
    "time_to_rollback_p50": (
        did(Kind.RELEASE_ACTION, *({"release_action": "rollback", "release_duration": s} for s in (40, 60))),
        40,
    ),
    "time_to_rollback_p95": (
        did(
            Kind.RELEASE_ACTION,
            {"release_action": "rollback", "release_duration": 40},
            {"release_action": "promote", "release_duration": 90},
        ),
        40,
    ),
    "promotions": (did(Kind.RELEASE_ACTION, *({"release_action": a} for a in ("promote", "pause", "promote"))), 2),
}
LOOKUPS = [*each("cache_result", "hit", "stale", "miss"), *did(Kind.CACHE_RESULT, {"cache_result": "hit"})]
PATTERN: dict[str, Case] = {
    "policy_changes": (did(Kind.POLICY_CHANGE, {"policy_id": "cost-cap", "policy_reason": "cost"}, {}), 2),
    "sync_backlog_age_p50": (reports("buffer_age", 60, 90), 60),
    "sync_backlog_age_p95": (reports("buffer_age", 60, 90), 90),
    "sync_backlog_p95": (reports("buffer_usage", 1000, 3000), 3000),
    "cache_hit_rate": (LOOKUPS, 0.75),
    "cache_stale_share": (LOOKUPS, 1 / 3),
    "cache_wrong_share": (yes(Kind.CACHE_RESULT, "cache_wrong", 1, 0, 0, 0), 0.25),
    "cache_age_p50": ([*each("cache_age", 60), *yes(Kind.CACHE_RESULT, "cache_age", 90)], 60),
    "cache_age_p95": ([*each("cache_age", 60), *yes(Kind.CACHE_RESULT, "cache_age", 90)], 90),
    "cache_latency_p50": (calls(*BOTH, cache_result="hit"), 0.1),
    "cache_latency_p95": (calls(*BOTH, cache_result="hit"), 0.4),
    "split_transfer_share": (
        [
            *calls(0.4, route_decision="split", **{NETWORK: 0.1}),
            *calls(0.4, route_decision="offload", **{NETWORK: 0.3}),
        ],
        0.25,
    ),
    "federation_dropout_share": (
        did(Kind.FEDERATION_ROUND, {"federation_participants": 12, "federation_dropouts": 3}),
        0.25,
    ),
    "federation_staleness_p95": (yes(Kind.FEDERATION_ROUND, "federation_staleness", 60, 90), 90),
    "privacy_budget": (did(Kind.FEDERATION_ROUND, *({"federation_epsilon": e} for e in (0.5, 0.25))), 0.75),
    "shadow_agreement": ([*yes(Kind.SHADOW_PAIR, "shadow_agreed", 1, 1, 1, 0), *did(Kind.SHADOW_PAIR, {})], 0.75),
    "shadow_error_difference": (
        did(
            Kind.SHADOW_PAIR,
            *({"shadow_correct": ours, "shadow_primary_correct": theirs} for ours, theirs in ((0, 1), (0, 1), (1, 0))),
            *({"shadow_correct": right, "shadow_primary_correct": right} for right in (1, 0)),
            {"shadow_correct": 0},
        ),
        0.2,
    ),
    "shadow_difference_p50": (did(Kind.SHADOW_PAIR, *({"shadow_difference": s} for s in (-0.02, 0.06))), -0.02),
    "shadow_difference_p95": (did(Kind.SHADOW_PAIR, *({"shadow_difference": s} for s in (-0.02, 0.06))), 0.06),
    "shadow_perceptible_share": (did(Kind.SHADOW_PAIR, *({"shadow_difference": s} for s in (0.05, 0.06))), 0.5),
    "shadow_cost": (did(Kind.SHADOW_PAIR, *({"shadow_cost": cost} for cost in (0.002, 0.003))), 0.005),
    "shadow_share": (each("role", "primary", "shadow", "primary", "primary"), 0.25),
    "shadow_answered": (yes(Kind.SHADOW_PAIR, "shadow_answered", 1, 0, 0, 0), 0.25),
}
DEVICE: dict[str, Case] = {
    "device_reports": (did(Kind.DEVICE_HEALTH, {}, {}), 2),
    "temperature_p50": (reports("temperature", -10, 81), -10),
    "temperature_p95": (reports("temperature", -10, 81), 81),
    "hot_share": (reports("temperature", 20, 80, 80.5, 90), 0.5),
    "power_p50": (reports("device_power", 2, 4), 2),
    "power_p95": (reports("device_power", 2, 4), 4),
    "memory_p50": (reports("memory_usage", 1000, 3000), 1000),
    "memory_p95": (reports("memory_usage", 1000, 3000), 3000),
    "cpu_p50": (reports("cpu_utilization", 0.25, 0.5), 0.25),
    "cpu_p95": (reports("cpu_utilization", 0.25, 0.5), 0.5),
    "device_memory_utilization_p50": (reports("system_memory", 0.25, 0.5), 0.25),
    "device_memory_utilization_p95": (reports("system_memory", 0.25, 0.5), 0.5),
    "device_cpu_utilization_p50": (reports("system_cpu", 0.25, 0.75), 0.25),
    "device_cpu_utilization_p95": (reports("system_cpu", 0.25, 0.75), 0.75),
    "device_disk_free_p5": (reports("disk_free", 1000, 3000), 1000),
    "device_disk_free_p50": (reports("disk_free", 1000, 3000), 1000),
    "gpu_utilization_p50": (reports("gpu_utilization", 0.5, 0.75), 0.5),
    "gpu_utilization_p95": (reports("gpu_utilization", 0.5, 0.75), 0.75),
    "gpu_memory_utilization_p50": (reports("gpu_memory", 0.5, 0.75), 0.5),
    "gpu_memory_utilization_p95": (reports("gpu_memory", 0.5, 0.75), 0.75),
    "gpu_power_p50": (reports("gpu_power", 20, 40), 20),
    "gpu_power_p95": (reports("gpu_power", 20, 40), 40),
    "memory_over_1_5": (reports("memory_ratio", 1, 1.5, 1.6, 2.5), 0.5),
    "memory_over_2": (reports("memory_ratio", 1, 1.5, 1.6, 2.5), 0.25),
    "memory_crashes": (did(Kind.CRASH, {"error": "out_of_memory"}, {"error": "SIGSEGV"}), 1),
    "battery_charge_p5": (reports("battery_charge", 0.25, 0.5), 0.25),
    "battery_charge_p50": (reports("battery_charge", 0.25, 0.5), 0.25),
    "connected_share": (reports("connected_time", 900, 2700, observed_time=3600), 0.5),
    "dropped_frame_share": (reports("frames", 120, 120, frames_dropped=3, observed_time=1), 0.025),
    "frames_per_second": (reports("frames", 120, 60, observed_time=1), 90),
    "posture_share": (
        did(Kind.DEVICE_POSTURE, {"hybridobs.posture.secure_boot": 1, "hybridobs.posture.attestation": 0}),
        0.5,
    ),
}
BUSINESS: dict[str, Case] = {
    "business_outcomes": (did(Kind.BUSINESS_OUTCOME, {"business_name": "sale"}, {"business_name": "sale"}), 2),
    "conversion_rate": ([*yes(Kind.BUSINESS_OUTCOME, "business_success", 1, 0), *did(Kind.BUSINESS_OUTCOME, {})], 0.5),
    "business_value_mean": (yes(Kind.BUSINESS_OUTCOME, "business_value", 15, 25), 20),
    "business_value_p50": (yes(Kind.BUSINESS_OUTCOME, "business_value", 15, 25), 15),
    "business_value_p95": (yes(Kind.BUSINESS_OUTCOME, "business_value", 15, 25), 25),
}
CASES = EXPERIENCE | QUALITY | COST | STABILITY | LEARNING | RELEASE | PATTERN | DEVICE | BUSINESS
# Not from events: streams, references, what others add up.
TOLD: dict[str, tuple[dict[str, Summary], float]] = {
    "delivery_completeness": (
        {x.name: Summary.of(x, [n]) for x, n in ((m.COUNTED, 90), (m.LOST, 6), (m.OUTSTANDING, 4))},
        0.9,
    ),
    "telemetry_lost": ({m.LOST.name: Summary.of(m.LOST, [2, 3])}, 5),
    "telemetry_outstanding": ({m.OUTSTANDING.name: Summary.of(m.OUTSTANDING, [7])}, 7),
    "drift_score": ({x.name: Summary.of(x, [1_000_000] * 600) for x in (m.FEATURE, m.FEATURE_REFERENCE)}, 0),
}


def summaries(events: Iterable[Event], *, until: int = NOON + DAY) -> dict[str, Summary]:
    """Everything that the events add up to in windows before ``until``."""
    fold = Fold()
    for one in events:
        fold.add(one)
    assert fold.refused == 0
    parts: dict[str, list[Summary]] = {}
    for key, values in fold.cells.items():
        if NOON - DAY < key.window < until:
            parts.setdefault(key.measure, []).append(Summary.of(MEASURES[key.measure], values))
    return {name: Summary.merged(MEASURES[name], found) for name, found in parts.items()}


@pytest.mark.parametrize("kpi", CASES)
def test_value(kpi: str) -> None:
    """The value is the one counted by hand."""
    events, expected = CASES[kpi]
    assert KPIS[kpi].value(summaries(events)).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kpi", TOLD | REPORTED)
def test_value_of_what_is_told(kpi: str) -> None:
    """The same where the numbers come from streams or from a reference."""
    told, expected = (TOLD | REPORTED)[kpi]
    assert KPIS[kpi].value(told).value == pytest.approx(expected, abs=1e-12)


def test_every_kpi_has_its_example() -> None:
    """No KPI is declared without one."""
    assert set(CASES) | set(TOLD) | set(REPORTED) == set(KPIS)
