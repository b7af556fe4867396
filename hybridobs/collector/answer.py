"""What a sender is told: one list of verdicts, each with its HTTP status, its gRPC code and whether to send again.

OTLP: a sender resends after HTTP 429, 502, 503, 504 and after gRPC UNAVAILABLE or RESOURCE_EXHAUSTED with RetryInfo;
everything else is final. A success may carry a partial success: how many items were refused for good, and why.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import NamedTuple

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from hybridobs.contract import DropReason, Signal, ValueFault

_MAX_MESSAGE = 500


class Verdict(Enum):
    """How a request ended: HTTP status, gRPC code (number), and whether the sender should send it again."""

    ACCEPTED = (200, 0, False)
    INVALID = (400, 3, False)  # INVALID_ARGUMENT
    TOO_LARGE = (413, 8, False)  # RESOURCE_EXHAUSTED, without RetryInfo
    UNSUPPORTED = (415, 3, False)
    SLOW = (408, 4, False)  # the body did not arrive in time
    BUSY = (503, 8, True)  # RESOURCE_EXHAUSTED, with RetryInfo
    UNAVAILABLE = (503, 14, True)
    UNAUTHENTICATED = (401, 16, False)
    FORBIDDEN = (403, 7, False)
    THROTTLED = (429, 8, True)  # RESOURCE_EXHAUSTED, with RetryInfo

    def __init__(self, http: int, grpc: int, retry: bool) -> None:
        self.http = http
        self.grpc = grpc
        self.retry = retry


class Answer(NamedTuple):
    """One verdict with its words; ``rejected`` of the ``items`` of an accepted request were refused for good.

    ``retry`` is after how many seconds to come again, where this answer knows better than the limits do.
    """

    verdict: Verdict
    message: str = ""
    rejected: int = 0
    items: int = 0
    retry: int | None = None


_RESPONSES: dict[Signal, tuple[type[Message], str]] = {
    Signal.TRACES: (ExportTraceServiceResponse, "rejected_spans"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejected_data_points"),
}


def accepted(drops: Counter[DropReason], faults: Counter[ValueFault], items: int = 0) -> Answer:
    """The answer to a request that was committed: what of it was refused or left out is said in words."""
    if not drops and not faults:
        return Answer(Verdict.ACCEPTED, items=items)
    said = [f"{count} refused: {reason}" for reason, count in sorted(drops.items())]
    said += [f"{count} value(s) left out: {fault}" for fault, count in sorted(faults.items())]
    return Answer(Verdict.ACCEPTED, "; ".join(said), drops.total(), items)


def success(answer: Answer, signal: Signal) -> Message:
    """The OTLP response message of an accepted request."""
    kind, field = _RESPONSES[signal]
    response = kind()
    if answer.message:
        partial = response.partial_success  # type: ignore[attr-defined]
        setattr(partial, field, answer.rejected)
        partial.error_message = answer.message
    return response


def failure(answer: Answer, retry_seconds: int) -> Status:
    """The google.rpc.Status of a request that was not accepted, with RetryInfo when it should come again."""
    status = Status(code=answer.verdict.grpc, message=answer.message[:_MAX_MESSAGE])
    if answer.verdict.retry:
        info = RetryInfo()
        info.retry_delay.seconds = answer.retry or retry_seconds
        detail = AnyMessage()
        detail.Pack(info)
        status.details.append(detail)
    return status


def body(answer: Answer, signal: Signal, retry_seconds: int, *, as_json: bool) -> bytes:
    """The HTTP body of an answer, in the encoding of the request."""
    message = success(answer, signal) if answer.verdict is Verdict.ACCEPTED else failure(answer, retry_seconds)
    return MessageToJson(message, indent=None).encode() if as_json else message.SerializeToString()
