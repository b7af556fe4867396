"""Every name that crosses a wire or names a series, with one sentence each.

Names follow OpenTelemetry's naming rules (lower case, dots, no unit and no ``_total`` in a name) and UCUM
units. Where OpenTelemetry has a name it is used; ``hybridobs.*`` exists only where none does.
This file knows names, not meanings: what a value adds to is said in :mod:`hybridobs.kpi.catalog`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from hybridobs.contract._attribute import ATTRIBUTES as ATTRIBUTES
from hybridobs.contract._attribute import CONTRACT_VERSION as CONTRACT_VERSION
from hybridobs.contract._attribute import Attribute as Attribute
from hybridobs.contract._attribute import attribute as _attribute
from hybridobs.contract._events import *  # noqa: F403 - what may happen beside a call
from hybridobs.contract._metrics import *  # noqa: F403 - what others add up

SCOPE = "hybridobs"
UNKNOWN = "unknown"
OVERFLOW = "overflow"

# --- resource: who is speaking ------------------------------------------------------------------------------
SERVICE_NAME = _attribute(
    "service.name", "string", "Logical name of the service.", "till", where="resource", stability="stable"
)
SERVICE_VERSION = _attribute(
    "service.version", "string", "Version of the application.", "4.2.0", where="resource", stability="stable"
)
SERVICE_INSTANCE = _attribute(
    "service.instance.id", "string", "Unique id of this process.", "6f1c…", where="resource", stability="stable"
)
ENVIRONMENT = _attribute(
    "deployment.environment.name",
    "string",
    "Deployment environment.",
    "production",
    where="resource",
    stability="stable",
)
INSTALLATION_ID = _attribute(
    "app.installation.id", "string", "Keyed hash of the installation; never a serial number.", "b3c1…", where="resource"
)
SDK_NAME = _attribute("telemetry.sdk.name", "string", "Which SDK made this.", "hybridobs", where="resource")
SDK_LANGUAGE = _attribute("telemetry.sdk.language", "string", "Language of the SDK.", "python", where="resource")
SDK_VERSION = _attribute("telemetry.sdk.version", "string", "Version of the SDK.", "0.1.0", where="resource")
TIER = _attribute(
    "hybridobs.tier", "string", "Where the model answers: device, site or cloud.", "device", where="resource"
)
SITE = _attribute("hybridobs.site", "string", "Bounded name of the place.", "store-7", where="resource")
DEVICE_CLASS = _attribute("hybridobs.device.class", "string", "Bounded device class.", "till-arm64", where="resource")
CHANNEL = _attribute(
    "hybridobs.release.channel", "string", "Release channel: beta, canary, stable.", "canary", where="resource"
)
POWER_SOURCE = _attribute("hybridobs.power.source", "string", "battery, mains or vehicle.", "mains", where="resource")
STREAM_ID = _attribute(
    "hybridobs.stream.id",
    "string",
    "Random id of one SDK start; sequence numbers count inside it.",
    "9f2d…",
    where="resource",
)
BOOT_ID = _attribute("hybridobs.boot.id", "string", "Id of the operating system's boot.", "1c0e…", where="resource")
CONTRACT = _attribute(
    "hybridobs.contract.version", "string", "Version of this contract.", CONTRACT_VERSION, where="resource"
)
HOST_ARCH = _attribute("host.arch", "string", "CPU architecture.", "arm64", where="resource")
HOST_CPU_MODEL = _attribute("host.cpu.model.name", "string", "CPU model.", "Cortex-A76", where="resource")
HOST_CPU_COUNT = _attribute(
    "hybridobs.device.cpu.count", "int", "Logical CPUs usable by the process.", "4", unit="{cpu}", where="resource"
)
DEVICE_MEMORY = _attribute(
    "hybridobs.device.memory", "int", "Physical memory.", "4147900416", unit="By", where="resource"
)
ACCELERATORS = _attribute(
    "hybridobs.device.accelerators", "string[]", "Accelerators present.", '["gpu:nvidia"]', where="resource"
)
RUNTIMES = _attribute(
    "hybridobs.device.runtimes",
    "string[]",
    "Inference runtimes imported, with version.",
    '["onnxruntime/1.22.0"]',
    where="resource",
)
FIRMWARE_VERSION = _attribute(
    "hw.firmware_version", "string", "Version of the device's firmware.", "2026.11-r2", where="resource"
)
OS_TYPE = _attribute("os.type", "string", "Operating system.", "linux", where="resource")
OS_NAME = _attribute("os.name", "string", "Human name of the operating system.", "Debian GNU/Linux", where="resource")
OS_VERSION = _attribute("os.version", "string", "Version of the operating system.", "12", where="resource")

# --- every record --------------------------------------------------------------------------------------------
SEQ = _attribute("hybridobs.seq", "int", "Number of this record in its stream, from 1.", "1841", where="record")
EXPORT_TIME = _attribute(
    "hybridobs.export.timestamp",
    "int",
    "Device wall clock when the batch left.",
    "1760000000000000000",
    unit="ns",
    where="scope",
)
EXPORT_MONOTONIC = _attribute(
    "hybridobs.export.monotonic",
    "double",
    "How long the device had been on when the batch left, asleep or not.",
    "86400.25",
    unit="s",
    where="scope",
)
EXPORT_BOOT = _attribute(
    "hybridobs.export.boot.id",
    "string",
    "Boot in which the batch left; its records may be of earlier ones.",
    "1c0e…",
    where="scope",
)
BOOT_TIME = _attribute(
    "hybridobs.clock.boot_time",
    "int",
    "When that boot began by the device's battery clock, before anything set the wall clock; absent where unknown.",
    "1760000000000000000",
    unit="ns",
    where="scope",
)
CLOCK_SYNCHRONIZED = _attribute(
    "hybridobs.clock.synchronized",
    "bool",
    "Whether the wall clock is disciplined, or was in this boot and has not been set otherwise since.",
    "true",
    where="scope and record",
)
CLOCK_MONOTONIC = _attribute(
    "hybridobs.clock.monotonic",
    "double",
    "How long the device had been on when this began, asleep or not.",
    "86399.75",
    unit="s",
    where="record",
)
RELAY_RECEIVED = _attribute(
    "hybridobs.relay.received",
    "int",
    "Relay wall clock when the batch came in, less the time that relays before this one kept it.",
    "1760000000000000000",
    unit="ns",
    where="scope",
)
RELAY_EXPORT = _attribute(
    "hybridobs.relay.export",
    "int",
    "hybridobs.relay.received and the time that relays kept the batch, by clocks that nobody sets, while they were on.",
    "1760000000000000000",
    unit="ns",
    where="scope",
)
COHORT = _attribute(
    "hybridobs.cohort", "string", "Who the device or user is for analysis and rollout.", "canary-2026-11"
)

# --- one inference -------------------------------------------------------------------------------------------
MODEL_NAME = _attribute("hybridobs.model.name", "string", "Name of the model.", "digits")
MODEL_VERSION = _attribute("hybridobs.model.version", "string", "Version of the model.", "1.3.0")
MODEL_PRECISION = _attribute("hybridobs.model.precision", "string", "int8, fp16, fp32 …", "int8")
MODEL_RUNTIME = _attribute("hybridobs.model.runtime", "string", "Inference runtime.", "onnxruntime")
MODEL_SCHEMA_HASH = _attribute("hybridobs.model.schema_hash", "string", "Schema the model expects.", "sha256:77…")
DATA_SCHEMA_HASH = _attribute("hybridobs.data.schema_hash", "string", "Schema the data had.", "sha256:77…")
TASK = _attribute("hybridobs.inference.task", "string", "Bounded task name.", "classify")
ROLE = _attribute("hybridobs.inference.role", "string", "primary or shadow.", "primary")
ACCELERATOR = _attribute("hybridobs.inference.accelerator", "string", "cpu, gpu, npu, dsp or tpu.", "npu")
MODE = _attribute("hybridobs.inference.mode", "string", "normal or lightweight.", "normal")
INTERACTION = _attribute(
    "hybridobs.interaction.root", "bool", "True on the outermost hybridobs span of what a person waits for.", "true"
)
FIRST_OUTPUT = _attribute(
    "hybridobs.interaction.time_to_first_output", "double", "Start to first yielded output.", "0.041", unit="s"
)
CONFIDENCE = _attribute("hybridobs.inference.confidence", "double", "Confidence of the answer, 0 to 1.", "0.93")
ENERGY = _attribute("hybridobs.inference.energy", "double", "Energy of this inference.", "0.21", unit="J")
ENERGY_METHOD = _attribute("hybridobs.energy.method", "string", "measured, counter or estimated.", "counter")
COST = _attribute("hybridobs.inference.cost", "double", "Cost of this inference in hybridobs.cost.currency.", "0.00012")
CURRENCY = _attribute("hybridobs.cost.currency", "string", "ISO 4217 code.", "USD")
PRICE_TABLE = _attribute(
    "hybridobs.cost.price_table", "string", "Version of the price table that made the cost.", "2026-11"
)
PROVIDER = _attribute("gen_ai.provider.name", "string", "Who serves the model.", "openai")
REGION = _attribute("cloud.region", "string", "Region that answered.", "eu-central-1", where="resource")
INPUT_TOKENS = _attribute("gen_ai.usage.input_tokens", "int", "Tokens read.", "412", unit="{token}")
OUTPUT_TOKENS = _attribute("gen_ai.usage.output_tokens", "int", "Tokens written.", "96", unit="{token}")
ATTEMPT = _attribute("hybridobs.inference.attempt", "int", "1 for the first try.", "1", unit="{attempt}")
BATCH_SIZE = _attribute("hybridobs.batch.size", "int", "Inputs answered by this call.", "8", unit="{input}")
ROUTE_DECISION = _attribute(
    "hybridobs.route.decision", "string", "local, offload, cache, split or fallback.", "offload"
)
ROUTE_FROM = _attribute("hybridobs.route.from", "string", "Tier that held the task.", "device")
ROUTE_TO = _attribute("hybridobs.route.to", "string", "Tier that answers.", "cloud")
ROUTE_REASON = _attribute("hybridobs.route.reason", "string", "Why the route was chosen.", "low_confidence")
NETWORK_TYPE = _attribute("network.connection.type", "string", "wifi, wired, cell, unavailable or unknown.", "cell")
NETWORK_SUBTYPE = _attribute("network.connection.subtype", "string", "gprs, hspa, lte, nr …", "lte")
REQUEST_SIZE = _attribute("http.client.request.body.size", "int", "Bytes handed over.", "18200", unit="By")
DATA_SET = _attribute("hybridobs.data.set", "string", "Bounded name of the data in use.", "prices")
DATA_AGE = _attribute("hybridobs.data.age", "double", "Age of the newest data in use.", "5400", unit="s")
REINFORCED = _attribute(
    "hybridobs.interaction.time_to_reinforced_output", "double", "Input to the reinforced answer.", "1.2", unit="s"
)
IMPROVED = _attribute("hybridobs.interaction.improved", "bool", "Whether the reinforced answer was better.", "true")
CONNECTIVITY = _attribute("hybridobs.connectivity", "string", "online, degraded or offline.", "online")
CACHE_RESULT = _attribute("hybridobs.cache.result", "string", "hit, miss or stale.", "hit")
ERROR_TYPE = _attribute(
    "error.type", "string", "Class of the failure; unset on success.", "TimeoutError", stability="stable"
)
EXCEPTION_TYPE = _attribute(
    "exception.type", "string", "Class of the exception.", "ValueError", where="span event", stability="stable"
)
EXCEPTION_MESSAGE = _attribute(
    "exception.message",
    "string",
    "Message of the exception, redacted and capped.",
    "bad shape",
    where="span event",
    stability="stable",
)
PHASE_PREFIX = "hybridobs.phase."
FEATURE_PREFIX = "hybridobs.feature."
PHASES = ("input", "queue", "network", "preprocess", "inference", "decode", "postprocess", "render")
for _phase in PHASES:
    _attribute(f"{PHASE_PREFIX}{_phase}.duration", "double", f"Time spent in the {_phase} phase.", "0.012", unit="s")
    _attribute(
        f"{PHASE_PREFIX}{_phase}.start",
        "double",
        f"When the {_phase} phase first began, from the span's start.",
        "0.003",
        unit="s",
    )
_attribute(f"{FEATURE_PREFIX}<name>", "double | string", "One model input feature, for drift.", "0.4")
_attribute(f"{FEATURE_PREFIX}<name>.projection.<i>", "double", "An embedding along fixed direction i, 1 to 4.", "-0.12")
_attribute(f"{FEATURE_PREFIX}<name>.norm", "double", "Length of an embedding, to three digits.", "1.0")

# --- from one tier to the next, beside traceparent ---------------------------------------------------------------
BAGGAGE_ENTRIES = (COHORT, CHANNEL, DEVICE_CLASS)  # of the device where it began, to allowed hosts only
TRACE_STATE = "hybridobs"  # member of tracestate: q:<ms>;a:<n> for a request that waited so long and is tried so often
ENVELOPE_TYPE = "hybridobs.envelope"  # type of the CloudEvent that carries a payload and its trace

# --- computed by the collector, never sent ---------------------------------------------------------------------
LATENESS = _attribute(
    "hybridobs.ingest.lateness",
    "double",
    "Receive time less event time; negative means a fast clock.",
    "0.8",
    unit="s",
    where="collector",
)
CLOCK_OFFSET = _attribute(
    "hybridobs.clock.offset",
    "double",
    "True time less what the device's clock said, where that was corrected.",
    "-86400.0",
    unit="s",
    where="collector",
)
CLOCK_ORIGINAL = _attribute(
    "hybridobs.clock.original",
    "int",
    "What the device's clock said, where that was not believed.",
    "1760000000000000000",
    unit="ns",
    where="collector",
)
CLOCK_CLAMPED = _attribute(
    "hybridobs.clock.clamped", "int", "1 where the receive time stands for one in the future.", "1", where="collector"
)
CLOCK_DOUBT = _attribute(
    "hybridobs.clock.doubt",
    "string",
    "Why this has no time and waits in quarantine.",
    "boot_unknown",
    where="collector",
)

# --- foreign names that are read as ours ---------------------------------------------------------------------
# Left: what other instrumentation sends; right: the name above that it means (gen_ai has no model version).
ALIASES: dict[str, str] = {
    "gen_ai.request.model": MODEL_NAME,
    "gen_ai.response.model": MODEL_NAME,
    "gen_ai.usage.prompt_tokens": INPUT_TOKENS,
    "gen_ai.usage.completion_tokens": OUTPUT_TOKENS,
    "gen_ai.response.time_to_first_chunk": FIRST_OUTPUT,
    "gen_ai.operation.name": TASK,
    "feature_flag.result.variant": COHORT,
}


# --- closed lists ---------------------------------------------------------------------------------------------
class Signal(StrEnum):
    """What one OTLP request carries."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


class DropReason(StrEnum):
    """Why something that entered was not counted; the list is closed and each has a counter."""

    MALFORMED = "malformed"  # not protobuf, not JSON, wrong types
    TOO_LARGE = "too_large"  # over the limit after decompression
    BAD_ENCODING = "bad_encoding"  # unknown content type or compression
    BAD_TRACE_ID = "bad_trace_id"  # not 16 bytes or all zero
    BAD_SPAN_ID = "bad_span_id"  # not 8 bytes or all zero
    BAD_TIME = "bad_time"  # no start, or ends before it starts
    BAD_SEQUENCE = "bad_sequence"  # not a positive 63-bit integer
    UNSUPPORTED = "unsupported"  # a signal or event kind that is not counted
    OUT_OF_RANGE = "out_of_range"  # a number too large for its measure
    UNMAPPED = "unmapped"  # a metric that no measure reads
    BASELINE = "baseline"  # the first point of a cumulative stream: what it counted happened at an unknown time
    OVERLAPPING = "overlapping"  # a point of a cumulative stream that began before the one that is known
    TOO_MANY_STREAMS = "too_many_streams"  # a cumulative stream beyond those that are remembered
    REFUSED = "refused"  # the store can never take it; the others of its group were committed


class Outcome(StrEnum):
    """How everything that enters the collector leaves it: exactly one of these."""

    COUNTED = "counted"  # an inference (or a lost range) that is in the measures
    DUPLICATE = "duplicate"  # counted before; nothing was added
    QUARANTINED = "quarantined"  # here and numbered, but nobody knows when it happened; adds to no KPI
    TRACED = "traced"  # a span of no model: it may be kept for the trace view and never adds to a measure
    DROPPED = "dropped"  # refused for good, with a DropReason


class ValueFault(StrEnum):
    """Why one value of a counted event was left out; the event itself still counts."""

    NOT_A_NUMBER = "not_a_number"  # NaN or infinite
    OUT_OF_RANGE = "out_of_range"  # not in its range or its closed list
    WRONG_TYPE = "wrong_type"  # not of the contract's type
    TOO_LONG = "too_long"  # a text that was cut
    TOO_MANY = "too_many"  # attributes after those that one record may have


class TimeDoubt(StrEnum):
    """Why nobody knows when something happened."""

    BOOT_UNKNOWN = "boot_unknown"  # an earlier boot, never synchronised, that never reached a collector
    CLOCK_WENT_BACK = "clock_went_back"  # the same, and the next boot began before it by the device's own clock


class LostReason(StrEnum):
    """Why a sender gave records up before they were acknowledged."""

    QUEUE_FULL = "queue_full"  # no room left in memory within the limit
    REJECTED = "rejected"  # the collector said: do not send again
    SHUTDOWN = "shutdown"  # the process ended before they were sent
    SPOOL_FULL = "spool_full"  # no room left on disk within the limit
    EXPIRED = "expired"  # waited longer than the age limit, counted in time the device was on
    TOO_LARGE = "too_large"  # one record over the size limit
    DISK_ERROR = "disk_error"  # stored, then damaged or gone
    CRASH = "crash"  # handed out, but the process died before it was stored


# --- labels --------------------------------------------------------------------------------------------------
class Labels(NamedTuple):
    """The base labels of every series, in order; an unset one is ``unknown``."""

    tier: str = UNKNOWN
    site: str = UNKNOWN
    device_class: str = UNKNOWN
    model: str = UNKNOWN
    version: str = UNKNOWN
    cohort: str = UNKNOWN
    channel: str = UNKNOWN
    task: str = UNKNOWN


LABELS: tuple[str, ...] = Labels._fields
LABEL_KEYS: dict[str, str] = {
    TIER: "tier",
    SITE: "site",
    DEVICE_CLASS: "device_class",
    MODEL_NAME: "model",
    MODEL_VERSION: "version",
    COHORT: "cohort",
    CHANNEL: "channel",
    TASK: "task",
}
EXTRA_LABELS: tuple[str, ...] = (
    *("phase", "feature", "route", "reason", "error_type", "currency", "price_table", "energy_method"),
    *("accelerator", "mode", "power_source", "precision", "runtime", "connectivity", "network", "cache", "dataset"),
    *("outcome", "label_source", "environment", "evaluation", "policy", "stage", "business", "control", "kind"),
    *("ota_system", "ota_kind", "ota_phase", "to_version", "signature", "action", "trigger", "category"),
    "coarseness",
)
LABEL_MAX_CHARS = 128

# --- environment ---------------------------------------------------------------------------------------------
ENV_PREFIX = "HYBRIDOBS_"
