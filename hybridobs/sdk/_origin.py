"""What a call inherits over a wire beside its trace: whose request it answers, and how long that request waited.

Cohort, release channel and device class of the device where an interaction began travel as W3C baggage, to hosts on
the allow list only. OpenTelemetry hands baggage on to everybody, so ours never stays in it: it is moved into a key of
our own as soon as we see it, and whoever is asked next must be on this process's own list.

How long a request waited in an outbox, and which try this is, travels in ``tracestate`` as ``hybridobs=q:<ms>;a:<n>``
and is told by one call only, the first one that answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from opentelemetry.baggage import set_baggage
from opentelemetry.context import Context, create_key
from opentelemetry.trace import SpanContext

from hybridobs import contract
from hybridobs.contract import ValueFault
from hybridobs.sdk import _encode
from hybridobs.sdk._guard import ignored

if TYPE_CHECKING:
    from hybridobs.sdk._pipeline import Pipeline
    from hybridobs.sdk.current import Call
    from hybridobs.sdk.redact import Policy

ORIGIN_KEY = create_key("hybridobs-origin")
(BAGGAGE_KEY,) = set_baggage("a", "b", Context())  # the key under which the API keeps baggage
PREFIX = "hybridobs."
ENTRIES = contract.BAGGAGE_ENTRIES
STATE = contract.TRACE_STATE

MOST_VALUES = 256  # of each entry in one process: a stranger must not make series without end
_MOST_SECONDS = 90 * 86_400.0
_QUEUED = re.compile(r"q:([0-9]{1,12});a:([0-9]{1,6})")
_QUEUE = f"{contract.PHASE_PREFIX}queue"

_encoded: dict[str, dict[str, bytes]] = {key: {} for key in ENTRIES}


class Queued:
    """A request that waited: for how long (seconds), which try this is (from 1), and who sends it again."""

    __slots__ = ("_open", "attempt", "link", "seconds")

    def __init__(self, seconds: float, attempt: int, link: SpanContext | None = None) -> None:
        self.seconds = min(max(seconds, 0.0), _MOST_SECONDS)
        self.attempt = attempt
        self.link = link
        self._open = True

    @classmethod
    def parse(cls, text: str) -> Queued | None:
        """Read what :meth:`state` wrote; None if it is something else."""
        found = _QUEUED.fullmatch(text)
        return cls(int(found[1]) / 1000, max(1, int(found[2]))) if found else None

    def state(self) -> str:
        """Write it for the next hop, where the answer is; empty if a call of this process has told it already."""
        return f"q:{round(self.seconds * 1000)};a:{self.attempt}" if self._open else ""

    def tell(self, call: Call) -> None:
        """Put it on this call if no other one has it; the wait lies before the call's own start."""
        if self._open:
            self._open = False
            call.spent("queue", self.seconds)
            call.set_attribute(f"{_QUEUE}.start", -self.seconds)
            call.attempt(self.attempt)
            if self.link is not None:
                call.add_link(self.link)


class Origin:
    """``labels`` by attribute key, of the device where it began; ``queued`` if the request waited."""

    __slots__ = ("labels", "queued")

    def __init__(self, labels: Mapping[str, str], queued: Queued | None = None) -> None:
        self.labels = labels
        self.queued = queued

    def tell(self, call: Call, pipeline: Pipeline) -> None:
        """Put on a call what this process does not say about itself; a device keeps to what it knows of itself."""
        if self.queued is not None:
            self.queued.tell(call)
        if self.labels and pipeline.tags.tier != "device":
            own = local(pipeline)
            for key, value in self.labels.items():
                if key not in own and (body := _encode_label(key, value, pipeline.tags.policy)):
                    call._values[key] = body


def local(pipeline: Pipeline) -> dict[str, str]:
    """Return what this process says about itself, by attribute key."""
    settings = pipeline.settings
    said = {
        contract.COHORT: pipeline.tags.cohort,
        contract.CHANNEL: settings.channel or settings.resource.get(contract.CHANNEL, ""),
        contract.DEVICE_CLASS: settings.device_class or settings.resource.get(contract.DEVICE_CLASS, ""),
    }
    return {key: pipeline.tags.policy.label(key, value) for key, value in said.items() if value}


def labels_of(entries: Mapping[str, object]) -> dict[str, str]:
    """Return those of some baggage entries that are ours and fit for a label."""
    found = {key: entries[key] for key in ENTRIES if key in entries}
    return {key: value for key, value in found.items() if _is_label(value)}  # type: ignore[misc]


def outgoing(context: Context, pipeline: Pipeline) -> dict[str, str]:
    """Return what to say to a host on the list: where it began, and about this process if it began here."""
    origin = context.get(ORIGIN_KEY)
    said = {**local(pipeline), **(origin.labels if isinstance(origin, Origin) else {})}
    return {key: said[key] for key in ENTRIES if key in said}


def hide(context: Context) -> Context:
    """Return the context with our entries moved from its baggage into its origin."""
    baggage = cast("Mapping[str, object] | None", context.get(BAGGAGE_KEY))
    if not baggage or not any(key.startswith(PREFIX) for key in baggage):
        return context
    before = context.get(ORIGIN_KEY)
    known, queued = (before.labels, before.queued) if isinstance(before, Origin) else ({}, None)
    rest = {key: value for key, value in baggage.items() if not key.startswith(PREFIX)}
    return Context({**context, BAGGAGE_KEY: rest, ORIGIN_KEY: Origin({**labels_of(baggage), **known}, queued)})


def _is_label(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= contract.LABEL_MAX_CHARS and value.isprintable()


def _encode_label(key: str, value: str, policy: Policy) -> bytes:
    """Return the encoded attribute, or nothing when too many different values have come already."""
    known = _encoded[key]
    body = known.get(value)
    if body is None:
        if len(known) >= MOST_VALUES:
            ignored(key, ValueFault.OUT_OF_RANGE, value)
            return b""
        known[value] = body = _encode.span_text(key, policy.label(key, value))
    return body
