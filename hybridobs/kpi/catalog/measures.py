"""Every measure there is: what is counted, summed or distributed, in which unit, with which labels.

To add one: declare it here and say in :mod:`hybridobs.kpi.fold` what of an event adds to it.
"""

from __future__ import annotations

from hybridobs.kpi.measure import Measure, Shape

MEASURES: dict[str, Measure] = {}

NANO = 1e-9
# Thresholds that a person notices or that a target names (mission map, section 2): counted exactly, in seconds.
LATENCY_EDGES = (0.00833, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.45, 0.8, 2.0)
CONFIDENCE_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def _measure(measure: Measure) -> Measure:
    MEASURES[measure.name] = measure
    return measure


def _count(name: str, unit: str, brief: str, *extra: str) -> Measure:
    return _measure(Measure(name, unit, Shape.COUNT, brief, extra=extra))


def _sum(name: str, unit: str, brief: str, *apart: str, quantum: float = 1.0) -> Measure:
    return _measure(Measure(name, unit, Shape.SUM, brief, quantum, extra=apart, apart=apart))


def _distribution(
    name: str, unit: str, brief: str, *apart: str, edges: tuple[float, ...] = (), quantum: float = NANO
) -> Measure:
    exact = tuple(round(edge / quantum) for edge in edges)
    return _measure(Measure(name, unit, Shape.DISTRIBUTION, brief, quantum, exact, extra=apart, apart=apart))


# --- what a person waits for ---------------------------------------------------------------------------------------
INTERACTION_DURATION = _distribution(
    "interaction.duration", "s", "Time of everything a person waited for, end to end.", edges=LATENCY_EDGES
)
INTERACTION_FIRST_OUTPUT = _distribution(
    "interaction.time_to_first_output",
    "s",
    "Input to first visible output; the whole duration where nothing is streamed.",
    edges=LATENCY_EDGES,
)
OFFLINE = _count("interaction.offline", "{interaction}", "Interactions while the device was offline.")
OFFLINE_FAILED = _count("interaction.offline_failed", "{interaction}", "Those of them that failed.")

# --- one inference -------------------------------------------------------------------------------------------------
DURATION = _distribution("inference.duration", "s", "Time of one inference call.", edges=LATENCY_EDGES)
FIRST_OUTPUT = _distribution(
    "inference.time_to_first_output", "s", "Start to first output of a streaming inference call.", edges=LATENCY_EDGES
)
ERRORS = _count("inference.errors", "{error}", "Inference calls that failed, by class of failure.", "error_type")
CONFIDENCE = _distribution("inference.confidence", "1", "Confidence of the answer, 0 to 1.", edges=CONFIDENCE_EDGES)
ENERGY = _distribution("inference.energy", "J", "Energy of one inference call.", "energy_method")
COST = _sum("inference.cost", "{currency}", "Cost of inference calls.", "currency", quantum=NANO)
INPUT_TOKENS = _sum("tokens.input", "{token}", "Tokens read.")
OUTPUT_TOKENS = _sum("tokens.output", "{token}", "Tokens written.")
PHASE_DURATION = _distribution("phase.duration", "s", "Time in one phase of a call.", "phase", edges=LATENCY_EDGES)
# A millionth, not a billionth: features reach further than durations do (up to 9e9).
FEATURE = _distribution("feature.value", "1", "Value of one numeric model input.", "feature", quantum=1e-6)

# --- where it was answered -----------------------------------------------------------------------------------------
DECISIONS = _count("route.decisions", "{decision}", "Routing decisions, as from>to and why.", "reason", "route")
TO_CLOUD = _count("route.to_cloud", "{decision}", "Decisions that moved a task from device or site to the cloud.")
TO_EDGE = _count("route.to_edge", "{decision}", "Decisions that moved a task from the cloud to device or site.")

# --- the telemetry itself ------------------------------------------------------------------------------------------
LATENESS = _distribution(
    "ingest.lateness",
    "s",
    "How long telemetry was on its way: receive less event time.",
    edges=(1, 10, 60, 3600, 86400),
)
