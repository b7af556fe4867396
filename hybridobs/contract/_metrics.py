"""Metrics of others that are read as ours: OpenTelemetry's GenAI conventions, NVIDIA Triton, KServe, Knative.

Names are those of the instruments. What arrives through a Prometheus scrape has them in Prometheus's spelling, which
:func:`reported` reads as well: ``gen_ai.client.operation.duration`` is ``gen_ai_client_operation_duration_seconds``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

__all__ = ["POINT_LABELS", "REPORTED", "Reported", "renamed", "reported"]


class Reported(NamedTuple):
    """What one metric means: the measure it adds to (less ``hybridobs.``), its unit (UCUM), its extra labels.

    ``texts`` are labels that every point gets, ``keys`` those that an attribute of the point gives.
    """

    measure: str
    unit: str
    texts: Mapping[str, str] = {}
    keys: Mapping[str, str] = {}


_CLIENT, _SERVER = {"kind": "client"}, {"kind": "server"}
_DURATION, _FIRST, _OUTPUT = "reported.duration", "reported.time_to_first_output", "reported.time_per_output"
_PHASE, _TIME, _CALLS, _ERRORS = "reported.phase_duration", "reported.time", "reported.calls", "reported.errors"

REPORTED: dict[str, Reported] = {
    # open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-metrics.md
    "gen_ai.client.operation.duration": Reported(_DURATION, "s", _CLIENT),
    "gen_ai.server.request.duration": Reported(_DURATION, "s", _SERVER),
    "gen_ai.client.operation.time_to_first_chunk": Reported(_FIRST, "s", _CLIENT),
    "gen_ai.server.time_to_first_token": Reported(_FIRST, "s", _SERVER),
    "gen_ai.client.operation.time_per_output_chunk": Reported(_OUTPUT, "s", _CLIENT),
    "gen_ai.server.time_per_output_token": Reported(_OUTPUT, "s", _SERVER),
    "gen_ai.client.token.usage": Reported("reported.tokens", "{token}", keys={"gen_ai.token.type": "kind"}),
    # triton-inference-server/server, docs/user_guide/metrics.md. The first response is the first chunk that leaves,
    # which is the whole answer where nothing is streamed.
    "nv_inference_request_success": Reported(_CALLS, "{call}", _SERVER),
    "nv_inference_request_failure": Reported(_ERRORS, "{error}", _SERVER, {"reason": "error_type"}),
    "nv_inference_request_duration_us": Reported(_TIME, "us", {"phase": "request"}),
    "nv_inference_queue_duration_us": Reported(_TIME, "us", {"phase": "queue"}),
    "nv_inference_compute_input_duration_us": Reported(_TIME, "us", {"phase": "preprocess"}),
    "nv_inference_compute_infer_duration_us": Reported(_TIME, "us", {"phase": "inference"}),
    "nv_inference_compute_output_duration_us": Reported(_TIME, "us", {"phase": "postprocess"}),
    "nv_inference_first_response_histogram_ms": Reported(_FIRST, "ms", _SERVER),
    "nv_energy_consumption": Reported("reported.energy", "J"),
    "nv_gpu_power_usage": Reported("gpu.power", "W"),
    "nv_gpu_utilization": Reported("gpu.utilization", "1"),
    # kserve/kserve, python/kserve/kserve/metrics.py
    "request_preprocess_seconds": Reported(_PHASE, "s", {"phase": "preprocess"}),
    "request_predict_seconds": Reported(_DURATION, "s", _SERVER),
    "request_postprocess_seconds": Reported(_PHASE, "s", {"phase": "postprocess"}),
    # knative/serving, docs of the queue proxy: since 1.19, its first name in 1.19, and before
    "kn.serving.invocation.duration": Reported(_DURATION, "s", {"kind": "proxy"}),
    "kn.queueproxy.app.duration": Reported(_DURATION, "s", {"kind": "proxy"}),
    "revision_app_request_latencies": Reported(_DURATION, "ms", {"kind": "proxy"}),
    # Our own distributions, where somebody adds them up before sending: what came in buckets is never mixed with what
    # was counted call by call. Our own counts and sums are exact, and go where they belong by their names.
    "hybridobs.inference.duration": Reported(_DURATION, "s", _SERVER),
    "hybridobs.inference.time_to_first_output": Reported(_FIRST, "s", _SERVER),
}
# Attributes of points that name what a label names; beside the keys of labels and ALIASES.
POINT_LABELS: dict[str, str] = {
    "model": "model",  # Triton
    "version": "version",
    "model_name": "model",  # KServe
    "kn.service.name": "model",  # Knative: the InferenceService
    "kn.revision.name": "version",
    "service_name": "model",
    "revision_name": "version",
}
# Renamed attributes by the first version of the schema in which the new name holds (schemas/ of
# open-telemetry/semantic-conventions). No old name was ever given another meaning.
RENAMED: dict[tuple[int, int], dict[str, str]] = {
    (1, 27): {
        "gen_ai.usage.prompt_tokens": "gen_ai.usage.input_tokens",
        "gen_ai.usage.completion_tokens": "gen_ai.usage.output_tokens",
    },
    (1, 37): {"gen_ai.system": "gen_ai.provider.name"},
}
# How a scrape spells a unit.
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "J": "joules", "W": "watts", "By": "bytes"}
_TOTAL = "_total"


def renamed(schema_url: str) -> dict[str, str]:
    """Old key -> key of today for what was written to the schema at ``schema_url``; all of them where it is unknown.

    The version is the last part of the URL, as in ``https://opentelemetry.io/schemas/1.36.0``.
    """
    try:
        major, minor, *_ = (int(part) for part in schema_url.rstrip("/").rpartition("/")[2].split("."))
    except ValueError:
        major, minor = 0, 0
    return {old: new for since, names in RENAMED.items() if (major, minor) < since for old, new in names.items()}


def reported(name: str) -> Reported | None:
    """What a metric of this name means, in OpenTelemetry's spelling or Prometheus's; None for one that nobody maps."""
    return REPORTED.get(name) or _prometheus().get(name.removesuffix(_TOTAL))


@cache
def _prometheus() -> dict[str, Reported]:
    """The same by the names that a scrape has."""
    found = {}
    for name, what in REPORTED.items():
        plain = name.replace(".", "_")
        found[plain] = what
        if plain != name and (unit := _UNITS.get(what.unit)):
            found[f"{plain}_{unit}"] = what
    return found
