"""Sends inference spans with the stock OpenTelemetry SDK for Python; run as a program, it never imports hybridobs.

Usage: ``python python_sender.py http|grpc ENDPOINT COUNT SECONDS``; exits 1 when the collector did not accept them.
"""

from __future__ import annotations

import sys
import time

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind


def exporter_for(protocol: str, endpoint: str) -> SpanExporter:
    """The exporter that an application would take, set as its documentation says."""
    if protocol == "grpc":
        return GrpcExporter(endpoint=endpoint, insecure=True)
    return HttpExporter(endpoint=f"{endpoint}/v1/traces", compression=Compression.Gzip)


def main(protocol: str, endpoint: str, count: str, seconds: str) -> int:
    """Make ``count`` spans of ``seconds`` each, send them, and say whether all left."""
    provider = TracerProvider(resource=Resource.create({"service.name": "kiosk"}))
    provider.add_span_processor(BatchSpanProcessor(exporter_for(protocol, endpoint)))
    tracer = provider.get_tracer("kiosk")
    start = time.time_ns() - 60_000_000_000
    for _ in range(int(count)):
        span = tracer.start_span("chat", kind=SpanKind.CLIENT, start_time=start)
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", f"python-{protocol}")
        span.set_attribute("gen_ai.usage.input_tokens", 12)
        span.set_attribute("gen_ai.usage.output_tokens", 30)
        span.end(start + int(float(seconds) * 1e9))
    done = provider.force_flush()
    provider.shutdown()
    return 0 if done and "hybridobs" not in sys.modules else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
