"""Every measure of what happens beside calls: labels, sessions, updates, training, patterns, business, devices.

To add one: declare it here and say in :mod:`hybridobs.kpi.fold_happenings` what of an event adds to it.
"""

from __future__ import annotations

from hybridobs.kpi.catalog._shapes import MICRO, NANO, count, different, distribution, total

DAY = 86_400
SCORE_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9)
LABELLED = ("label_source", "environment")
CHECKED = ("policy", "stage")
UPDATE = ("ota_system", "ota_kind", "to_version")

# --- was it right? (one confusion matrix; the rest are its margins) ------------------------------------------------
OUTCOMES = count("quality.outcomes", "{outcome}", "Labelled answers: the confusion matrix.", "outcome", *LABELLED)
RIGHT = count("quality.right", "{outcome}", "Labelled answers that were right.", *LABELLED)
NEGATIVES = count("quality.negatives", "{outcome}", "Labelled answers that should have been a no.", *LABELLED)
FALSE_ACCEPTS = count("quality.false_accepts", "{outcome}", "Those of them that were a yes.", *LABELLED)
POSITIVES = count("quality.positives", "{outcome}", "Labelled answers that should have been a yes.", *LABELLED)
FALSE_REJECTS = count("quality.false_rejects", "{outcome}", "Those of them that were a no.", *LABELLED)
ACCEPTED = count("quality.accepted", "{outcome}", "Labelled answers that were a yes.", *LABELLED)
READ_OVER = count("quality.read_over", "{answer}", "Outputs that a person read over.", "label_source")
REWRITTEN = count("quality.rewritten", "{answer}", "Those of them that the person had to rewrite.", "label_source")
LABEL_LAG = distribution(
    "quality.label_lag", "s", "From a call to its label.", edges=(60, 3600, DAY, 7 * DAY), quantum=MICRO
)
SCORE = distribution("quality.score", "1", "Score of an evaluation, 0 to 1.", "evaluation", edges=SCORE_EDGES)
CHECKS = count("safety.checks", "{check}", "Content checked against a policy.", *CHECKED)
VIOLATIONS = count("safety.violations", "{check}", "Checks that found a violation.", *CHECKED)
AUDITABLE = count("safety.auditable", "{check}", "Checks that say whether they are in the audit log.", "policy")
AUDITED = count("safety.audited", "{check}", "Those of them that are.", "policy")

# --- sessions ------------------------------------------------------------------------------------------------------
STARTED = count("session.started", "{session}", "Sessions begun.")
ENDED = count("session.ended", "{session}", "Sessions ended, by how.", "outcome")
COMPLETED = count("session.completed", "{session}", "Sessions that reached their end.")
SESSION_DURATION = distribution(
    "session.duration", "s", "Length of a session.", edges=(10, 60, 600, 3600), quantum=MICRO
)
ACTIVE = different("session.active", "{installation}", "Installations that began a session.")
AGAIN_1D = different("session.again_1d", "{installation}", "Those that began one a day later.", back=DAY)
AGAIN_7D = different("session.again_7d", "{installation}", "Those that began one seven days later.", back=7 * DAY)
AGAIN_30D = different("session.again_30d", "{installation}", "Those that began one thirty days later.", back=30 * DAY)

# --- updates and releases ------------------------------------------------------------------------------------------
ATTEMPTS = count("ota.attempts", "{attempt}", "Update attempts that ended, by how.", "outcome", "error_type", *UPDATE)
CONCLUDED = count("ota.concluded", "{attempt}", "Attempts that succeeded or failed; refused ones are not.", *UPDATE)
FAILED = count("ota.failed", "{attempt}", "Failed, rolled back or timed out.", *UPDATE)
SUCCEEDED = count("ota.succeeded", "{attempt}", "Reported as a success.", *UPDATE)
UNCONFIRMED = count("ota.unconfirmed", "{attempt}", "Successes whose version was not seen running.", *UPDATE)
DEVICE_ROLLBACKS = count("ota.rollbacks", "{attempt}", "Attempts that ended on the version before.", "trigger", *UPDATE)
REFUSED = count("ota.refused", "{attempt}", "Rejected, canceled, skipped or removed.", "outcome", *UPDATE)
PHASES = count("ota.phases", "{attempt}", "Attempts that reached a phase: the funnel.", "ota_phase", *UPDATE)
STUCK = count("ota.stuck", "{attempt}", "Attempts without progress on a device in contact.", *UPDATE)
UNREACHABLE = count("ota.unreachable", "{attempt}", "Attempts without progress on a silent device.", *UPDATE)
SIGNATURES = count("ota.signatures", "{attempt}", "Attempts by result of the signature check.", "signature")
VERIFIED = count("ota.verified", "{attempt}", "Attempts whose signature was verified.")
DELTAS = count("ota.deltas", "{attempt}", "Attempts that sent the difference only.", *UPDATE)
OTA_DURATION = distribution(
    "ota.duration", "s", "First to last state of an attempt.", edges=(60, 600, 3600, DAY), quantum=MICRO
)
TIME_TO_CONFIRM = distribution(
    "ota.time_to_confirm", "s", "Success to the version seen running.", edges=(600, DAY), quantum=MICRO
)
OTA_IO = total("ota.io", "By", "Bytes that updates transferred.", extra=UPDATE)
POLICY_CHANGES = count("policy.changes", "{change}", "Flags that a policy set to another variant.", "policy", "reason")
RELEASES = count("release.actions", "{action}", "Promotions, pauses and rollbacks.", "action", "trigger", "reason")
PROMOTIONS = count("release.promotions", "{action}", "Promotions to the next channel.", "trigger")
ROLLBACKS = count(
    "release.rollbacks", "{rollback}", "Rollbacks, by devices themselves or by someone for them.", "kind", "trigger"
)
TIME_TO_ROLLBACK = distribution(
    "release.time_to_rollback", "s", "From the decision to done.", edges=(60, 300, 3600), quantum=MICRO
)
CRASHES = count("model.crashes", "{crash}", "Crashes of the inference process.", "error_type", "runtime", "accelerator")
MEMORY_CRASHES = count("model.memory_crashes", "{crash}", "Crashes for want of memory.", "runtime")

# --- learning ------------------------------------------------------------------------------------------------------
TRAININGS = count("model.retrainings", "{run}", "Trainings that ended.", "kind")
CARDED = count("model.carded", "{run}", "Trained models that have a card.", "kind")
AGREEMENT = distribution("training.label_agreement", "1", "Agreement of training labels (kappa).", "dataset")
DUPLICATES = distribution("training.duplicate_share", "1", "Share of training samples that repeat others.", "dataset")
COVERAGE = distribution("training.coverage", "1", "Share of fleet classes with training samples.", "dataset")
SAMPLES = count("sample.uploads", "{sample}", "Samples sent for learning, by why.", "reason")
CANDIDATES = count("sample.candidates", "{sample}", "Samples that were considered.")
PII_SAID = count("sample.pii_said", "{sample}", "Samples that say whether personal data were removed.")
PII_REMOVED = count("sample.pii_removed", "{sample}", "Those of them whose personal data were removed.")
ENCRYPTION_SAID = count("sample.encryption_said", "{sample}", "Samples that say whether they were encrypted.")
ENCRYPTED = count("sample.encrypted", "{sample}", "Those of them that were encrypted before sending.")
ORIGINALS = count("sample.originals", "{sample}", "Raw originals that left the device, by why.", "reason")
SAMPLE_IO = total("sample.io", "By", "Bytes of samples sent.", extra=("reason",))
REDACTIONS = total("privacy.redactions", "{value}", "Values changed or left out for privacy.", extra=("reason",))
ROUNDS = count("federation.rounds", "{round}", "Rounds of federated learning.")
PARTICIPANTS = total("federation.participants", "{device}", "Devices asked to take part.")
DROPOUTS = total("federation.dropouts", "{device}", "Those of them that did not answer.")
ROUND_TIME = distribution("federation.duration", "s", "Length of a round.", edges=(60, 600, 3600), quantum=MICRO)
UPDATE_NORM = distribution("federation.update_norm", "1", "Norm of the aggregated update.")
STALENESS = distribution(
    "federation.staleness", "s", "Age of the oldest update in a round.", edges=(3600, DAY), quantum=MICRO
)
EPSILON = total("federation.epsilon", "1", "Privacy budget spent.", quantum=MICRO)

# --- hybrid patterns -----------------------------------------------------------------------------------------------
CACHE_AGE = distribution("cache.age", "s", "Age of what the cache answered.", edges=(60, 3600, DAY), quantum=MICRO)
CACHE_JUDGED = count("cache.judged", "{lookup}", "Cached answers that were checked.")
CACHE_WRONG = count("cache.wrong", "{lookup}", "Those of them that were wrong.")
COST_AVOIDED = total("cost.avoided", "{currency}", "What the cloud would have cost.", "currency", quantum=NANO)
PAIRS = count("shadow.pairs", "{pair}", "Answers given twice: by the model in use and by one on trial.")
COMPARED = count("shadow.compared", "{pair}", "Pairs whose answers were compared.")
AGREED = count("shadow.agreed", "{pair}", "Those of them with the same answer.")
SHADOW_LABELLED = count("shadow.labelled", "{pair}", "Pairs of which both answers were judged.")
SHADOW_LOST = count("shadow.lost", "{pair}", "Those of them in which the model on trial alone was wrong.")
SHADOW_WON = count("shadow.won", "{pair}", "Those of them in which the model in use alone was wrong.")
SHADOW_DIFFERENCE = distribution(
    "shadow.latency_difference", "s", "Duration on trial less the one in use.", edges=(0.05,)
)
SHADOW_COST = total("shadow.cost", "{currency}", "Cost of calls on trial.", "currency", quantum=NANO)
SHADOW_ANSWERED = count("shadow.answered", "{pair}", "Pairs in which the model on trial answered: must not be.")

# --- business ------------------------------------------------------------------------------------------------------
BUSINESS_OUTCOMES = count("business.outcomes", "{outcome}", "What counts for the business.", "business")
BUSINESS_JUDGED = count("business.judged", "{outcome}", "Outcomes that say how they ended.", "business")
CONVERSIONS = count("business.conversions", "{outcome}", "Those of them with a good end.", "business")
BUSINESS_VALUE = distribution("business.value", "1", "Value of an outcome.", "business", quantum=MICRO)

# --- devices -------------------------------------------------------------------------------------------------------
POSTURE_CHECKS = count("posture.checks", "{check}", "Security controls reported.", "control")
POSTURE_PASSED = count("posture.passed", "{check}", "Those of them that were verified.", "control")
REPORTS = count("device.reports", "{report}", "Reports of device health.")
DISCHARGE = total("battery.discharge", "mA.h", "Charge drawn.", quantum=MICRO)
DISCHARGE_TIME = total("battery.observed_time", "s", "Time in which it was drawn.", quantum=MICRO)
DISCHARGE_RATE = distribution(
    "battery.discharge_rate", "mA.h/d", "Charge drawn in a day, report by report.", quantum=MICRO
)
CHARGE = distribution("battery.charge", "1", "Charge left, 0 to 1.", edges=(0.1, 0.2, 0.5))
DEVICE_ENERGY = total("device.energy", "J", "Energy drawn.", quantum=MICRO)
ENERGY_TIME = total("device.energy_time", "s", "Time in which it was drawn.", quantum=MICRO)
POWER = distribution("device.power", "W", "Power drawn.", quantum=MICRO)
TEMPERATURE = distribution("device.temperature", "Cel", "Temperature of the device.", edges=(60, 80), quantum=MICRO)
MEMORY = distribution("device.memory", "By", "Memory in use.", quantum=1)
MEMORY_RATIO = distribution("device.memory_ratio", "1", "Largest memory in use over model size.", edges=(1.5, 2))
CPU = distribution("device.cpu", "1", "CPU in use, 0 to 1.", edges=(0.8,))
SYSTEM_MEMORY = distribution("device.memory_utilization", "1", "Memory of the device in use, 0 to 1.", edges=(0.9,))
SYSTEM_CPU = distribution("device.cpu_utilization", "1", "CPU of the device in use, 0 to 1.", edges=(0.8,))
DISK_FREE = distribution("device.disk_free", "By", "Free on disk.", quantum=1)
GPU = distribution("gpu.utilization", "1", "GPU in use, 0 to 1.", edges=(0.8,))
GPU_MEMORY = distribution("gpu.memory_utilization", "1", "Memory of the GPU in use, 0 to 1.", edges=(0.9,))
GPU_POWER = distribution("gpu.power", "W", "Power that the GPUs draw.", quantum=MICRO)
OBSERVED = total("device.observed_time", "s", "Time that reports cover.", quantum=MICRO)
OPERATIONAL = total("device.operational_time", "s", "Time in operation.", quantum=MICRO)
CRASHFREE = total("device.crashfree_time", "s", "Time in operation in hours without a crash.", quantum=MICRO)
EXPECTED = total("device.expected_time", "s", "Observed time of devices that tell their connection.", quantum=MICRO)
CONNECTED = total("device.connected_time", "s", "The part of it with a network.", quantum=MICRO)
NETWORK_IO = total("device.network_io", "By", "Bytes sent.")
FRAMES = total("frame.offered", "{frame}", "Frames the camera gave.")
FRAMES_DROPPED = total("frame.dropped", "{frame}", "Frames that were not looked at.")
FRAME_TIME = total("frame.time", "s", "Time in which the camera gave them.", quantum=MICRO)
BUFFER_USAGE = distribution("buffer.usage", "By", "Telemetry waiting on a device.", quantum=1)
BUFFER_AGE = distribution(
    "buffer.oldest_age", "s", "Age of the oldest telemetry waiting.", edges=(3600, DAY, 7 * DAY), quantum=MICRO
)
