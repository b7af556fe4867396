"""How a call begins: whose child it is, whether a person waits for it, and becoming current."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span

from hybridobs.sdk import _compat, _pipeline
from hybridobs.sdk._context import get
from hybridobs.sdk._guard import failed
from hybridobs.sdk._origin import BAGGAGE_KEY, ORIGIN_KEY, Origin, hide
from hybridobs.sdk._site import Site, Tags
from hybridobs.sdk.current import CALL_KEY, SPAN_KEY, Call


def begin(site: Site, enter: bool = True) -> Call | None:
    """Start a call and make it current (unless ``enter`` is False); None if nothing is to be recorded; never raises."""
    try:
        pipeline = _pipeline.active or _pipeline.first()
        if pipeline.off:
            return None
        tags = pipeline.tags
        outside = get()
        if outside:
            if BAGGAGE_KEY in outside:
                outside = hide(outside)
            call = _below(outside, site, tags)
        else:
            prepared = site.root
            call = Call(prepared if prepared.tags is tags else site.prepared(tags, True))
        if getattr(trace, "_TRACER_PROVIDER", None) is not None:
            _compat.mirror(call, call.prepared, outside)
        if outside and isinstance(origin := outside.get(ORIGIN_KEY), Origin):
            origin.tell(call, pipeline)
        if enter:
            call.enter(outside)
        else:
            call.context = call.inside(outside)
    except Exception:
        failed("begin")
        return None
    return call


def _below(outside: Context, site: Site, tags: Tags) -> Call:
    parent = outside.get(SPAN_KEY)
    root = CALL_KEY not in outside and _is_root(parent, tags.tier)
    call = Call(site.prepared(tags, root))
    if isinstance(parent, Call):
        call.adopt_light(parent)
    elif isinstance(parent, Span) and (context := parent.get_span_context()).is_valid:
        call.adopt(context)
    return call


def _is_root(parent: object, tier: str) -> bool:
    """Return whether a person waits for this call itself, and not for something around it.

    Behind a remote parent somebody else waits. A local span of another library is, on a device, a part of the
    application around the interaction, but in the cloud it is the server span of somebody's request.
    """
    if not isinstance(parent, Span):
        return True
    context = parent.get_span_context()
    if not context.is_valid:
        return True
    return not context.is_remote and tier not in ("cloud", "site")
