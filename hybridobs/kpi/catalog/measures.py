"""Every measure of calls and of the telemetry itself: what is counted, summed or distributed, with which labels.

To add one: declare it here and say in :mod:`hybridobs.kpi.fold_calls` what of a call adds to it. What else may happen
is in :mod:`hybridobs.kpi.catalog.happenings`.
"""

from __future__ import annotations

from hybridobs.kpi.catalog._shapes import LATENCY_EDGES, MEASURES, MICRO, NANO, count, distribution, total
from hybridobs.kpi.measure import Source

__all__ = ["MEASURES"]

CONFIDENCE_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
# What a call costs: the cheapest and dearest at the edge, the same in the cloud (mission map, N9).
COST_EDGES = (0.00001, 0.0001, 0.0003, 0.005)
AGE_EDGES = (1, 10, 60, 3600, 86400)

# --- what a person waits for ---------------------------------------------------------------------------------------
INTERACTION_DURATION = distribution(
    "interaction.duration", "s", "Time of everything a person waited for, end to end.", edges=LATENCY_EDGES
)
INTERACTION_FIRST_OUTPUT = distribution(
    "interaction.time_to_first_output",
    "s",
    "Input to first visible output; the whole duration where nothing is streamed.",
    edges=LATENCY_EDGES,
)
BY_NETWORK = distribution(
    "interaction.by_network",
    "s",
    "The same duration by the network of the moment.",
    "connectivity",
    "network",
    edges=LATENCY_EDGES,
)
REINFORCED = distribution(
    "interaction.reinforced", "s", "Input to the answer that reinforced the first one.", edges=LATENCY_EDGES
)
REINFORCED_JUDGED = count("interaction.reinforced_judged", "{answer}", "Reinforced answers compared with the first.")
REINFORCED_BETTER = count("interaction.reinforced_better", "{answer}", "Those of them that were better.")
OFFLINE = count("interaction.offline", "{interaction}", "Interactions while the device was offline.")
OFFLINE_FAILED = count("interaction.offline_failed", "{interaction}", "Those of them that failed.")

# --- one inference -------------------------------------------------------------------------------------------------
DURATION = distribution("inference.duration", "s", "Time of one inference call.", edges=LATENCY_EDGES)
FIRST_OUTPUT = distribution(
    "inference.time_to_first_output", "s", "Start to first output of a streaming inference call.", edges=LATENCY_EDGES
)
AT_EDGE = count("inference.at_edge", "{call}", "Calls that a device or a site answered.")
ERRORS = count("inference.errors", "{error}", "Inference calls that failed, by class of failure.", "error_type")
CONFIDENCE = distribution("inference.confidence", "1", "Confidence of the answer, 0 to 1.", edges=CONFIDENCE_EDGES)
ENERGY = distribution("inference.energy", "J", "Energy of one inference call.", "energy_method")
COST = total(
    "inference.cost", "{currency}", "Cost of inference calls.", "currency", quantum=NANO, extra=("price_table",)
)
CALL_COST = distribution(
    "inference.call_cost", "{currency}", "Cost of one inference call.", "currency", edges=COST_EDGES
)
INPUT_TOKENS = total("tokens.input", "{token}", "Tokens read.")
OUTPUT_TOKENS = total("tokens.output", "{token}", "Tokens written.")
ATTEMPT = distribution("inference.attempt", "1", "Which try a call was, 1 for the first.", edges=(1, 2, 3), quantum=1)
BATCH_SIZE = distribution("inference.batch_size", "1", "Inputs answered by one call.", edges=(1,), quantum=1)
REQUEST_SIZE = distribution("inference.request_size", "By", "Bytes that one call handed over.", quantum=1)
PHASE_DURATION = distribution("phase.duration", "s", "Time in one phase of a call.", "phase", edges=LATENCY_EDGES)

# --- with what it was answered -------------------------------------------------------------------------------------
PLATFORM = count(
    "inference.platform",
    "{call}",
    "Calls by what they ran on: the coverage matrix.",
    *("accelerator", "mode", "power_source", "precision", "runtime"),
)
ACCELERATED_KNOWN = count("inference.accelerator_known", "{call}", "Calls that say what they ran on.")
ON_CPU = count("inference.on_cpu", "{call}", "Those of them that ran on the CPU.")
MODE_KNOWN = count("inference.mode_known", "{call}", "Calls that say their mode.")
LIGHTWEIGHT = count("inference.lightweight", "{call}", "Those of them in lightweight mode.")
SCHEMA_CHECKED = count("schema.checked", "{call}", "Calls that name the schema of the model and of the data.")
SCHEMA_MISMATCHED = count("schema.mismatched", "{call}", "Those of them whose schemas differ.")
DATA_AGE = distribution(
    "data.age", "s", "Age of the newest data in use.", "dataset", edges=(3600, 86400, 604800), quantum=MICRO
)
# A millionth, not a billionth: features reach further than durations do (up to 9e9).
FEATURE = distribution("feature.value", "1", "Value of one numeric model input.", "feature", quantum=MICRO)
FEATURE_CATEGORY = count("feature.category", "{value}", "Model inputs that are names, by name.", "category", "feature")
FEATURE_REFERENCE = distribution(
    "feature.reference",
    "1",
    "The same when the model was made.",
    "feature",
    quantum=MICRO,
    source=Source.REFERENCE,
)

# --- where it was answered -----------------------------------------------------------------------------------------
DECISIONS = count("route.decisions", "{decision}", "Routing decisions, as from>to and why.", "reason", "route")
TO_CLOUD = count("route.to_cloud", "{decision}", "Decisions that moved a task from device or site to the cloud.")
TO_EDGE = count("route.to_edge", "{decision}", "Decisions that moved a task from the cloud to device or site.")
CAPPED = count("route.capped", "{decision}", "Decisions that a cost cap forced.")
ENERGY_AWARE = count("route.energy_aware", "{decision}", "Decisions that an energy budget or a low battery forced.")
UNSURE = count("route.unsure", "{decision}", "Decisions to ask the cloud because the answer was uncertain.")
CACHE_LOOKUPS = count("cache.lookups", "{lookup}", "Answers looked up in the edge cache, by result.", "cache")
CACHE_HITS = count("cache.hits", "{lookup}", "Those of them that it had, stale ones included.")
CACHE_STALE = count("cache.stale", "{lookup}", "Hits that were too old.")
CACHE_DURATION = distribution(
    "cache.duration", "s", "Time of one call by what the cache said.", "cache", edges=LATENCY_EDGES
)
SPLIT_TIME = total("split.time", "s", "Time of calls whose halves ran in two places.", quantum=NANO)
SPLIT_TRANSFER = total("split.transfer", "s", "The part of it spent between the halves.", quantum=NANO)
SHADOW_CALLS = count("shadow.calls", "{call}", "Calls of a model on trial.")

# --- the telemetry itself ------------------------------------------------------------------------------------------
LATENESS = distribution(
    "ingest.lateness",
    "s",
    "How long telemetry was on its way: receive less event time.",
    edges=AGE_EDGES,
    quantum=1e-6,  # a device may be offline for longer than the 104 days that nanoseconds can hold
)
CLOCK_OFFSET = distribution(
    "clock.offset",
    "s",
    "How wrong a device's clock was (true time less its own), for each call whose time was corrected.",
    edges=(3600, 86400),
    quantum=MICRO,
)
CLAMPED = count("clock.clamped", "{call}", "Calls from the future, counted when they were received.")
QUARANTINED = count(
    "ingest.quarantined", "{record}", "Records of which nobody knows when they happened, by why.", "reason"
)
COUNTED = count("telemetry.counted", "{record}", "Records that arrived and were counted.", source=Source.STREAMS)
LOST = count("telemetry.lost", "{record}", "Records that a sender gave up, by why.", "reason", source=Source.STREAMS)
OUTSTANDING = count(
    "telemetry.outstanding",
    "{record}",
    "Records numbered before one that arrived, and not here yet.",
    source=Source.STREAMS,
)
