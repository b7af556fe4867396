"""What the metrics of others mean: measures, units, labels, and how far a percentile may be off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from hybridobs.collector.metrics._read import meaning
from hybridobs.contract import REPORTED, renamed, reported
from hybridobs.kpi.added_up import Added, summed
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.histogram import bucket
from hybridobs.kpi.reading import Question, answers
from tests.collector.conftest import Start
from tests.metrics.conftest import BEGAN, MINUTE, Desk, exponential, gauge, histogram, metrics, now_ns, sums

DURATION = MEASURES["reported.duration"]


@pytest.mark.parametrize("name", REPORTED)
def test_every_mapped_metric_is_a_measure(name: str) -> None:
    """Each line of the table names a measure that exists and labels that it has, by both spellings."""
    what = REPORTED[name]
    assert {*what.texts, *what.keys.values()} <= set(MEASURES[what.measure].extra)
    assert reported(name) == reported(name.replace(".", "_")) == reported(name.replace(".", "_") + "_total") == what


def test_prometheus_spells_units() -> None:
    """What an OpenTelemetry instrument is called after a scrape is found as well."""
    assert reported("gen_ai_client_operation_duration_seconds") == reported("gen_ai.client.operation.duration")
    assert reported("kn_serving_invocation_duration_seconds") == reported("kn.serving.invocation.duration")
    assert reported("http.server.request.duration") is None


def test_our_own_counts_mean_themselves() -> None:
    """A counter with a name of ours adds to that measure; a distribution of ours would not be exact."""
    own = meaning("hybridobs.ota.attempts")
    assert own is not None and own.measure == "ota.attempts"
    assert meaning("hybridobs.phase.duration") is None
    assert meaning("hybridobs.telemetry.lost") is None


@pytest.mark.parametrize(
    ("url", "old"),
    [
        ("https://opentelemetry.io/schemas/1.26.0", {"gen_ai.usage.prompt_tokens", "gen_ai.system"}),
        ("https://opentelemetry.io/schemas/1.36.0", {"gen_ai.system"}),
        ("https://opentelemetry.io/schemas/1.41.0", set()),
        ("", {"gen_ai.usage.prompt_tokens", "gen_ai.system"}),
        ("nonsense", {"gen_ai.usage.prompt_tokens", "gen_ai.system"}),
    ],
)
def test_names_follow_the_schema(url: str, old: set[str]) -> None:
    """An old name is read as today's only where it was written to a schema that had it."""
    assert old <= set(renamed(url)) or (not old and not renamed(url))
    assert bool(old) == bool(renamed(url))


def test_gen_ai_durations(desk: Desk) -> None:
    """Calls and failures come with the durations; model and task are labels, the client is told from the server."""
    said: dict[str, Any] = {"gen_ai__request__model": "gpt-4", "gen_ai__operation__name": "chat"}
    failed = said | {"error__type": "timeout"}
    name = "gen_ai.client.operation.duration"
    desk.take(
        metrics(
            histogram(name, (0, 1, [6, 2, 0, 0], 1.0), **said), histogram(name, (0, 1, [0, 2, 0, 0], 0.4), **failed)
        )
    )
    assert {group: one.n for group, one in desk.read("reported.duration", "model", "task", "kind", "tier").items()} == {
        ("gpt-4", "chat", "client", "cloud"): 10
    }
    assert desk.one("reported.calls").count == 10
    assert {group: one.count for group, one in desk.read("reported.errors", "error_type").items()} == {("timeout",): 2}
    [answer] = answers(desk.store, [KPIS["reported_error_rate"]], Question())
    [(reading,)] = answer.rows.values()
    assert reading.value == pytest.approx(0.2)


def test_tokens(desk: Desk) -> None:
    """Input and output are told apart, and their sums are exact."""
    name = "gen_ai.client.token.usage"
    bounds = [1, 4, 16]
    made = [
        histogram(name, (0, 1, [0, 1, 1, 2], total), bounds=bounds, unit="{token}", gen_ai__token__type=kind)
        for kind, total in (("input", 812.0), ("output", 96.0))
    ]
    desk.take(metrics(*made))
    assert {group: (one.n, one.sum) for group, one in desk.read("reported.tokens", "kind").items()} == {
        ("input",): (4, 812),
        ("output",): (4, 96),
    }


def test_triton(desk: Desk) -> None:
    """As its scrape arrives: counts, sums in microseconds, a histogram in milliseconds, readings of the GPU."""
    said: dict[str, Any] = {"model": "resnet", "version": "2"}
    desk.take(
        metrics(
            sums("nv_inference_request_success", (0, 1, 90), **said),
            sums("nv_inference_request_failure", (0, 1, 10), reason="REJECTED", **said),
            sums("nv_inference_request_duration_us", (0, 1, 2_500_000), **said),
            sums("nv_inference_queue_duration_us", (0, 1, 500_000), **said),
            histogram("nv_inference_first_response_histogram_ms", (0, 1, [1, 1], 40.0), bounds=[20.0], unit="", **said),
            sums("nv_energy_consumption", (0, 1, 12.5), gpu_uuid="GPU-1"),
            gauge("nv_gpu_power_usage", 71.5, gpu_uuid="GPU-1"),
            gauge("nv_gpu_utilization", 0.5, gpu_uuid="GPU-1"),
        )
    )
    assert desk.left == {"counted": 8} and not desk.faults
    assert {group: one.count for group, one in desk.read("reported.calls", "model", "version").items()} == {
        ("resnet", "2"): 100
    }
    assert {group: one.total for group, one in desk.read("reported.time", "phase").items()} == {
        ("request",): 2.5,
        ("queue",): 0.5,
    }
    first = desk.one("reported.time_to_first_output")
    assert (first.total, first.share_within(0.02)) == (0.04, 0.5)
    assert desk.one("reported.energy").total == 12.5
    assert (desk.one("gpu.power").quantile(0.5), desk.one("gpu.utilization").quantile(0.5)) == (71.5, 0.5)


def test_kserve_and_knative(desk: Desk) -> None:
    """The model server's own steps and the proxy before it, in old and new words."""
    desk.take(
        metrics(
            histogram("request_predict_seconds", (0, 1, [1, 1, 0, 0], 0.3), unit="", model_name="iris"),
            histogram("request_preprocess_seconds", (0, 1, [2, 0, 0, 0], 0.1), unit="", model_name="iris"),
            histogram("kn.serving.invocation.duration", (0, 1, [0, 2, 0, 0], 0.5), kn__service__name="iris"),
            histogram(
                "revision_app_request_latencies", (0, 1, [1, 0], 80.0), bounds=[100.0], unit="ms", service_name="iris"
            ),
        )
    )
    assert desk.left == {"counted": 4}
    found = desk.read("reported.duration", "kind", "model")
    assert {group: one.n for group, one in found.items()} == {("server", "iris"): 2, ("proxy", "iris"): 3}
    assert found["proxy", "iris"].total == pytest.approx(0.58)
    assert list(desk.read("reported.phase_duration", "phase")) == [("preprocess",)]


def test_what_nobody_maps_is_dropped(desk: Desk) -> None:
    """With a reason for each, and the rest of the request counts."""
    gauge_of_calls = gauge("nv_inference_request_success", 5)
    falling = sums("nv_inference_request_success", (0, 1, 5))
    falling.sum.is_monotonic = False
    summary = Metric(name="gen_ai.server.request.duration")
    summary.summary.data_points.add(count=1)
    bad_time = sums("nv_inference_request_success", (5, 1, 5))
    nan = sums("nv_inference_request_success", (0, 1, float("nan")))
    empty = Metric(name="nv_inference_request_success")
    desk.take(
        metrics(
            *(
                sums("http.server.requests", (0, 1, 5), (0, 2, 6)),
                gauge_of_calls,
                falling,
                summary,
                bad_time,
                nan,
                empty,
            ),
            *(histogram("gen_ai.server.request.duration", (0, 1, [1, 2, 3, 4], -1.0)),),
            sums("nv_inference_request_success", (0, 1, 5), model="fine"),
        )
    )
    assert desk.left == {"counted": 1, "unmapped": 4, "unsupported": 2, "bad_time": 1, "out_of_range": 2}


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60), st.integers(-3, 12))
def test_exponential_buckets_are_never_below_the_truth(values: Sequence[float], scale: int) -> None:
    """Whatever the scale: exact counts and sums, percentiles above the true ones by a bucket of theirs at most."""
    counts: dict[int, int] = {}
    for value in values:
        fine = _index(value, scale)
        counts[fine] = counts.get(fine, 0) + 1
    added = Added(len(values), sum(values), None, scale, counts)
    found = summed(DURATION, added, 1.0)
    assert found is not None and (found.n, found.sum) == (len(values), round(sum(values) * 1e9))
    width = 2.0 ** (2.0 ** -min(scale, 5))
    ordered = sorted(values)
    for q in (0.5, 0.95, 1.0):
        truth = ordered[max(1, -(-len(ordered) * q // 1).__trunc__()) - 1]
        said = found.quantile(q)
        assert said is not None and truth / 2 ** (1 / 32) - 1e-9 <= said <= truth * width + 2e-9


def _index(value: float, scale: int) -> int:
    """OpenTelemetry's bucket of a value, from ours where it is coarser."""
    from math import ceil, log2

    return bucket(value) >> (5 - scale) if scale <= 5 else ceil(log2(value) * 2**scale) - 1


@given(st.lists(st.floats(0, 5), min_size=1, max_size=40))
def test_explicit_buckets_are_never_below_the_truth(values: Sequence[float]) -> None:
    """Percentiles are the upper ends of their buckets, shares are exact at the bounds and never flatter elsewhere."""
    bounds = (0.1, 0.3, 1.0)
    counts: dict[int, int] = {}
    for value in values:
        place = sum(value > bound for bound in bounds)
        counts[place] = counts.get(place, 0) + 1
    found = summed(DURATION, Added(len(values), sum(values), bounds, None, counts), 1.0)
    assert found is not None
    ordered = sorted(values)
    for q in (0.5, 0.95):
        rank = max(1, -int(-(q * len(ordered) - 1e-9) // 1))
        said = found.quantile(q)
        assert said is not None and said * 2 ** (1 / 32) + 1e-6 >= ordered[rank - 1]
    for edge in (0.1, 0.3):
        assert found.share_within(edge) == pytest.approx(sum(value <= edge for value in values) / len(values))
    share = found.share_within(0.2)
    assert share is not None and share <= sum(value <= 0.2 for value in values) / len(values)


def test_fine_buckets_are_ours_exactly(desk: Desk) -> None:
    """At scale 5 the buckets are taken over, at scale 8 eight of them make one."""
    name = "gen_ai.server.request.duration"
    desk.take(metrics(exponential(name, (0, 1, 5, -64, [3, 0, 2], 1.2), zero=1)))
    found = desk.one("reported.duration")
    assert (found.positive, found.zero, found.n) == ({-64: 3, -62: 2}, 1, 6)
    desk.take(metrics(exponential(name, (0, 1, 8, -512, [1] * 16, 4.0), model="fine")))
    assert desk.read("reported.duration", "model")["fine",].positive == {-64: 8, -63: 8}


def test_coarseness_is_a_label(desk: Desk) -> None:
    """A KPI over buckets of several widths has a line for each."""
    name = "gen_ai.server.request.duration"
    made = [exponential(name, (0, 1, scale, 0, [5], 5.0), model=str(scale)) for scale in (9, 5, 4, 3, 0, -1)]
    desk.take(metrics(*made, histogram(name, (0, 1, [5, 0, 0, 0], 0.2))))
    said = {group for (group,) in desk.read("reported.duration", "coarseness")}
    assert said == {"2.2%", "4.4%", "9.1%", "100%", "over 100%", "buckets"}
    [answer] = answers(desk.store, [KPIS["reported_latency_p95"]], Question())
    assert len(answer.rows) == 6


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_metrics_over_http(start: Start, encoding: str) -> None:
    """Both encodings are read; what is refused is said as rejected data points."""
    import json

    from google.protobuf.json_format import MessageToJson
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
        ExportMetricsServiceResponse,
    )

    body = metrics(sums("nv_inference_request_success", (0, 1, 5)), sums("app.other", (0, 1, 5)))
    with start() as running:
        if encoding == "json":
            text = MessageToJson(ExportMetricsServiceRequest.FromString(body)).encode()
            reply = running.post(text, path="/v1/metrics", Content_Type="application/json")
            rejected = json.loads(reply.body)["partialSuccess"]["rejectedDataPoints"]
        else:
            reply = running.post(body, path="/v1/metrics")
            rejected = ExportMetricsServiceResponse.FromString(reply.body).partial_success.rejected_data_points
        assert (reply.status, int(rejected)) == (200, 1)
        assert running.events("metrics") == {"counted": 1, "unmapped": 1}


def test_a_broken_metric_in_json_harms_no_other(start: Start) -> None:
    """It is dropped alone."""
    body = (
        b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":3},{"name":"nv_inference_request_success","sum":'
        b'{"isMonotonic":true,"aggregationTemporality":1,"dataPoints":[{"startTimeUnixNano":"1760000000000000000",'
        b'"timeUnixNano":"1760000060000000000","asInt":"4"}]}}]}]}]}'
    )
    with start() as running:
        assert running.post(body, path="/v1/metrics", Content_Type="application/json").status == 200
        assert running.events("metrics") == {"counted": 1, "malformed": 1}


def test_a_stock_sdk_is_counted(start: Start) -> None:
    """OpenTelemetry's own SDK over gRPC, cumulative and with its default buckets: exporting twice counts once."""
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    with start() as running:
        exporter = OTLPMetricExporter(endpoint=f"http://{running.collector.grpc_target}", insecure=True)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        provider = MeterProvider([reader], Resource({"service.name": "chat"}))
        duration = provider.get_meter("test").create_histogram("gen_ai.client.operation.duration", "s")
        for seconds in (0.05, 0.4, 2.0):
            duration.record(seconds, {"gen_ai.request.model": "gpt-4"})
        provider.force_flush()
        duration.record(0.1, {"gen_ai.request.model": "gpt-4"})
        provider.force_flush()
        provider.shutdown()
        [measures] = running.measures(model="gpt-4").values()
    assert measures["reported.calls"][1] == 4
    assert measures["reported.duration"][:2] == (4, 2_550_000_000)


def test_the_future_is_now(desk: Desk) -> None:
    """A point from tomorrow counts when it was received."""
    body = metrics(sums("nv_inference_request_success", (0, 1, 5), cumulative=False))
    desk.take(body, now_s=(BEGAN - 86_400 * 10**9) // 10**9)
    [(window,)] = desk.read("reported.calls", "window")
    assert int(window) * 10**9 < BEGAN - 86_400 * 10**9 + MINUTE < now_ns()
