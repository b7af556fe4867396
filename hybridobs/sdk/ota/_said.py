"""From a change of state to events: each is written down, then queued, and can be said again word for word."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from hybridobs import contract as c
from hybridobs.contract import EventKind
from hybridobs.kpi.ota import State
from hybridobs.sdk import _ids, _pipeline
from hybridobs.sdk._emit import Subject, emit, leaving
from hybridobs.sdk._guard import failed
from hybridobs.sdk._refs import KEYS, Ref, of_process
from hybridobs.sdk.ota._journal import Journal, Record, Saying, boot
from hybridobs.sdk.redact import LEFT_OUT


def move(journal: Journal, record: Record, state: State, more: Mapping[str, Any] | None = None) -> None:
    """Bring an attempt into a state and say so; ``more`` are further attributes of what is said.

    A final state is left only for another one, by taking back what was said and saying the new at the same time. A
    state that the attempt was in before is not said again.
    """
    pipeline = _pipeline.active or _pipeline.first()
    now, values = pipeline.times.wall_ns(), facts(more or {})
    if record.state.final and state.final:
        if state == record.state:
            return
        new = _corrected(record, state, now, values)
    elif not state.final and any(_is(one, state) for one in record.said):
        new = []
    else:
        new = [_saying(record, {**_values(record, state), **_took(record, state), **values})]
    if state != record.state and (state.final or not record.state.final):
        record.outcome, record.phase, record.confirmed = state
        record.changed_ns = now
    record.said += new
    journal.write(record)
    for saying in new:
        say(record, saying)


def left(key: str, text: str) -> str:
    """Return what of a text may be written down and leave; what is on disk has been through the same as the wire."""
    policy = (_pipeline.active or _pipeline.first()).tags.policy
    made = policy.attribute(key, text, c.LABEL_MAX_CHARS)
    return "" if made is LEFT_OUT else str(made)


def facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that may be written down: what is wrong in them is ignored and counted, as on the wire."""
    return leaving((_pipeline.active or _pipeline.first()).tags.policy, values)


def say(record: Record, saying: Saying) -> None:
    """Queue one event; the collector counts it once however often this is called."""
    try:
        ids = (bytes.fromhex(record.trace), bytes.fromhex(saying.span))
        mark = blake2b(saying.boot.encode(), digest_size=4).digest()
        ref = Ref(*ids, saying.time_ns, saying.since_boot, mark, saying.clock_known, tuple(saying.labels))
        emit(EventKind.OTA_UPDATE, saying.values, need=(c.OTA_OUTCOME,), about=Subject(ref))
    except Exception:
        failed("ota")


def _values(record: Record, state: State) -> dict[str, Any]:
    """What every event of an attempt says."""
    said = {
        c.OTA_SYSTEM: record.system,
        c.OTA_KIND: record.kind,
        c.OTA_DEPLOYMENT: record.deployment,
        c.OTA_ATTEMPT: record.id,
        c.OTA_FROM: record.from_version,
        c.OTA_TO: record.to_version,
        c.OTA_OUTCOME: state.outcome,
        c.OTA_PHASE: state.phase,
    }
    known = record.facts if state.final else {}
    confirmed = {c.OTA_CONFIRMED: state.confirmed} if state.outcome == "succeeded" else {}
    return {key: value for key, value in said.items() if value} | known | confirmed


def _took(record: Record, state: State) -> dict[str, Any]:
    """How long the attempt took, once it is over; nothing where the clock was set in between."""
    times = (_pipeline.active or _pipeline.first()).times
    if not state.final:
        return {}
    same_boot = record.boot == boot()
    took = times.since_boot() - record.since_boot if same_boot else (times.wall_ns() - record.began_ns) * 1e-9
    return {c.OTA_DURATION: took} if took >= 0 else {}


def _corrected(record: Record, state: State, now: int, more: Mapping[str, Any]) -> list[Saying]:
    """Take back how the attempt ended, and say how it did end: at the same time, under the same labels."""
    last = next(one for one in reversed(record.said) if _ends(one) and c.CORRECTION not in one.values)
    values = {key: value for key, value in last.values.items() if key not in (c.OTA_CONFIRMED, c.ERROR_TYPE)}
    values |= {c.OTA_OUTCOME: state.outcome, **more}
    if state.outcome == "succeeded":
        values[c.OTA_CONFIRMED] = state.confirmed
    waited = (now - last.time_ns) * 1e-9
    if state.confirmed and waited >= 0:
        values[c.OTA_TIME_TO_CONFIRM] = waited
    elif not state.confirmed:
        values.pop(c.OTA_TIME_TO_CONFIRM, None)
    return [_like(last, {**last.values, c.CORRECTION: -1}), _like(last, values)]


def _is(saying: Saying, state: State) -> bool:
    return (saying.values[c.OTA_OUTCOME], saying.values.get(c.OTA_PHASE, "")) == (state.outcome, state.phase)


def _ends(saying: Saying) -> bool:
    return State(saying.values[c.OTA_OUTCOME]).final


def _like(saying: Saying, values: dict[str, Any]) -> Saying:
    return Saying(
        values, saying.time_ns, saying.since_boot, saying.boot, saying.clock_known, saying.span, saying.labels
    )


def _saying(record: Record, values: dict[str, Any]) -> Saying:
    pipeline = _pipeline.active or _pipeline.first()
    labels = of_process(pipeline)
    if record.model:
        labels |= {c.MODEL_NAME: record.model, c.MODEL_VERSION: record.to_version}
    span = f"{_ids.random_bits(64) | 1:016x}"
    times = pipeline.times
    known = pipeline.tags.clock_known
    return Saying(
        values, times.wall_ns(), times.since_boot(), boot(), known, span, [labels.get(key, "") for key in KEYS]
    )
