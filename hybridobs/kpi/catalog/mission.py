"""Where each row of the mission map (sections 1 to 9; ``H`` are the five patterns of section 8) went.

A row is answered by KPIs, labels, events; or there is a reason why no measure can. A KPI that names the row as its
own is not repeated here.
"""

from __future__ import annotations

from typing import NamedTuple

from hybridobs.contract import EventKind as Kind


class Row(NamedTuple):
    """One row: what is asked for, and what answers it."""

    asked: str
    kpis: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    events: tuple[Kind, ...] = ()
    reason: str = ""


def _kpis(asked: str, *kpis: str, by: tuple[str, ...] = (), events: tuple[Kind, ...] = ()) -> Row:
    return Row(asked, kpis, by, events)


def _not(asked: str, reason: str, *labels: str) -> Row:
    return Row(asked, labels=labels, reason=reason)


_SLO = "a limit, not a number: it belongs into an objective"
_GATE = "a comparison of two versions: it belongs to a gate (`hybridobs.kpi.stats`)"
_DOES = "a property of the software, not a number"

MISSION: dict[str, Row] = {
    # --- 1: the board ---
    "E1": _kpis("Input to first token or frame", by=("task", "route", "connectivity")),
    "E2": _kpis("Session retention", events=(Kind.SESSION_START, Kind.SESSION_END)),
    "E3": _kpis("Offline success", by=("task", "device_class")),
    "Q1a": _kpis("Accuracy", by=("task", "label_source"), events=(Kind.FEEDBACK,)),
    "Q1b": _kpis("False accepts", by=("label_source",), events=(Kind.FEEDBACK,)),
    "Q1c": _kpis("False rejects", by=("label_source",), events=(Kind.FEEDBACK,)),
    "Q2": _kpis("Rewrite quality", by=("evaluation",), events=(Kind.EVALUATION, Kind.FEEDBACK)),
    "Q3": _kpis("Content safety violations", by=("policy", "stage"), events=(Kind.SAFETY,)),
    "C1": _kpis("mAh a day for each device", by=("device_class",), events=(Kind.DEVICE_HEALTH,)),
    "C2": _kpis("Cost per call", by=("currency", "price_table")),
    "C3": _kpis("Cloud to edge transitions", by=("route", "reason"), events=(Kind.ROUTE,)),
    "S1": _kpis("OTA failures", by=("ota_system", "ota_kind", "to_version", "error_type"), events=(Kind.OTA_UPDATE,)),
    "S2": _kpis("Rollbacks", by=("kind", "trigger"), events=(Kind.OTA_UPDATE, Kind.RELEASE_ACTION)),
    "S3": _kpis("Model crashes", by=("runtime", "accelerator"), events=(Kind.CRASH, Kind.DEVICE_HEALTH)),
    "L1": _kpis("Data freshness", by=("dataset",)),
    "L2": _kpis("Drift", by=("feature", "device_class", "site")),
    "L3": _kpis("Retraining", by=("kind",), events=(Kind.MODEL_TRAINED,)),
    # --- 2: latency ---
    "N1": _kpis("300 ms at the edge", "first_output_within_300ms"),
    "N2": _kpis("0.3 s without interruption", "within_300ms", "error_rate", "crash_free_share"),
    "N3": _kpis("Bands of 150, 300 and 800 ms", "within_150ms", "within_300ms", "within_800ms", by=("task",)),
    "N4": _kpis("The average that hides the tail", "latency_p95", "latency_p99", "within_450ms"),
    "N5": _kpis("50 ms are felt", "shadow_difference_p95"),
    "N6": _kpis("Tasks asked within 100 ms belong to the edge", "within_100ms", "edge_share", by=("tier", "task")),
    "N7": _kpis("Below 200 ms", "within_200ms", "first_output_within_200ms"),
    "N8": _kpis("Bands of 20-80 ms and 150-800 ms", "within_80ms", "within_800ms", "latency_p95", by=("tier",)),
    "N9": _kpis("Unit cost of edge and cloud", "cost_per_call", by=("tier",)),
    "N10": _kpis("50-150 ms for immediate tasks", "within_150ms", by=("task",)),
    "N11": _kpis("Layer A: below 150 ms, offline", "within_150ms", "offline_success_rate", by=("task",)),
    "N12": _kpis("Interaction and generation", "within_150ms", "within_2s", by=("task",)),
    "N13": _kpis("50 ms in retail vision", "within_50ms"),
    "N14": _kpis("Alarms within 200 ms, omissions", "first_output_within_200ms", "false_reject_rate", by=("task",)),
    "N15": _kpis("100 ms in the car", "within_100ms"),
    "N16": _kpis("120 frames a second", events=(Kind.DEVICE_HEALTH,)),
    "N17": _kpis("p95 and p99", "first_output_p95", "first_output_p99"),
    "N18": _not(
        "No objective on a mean",
        "a rule for objectives, not a number; `latency_mean` is there to be seen beside p95 and p99",
    ),
    "N19": _not("Rows of 100 ms in heat maps", "how a panel is drawn, not a number"),
    "N20": _kpis("Network time apart from server time", "phase_p95", by=("phase", "tier")),
    "N21": _kpis("Click to response by phase", by=("phase",)),
    # --- 3: cost and energy ---
    "F1": _kpis("Ceiling for each request", "call_cost_p95"),
    "F2": _kpis("Caps and local fallback", by=("reason", "price_table")),
    "F3": _kpis("Network cost explosion", "offload_share", "calls", events=(Kind.DEVICE_HEALTH,)),
    "F4": _kpis("Caching and batching", "cache_hit_rate", "cost_avoided", events=(Kind.CACHE_RESULT,)),
    "F5": _kpis("What the edge saves", "cost_per_call", by=("tier",)),
    "F6": _kpis("Energy budget", by=("accelerator", "energy_method", "device_class")),
    "F7": _kpis("Edge share by power source", "edge_share", by=("power_source",)),
    "F8": _kpis("Lightweight mode on low battery", by=("mode", "device_class"), events=(Kind.DEVICE_HEALTH,)),
    "F9": _not("Carbon", "energy times the carbon intensity of a region, which is a table outside telemetry", "site"),
    "F10": _not(
        "TCO", "adds invested money and fixed cost, which are tables outside telemetry", "device_class", "cohort"
    ),
    "F11": _not("10 million inferences a day", "a load to test with, not a number"),
    "F12": _not("Network and rollout cost", "part of F10"),
    "F13": _kpis("The dearest requests", "cost_total", by=("task",)),
    # --- 4: release ---
    "R0": _not("Canary score", f"accuracy, latency and resources together, {_GATE}", "version", "channel"),
    "R1": _not("p95 rises by 30 %", f"`latency_p95` of two versions, {_GATE}", "version", "cohort"),
    "R2": _not("False positives rise by 15 %", f"`false_accept_rate` of two versions, {_GATE}", "version"),
    "R3": _kpis("Device errors rise by 5 %", by=("version", "error_type")),
    "R4": _kpis("Channels", "calls", by=("channel",), events=(Kind.RELEASE_ACTION,)),
    "R5": _kpis("One-click rollback", "rollbacks", by=("trigger",), events=(Kind.RELEASE_ACTION,)),
    "R6": _kpis("Secure OTA below 0.1 %", "ota_failure_rate", "ota_verified_share", by=("signature",)),
    "R7": _kpis("Signed updates", by=("signature",), events=(Kind.OTA_UPDATE,)),
    "R8": _kpis("Encryption, secure boot, signing", by=("control",), events=(Kind.DEVICE_POSTURE,)),
    "R9": _kpis("Attestation", "posture_share", by=("control",), events=(Kind.DEVICE_POSTURE,)),
    "R10": _kpis("Update cadence", "ota_attempts", "retrainings", by=("tier", "to_version")),
    "R11": _kpis("How often to update", "ota_attempts", by=("ota_kind",)),
    "R12": _kpis("Version mix", "calls", by=("version", "channel")),
    "R13": _not("Nightly canary", "a schedule, not a number"),
    "R14": _kpis("Stale devices", events=(Kind.DEVICE_HEALTH,)),
    "R15": _not("Models, devices, data in time", "labels and windows of every measure", "version", "device_class"),
    "R16": _kpis("Status of any update system", by=("ota_system", "ota_phase"), events=(Kind.OTA_UPDATE,)),
    "R17": _kpis("A/B tests and shadow routing", "shadow_agreement", by=("cohort",), events=(Kind.SHADOW_PAIR,)),
    # --- 5: quality and learning ---
    "D1": _kpis("Confidence and re-inference", "retry_rate", "shadow_agreement"),
    "D2": _kpis("Silent drift", "drift_score", by=("site", "device_class", "feature")),
    "D3": _kpis("Monthly and weekly training", "retrainings", by=("kind",), events=(Kind.MODEL_TRAINED,)),
    "D4": _kpis("Accuracy by environment", "accuracy", by=("environment",)),
    "D5": _kpis("The data loop", by=("reason",), events=(Kind.SAMPLE_UPLOADED,)),
    "D6": _kpis("Labels come late", events=(Kind.FEEDBACK,)),
    "D7": _kpis("Schema hashes"),
    "D8": _not("Schema evolution", "a comparison of two schemas; `schema_mismatch_rate` watches the field"),
    "D9": _kpis("Training data quality", by=("dataset",), events=(Kind.MODEL_TRAINED,)),
    "D10": _kpis("Federated learning", "federation_dropout_share", events=(Kind.FEDERATION_ROUND,)),
    "D11": _kpis("Bias between cohorts", "false_accept_rate", "false_reject_rate", by=("cohort",)),
    "D12": _kpis("Policy filters and audit", by=("policy",), events=(Kind.SAFETY,)),
    "D13": _kpis("Precision and retries"),
    "D14": _kpis("Rechecks and omissions", "conversion_rate", "false_reject_rate", by=("business",)),
    "D15": _kpis("Quality by version", "accuracy", by=("version",), events=(Kind.RELEASE_ACTION,)),
    "D16": _kpis("Model cards", events=(Kind.MODEL_TRAINED,)),
    # --- 6: privacy ---
    "P1": _kpis("Redact before sending", "pii_removed_share", events=(Kind.SAMPLE_UPLOADED, Kind.REDACTED)),
    "P2": _not("No raw content by default", _DOES),
    "P3": _not("Nobody can be identified", f"{_DOES}: ids are hashed before they leave, labels are bounded"),
    "P4": _kpis(
        "Placement as policy", "offload_share", by=("policy", "reason"), events=(Kind.ROUTE, Kind.POLICY_CHANGE)
    ),
    "P5": _not("Data boundaries", f"{_DOES}: where a store stands and what a collector forwards", "site"),
    "P6": _kpis("Privacy budget", "privacy_budget", events=(Kind.FEDERATION_ROUND,)),
    "P7": _not("Keys and tokens", _DOES),
    "P8": _not("Only statistics move", _DOES),
    "P9": _kpis("Audit log", "audit_completeness", events=(Kind.SAFETY,)),
    "P10": _kpis("Send little", "network_sent", "sample_bytes", events=(Kind.DEVICE_HEALTH,)),
    "P11": _kpis("Originals are exceptions", by=("reason",), events=(Kind.SAMPLE_UPLOADED,)),
    # --- 7: tags, traces, layers ---
    "T1": _not("Cohort, version, device", "labels of every measure", "cohort", "version", "device_class"),
    "T2": _not("One trace from edge to cloud", "a trace, not a number"),
    "T3": _kpis("Device, model, business health", "temperature_p95", "precision", "retry_rate", "conversion_rate"),
    "T4": _kpis("Temperature, power, memory", events=(Kind.DEVICE_HEALTH,)),
    "T5": _kpis("Conversion", by=("business", "cohort"), events=(Kind.BUSINESS_OUTCOME,)),
    "T6": _not("One view for field and data teams", "how boards are made: titles are in the words of the field"),
    "T7": _not("Releases beside metrics", "annotations, made from release events", "action"),
    "T8": _not("A published schema with a version", "docs/contract.md, and the collector's counter of values left out"),
    "T9": _not(
        "Coverage matrix", "labels of `inference.platform`", "device_class", "accelerator", "runtime", "precision"
    ),
    "T10": _kpis("Laboratory and field", by=("network", "connectivity")),
    "T11": _kpis("Memory beyond the model", events=(Kind.DEVICE_HEALTH, Kind.CRASH)),
    "T12": _kpis("It works on hotel Wi-Fi", "network_p95", "offline_success_rate", by=("connectivity",)),
    "T13": _kpis("Histories are synchronised", "lateness_p95", "sync_backlog_age_p95", events=(Kind.LOST,)),
    "T14": _not(
        "What differs in a breach", "a comparison over labels: every KPI can be asked by each of them", "version"
    ),
    "T15": _not("Task catalogue", _SLO, "task"),
    "T16": _kpis("Pipelines: sampling, dropped frames", "dropped_frame_share", "phase_p95", by=("phase",)),
    # --- 8: the five patterns ---
    "H1": _kpis("Local inference, synchronised later", "latency_p95", "lateness_p95", events=(Kind.DEVICE_HEALTH,)),
    "H2": _kpis("Cloud first, cached at the edge", by=("cache",), events=(Kind.CACHE_RESULT,)),
    "H3": _kpis("Split computing", "phase_p95", "request_size_p95", by=("phase", "route")),
    "H4": _kpis("Federated learning", "federation_rounds", "round_time_p95", events=(Kind.FEDERATION_ROUND,)),
    "H5": _kpis("Shadow inference", by=("version",), events=(Kind.SHADOW_PAIR,)),
    # --- 9: placement ---
    "G1": _not("Three layers", "labels of every measure", "tier", "site"),
    "G2": _kpis("Decision matrix", "edge_share", "offload_share", by=("task", "tier")),
    "G3": _kpis("Ask the cloud when unsure", by=("reason",)),
    "G4": _not("Stages of one request", "the spans of one trace, each with its tier", "tier", "task"),
    "G5": _kpis("First answer local, better one from the cloud"),
    "G6": _kpis("Light requests belong to the edge", by=("tier",)),
    "G7": _kpis("Edge share at peak", "edge_share", "calls", by=("tier",)),
    "G8": _kpis("Model size and precision", "accuracy", "latency_p95", "memory_p95", by=("precision",)),
    "G9": _kpis("Precision, runtime, accelerator", by=("precision", "runtime", "accelerator")),
    "G10": _not(
        "Nothing bound to one vendor", "labels are open words, and names on the wire are OpenTelemetry's", "model"
    ),
    "G11": _not("Objectives by tier", _SLO, "tier"),
    "G12": _not("Aggregation at the site", _DOES, "site"),
    "G13": _kpis("Cache, queue, retry", "cache_hit_rate", "retry_rate", "phase_p95", "telemetry_lost"),
    "G14": _kpis("What must work offline", "offline_success_rate", by=("task",)),
    "G15": _kpis("The compass", "within_300ms", "network_sent", "over_ceiling_share", by=("task",)),
    "G16": _kpis(
        *("Fast, uninterrupted, safe, predictable", "first_output_within_300ms", "offline_success_rate"),
        *("pii_removed_share", "cost_total"),
    ),
    "G17": _kpis("How much at the edge, where handed over", "offload_share", by=("route",)),
    "G18": _kpis("Allowed destinations", "safety_violation_rate", by=("policy",), events=(Kind.SAFETY,)),
    "G19": _kpis("The life of a device", "device_reports", events=(Kind.DEVICE_HEALTH, Kind.OTA_UPDATE)),
}
