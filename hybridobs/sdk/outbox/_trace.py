"""The trace of a request while it waits: kept as headers beside the payload, and made current again for its answer."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, get_current
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hybridobs.sdk import _origin, _pipeline
from hybridobs.sdk._origin import ORIGIN_KEY, Origin, Queued
from hybridobs.sdk.outbox._file import Request

Link = SpanContext | None
_W3C = TraceContextTextMapPropagator()  # ours to read again: whatever the application uses on the wire
_BAGGAGE = W3CBaggagePropagator()


def kept() -> dict[str, dict[str, str]]:
    """Return the current trace and the application's baggage as headers, and the labels of where it began."""
    context = _origin.hide(get_current())
    headers: dict[str, str] = {}
    _W3C.inject(headers, context)
    _BAGGAGE.inject(headers, context)
    return {"headers": headers, "labels": _origin.outgoing(context, _pipeline.active or _pipeline.first())}


def restored(kept: Mapping[str, Mapping[str, str]], request: Request, link: Link) -> Context:
    """Return the context of the answer: below the call that asked, with the wait for the first call to tell.

    ``link`` is whoever sends it again. It is a link and no parent, as the answer belongs to the one who asked.
    """
    headers = kept.get("headers", {})
    context = _BAGGAGE.extract(headers, _W3C.extract(headers, Context()))
    queued = Queued(request.waited_s, request.attempt, link)
    return Context({**context, ORIGIN_KEY: Origin(_origin.labels_of(kept.get("labels", {})), queued)})


def current() -> Link:
    """Return the span that is current, if there is one."""
    context = trace.get_current_span().get_span_context()
    return context if context.is_valid else None
