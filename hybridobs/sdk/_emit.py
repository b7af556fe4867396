"""From something that happened beside a call to a record in the queue: values checked, labels found, numbered.

A value that makes no sense is ignored, counted and logged once with the way out. A record without what it is about is
not made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import index
from typing import NamedTuple

from opentelemetry.trace import get_current_span

from hybridobs import contract
from hybridobs.contract import EventKind, ValueFault
from hybridobs.sdk import _encode, _pipeline
from hybridobs.sdk._guard import ignored
from hybridobs.sdk._pipeline import Pipeline
from hybridobs.sdk._refs import KEYS, Ref, boot_mark, of_call
from hybridobs.sdk.current import CACHE_RESULTS, DECISIONS, NO_CALL, current
from hybridobs.sdk.queue import Priority, Record
from hybridobs.sdk.redact import LEFT_OUT, Policy

_LARGEST = 2.0**53
_CHOICES: dict[str, Sequence[str]] = {
    **contract.CHOICES,
    contract.ROUTE_DECISION: sorted(DECISIONS),
    contract.CACHE_RESULT: sorted(CACHE_RESULTS),
}
_PRIORITIES = {
    EventKind.FEEDBACK: Priority.HIGH,
    EventKind.OTA_UPDATE: Priority.HIGH,
    EventKind.CRASH: Priority.HIGH,
    EventKind.SHADOW_PAIR: Priority.LOW,
}


class Subject(NamedTuple):
    """What an event is about: a call that is over, or a model; with neither, the call under way."""

    ref: Ref | None = None
    model: str | None = None
    version: str | None = None
    task: str | None = None


NOTHING = Subject()


def emit(
    kind: EventKind,
    values: Mapping[str, object],
    *,
    need: Sequence[str] = (),
    any_of: Sequence[str] = (),
    about: Subject = NOTHING,
) -> bool:
    """Put one event into the queue; ``None`` is a value that was not given. False if it was not recorded.

    It must have all of ``need``, and at least one of ``any_of`` if there are any.
    """
    pipeline = _pipeline.active or _pipeline.first()
    if pipeline.off:
        return False
    said = leaving(pipeline.tags.policy, values)
    missing = [key for key in need if key not in said]
    if missing or (any_of and not any(key in said for key in any_of)):
        wanted = ", ".join(missing) or f"one of {', '.join(any_of)}"
        ignored(kind.value, ValueFault.WRONG_TYPE, dict(values), f"it needs {wanted}")
        return False
    now, since = pipeline.times.wall_ns(), pipeline.times.since_boot()
    time, span = now, _current_span()
    labels = _labels(pipeline, about)
    known = pipeline.tags.clock_known
    if (ref := about.ref) is not None:
        time, known = ref.time_ns, ref.clock_known
        span = (ref.trace_id, ref.span_id) if any(ref.span_id) else None
    if ref is None:
        said[contract.CLOCK_MONOTONIC] = since
    elif ref.boot == boot_mark():
        said[contract.CLOCK_MONOTONIC] = ref.since_boot
    if known:
        said[contract.CLOCK_SYNCHRONIZED] = True
    severity = _encode.SEVERITY_WARN if kind is EventKind.CRASH else _encode.SEVERITY_INFO
    seq = next(pipeline.numbers)
    try:
        attributes = {**labels, **said, contract.SEQ: seq}
        body = _encode.log_record(kind.value, time, attributes, observed_ns=now, span=span, severity=severity)
    except BaseException:
        pipeline.lose(seq)
        raise
    pipeline.append(Record("logs", seq, _PRIORITIES.get(kind, Priority.NORMAL), body))
    return True


def leaving(policy: Policy, values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that make sense, as they may leave this process."""
    right = {key: found for key, value in values.items() if (found := checked(key, value)) is not None}
    return {key: left for key, value in right.items() if (left := _left(policy, key, value)) is not LEFT_OUT}


def checked(key: str, value: object) -> object | None:
    """Return the value as the contract wants it, or None: it was not given, or is ignored and counted."""
    if value is None:
        return None
    expected = contract.ATTRIBUTES[key].type
    try:
        if expected == "string":
            return _text(key, value)
        value = _plain(value)
        if expected == "bool" or isinstance(value, bool):
            return _flag(value, expected)
        return _number(key, value, whole=expected == "int")
    except _Refused as why:
        ignored(key, why.fault, value, why.way_out)
        return None


class _Refused(Exception):
    """A value that cannot be recorded."""

    def __init__(self, fault: ValueFault, way_out: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.way_out = way_out


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _Refused(ValueFault.WRONG_TYPE)
    if value not in _CHOICES.get(key, (value,)):
        raise _Refused(ValueFault.OUT_OF_RANGE, f"use one of {', '.join(_CHOICES[key])}")
    return str(value)


def _flag(value: object, expected: str) -> bool:
    if expected != "bool" or not isinstance(value, bool):
        raise _Refused(ValueFault.WRONG_TYPE)
    return value


def _number(key: str, value: object, *, whole: bool) -> float:
    if isinstance(value, str | bytes) or not hasattr(type(value), "__index__" if whole else "__float__"):
        raise _Refused(ValueFault.WRONG_TYPE)
    try:
        number = index(value) if whole else float(value)  # type: ignore[arg-type]
    except Exception:  # another library's scalar may refuse, as an array of many does
        raise _Refused(ValueFault.WRONG_TYPE) from None
    low, high = contract.RANGES.get(key, (0, _LARGEST))
    if number != number or number in (math.inf, -math.inf):
        raise _Refused(ValueFault.NOT_A_NUMBER)
    if not low <= number <= high:
        raise _Refused(ValueFault.OUT_OF_RANGE, f"it must be {low:g} to {high:g}")
    return number


def _plain(value: object) -> object:
    """Turn a scalar of numpy or torch into Python's, above all its booleans."""
    item = getattr(value, "item", None)
    try:
        return item() if callable(item) else value
    except Exception:  # an array of many
        return value


def _labels(pipeline: Pipeline, about: Subject) -> dict[str, object]:
    """Return the labels to send: those that the resource of this process does not say, or says otherwise."""
    found: dict[str, object] = {}
    if about.ref is not None:
        found = {key: text or contract.UNKNOWN for key, text in zip(KEYS, about.ref.labels, strict=True)}
    else:
        if pipeline.tags.cohort:
            found[contract.COHORT] = pipeline.tags.cohort
        call = current()
        if call is not NO_CALL:
            found.update(of_call(call))
    given = {
        contract.MODEL_NAME: about.model,
        contract.MODEL_VERSION: about.version,
        contract.TASK: about.task,
    }
    if about.model is not None and about.version is None and about.ref is None:
        found.pop(contract.MODEL_VERSION, None)  # that of another model
    found |= {key: text for key, value in given.items() if (text := checked(key, value)) is not None}
    return {key: pipeline.tags.policy.label(key, str(text)) for key, text in found.items()}


def _left(policy: Policy, key: str, value: object) -> object:
    """Return what may leave of a value; a word of a closed list may."""
    return value if key in _CHOICES else policy.attribute(key, value, contract.LABEL_MAX_CHARS)


def _current_span() -> tuple[bytes, bytes] | None:
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return context.trace_id.to_bytes(16, "big"), context.span_id.to_bytes(8, "big")
