"""Write the current trace into outgoing headers, and continue one that came with incoming ones."""

from __future__ import annotations

from collections.abc import Generator, Iterable, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeVar

from opentelemetry import trace
from opentelemetry.baggage import set_baggage
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from hybridobs.sdk import _hosts, _origin, _pipeline
from hybridobs.sdk._guard import failed
from hybridobs.sdk._origin import ORIGIN_KEY, STATE, Origin, Queued
from hybridobs.sdk.link import _baggage, _carriers
from hybridobs.sdk.link._carriers import Headers

Carrier = MutableMapping[str, str] | list[tuple[str, bytes]] | list[tuple[str, str]]
C = TypeVar("C")
TRACEPARENT, TRACESTATE, BAGGAGE = "traceparent", "tracestate", "baggage"
_MOST_MEMBERS = 32  # of tracestate, W3C


def inject(carrier: C, *, url: str | None = None, host: str | None = None, text: bool | None = None) -> C:
    """Write the current trace into outgoing headers, in place of any that is there, and return them.

    ``carrier`` is a mutable mapping, paho's ``Properties``, or a list of pairs; the values of a list are bytes (Kafka)
    unless ``text`` says otherwise or those in it already are text. ``url``, or ``host`` as ``name[:port]``, is where
    they go: cohort, channel and device class go along if the setting ``baggage_hosts`` has it.
    """
    try:
        fields, gone = _fields(_carriers.read(carrier), url, host)
        _carriers.write(carrier, fields, gone, text)
    except Exception:
        failed("inject")
    return carrier


def metadata(
    pairs: Iterable[tuple[str, str | bytes]] | None = None, *, url: str | None = None, host: str | None = None
) -> list[tuple[str, str | bytes]]:
    """Return gRPC metadata with the current trace added, for the ``metadata=`` of a call; see :func:`inject`."""
    try:
        return inject(list(pairs or ()), url=url, host=host, text=True)
    except Exception:
        failed("metadata")
        return []


@contextmanager
def extract(headers: Headers | object) -> Generator[None]:
    """Continue the trace that came with these headers for the ``with`` block; headers without one change nothing.

    Takes a mapping or pairs, in any letter case, text or bytes (HTTP, ASGI, gRPC, Kafka), or paho's ``Properties``.
    """
    token = None
    try:
        token = attach(_received(_carriers.read(headers)))
    except Exception:
        failed("extract")
    try:
        yield
    finally:
        if token is not None:
            detach(token)


@contextmanager
def towards(*, url: str | None = None, host: str | None = None) -> Generator[None]:
    """Let an instrumented client take cohort, channel and device class along in this block, if the host is allowed.

    Put it directly around the client's call: an observed call inside the block takes them out of the baggage again.
    """
    token = None
    try:
        context = _origin.hide(get_current())
        for key, value in _labels(context, url, host).items():
            context = set_baggage(key, value, context)
        token = attach(context)
    except Exception:
        failed("towards")
    try:
        yield
    finally:
        if token is not None:
            detach(token)


def _fields(there: dict[str, list[str]], url: str | None, host: str | None) -> tuple[dict[str, str], set[str]]:
    """Return the headers to write, and those that must not stay beside them."""
    from opentelemetry import propagate

    context = _origin.hide(get_current())
    fields: dict[str, str] = {}
    propagate.inject(fields, context=context)
    gone: set[str] = set()
    if TRACEPARENT in fields:
        gone.add(TRACESTATE)
        _add_wait(fields, context)
    baggage = _baggage.merged(fields.pop(BAGGAGE, "") or ",".join(there.get(BAGGAGE, ())), _labels(context, url, host))
    if baggage:
        fields[BAGGAGE] = baggage
    else:
        gone.add(BAGGAGE)
    return fields, gone


def _labels(context: Context, url: str | None, host: str | None) -> dict[str, str]:
    if url is None and host is None:
        return {}
    pipeline = _pipeline.active or _pipeline.first()
    hosts = pipeline.settings.baggage_hosts
    return _origin.outgoing(context, pipeline) if _hosts.allowed(hosts, _hosts.place(url=url, host=host)) else {}


def _add_wait(fields: dict[str, str], context: Context) -> None:
    origin = context.get(ORIGIN_KEY)
    state = origin.queued.state() if isinstance(origin, Origin) and origin.queued is not None else ""
    if state:
        others = [member for member in fields.get(TRACESTATE, "").split(",") if member]
        fields[TRACESTATE] = ",".join([f"{STATE}={state}", *others[: _MOST_MEMBERS - 1]])


def _received(plain: dict[str, list[str]]) -> Context:
    """Return the current context with what came over the wire in it, ours where nobody else hands it on."""
    from opentelemetry import propagate

    outside = get_current()
    baggage = ",".join(plain.get(BAGGAGE, ()))
    carrier: dict[str, Any] = {**plain, BAGGAGE: [baggage]} if baggage else plain
    context = _origin.hide(propagate.extract(carrier, context=outside))  # the API would begin with nothing
    span = trace.get_current_span(context).get_span_context()
    if not span.is_remote or span is trace.get_current_span(outside).get_span_context():
        return context  # no trace came: what is current here stays
    queued = Queued.parse(span.trace_state.get(STATE) or "")
    if queued is not None:
        context = set_span_in_context(NonRecordingSpan(_without_wait(span)), context)
    said = _baggage.labels(baggage)
    if said or queued is not None or ORIGIN_KEY in outside:
        return Context({**context, ORIGIN_KEY: Origin(said, queued)})
    return context


def _without_wait(span: SpanContext) -> SpanContext:
    return SpanContext(span.trace_id, span.span_id, True, span.trace_flags, span.trace_state.delete(STATE))
