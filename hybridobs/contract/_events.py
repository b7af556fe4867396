"""What may happen beside a call: event kinds, and the attributes that each adds.

An event is an OTLP log record with an event name. Its time is when the thing happened; what is learned later about
something earlier (a label, a confirmed update) carries the time and the labels of what it is about. A boolean counts
as the number 1 or 0. ``hybridobs.correction = -1`` takes back what the same record had added.
"""

from __future__ import annotations

from enum import StrEnum

from hybridobs.contract._attribute import attribute as _attribute


class EventKind(StrEnum):
    """What a record is about; the value is its event name on the wire (``inference`` is a span)."""

    INFERENCE = "hybridobs.inference"  # one answer of a model, with the attributes of a span
    LOST = "hybridobs.telemetry.lost"  # numbers that the sender gave up
    ROUTE = "hybridobs.route.decision"  # where a task goes and why, said beside a call, with a span's keys
    FEEDBACK = "hybridobs.feedback"  # whether an answer was right, said later
    EVALUATION = "gen_ai.evaluation.result"  # how an answer or a model did in an evaluation
    SAFETY = "hybridobs.safety.check"  # what a policy found in an input or an output
    SESSION_START = "session.start"  # somebody begins to use the product
    SESSION_END = "session.end"  # and ends, with an outcome
    OTA_UPDATE = "hybridobs.ota.update"  # a state of an update over the air
    RELEASE_ACTION = "hybridobs.release.action"  # a release was promoted, paused or rolled back
    MODEL_TRAINED = "hybridobs.model.trained"  # a model was trained
    SAMPLE_UPLOADED = "hybridobs.sample.uploaded"  # a sample left the device
    CACHE_RESULT = "hybridobs.cache.result"  # what a cache did, or that it was wrong
    SHADOW_PAIR = "hybridobs.shadow.pair"  # a shadow beside its primary call, whose trace it has
    CRASH = "app.crash"  # the application crashed, with the error.type of a span
    BUSINESS_OUTCOME = "hybridobs.business.outcome"  # what came of it
    DEVICE_POSTURE = "hybridobs.device.posture"  # which protections of a device were verified
    DEVICE_HEALTH = "hybridobs.device.health"  # what a device measures of itself
    DEVICE_LIFECYCLE = "hybridobs.device.lifecycle"  # a device was put into service or taken out of it
    FEDERATION_ROUND = "hybridobs.federation.round"  # one round of federated learning
    REDACTED = "hybridobs.privacy.redacted"  # how many values were changed or left out for privacy
    POLICY_CHANGE = "hybridobs.policy.change"  # a policy set a flag to another variant
    QUARANTINED = "hybridobs.ingest.quarantined"  # said by the collector itself


_k = EventKind


def _text(kind: EventKind | str, key: str, brief: str, example: str) -> str:
    return _attribute(key, "string", brief, example, where=str(kind))


def _number(kind: EventKind | str, key: str, brief: str, example: str, unit: str = "1") -> str:
    return _attribute(key, "double", brief, example, unit=unit, where=str(kind))


def _whole(kind: EventKind | str, key: str, brief: str, example: str, unit: str = "1") -> str:
    return _attribute(key, "int", brief, example, unit=unit, where=str(kind))


def _flag(kind: EventKind | str, key: str, brief: str) -> str:
    return _attribute(key, "bool", brief, "true", where=str(kind))


# --- any event -------------------------------------------------------------------------------------------------------
CORRECTION = _whole("record", "hybridobs.correction", "-1 takes back what this same record had added.", "-1")
PSEUDO_ID = _text("record", "enduser.pseudo.id", "Keyed hash of the person; never a name.", "5e0a…")
SESSION_ID = _text("record", "session.id", "Random id of the session.", "00112233-…")
ENVIRONMENT_BUCKET = _text("record", "hybridobs.environment.bucket", "Bounded light, noise or weather class.", "dark")

# --- numbers given up ------------------------------------------------------------------------------------------------
LOST_FIRST = _whole(_k.LOST, "hybridobs.lost.first", "First sequence number given up.", "101")
LOST_LAST = _whole(_k.LOST, "hybridobs.lost.last", "Last sequence number given up.", "164")
LOST_REASON = _text(_k.LOST, "hybridobs.lost.reason", "Why the sender gave them up.", "queue_full")

# --- was it right? ---------------------------------------------------------------------------------------------------
FEEDBACK_OUTCOME = _text(
    _k.FEEDBACK,
    "hybridobs.feedback.outcome",
    "true_accept, false_accept, true_reject or false_reject.",
    "false_accept",
)
FEEDBACK_SOURCE = _text(_k.FEEDBACK, "hybridobs.feedback.source", "Who says so: customer, staff, sensor …", "staff")
FEEDBACK_REWRITTEN = _flag(_k.FEEDBACK, "hybridobs.feedback.rewritten", "Whether a person had to rewrite the output.")
FEEDBACK_LAG = _number(_k.FEEDBACK, "hybridobs.feedback.lag", "From the call to its label.", "86400", "s")
EVALUATION_NAME = _text(_k.EVALUATION, "gen_ai.evaluation.name", "Name of the evaluation.", "relevance")
EVALUATION_SCORE = _number(_k.EVALUATION, "gen_ai.evaluation.score.value", "Score, 0 to 1.", "0.82")
EVALUATION_LABEL = _text(_k.EVALUATION, "gen_ai.evaluation.score.label", "Score in words.", "pass")
SAFETY_POLICY = _text(_k.SAFETY, "hybridobs.safety.policy", "Bounded name of the policy.", "violence")
SAFETY_VERDICT = _text(_k.SAFETY, "hybridobs.safety.verdict", "pass or violation.", "pass")
SAFETY_STAGE = _text(_k.SAFETY, "hybridobs.safety.stage", "pre (input) or post (output).", "post")
SAFETY_AUDITED = _flag(_k.SAFETY, "hybridobs.safety.audited", "Whether the decision is in the audit log.")

# --- sessions --------------------------------------------------------------------------------------------------------
SESSION_PREVIOUS = _text(_k.SESSION_START, "session.previous_id", "Id of the session before.", "99887766-…")
SESSION_OUTCOME = _text(_k.SESSION_END, "hybridobs.session.outcome", "completed, abandoned or crashed.", "completed")
SESSION_DURATION = _number(_k.SESSION_END, "hybridobs.session.duration", "Length of the session.", "312.5", "s")

# --- updates over the air --------------------------------------------------------------------------------------------
OTA_SYSTEM = _text(_k.OTA_UPDATE, "hybridobs.ota.system.name", "Update system.", "mender")
OTA_DEPLOYMENT = _text(_k.OTA_UPDATE, "deployment.id", "Id of the deployment.", "1208")
OTA_ATTEMPT = _text(_k.OTA_UPDATE, "hybridobs.ota.attempt.id", "Id of this device's attempt.", "1208-7")
OTA_KIND = _text(_k.OTA_UPDATE, "hybridobs.ota.kind", "model, app, container, firmware, os or config.", "model")
OTA_PHASE = _text(_k.OTA_UPDATE, "hybridobs.ota.phase", "download, verify, install, reboot, test, confirm …", "install")
OTA_OUTCOME = _text(
    _k.OTA_UPDATE,
    "hybridobs.ota.outcome",
    "pending, in_progress; or final: succeeded, failed, rolled_back, rollback_failed, timed_out, rejected, canceled, "
    "skipped, removed.",
    "succeeded",
)
OTA_CONFIRMED = _flag(_k.OTA_UPDATE, "hybridobs.ota.confirmed", "Whether the new version was seen running.")
OTA_STALLED = _text(
    _k.OTA_UPDATE, "hybridobs.ota.stalled", "stuck (in contact, no progress) or unreachable (no contact).", "stuck"
)
OTA_FROM = _text(_k.OTA_UPDATE, "hybridobs.ota.from_version", "Version before.", "1.2.0")
OTA_TO = _text(_k.OTA_UPDATE, "hybridobs.ota.to_version", "Version wanted.", "1.3.0")
OTA_TRIGGER = _text(_k.OTA_UPDATE, "hybridobs.ota.trigger", "operator, gate, device or schedule.", "schedule")
OTA_SIGNATURE = _text(_k.OTA_UPDATE, "hybridobs.ota.signature", "verified, failed, absent or unknown.", "verified")
OTA_DELTA = _flag(_k.OTA_UPDATE, "hybridobs.ota.delta", "Whether only the difference was sent.")
OTA_DURATION = _number(_k.OTA_UPDATE, "hybridobs.ota.duration", "First to last state of the attempt.", "84.2", "s")
OTA_TIME_TO_CONFIRM = _number(
    _k.OTA_UPDATE, "hybridobs.ota.time_to_confirm", "From success to the new version seen running.", "310", "s"
)
OTA_IO = _whole(_k.OTA_UPDATE, "hybridobs.ota.io", "Bytes transferred.", "18350080", "By")
OTA_NATIVE_STATUS = _text(_k.OTA_UPDATE, "hybridobs.ota.native.status", "The system's own word.", "already-installed")
OTA_NATIVE_CODE = _text(_k.OTA_UPDATE, "hybridobs.ota.native.code", "The system's own code.", "603")
ARTIFACT_HASH = _text(_k.OTA_UPDATE, "artifact.hash", "Hash of what was installed.", "9ff4…")
RELEASE_ACTION = _text(_k.RELEASE_ACTION, "hybridobs.release.action", "promote, pause or rollback.", "rollback")
RELEASE_TRIGGER = _text(_k.RELEASE_ACTION, "hybridobs.release.trigger", "operator, gate or schedule.", "gate")
RELEASE_CAUSE = _text(_k.RELEASE_ACTION, "hybridobs.release.cause", "Bounded reason.", "latency_p95")
RELEASE_DURATION = _number(_k.RELEASE_ACTION, "hybridobs.release.duration", "From decision to done.", "42", "s")

# --- placement as policy ---------------------------------------------------------------------------------------------
POLICY_ID = _text(_k.POLICY_CHANGE, "hybridobs.policy.id", "Bounded id of the policy.", "cost-cap")
FLAG_KEY = _text(_k.POLICY_CHANGE, "feature_flag.key", "The flag that it sets.", "cloud_offload")
FLAG_VARIANT = _text(_k.POLICY_CHANGE, "feature_flag.result.variant", "What the flag says from now on.", "local")
POLICY_PREVIOUS = _text(_k.POLICY_CHANGE, "hybridobs.policy.previous", "What it said before.", "cloud")
POLICY_REASON = _text(_k.POLICY_CHANGE, "hybridobs.policy.reason", "KPI that decided; released without one.", "cost")

# --- learning --------------------------------------------------------------------------------------------------------
TRAINING_KIND = _text(_k.MODEL_TRAINED, "hybridobs.training.kind", "baseline, fine_tune or calibration.", "fine_tune")
TRAINING_AGREEMENT = _number(
    _k.MODEL_TRAINED, "hybridobs.training.label_agreement", "Agreement of labels (kappa).", "0.87"
)
TRAINING_DUPLICATES = _number(
    _k.MODEL_TRAINED, "hybridobs.training.duplicate_share", "Share of samples that repeat others.", "0.02"
)
TRAINING_COVERAGE = _number(
    _k.MODEL_TRAINED, "hybridobs.training.coverage", "Share of fleet classes that have samples.", "0.9"
)
MODEL_CARD = _flag(_k.MODEL_TRAINED, "hybridobs.model.card", "Whether the model has a card.")
SAMPLE_REASON = _text(_k.SAMPLE_UPLOADED, "hybridobs.sample.reason", "Why it was sent.", "low_confidence")
SAMPLE_IO = _whole(_k.SAMPLE_UPLOADED, "hybridobs.sample.io", "Bytes sent.", "20480", "By")
SAMPLE_CANDIDATES = _whole(
    _k.SAMPLE_UPLOADED, "hybridobs.sample.candidates", "Samples considered since the last upload.", "40", "{sample}"
)
SAMPLE_PII_REMOVED = _flag(_k.SAMPLE_UPLOADED, "hybridobs.sample.pii_removed", "Whether personal data were removed.")
SAMPLE_ENCRYPTED = _flag(_k.SAMPLE_UPLOADED, "hybridobs.sample.encrypted", "Whether it was encrypted before sending.")
SAMPLE_ORIGINAL = _flag(_k.SAMPLE_UPLOADED, "hybridobs.sample.original", "Whether it was the raw original.")
FEDERATION_PARTICIPANTS = _whole(
    _k.FEDERATION_ROUND, "hybridobs.federation.participants", "Devices asked to take part.", "120", "{device}"
)
FEDERATION_DROPOUTS = _whole(
    _k.FEDERATION_ROUND, "hybridobs.federation.dropouts", "Devices that did not answer.", "9", "{device}"
)
FEDERATION_DURATION = _number(_k.FEDERATION_ROUND, "hybridobs.federation.duration", "Length of the round.", "900", "s")
FEDERATION_UPDATE_NORM = _number(
    _k.FEDERATION_ROUND, "hybridobs.federation.update_norm", "Norm of the aggregated update.", "0.31"
)
FEDERATION_STALENESS = _number(
    _k.FEDERATION_ROUND, "hybridobs.federation.staleness", "Age of the oldest update aggregated.", "3600", "s"
)
FEDERATION_EPSILON = _number(_k.FEDERATION_ROUND, "hybridobs.federation.epsilon", "Privacy budget spent.", "0.5")

# --- privacy ---------------------------------------------------------------------------------------------------------
REDACTION_RULE = _text(_k.REDACTED, "hybridobs.redaction.rule", "Rule that changed or left out values.", "email")
REDACTION_COUNT = _whole(_k.REDACTED, "hybridobs.redaction.count", "How many since this was last told.", "3", "{value}")

# --- hybrid patterns -------------------------------------------------------------------------------------------------
CACHE_AGE = _number(_k.CACHE_RESULT, "hybridobs.cache.age", "Age of what the cache answered.", "120", "s")
CACHE_WRONG = _flag(_k.CACHE_RESULT, "hybridobs.cache.wrong", "Whether the cached answer was found to be wrong.")
COST_AVOIDED = _number(
    _k.CACHE_RESULT, "hybridobs.cost.avoided", "What the cloud would have cost, in hybridobs.cost.currency.", "0.0004"
)
SHADOW_AGREED = _flag(_k.SHADOW_PAIR, "hybridobs.shadow.agreed", "Whether primary and shadow gave the same answer.")
SHADOW_CORRECT = _flag(_k.SHADOW_PAIR, "hybridobs.shadow.correct", "Whether the shadow's answer was right.")
SHADOW_PRIMARY_CORRECT = _flag(
    _k.SHADOW_PAIR, "hybridobs.shadow.primary_correct", "Whether the primary's answer was right."
)
SHADOW_DIFFERENCE = _number(
    _k.SHADOW_PAIR, "hybridobs.shadow.latency_difference", "Duration of the shadow less the primary's.", "-0.012", "s"
)
SHADOW_COST = _number(
    _k.SHADOW_PAIR, "hybridobs.shadow.cost", "Cost of the shadow call, in hybridobs.cost.currency.", "0.0002"
)
SHADOW_ANSWERED = _flag(
    _k.SHADOW_PAIR, "hybridobs.shadow.answered", "Whether the shadow's answer was used; must be false."
)

# --- business --------------------------------------------------------------------------------------------------------
BUSINESS_NAME = _text(_k.BUSINESS_OUTCOME, "hybridobs.business.name", "Bounded name of what counts.", "checkout")
BUSINESS_SUCCESS = _flag(_k.BUSINESS_OUTCOME, "hybridobs.business.success", "Whether it came to a good end.")
BUSINESS_VALUE = _number(_k.BUSINESS_OUTCOME, "hybridobs.business.value", "Its value, in a unit fixed by name.", "15")

# --- the device ------------------------------------------------------------------------------------------------------
POSTURE_PREFIX = "hybridobs.posture."
POSTURE_CONTROLS = ("disk_encryption", "secure_boot", "firmware_signed", "attestation")
for _control in POSTURE_CONTROLS:
    _flag(_k.DEVICE_POSTURE, f"{POSTURE_PREFIX}{_control}", f"Whether {_control.replace('_', ' ')} was verified.")
LIFECYCLE_STATE = _text(
    _k.DEVICE_LIFECYCLE, "hybridobs.device.lifecycle.state", "provisioned or decommissioned.", "provisioned"
)
BATTERY_DISCHARGE = _number(_k.DEVICE_HEALTH, "hybridobs.battery.discharge", "Charge drawn.", "12.5", "mA.h")
BATTERY_CHARGE = _number(_k.DEVICE_HEALTH, "hw.battery.charge", "Charge left, 0 to 1.", "0.64")
DEVICE_ENERGY = _number(_k.DEVICE_HEALTH, "hw.energy", "Energy drawn since the last report.", "840", "J")
DEVICE_POWER = _number(_k.DEVICE_HEALTH, "hw.power", "Power drawn now.", "4.2", "W")
TEMPERATURE = _number(_k.DEVICE_HEALTH, "hw.temperature", "Temperature of the device.", "61.5", "Cel")
MEMORY_USAGE = _whole(_k.DEVICE_HEALTH, "process.memory.usage", "Memory in use.", "314572800", "By")
MEMORY_RATIO = _number(
    _k.DEVICE_HEALTH, "hybridobs.device.memory.ratio", "Largest memory in use over the model's size.", "1.4"
)
CPU_UTILIZATION = _number(_k.DEVICE_HEALTH, "process.cpu.utilization", "CPU in use, 0 to 1.", "0.35")
SYSTEM_MEMORY = _number(_k.DEVICE_HEALTH, "system.memory.utilization", "Memory of the device in use, 0 to 1.", "0.62")
SYSTEM_CPU = _number(_k.DEVICE_HEALTH, "system.cpu.utilization", "CPU of the device in use, 0 to 1.", "0.41")
DISK_FREE = _whole(_k.DEVICE_HEALTH, "hybridobs.device.disk.free", "Free on disk.", "2147483648", "By")
GPU_UTILIZATION = _number(_k.DEVICE_HEALTH, "hw.gpu.utilization", "GPU in use, 0 to 1.", "0.55")
GPU_MEMORY = _number(_k.DEVICE_HEALTH, "hw.gpu.memory.utilization", "Memory of the GPU in use, 0 to 1.", "0.7")
GPU_POWER = _number(_k.DEVICE_HEALTH, "hybridobs.gpu.power", "Power that the GPUs draw now.", "21.5", "W")
OBSERVED_TIME = _number(_k.DEVICE_HEALTH, "hybridobs.device.observed_time", "Time since the last report.", "3600", "s")
OPERATIONAL_TIME = _number(
    _k.DEVICE_HEALTH, "hybridobs.device.operational_time", "Part of it in operation.", "3500", "s"
)
CRASHFREE_TIME = _number(
    _k.DEVICE_HEALTH, "hybridobs.device.crashfree_time", "Part of that in hours without a crash.", "3500", "s"
)
CONNECTED_TIME = _number(_k.DEVICE_HEALTH, "hybridobs.device.connected_time", "Part of it with a network.", "3300", "s")
NETWORK_IO = _whole(_k.DEVICE_HEALTH, "hw.network.io", "Bytes sent since the last report.", "1048576", "By")
FRAMES = _whole(_k.DEVICE_HEALTH, "hybridobs.frame.offered", "Frames the camera gave.", "432000", "{frame}")
FRAMES_DROPPED = _whole(
    _k.DEVICE_HEALTH, "hybridobs.frame.dropped", "Those of them that were not looked at.", "12", "{frame}"
)
BUFFER_USAGE = _whole(_k.DEVICE_HEALTH, "hybridobs.buffer.usage", "Telemetry waiting on disk.", "65536", "By")
BUFFER_AGE = _number(_k.DEVICE_HEALTH, "hybridobs.buffer.oldest_age", "Age of the oldest waiting.", "7200", "s")

# --- values that are allowed ----------------------------------------------------------------------------------------
# A number without an entry is zero or more; a text without one is free, though bounded by whoever sends it.
RANGES: dict[str, tuple[float, float]] = {
    CORRECTION: (-1, 1),
    EVALUATION_SCORE: (0, 1),
    TRAINING_AGREEMENT: (-1, 1),
    TRAINING_DUPLICATES: (0, 1),
    TRAINING_COVERAGE: (0, 1),
    SHADOW_DIFFERENCE: (-(2.0**53), 2.0**53),
    BUSINESS_VALUE: (-(2.0**53), 2.0**53),
    TEMPERATURE: (-273.15, 2.0**53),
    BATTERY_CHARGE: (0, 1),
    SYSTEM_MEMORY: (0, 1),
    SYSTEM_CPU: (0, 1),
    GPU_UTILIZATION: (0, 1),
    GPU_MEMORY: (0, 1),
}
CHOICES: dict[str, tuple[str, ...]] = {
    FEEDBACK_OUTCOME: ("true_accept", "false_accept", "true_reject", "false_reject"),
    SAFETY_VERDICT: ("pass", "violation"),
    SAFETY_STAGE: ("pre", "post"),
    SESSION_OUTCOME: ("completed", "abandoned", "crashed"),
    RELEASE_ACTION: ("promote", "pause", "rollback"),
    RELEASE_TRIGGER: ("operator", "gate", "schedule"),
    LIFECYCLE_STATE: ("provisioned", "decommissioned"),
    TRAINING_KIND: ("baseline", "fine_tune", "calibration"),
    OTA_KIND: ("model", "app", "container", "firmware", "os", "config"),
    OTA_PHASE: ("download", "verify", "install", "reboot", "test", "confirm", "rollback", "_OTHER"),
    OTA_OUTCOME: (
        "pending",
        "in_progress",
        "succeeded",
        "failed",
        "rolled_back",
        "rollback_failed",
        "rejected",
        "canceled",
        "timed_out",
        "skipped",
        "removed",
    ),
    OTA_STALLED: ("stuck", "unreachable"),
    OTA_TRIGGER: ("operator", "gate", "device", "schedule"),
    OTA_SIGNATURE: ("verified", "failed", "absent", "unknown"),
}
