"""What ``@observe`` costs a call, against a bare OpenTelemetry SDK span with the same twelve attributes.

Both sides run in this process in interleaved rounds, deliver every span and encode it as OTLP; what is encoded is
dropped. *Caller* is the CPU time of the calling threads; *total* adds every other thread and the flush, because on a
device it is the same battery. Both are less the plain call. Read the ratios, not the microseconds.

    python benchmarks/observe.py [--rounds 15] [--calls 1000] [--threads 1] [--spool] [--check 0.25] [--json]

With ``--spool`` our side keeps every record on disk (a temporary private directory) until it is taken; the peer keeps
its spans in memory, as it cannot do otherwise.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import hybridobs
from hybridobs import contract
from hybridobs.sdk import _pipeline
from hybridobs.sdk._http import Outcome, Reply
from hybridobs.sdk._settings import Settings
from hybridobs.sdk.queue import Signal

Answer = dict[str, int]
Case = Callable[[int], Answer]
FIXED: dict[str, str | bool] = {
    contract.MODEL_NAME: "digits",
    contract.MODEL_VERSION: "1.3.0",
    contract.TASK: "classify",
    contract.COHORT: "canary",
    contract.INTERACTION: True,
}


class Cost(NamedTuple):
    """CPU of one round, in us a call."""

    caller: float
    total: float


class _Dropping(SpanExporter):
    """Encodes like the OTLP exporter and drops the bytes."""

    def __init__(self) -> None:
        self.spans = 0
        self.bytes = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.bytes += len(encode_spans(spans).SerializeToString())
        self.spans += len(spans)
        return SpanExportResult.SUCCESS


class _Post:
    """Takes our encoded requests and drops them."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, signal: Signal, body: bytes, timeout: float) -> Reply:
        self.bytes += len(body)
        return Reply(Outcome.SENT)


def plain(x: int) -> Answer:
    """Do nothing and answer, which is what every case does."""
    return {"label": x, "score": 1}


def sdk_case(calls: int) -> tuple[Case, Callable[[], object], _Dropping]:
    """Return the bare SDK span: fixed attributes at the start, the rest in one call."""
    exporter = _Dropping()
    provider = TracerProvider()
    # Room for a whole burst: a full queue would drop spans and make the SDK look cheaper than it is.
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=max(4 * calls, 2048)))
    tracer = provider.get_tracer("benchmark")

    def call(x: int) -> Answer:
        with tracer.start_as_current_span("classify digits", attributes=FIXED) as span:
            span.set_attributes(
                {
                    contract.CONFIDENCE: 0.93,
                    contract.INPUT_TOKENS: 412,
                    contract.OUTPUT_TOKENS: 96,
                    contract.COST: 0.00012,
                    contract.CURRENCY: "USD",
                    contract.ENERGY: 0.21,
                    contract.ENERGY_METHOD: "counter",
                }
            )
            return {"label": x, "score": 1}

    return call, provider.force_flush, exporter


def our_case(spool: str) -> tuple[Case, Callable[[], object], _Post]:
    """Return the observed function, which says the same twelve things; ``spool`` is a directory, empty for memory."""
    post = _Post()
    settings = Settings(service="benchmark", tier="device", cohort="canary", queue_bytes=2**30, spool=spool)
    _pipeline.replace(_pipeline.Pipeline(settings, make_post=lambda _: post))

    @hybridobs.observe(model="digits", version="1.3.0", task="classify")
    def call(x: int) -> Answer:
        now = hybridobs.current()
        now.confidence(0.93)
        now.tokens(input=412, output=96)
        now.cost(0.00012, currency="USD")
        now.energy(0.21, method="counter")
        return {"label": x, "score": 1}

    return call, hybridobs.flush, post


def burst(case: Case, calls: int, threads: int, flush: Callable[[], object]) -> Cost:
    """Run one burst in every thread, then flush."""
    spent: list[int] = []

    def work() -> None:
        begun = time.thread_time_ns()
        for number in range(calls):
            case(number)
        spent.append(time.thread_time_ns() - begun)

    before = time.process_time_ns()
    if threads == 1:
        work()
    else:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    flush()
    total = time.process_time_ns() - before
    return Cost(sum(spent) / (calls * threads) / 1000, total / (calls * threads) / 1000)


def latencies(case: Case, calls: int, flush: Callable[[], object]) -> list[int]:
    """Return the wall time of each call in ns."""
    found = []
    for number in range(calls):
        begun = time.perf_counter_ns()
        case(number)
        found.append(time.perf_counter_ns() - begun)
    flush()
    return found


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def measure(rounds: int, calls: int, threads: int, spool: str) -> dict[str, Any]:
    """Run the rounds and return every number that is printed."""
    sdk, flush_sdk, exporter = sdk_case(calls * threads)
    ours, flush_ours, post = our_case(spool)
    nothing: Callable[[], object] = lambda: None  # noqa: E731
    cases = {"plain": (plain, nothing), "sdk": (sdk, flush_sdk), "ours": (ours, flush_ours)}
    costs: dict[str, list[Cost]] = {name: [] for name in cases}
    walls: dict[str, list[int]] = {name: [] for name in cases}
    for number in range(rounds + 2):
        for name, (case, flush) in cases.items():
            gc.collect()
            cost = burst(case, calls, threads, flush)
            wall = latencies(case, min(calls, 500), flush)
            if number >= 2:  # two rounds warm caches, pools and the specialising interpreter
                costs[name].append(cost)
                walls[name] += wall
    made = (rounds + 2) * (calls * threads + min(calls, 500))
    if exporter.spans != made or hybridobs.status().sent != made:
        raise SystemExit(f"spans were lost: made {made}, SDK {exporter.spans}, ours {hybridobs.status().sent}")
    result: dict[str, Any] = {"rounds": rounds, "calls": calls, "threads": threads, "spool": bool(spool)}
    result["python"] = sys.version.split()[0]
    for part in ("caller", "total"):
        base = [getattr(cost, part) for cost in costs["plain"]]
        own = [getattr(cost, part) - less for cost, less in zip(costs["ours"], base, strict=True)]
        peer = [getattr(cost, part) - less for cost, less in zip(costs["sdk"], base, strict=True)]
        result[f"{part}_us"] = {"ours": spread(own), "sdk": spread(peer)}
        result[f"{part}_ratio"] = spread([mine / theirs for mine, theirs in zip(own, peer, strict=True)])
    for name, wall in walls.items():
        cuts = statistics.quantiles(wall, n=100)
        result[f"{name}_wall_us"] = {"p50": cuts[49] / 1000, "p99": cuts[98] / 1000}
    result["bytes_per_span"] = {"ours": post.bytes / made, "sdk": exporter.bytes / made}
    return result


def show(result: dict[str, Any]) -> None:
    """Print what was measured, ratios first."""
    kept = "on disk" if result["spool"] else "in memory"
    print(
        "{rounds} rounds of {calls} calls, {threads} thread(s), kept {kept}, Python {python}".format(
            kept=kept, **result
        )
    )
    for part in ("caller", "total"):
        low, middle, high = result[f"{part}_ratio"]
        us = result[f"{part}_us"]
        print(f"{part:7} ratio {middle:.3f} (quartiles {low:.3f} to {high:.3f})", end="   ")
        print(f"us: ours {us['ours'][1]:.2f}, SDK {us['sdk'][1]:.2f}")
    for name in ("plain", "ours", "sdk"):
        wall = result[f"{name}_wall_us"]
        print(f"{name:7} wall us: p50 {wall['p50']:.2f}, p99 {wall['p99']:.2f}")
    size = result["bytes_per_span"]
    print(f"bytes a span: ours {size['ours']:.0f}, SDK {size['sdk']:.0f}")


def main() -> int:
    """Measure, print, and with ``--check`` answer 1 if a median ratio is over the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--spool", action="store_true", help="keep our records on disk until they are taken")
    parser.add_argument("--check", type=float, metavar="RATIO", help="fail if caller or total is over this ratio")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spool = f"{folder}/spool" if options.spool else ""
        result = measure(options.rounds, options.calls, options.threads, spool)
        hybridobs.shutdown()
    if options.json:
        print(json.dumps(result))
    else:
        show(result)
    if options.check is None:
        return 0
    worst = max(result["caller_ratio"][1], result["total_ratio"][1])
    return 1 if worst > options.check else 0


if __name__ == "__main__":
    sys.exit(main())
